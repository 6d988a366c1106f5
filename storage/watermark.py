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


class Watermark:
    """Of one journal; a file of another journal, or a damaged one, counts as absent. Never raises."""

    def __init__(self, path: Path, journal_id: str) -> None:
        self._id = journal_id.encode()
        self._file: int | None = None
        with suppress(OSError):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)

    def read(self) -> int:
        """Return the seq, 0 if there is none."""
        if self._file is None:
            return 0
        try:
            os.lseek(self._file, 0, os.SEEK_SET)
            journal, seq, crc = _FORM.unpack(os.read(self._file, _FORM.size))
        except (OSError, struct.error):
            return 0
        whole = crc32(_FORM.pack(journal, seq, 0)) == crc and journal == self._id
        return int(seq) if whole else 0

    def write(self, seq: int) -> None:
        """Keep the seq."""
        if self._file is None:
            return
        crc = crc32(_FORM.pack(self._id, seq, 0))
        with suppress(OSError):
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, _FORM.pack(self._id, seq, crc))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
