"""A log of readings → one Parquet file, and a Parquet file or a log → its readings, to the last bit, a batch at a time.

Samples are the rows; whole steps of the clip's scale are int16 columns, and what is none (corrupt) is null. What else
came (link changes, battery) is in the file's metadata with the row before which it came, as are the gaps.
"""

import json
import os
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.samples import BatteryReading, LinkChange, Reading, SampleBlock
from storage.arrow.parquet import Cell, Field, TableFile, TableWriter
from storage.errors import FileDamagedError
from storage.recordings import log
from storage.recordings.folder import PART, SEALED, Segment, segment_of, sync_folders
from storage.recordings.frames import (
    About,
    Message,
    block_counts,
    block_of,
    columns_of,
    decode,
    plain_reading,
    reading_of_plain,
)

META = "neckline"
GAP_PERIODS = 1.5
"""A step between two samples longer than this lacks some."""
AXES = tuple(f"{what}_{axis}" for what in ("acc", "gyr") for axis in "xyz")
BATCH_ROWS = 1 << 14


@dataclass(frozen=True, slots=True)
class Gap:
    """A span between two samples in which some are lacking."""

    since_ns: int
    until_ns: int
    missing: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What one file holds."""

    about: About
    rows: int
    corrupt: int
    first_ns: int | None
    last_ns: int | None
    gaps: tuple[Gap, ...]
    damaged_bytes: int
    """Of the log, that could not be read when it was sealed."""


def seal(segment: Segment) -> Contents | None:
    """Turn a log into a Parquet file: written aside, synced, renamed, and only then the log goes. Raises OSError.

    A log without a sample leaves nothing, and None; but one of which something cannot be read stays as it is, for better
    means than ours: FileDamagedError. A kill at any moment loses nothing, and it may be done again.
    """
    if segment.is_sealed:
        return None
    target = segment.sealed()
    contents = None if target.exists() else _write(segment.path, target)
    sync_folders([segment.path.parent])
    segment.path.unlink(missing_ok=True)
    return contents


def contents(path: Path) -> Contents:
    """Return what a file holds. FileDamagedError."""
    found = None if path.suffix == SEALED else _of_log_if_there(path)
    if found is None:
        with TableFile(_sealed(path)) as table:
            return _read_contents(table)[0]
    if not found:
        raise FileDamagedError(path, "it is empty")
    return _sums_of(found).contents(_damaged_bytes(found))


@dataclass(frozen=True, slots=True)
class Columns:
    """Successive samples of one file, as they lie in it."""

    time_ns: NDArray[np.int64]
    values: tuple[NDArray[Any], ...]
    """Of each axis, as `AXES` names them: counts (int16, or floats with NaN where corrupt), or floats in m/s² and rad/s."""
    are_counts: bool


def columns(path: Path, *, rows: int = BATCH_ROWS) -> Iterator[Columns]:
    """Yield the samples of a file alone, in columns. FileDamagedError as `readings`."""
    found = None if path.suffix == SEALED else _of_log_if_there(path)
    if found is not None:
        scale = next((each.scale for each in found if isinstance(each, About)), None)
        blocks = [each for each in found if isinstance(each, SampleBlock)]
        counts = [block_counts(block, scale) for block in blocks]
        are_counts = all(each is not None for each in counts)
        for block, count in zip(blocks, counts, strict=True):
            values = count if count is not None and are_counts else columns_of(block)
            yield Columns(block.time_ns, tuple(values.T), are_counts)
        return
    with TableFile(_sealed(path)) as table:
        names = ["time_ns", *_axes(_read_contents(table)[0].about)]
        are_counts = table.is_of_counts(names[1])
        for time_ns, *values_ in table.batches(names, rows):
            yield Columns(time_ns, tuple(values_), are_counts)


def readings(path: Path, *, rows: int = BATCH_ROWS) -> Iterator[Reading]:
    """Yield what a file holds, in the order in which it came; samples in blocks of at most so many (of a log: as they came).

    Raises FileDamagedError where it is broken, after all that came before.
    """
    found = None if path.suffix == SEALED else _of_log_if_there(path)
    if found is not None:
        yield from (each for each in found if not isinstance(each, About | log.Skipped))
        return
    with TableFile(_sealed(path)) as table:
        about, others = _read_contents(table)
        waiting = deque(others)
        done = 0
        names = ["time_ns", *_axes(about.about)]
        are_counts = table.is_of_counts(names[1])
        for time_ns, *columns in table.batches(names, rows):
            block = block_of(time_ns, np.stack(columns, axis=1), about.about, counts=are_counts)
            begin = 0
            while waiting and waiting[0][0] < done + len(block):
                row, other = waiting.popleft()
                if row - done > begin:
                    yield block[begin : row - done]
                begin = max(begin, row - done)
                yield other
            if begin < len(block):
                yield block[begin:] if begin else block
            done += len(block)
        yield from (other for _, other in waiting)


# ---- logs ----------------------------------------------------------------------------------------------------------


def _of_log_if_there(path: Path) -> list[Message | log.Skipped] | None:
    """Return what a log holds; None if it was sealed meanwhile, by a recorder that runs."""
    try:
        return _of_log(path)
    except FileDamagedError:
        if path.exists() or not _sealed(path).exists():
            raise
        return None


def _sealed(path: Path) -> Path:
    """Return where the samples of a file are once it is sealed."""
    segment = segment_of(path)
    return segment.sealed() if segment is not None else path


def _of_log(path: Path) -> list[Message | log.Skipped]:
    """Return what a log holds, decoded; what cannot be is Skipped. FileDamagedError if it nowhere says what it is of."""
    parts = list(log.read(path))
    about = next((each for part in parts if isinstance(each := _decoded(part, None), About)), None)
    found = [_decoded(part, about) for part in parts]
    if about is None and parts:
        raise FileDamagedError(path, "it does not say what its samples are")
    return found


def _decoded(part: bytes | log.Skipped, about: About | None) -> Message | log.Skipped:
    if isinstance(part, log.Skipped):
        return part
    try:
        return decode(part, about)
    except (ValueError, TypeError, struct.error):
        return log.Skipped(0, len(part))


def _damaged_bytes(found: list[Message | log.Skipped]) -> int:
    return sum(each.length for each in found if isinstance(each, log.Skipped))


def _sums_of(found: list[Message | log.Skipped]) -> "_Sums":
    about = next(each for each in found if isinstance(each, About))
    sums = _Sums(about)
    for each in found:
        if isinstance(each, SampleBlock):
            sums.add(each)
    return sums


class _Sums:
    """What the samples of a file add up to."""

    def __init__(self, about: About) -> None:
        self.about = about
        self.rows = self.corrupt = 0
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self._latest_ns: int | None = None
        self._gaps: list[Gap] = []

    def add(self, block: SampleBlock) -> None:
        """Count the next samples."""
        if not len(block):
            return
        self.rows += len(block)
        self.corrupt += int(np.isnan(columns_of(block)).any(axis=1).sum())
        low_ns, high_ns = int(block.time_ns.min()), int(block.time_ns.max())
        self._first_ns = low_ns if self._first_ns is None else min(self._first_ns, low_ns)
        self._last_ns = high_ns if self._last_ns is None else max(self._last_ns, high_ns)
        self._gaps += gaps(block.time_ns, self.about.rate_hz, self._latest_ns)
        self._latest_ns = int(block.time_ns[-1])

    def contents(self, damaged_bytes: int) -> Contents:
        """Return the sums."""
        first_ns, last_ns = self._first_ns, self._last_ns
        return Contents(
            self.about, self.rows, self.corrupt, first_ns, last_ns, tuple(self._gaps), damaged_bytes
        )


def gaps(time_ns: NDArray[np.int64], rate_hz: float, before_ns: int | None = None) -> list[Gap]:
    """Return where samples are lacking among these, and between `before_ns` and the first."""
    times = time_ns if before_ns is None else np.concatenate(([before_ns], time_ns))
    periods = np.diff(times) * (rate_hz / 1e9)
    return [
        Gap(int(times[k]), int(times[k + 1]), int(np.rint(periods[k])) - 1)
        for k in np.flatnonzero(periods > GAP_PERIODS)
    ]


# ---- sealed files --------------------------------------------------------------------------------------------------


def _write(path: Path, target: Path) -> Contents | None:
    found = _of_log(path)
    blocks = [each for each in found if isinstance(each, SampleBlock)]
    if not blocks:
        if damaged := _damaged_bytes(found):
            raise FileDamagedError(path, f"no sample of it can be read, and {damaged} bytes are damaged")
        return None
    sums = _sums_of(found)
    about, held = sums.about, sums.contents(_damaged_bytes(found))
    counts = [block_counts(block, about.scale) for block in blocks]
    are_counts = all(each is not None for each in counts)
    columns = counts if are_counts else [columns_of(block) for block in blocks]
    others, row = [], 0
    for each in found:
        if isinstance(each, SampleBlock):
            row += len(each)
        elif isinstance(each, LinkChange | BatteryReading):
            others.append([row, *plain_reading(each)])
    part = target.parent / f".{target.name}{PART}"
    fields = [
        Field("time_ns", Cell.INT, "ns", "when the sample was taken, UTC"),
        *(_field(name, about, are_counts=are_counts) for name in _axes(about)),
    ]
    with TableWriter(part, fields, {META: json.dumps(_plain(held, others), sort_keys=True)}) as table:
        values = np.concatenate(columns)  # type: ignore[arg-type]  # none of them is None here
        table.write([np.concatenate([block.time_ns for block in blocks]), *np.ascontiguousarray(values.T)])
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)
    return held


def _axes(about: About) -> tuple[str, ...]:
    return AXES if about.has_gyr else AXES[:3]


def _field(name: str, about: About, *, are_counts: bool) -> Field:
    unit, what = ("m/s2", "acceleration with gravity") if name.startswith("acc") else ("rad/s", "rotation")
    meaning = f"{what}, axis {name[-1]} of the clip"
    if not are_counts or about.scale is None:
        return Field(name, Cell.DOUBLE, unit, meaning)
    step = about.scale.acc_mps2 if name.startswith("acc") else about.scale.gyr_radps
    return Field(name, Cell.COUNT, "1", f"{meaning}: times {step!r} it is {unit}")


def _plain(held: Contents, others: list[list[Any]]) -> dict[str, Any]:
    return held.about.plain() | {
        "rows": held.rows,
        "corrupt": held.corrupt,
        "first_ns": held.first_ns,
        "last_ns": held.last_ns,
        "gaps": [[gap.since_ns, gap.until_ns, gap.missing] for gap in held.gaps],
        "damaged_bytes": held.damaged_bytes,
        "others": others,
    }


def _read_contents(table: TableFile) -> tuple[Contents, list[tuple[int, LinkChange | BatteryReading]]]:
    try:
        plain = json.loads(table.about[META])
        held = Contents(
            about=About.of_plain(plain),
            rows=table.rows,
            corrupt=int(plain["corrupt"]),
            first_ns=plain["first_ns"],
            last_ns=plain["last_ns"],
            gaps=tuple(Gap(*gap) for gap in plain["gaps"]),
            damaged_bytes=int(plain["damaged_bytes"]),
        )
        others = [(int(row), reading_of_plain(tag, values)) for row, tag, values in plain["others"]]
    except (KeyError, TypeError, ValueError) as error:
        raise FileDamagedError(table.path, f"it holds no samples that neckline recorded ({error})") from error
    if missing := {"time_ns", *_axes(held.about)} - set(table.names):
        raise FileDamagedError(table.path, f"it lacks the column {min(missing)}")
    return held, others
