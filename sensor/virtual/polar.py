"""A virtual Polar H10 or Verity Sense: written with the product's own encoders, answering as Polar's SDK expects."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from firmware_protocol import gatt
from firmware_protocol import polar_pmd as protocol
from firmware_protocol.polar_pmd import (
    ControlResponse,
    DataFrame,
    MeasurementType,
    Operation,
    Settings,
    Status,
)
from firmware_protocol.polar_pmd_data import compressed_content
from sensor.virtual.motion import Floats
from sensor.virtual.unit import Advertised, Board, Char, Packet, RefusedError

ACC, GYRO = MeasurementType.ACC, MeasurementType.GYRO
SERIAL_UUID = gatt.uuid(gatt.DeviceInformation.SERIAL_NUMBER)
FIRMWARE_UUID = gatt.uuid(gatt.DeviceInformation.FIRMWARE_REVISION)
ACC_FACTOR, GYR_FACTOR = 2.44e-4, 0.061
"""What a Verity Sense tells: units of gravity and degrees a second to the count."""
SINCE_2019_S = 19 * 365.25 * 86400
"""A clock that nobody has set begins in 2019."""


@dataclass(slots=True, kw_only=True)
class Polar(Board):
    """One sensor. A stream goes on until it is stopped, or the sensor is."""

    mac: str = "A0:9E:1A:00:00:01"
    serial: str = "9B6E3A2C"
    firmware: str = "5.0.0"
    rotates: bool = False
    """Has a gyroscope: a Verity Sense."""
    status: int = Status.SUCCESS
    """How a start is answered."""
    running: dict[int, int] = field(init=False, default_factory=dict)
    """Rate by measurement."""

    @property
    def advertised(self) -> Advertised:
        """Its name, which ends in its number."""
        return Advertised(f"Polar {'Sense' if self.rotates else 'H10'} {self.serial}")

    @property
    def table(self) -> Mapping[str, tuple[Char, ...]]:
        """Measurement data, battery, who it is."""
        return {
            protocol.SERVICE_UUID: (
                Char(protocol.CONTROL_UUID, read=True, write=True, indicate=True),
                Char(protocol.DATA_UUID, notify=True),
            ),
            gatt.BATTERY_SERVICE_UUID: (Char(gatt.BATTERY_LEVEL_UUID, read=True, notify=True),),
            gatt.DEVICE_INFORMATION_SERVICE_UUID: (
                Char(SERIAL_UUID, read=True),
                Char(FIRMWARE_UUID, read=True),
            ),
        }

    @property
    def stream_hz(self) -> float | None:
        """What it measures by its own clock."""
        rate_hz = self.running.get(ACC)
        return None if rate_hz is None else rate_hz * (1 + self.drift_ppm * 1e-6)

    @property
    def bundle(self) -> int:
        """Samples in one frame."""
        return 12

    def read(self, characteristic: str, _now_s: float) -> bytes:
        """Return what it says of itself."""
        match characteristic:
            case gatt.BATTERY_LEVEL_UUID:
                return bytes(gatt.BatteryLevel(self.battery_percent))
            case protocol.CONTROL_UUID:
                return bytes(protocol.Features(1 << ACC | (1 << GYRO if self.rotates else 0)))
            case _ if characteristic == SERIAL_UUID:
                return self.serial.encode()
            case _ if characteristic == FIRMWARE_UUID:
                return self.firmware.encode()
        raise RefusedError(0x02)

    def written(self, characteristic: str, data: bytes, _now_s: float) -> None:
        """Take a command; it is answered by an indication."""
        self.taken(characteristic, data)
        operation, kind = data[0], data[1]
        status: int = Status.NOT_SUPPORTED
        parameters = b""
        if kind == ACC or (kind == GYRO and self.rotates):
            if operation == Operation.STOP:
                was_running = self.running.pop(kind, None) is not None
                status = Status.SUCCESS if was_running else Status.ALREADY_IN_STATE
            elif operation == Operation.START:
                status, parameters = self._start(kind, Settings.from_bytes(data[2:]))
        answer = ControlResponse(operation, kind, status, parameters=parameters)
        self.waiting.append((protocol.CONTROL_UUID, bytes(answer)))

    def _start(self, kind: int, wanted: Settings) -> tuple[int, bytes]:
        if self.status != Status.SUCCESS:
            return self.status, b""
        if kind in self.running:
            return Status.ALREADY_IN_STATE, b""
        self.running[kind] = wanted.rates_hz[0]
        if not self.rotates:
            return Status.SUCCESS, b""
        return Status.SUCCESS, bytes(Settings(factor=ACC_FACTOR if kind == ACC else GYR_FACTOR))

    def notifications(self, time_s: Floats) -> list[Packet]:
        """Return a frame of acceleration, and one of rotation if that runs."""
        packets = self.answers()
        at_s, acc_g, gyr_degps = self.rows(time_s)
        if not len(at_s):
            return packets
        stamp_ns = round((SINCE_2019_S + self.clock_s(float(at_s[-1]))) * 1e9)
        if ACC in self.running and not self.rotates:
            content = np.rint(acc_g * 1000).astype("<i2").tobytes()
            packets.append((protocol.DATA_UUID, bytes(DataFrame(ACC, stamp_ns, 1, False, content))))
            return packets
        for kind, counts in ((ACC, acc_g / ACC_FACTOR), (GYRO, gyr_degps / GYR_FACTOR)):
            if kind in self.running:
                content = compressed_content([[int(n) for n in row] for row in np.rint(counts)], 16)
                packets.append((protocol.DATA_UUID, bytes(DataFrame(kind, stamp_ns, 0, True, content))))
        return packets

    def restart(self, now_s: float) -> None:
        """Begin anew, measuring nothing."""
        self.running.clear()
        self.restart_clock(now_s)
