"""What is stored → a folder of CSV or Parquet files that explain themselves: a file a kind, a codebook, where it is from.

Rows are streamed: memory does not grow with the period. Numbers are written so that they read back to the last bit;
an empty cell is not known (in texts: or empty). The folder appears when it is complete, or not at all.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any

from storage.entries import Stream
from storage.errors import ExportError
from storage.exports.new_folder import new_folder
from storage.exports.sharing import AS_IT_IS, Sharing
from storage.gaps import SECOND_NS, Gaps
from storage.history import History
from storage.recordings.folder import RecordingsFolder
from storage.schema import CALIBRATION, EPOCH, Column, Kind, Row, Type

if TYPE_CHECKING:
    from storage.exports.samples import Samples

PART_ROWS = 20_000
"""What a Parquet file takes at once."""
CODEBOOK, PROVENANCE, SAMPLES = "codebook.csv", "provenance.json", "samples"
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
    broken: tuple[str, ...] = ()
    """Files of samples that could not be read to their end, and why: for whoever exports, as it tells where they lie."""


def export_journal(
    reader: History,
    streams: Sequence[Stream],
    folder: Path,
    since_ns: int | None = None,
    until_ns: int | None = None,
    *,
    file_format: Format = Format.CSV,
    sharing: Sharing = AS_IT_IS,
    recordings: RecordingsFolder | None = None,
    on_progress: Callable[[str, int, int], None] = lambda _what, _done, _of: None,
) -> Export:
    """Write all kinds of the streams, `since_ns` <= time < `until_ns`, as they are at this moment; of calibrations older ones, too.

    With `recordings` the samples in it of the same wearers, too. `on_progress` gets `rows`, those written and all of
    them, then `samples`, files of samples done and all of them. Raises ExportError when the folder is there and not empty or
    cannot be written, or Parquet is asked for without pyarrow; JournalError when the journal cannot be read.
    """
    if (file_format is Format.PARQUET or recordings is not None) and find_spec("pyarrow") is None:
        what = "Parquet" if recordings is None else "an export of samples"
        raise ExportError(
            folder, f"{what} needs pyarrow", "install neckline with its extra `export`, or export CSV alone"
        )
    wearers = {stream.wearer for stream in streams}
    if len({sharing.label(wearer) for wearer in wearers}) < len(wearers):
        raise ExportError(folder, "two wearers would get the same pseudonym", "give each another --label")
    with new_folder(folder) as part, reader.snapshot():
        writing = _Writing(reader, streams, (since_ns, until_ns), file_format, sharing, on_progress)
        return writing.write(part, folder, recordings)


class _Writing:
    """One export under way."""

    def __init__(
        self,
        reader: History,
        streams: Sequence[Stream],
        span_ns: tuple[int | None, int | None],
        file_format: Format,
        sharing: Sharing,
        on_progress: Callable[[str, int, int], None],
    ) -> None:
        self.format, self.sharing = file_format, sharing
        self.reader, self.streams = reader, streams
        self.span_ns, self.on_progress = span_ns, on_progress
        self.gaps = {stream: Gaps() for stream in streams}
        self.done = 0
        self.total = sum(
            reader.count(kind, stream, *self.span(kind)) for kind in reader.kinds for stream in streams
        )

    def span(self, kind: Kind[Any]) -> tuple[int | None, int | None]:
        """Return the period of a kind: what was captured before it is what its angles rest on."""
        return (None, self.span_ns[1]) if kind is CALIBRATION else self.span_ns

    def write(self, part: Path, folder: Path, recordings: RecordingsFolder | None) -> Export:
        """Write all files into `part`."""
        before = self.reader.skipped
        files = [self.kind(part, kind) for kind in self.reader.kinds]
        self.on_progress("rows", self.done, self.total)
        samples = None if recordings is None else self.samples(part, recordings)
        book = ("file", "column", "type", "unit", "meaning")
        files.append(self.file(part, CODEBOOK, book, self.codebook(samples)))
        of_samples = samples.files if samples else ()
        files += [ExportedFile(f"{SAMPLES}/{file.name}", file.rows, file.sha256) for file in of_samples]
        broken = tuple(map(str, samples.errors)) if samples else ()
        export = Export(folder, tuple(files), self.reader.skipped - before, broken)
        told = self.provenance(export) | ({"samples": _of_samples(samples)} if samples else {})
        (part / PROVENANCE).write_text(json.dumps(told, indent=2) + "\n", "utf-8")
        return export

    def samples(self, part: Path, recordings: RecordingsFolder) -> "Samples":
        """Write the samples of the same wearers."""
        from storage.exports.samples import write_samples  # noqa: PLC0415 (with pyarrow, 50 MB)

        wearers = {stream.wearer for stream in self.streams}
        return write_samples(
            part / SAMPLES,
            [each for each in recordings.segments(None, *self.span_ns) if each.stream.wearer in wearers],
            self.span_ns,
            self.sharing,
            as_csv=self.format is Format.CSV,
            on_progress=partial(self.on_progress, "samples"),
        )

    def kind(self, part: Path, kind: Kind[Any]) -> ExportedFile:
        """Write the file of one kind."""
        name = f"{kind.name}.{self.format}"
        if self.format is Format.CSV:
            return self.file(part, name, _header(kind), self.rows(kind))
        from storage.arrow.parquet import Cell, Field, TableWriter  # noqa: PLC0415 (50 MB, for this format alone)

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
            wearer = self.sharing.label(stream.wearer)
            found: Iterator[Row] = map(self.shared(kind), self.reader.rows(kind, stream, *self.span(kind)))
            if kind is EPOCH:
                found = self.gaps[stream].watch(found)
            for time_ns_, *values in found:
                yield (wearer, stream.placement, time_ns_, utc(time_ns_), *values)
                self.done += 1
                if self.done % PROGRESS_ROWS == 0:
                    self.on_progress("rows", self.done, self.total)

    def shared(self, kind: Kind[Any]) -> Callable[[Row], Row]:
        """Return what makes of a row of the journal the one that others get."""
        if not self.sharing.shift_days:
            return lambda row: row
        times = [column.unit == "ns" for column in kind.columns]
        shift_ns, text = self.sharing.shift_ns, self.sharing.text

        def shift(row: Row) -> Row:
            return tuple(
                value + shift_ns
                if is_time and isinstance(value, int)
                else text(value)
                if isinstance(value, str)
                else value
                for value, is_time in zip(row, times, strict=True)
            )

        return shift

    def codebook(self, samples: "Samples | None") -> Iterator[Sequence[object]]:
        """Yield what every column of every file means."""
        for kind in self.reader.kinds:
            name = f"{kind.name}.{self.format}"
            for column in _columns(kind):
                yield name, column.name, column.type.value, column.unit, column.meaning
        if samples is not None:
            from storage.exports.samples import fields  # noqa: PLC0415 (with pyarrow, 50 MB)

            for each in fields():
                kind_of_number = Type.INT if each.unit == "ns" else Type.FLOAT
                yield f"{SAMPLES}/*.{self.format}", each.name, kind_of_number.value, each.unit, each.meaning

    def provenance(self, export: Export) -> dict[str, object]:
        """Return where the export is from and how whole it is."""
        return {
            "format": f"neckline-{self.format}-1",
            "software": {"name": "neckline", "version": version("neckline")},
            # What would lead back from what is shared is left out.
            "from": self.reader.origin if self.sharing.changes_nothing else None,
            "exported": None if self.sharing.shift_days else utc(time_ns()),
            "dates_shifted": bool(self.sharing.shift_days),
            "pseudonyms_replaced": bool(self.sharing.labels),
            "period": _span(*(None if ns is None else ns + self.sharing.shift_ns for ns in self.span_ns)),
            "streams": [
                {
                    "wearer": self.sharing.label(stream.wearer),
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


def _of_samples(samples: "Samples") -> dict[str, object]:
    return {
        "files": [
            asdict(file)
            | {"first": file.first_ns and utc(file.first_ns), "last": file.last_ns and utc(file.last_ns)}
            for file in samples.files
        ],
        "broken": [asdict(each) for each in samples.broken],
    }
