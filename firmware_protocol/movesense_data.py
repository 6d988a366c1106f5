"""What Movesense's resources say: measurements, what is offered, time, temperature, heart rate, charge.

`movesense` tells of the family; source as there [H]. Two forms of arrays: a measurement's fill the packet without a count,
all of one sensor after all of the other; those of `…/Info` have a count of one byte before them.

Clock: data are stamped in milliseconds since the sensor's start, 32 bits, which wrap after 49.7 days. So loss shows. Which
of a packet's samples the stamp belongs to is nowhere told; the first is assumed [M].
"""

import struct
from dataclasses import dataclass
from enum import Enum

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import Triple, finite, percent, triples, unpack, unpack_beginning, unwrapped

RATES_HZ = (13, 26, 52, 104, 208, 416, 833, 1666)
STAMP_BITS = 32

_STAMP = struct.Struct("<I")
_DETAILED_TIME = struct.Struct("<QIII")
_TEMPERATURE = struct.Struct("<If")
_AVERAGE = struct.Struct("<f")
_ENERGY = struct.Struct("<B")


class Measurement(Enum):
    """What can be subscribed to of motion; the value is its path, which a rate follows."""

    ACC = "/Meas/Acc"
    GYRO = "/Meas/Gyro"
    MAGN = "/Meas/Magn"
    IMU6 = "/Meas/IMU6"
    """Acceleration, rotation."""
    IMU9 = "/Meas/IMU9"
    """Acceleration, rotation, magnetic field."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The sensors in it, in order, as `MotionData` names them."""
        return _COLUMNS[self]


_COLUMNS = {
    Measurement.ACC: ("acc_mps2",),
    Measurement.GYRO: ("gyr_degps",),
    Measurement.MAGN: ("mag_ut",),
    Measurement.IMU6: ("acc_mps2", "gyr_degps"),
    Measurement.IMU9: ("acc_mps2", "gyr_degps", "mag_ut"),
}


def path_of(measurement: Measurement, rate_hz: int) -> str:
    """Return the path to subscribe to; InvalidCommandError for a rate that the family does not have."""
    if rate_hz not in RATES_HZ:
        raise InvalidCommandError(f"a Movesense has no rate of {rate_hz} Hz")
    return f"{measurement.value}/{rate_hz}"


@dataclass(frozen=True, slots=True)
class MotionData:
    """One packet of a measurement: as many samples of each of its sensors; none of the others."""

    time_ms: int
    """Since the sensor's start, 32 bits (`unwrapped_ms`); of the first sample."""
    acc_mps2: tuple[Triple, ...] = ()
    """Gravity included."""
    gyr_degps: tuple[Triple, ...] = ()
    mag_ut: tuple[Triple, ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes, measurement: Measurement) -> "MotionData":
        """Read a stamp and whole samples, at least one; MalformedFrameError when there are not, or a number is none."""
        (time_ms,) = unpack_beginning(_STAMP, data, "a Movesense's measurement")
        columns = measurement.columns
        count, odd = divmod(len(data) - _STAMP.size, 12 * len(columns))
        if odd or not count:
            raise MalformedFrameError(f"not whole samples of {measurement.name}", bytes(data))
        numbers = finite(struct.unpack_from(f"<{3 * count * len(columns)}f", data, _STAMP.size), data)
        rows = list(triples(numbers))
        blocks = {name: tuple(rows[each * count : (each + 1) * count]) for each, name in enumerate(columns)}
        return cls(time_ms, **blocks)

    def __bytes__(self) -> bytes:
        rows = (*self.acc_mps2, *self.gyr_degps, *self.mag_ut)
        return _STAMP.pack(self.time_ms) + struct.pack(
            f"<{3 * len(rows)}f", *(x for row in rows for x in row)
        )


def unwrapped_ms(time_ms: int, previous_ms: int) -> int:
    """Return a packet's time beyond 32 bits, given the (unwrapped) time of the packet before."""
    return unwrapped(time_ms, STAMP_BITS, previous_ms)


