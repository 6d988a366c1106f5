"""Exports: read back they are the journal, and they say what they are, where from, and what is missing."""

import csv
import hashlib
import json
import struct
import tracemalloc
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.outputs import Activity, Event, EventKind
from storage.entries import Batch, Stream
from storage.errors import ExportError
from storage.exports.export import CODEBOOK, PROVENANCE, Export, Format, export_journal, utc
from storage.exports.sharing import Sharing
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import CALIBRATION, EPOCH, EVENT, KINDS, Column, Kind, Type, Value, kind_of
from tests.storage.records import (
    ANNA,
    BERT,
    SECOND_NS,
    START_NS,
    calibration,
    epoch,
    event,
    one_of_each,
    records,
    second,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give where a journal is to be."""
    return tmp_path / "journal.db"


def read_back(folder: Path, kind: Kind[Any]) -> dict[Stream, list[Any]]:
    """Read a file of an export as its codebook says, and make records of it."""
    with (folder / f"{kind.name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        stream: [
            kind.from_row(tuple(value(row[each.name], each) for each in kind.columns)) for row in several
        ]
        for stream, several in groupby(rows, key=lambda row: Stream(row["wearer"], row["placement"]))
    }


def value(cell: str, column: Column) -> Value:
    """Read one cell."""
    if column.type is Type.TEXT:
        return cell
    if not cell:
        return None
    return int(cell) if column.type is Type.INT else float(cell)


def plain(kind: Kind[Any], record: Any) -> list[object]:
    """Make a record comparable bit for bit; an empty text and none are one and the same in a file."""
    return [struct.pack("<d", each) if isinstance(each, float) else each or 0 for each in kind.to_row(record)]


@given(found=st.lists(records, max_size=8))
@settings(max_examples=60, deadline=None)
def test_what_is_read_back_is_the_journal(tmp_path_factory: pytest.TempPathFactory, found: list[Any]) -> None:
    """Every kind, any text and any number, to the last bit."""
    folder = tmp_path_factory.mktemp("export")
    with Journal.open(folder / "journal.db", "test") as journal:
        journal.commit([Batch(ANNA, tuple(found)), Batch(BERT, (epoch(0),))])
    with JournalReader.open(folder / "journal.db") as reader:
        export = export_journal(reader, [ANNA, BERT], folder / "out")
        for kind in KINDS:
            again = read_back(folder / "out", kind)
            for stream in (ANNA, BERT):
                assert [plain(kind, record) for record in reader.read(kind, stream)] == [
                    plain(kind, record) for record in again.get(stream, [])
                ]
    assert (
        sum(file.rows for file in export.files if file.name != CODEBOOK)
        == len({(kind_of(each).name, *keys(each)) for each in found}) + 1
    )


def keys(record: Any) -> list[object]:
    """Return what a record is known by within its stream."""
    kind = kind_of(record)
    return [
        each
        for k, (each, column) in enumerate(zip(kind.to_row(record), kind.columns, strict=True))
        if k == 0 or column.tag
    ]


def provenance(export: Export) -> dict[str, Any]:
    """Return what an export says of itself."""
    told: dict[str, Any] = json.loads((export.folder / PROVENANCE).read_text("utf-8"))
    return told


def test_an_export_says_where_it_is_from(path: Path, tmp_path: Path) -> None:
    """Version, journal, period, streams, rows and checksums; the files named are the files there."""
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(ANNA, one_of_each(1)), Batch(BERT, one_of_each(2)), second(0), second(5)])
        with JournalReader.open(path) as reader:
            since_ns, until_ns = START_NS, START_NS + 4 * SECOND_NS
            export = export_journal(reader, [ANNA], tmp_path / "new" / "out", since_ns, until_ns)
        told = provenance(export)
        assert told["from"] == {"journal": journal.journal_id}
    assert told["software"] == {"name": "neckline", "version": version("neckline")}
    assert told["period"]["since"] == "2025-10-09T08:53:20.000000000Z"
    assert (told["period"]["since_ns"], told["period"]["until_ns"]) == (since_ns, until_ns)
    assert [(each["wearer"], each["placement"]) for each in told["streams"]] == [
        (ANNA.wearer, ANNA.placement)
    ]
    assert told["damaged_rows_left_out"] == 0
    files = {each["name"]: each for each in told["files"]}
    assert {*files, PROVENANCE} == {file.name for file in export.folder.iterdir()}
    for name, each in files.items():
        data = (export.folder / name).read_bytes()
        assert each["sha256"] == hashlib.sha256(data).hexdigest()
        assert each["rows"] == data.count(b"\n") - 1
    assert {name: each["rows"] for name, each in files.items() if name != CODEBOOK} == {
        "epoch.csv": 2,
        "minute.csv": 0,
        "episode.csv": 1,
        "event.csv": 1,
        "battery.csv": 1,
        "calibration.csv": 1,
        "health.csv": 1,
    }
    assert BERT.wearer not in "".join(file.read_text("utf-8") for file in export.folder.iterdir())


def test_the_codebook_explains_every_column(path: Path, tmp_path: Path) -> None:
    """Each column of each file, in its order, with type, unit and meaning; times also for people."""
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(ANNA, one_of_each(1))])
    with JournalReader.open(path) as reader:
        export_journal(reader, [ANNA], tmp_path / "out")
    with (tmp_path / "out" / CODEBOOK).open(encoding="utf-8", newline="") as file:
        book = list(csv.DictReader(file))
    for kind in KINDS:
        with (tmp_path / "out" / f"{kind.name}.csv").open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            (row,) = rows
        lines = [line for line in book if line["file"] == f"{kind.name}.csv"]
        assert [line["column"] for line in lines] == rows.fieldnames
        assert all(line["meaning"] and line["type"] in {"int", "float", "text"} for line in lines)
        for column in kind.columns:
            assert (column.type.value, column.unit, column.meaning) in {
                (line["type"], line["unit"], line["meaning"])
                for line in lines
                if line["column"] == column.name
            }
        time = kind.columns[0].name
        readable = datetime.fromisoformat(row[time.removesuffix("_ns") + "_utc"][:26] + "+00:00")
        assert int(row[time]) == round(readable.timestamp()) * SECOND_NS


@given(time_ns=st.integers(-(2**63), 2**63 - 1))
@settings(deadline=None)
def test_times_for_people_lose_nothing(time_ns: int) -> None:
    """Every nanosecond of the int64 range, before 1970 too."""
    text = utc(time_ns)
    whole = datetime.fromisoformat(text[:19] + "+00:00") - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    assert time_ns == (whole.days * 86400 + whole.seconds) * SECOND_NS + int(text[20:29])
    assert (len(text), text[19], text[29]) == (30, ".", "Z")


def test_of_a_period_the_calibrations_are_there_that_it_rests_on(path: Path, tmp_path: Path) -> None:
    """Captured before it or in it; those that came after tell nothing of it."""
    with Journal.open(path, "test") as journal:
        journal.commit(
            [Batch(ANNA, (*(calibration(k) for k in (1, 50, 90)), *(epoch(k) for k in range(100))))]
        )
    since_ns, until_ns = START_NS + 40 * SECOND_NS, START_NS + 60 * SECOND_NS
    with JournalReader.open(path) as reader:
        folder = export_journal(reader, [ANNA], tmp_path / "out", since_ns, until_ns).folder
    assert read_back(folder, CALIBRATION) == {ANNA: [calibration(1), calibration(50)]}
    assert read_back(folder, EPOCH) == {ANNA: [epoch(k) for k in range(40, 60)]}


def test_gaps_are_listed_as_spans(path: Path, tmp_path: Path) -> None:
    """Seconds without signal and seconds without any record, side by side ones merged, each with its reason."""
    silent = {3, 4, 5, 9}
    absent = {6, 7, 20}
    with Journal.open(path, "test") as journal:
        seconds = [k for k in range(2, 25) if k not in absent]
        journal.commit(
            [Batch(ANNA, tuple(epoch(k, Activity.GAP if k in silent else Activity.STILL) for k in seconds))]
        )
    with JournalReader.open(path) as reader:
        told = provenance(export_journal(reader, [ANNA, BERT], tmp_path / "out"))
    anna, bert = told["streams"]
    spans = [
        (gap["why"], (gap["since_ns"] - START_NS) // SECOND_NS, (gap["until_ns"] - START_NS) // SECOND_NS)
        for gap in anna["gaps"]
    ]
    assert spans == [
        ("no_signal", 3, 6),
        ("not_recorded", 6, 8),
        ("no_signal", 9, 10),
        ("not_recorded", 20, 21),
    ]
    assert anna["gaps"][0]["since"] == utc(START_NS + 3 * SECOND_NS)
    assert anna["epochs"]["since_ns"] == START_NS + 2 * SECOND_NS
    assert anna["epochs"]["until_ns"] == START_NS + 25 * SECOND_NS
    assert (bert["gaps"], bert["epochs"]["since"]) == ([], None)


def test_damaged_rows_are_left_out_and_counted(path: Path, tmp_path: Path) -> None:
    """What cannot be trusted is not exported, and shows as not recorded."""
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(ANNA, tuple(epoch(k) for k in range(5)))])
        journal._connection.execute("UPDATE epoch SET sagittal_deg = 1 WHERE seq = 3")
    with JournalReader.open(path) as reader:
        export = export_journal(reader, [ANNA], tmp_path / "out")
    told = provenance(export)
    assert (export.skipped, told["damaged_rows_left_out"]) == (1, 1)
    assert [gap["why"] for gap in told["streams"][0]["gaps"]] == ["not_recorded"]
    assert [epoch(k) for k in (0, 1, 3, 4)] == read_back(export.folder, EPOCH)[ANNA]


def test_an_export_is_of_one_moment_and_tells_its_progress(path: Path, tmp_path: Path) -> None:
    """What is committed while it runs is not in it; the count rises to the whole."""
    with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
        journal.commit([Batch(ANNA, tuple(epoch(k) for k in range(5000)))])
        steps: list[tuple[int, int]] = []

        def on_progress(what: str, done: int, total: int) -> None:
            assert what == "rows"
            steps.append((done, total))
            journal.commit([Batch(ANNA, (epoch(10_000 + len(steps)), event(len(steps))))])

        export = export_journal(reader, [ANNA], tmp_path / "out", on_progress=on_progress)
    assert steps == [(2000, 5000), (4000, 5000), (5000, 5000)]
    assert len(read_back(export.folder, EPOCH)[ANNA]) == 5000
    assert read_back(export.folder, EVENT) == {}


def test_a_folder_with_something_in_it_is_left_alone(path: Path, tmp_path: Path) -> None:
    """An earlier export is never overwritten; an empty folder serves; a journal without streams gives headers."""
    Journal.open(path, "test").close()
    with JournalReader.open(path) as reader:
        (tmp_path / "out").mkdir()
        export = export_journal(reader, [], tmp_path / "out")
        assert {file.rows for file in export.files if file.name != CODEBOOK} == {0}
        before = {file: file.read_bytes() for file in export.folder.iterdir()}
        for there in (export.folder, path):
            with pytest.raises(ExportError, match="it is there already") as error:
                export_journal(reader, [], there)
            assert error.value.way_out
    assert before == {file: file.read_bytes() for file in export.folder.iterdir()}


def test_an_export_that_is_broken_off_leaves_nothing(path: Path, tmp_path: Path) -> None:
    """Ctrl-C in the middle: no folder, whole or half."""
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(ANNA, tuple(epoch(k) for k in range(5000)))])

    def on_progress(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    (tmp_path / "exports").mkdir()
    with JournalReader.open(path) as reader:
        with pytest.raises(KeyboardInterrupt):
            export_journal(reader, [ANNA], tmp_path / "exports" / "out", on_progress=on_progress)
        assert [*(tmp_path / "exports").iterdir()] == []
        assert export_journal(reader, [ANNA], tmp_path / "exports" / "out").files[0].rows == 5000


def test_memory_does_not_grow_with_the_period(path: Path, tmp_path: Path) -> None:
    """Ten times the rows, the same peak."""
    peaks = []
    with Journal.open(path, "test") as journal:
        for part in range(10):
            journal.commit([Batch(ANNA, tuple(epoch(2000 * part + k) for k in range(2000)))])
    with JournalReader.open(path) as reader:
        for hours in (2000, 20_000):
            tracemalloc.start()
            export_journal(reader, [ANNA], tmp_path / f"out{hours}", START_NS, START_NS + hours * SECOND_NS)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


@given(found=st.lists(records, max_size=8))
@settings(max_examples=40, deadline=None)
def test_parquet_read_back_is_the_journal(tmp_path_factory: pytest.TempPathFactory, found: list[Any]) -> None:
    """Every kind, any text and any number, to the last bit; what is not known is null, not an empty text or NaN."""
    folder = tmp_path_factory.mktemp("export")
    with Journal.open(folder / "journal.db", "test") as journal:
        journal.commit([Batch(ANNA, tuple(found))])
    with JournalReader.open(folder / "journal.db") as reader:
        export = export_journal(reader, [ANNA], folder / "out", file_format=Format.PARQUET)
        for kind in KINDS:
            table = pq.read_table(export.folder / f"{kind.name}.parquet")
            again = [tuple(row[column.name] for column in kind.columns) for row in table.to_pylist()]
            assert [exact(row) for row in reader.rows(kind, ANNA)] == [exact(row) for row in again]
            assert {table.schema.field(each.name).metadata[b"unit"].decode() for each in kind.columns} == {
                each.unit for each in kind.columns
            }
    told = provenance(export)
    assert told["format"] == "neckline-parquet-1"
    assert {*(file.name for file in export.files), PROVENANCE} == {
        file.name for file in export.folder.iterdir()
    }


def exact(row: Any) -> list[object]:
    """Make a row comparable bit for bit."""
    return [struct.pack("<d", cell) if isinstance(cell, float) else cell for cell in row]


def test_for_sharing_times_move_and_pseudonyms_change(path: Path, tmp_path: Path) -> None:
    """Every time by the same, in sentences, too; no pseudonym, date or name is left that leads back; the rest stays."""
    visit = Event(START_NS, EventKind.VISIT, note=utc(START_NS)[:19] + "Z")
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(ANNA, (*one_of_each(1), visit)), Batch(BERT, one_of_each(2))])
    sharing = Sharing(-1000, {ANNA.wearer: "p01"})
    with JournalReader.open(path) as reader:
        plain_one = export_journal(reader, [ANNA, BERT], tmp_path / "out")
        shared = export_journal(reader, [ANNA, BERT], tmp_path / "shared", sharing=sharing)
        text = "".join(file.read_text("utf-8") for file in shared.folder.iterdir())
        assert not [each for each in (ANNA.wearer, reader.journal_id, "2025-10-09") if each in text]
    for kind in KINDS:
        times = [column.unit == "ns" for column in kind.columns]
        before, after = (read_back(folder, kind) for folder in (plain_one.folder, shared.folder))
        for stream, other in ((ANNA, Stream("p01", ANNA.placement)), (BERT, BERT)):
            moved = [
                kind.from_row(
                    tuple(
                        value - sharing.shift_ns if is_time and isinstance(value, int) else value
                        for value, is_time in zip(kind.to_row(record), times, strict=True)
                    )
                )
                for record in after.get(other, [])
            ]
            if kind is EVENT:
                moved = [
                    replace(each, note=visit.note) if each.kind is EventKind.VISIT else each for each in moved
                ]
            assert [plain(kind, each) for each in moved] == [
                plain(kind, each) for each in before.get(stream, [])
            ]
    (told,) = (
        each for each in read_back(shared.folder, EVENT)[Stream("p01", "t4")] if each.kind is EventKind.VISIT
    )
    assert told.note == "2023-01-13T08:53:20Z"


@pytest.mark.parametrize(
    ("days", "labels", "why"),
    [
        (10**7, {}, "36500 days"),
        (0, {"w-1": "a,b"}, "no pseudonym"),
        (0, {"w-1": "p", "w-2": "p"}, "the same"),
    ],
)
def test_what_nobody_could_share_is_told(days: int, labels: dict[str, str], why: str) -> None:
    """A shift that no file can hold, a name that no store can, two people who would become one."""
    with pytest.raises(ValueError, match=why):
        Sharing(days, labels)
