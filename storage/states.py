"""A stream's state as the journal keeps it: now and then the whole of it, and in between the samples that came since.

A state is some 12 kB, and to write one takes longer than all else that is done with a second of samples. So the samples
(3 kB) are kept instead, in the transaction of the rows that came of them; fed to `step` after the state that they
follow, they give exactly the state that was. Each is a blob with its length, a checksum, and zeros up to a size that stays
the same: SQLite writes over a blob in place only then, and half as much goes to the disk every second.
"""

import struct
from zlib import crc32

import numpy as np

from sensor.samples import SampleBlock
from storage.entries import Stream

_HEAD = struct.Struct("<qI")
PAGE = 4096
SLOTS = 64
"""As many blocks of samples are kept after a state; the next one writes over the first."""
SLOT_BYTES = 1024
"""A second at 50 Hz then takes 3 kB, and a page of its own."""
_BLOCK = struct.Struct("<IIdI?3x")
"""The checksum of the state it follows, its number after it, the rate, the samples, and whether there is a gyroscope."""


def wrap(stream: Stream, state: bytes) -> bytes:
    """Return the blob of a state."""
    return _wrap(stream, state, PAGE)


def unwrap(stream: Stream, blob: bytes) -> bytes | None:
    """Return the state in a blob; None if it is not what was wrapped for this stream."""
    try:
        size, checksum = _HEAD.unpack_from(blob)
        state = blob[_HEAD.size : _HEAD.size + size]
    except (struct.error, TypeError):
        return None
    return state if len(state) == size and _checksum(stream, state) == checksum else None


def wrap_since(stream: Stream, state_crc: int, number: int, block: SampleBlock) -> bytes:
    """Return the blob of the `number`th samples (from 0) after a state, which `state_crc` names."""
    gyr = block.gyr_radps
    head = _BLOCK.pack(state_crc, number, block.rate_hz, len(block), gyr is not None)
    parts = (block.time_ns.astype("<i8", copy=False), block.acc_mps2.astype("<f8", copy=False))
    turns = b"" if gyr is None else gyr.astype("<f8", copy=False).tobytes()
    return _wrap(stream, b"".join((head, *(part.tobytes() for part in parts), turns)), SLOT_BYTES)


def unwrap_since(stream: Stream, blob: bytes) -> tuple[int, int, SampleBlock] | None:
    """Return what was wrapped: checksum, number and samples; None if it is not whole, or another stream's."""
    content = unwrap(stream, blob)
    if content is None:
        return None
    state_crc, number, rate_hz, rows, has_gyr = _BLOCK.unpack_from(content)
    at = _BLOCK.size
    time_ns = np.frombuffer(content, "<i8", rows, at).astype(np.int64)
    acc = np.frombuffer(content, "<f8", 3 * rows, at + 8 * rows).astype(float).reshape(rows, 3)
    gyr = None
    if has_gyr:
        gyr = np.frombuffer(content, "<f8", 3 * rows, at + 32 * rows).astype(float).reshape(rows, 3)
    return state_crc, number, SampleBlock(time_ns, acc, gyr, rate_hz)


def _wrap(stream: Stream, content: bytes, whole: int) -> bytes:
    blob = _HEAD.pack(len(content), _checksum(stream, content)) + content
    return blob.ljust(-(-len(blob) // whole) * whole, b"\0")


def _checksum(stream: Stream, content: bytes) -> int:
    return crc32(content, crc32(f"{stream.wearer}\0{stream.placement}".encode()))