def _counted(data: bytes, widths: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Read arrays with a count before each, numbers of so many bytes in each; MalformedFrameError when not exactly so."""
    arrays = []
    at = 0
    for width in widths:
        end = at + 1 + data[at] * width if at < len(data) else len(data) + 1
        if end > len(data):
            raise MalformedFrameError("an array is cut", bytes(data))
        arrays.append(
            tuple(
                int.from_bytes(data[begin : begin + width], "little") for begin in range(at + 1, end, width)
            )
        )
        at = end
    if at != len(data):
        raise MalformedFrameError("something follows the last array", bytes(data))
    return tuple(arrays)


def _uncounted(arrays: tuple[tuple[int, ...], ...], widths: tuple[int, ...]) -> bytes:
    return b"".join(
        bytes([len(numbers)]) + b"".join(number.to_bytes(width, "little") for number in numbers)
        for numbers, width in zip(arrays, widths, strict=True)
    )


@dataclass(frozen=True, slots=True)
class SensorInfo:
    """`/Meas/Acc/Info` (ranges in g), `/Meas/Gyro/Info` (°/s), `/Meas/Magn/Info` (µT)."""

    rates_hz: tuple[int, ...]
    ranges: tuple[int, ...]
    range_bytes: int
    """1 for acceleration, else 2: the data do not tell."""

    @classmethod
    def from_bytes(cls, data: bytes, range_bytes: int) -> "SensorInfo":
        """Read the two arrays."""
        rates, ranges = _counted(data, (2, range_bytes))
        return cls(rates, ranges, range_bytes)

    def __bytes__(self) -> bytes:
        return _uncounted((self.rates_hz, self.ranges), (2, self.range_bytes))


@dataclass(frozen=True, slots=True)
class ImuInfo:
    """`/Meas/IMU/Info`: rates, and the ranges of each sensor."""

    rates_hz: tuple[int, ...]
    acc_ranges_g: tuple[int, ...]
    gyr_ranges_degps: tuple[int, ...]
    mag_ranges_ut: tuple[int, ...]

    @classmethod
    def from_bytes(cls, data: bytes) -> "ImuInfo":
        """Read the four arrays."""
        return cls(*_counted(data, (2, 1, 2, 2)))

    def __bytes__(self) -> bytes:
        arrays = (self.rates_hz, self.acc_ranges_g, self.gyr_ranges_degps, self.mag_ranges_ut)
        return _uncounted(arrays, (2, 1, 2, 2))


@dataclass(frozen=True, slots=True)
class DetailedTime:
    """`/Time/Detailed`: what the sensor takes the time to be when its own clock says so much."""

    utc_us: int
    relative_ms: int
    """The clock of the stamps. Milliseconds, as measured on hardware, whatever `tick_rate_hz` suggests."""
    tick_rate_hz: int
    accuracy: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "DetailedTime":
        """Read twenty bytes."""
        return cls(*unpack(_DETAILED_TIME, data, "a Movesense's time"))

    def __bytes__(self) -> bytes:
        return _DETAILED_TIME.pack(self.utc_us, self.relative_ms, self.tick_rate_hz, self.accuracy)


@dataclass(frozen=True, slots=True)
class Temperature:
    """`/Meas/Temp`."""

    time_ms: int
    kelvin: float

    @classmethod
    def from_bytes(cls, data: bytes) -> "Temperature":
        """Read eight bytes; MalformedFrameError when the number is none."""
        time_ms, kelvin = unpack(_TEMPERATURE, data, "a Movesense's temperature")
        finite((kelvin,), data)
        return cls(time_ms, kelvin)

    def __bytes__(self) -> bytes:
        return _TEMPERATURE.pack(self.time_ms, self.kelvin)


@dataclass(frozen=True, slots=True)
class HeartRate:
    """`/Meas/HR`."""

    average_bpm: float
    rr_ms: tuple[int, ...]
    """Times between beats."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "HeartRate":
        """Read four bytes, and two for each interval; MalformedFrameError when it is cut or the number is none."""
        (average,) = unpack_beginning(_AVERAGE, data, "a Movesense's heart rate")
        finite((average,), data)
        count, odd = divmod(len(data) - _AVERAGE.size, 2)
        if odd:
            raise MalformedFrameError("an interval is cut", bytes(data))
        return cls(average, struct.unpack_from(f"<{count}H", data, _AVERAGE.size))

    def __bytes__(self) -> bytes:
        return _AVERAGE.pack(self.average_bpm) + struct.pack(f"<{len(self.rr_ms)}H", *self.rr_ms)


@dataclass(frozen=True, slots=True)
class EnergyLevel:
    """`/System/Energy/Level`: the charge."""

    percent: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "EnergyLevel":
        """Read one byte; MalformedFrameError over 100 %."""
        (level,) = unpack(_ENERGY, data, "a Movesense's charge")
        return cls(percent(level, data))

    def __bytes__(self) -> bytes:
        return _ENERGY.pack(self.percent)
