"""Content of a Polar's data frames ⇄ samples. `polar_pmd` tells of the family; source and certainty as there [H].

Compressed content is a first sample in full and then blocks `width count differences`: each difference has `width` bits,
signed, low bit first; channels alternate, and a sample is the one before plus its difference. What the decoder needs is an
argument: the factor from the answer to the start, and for times the frame before or the rate. Nothing is remembered here.
"""

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import Counts, Triple, finite, triples
from firmware_protocol.polar_pmd import DataFrame, MeasurementType

MAX_SAMPLES = 500
"""No frame has so many (real ones have up to 100 or so): a block of width 0 would tell 255 samples in two bytes."""
MAX_BLOCK = 255
_WORD = 1 << 32


def compressed_samples(content: bytes, channels: int, resolution_bit: int) -> list[tuple[int, ...]]:
    """Read compressed content; each sample has so many channels. MalformedFrameError when it is cut or endless.

    With 32 bits samples are the bit patterns of floats, and differences are added modulo 2³²; else they are signed.
    """
    width = _bytes_of(resolution_bit)
    at = channels * width
    if channels < 1 or len(content) < at:
        raise MalformedFrameError("the first sample is cut", bytes(content))
    signed = resolution_bit < 32
    first = [
        int.from_bytes(content[begin : begin + width], "little", signed=signed)
        for begin in range(0, at, width)
    ]
    steps: list[int] = []
    while at < len(content):
        if at + 2 > len(content):
            raise MalformedFrameError("a block is cut", bytes(content))
        bits, count = content[at], content[at + 1]
        end = at + 2 + (bits * count * channels + 7) // 8
        if end > len(content) or bits > 32 or len(steps) + count * channels > MAX_SAMPLES * channels:
            raise MalformedFrameError(
                "a block is cut, or its differences are too wide or too many", bytes(content)
            )
        steps += _differences(content[at + 2 : end], bits, count * channels)
        at = end
    columns = [accumulate(steps[each::channels], initial=first[each]) for each in range(channels)]
    if signed:
        return list(zip(*columns, strict=True))
    return [tuple(value % _WORD for value in sample) for sample in zip(*columns, strict=True)]


def _differences(block: bytes, bits: int, count: int) -> list[int]:
    whole = int.from_bytes(block, "little")
    mask, sign = (1 << bits) - 1, (1 << bits) >> 1
    return (
        [((whole >> at & mask) ^ sign) - sign for at in range(0, bits * count, bits)] if bits else [0] * count
    )


