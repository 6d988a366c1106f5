"""One connection to a WitMotion clip: its bytes → sample blocks, battery and identity; and what to write to it."""

from collections import deque

import numpy as np

from firmware_protocol import witmotion as protocol
from firmware_protocol.witmotion import ImuFrame, Rate, Register, RegisterReply
from firmware_protocol.witmotion_stream import Damage, WitMotionStream
from sensor.advertisement import Advertisement, Identity
from sensor.clock import SampleClock
from sensor.samples import STANDARD_GRAVITY_MPS2, BatteryReading, SampleBlock

SERVICE_PREFIX, NOTIFY_PREFIX, WRITE_PREFIX = (
    uuid[: protocol.UUID_PREFIX_LENGTH]
    for uuid in (protocol.SERVICE_UUID, protocol.NOTIFY_UUID, protocol.WRITE_UUID)
)
RATES = {10.0: Rate.HZ_10, 20.0: Rate.HZ_20, 50.0: Rate.HZ_50, 100.0: Rate.HZ_100, 200.0: Rate.HZ_200}
MEASURED_RATES_HZ = {10.0: 10.05, 20.0: 19.86, 50.0: 49.45, 100.0: 99.26, 200.0: 198.43}
"""What units were measured to send when asked for a rate."""
ACC_MPS2_PER_COUNT = protocol.G_PER_COUNT * STANDARD_GRAVITY_MPS2
GYR_RADPS_PER_COUNT = float(np.radians(protocol.DEGPS_PER_COUNT))
BATTERY_EVERY_NS = 60 * 10**9
"""The vendor advises against asking more often."""
REPLY_WITHIN_NS = 10**9
MAX_TRIES = 5
"""A clip that never answers a read is left in peace; its samples matter more."""
NAN_ROW = (np.nan,) * 6


def matches(advertisement: Advertisement) -> bool:
    """Tell a clip of this family by its service or its name; the vibration sensors of the same maker are not."""
    name = advertisement.name or ""
    if name.startswith(protocol.FOREIGN_NAME_PREFIX):
        return False
    return name.startswith(protocol.NAME_PREFIX) or any(
        uuid.lower().startswith(SERVICE_PREFIX) for uuid in advertisement.service_uuids
    )


class WitMotionSession:
    """Sets the rate, asks who the clip is and how full its battery, and turns what it sends into readings."""

    def __init__(self, rate_hz: float) -> None:
        if rate_hz not in RATES:
            known = ", ".join(f"{rate:g}" for rate in RATES)
            raise ValueError(f"a WitMotion clip sends at {known} Hz, not at {rate_hz:g}")
        self._rate_hz = rate_hz
        self._measured_hz = MEASURED_RATES_HZ[rate_hz]
        self._rate_is_set = False
        self._stream = WitMotionStream()
        self._clock = SampleClock(self._measured_hz)
        self._rows: deque[tuple[float, ...]] = deque()
        self._wanted = deque([Register.MAC, Register.VERSION, Register.BATTERY])
        self._asked: Register | None = None
        self._asked_ns = 0
        self._tries = 0
        self._battery_due_ns: int | None = None
        self._serial = ""
        self.unanswered = 0
        """Reads that were given up."""

    @property
    def lost(self) -> int:
        """Samples that the clock found lacking."""
        return self._clock.lost

    @property
    def damaged_bytes(self) -> int:
        """Bytes that were no frame."""
        return self._stream.damaged_bytes

    def writes_due(self, now_ns: int) -> list[bytes]:
        """Return the commands to write now; at most one read is on its way."""
        writes = []
        if not self._rate_is_set:
            self._rate_is_set = True
            writes.append(protocol.set_rate(RATES[self._rate_hz]))
        if self._battery_due_ns is not None and now_ns >= self._battery_due_ns:
            self._battery_due_ns = None
            self._wanted.append(Register.BATTERY)
        if self._asked is not None and now_ns - self._asked_ns >= REPLY_WITHIN_NS:
            self._give_up_or_repeat(now_ns)
        if self._asked is None and self._wanted:
            self._asked, self._asked_ns = self._wanted.popleft(), now_ns
            writes.append(protocol.read_registers(self._asked))
        return writes

    def received(self, data: bytes, arrival_ns: int) -> list[SampleBlock | BatteryReading | Identity]:
        """Take a notification; return the samples, battery and identity that it completes."""
        readings: list[SampleBlock | BatteryReading | Identity] = []
        count = 0
        for item in self._stream.feed(data):
            if isinstance(item, ImuFrame):
                self._rows.append(item.acc_counts + item.gyr_counts)
                count += 1
            elif isinstance(item, Damage):
                self._rows.extend([NAN_ROW] * item.frames)
                count += item.frames
            else:
                readings += self._reply(item, arrival_ns)
        return [*self._block(self._clock.arrived(arrival_ns, count)), *readings]

    def flush(self) -> list[SampleBlock]:
        """Return the samples that the clock still holds back."""
        return self._block(self._clock.flush())

    def _block(self, time_ns: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[SampleBlock]:
        if not len(time_ns):
            return []
        counts = np.array([self._rows.popleft() for _ in range(len(time_ns))], dtype=np.float64)
        return [
            SampleBlock(
                time_ns=time_ns,
                acc_mps2=counts[:, :3] * ACC_MPS2_PER_COUNT,
                gyr_radps=counts[:, 3:] * GYR_RADPS_PER_COUNT,
                rate_hz=self._measured_hz,
            )
        ]

    def _reply(self, reply: RegisterReply, now_ns: int) -> list[BatteryReading | Identity]:
        """Take a register reply; one that was not asked for is read all the same."""
        readings: list[BatteryReading | Identity] = []
        answered = reply.start == self._asked
        if reply.mac is not None and reply.start == Register.MAC:
            self._serial = reply.mac
            readings.append(Identity(self._serial))
        if reply.version is not None and reply.start == Register.VERSION and self._serial:
            readings.append(Identity(self._serial, reply.version))
        if reply.start == Register.BATTERY:
            if reply.battery_v is None:
                # Zero for a moment after a save: ask again.
                return readings
            readings.append(
                BatteryReading(now_ns, protocol.battery_percent(reply.battery_v), reply.battery_v)
            )
            self._battery_due_ns = now_ns + BATTERY_EVERY_NS
        if answered:
            self._asked, self._tries = None, 0
        return readings

    def _give_up_or_repeat(self, now_ns: int) -> None:
        asked, self._asked = self._asked, None
        self._tries += 1
        if asked is None:
            return
        if self._tries < MAX_TRIES:
            self._wanted.appendleft(asked)
            return
        self._tries = 0
        self.unanswered += 1
        if asked is Register.BATTERY:
            self._battery_due_ns = now_ns + BATTERY_EVERY_NS
