"""Nordic Thingy:52: how to know one, and its motion.

This module and `thingy52_interface` are the specification. Source: Nordic's firmware (archived 2021), issues of its Android library, and a packet
captured by a user [H].

Connecting
    Advertised as `Thingy`, up to ten characters that the wearer can change, with the configuration service's UUID.
    Standard battery service; its value skips. Write `MotionConfig`, then enable notifications of what is wanted: that
    switches the output on, and all are off after a disconnect. Not all at once: GATT error 8. Everything fits the
    smallest MTU. Set to 200 Hz it sends 50 to 70 to a phone.

Time
    No stamp, no counter: loss is invisible.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.errors import MalformedFrameError
from firmware_protocol.fields import Counts, Quaternion, Triple, finite, in_range, scaled, unpack

NAME = "Thingy"


def uuid(short: int) -> str:
    """Return the full UUID of a Thingy's short one."""
    return f"ef68{short:04x}-9b35-4933-9b10-52ffa9740042"


CONFIGURATION_SERVICE_UUID = uuid(0x0100)
"""The advertised one."""
MOTION_SERVICE_UUID = uuid(0x0400)
MOTION_CONFIG_UUID = uuid(0x0401)
TAP_UUID = uuid(0x0402)
ORIENTATION_UUID = uuid(0x0403)
QUATERNION_UUID = uuid(0x0404)
PEDOMETER_UUID = uuid(0x0405)
RAW_UUID = uuid(0x0406)
EULER_UUID = uuid(0x0407)
ROTATION_UUID = uuid(0x0408)
HEADING_UUID = uuid(0x0409)
GRAVITY_UUID = uuid(0x040A)

G_PER_COUNT = 1 / (1 << 10)
DEGPS_PER_COUNT = 1 / (1 << 5)
"""Some programs divide by 256: wrong."""
MICROTESLA_PER_COUNT = 1 / (1 << 4)
QUATERNION_PER_COUNT = 1 / (1 << 30)
DEG_PER_COUNT = 1 / (1 << 16)
ROTATION_PER_COUNT = 1 / (1 << 14)

_CONFIG = struct.Struct("<HHHHB")
_PAIR = struct.Struct("<BB")
_BYTE = struct.Struct("<B")
_QUATERNION = struct.Struct("<4i")
_PEDOMETER = struct.Struct("<II")
_RAW = struct.Struct("<9h")
_EULER = struct.Struct("<3i")
_HEADING = struct.Struct("<i")
_GRAVITY = struct.Struct("<3f")


@dataclass(frozen=True, slots=True)
class MotionConfig:
    """0x0401, read and write."""

    rate_hz: int = 10
    """5 to 200, of all motion outputs."""
    steps_ms: int = 1000
    """100 to 5000."""
    temperature_ms: int = 500
    """100 to 5000: how often it corrects for temperature."""
    magnetometer_ms: int = 500
    """100 to 1000."""
    wake_on_motion: bool = True

    @classmethod
    def from_bytes(cls, data: bytes) -> "MotionConfig":
        """Read nine bytes; MalformedFrameError when waking is neither yes nor no."""
        steps, temperature, magnetometer, rate, wake = unpack(_CONFIG, data, "a Thingy's configuration")
        if wake > 1:
            raise MalformedFrameError(f"waking on motion is {wake}", bytes(data))
        return cls(rate, steps, temperature, magnetometer, bool(wake))

    def __bytes__(self) -> bytes:
        intervals = (self.steps_ms, self.temperature_ms, self.magnetometer_ms)
        return _CONFIG.pack(*intervals, self.rate_hz, self.wake_on_motion)


def configure(
    rate_hz: int,
    *,
    steps_ms: int = 1000,
    temperature_ms: int = 500,
    magnetometer_ms: int = 500,
    wake: bool = True,
) -> bytes:
    """Return the command for 0x0401; InvalidCommandError beyond what the firmware takes."""
    in_range(rate_hz, 5, 200, "a rate")
    in_range(steps_ms, 100, 5000, "the interval of steps")
    in_range(temperature_ms, 100, 5000, "the interval of temperature")
    in_range(magnetometer_ms, 100, 1000, "the interval of the magnetometer")
    return bytes(MotionConfig(rate_hz, steps_ms, temperature_ms, magnetometer_ms, wake))


