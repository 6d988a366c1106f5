"""The journal: one owner, all or nothing, a row replaced and never doubled, and files that are none of ours."""

import os
import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.outputs import EventKind, Stance
from storage import errors, tables
from storage.entries import Backlog, Batch, DeadLetter, Stream
from storage.errors import (
    JournalAbsentError,
    JournalBusyError,
    JournalError,
    JournalUnreadableError,
    JournalUnwritableError,
)
from storage.journal import Journal
from storage.lock import beside
from storage.reader import JournalReader
from storage.schema import BATTERY, CALIBRATION, EPOCH, EVENT, KINDS, kind_of
from tests.storage.records import (
    ANNA,
    BERT,
    SECOND_NS,
    START_NS,
    battery,
    calibration,
    epoch,
    event,
    one_of_each,
    second,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give where a journal is to be: in a folder that is not there yet."""
    return tmp_path / "data" / "journal.db"


def read_all(path: Path, stream: Stream = ANNA) -> list[Any]:
    """Return all records of a stream, kind by kind in order of time."""
    with JournalReader.open(path) as reader:
        assert reader.check() == []
        return [record for kind in KINDS for record in reader.read(kind, stream)]


def test_what_was_committed_is_there_after_opening_again(path: Path) -> None:
    """Records, state, cursor and dead letters; the seq goes on where it stopped."""
    letter = DeadLetter(2, "minute", "posture_minute x=1", "400 type conflict", START_NS)
    with Journal.open(path, "test") as journal:
        assert journal.commit([Batch(ANNA, one_of_each(0), b"one"), Batch(BERT, (epoch(7),), b"two")]) == 8
        journal.advance("influxdb", 5, [letter])
    with Journal.open(path, "test") as journal:
        assert (journal.last_seq, journal.damage) == (8, ())
        assert (journal.state(ANNA), journal.state(BERT)) == (b"one", b"two")
        assert journal.state(Stream("w-nobody", "t4")) is None
        assert journal.commit([Batch(ANNA, (epoch(1),))]) == 9
        assert journal.state(ANNA) == b"one"
    assert [*one_of_each(0)[:1], epoch(1), *one_of_each(0)[1:]] == read_all(path)
    assert [epoch(7)] == read_all(path, BERT)
    with JournalReader.open(path) as reader:
        assert reader.streams() == sorted([ANNA, BERT])
        assert reader.dead_letters("influxdb") == [letter]
        assert reader.backlog("influxdb").cursor == 5
        assert reader.dead_letters("other") == []


def test_a_row_of_the_same_time_and_tags_replaces(path: Path) -> None:
    """It gets a new seq, so that sinks send it again; the old seq is a hole that the journal knows of."""
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(ANNA, (epoch(0), epoch(1), event(0), calibration(0)))])
        better = replace(epoch(1), received=49, sagittal_deg=31.0)
        assert journal.commit([Batch(ANNA, (better,)), Batch(BERT, (epoch(1),))]) == 6
        others = (event(0, EventKind.SLOUCH_ALERT), calibration(0, Stance.STANDING))
        journal.commit([Batch(ANNA, others)])
    assert [epoch(0), better, others[0], event(0), calibration(0), others[1]] == read_all(path)
    with JournalReader.open(path) as reader:
        assert [(entry.seq, entry.stream) for entry in reader.entries(0, 100)] == [
            (1, ANNA),
            (3, ANNA),
            (5, ANNA),
            (6, BERT),
            (7, ANNA),
        ]


seconds = st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=5), max_size=12)


@given(commits=seconds)
@settings(max_examples=60, deadline=None)
def test_the_journal_is_a_mapping_with_a_running_number(
    tmp_path_factory: pytest.TempPathFactory, commits: list[list[int]]
) -> None:
    """However often seconds are computed again, within a commit or across: the last one stands, each seq once."""
    path = tmp_path_factory.mktemp("mapping") / "journal.db"
    expected: dict[int, int] = {}
    seq = 0
    with Journal.open(path, "test") as journal:
        for ks in commits:
            assert journal.commit([Batch(ANNA, (epoch(k),)) for k in ks]) == seq + len(ks)
            for k in ks:
                seq += 1
                expected[k] = seq
        with JournalReader.open(path) as reader:
            entries = reader.entries(0, 1000)
            assert sorted(expected.values()) == [entry.seq for entry in entries]
            assert {k: START_NS + k * SECOND_NS for k in expected} == {
                k: next(entry.row[0] for entry in entries if entry.seq == expected[k]) for k in expected
            }
            assert reader.check() == []


def test_a_commit_is_all_or_nothing(path: Path) -> None:
    """A failure in the middle leaves neither rows, nor streams, nor states, nor holes."""
    with Journal.open(path, "test") as journal:
        journal.commit([second(0)])
        journal._connection.execute(
            "CREATE TEMP TRIGGER jam BEFORE INSERT ON event BEGIN SELECT raise(ABORT, 'jammed'); END"
        )
        with pytest.raises(JournalError, match="jammed"):
            journal.commit([Batch(ANNA, (epoch(0), epoch(1), event(1)), b"later"), second(0, BERT)])
        assert journal.last_seq == 1
        assert journal.state(ANNA) == second(0).state
        assert [epoch(0)] == read_all(path)
        journal._connection.execute("DROP TRIGGER jam")
        assert journal.commit([second(1, BERT), second(1)]) == 3
    assert [epoch(0), epoch(1)] == read_all(path)
    assert [epoch(1)] == read_all(path, BERT)


def test_cursors_count_what_sinks_take(path: Path) -> None:
    """Calibrations stay in the journal; a cursor never goes back; each sink has its own."""
    with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
        assert reader.backlog("influxdb") == Backlog(0, 0, None)
        journal.commit([Batch(ANNA, (calibration(0), epoch(3), event(4), calibration(1)))])
        assert reader.backlog("influxdb") == Backlog(0, 2, START_NS + 3 * SECOND_NS)
        assert [EPOCH.name, EVENT.name] == [entry.kind.name for entry in reader.entries(0, 10)]
        assert [entry.seq for entry in reader.entries(0, 1)] == [2]
        journal.advance("influxdb", 2)
        assert reader.backlog("influxdb") == Backlog(2, 1, START_NS + 4 * SECOND_NS)
        journal.advance("influxdb", 1)
        journal.advance("other", 3)
        assert reader.backlog("influxdb").cursor == 2
        assert reader.backlog("other") == Backlog(3, 0, None)
        assert reader.entries(3, 10) == []


def test_reading_by_period(path: Path) -> None:
    """`since` is in, `until` is out; the last is the last by time, not by seq."""
    with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
        journal.commit([Batch(ANNA, tuple(epoch(k) for k in (5, 6, 7, 8, 1, 2)))])
        since_ns, until_ns = START_NS + 2 * SECOND_NS, START_NS + 7 * SECOND_NS
        assert [epoch(2), epoch(5), epoch(6)] == [*reader.read(EPOCH, ANNA, since_ns, until_ns)]
        assert [epoch(1), epoch(2), epoch(5)] == [
            *reader.read(EPOCH, ANNA, until_ns=since_ns + 4 * SECOND_NS)
        ]
        assert reader.last(EPOCH, ANNA) == epoch(8)
        assert (reader.count(EPOCH), reader.count(EPOCH, ANNA, since_ns, until_ns)) == (6, 3)
        assert reader.last(BATTERY, ANNA) is None
        assert [*reader.read(EPOCH, BERT)] == []
        assert (reader.last(EPOCH, BERT), reader.count(EPOCH, BERT)) == (None, 0)
        journal.commit([Batch(ANNA, (battery(3),)), Batch(BERT, (calibration(4),))])
        assert reader.last(BATTERY, ANNA) == battery(3)
        assert reader.last(CALIBRATION, BERT) == calibration(4)


def test_readers_see_whole_commits_while_it_is_written(path: Path) -> None:
    """A reader in the middle of its reading keeps its moment; a new look sees the new rows; nobody waits."""
    with (
        Journal.open(path, "test") as journal,
        JournalReader.open(path) as reader,
        JournalReader.open(path) as other,
    ):
        journal.commit([Batch(ANNA, tuple(epoch(k) for k in range(100)))])
        reading = reader.read(EPOCH, ANNA)
        first = [next(reading) for _ in range(10)]
        with other.snapshot():
            assert other.count(EPOCH) == 100
            for k in range(100, 150):
                journal.commit([second(k)])
            assert other.count(EPOCH) == 100
        assert [epoch(k) for k in range(100)] == [*first, *reading]
        assert (reader.count(EPOCH), other.count(EPOCH)) == (150, 150)


def test_a_reading_that_is_given_up_is_no_trouble(path: Path) -> None:
    """Whoever stops in the middle, even after closing the reader, leaves nothing behind."""
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(ANNA, tuple(epoch(k) for k in range(100)))])
        with JournalReader.open(path) as reader:
            reading = reader.read(EPOCH, ANNA)
            assert next(reading) == epoch(0)
        del reading
        journal.commit([second(100)])
        assert journal._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)


def test_a_reader_cannot_write(path: Path) -> None:
    """Only the owner changes the file."""
    with (
        Journal.open(path, "test"),
        JournalReader.open(path) as reader,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        reader._connection.execute("DELETE FROM epoch")


def test_the_second_owner_is_refused_by_name_of_the_first(path: Path) -> None:
    """From this process and from another; when the first is gone, the second comes in."""
    code = (
        "import sys; from pathlib import Path; from storage.journal import Journal\n"
        "try: Journal.open(Path(sys.argv[1]), 'neckline demo')\n"
        "except Exception as error: print(type(error).__name__, error.owner, '|', error)"
    )
    other = [sys.executable, "-c", code, str(path)]
    with Journal.open(path, "neckline run") as journal:
        said = subprocess.run(other, check=True, capture_output=True, text=True).stdout
        assert said.startswith(f"JournalBusyError neckline run (process {os.getpid()}, since ")
        assert f"is using the journal {path}" in said
        with pytest.raises(JournalBusyError, match="neckline run") as busy:
            Journal.open(path, "neckline demo")
        assert busy.value.way_out
        journal.commit([second(0)])
        with JournalReader.open(path) as reader:
            assert reader.count(EPOCH) == 1
    assert subprocess.run(other, check=True, capture_output=True, text=True).stdout == ""
    with Journal.open(path, "neckline run") as journal:
        assert journal.last_seq == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets not everyone make links")
def test_a_link_to_a_journal_has_the_same_owner(path: Path, tmp_path: Path) -> None:
    """Two owners would give the same seqs to different rows; nor do those who were erased come back by a link."""
    link = tmp_path / "link.db"
    with Journal.open(path, "neckline run") as journal:
        link.symlink_to(path)
        with pytest.raises(JournalBusyError, match="neckline run"):
            Journal.open(link, "neckline demo")
        journal.erase(ANNA.wearer, START_NS)
    with Journal.open(link, "neckline run") as journal, pytest.raises(errors.WearerErasedError):
        journal.refuse_erased([ANNA])


def test_an_owner_without_words_still_owns(path: Path) -> None:
    """On a full disk the words may be missing."""
    with Journal.open(path, "neckline run"):
        beside(path, ".owner").write_text("{")
        with pytest.raises(JournalBusyError, match="another neckline is using the journal"):
            Journal.open(path, "neckline demo")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes of files")
def test_nobody_else_may_read_it(path: Path) -> None:
    """The folder that is made and the files with a wearer's data are the owner's alone."""
    with Journal.open(path, "test") as journal:
        journal.commit([second(0)])
        for file in (path.parent, path, beside(path, "-wal"), beside(path, "-shm")):
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


# ---- files that are none of ours -----------------------------------------------------------------------------------


def refused(path: Path, kind: type[JournalError], message: str) -> None:
    """Check that neither reading nor writing takes the file, and that nothing of it or beside it is changed."""
    before = {file: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
    for opening in (lambda: Journal.open(path, "test"), lambda: JournalReader.open(path)):
        with pytest.raises(kind, match=message) as error:
            opening()
        assert error.value.way_out
        assert error.value.path == path
    assert before == {file: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """It stays as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("dear diary, " * 1000)
    refused(path, JournalUnreadableError, "it is no database")


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    """Whether it names another program or none."""
    path = tmp_path / "browser.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE history (url TEXT)")
    connection.close()
    refused(path, JournalUnreadableError, "of another program")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA application_id = 1")
    connection.close()
    refused(path, JournalUnreadableError, "of another program")


