"""Recorded samples → a file a clip and day, in units: CSV as `neckline replay` reads it, or Parquet.

Memory does not grow with the period. A clip's integers become m/s² and rad/s with the precision of an IEEE single, from
which the integers come back exactly; samples that were floats stay the same doubles. A file that is broken gives what
came before, and is named.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from storage.arrow.parquet import Cell, Field, TableWriter
from storage.arrow.text import LineWriter, places, singles
from storage.errors import FileDamagedError
from storage.exports.sharing import Sharing
from storage.recordings.contents import Gap, gaps
from storage.recordings.folder import Segment
from storage.recordings.frames import About
from storage.recordings.reading import AXES, Columns, columns, readable

BATCH_ROWS = 1 << 16
UNITS = {"acc": ("mps2", "m/s2", "acceleration with gravity"), "gyr": ("radps", "rad/s", "rotation")}
Values = NDArray[Any]


@dataclass(slots=True)
class SampleFile:
    """One file that was written, and what it holds."""

    name: str
    wearer: str
    placement: str
    rate_hz: float
    family: str
    software: str
    precision: str
    """`single` or `double`."""
    rows: int = 0
    corrupt: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    gaps: list[Gap] = field(default_factory=list)
    damaged_bytes: int = 0
    """Of the recording, that could not be read: what they held is among the gaps."""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A file of samples that could not be read to its end, as those are told who get the export: nothing real in it."""

    wearer: str
    placement: str
    day: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Samples:
    """What was written of all."""

    files: tuple[SampleFile, ...]
    broken: tuple[Broken, ...]
    errors: tuple[FileDamagedError, ...]
    """The same for whoever exports, who may know where the files lie."""


def fields(*, has_gyr: bool = True) -> list[Field]:
    """Return the columns of a file, in their order."""
    time = Field("time_ns", Cell.INT, "ns", "when the sample was taken, UTC")
    found = [time]
    for name in AXES if has_gyr else AXES[:3]:
        what, axis = name.split("_")
        suffix, unit, meaning = UNITS[what]
        found.append(Field(f"{name}_{suffix}", Cell.DOUBLE, unit, f"{meaning}, axis {axis} of the clip"))
    return found


def write_samples(
    folder: Path,
    segments: Sequence[Segment],
    span_ns: tuple[int | None, int | None],
    sharing: Sharing,
    *,
    as_csv: bool,
    on_progress: Callable[[int, int], None],
) -> Samples:
    """Write what lies in a span into `folder`, which is made. Raises OSError."""
    writing = _Writing(folder, span_ns, sharing, as_csv=as_csv)
    broken, errors = [], []
    try:
        for done, segment in enumerate(segments):
            on_progress(done, len(segments))
            try:
                writing.take(segment)
            except FileDamagedError as error:
                wearer, placement, day = _shared(segment, sharing)
                broken.append(Broken(wearer, placement, day, segment.path.name, error.detail))
                errors.append(error)
    finally:
        writing.close()
    on_progress(len(segments), len(segments))
    return Samples(tuple(writing.files), tuple(broken), tuple(errors))


class _Lines(Protocol):
    def write(self, time_ns: NDArray[np.int64], values: Iterable[Values]) -> None:
        """Add rows."""

    def close(self) -> str:
        """End the file; return its SHA-256."""