@dataclass(frozen=True, slots=True)
class Raw:
    """0x0406: acceleration with gravity, rotation, magnetic field."""

    acc_counts: Counts
    gyr_counts: Counts
    mag_counts: Counts = (0, 0, 0)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Raw":
        """Read 18 bytes."""
        ax, ay, az, gx, gy, gz, mx, my, mz = unpack(_RAW, data, "a Thingy's raw data")
        return cls((ax, ay, az), (gx, gy, gz), (mx, my, mz))

    def __bytes__(self) -> bytes:
        return _RAW.pack(*self.acc_counts, *self.gyr_counts, *self.mag_counts)

    @property
    def acc_g(self) -> Triple:
        """Acceleration in units of gravity."""
        return scaled(self.acc_counts, G_PER_COUNT)

    @property
    def gyr_degps(self) -> Triple:
        """Rotation in degrees a second."""
        return scaled(self.gyr_counts, DEGPS_PER_COUNT)

    @property
    def mag_ut(self) -> Triple:
        """Magnetic field in microtesla."""
        return scaled(self.mag_counts, MICROTESLA_PER_COUNT)


@dataclass(frozen=True, slots=True)
class Orientation:
    """0x0404: the on-board quaternion."""

    counts: tuple[int, int, int, int]
    """w, x, y, z."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "Orientation":
        """Read 16 bytes."""
        return cls(unpack(_QUATERNION, data, "a Thingy's quaternion"))

    def __bytes__(self) -> bytes:
        return _QUATERNION.pack(*self.counts)

    @property
    def quaternion_wxyz(self) -> Quaternion:
        """As numbers."""
        w, x, y, z = (count * QUATERNION_PER_COUNT for count in self.counts)
        return w, x, y, z


@dataclass(frozen=True, slots=True)
class Euler:
    """0x0407: on-board roll, pitch and yaw."""

    counts: Counts

    @classmethod
    def from_bytes(cls, data: bytes) -> "Euler":
        """Read twelve bytes."""
        return cls(unpack(_EULER, data, "a Thingy's angles"))

    def __bytes__(self) -> bytes:
        return _EULER.pack(*self.counts)

    @property
    def angle_deg(self) -> Triple:
        """Roll, pitch, yaw."""
        return scaled(self.counts, DEG_PER_COUNT)


@dataclass(frozen=True, slots=True)
class Heading:
    """0x0409."""

    count: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "Heading":
        """Read four bytes."""
        return cls(*unpack(_HEADING, data, "a Thingy's heading"))

    def __bytes__(self) -> bytes:
        return _HEADING.pack(self.count)

    @property
    def heading_deg(self) -> float:
        """From magnetic north."""
        return self.count * DEG_PER_COUNT


@dataclass(frozen=True, slots=True)
class Gravity:
    """0x040A: gravity in the sensor's frame."""

    gravity_mps2: Triple

    @classmethod
    def from_bytes(cls, data: bytes) -> "Gravity":
        """Read twelve bytes; MalformedFrameError when a number is none."""
        x, y, z = finite(unpack(_GRAVITY, data, "a Thingy's gravity"), data)
        return cls((x, y, z))

    def __bytes__(self) -> bytes:
        return _GRAVITY.pack(*self.gravity_mps2)


@dataclass(frozen=True, slots=True)
class Rotation:
    """0x0408: the on-board rotation matrix."""

    counts: tuple[int, ...]
    """Nine, row by row."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "Rotation":
        """Read 18 bytes."""
        return cls(unpack(_RAW, data, "a Thingy's rotation matrix"))

    def __bytes__(self) -> bytes:
        return _RAW.pack(*self.counts)

    @property
    def rows(self) -> tuple[Triple, Triple, Triple]:
        """The matrix."""
        a, b, c, d, e, f, g, h, i = (count * ROTATION_PER_COUNT for count in self.counts)
        return (a, b, c), (d, e, f), (g, h, i)


@dataclass(frozen=True, slots=True)
class Tap:
    """0x0402."""

    direction: int
    """1 to 6: x up, x down, y up, y down, z up, z down."""
    count: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "Tap":
        """Read two bytes."""
        return cls(*unpack(_PAIR, data, "a tap"))

    def __bytes__(self) -> bytes:
        return _PAIR.pack(self.direction, self.count)


class Side(IntEnum):
    """0x0403: coarse orientation."""

    PORTRAIT = 0
    LANDSCAPE = 1
    REVERSE_PORTRAIT = 2
    REVERSE_LANDSCAPE = 3


def side(data: bytes) -> Side:
    """Read the one byte of 0x0403; MalformedFrameError for a code that is none."""
    (code,) = unpack(_BYTE, data, "a side")
    try:
        return Side(code)
    except ValueError as error:
        raise MalformedFrameError(f"a side of {code}", bytes(data)) from error


@dataclass(frozen=True, slots=True)
class Pedometer:
    """0x0405."""

    steps: int
    time_ms: int
    """Spent walking."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "Pedometer":
        """Read eight bytes."""
        return cls(*unpack(_PEDOMETER, data, "a pedometer"))

    def __bytes__(self) -> bytes:
        return _PEDOMETER.pack(self.steps, self.time_ms)
