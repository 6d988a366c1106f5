"""One connection to a WitMotion clip: its bytes → sample blocks, battery and identity; and what to write to it."""

from math import nan, radians

import numpy as np

from firmware_protocol import witmotion as protocol
from firmware_protocol.witmotion import FRAME_LENGTH, ImuFrame, Rate, Register, RegisterReply
from firmware_protocol.witmotion_stream import COUNTS_OFFSET, Damage, WitMotionStream
from sensor.advertisement import Advertisement, Identity
from sensor.blocks import Row, SteeredBlocks
from sensor.dialogue import BATTERY_EVERY_NS
from sensor.oddities import CUT, CUT_LENGTH
from sensor.samples import STANDARD_GRAVITY_MPS2, BatteryReading, SampleBlock
from sensor.session import Capabilities, Family, Refusal, Request, Signal, Subscribe, Told, Write
from sensor.sessions.asking import AskingSession

SERVICE_PREFIX, NOTIFY_PREFIX, WRITE_PREFIX = (
    uuid[: protocol.UUID_PREFIX_LENGTH]
    for uuid in (protocol.SERVICE_UUID, protocol.NOTIFY_UUID, protocol.WRITE_UUID)
)
RATES = {10.0: Rate.HZ_10, 20.0: Rate.HZ_20, 50.0: Rate.HZ_50, 100.0: Rate.HZ_100, 200.0: Rate.HZ_200}
MEASURED_RATES_HZ = {10.0: 10.05, 20.0: 19.86, 50.0: 49.45, 100.0: 99.26, 200.0: 198.43}
"""What units were measured to send when asked for a rate."""
ACC_MPS2_PER_COUNT = protocol.G_PER_COUNT * STANDARD_GRAVITY_MPS2
GYR_RADPS_PER_COUNT = radians(protocol.DEGPS_PER_COUNT)
SCALE = (ACC_MPS2_PER_COUNT,) * 3 + (GYR_RADPS_PER_COUNT,) * 3
JUDGED_AFTER_S = 3.0
CUT_SHARE = 0.7
"""Cut to their first frame, bundles of two bring half of the samples."""
SINGLE_HZ = 20.0
"""Up to this rate frames come one by one: there is nothing to cut."""
NAN_ROW = (nan,) * 6
COUNT = np.dtype("<i2")
ASKED = {Register.MAC: None, Register.VERSION: None, Register.BATTERY: BATTERY_EVERY_NS}
"""What is read, in this order, and how often."""


def matches(advertisement: Advertisement) -> bool:
    """Tell a clip of this family by its service or its name; the vibration sensors of the same maker are not."""
    name = advertisement.name or ""
    if name.startswith(protocol.FOREIGN_NAME_PREFIX):
        return False
    return name.startswith(protocol.NAME_PREFIX) or any(
        uuid.lower().startswith(SERVICE_PREFIX) for uuid in advertisement.service_uuids
    )


class _Carriage:
    """Whether the link carries the clip's notifications whole: cut, they look like single frames, and half are gone."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._from_ns: int | None = None
        self._samples = 0
        self._judged = rate_hz <= SINGLE_HZ
        self._cut = False

    def arrived(self, length: int, samples: int, arrival_ns: int) -> None:
        """Take the length of a notification and its samples."""
        if self._judged:
            return
        if self._from_ns is None:
            self._from_ns = arrival_ns
        elif length > CUT_LENGTH:
            self._judged = True
        self._samples += samples
        passed_s = (arrival_ns - self._from_ns) / 1e9
        if passed_s > JUDGED_AFTER_S:
            self._judged, self._cut = True, self._samples < CUT_SHARE * self._rate_hz * passed_s

    def refusals(self) -> list[Refusal]:
        """Return what there is to say against this link."""
        return [CUT] if self._cut else []


class WitMotionSession(AskingSession):
    """Sets the rate, asks who the clip is and how full its battery, and turns what it sends into readings."""

    def __init__(self, rate_hz: float) -> None:
        super().__init__()
        if rate_hz not in RATES:
            known = ", ".join(f"{rate:g}" for rate in RATES)
            raise ValueError(f"a WitMotion clip sends at {known} Hz, not at {rate_hz:g}")
        self._stream = WitMotionStream()
        self._blocks = SteeredBlocks(MEASURED_RATES_HZ[rate_hz], SCALE)
        self._carriage = _Carriage(MEASURED_RATES_HZ[rate_hz])
        self._serial = ""
        self._dialogue.tell(Subscribe(NOTIFY_PREFIX), Write(WRITE_PREFIX, protocol.set_rate(RATES[rate_hz])))
        for register, every_ns in ASKED.items():
            question = Write(WRITE_PREFIX, protocol.read_registers(register), needed=False)
            self._dialogue.ask(register, question, every_ns=every_ns)

    @property
    def lost(self) -> int:
        """Samples that the clock found lacking."""
        return self._blocks.lost

    @property
    def damaged_bytes(self) -> int:
        """Bytes that were no frame."""
        return self._stream.damaged_bytes

    @property
    def unanswered(self) -> int:
        """Reads that were given up."""
        return self._dialogue.unanswered

    def received(self, _characteristic: str, data: bytes, arrival_ns: int) -> list[Told]:
        """Take a notification; return the samples, battery and identity that it completes."""
        if count := self._stream.feed_whole(data):
            rows_counts = np.ndarray(
                (count, len(SCALE)), COUNT, data, COUNTS_OFFSET, (FRAME_LENGTH, COUNT.itemsize)
            )
            self._carriage.arrived(len(data), count, arrival_ns)
            return [*self._blocks.take(rows_counts, arrival_ns), *self._carriage.refusals()]
        readings: list[Told] = []
        rows: list[Row] = []
        for item in self._stream.feed(data):
            if isinstance(item, ImuFrame):
                rows.append(item.acc_counts + item.gyr_counts)
            elif isinstance(item, Damage):
                rows.extend([NAN_ROW] * item.frames)
            else:
                readings += self._reply(item, arrival_ns)
        self._carriage.arrived(len(data), len(rows), arrival_ns)
        return [*self._blocks.take(rows, arrival_ns), *readings, *self._carriage.refusals()]

    def flush(self) -> list[SampleBlock]:
        """Return the samples that the clock still holds back."""
        return self._blocks.flush()

    def signal(self, signal: Signal) -> list[Request]:
        """Raise ValueError: a clip of this family has no means for it."""
        raise ValueError(f"a WitMotion clip gives no {signal.kind}")

    def _reply(self, reply: RegisterReply, now_ns: int) -> list[BatteryReading | Identity]:
        """Take a register reply; one that was not asked for is read all the same."""
        readings: list[BatteryReading | Identity] = []
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
        self._dialogue.answered(reply.start, now_ns)
        return readings


FAMILY = Family(
    name="witmotion",
    title="WitMotion WT901BLE, WT9011DCL-BT50",
    matches=matches,
    rates_hz=tuple(MEASURED_RATES_HZ),
    default_rate_hz=50.0,
    data_characteristic=NOTIFY_PREFIX,
    open_session=WitMotionSession,
    capabilities=Capabilities(),
    count=(ACC_MPS2_PER_COUNT, GYR_RADPS_PER_COUNT),
)
