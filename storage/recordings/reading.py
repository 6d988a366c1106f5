"""A Parquet file of samples, or a log → its readings, to the last bit, a batch at a time; and what it holds in short."""

import json
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.samples import BatteryReading, LinkChange, Reading, SampleBlock
from storage.arrow.parquet import TableFile
from storage.errors import FileDamagedError
from storage.recordings import log
from storage.recordings.contents import Contents, Sums
from storage.recordings.folder import SEALED, segment_of
from storage.recordings.frames import (
    About,
    Message,
    block_counts,
    block_of,
    columns_of,
    decode,
    reading_of_plain,
)

META, OTHERS = "neckline", "others"
"""Where in a sealed file's metadata stands what it holds, and where in that what is no sample."""
AXES = tuple(f"{what}_{axis}" for what in ("acc", "gyr") for axis in "xyz")
BATCH_ROWS = 1 << 14


def contents(path: Path) -> Contents:
    """Return what a file holds. FileDamagedError."""
    found = None if path.suffix == SEALED else _of_log_if_there(path)
    if found is None:
        with TableFile(_sealed(path)) as table:
            return _read_contents(table)[0]
    if not found:
        raise FileDamagedError(path, "it is empty")
    return sums_of(found).contents(damaged_bytes(found))


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
        names = ["time_ns", *axes_of(_read_contents(table)[0].about)]
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
        names = ["time_ns", *axes_of(about.about)]
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
        return of_log(path)
    except FileDamagedError:
        if path.exists() or not _sealed(path).exists():
            raise
        return None


def _sealed(path: Path) -> Path:
    """Return where the samples of a file are once it is sealed."""
    segment = segment_of(path)
    return segment.sealed() if segment is not None else path


def of_log(path: Path) -> list[Message | log.Skipped]:
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


def damaged_bytes(found: list[Message | log.Skipped]) -> int:
    """Return how much of a log could not be read."""
    return sum(each.length for each in found if isinstance(each, log.Skipped))


def sums_of(found: list[Message | log.Skipped]) -> Sums:
    """Return what the samples of a log add up to; it is not empty."""
    about = next(each for each in found if isinstance(each, About))
    sums = Sums(about)
    for each in found:
        if isinstance(each, SampleBlock):
            sums.add(each)
    return sums


# ---- sealed files --------------------------------------------------------------------------------------------------


def axes_of(about: About) -> tuple[str, ...]:
    """Return which columns a file has beside the time."""
    return AXES if about.has_gyr else AXES[:3]


def _read_contents(table: TableFile) -> tuple[Contents, list[tuple[int, LinkChange | BatteryReading]]]:
    try:
        plain = json.loads(table.about[META])
        held = Contents.of_plain(plain, table.rows)
        others = [(int(row), reading_of_plain(tag, values)) for row, tag, values in plain[OTHERS]]
    except (KeyError, TypeError, ValueError) as error:
        raise FileDamagedError(table.path, f"it holds no samples that neckline recorded ({error})") from error
    if missing := {"time_ns", *axes_of(held.about)} - set(table.names):
        raise FileDamagedError(table.path, f"it lacks the column {min(missing)}")
    return held, others
