"""A virtual Movella DOT: written with the product's own encoders, behaving as the maker's specification says."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from firmware_protocol import movella_dot as protocol
from firmware_protocol import movella_dot_measurement as measurement
from firmware_protocol.movella_dot_measurement import Measurement, Mode
from sensor.virtual.motion import STANDARD_GRAVITY_MPS2, Floats
from sensor.virtual.unit import Advertised, Board, Char, Packet, RefusedError

RATE_IS_STILL = protocol.Apply.RATE | protocol.Apply.FILTER


@dataclass(slots=True, kw_only=True)
class MovellaDot(Board):
    """One unit. It goes on measuring when its host forgets it, and then refuses another rate."""

    mac: str = "D4:22:CD:00:1A:5B"
    serial: int = 0x40_0000_1A5B
    control: protocol.DeviceControl = field(default_factory=protocol.DeviceControl)
    measures: protocol.MeasurementControl = field(
        default_factory=lambda: protocol.MeasurementControl(running=False, mode=Mode.RATE)
    )

    @property
    def advertised(self) -> Advertised:
        """Its name, and its maker."""
        return Advertised(self.control.tag, company=(protocol.COMPANY_ID, b""))

    @property
    def table(self) -> Mapping[str, tuple[Char, ...]]:
        """Configuration, measurement, battery."""
        return {
            protocol.CONFIGURATION_SERVICE_UUID: (
                Char(protocol.DEVICE_INFO_UUID, read=True),
                Char(protocol.DEVICE_CONTROL_UUID, read=True, write=True),
                Char(protocol.DEVICE_REPORT_UUID, notify=True),
            ),
            protocol.MEASUREMENT_SERVICE_UUID: (
                Char(protocol.MEASUREMENT_CONTROL_UUID, read=True, write=True),
                Char(measurement.LONG_UUID, notify=True),
                Char(measurement.MEDIUM_UUID, notify=True),
                Char(measurement.SHORT_UUID, notify=True),
            ),
            protocol.uuid(0x3000): (Char(protocol.BATTERY_UUID, read=True, notify=True),),
        }

    @property
    def stream_hz(self) -> float | None:
        """What it measures by its own clock, which is a little fast."""
        if not self.measures.running:
            return None
        return self.control.rate_hz * (1 + self.drift_ppm * 1e-6)

    @property
    def bundle(self) -> int:
        """One sample a payload."""
        return 1

    def read(self, characteristic: str, _now_s: float) -> bytes:
        """Return what it says of itself."""
        match characteristic:
            case protocol.DEVICE_INFO_UUID:
                major, minor, patch = map(int, self.firmware.split("."))
                built = (2023, 7, 1, 12, 0, 0)
                info = protocol.DeviceInfo(self.mac, (major, minor, patch), built, 0, self.serial, "XS-T02")
                return bytes(info)
            case protocol.DEVICE_CONTROL_UUID:
                return bytes(self.control)
            case protocol.MEASUREMENT_CONTROL_UUID:
                return bytes(self.measures)
            case protocol.BATTERY_UUID:
                return bytes(protocol.Battery(self.battery_percent, charging=False))
        raise RefusedError(0x02)

    def written(self, characteristic: str, data: bytes, _now_s: float) -> None:
        """Take settings, and start or stop."""
        self.taken(characteristic, data)
        if characteristic == protocol.MEASUREMENT_CONTROL_UUID:
            wanted = protocol.MeasurementControl.from_bytes(data)
            if wanted.running and measurement.characteristic_of(Mode(wanted.mode)) not in self.subscriptions:
                raise RefusedError
            self.measures = wanted
        elif characteristic == protocol.DEVICE_CONTROL_UUID:
            self._apply(protocol.DeviceControl.from_bytes(data), data)

    def _apply(self, wanted: protocol.DeviceControl, data: bytes) -> None:
        if wanted.apply & protocol.Apply.IDENTIFY:
            self.signals.append(data)
        if wanted.apply & RATE_IS_STILL and self.measures.running:
            raise RefusedError
        if wanted.apply & protocol.Apply.RATE:
            self.control = replace(self.control, rate_hz=wanted.rate_hz)

    def notifications(self, time_s: Floats) -> list[Packet]:
        """Return payloads of the mode that it measures in, filled up with zeros."""
        mode = Mode(self.measures.mode)
        characteristic = measurement.characteristic_of(mode)
        padding = {measurement.MEDIUM_UUID: 40, measurement.LONG_UUID: 63}.get(characteristic, 20)
        packets = self.answers()
        for at_s, acc_g, gyr_degps in zip(*self.rows(time_s), strict=True):
            payload = Measurement(
                mode,
                int(self.clock_s(float(at_s)) * 1e6) & 0xFFFF_FFFF,
                acc_mps2=_float32(acc_g * STANDARD_GRAVITY_MPS2),
                gyr_degps=_float32(gyr_degps),
                quaternion_wxyz=(1.0, 0.0, 0.0, 0.0),
            )
            packets.append((characteristic, bytes(payload).ljust(padding, b"\0")))
        return packets

    def restart(self, now_s: float) -> None:
        """Begin anew, measuring nothing; the rate is kept."""
        self.measures = replace(self.measures, running=False)
        self.restart_clock(now_s)


def _float32(numbers: Floats) -> tuple[float, float, float]:
    x, y, z = struct.unpack("<3f", struct.pack("<3f", *numbers.tolist()))
    return x, y, z
