"""Tables ⇄ Parquet files.

Columns go in and come out as numpy arrays or lists, a batch at a time: memory does not grow with a file. What a column
is in a file (its number of bytes, its encoding) is said by the caller, and so is when a file counts: nothing is renamed here.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from storage.errors import FileDamagedError

ZSTD_LEVEL = 3
ROW_GROUP_ROWS = 1 << 16
"""A batch in memory: 3 MB of six-axis samples, whatever the file."""


class Cell(Enum):
    """What a column holds, and how it is kept."""

    INT = (pa.int64(), "DELTA_BINARY_PACKED")
    """Times in nanoseconds, too."""
    COUNT = (pa.int16(), "DELTA_BINARY_PACKED")
    """A clip's own integers: noise, of which the default, a dictionary, makes more than there was."""
    SINGLE = (pa.float32(), "BYTE_STREAM_SPLIT")
    """A clip's integers in their unit: no more digits are in them."""
    DOUBLE = (pa.float64(), "BYTE_STREAM_SPLIT")
    TEXT = (pa.string(), "DELTA_BYTE_ARRAY")


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a file."""

    name: str
    cell: Cell
    unit: str = ""
    meaning: str = ""


Values = NDArray[Any] | Sequence[Any]


class TableWriter:
    """Writes one Parquet file; it can be read only after `close`. Raises OSError."""

    def __init__(self, path: Path, fields: Sequence[Field], about: Mapping[str, str]) -> None:
        self._fields = tuple(fields)
        self._schema = pa.schema(
            [
                pa.field(each.name, each.cell.value[0], metadata={"unit": each.unit, "meaning": each.meaning})
                for each in fields
            ],
            metadata=dict(about),
        )
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            compression_level=ZSTD_LEVEL,
            use_dictionary=False,
            column_encoding={each.name: each.cell.value[1] for each in fields},
            write_page_checksum=True,
        )

    def write(self, columns: Sequence[Values]) -> None:
        """Add rows, columns in the order of the fields; None and a masked value are not known (null)."""
        arrays = [
            _array(values, each.cell.value[0]) for each, values in zip(self._fields, columns, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema), row_group_size=ROW_GROUP_ROWS)

    def close(self, about: Mapping[str, str] | None = None) -> None:
        """Write the file's end; `about` is what became known of it meanwhile."""
        if about:
            self._writer.add_key_value_metadata(dict(about))
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class TableFile:
    """One Parquet file to read. FileDamagedError when it is none, was cut off, or a page's checksum is wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False)
            self.names: list[str] = list(self._file.schema_arrow.names)
        except (pa.ArrowException, OSError, UnicodeError) as error:
            raise _damage(path, error) from error
        self.rows = int(self._file.metadata.num_rows)

    @property
    def about(self) -> dict[str, str]:
        """Return what the file says of itself."""
        told = self._file.metadata.metadata or {}
        return {
            key.decode("utf-8", "replace"): value.decode("utf-8", "replace")
            for key, value in told.items()
            if key != b"ARROW:schema"
        }

    def is_of_counts(self, name: str) -> bool:
        """Tell whether a column holds a clip's own integers, of whatever size a damaged file says that they are."""
        return bool(pa.types.is_integer(self._file.schema_arrow.field(name).type))

    def batches(self, names: Sequence[str], rows: int = ROW_GROUP_ROWS) -> Iterator[list[NDArray[Any]]]:
        """Yield the columns a batch at a time; integers with a null among them come as floats with NaN."""
        try:
            for batch in self._file.iter_batches(rows, columns=list(names), use_threads=False):
                yield [batch.column(name).to_numpy(zero_copy_only=False) for name in names]
        except (pa.ArrowException, OSError) as error:
            raise _damage(self.path, error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _array(values: Values, cell: pa.DataType | None) -> pa.Array:
    """Return a column; NaN in what is to hold integers, and every NaN where no type is asked for, is null."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "f" and cell is not None:
        if pa.types.is_integer(cell):
            missing = np.isnan(values)
            whole = np.where(missing, 0, values).astype(cell.to_pandas_dtype())
            return pa.array(whole, type=cell, mask=missing)
        return pa.array(values.astype(cell.to_pandas_dtype(), copy=False), type=cell)
    return pa.array(values, type=cell, from_pandas=True)


def _damage(path: Path, error: Exception) -> FileDamagedError:
    # Where the file lies is not said in the reason, and pyarrow does, even in `strerror`.
    told = str(error).splitlines()[0].replace(str(path), path.name) if str(error) else type(error).__name__
    if isinstance(error, OSError) and error.errno is not None and not isinstance(error, pa.ArrowException):
        return FileDamagedError(path, os.strerror(error.errno))
    if any(words in told for words in ("magic bytes", "file size", "smaller than the minimum", "footer")):
        told = "it was cut off, or is no Parquet file: its end is not there"
    return FileDamagedError(path, told)
