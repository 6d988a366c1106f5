"""A stream's state ⇄ the blob in which the journal keeps it: its length, a checksum, and zeros up to whole pages.

SQLite writes over a blob in place only when its size stays the same; in whole pages it nearly always does, and half as
much goes to the disk every second.
"""

import struct
from zlib import crc32

from storage.entries import Stream

_HEAD = struct.Struct("<qI")
PAGE = 4096


def wrap(stream: Stream, state: bytes) -> bytes:
    """Return the blob of a state."""
    blob = _HEAD.pack(len(state), _checksum(stream, state)) + state
    return blob.ljust(-(-len(blob) // PAGE) * PAGE, b"\0")


def unwrap(stream: Stream, blob: bytes) -> bytes | None:
    """Return the state in a blob; None if it is not what was wrapped for this stream."""
    try:
        size, checksum = _HEAD.unpack_from(blob)
        state = blob[_HEAD.size : _HEAD.size + size]
    except (struct.error, TypeError):
        return None
    return state if len(state) == size and _checksum(stream, state) == checksum else None


def _checksum(stream: Stream, state: bytes) -> int:
    return crc32(state, crc32(f"{stream.wearer}\0{stream.placement}".encode()))
