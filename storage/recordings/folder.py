"""The folder of recorded samples: what lies where, what of a period, and what goes when it grows too large.

    FOLDER/wearer=w-7f3a9c21/date=2026-03-01/t4-00000042.parquet     an hour or less, sealed
    FOLDER/wearer=w-7f3a9c21/date=2026-03-01/_t4-00000043.log        what comes in now

The number counts on for ever, so that files in its order are samples in the order in which they came. Dates are UTC.
Programs that read partitioned Parquet pass over names that begin with `_` or `.`.
"""

import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote

from storage.entries import NAME, Stream
from storage.errors import RecordingsUnwritableError

_EPOCH_0 = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_NS = 86_400 * 10**9
HOUR_NS = 3600 * 10**9
SEALED, OPEN, PART = ".parquet", ".log", ".part"
_FILE = re.compile(r"(?P<open>_?)(?P<placement>.+)-(?P<number>\d{8,})\.(?P<suffix>parquet|log)")


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of recorded samples."""

    path: Path
    stream: Stream
    number: int

    @property
    def is_sealed(self) -> bool:
        """Tell whether it is Parquet, which nothing changes any more."""
        return self.path.suffix == SEALED

    @property
    def day(self) -> str:
        """Return the date (UTC) of its first sample."""
        return self.path.parent.name.removeprefix("date=")

    def sealed(self) -> Path:
        """Return what it is called once it is sealed."""
        return self.path.parent / f"{quote(self.stream.placement, safe='')}-{self.number:08d}{SEALED}"


@dataclass(frozen=True, slots=True)
class Removed:
    """Files that went."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.files + other.files, self.bytes + other.bytes)


def date_of(time_ns: int) -> str:
    """Return the date (UTC) of a time."""
    return f"{_EPOCH_0 + timedelta(days=time_ns // _DAY_NS):%Y-%m-%d}"


class RecordingsFolder:
    """May be there or not; made by the first `begin`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def streams(self) -> list[Stream]:
        """Return whose samples there are."""
        return sorted({segment.stream for segment in self.segments()})

    def segments(
        self, stream: Stream | None = None, since_ns: int | None = None, until_ns: int | None = None
    ) -> list[Segment]:
        """Return the files in the order in which they came, of all or one, that may hold something of a period."""
        found: dict[tuple[Stream, int], Segment] = {}
        wearers = "wearer=*" if stream is None else f"wearer={quote(stream.wearer, safe='')}"
        # A file may begin on the day before, and go on past midnight.
        first = "" if since_ns is None else date_of(since_ns - HOUR_NS)
        last = "9999" if until_ns is None else date_of(until_ns)
        for path in sorted(self.path.glob(f"{wearers}/date=*/*-*.*")):
            segment = segment_of(path)
            if segment is None or stream not in {None, segment.stream} or not first <= segment.day <= last:
                continue
            key = segment.stream, segment.number
            # A kill between the sealing and the removal of the log leaves both: the sealed one is whole.
            if key not in found or segment.is_sealed:
                found[key] = segment
        return [found[key] for key in sorted(found)]

    def begin(self, stream: Stream, first_ns: int) -> Segment:
        """Return the next file of a stream to write to, its folder made. Raises RecordingsUnwritableError."""
        number = 1 + max((segment.number for segment in self.segments(stream)), default=0)
        folder = self.path / f"wearer={quote(stream.wearer, safe='')}" / f"date={date_of(first_ns)}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RecordingsUnwritableError(folder, error.strerror or str(error)) from error
        return Segment(folder / f"_{quote(stream.placement, safe='')}-{number:08d}{OPEN}", stream, number)

    def bytes(self) -> int:
        """Return how large all files are together."""
        return sum(self._sizes().values())

    def _sizes(self) -> dict[Segment, int]:
        sizes: dict[Segment, int] = {}
        for segment in self.segments():
            with suppress(FileNotFoundError):  # it was sealed just now
                sizes[segment] = segment.path.stat().st_size
        return sizes

    def erase(self, wearer: str) -> Removed:
        """Remove all of a wearer. Raises RecordingsUnwritableError."""
        folder = self.path / f"wearer={quote(wearer, safe='')}"
        try:
            files = [path for path in folder.rglob("*") if path.is_file()]
            removed = Removed(len(files), sum(path.stat().st_size for path in files))
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            raise RecordingsUnwritableError(folder, error.strerror or str(error)) from error
        return removed

    def shrink(self, quota_bytes: int) -> Removed:
        """Remove sealed files, those with the oldest samples first, until all is no more than so many bytes."""
        sizes = self._sizes()
        surplus = sum(sizes.values()) - quota_bytes
        removed = Removed()
        for segment in sorted(sizes, key=lambda each: (each.day, each.number)):
            if surplus <= removed.bytes:
                break
            if segment.is_sealed:
                segment.path.unlink(missing_ok=True)
                removed += Removed(1, sizes[segment])
                _remove_empty(segment.path.parent)
        return removed


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # it is not empty
        folder.rmdir()
        folder.parent.rmdir()


def segment_of(path: Path) -> Segment | None:
    """Return what a file is by its name; None for what is none of ours."""
    named = _FILE.fullmatch(path.name)
    if named is None or bool(named["open"]) is not (named["suffix"] == "log"):
        return None
    wearer, placement = unquote(path.parent.parent.name.removeprefix("wearer=")), unquote(named["placement"])
    if not NAME.fullmatch(wearer) or not NAME.fullmatch(placement):
        return None
    return Segment(path, Stream(wearer, placement), int(named["number"]))


def sync_folders(folders: Iterable[Path]) -> None:
    """Have the disk keep what files a folder holds."""
    if hasattr(os, "O_DIRECTORY"):  # Windows opens no folders, and needs none of this
        for folder in folders:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
