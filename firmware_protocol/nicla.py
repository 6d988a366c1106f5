"""Arduino Nicla Sense ME with the `App` sketch of Arduino_BHY2: motion. EXPERIMENTAL.

Source: Arduino_BHY2; the layout is certain [H], what a count is worth is not in it: scales are of the data sheet of the
chip and its factory range [L]. No capture from hardware was found; no time, and loss is invisible.

Advertised as `NICLA`, with the same UUIDs as OpenEarable: go by the name. The "dashboard" sketch has another service and is
not read here. A configuration with a latency bundles twenty packets in a notification, and puts a counter into the last
byte of each.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import Counts, Quaternion, Triple, in_range, scaled, unpack

NAME = "NICLA"
SENSOR_SERVICE_UUID = "34c2e3bb-34aa-11eb-adc1-0242ac120002"
DATA_UUID = "34c2e3bc-34aa-11eb-adc1-0242ac120002"
CONFIG_UUID = "34c2e3bd-34aa-11eb-adc1-0242ac120002"

PACKET_LENGTH = 12
BUNDLE = 20
G_PER_COUNT = 1 / 4096
"""At ±8 g, the chip's setting at start [L]."""
QUATERNION_PER_COUNT = 1 / 16384
"""[L]"""

_CONFIG = struct.Struct("<BfI")
_PACKET = struct.Struct("<BB10s")
_TRIPLE = struct.Struct("<3h")
_QUATERNION = struct.Struct("<4h")


class Sensor(IntEnum):
    """The chip's virtual sensors, those worth having here."""

    ACCELEROMETER = 4
    GYROSCOPE = 13
    GRAVITY = 28
    LINEAR_ACCELERATION = 31
    ROTATION_VECTOR = 34
    GAME_ROTATION_VECTOR = 37
    """Without the magnetic field."""
    ORIENTATION = 43


def configure(sensor: Sensor, rate_hz: float, latency_ms: int = 0) -> bytes:
    """Return the command for `CONFIG_UUID`: a sensor at a rate, 0 for off."""
    if not 0 <= rate_hz <= 400:
        raise InvalidCommandError(f"a rate is from 0 to 400 Hz, not {rate_hz}")
    return _CONFIG.pack(sensor, rate_hz, in_range(latency_ms, 0, (1 << 24) - 1, "a latency"))


@dataclass(frozen=True, slots=True)
class SensorPacket:
    """What one sensor says."""

    sensor: int
    size: int
    payload: bytes
    """Ten bytes."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "SensorPacket":
        """Read twelve bytes."""
        return cls(*unpack(_PACKET, data, "a Nicla's packet"))

    def __bytes__(self) -> bytes:
        return _PACKET.pack(self.sensor, self.size, self.payload)

    @property
    def counts(self) -> Counts:
        """x, y, z of a sensor that has them."""
        x, y, z = _TRIPLE.unpack_from(self.payload)
        return x, y, z

    @property
    def acc_g(self) -> Triple:
        """Acceleration, of the accelerometer."""
        return scaled(self.counts, G_PER_COUNT)

    @property
    def quaternion_xyzw(self) -> Quaternion:
        """Orientation, of a rotation vector."""
        x, y, z, w = (count * QUATERNION_PER_COUNT for count in _QUATERNION.unpack_from(self.payload))
        return x, y, z, w


def packets(notification: bytes) -> list[SensorPacket]:
    """Read one packet, or a bundle of them; MalformedFrameError when there are not whole ones."""
    count, odd = divmod(len(notification), PACKET_LENGTH)
    if odd or not 1 <= count <= BUNDLE:
        raise MalformedFrameError("not whole packets of a Nicla", bytes(notification))
    return [
        SensorPacket.from_bytes(notification[at : at + PACKET_LENGTH])
        for at in range(0, len(notification), PACKET_LENGTH)
    ]
