"""A virtual Capture2Go: written with the product's own encoders, behaving as the maker's protocol says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from firmware_protocol import capture2go as protocol
from firmware_protocol.capture2go import RATES_HZ, Header, Package
from firmware_protocol.capture2go_data import Form, Samples
from firmware_protocol.capture2go_mode import MeasurementMode
from firmware_protocol.capture2go_stream import NONE_REAL_TIME
from sensor.virtual.motion import Floats
from sensor.virtual.unit import Advertised, Board, Char, Packet, RefusedError

CHUNK = 90
"""Bytes in a notification at most: packages are cut anywhere."""
BOOT_NS = 1_700_000_000 * 10**9
ACC_COUNTS_PER_G = 9.80665 / 9.81 * 2048
"""Its gravity is 9.81 m/s²."""


@dataclass(slots=True, kw_only=True)
class Capture2Go(Board):
    """One sensor. It goes on streaming when its host is gone."""

    mac: str = "C3:2E:00:00:00:01"
    serial: str = "C2G000"
    firmware: str = "1.4.0"
    fails: dict[int, int] = field(default_factory=dict)
    """Error codes by the header of the command that is answered with them."""
    streams: bool = False
    mode: MeasurementMode = field(default_factory=MeasurementMode)

    @property
    def advertised(self) -> Advertised:
        """Its name, and its service."""
        return Advertised("IMU_0042", (protocol.SERVICE_UUID,))

    @property
    def table(self) -> Mapping[str, tuple[Char, ...]]:
        """One service."""
        return {
            protocol.SERVICE_UUID: (
                Char(protocol.WRITE_UUID, write=True),
                Char(protocol.NOTIFY_UUID, notify=True),
            )
        }

    @property
    def stream_hz(self) -> float | None:
        """What it measures by its own clock."""
        if not self.streams or not self.mode.packed:
            return None
        return RATES_HZ[self.mode.packed - 1] * (1 + self.drift_ppm * 1e-6)

    @property
    def bundle(self) -> int:
        """Samples in one package."""
        return 8

    def read(self, _characteristic: str, _now_s: float) -> bytes:
        """Refuse: nothing can be read."""
        raise RefusedError(0x02)

    def written(self, characteristic: str, data: bytes, now_s: float) -> None:
        """Take a command, and answer it."""
        self.taken(characteristic, data)
        command = Package.from_bytes(data)
        if code := self.fails.get(command.header):
            answer = Package(Header.ERROR, bytes(protocol.SensorError(code, command.header)))
        else:
            answer = self._answer(command, now_s)
        self.waiting += self._notified(answer)

    def _answer(self, command: Package, now_s: float) -> Package:
        match command.header:
            case Header.GET_DEVICE_INFO:
                texts = (self.serial, "hw3", "capture2go", self.firmware, "2026-04-01")
                sizes = (6, 8, 8, 12, 11)
                serial, *others = (
                    text.encode()[:size].ljust(size, b"\0") for text, size in zip(texts, sizes, strict=True)
                )
                return Package(Header.DEVICE_INFO, bytes(protocol.DeviceInfo(1, serial, *others)))
            case Header.SET_MEASUREMENT_MODE:
                self.mode = MeasurementMode.from_bytes(command.payload)
                return Package(Header.MEASUREMENT_MODE, command.payload)
            case Header.START_STREAMING:
                self.streams = True
                return Package(Header.START_STREAMING_ACKNOWLEDGED)
            case Header.STOP_STREAMING_AND_CLEAR_BUFFER:
                self.streams = False
                return Package(Header.STOP_STREAMING_AND_CLEAR_BUFFER_ACKNOWLEDGED)
            case Header.GET_STATUS:
                state = protocol.SensorState.STREAMING if self.streams else protocol.SensorState.IDLE
                time_ns = self._stamp_ns(now_s)
                connection = protocol.ConnectionState.BLUETOOTH
                status = protocol.Status(
                    time_ns, state, connection, (0, 0, 0), False, self.battery_percent, 90
                )
                return Package(Header.STATUS, bytes(status))
        unknown = protocol.SensorError(protocol.ErrorCode.UNKNOWN_COMMAND, command.header)
        return Package(Header.ERROR, bytes(unknown))

    def _stamp_ns(self, time_s: float) -> int:
        return BOOT_NS + round(self.clock_s(time_s) * 1e9)

    def notifications(self, time_s: Floats) -> list[Packet]:
        """Return a package of eight samples, cut into notifications."""
        packets = self.answers()
        at_s, acc_g, gyr_degps = self.rows(time_s)
        if len(at_s) == self.bundle:
            acc, gyr = np.rint(acc_g * ACC_COUNTS_PER_G), np.rint(gyr_degps * 16.384)
            stamp_ns = self._stamp_ns(float(at_s[0]))
            form, rate = Form.PACKED_SIX_AXIS, self.mode.packed
            samples = Samples(form, rate, stamp_ns, _counts(gyr), _counts(acc), (), 0, 0, 0)
            packets += self._notified(Package(samples.header, bytes(samples)))
        return packets

    def restart(self, now_s: float) -> None:
        """Begin anew, idle."""
        self.streams, self.mode = False, MeasurementMode()
        self.restart_clock(now_s)

    def _notified(self, package: Package) -> list[Packet]:
        data, size = bytes(package), min(CHUNK, self.payload - 1)
        chunks = (data[at : at + size] for at in range(0, len(data), size))
        return [(protocol.NOTIFY_UUID, bytes([NONE_REAL_TIME]) + chunk) for chunk in chunks]


def _counts(rows: Floats) -> tuple[tuple[int, int, int], ...]:
    return tuple((int(x), int(y), int(z)) for x, y, z in rows)
