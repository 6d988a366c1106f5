"""Readings of a clip ⇄ the messages of a log, to the last bit: what the log is of, samples, link changes, battery.

Samples that are whole steps of the clip's scale are kept as its own integers, a third of their size as floats.
"""

import json
import struct
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.samples import BatteryReading, LinkChange, LinkState, Reading, SampleBlock
from storage.entries import Stream

FORMAT = "neckline-samples-1"
_BLOCK = struct.Struct("<cBI")
_COUNTS, _GYR = 1, 2
_HEADER_TAG, _BLOCK_TAG, _LINK_TAG, _BATTERY_TAG = b"H", b"S", b"L", b"B"
_INT16 = np.iinfo(np.int16)


@dataclass(frozen=True, slots=True)
class Scale:
    """What one count of the clip is, exactly as its samples were multiplied by it."""

    acc_mps2: float
    gyr_radps: float


@dataclass(frozen=True, slots=True)
class About:
    """What the samples of one file have in common."""

    stream: Stream
    rate_hz: float
    """Of the grid, as measured for the family's setting."""
    has_gyr: bool
    scale: Scale | None = None
    """None where samples are no integers of the clip, or it is not known which."""
    family: str = ""
    software: str = ""

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        plain = asdict(self) | asdict(self.stream)
        del plain["stream"]
        return {"format": FORMAT, **plain}

    @classmethod
    def of_plain(cls, plain: dict[str, Any]) -> "About":
        """Read what `plain` returned; ValueError for another format."""
        try:
            if plain["format"] != FORMAT:
                raise ValueError(f"it is of the format {plain['format']}, and this neckline reads {FORMAT}")
            scale = plain["scale"]
            return cls(
                stream=_stream(plain["wearer"], plain["placement"]),
                rate_hz=float(plain["rate_hz"]),
                has_gyr=bool(plain["has_gyr"]),
                scale=Scale(float(scale["acc_mps2"]), float(scale["gyr_radps"])) if scale else None,
                family=str(plain["family"]),
                software=str(plain["software"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"it does not say what its samples are ({error})") from error


def _stream(wearer: str, placement: str) -> Stream:
    try:
        return Stream(wearer, placement)
    except ValueError:
        # Of a damaged pseudonym most is left: it is not quoted, as the reason may be read by others.
        raise ValueError("it does not say whose samples it holds") from None


Message = About | Reading


def encode(message: Message, scale: Scale | None = None) -> bytes:
    """Return a message's bytes. Of a link change what names clip or computer is left out."""
    match message:
        case SampleBlock():
            return _encode_block(message, scale)
        case LinkChange():
            return _LINK_TAG + _json(
                {"time_ns": message.time_ns, "state": message.state, "word": message.word}
            )
        case BatteryReading():
            return _BATTERY_TAG + _json(asdict(message))
        case About():
            return _HEADER_TAG + _json(message.plain())


def decode(data: bytes, about: About | None) -> Message:
    """Read a message back; `about` is what came first in its log. ValueError if it is none."""
    tag, body = data[:1], data[1:]
    if tag == _HEADER_TAG:
        return About.of_plain(json.loads(body))
    if about is None:
        raise ValueError("it does not begin by saying what its samples are")
    if tag == _BLOCK_TAG:
        return _decode_block(data, about)
    return reading_of_plain(tag.decode("latin-1"), json.loads(body))


def plain_reading(reading: LinkChange | BatteryReading) -> tuple[str, dict[str, Any]]:
    """Return what is no sample for JSON: what it is, and its values."""
    data = encode(reading)
    return data[:1].decode("latin-1"), json.loads(data[1:])


def reading_of_plain(tag: str, plain: dict[str, Any]) -> LinkChange | BatteryReading:
    """Read what `plain_reading` returned; ValueError if it is none."""
    try:
        if tag.encode("latin-1") == _BATTERY_TAG:
            return BatteryReading(**plain)
        if tag.encode("latin-1") == _LINK_TAG:
            return LinkChange(int(plain["time_ns"]), LinkState(plain["state"]), word=str(plain["word"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"it lacks something ({error})") from error
    raise ValueError(f"{tag!r} is no reading that this neckline knows")


def counts_of(values: NDArray[np.float64], step: float) -> NDArray[np.float64] | None:
    """Return values as whole int16 steps, NaN where there is none; None unless that is exact (but for the sign of 0)."""
    counts: NDArray[np.float64] = np.rint(values / step)
    fits = (counts >= _INT16.min) & (counts <= _INT16.max) & (counts * step == values)
    return counts if bool((fits | np.isnan(values)).all()) else None


def columns_of(block: SampleBlock) -> NDArray[np.float64]:
    """Return acceleration and, where there is a gyroscope, rotation, (n, 3) or (n, 6)."""
    if block.gyr_radps is None:
        return block.acc_mps2
    return np.concatenate((block.acc_mps2, block.gyr_radps), axis=1)


def block_counts(block: SampleBlock, scale: Scale | None) -> NDArray[np.float64] | None:
    """Return a block's columns as the clip's integers, NaN where corrupt; None unless that is exact."""
    if scale is None:
        return None
    acc = counts_of(block.acc_mps2, scale.acc_mps2)
    gyr = None if block.gyr_radps is None else counts_of(block.gyr_radps, scale.gyr_radps)
    if acc is None or (block.gyr_radps is not None and gyr is None):
        return None
    return acc if gyr is None else np.concatenate((acc, gyr), axis=1)


def block_of(time_ns: NDArray[np.int64], columns: NDArray[Any], about: About, *, counts: bool) -> SampleBlock:
    """Return a block of columns (n, 3) or (n, 6), which are counts or in units."""
    acc, gyr = columns[:, :3].astype(np.float64), columns[:, 3:].astype(np.float64)
    if counts and about.scale is not None:
        acc, gyr = acc * about.scale.acc_mps2, gyr * about.scale.gyr_radps
    return SampleBlock(time_ns, acc, gyr if about.has_gyr else None, about.rate_hz)


def _encode_block(block: SampleBlock, scale: Scale | None) -> bytes:
    counts = block_counts(block, scale)
    whole = counts is not None and not np.isnan(counts).any()
    values = counts.astype("<i2") if counts is not None and whole else columns_of(block).astype("<f8")
    flags = (_COUNTS if whole else 0) | (_GYR if block.gyr_radps is not None else 0)
    head = _BLOCK.pack(_BLOCK_TAG, flags, len(block))
    return head + block.time_ns.astype("<i8").tobytes() + np.ascontiguousarray(values).tobytes()


def _decode_block(data: bytes, about: About) -> SampleBlock:
    _, flags, n = _BLOCK.unpack_from(data)
    width = 6 if flags & _GYR else 3
    kind = np.dtype("<i2") if flags & _COUNTS else np.dtype("<f8")
    if len(data) != _BLOCK.size + n * (8 + width * kind.itemsize) or bool(flags & _GYR) is not about.has_gyr:
        raise ValueError("its samples do not fit what it says of them")
    time_ns = np.frombuffer(data, "<i8", n, _BLOCK.size).astype(np.int64)
    columns = np.frombuffer(data, kind, n * width, _BLOCK.size + 8 * n).reshape(n, width)
    return block_of(time_ns, columns, about, counts=bool(flags & _COUNTS))


def _json(plain: dict[str, Any]) -> bytes:
    return json.dumps(plain, sort_keys=True).encode()
