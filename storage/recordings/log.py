"""Messages of bytes → an append log that a kill, a full disk or a flipped bit costs no more than what it hit; and back.

Each message is framed: magic, length, CRC. A torn tail is cut off when the log is opened to go on; damage in the middle
is skipped to the next magic that begins a whole frame. What a message means is not known here (`frames`); one without
which the others mean nothing is written again and again by whoever goes on with the log (`recorder.SAY_AGAIN_S`).
"""

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zlib import crc32

from storage.errors import FileDamagedError, RecordingsUnwritableError

MAGIC = b"\xf5NkL"
"""Not UTF-8, and hardly ever in samples."""
_HEAD = struct.Struct("<4sII")
_LENGTH = struct.Struct("<I")
MAX_BYTES = 1 << 20
"""Of one message; a length beyond it is damage, as is 0: a tail of zeros must not pass for empty messages."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Bytes that are no frame."""

    offset: int
    length: int


def frame(message: bytes) -> bytes:
    """Return a message as it stands in a log."""
    if not 0 < len(message) <= MAX_BYTES:
        raise ValueError(f"a message has 1 to {MAX_BYTES} bytes, not {len(message)}")
    return _HEAD.pack(MAGIC, len(message), _checksum(message)) + message


def read(path: Path) -> Iterator[bytes | Skipped]:
    """Yield every whole message, and what lies between; a torn tail is a Skipped at the end. FileDamagedError.

    The log is read whole: whoever writes it begins another in time (`recorder.MAX_LOG_BYTES`).
    """
    try:
        held = path.read_bytes()
    except OSError as error:
        raise FileDamagedError(path, error.strerror or str(error)) from error
    yield from _scan(held)


class AppendLog:
    """A log to go on with: `append` returns when the operating system has it, `sync` when the disk has it.

    Raises RecordingsUnwritableError; after it the log is as it was before the call, and may be tried again.
    """

    def __init__(self, path: Path) -> None:
        """Open a log, or make one; cut off a torn tail."""
        self.path = path
        end = 0
        if path.exists():
            held = 0
            for part in read(path):
                held += part.length if isinstance(part, Skipped) else _HEAD.size + len(part)
                end = end if isinstance(part, Skipped) else held
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            try:
                os.ftruncate(self._descriptor, end)
            except OSError:
                self.close()
                raise
        except OSError as error:
            raise RecordingsUnwritableError(path, error.strerror or str(error)) from error
        self.bytes = end

    @classmethod
    def begun(cls, path: Path, first: bytes) -> Self:
        """Make a log with its first message, or leave neither a file nor a descriptor: a full disk is tried for hours."""
        begun = None
        try:
            begun = cls(path)
            begun.append(first)
        except RecordingsUnwritableError:
            if begun is not None:
                begun.close()
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise
        return begun

    def append(self, message: bytes) -> None:
        """Add a message whole, or not at all."""
        framed = frame(message)
        try:
            os.lseek(self._descriptor, self.bytes, os.SEEK_SET)
            written = 0
            while written < len(framed):  # a disk that fills takes a part and raises nothing
                taken = os.write(self._descriptor, framed[written:])
                if not taken:
                    raise OSError(0, "the disk takes nothing")  # noqa: TRY301
                written += taken
        except OSError as error:
            self._cut()
            raise RecordingsUnwritableError(self.path, error.strerror or str(error)) from error
        self.bytes += len(framed)

    def _cut(self) -> None:
        """Take back what was written of a frame; if even that fails, the next frame is written over it."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, self.bytes)

    def sync(self) -> None:
        """Have the disk keep it."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise RecordingsUnwritableError(self.path, error.strerror or str(error)) from error

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):  # the descriptor is given up all the same, and `sync` tells of the disk
            os.close(self._descriptor)


def _checksum(message: bytes) -> int:
    return crc32(message, crc32(_LENGTH.pack(len(message))))


def _scan(held: bytes) -> Iterator[bytes | Skipped]:
    """Walk through a log frame by frame, over what is none to the next magic that begins one."""
    position = 0
    while position < len(held):
        message = _message_at(held, position)
        if message is not None:
            yield message
            position += _HEAD.size + len(message)
            continue
        begin = position
        while message is None and position < len(held):
            found = held.find(MAGIC, position + 1)
            position = found if found >= 0 else len(held)
            message = _message_at(held, position)
        yield Skipped(begin, position - begin)


def _message_at(held: bytes, position: int) -> bytes | None:
    """Return the message whose whole frame begins here; None if none does."""
    if held[position : position + len(MAGIC)] != MAGIC or len(held) - position < _HEAD.size:
        return None
    _, length, checksum = _HEAD.unpack_from(held, position)
    message = held[position + _HEAD.size : position + _HEAD.size + length]
    if not 0 < length <= MAX_BYTES or len(message) != length or _checksum(message) != checksum:
        return None
    return message
