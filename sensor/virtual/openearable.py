"""A virtual OpenEarable 2: written with the product's own encoders, behaving as its firmware does."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from firmware_protocol import gatt
from firmware_protocol import openearable as protocol
from sensor.virtual.motion import STANDARD_GRAVITY_MPS2, Floats
from sensor.virtual.unit import Advertised, Board, Char, Packet, RefusedError

FIRMWARE_UUID = gatt.uuid(gatt.DeviceInformation.FIRMWARE_REVISION)


@dataclass(slots=True, kw_only=True)
class OpenEarable(Board):
    """One earbud. It goes on measuring when its host is gone."""

    mac: str = "C2:0E:00:00:00:01"
    firmware: str = "2.2.4"
    config: protocol.SensorConfig = field(default_factory=lambda: protocol.SensorConfig(0, 0, 0))

    @property
    def advertised(self) -> Advertised:
        """Its name, which ends in four digits."""
        return Advertised("OpenEarable-1A2B")

    @property
    def table(self) -> Mapping[str, tuple[Char, ...]]:
        """Sensors, battery, which version it is."""
        return {
            protocol.SENSOR_SERVICE_UUID: (
                Char(protocol.DATA_UUID, notify=True),
                Char(protocol.CONFIG_UUID, write=True),
                Char(protocol.CONFIG_STATE_UUID, read=True, notify=True),
            ),
            gatt.BATTERY_SERVICE_UUID: (Char(gatt.BATTERY_LEVEL_UUID, read=True, notify=True),),
            gatt.DEVICE_INFORMATION_SERVICE_UUID: (Char(FIRMWARE_UUID, read=True),),
        }

    @property
    def stream_hz(self) -> float | None:
        """What it is set to, by its own clock."""
        rate_hz = self.config.rate_hz
        if rate_hz is None or not self.config.destination & protocol.Destination.STREAM:
            return None
        return rate_hz * (1 + self.drift_ppm * 1e-6)

    @property
    def bundle(self) -> int:
        """One sample a notification."""
        return 1

    def read(self, characteristic: str, _now_s: float) -> bytes:
        """Return battery, version or settings."""
        match characteristic:
            case gatt.BATTERY_LEVEL_UUID:
                return bytes(gatt.BatteryLevel(self.battery_percent))
            case protocol.CONFIG_STATE_UUID:
                return bytes(self.config)
            case _ if characteristic == FIRMWARE_UUID:
                return self.firmware.encode()
        raise RefusedError(0x02)

    def written(self, characteristic: str, data: bytes, _now_s: float) -> None:
        """Take the configuration of a sensor."""
        self.taken(characteristic, data)
        config = protocol.SensorConfig.from_bytes(data)
        if config.sensor == protocol.Sensor.IMU:
            self.config = config

    def notifications(self, time_s: Floats) -> list[Packet]:
        """Return one notification a sample."""
        packets = self.answers()
        for at_s, acc_g, gyr_degps in zip(*self.rows(time_s), strict=True):
            acc, gyr = (_float32(row) for row in (acc_g * STANDARD_GRAVITY_MPS2, gyr_degps))
            time_us = int(self.clock_s(float(at_s)) * 1e6)
            packet = protocol.MotionPacket(time_us, (protocol.Motion(acc, gyr),))
            packets.append((protocol.DATA_UUID, bytes(packet)))
        return packets

    def restart(self, now_s: float) -> None:
        """Begin anew, measuring nothing."""
        self.config = protocol.SensorConfig(0, 0, 0)
        self.restart_clock(now_s)


def _float32(row: Floats) -> tuple[float, float, float]:
    x, y, z = (float(number) for number in row.astype(np.float32))
    return x, y, z
