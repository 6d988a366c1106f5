"""The journal → a folder of CSV or Parquet files that explain themselves: a file a kind, a codebook, where it is from.

Rows are streamed: memory does not grow with the period. Numbers are written so that they read back to the last bit;
an empty cell is not known (in texts: or empty). The folder appears when it is complete, or not at all.
"""

import csv
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from time import time_ns
from typing import Any

from storage.entries import Stream
from storage.errors import ExportError
from storage.gaps import SECOND_NS, Gaps
from storage.reader import JournalReader
from storage.schema import EPOCH, KINDS, Column, Kind, Row, Type

PART_ROWS = 20_000
"""What a Parquet file takes at once."""
CODEBOOK, PROVENANCE = "codebook.csv", "provenance.json"
PROGRESS_ROWS = 2_000
_EPOCH_0 = datetime(1970, 1, 1, tzinfo=UTC)
_OWN = (
    Column("wearer", Type.TEXT, "", "who wore the clip, a pseudonym"),
    Column("placement", Type.TEXT, "", "where the clip was worn"),
)


class Format(StrEnum):
    """What the files of an export are."""

    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file of an export."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Export:
    """What was written."""

    folder: Path
    files: tuple[ExportedFile, ...]
    skipped: int
    """Damaged rows of the journal that are not in it."""


