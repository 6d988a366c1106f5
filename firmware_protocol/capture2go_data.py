"""Capture2Go's packages of samples. `capture2go` tells of the family; source and certainty as there [H].

The header tells form and rate. Packed packages hold eight samples at even times from the stamp on, and the orientation of
the first; for posture take these, without magnetic field. Orientations are "smallest three": three components of 20 bits,
which one is left out, and two flags. Heading offset turns the six-axis orientation into the nine-axis one.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from math import pi, sqrt
from types import MappingProxyType

from firmware_protocol.capture2go import RATES_HZ, DeviceInfo, Header, Package, SensorError, Status
from firmware_protocol.capture2go_mode import AbsoluteTime, ClockRoundtrip, MeasurementMode, RealTimeStreaming
from firmware_protocol.errors import MalformedFrameError
from firmware_protocol.fields import Counts, Quaternion, Triple, scaled, triples, unpack

ACC_MPS2_PER_COUNT = 16 / 32768 * 9.81
"""With the maker's gravity, 9.81."""
GYR_DEGPS_PER_COUNT = 2000 / 32768
MAG_UT_PER_COUNT = 1 / 16
HEADING_RAD_PER_COUNT = pi / 32768
PACKED_SAMPLES = 8


class Form(IntEnum):
    """A header of samples without its last digit, which is the rate: 1 for the first of `RATES_HZ`, 7 for real time."""

    PACKED = 0x0220
    """Eight samples of acceleration, rotation and magnetic field; orientation of the first."""
    PACKED_SIX_AXIS = 0x0230
    """The same without magnetic field."""
    FIXED = 0x0240
    """One sample of acceleration, rotation, magnetic field and orientation."""
    FIXED_SIX_AXIS = 0x0250
    """The same without magnetic field."""
    QUATERNION = 0x0280
    """Orientation alone."""

    @property
    def samples(self) -> int:
        """How many samples a package has (of orientation alone: none of motion)."""
        if self is Form.QUATERNION:
            return 0
        return PACKED_SAMPLES if self in {Form.PACKED, Form.PACKED_SIX_AXIS} else 1

    @property
    def has_mag(self) -> bool:
        """Whether the magnetic field is in it."""
        return self in {Form.PACKED, Form.FIXED}


REAL_TIME = 7
_LAYOUTS = {form: struct.Struct(f"<q{3 * form.samples * (3 if form.has_mag else 2)}hQhB") for form in Form}


def is_samples(header: int) -> bool:
    """Tell whether a package with this header has samples that are read here."""
    return header & ~0xF in _LAYOUTS and 1 <= header & 0xF <= REAL_TIME


class Trouble(IntFlag):
    """What may be wrong with a package's samples."""

    TIME_GAP = 1 << 0
    GYR_CLIPPING = 1 << 1
    """In the samples before they were filtered, at 1666 Hz; short clipping need not matter."""
    ACC_CLIPPING = 1 << 2
    MAG_CLIPPING = 1 << 3
    PROCESSING = 1 << 4
    """Most likely the data are wrong."""


