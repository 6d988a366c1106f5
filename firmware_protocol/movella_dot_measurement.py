"""A Movella DOT's payloads ⇄ measurements. `movella_dot` tells of the family; source and certainty are the same [H].

A payload does not say of which mode it is, so the mode is an argument. Unused bytes up to the characteristic's size may
follow as zeros: what is longer is read, what is shorter is malformed, as a link with the smallest MTU delivers it.

For posture: `CUSTOM_5` where the firmware has it, else `RATE`: both carry acceleration with gravity. (Free acceleration
has gravity removed by the clip, in the earth's frame, and the Euler angles are singular at a pitch of ±90°.)
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from types import MappingProxyType
from typing import Any

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import Counts, Quaternion, Triple, finite, scaled, unpack_beginning, unwrapped
from firmware_protocol.movella_dot import MeasurementControl, uuid

LONG_UUID = uuid(0x2002)
MEDIUM_UUID = uuid(0x2003)
SHORT_UUID = uuid(0x2004)
LONG_LENGTH, MEDIUM_LENGTH, SHORT_LENGTH = 63, 40, 20

MAG_PER_COUNT = 1 / 4096
"""Normalised to the local field, so without a unit."""
STAMP_BITS = 32
LOSS_PERIODS = 1.5
"""A step of time beyond so many periods has lost samples in it."""


class Mode(IntEnum):
    """Payload modes whose layout is public: 1, 17 and 25, "high fidelity", are packed for the maker's SDK alone."""

    EXTENDED_QUATERNION = 2
    """Quaternion, free acceleration, clipping."""
    COMPLETE_QUATERNION = 3
    EULER = 4
    QUATERNION = 5
    FREE_ACCELERATION = 6
    EXTENDED_EULER = 7
    COMPLETE_EULER = 16
    DELTA_MAG = 18
    """Change of orientation and of velocity within a period, magnetic field."""
    DELTA = 19
    RATE_MAG = 20
    """Acceleration, rotation, magnetic field."""
    RATE = 21
    CUSTOM_1 = 22
    """Euler, free acceleration, rotation."""
    CUSTOM_2 = 23
    """Euler, free acceleration, magnetic field."""
    CUSTOM_3 = 24
    """Quaternion, rotation."""
    CUSTOM_5 = 26
    """Quaternion, acceleration, rotation; firmware later than 2.0."""


class Clipping(IntFlag):
    """Bits of the status: the axis was out of the sensor's range."""

    ACC_X = 1 << 0
    ACC_Y = 1 << 1
    ACC_Z = 1 << 2
    GYR_X = 1 << 3
    GYR_Y = 1 << 4
    GYR_Z = 1 << 5
    MAG_X = 1 << 6
    MAG_Y = 1 << 7
    MAG_Z = 1 << 8
    MAG_IS_NEW = 1 << 9
    """No clipping: the magnetic field was measured anew."""


_FIELDS: Mapping[Mode, tuple[str, ...]] = MappingProxyType(
    {
        Mode.EXTENDED_QUATERNION: ("quaternion_wxyz", "free_acc_mps2", "status"),
        Mode.COMPLETE_QUATERNION: ("quaternion_wxyz", "free_acc_mps2"),
        Mode.EULER: ("euler_deg",),
        Mode.QUATERNION: ("quaternion_wxyz",),
        Mode.FREE_ACCELERATION: ("free_acc_mps2",),
        Mode.EXTENDED_EULER: ("euler_deg", "free_acc_mps2", "status"),
        Mode.COMPLETE_EULER: ("euler_deg", "free_acc_mps2"),
        Mode.DELTA_MAG: ("dq_wxyz", "dv_mps", "mag_counts"),
        Mode.DELTA: ("dq_wxyz", "dv_mps"),
        Mode.RATE_MAG: ("acc_mps2", "gyr_degps", "mag_counts"),
        Mode.RATE: ("acc_mps2", "gyr_degps"),
        Mode.CUSTOM_1: ("euler_deg", "free_acc_mps2", "gyr_degps"),
        Mode.CUSTOM_2: ("euler_deg", "free_acc_mps2", "mag_counts"),
        Mode.CUSTOM_3: ("quaternion_wxyz", "gyr_degps"),
        Mode.CUSTOM_5: ("quaternion_wxyz", "acc_mps2", "gyr_degps"),
    }
)
"""What follows the stamp, in order."""