def test_a_journal_of_a_newer_neckline_is_refused(path: Path) -> None:
    """With its layout and what to do."""
    Journal.open(path, "test").close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {tables.VERSION + 1}")
    connection.close()
    with pytest.raises(JournalUnreadableError, match=f"layout {tables.VERSION + 1}.*newer neckline") as newer:
        Journal.open(path, "test")
    assert "update neckline" in newer.value.way_out
    with pytest.raises(JournalUnreadableError, match="newer neckline"):
        JournalReader.open(path)


def test_no_journal_yet(tmp_path: Path) -> None:
    """Reading says that there is none and makes none; an empty file counts as none."""
    path = tmp_path / "journal.db"
    with pytest.raises(JournalAbsentError, match="there is no journal at"):
        JournalReader.open(path)
    assert not path.exists()
    path.touch()
    with pytest.raises(JournalAbsentError):
        JournalReader.open(path)
    with Journal.open(path, "test") as journal:
        assert journal.commit([second(0)]) == 1


def test_a_journal_whose_own_record_is_gone_is_refused(path: Path) -> None:
    """It cannot be told which journal it is."""
    with Journal.open(path, "test") as journal:
        journal._connection.execute("DELETE FROM journal")
    with pytest.raises(JournalUnreadableError, match="it is damaged"):
        Journal.open(path, "test")
    with Journal.open(path.with_name("other.db"), "test") as journal:
        assert journal.commit([second(0)]) == 1


