"""TI SensorTag CC2650: motion. EXPERIMENTAL.

Not sold any more. Source: node-sensortag and bluepy. UUIDs and layout agree [H]; what a count of acceleration is does not
[M]: one library asks for nothing and reads 8 g, the other asks for 4 g and needed 8 g. So the range is an argument, and
`range_at_rest` tells which one makes a still sensor feel gravity. No capture from hardware was found.

Advertised as `CC2650 SensorTag` or `SensorTag 2.0`. Standard battery service. At most 10 Hz, no time, loss is invisible:
enough to tell a posture, not to follow one. Buzzer on another service.
"""

import struct
from dataclasses import dataclass

from firmware_protocol.errors import InvalidCommandError
from firmware_protocol.fields import Counts, Triple, in_range, scaled, unpack

NAMES = ("CC2650 SensorTag", "SensorTag 2.0")


def uuid(short: int) -> str:
    """Return the full UUID of a SensorTag's short one."""
    return f"f000{short:04x}-0451-4000-b000-000000000000"


SERVICE_UUID = uuid(0xAA80)
DATA_UUID = uuid(0xAA81)
CONFIG_UUID = uuid(0xAA82)
PERIOD_UUID = uuid(0xAA83)

RANGES_G = (2, 4, 8, 16)
DEGPS_PER_COUNT = 1 / 128
ALL_AXES = 0x007F
_MOTION = struct.Struct("<9h")
_CONFIG = struct.Struct("<H")


def configure(range_g: int) -> bytes:
    """Return the command for `CONFIG_UUID`: all axes, and this range asked for."""
    if range_g not in RANGES_G:
        raise InvalidCommandError(f"a SensorTag has no range of {range_g} g")
    return _CONFIG.pack(ALL_AXES | RANGES_G.index(range_g) << 8)


def turn_off() -> bytes:
    """Return the command for `CONFIG_UUID` that ends it."""
    return _CONFIG.pack(0)


def set_period(period_ms: int) -> bytes:
    """Return the command for `PERIOD_UUID`, 100 to 2550 ms in steps of 10."""
    in_range(period_ms, 100, 2550, "a period")
    return bytes([period_ms // 10])


@dataclass(frozen=True, slots=True)
class Motion:
    """One sample: rotation, acceleration, magnetic field."""

    gyr_counts: Counts
    acc_counts: Counts
    mag_counts: Counts

    @classmethod
    def from_bytes(cls, data: bytes) -> "Motion":
        """Read 18 bytes."""
        gx, gy, gz, ax, ay, az, mx, my, mz = unpack(_MOTION, data, "a SensorTag's motion")
        return cls((gx, gy, gz), (ax, ay, az), (mx, my, mz))

    def __bytes__(self) -> bytes:
        return _MOTION.pack(*self.gyr_counts, *self.acc_counts, *self.mag_counts)

    @property
    def gyr_degps(self) -> Triple:
        """Rotation in degrees a second, ±250."""
        return scaled(self.gyr_counts, DEGPS_PER_COUNT)

    def acc_g(self, range_g: int) -> Triple:
        """Return acceleration in units of gravity, for the range that is in force (not: asked for)."""
        if range_g not in RANGES_G:
            raise InvalidCommandError(f"a SensorTag has no range of {range_g} g")
        return scaled(self.acc_counts, range_g / 32768)


def range_at_rest(acc_counts: Counts) -> int:
    """Return the range that is in force, by a sample of a sensor at rest: the one that makes it feel about 1 g."""
    length = sum(count * count for count in acc_counts) ** 0.5
    return min(RANGES_G, key=lambda range_g: abs(length * range_g / 32768 - 1))
