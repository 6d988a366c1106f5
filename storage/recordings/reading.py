"""A Parquet file of samples, or a log → its readings, to the last bit, a batch at a time; and what it holds in short."""

import json
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

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
CRC = "crc"
"""Where in both the checksum stands: of what the metadata says, and of each column."""
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


def readable(path: Path) -> Contents:
    """Return the same of a file that is empty, or of which some sample can be read. FileDamagedError."""
    held = contents(path)
    if held.damaged_bytes and not held.rows:
        raise FileDamagedError(
            path, f"no sample of it can be read, and {held.damaged_bytes} bytes are damaged"
        )
    return held


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
        held, _, crcs = _read_contents(table)
        names = ["time_ns", *axes_of(held.about)]
        are_counts = table.is_of_counts(names[1])
        for time_ns, *values_ in _checked(table, names, rows, crcs):
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
        about, others, crcs = _read_contents(table)
        waiting = deque(others)
        done = 0
        names = ["time_ns", *axes_of(about.about)]
        are_counts = table.is_of_counts(names[1])
        for time_ns, *columns in _checked(table, names, rows, crcs):
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


def crcs_of(columns: Sequence[NDArray[Any]], before: Sequence[int] = ()) -> list[int]:
    """Return a checksum of each column, going on from those of the rows before: the same however rows are cut."""
    crcs = before or [0] * len(columns)
    return [crc32(_plain(each).data, crc) for each, crc in zip(columns, crcs, strict=True)]


def _plain(column: NDArray[Any]) -> NDArray[Any]:
    """Return what has the same bytes for integers with or without a null among them."""
    if column.dtype == np.int64:
        return np.ascontiguousarray(column, "<i8")
    values = column.astype("<f8")
    if column.dtype.kind == "f":
        values += 0.0  # of both zeros one
        values[np.isnan(values)] = np.nan
    return values


def _checked(
    table: TableFile, names: Sequence[str], rows: int, crcs: Sequence[int] | None
) -> Iterator[list[NDArray[Any]]]:
    """Yield the columns a batch at a time, and at the end raise FileDamagedError if they are not what was sealed.

    Pages have checksums of their own; what says where they lie and how they are to be read has none.
    """
    found = [0] * len(names)
    for batch in table.batches(names, rows):
        found = crcs_of(batch, found)
        yield batch
    if crcs is not None and found != [*crcs]:
        raise FileDamagedError(table.path, "its samples are not those that were sealed")


def _read_contents(
    table: TableFile,
) -> tuple[Contents, list[tuple[int, LinkChange | BatteryReading]], list[int] | None]:
    """Return what a file holds in short, what of it is no sample, and the checksums of its columns, if it has them."""
    try:
        told = table.about[META]
        plain = json.loads(told)
        held = Contents.of_plain(plain, table.rows)
        others = [(int(row), reading_of_plain(tag, values)) for row, tag, values in plain[OTHERS]]
    except (KeyError, TypeError, ValueError) as error:
        raise FileDamagedError(table.path, f"it holds no samples that neckline recorded ({error})") from error
    if (
        table.about.get(CRC, str(crc32(told.encode()))) != str(crc32(told.encode()))
        or table.rows != plain["rows"]
    ):
        raise FileDamagedError(table.path, "what it says of its samples is damaged")
    if missing := {"time_ns", *axes_of(held.about)} - set(table.names):
        raise FileDamagedError(table.path, f"it lacks the column {min(missing)}")
    return held, others, plain.get(CRC)