def test_a_file_for_a_folder_and_a_folder_for_a_file_are_told(tmp_path: Path) -> None:
    """Not by the operating system's own errors."""
    (tmp_path / "file").touch()
    with pytest.raises(JournalUnwritableError) as error:
        Journal.open(tmp_path / "file" / "journal.db", "test")
    assert error.value.way_out
    refused(tmp_path, JournalUnreadableError, "it is a folder")


def test_every_error_of_storage_has_a_way_out() -> None:
    """What SQLite and the system say becomes one sentence and what to do."""
    path = Path("journal.db")
    for code in ("FULL", "READONLY", "CANTOPEN", "BUSY", "NOTADB", "CORRUPT", "IOERR", "NOMEM"):
        error = sqlite3.OperationalError("told by SQLite")
        error.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{code}")
        told = errors.journal_error(path, error)
        assert str(path) in str(told)
        assert told.way_out
    assert isinstance(
        errors.journal_error(path, OSError(28, "No space left on device")), errors.DiskFullError
    )
    assert isinstance(
        errors.journal_error(path, OSError(30, "Read-only file system")), JournalUnwritableError
    )
    assert isinstance(errors.journal_error(path, OSError(5, "Input/output error")), errors.DiskFailedError)


def test_only_kinds_with_a_time_first_are_stored() -> None:
    """The journal's key is the first column, the stream and the tags; each kind has them."""
    for record in one_of_each(0):
        kind = kind_of(record)
        assert kind.columns[0].name.endswith("_ns")
        assert tables.TABLES[kind.name].time == kind.columns[0].name