def compressed_content(samples: Sequence[Sequence[int]], resolution_bit: int) -> bytes:
    """Write samples as compressed content, in blocks of one width; InvalidCommandError when they do not fit."""
    if not 1 <= len(samples) <= MAX_SAMPLES:
        raise InvalidCommandError(f"a frame has 1 to {MAX_SAMPLES} samples, not {len(samples)}")
    size, signed = _bytes_of(resolution_bit), resolution_bit < 32
    try:
        content = b"".join(value.to_bytes(size, "little", signed=signed) for value in samples[0])
    except OverflowError as error:
        raise InvalidCommandError(f"{samples[0]} is no sample of {resolution_bit} bits") from error
    pairs = list(pairwise(samples))
    for begin in range(0, len(pairs), MAX_BLOCK):
        block = pairs[begin : begin + MAX_BLOCK]
        steps = [b - a for before, after in block for a, b in zip(before, after, strict=True)]
        if not signed:
            steps = [(step + _WORD // 2) % _WORD - _WORD // 2 for step in steps]
        bits = max((step if step >= 0 else ~step).bit_length() + 1 for step in steps)
        whole = sum((step & ((1 << bits) - 1)) << at * bits for at, step in enumerate(steps))
        content += bytes([bits, len(block)]) + whole.to_bytes((bits * len(steps) + 7) // 8, "little")
    return content


def _bytes_of(resolution_bit: int) -> int:
    if not 1 <= resolution_bit <= 32:
        raise InvalidCommandError(f"a resolution is from 1 to 32 bits, not {resolution_bit}")
    return (resolution_bit + 7) // 8


def acc_mg(frame: DataFrame, factor: float = 1.0) -> list[Triple]:
    """Return acceleration in thousandths of gravity; MalformedFrameError for a frame that is none, or of another type.

    (Polar's SDK cuts the fraction off; it is kept here.)
    """
    _of(frame, MeasurementType.ACC)
    if not frame.compressed:
        return [(float(x), float(y), float(z)) for x, y, z in _raw(frame)]
    per_count = {0: factor * 1000, 1: factor}.get(frame.type)
    if per_count is None:
        raise _unknown(frame)
    return _times(compressed_samples(frame.content, 3, 16), per_count)


def gyr_degps(frame: DataFrame, factor: float = 1.0) -> list[Triple]:
    """Return rotation in degrees a second; MalformedFrameError for a frame that is none, or of another type."""
    _of(frame, MeasurementType.GYRO)
    if frame.compressed and frame.type == 0:
        return _times(compressed_samples(frame.content, 3, 16), factor)
    if frame.compressed and frame.type == 1:
        patterns = [value for sample in compressed_samples(frame.content, 3, 32) for value in sample]
        floats = struct.unpack(f"<{len(patterns)}f", struct.pack(f"<{len(patterns)}I", *patterns))
        return [(x * factor, y * factor, z * factor) for x, y, z in triples(finite(floats, frame.content))]
    raise _unknown(frame)


def mag_gauss(frame: DataFrame, factor: float = 1.0) -> list[Triple]:
    """Return the magnetic field in gauss; MalformedFrameError for a frame that is none, or of another type.

    Type 1 is in milligauss, and has a fourth channel, how well calibrated, which is left out.
    """
    _of(frame, MeasurementType.MAG)
    if frame.compressed and frame.type == 0:
        return _times(compressed_samples(frame.content, 3, 16), factor)
    if frame.compressed and frame.type == 1:
        return _times(compressed_samples(frame.content, 4, 16), factor / 1000)
    raise _unknown(frame)


def _of(frame: DataFrame, measurement: MeasurementType) -> None:
    if frame.measurement != measurement:
        raise MalformedFrameError(
            f"a frame of measurement {frame.measurement}, not {measurement}", bytes(frame)
        )


def _unknown(frame: DataFrame) -> MalformedFrameError:
    compressed = "compressed" if frame.compressed else "raw"
    return MalformedFrameError(f"{compressed} type {frame.type} is not known", bytes(frame))


def _raw(frame: DataFrame) -> list[Counts]:
    """Read samples in full: signed, of 8, 16 or 24 bits by type."""
    width = frame.type + 1
    content = frame.content
    if width > 3 or not content or len(content) % (3 * width) or len(content) > 3 * width * MAX_SAMPLES:
        raise MalformedFrameError("not whole samples of a known type", bytes(frame))
    values = tuple(
        int.from_bytes(content[at : at + width], "little", signed=True)
        for at in range(0, len(content), width)
    )
    return list(triples(values))


def _times(samples: list[tuple[int, ...]], per_count: float) -> list[Triple]:
    return [(sample[0] * per_count, sample[1] * per_count, sample[2] * per_count) for sample in samples]


def times_since_ns(previous_ns: int, time_ns: int, count: int) -> list[int]:
    """Return the times of a frame's samples, even since the frame before, to the nearest nanosecond.

    Both frames' times are those of their last samples. MalformedFrameError when time has not gone on.
    """
    span = time_ns - previous_ns
    if span <= 0:
        raise MalformedFrameError(f"time goes from {previous_ns} to {time_ns} ns")
    if count < 1:
        raise MalformedFrameError("a frame without samples")
    return [_nearest(previous_ns * count + span * each, count) for each in range(1, count + 1)]


def times_back_ns(time_ns: int, count: int, rate_hz: int) -> list[int]:
    """Return the times of a first frame's samples, even by the rate and back from its own, to the nearest nanosecond.

    MalformedFrameError when the clock has not run for so long; InvalidCommandError for no rate.
    """
    if rate_hz < 1:
        raise InvalidCommandError("without a rate a first frame's times are not known")
    if count < 1:
        raise MalformedFrameError("a frame without samples")
    if time_ns * rate_hz < count * 10**9:
        raise MalformedFrameError(f"{count} samples at {rate_hz} Hz in the first {time_ns} ns of a clock")
    return [_nearest(time_ns * rate_hz - 10**9 * (count - each), rate_hz) for each in range(1, count + 1)]


def _nearest(numerator: int, denominator: int) -> int:
    """Divide whole numbers exactly, rounding half to even as the SDK does."""
    quotient, remainder = divmod(numerator, denominator)
    return quotient + (2 * remainder > denominator or (2 * remainder == denominator and quotient % 2 == 1))
