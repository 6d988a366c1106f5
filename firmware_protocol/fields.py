"""What every family's module needs to read and write fields: exact lengths, finite numbers, ranges, wrapping stamps."""

import struct
from collections.abc import Iterator
from math import isfinite
from typing import Any

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError

Counts = tuple[int, int, int]
"""Raw counts of x, y, z."""
Triple = tuple[float, float, float]
"""x, y, z in a unit that the name beside it tells."""
Quaternion = tuple[float, float, float, float]


def unpack(layout: struct.Struct, data: bytes, name: str) -> tuple[Any, ...]:
    """Read bytes that are exactly as long as their layout; MalformedFrameError says what they should have been."""
    if len(data) != layout.size:
        raise MalformedFrameError(f"{name} has {layout.size} bytes, not {len(data)}", bytes(data))
    return layout.unpack(data)


def unpack_beginning(layout: struct.Struct, data: bytes, name: str) -> tuple[Any, ...]:
    """Read a layout from the beginning of bytes that may go on; MalformedFrameError when they are too few."""
    if len(data) < layout.size:
        raise MalformedFrameError(f"{name} has at least {layout.size} bytes, not {len(data)}", bytes(data))
    return layout.unpack_from(data)


def finite(numbers: tuple[float, ...], data: bytes) -> tuple[float, ...]:
    """Return the numbers, or raise MalformedFrameError when one of them is infinite or none."""
    if not all(map(isfinite, numbers)):
        raise MalformedFrameError("a number in it is infinite or not a number", bytes(data))
    return numbers


def triples(numbers: tuple[Any, ...]) -> Iterator[tuple[Any, Any, Any]]:
    """Go through the numbers by x, y, z; what is left over is left out."""
    each = iter(numbers)
    return zip(each, each, each, strict=False)


def scaled(counts: Counts, per_count: float) -> Triple:
    """Return x, y, z in their unit."""
    x, y, z = counts
    return x * per_count, y * per_count, z * per_count


def in_range(value: int, low: int, high: int, name: str) -> int:
    """Return the value, or raise InvalidCommandError when it is not from `low` to `high`."""
    if not low <= value <= high:
        raise InvalidCommandError(f"{name} is from {low} to {high}, not {value}")
    return value


def percent(value: int, data: bytes) -> int:
    """Return a charge, or raise MalformedFrameError when it is over 100 %."""
    if value > 100:
        raise MalformedFrameError(f"a charge of {value} %", bytes(data))
    return value


def unwrapped(stamp: int, bits: int, previous: int) -> int:
    """Return the count nearest to the previous one, earlier or later, whose last `bits` bits are the stamp."""
    half = 1 << (bits - 1)
    return previous - half + ((stamp - previous + half) & ((1 << bits) - 1))