@dataclass(frozen=True, slots=True)
class Samples:
    """A package of samples. `rate` is the last digit of its header."""

    form: Form
    rate: int
    time_ns: int
    """Of the first sample."""
    gyr_counts: tuple[Counts, ...]
    acc_counts: tuple[Counts, ...]
    mag_counts: tuple[Counts, ...]
    orientation: int
    """64 bits: see `quaternion_wxyz`, `at_rest`, `disturbed`."""
    heading_counts: int
    trouble: int
    """Bits of `Trouble`."""

    @property
    def rate_hz(self) -> int | None:
        """Samples a second; None over the real-time channel."""
        return RATES_HZ[self.rate - 1] if self.rate <= len(RATES_HZ) else None

    @property
    def header(self) -> int:
        """The header of its package."""
        return self.form | self.rate

    @classmethod
    def from_bytes(cls, payload: bytes, header: int) -> "Samples":
        """Read a package's payload; MalformedFrameError when the header is none of samples, or the length not its own."""
        if not is_samples(header):
            raise MalformedFrameError(f"a package {header:#06x} of no samples", bytes(payload))
        form = Form(header & ~0xF)
        time_ns, *counts, orientation, heading, trouble = unpack(
            _LAYOUTS[form], payload, "a package of samples"
        )
        rows = list(triples(tuple(counts)))
        n = form.samples
        blocks = (tuple(rows[:n]), tuple(rows[n : 2 * n]), tuple(rows[2 * n :]))
        return cls(form, header & 0xF, time_ns, *blocks, orientation, heading, trouble)

    def __bytes__(self) -> bytes:
        rows = (*self.gyr_counts, *self.acc_counts, *self.mag_counts)
        counts = (count for row in rows for count in row)
        last = (self.orientation, self.heading_counts, self.trouble)
        return _LAYOUTS[self.form].pack(self.time_ns, *counts, *last)

    @property
    def acc_mps2(self) -> tuple[Triple, ...]:
        """Acceleration, gravity included."""
        return tuple(scaled(counts, ACC_MPS2_PER_COUNT) for counts in self.acc_counts)

    @property
    def gyr_degps(self) -> tuple[Triple, ...]:
        """Rotation, bias taken off."""
        return tuple(scaled(counts, GYR_DEGPS_PER_COUNT) for counts in self.gyr_counts)

    @property
    def mag_ut(self) -> tuple[Triple, ...]:
        """Magnetic field in microtesla."""
        return tuple(scaled(counts, MAG_UT_PER_COUNT) for counts in self.mag_counts)

    @property
    def quaternion_wxyz(self) -> Quaternion | None:
        """Orientation of the first sample, six axes; None when the bits are no orientation."""
        return unpacked_quaternion(self.orientation)

    @property
    def at_rest(self) -> bool:
        """Whether the sensor took itself to be still."""
        return bool(self.orientation >> 62 & 1)

    @property
    def disturbed(self) -> bool:
        """Whether it took the magnetic field to be disturbed."""
        return bool(self.orientation >> 63 & 1)

    @property
    def heading_rad(self) -> float:
        """From the six-axis to the nine-axis orientation, about the vertical."""
        return self.heading_counts * HEADING_RAD_PER_COUNT


_COMPONENT_MAX = 0xFFFFF
_COMPONENT_PER_COUNT = sqrt(2) / _COMPONENT_MAX
_BIAS = 1 / sqrt(2)


def unpacked_quaternion(orientation: int) -> Quaternion | None:
    """Return w, x, y, z of a packed orientation, its flags left out; None when its components are longer than 1."""
    largest = orientation >> 60 & 3
    out = [0.0] * 4
    squares = 0.0
    for at in (3, 2, 1):
        component = (orientation & _COMPONENT_MAX) * _COMPONENT_PER_COUNT - _BIAS
        squares += component * component
        out[(largest + at) % 4] = component
        orientation >>= 20
    if squares > 1:
        return None
    out[largest] = sqrt(1 - squares)
    return out[0], out[1], out[2], out[3]


def packed_quaternion(quaternion: Quaternion, *, at_rest: bool = False, disturbed: bool = False) -> int:
    """Return the 64 bits of an orientation of length 1."""
    largest = max(range(4), key=lambda each: abs(quaternion[each]))
    sign = -1 if quaternion[largest] < 0 else 1
    packed = disturbed << 3 | at_rest << 2 | largest
    for at in (1, 2, 3):
        component = sign * quaternion[(largest + at) % 4]
        count = round((component + _BIAS) / _COMPONENT_PER_COUNT)
        packed = packed << 20 | min(_COMPONENT_MAX, max(0, count))
    return packed


Content = (
    Samples
    | DeviceInfo
    | Status
    | MeasurementMode
    | AbsoluteTime
    | RealTimeStreaming
    | ClockRoundtrip
    | SensorError
)
_CONTENTS: Mapping[int, Callable[[bytes], Content]] = MappingProxyType(
    {
        Header.DEVICE_INFO: DeviceInfo.from_bytes,
        Header.SET_MEASUREMENT_MODE: MeasurementMode.from_bytes,
        Header.MEASUREMENT_MODE: MeasurementMode.from_bytes,
        Header.START_REAL_TIME_STREAMING: RealTimeStreaming.from_bytes,
        Header.REAL_TIME_STREAMING_MODE: RealTimeStreaming.from_bytes,
        Header.SET_ABSOLUTE_TIME: AbsoluteTime.from_bytes,
        Header.ABSOLUTE_TIME: AbsoluteTime.from_bytes,
        Header.CLOCK_ROUNDTRIP: ClockRoundtrip.from_bytes,
        Header.STATUS: Status.from_bytes,
        Header.ERROR: SensorError.from_bytes,
    }
)


def content_of(package: Package) -> Content | None:
    """Read what a package says; None when it is known to say nothing, or its header is not known."""
    if is_samples(package.header):
        return Samples.from_bytes(package.payload, package.header)
    read = _CONTENTS.get(package.header)
    return None if read is None else read(package.payload)