def export_journal(
    reader: JournalReader,
    streams: Sequence[Stream],
    folder: Path,
    since_ns: int | None = None,
    until_ns: int | None = None,
    *,
    file_format: Format = Format.CSV,
    on_progress: Callable[[int, int], None] | None = None,
) -> Export:
    """Write all kinds of the streams, `since_ns` <= time < `until_ns`, as they are at this moment.

    `on_progress` gets rows written and rows in all. Raises ExportError when the folder is there and not empty or
    cannot be written, or Parquet is asked for without pyarrow; JournalError when the journal cannot be read.
    """
    if file_format is Format.PARQUET and find_spec("pyarrow") is None:
        raise ExportError(
            folder, "Parquet needs pyarrow", "install neckline with its extra `export`, or export CSV"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(folder, "it is there already", "name another folder, or move this one away")
    with ExitStack() as undo:
        undo.enter_context(reader.snapshot())
        try:
            folder.absolute().parent.mkdir(parents=True, exist_ok=True)
            part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
            undo.callback(shutil.rmtree, part, ignore_errors=True)
            export = _Writing(reader, streams, since_ns, until_ns, on_progress, file_format).write(
                part, folder
            )
            if folder.exists():
                folder.rmdir()
            part.rename(folder)
        except OSError as error:
            why = error.strerror or str(error)
            raise ExportError(
                folder, why, "make room or allow writing there, or name another folder"
            ) from error
    return export


class _Writing:
    """One export under way."""

    def __init__(
        self,
        reader: JournalReader,
        streams: Sequence[Stream],
        since_ns: int | None,
        until_ns: int | None,
        on_progress: Callable[[int, int], None] | None,
        file_format: Format,
    ) -> None:
        self.format = file_format
        self.reader, self.streams = reader, streams
        self.since_ns, self.until_ns = since_ns, until_ns
        self.on_progress = on_progress
        self.gaps = {stream: Gaps() for stream in streams}
        self.done = 0
        self.total = sum(
            reader.count(kind, stream, since_ns, until_ns) for kind in KINDS for stream in streams
        )

    def write(self, part: Path, folder: Path) -> Export:
        """Write all files into `part`."""
        before = self.reader.skipped
        files = [self.kind(part, kind) for kind in KINDS]
        book = ("file", "column", "type", "unit", "meaning")
        files.append(self.file(part, CODEBOOK, book, _codebook(self.format)))
        export = Export(folder, tuple(files), self.reader.skipped - before)
        text = json.dumps(self.provenance(export), indent=2) + "\n"
        (part / PROVENANCE).write_text(text, "utf-8")
        self.tell()
        return export

    def kind(self, part: Path, kind: Kind[Any]) -> ExportedFile:
        """Write the file of one kind."""
        name = f"{kind.name}.{self.format}"
        if self.format is Format.CSV:
            return self.file(part, name, _header(kind), self.rows(kind))
        from storage.parquet import Cell, Field, TableWriter  # noqa: PLC0415 (50 MB, for this format alone)

        cells = {Type.INT: Cell.INT, Type.FLOAT: Cell.DOUBLE, Type.TEXT: Cell.TEXT}
        fields = [Field(each.name, cells[each.type], each.unit, each.meaning) for each in _columns(kind)]
        count, rows = 0, self.rows(kind)
        with TableWriter(part / name, fields, {"kind": kind.name}) as table:
            while taken := list(islice(rows, PART_ROWS)):
                table.write([list(column) for column in zip(*taken, strict=True)])
                count += len(taken)
        return _exported(part / name, count)

    def file(
        self, part: Path, name: str, header: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> ExportedFile:
        """Write one file, row by row."""
        count = 0
        with (part / name).open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file)  # RFC 4180; its CR LF has texts with a CR quoted, too
            lines.writerow(header)
            for count, row in enumerate(rows, 1):  # noqa: B007 (the count is wanted)
                lines.writerow(row)
        return _exported(part / name, count)

    def rows(self, kind: Kind[Any]) -> Iterator[Sequence[object]]:
        """Yield the rows of one kind, stream by stream in order of time."""
        for stream in self.streams:
            found: Iterator[Row] = self.reader.rows(kind, stream, self.since_ns, self.until_ns)
            if kind is EPOCH:
                found = self.gaps[stream].watch(found)
            for time_ns_, *values in found:
                yield (stream.wearer, stream.placement, time_ns_, utc(time_ns_), *values)
                self.done += 1
                if self.done % PROGRESS_ROWS == 0:
                    self.tell()

    def tell(self) -> None:
        """Tell how far it is."""
        if self.on_progress is not None:
            self.on_progress(self.done, self.total)

    def provenance(self, export: Export) -> dict[str, object]:
        """Return where the export is from and how whole it is."""
        return {
            "format": f"neckline-{self.format}-1",
            "software": {"name": "neckline", "version": version("neckline")},
            "journal": self.reader.journal_id,
            "exported": utc(time_ns()),
            "period": _span(self.since_ns, self.until_ns),
            "streams": [
                {
                    "wearer": stream.wearer,
                    "placement": stream.placement,
                    "epochs": _span(gaps.first_ns, gaps.until_ns),
                    "gaps": [
                        {"why": gap.why.value, **_span(gap.since_ns, gap.until_ns)} for gap in gaps.found
                    ],
                }
                for stream, gaps in self.gaps.items()
            ],
            "files": [{"name": file.name, "rows": file.rows, "sha256": file.sha256} for file in export.files],
            "damaged_rows_left_out": export.skipped,
        }


def utc(time_ns_: Any) -> str:
    """Write a time in ns UTC as ISO 8601, all nine digits."""
    second, ns = divmod(time_ns_, SECOND_NS)
    return f"{_EPOCH_0 + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}.{ns:09d}Z"


def _span(since_ns: int | None, until_ns: int | None) -> dict[str, object]:
    return {
        "since_ns": since_ns,
        "since": None if since_ns is None else utc(since_ns),
        "until_ns": until_ns,
        "until": None if until_ns is None else utc(until_ns),
    }


def _columns(kind: Kind[Any]) -> list[Column]:
    """Return the columns of a file: the kind's own, and beside its time the same for people."""
    time, *others = kind.columns
    readable = Column(
        time.name.removesuffix("_ns") + "_utc",
        Type.TEXT,
        "",
        f"{time.meaning}; the same as {time.name}, ISO 8601",
    )
    return [*_OWN, time, readable, *others]


def _header(kind: Kind[Any]) -> list[str]:
    return [column.name for column in _columns(kind)]


def _exported(path: Path, rows: int) -> ExportedFile:
    with path.open("rb") as file:
        return ExportedFile(path.name, rows, hashlib.file_digest(file, "sha256").hexdigest())


def _codebook(file_format: Format) -> Iterator[Sequence[object]]:
    for kind in KINDS:
        for column in _columns(kind):
            yield f"{kind.name}.{file_format}", column.name, column.type.value, column.unit, column.meaning
