"""The last acknowledged seq, kept beside the journal as a witness.

One flipped bit in the middle of SQLite's write-ahead log makes it drop all commits from there on, with no error: the
journal is whole, and shorter than what was acknowledged. This file tells. It is written after each commit, in
place and without waiting for the disk, so it may lag behind the journal after a power cut, never lead it.
"""

import os
import struct
from contextlib import suppress
from pathlib import Path
from zlib import crc32

_FORM = struct.Struct("<32sqI")
"""The journal's id, the seq, the CRC-32 of both."""


def acknowledged(path: Path, journal_id: str) -> int:
    """Return the last seq of this journal that was acknowledged, 0 if the file does not tell."""
    try:
        _, seq, _ = _FORM.unpack(data := path.read_bytes())
    except (OSError, struct.error):
        return 0
    return int(seq) if data == _form(journal_id, seq) else 0


class Watermark:
    """Writes it. It is a witness, not a part, so a failure to write is none of the journal's."""

    def __init__(self, path: Path) -> None:
        self._file: int | None = None
        with suppress(OSError):
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)

    def write(self, journal_id: str, seq: int) -> None:
        """Keep the seq."""
        if self._file is not None:
            with suppress(OSError):
                os.lseek(self._file, 0, os.SEEK_SET)
                os.write(self._file, _form(journal_id, seq))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _form(journal_id: str, seq: int) -> bytes:
    name = journal_id.encode()
    return _FORM.pack(name, seq, crc32(_FORM.pack(name, seq, 0)))