def _format(field: str) -> str:
    if field == "status":
        return "HBB"
    if field == "mag_counts":
        return "3h"
    return "4f" if field.endswith("wxyz") else "3f"


_LAYOUTS: Mapping[Mode, struct.Struct] = MappingProxyType(
    {mode: struct.Struct("<I" + "".join(map(_format, fields))) for mode, fields in _FIELDS.items()}
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One payload. What its mode does not carry is None."""

    mode: Mode
    time_us: int
    """Since power-on, 32 bits: see `unwrapped_us`."""
    quaternion_wxyz: Quaternion | None = None
    """Sensor → earth."""
    euler_deg: Triple | None = None
    """Roll, pitch, yaw about x, y, z, from the earth by z, y, x."""
    free_acc_mps2: Triple | None = None
    """In the earth's frame, gravity removed."""
    acc_mps2: Triple | None = None
    """In the sensor's frame, gravity included."""
    gyr_degps: Triple | None = None
    dq_wxyz: Quaternion | None = None
    dv_mps: Triple | None = None
    mag_counts: Counts | None = None
    status: tuple[int, int, int] | None = None
    """Bits of `Clipping`, and how many samples within the period clipped in acceleration and in rotation."""

    @classmethod
    def from_bytes(cls, data: bytes, mode: Mode) -> "Measurement":
        """Read a payload of the mode; MalformedFrameError when it is cut short or a number in it is none."""
        time_us, *numbers = unpack_beginning(_LAYOUTS[mode], data, f"a DOT's payload in mode {mode}")
        finite(tuple(numbers), data)
        fields: dict[str, Any] = {}
        at = 0
        for field in _FIELDS[mode]:
            size = 4 if field.endswith("wxyz") else 3
            fields[field] = tuple(numbers[at : at + size])
            at += size
        return cls(mode, time_us, **fields)

    def __bytes__(self) -> bytes:
        values = (getattr(self, field) for field in _FIELDS[self.mode])
        return _LAYOUTS[self.mode].pack(self.time_us, *(number for value in values for number in value))

    @property
    def mag_normalised(self) -> Triple | None:
        """The magnetic field, about 1 long."""
        return None if self.mag_counts is None else scaled(self.mag_counts, MAG_PER_COUNT)

    @property
    def clipping(self) -> Clipping | None:
        """Which axes were out of range, if the mode tells."""
        return None if self.status is None else Clipping(self.status[0])


def length_of(mode: Mode) -> int:
    """Return how many bytes a payload of the mode has, padding left out."""
    return _LAYOUTS[mode].size


def characteristic_of(mode: Mode) -> str:
    """Return the UUID on which payloads of the mode are notified."""
    if length_of(mode) <= SHORT_LENGTH:
        return SHORT_UUID
    return MEDIUM_UUID if length_of(mode) <= MEDIUM_LENGTH else LONG_UUID


def start(mode: Mode) -> bytes:
    """Return the command for 0x2001 that starts measuring; notifications on `characteristic_of` must be on."""
    return bytes(MeasurementControl(running=True, mode=mode))


def stop(mode: Mode) -> bytes:
    """Return the command for 0x2001 that stops measuring."""
    return bytes(MeasurementControl(running=False, mode=mode))


def unwrapped_us(time_us: int, previous_us: int) -> int:
    """Return a payload's time beyond 32 bits, given the (unwrapped) time of the payload before."""
    return unwrapped(time_us, STAMP_BITS, previous_us)


def lost_between(earlier_us: int, later_us: int, rate_hz: float) -> int:
    """Return how many payloads are lacking between two, by their unwrapped times."""
    if rate_hz <= 0:
        raise InvalidCommandError(f"a rate is more than 0 Hz, not {rate_hz}")
    if later_us <= earlier_us:
        raise MalformedFrameError(f"time goes back from {earlier_us} to {later_us} µs")
    periods = (later_us - earlier_us) * rate_hz / 1e6
    return round(periods) - 1 if periods > LOSS_PERIODS else 0