class _Writing:
    """Files under way, one at a time."""

    def __init__(
        self, folder: Path, span_ns: tuple[int | None, int | None], sharing: Sharing, *, as_csv: bool
    ) -> None:
        self.folder, self.span_ns, self.sharing, self.as_csv = folder, span_ns, sharing, as_csv
        self.files: list[SampleFile] = []
        self.key: tuple[object, ...] | None = None
        self.lines: _Lines | None = None

    def take(self, segment: Segment) -> None:
        """Write the samples of a file that lie in the span."""
        held, rows = readable(segment.path), 0
        for part in columns(segment.path, rows=BATCH_ROWS):
            within = _within(part, self.span_ns)
            if len(within.time_ns):
                self._write(segment, held.about, within)
                rows += len(within.time_ns)
        if rows:
            self.files[-1].damaged_bytes += held.damaged_bytes

    def _write(self, segment: Segment, about: About, part: Columns) -> None:
        key = segment.stream, segment.day, about.has_gyr, about.scale, part.are_counts
        if key != self.key or self.lines is None:
            self.close()
            self.key = key
            self.lines = self._begin(segment, about, are_counts=part.are_counts)
        file = self.files[-1]
        time_ns = part.time_ns + self.sharing.shift_ns
        self.lines.write(time_ns, part.values)
        file.rows += len(time_ns)
        if any(each.dtype.kind == "f" for each in part.values):
            file.corrupt += int(np.isnan(part.values).any(axis=0).sum())
        file.first_ns = int(time_ns[0]) if file.first_ns is None else file.first_ns
        file.gaps += gaps(time_ns, about.rate_hz, file.last_ns)
        file.last_ns = int(time_ns[-1])

    def _begin(self, segment: Segment, about: About, *, are_counts: bool) -> _Lines:
        wearer, placement, day = _shared(segment, self.sharing)
        suffix, stem = "csv" if self.as_csv else "parquet", f"{wearer}_{placement}_{day}"
        others = sum(each.name.startswith((f"{stem}.", f"{stem}_")) for each in self.files)
        name = f"{stem}_{others + 1}.{suffix}" if others else f"{stem}.{suffix}"
        precision = "single" if are_counts else "double"
        self.folder.mkdir(exist_ok=True)
        self.files.append(
            SampleFile(name, wearer, placement, about.rate_hz, about.family, about.software, precision)
        )
        steps = _steps(about, are_counts=are_counts)
        path = self.folder / name
        return _Csv(path, about, steps) if self.as_csv else _Parquet(path, about, steps)

    def close(self) -> None:
        """End the file under way."""
        if self.lines is not None:
            self.files[-1].sha256 = self.lines.close()
            self.lines = None


class _Csv:
    def __init__(self, path: Path, about: About, steps: Sequence[float | None]) -> None:
        self._file: BinaryIO = path.open("wb")
        self._sum = hashlib.sha256()
        # The next lines are made while the last go to the disk: both let go of the interpreter.
        self._aside = ThreadPoolExecutor(1)
        self._going: Future[None] | None = None
        self._writer = LineWriter([None, *steps])
        self._put(",".join(each.name for each in fields(has_gyr=about.has_gyr)).encode() + b"\n")

    def write(self, time_ns: NDArray[np.int64], values: Iterable[Values]) -> None:
        self._put(self._writer.lines([time_ns, *values]))

    def close(self) -> str:
        with self._file, self._aside:
            if self._going is not None:
                self._going.result()
        return self._sum.hexdigest()

    def _put(self, data: bytes | memoryview) -> None:
        if self._going is not None:
            self._going.result()
        self._going = self._aside.submit(self._write, data)

    def _write(self, data: bytes | memoryview) -> None:
        self._sum.update(data)
        self._file.write(data)


class _Parquet:
    def __init__(self, path: Path, about: About, steps: Sequence[float | None]) -> None:
        self._path = path
        self._tables = [None if step is None else singles(step) for step in steps]
        cells = [Cell.INT, *(Cell.DOUBLE if step is None else Cell.SINGLE for step in steps)]
        named = [
            Field(each.name, cell, each.unit, each.meaning)
            for each, cell in zip(fields(has_gyr=about.has_gyr), cells, strict=True)
        ]
        self._writer = TableWriter(path, named, {"rate_hz": f"{about.rate_hz!r}", "family": about.family})

    def write(self, time_ns: NDArray[np.int64], values: Iterable[Values]) -> None:
        units = [
            each if table is None else table[places(each)]
            for each, table in zip(values, self._tables, strict=True)
        ]
        self._writer.write([time_ns, *units])

    def close(self) -> str:
        self._writer.close()
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def _shared(segment: Segment, sharing: Sharing) -> tuple[str, str, str]:
    """Return whose samples a file holds, worn where, and of which day, as others are told."""
    day = date.fromisoformat(segment.day) + timedelta(days=sharing.shift_days)
    return sharing.label(segment.stream.wearer), segment.stream.placement, str(day)


def _steps(about: About, *, are_counts: bool) -> list[float | None]:
    """Return what one count is on each axis; None where there are no counts."""
    scale = about.scale if are_counts else None
    steps = [None, None] if scale is None else [scale.acc_mps2, scale.gyr_radps]
    return [step for step in steps[: 1 + about.has_gyr] for _ in "xyz"]


def _within(part: Columns, span_ns: tuple[int | None, int | None]) -> Columns:
    since_ns, until_ns = span_ns
    if since_ns is None and until_ns is None:
        return part
    inside = np.ones(len(part.time_ns), np.bool_)
    if since_ns is not None:
        inside &= part.time_ns >= since_ns
    if until_ns is not None:
        inside &= part.time_ns < until_ns
    return Columns(part.time_ns[inside], tuple(each[inside] for each in part.values), part.are_counts)
