"""The writer: nobody waits for the disk, commits come in groups, trouble is waited out and told once."""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any

import pytest

from sensor.samples import SampleBlock
from storage.entries import Advance, Batch, DeadLetter, Stream
from storage.errors import (
    DiskFullError,
    JournalError,
    JournalUnwritableError,
    NotDurableError,
    RecordRefusedError,
    StorageError,
    StumbledError,
    WriterClosedError,
)
from storage.journal import Journal
from storage.reader import JournalReader
from storage.rows import PackedRow
from storage.schema import BATTERY, CALIBRATION, EPISODE, EPOCH, EVENT, KINDS, MINUTE
from storage.writer import FIRST_RETRY_S, LAST_RETRY_S, JournalWriter, retry_delay_s
from tests.storage.records import ANNA, BERT, START_NS, epoch, event, one_of_each, second

LONG_S = 3600.0
"""A commit of its own accord never happens in a test."""
PATIENCE_S = 60.0
"""For what is to happen at once, on a machine that is busy."""


class Valve:
    """Between a journal and its disk: can hold a commit up, and can let commits fail."""

    def __init__(self, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered, self.open = Event(), Event()
        self.open.set()
        self.error: Exception | None = None
        self.commits: list[int] = []
        """Rows of each commit that was tried."""
        self._write = journal.write
        monkeypatch.setattr(journal, "write", self.write)

    def write(
        self,
        rows: Sequence[PackedRow],
        states: Mapping[Stream, bytes],
        advances: Sequence[Advance] = (),
        since: Mapping[Stream, Sequence[SampleBlock]] | None = None,
    ) -> int:
        """Stand in for Journal.write."""
        self.commits.append(len(rows))
        self.entered.set()
        assert self.open.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        return self._write(rows, states, advances, since)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Give an open journal."""
    with Journal.open(tmp_path / "journal.db", "test") as journal:
        yield journal


@pytest.fixture
def valve(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valve]:
    """Give the valve of that journal, open at the end."""
    valve = Valve(journal, monkeypatch)
    yield valve
    valve.open.set()


@pytest.fixture
def writer(journal: Journal) -> Iterator[Callable[..., JournalWriter]]:
    """Give writers of that journal, started, that are closed after the test."""
    made: list[JournalWriter] = []

    def make(**options: Any) -> JournalWriter:
        made.append(JournalWriter(journal, **({"commit_every_s": LONG_S} | options)))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        with suppress(NotDurableError):
            each.close(0.1)
        each._thread.join(PATIENCE_S)


def rows(journal: Journal) -> list[Any]:
    """Return all records of Anna, kind by kind."""
    with JournalReader.open(journal.path) as reader:
        assert reader.check() == []
        return [record for kind in KINDS for record in reader.read(kind, ANNA)]


def test_what_arrives_together_is_committed_together(
    journal: Journal, valve: Valve, writer: Callable[..., JournalWriter]
) -> None:
    """One sync of the disk for all of it, rows in the order in which they came, the newest state."""
    writing = writer()
    for k in range(10):
        writing.put(second(k))
        writing.put(Batch(ANNA, (event(k),)))
    writing.put(second(3, BERT))
    assert writing.status.pending == 21
    assert (valve.commits, journal.last_seq) == ([], 0)
    assert writing.flush(PATIENCE_S)
    assert valve.commits == [21]
    assert writing.status.pending == 0
    with JournalReader.open(journal.path) as reader:
        kinds = [entry.kind.name for entry in reader.entries(0, 100)]
    assert kinds == [*([EPOCH.name, EVENT.name] * 10), EPOCH.name]
    assert (journal.state(ANNA), journal.state(BERT)) == (second(9).state, second(3).state)


def test_a_group_closes_by_itself(journal: Journal, writer: Callable[..., JournalWriter]) -> None:
    """Within `commit_every_s`, with nobody asking; `on_commit` tells the last seq."""
    seqs: Queue[int] = Queue()
    writing = writer(commit_every_s=0.01, on_commit=seqs.put)
    for k in range(2):
        writing.put(second(k))
        assert seqs.get(timeout=PATIENCE_S) == k + 1
    assert rows(journal) == [epoch(0), epoch(1)]


def test_urgent_is_committed_at_once(journal: Journal, writer: Callable[..., JournalWriter]) -> None:
    """And takes along what waited."""
    told = Event()
    writing = writer(on_commit=lambda _: told.set())
    writing.put(second(0))
    writing.put(Batch(ANNA, (event(0),)), urgent=True)
    assert told.wait(PATIENCE_S)
    assert rows(journal) == [epoch(0), event(0)]


def test_put_does_not_wait_for_the_disk(
    journal: Journal, valve: Valve, writer: Callable[..., JournalWriter]
) -> None:
    """While a commit hangs in the disk, batches are taken, urgent or not; they come in the next commit, in order."""
    writing = writer()
    valve.open.clear()
    writing.put(second(0), urgent=True)
    assert valve.entered.wait(PATIENCE_S)
    for k in range(1, 50):
        writing.put(second(k), urgent=k % 2 == 0)
    status = writing.status
    assert (status.pending, status.committed_seq, status.trouble) == (50, 0, None)
    assert not writing.flush(0.0)
    valve.open.set()
    assert writing.flush(PATIENCE_S)
    assert valve.commits == [1, 49]
    assert rows(journal) == [epoch(k) for k in range(50)]


def test_a_record_that_cannot_be_stored_is_refused_at_the_door(
    journal: Journal, writer: Callable[..., JournalWriter]
) -> None:
    """The one who brings it is told; nobody else's rows wait behind it."""
    writing = writer()
    writing.put(second(0))
    with pytest.raises(RecordRefusedError):
        writing.put(Batch(ANNA, (epoch(1), replace(event(1), end_ns=2**63)), b"later"))
    assert writing.flush(PATIENCE_S)
    assert rows(journal) == [epoch(0)]
    assert journal.state(ANNA) == second(0).state


# ---- trouble -------------------------------------------------------------------------------------------------------


def test_trouble_is_waited_out_and_told_once(
    journal: Journal, valve: Valve, writer: Callable[..., JournalWriter], caplog: pytest.LogCaptureFixture
) -> None:
    """Rows are kept and committed when it is over, in order and once; of each kind of trouble one warning, then its end."""
    told: list[StorageError | None] = []
    over = Event()

    def on_trouble(error: StorageError | None) -> None:
        told.append(error)
        if error is None:
            over.set()

    writing = writer(on_trouble=on_trouble)
    caplog.set_level(logging.INFO, "storage.writer")
    full, read_only = DiskFullError(journal.path), JournalUnwritableError(journal.path, "read-only")
    for k, error in enumerate([full, full, read_only, full, None]):
        tried = len(valve.commits)
        valve.error = error
        writing.put(second(k), urgent=True)
        while len(valve.commits) == tried:
            assert not writing.flush(0.0) or error is None
        assert _settled(writing, error)
    assert over.wait(PATIENCE_S)
    assert told == [full, read_only, None]
    assert [(record.levelname, "full" in record.message) for record in caplog.records] == [
        ("WARNING", True),
        ("WARNING", False),
        ("INFO", False),
    ]
    assert full.way_out in caplog.text
    assert rows(journal) == [epoch(k) for k in range(5)]
    assert journal.state(ANNA) == second(4).state
    assert (writing.status.trouble, writing.status.pending, writing.status.dropped_epochs) == (None, 0, 0)


def _settled(writing: JournalWriter, error: StorageError | None) -> bool:
    """Wait until the writer knows what became of its last commit."""
    with writing._changed:
        return writing._changed.wait_for(lambda: writing._trouble is error, PATIENCE_S)


def test_when_memory_is_full_the_oldest_epochs_go_and_nothing_else(
    journal: Journal, valve: Valve, writer: Callable[..., JournalWriter]
) -> None:
    """Bounded by rows, and counted to the row; events, episodes, minutes, battery and calibrations all stay."""
    writing = writer(max_rows=100)
    valve.error = DiskFullError(journal.path)
    for k in range(300):
        writing.put(Batch(ANNA, one_of_each(k) if k % 30 == 0 else (epoch(k),), b"%d" % k), urgent=k % 7 == 0)
        assert writing.status.pending <= 100
    status = writing.status
    assert (status.pending, status.dropped_epochs) == (100, 260)
    valve.error = None
    assert writing.flush(PATIENCE_S)
    assert writing.status.dropped_epochs == 260
    with JournalReader.open(journal.path) as reader:
        assert [epoch(k) for k in range(260, 300)] == [*reader.read(EPOCH, ANNA)]
        for kind in (EVENT, EPISODE, MINUTE, BATTERY, CALIBRATION):
            assert reader.count(kind) == 10
    assert journal.state(ANNA) == b"299"


def test_what_must_not_be_dropped_is_kept_beyond_the_bound(
    journal: Journal, valve: Valve, writer: Callable[..., JournalWriter]
) -> None:
    """Events alone may outgrow it: they are rare."""
    writing = writer(max_rows=10)
    valve.error = DiskFullError(journal.path)
    for k in range(40):
        writing.put(Batch(ANNA, (event(k), epoch(k))))
    assert (writing.status.pending, writing.status.dropped_epochs) == (40, 40)
    valve.error = None
    assert writing.flush(PATIENCE_S)
    assert rows(journal) == [event(k) for k in range(40)]


def test_a_stumble_does_not_end_the_thread(
    journal: Journal, valve: Valve, writer: Callable[..., JournalWriter], caplog: pytest.LogCaptureFixture
) -> None:
    """A bug is told as such and tried again; a hook that raises harms nobody."""

    def bad_hook(_: object) -> None:
        raise ZeroDivisionError

    writing = writer(on_commit=bad_hook, on_trouble=bad_hook)
    valve.error = ZeroDivisionError("a bug")
    writing.put(second(0), urgent=True)
    assert valve.entered.wait(PATIENCE_S)
    with writing._changed:
        assert writing._changed.wait_for(lambda: isinstance(writing._trouble, StumbledError), PATIENCE_S)
    valve.error = None
    assert writing.flush(PATIENCE_S)
    writing.put(second(1))
    assert writing.flush(PATIENCE_S)
    assert rows(journal) == [epoch(0), epoch(1)]
    assert "stumbled" in caplog.text


def test_the_pause_between_tries_grows_and_has_a_bound() -> None:
    """From the first to the longest, for any number of failures."""
    pauses = [retry_delay_s(failures) for failures in range(1, 200)]
    assert pauses[0] == FIRST_RETRY_S
    assert pauses == sorted(pauses)
    assert pauses[-1] == LAST_RETRY_S


# ---- cursors -------------------------------------------------------------------------------------------------------


def test_advance_returns_when_it_is_durable(journal: Journal, writer: Callable[..., JournalWriter]) -> None:
    """At once, not at the end of the group, and what waited is durable with it."""
    writing = writer()
    letter = DeadLetter(1, "epoch", "line \ud800", "reason", START_NS)
    writing.put(second(0))
    writing.put(second(1))
    writing.advance("influxdb", 2, [letter])
    with JournalReader.open(journal.path) as reader:
        assert reader.backlog("influxdb").cursor == 2
        assert [found.line for found in reader.dead_letters("influxdb")] == ["line ?"]
    assert rows(journal) == [epoch(0), epoch(1)]


def test_advance_raises_what_hindered_it(
    journal: Journal, valve: Valve, writer: Callable[..., JournalWriter]
) -> None:
    """Then the cursor has not moved and does not move later behind the sink's back."""
    writing = writer()
    writing.put(second(0))
    valve.error = DiskFullError(journal.path)
    with pytest.raises(DiskFullError):
        writing.advance("influxdb", 1)
    valve.error = None
    assert writing.flush(PATIENCE_S)
    with JournalReader.open(journal.path) as reader:
        assert reader.backlog("influxdb").cursor == 0
    writing.advance("influxdb", 1)
    with JournalReader.open(journal.path) as reader:
        assert reader.backlog("influxdb").cursor == 1


# ---- the end -------------------------------------------------------------------------------------------------------


def test_close_makes_all_durable(journal: Journal, writer: Callable[..., JournalWriter]) -> None:
    """Then the writer takes no more, and the journal is its opener's to close."""
    writing = writer()
    for k in range(100):
        writing.put(second(k))
    writing.close()
    assert rows(journal) == [epoch(k) for k in range(100)]
    with pytest.raises(WriterClosedError):
        writing.put(second(100))
    with pytest.raises(WriterClosedError):
        writing.advance("influxdb", 1)
    writing.close()


def test_close_without_start_still_saves(journal: Journal) -> None:
    """Whatever went wrong before it was started."""
    writing = JournalWriter(journal)
    writing.put(second(0))
    writing.close(PATIENCE_S)
    assert rows(journal) == [epoch(0)]


def test_close_tells_what_it_could_not_save(
    journal: Journal, valve: Valve, writer: Callable[..., JournalWriter]
) -> None:
    """After the time it is given, with the reason and the way out; the thread is gone."""
    writing = writer()
    valve.error = DiskFullError(journal.path)
    writing.put(second(0))
    writing.put(second(1))
    with pytest.raises(NotDurableError, match=r"2 rows could not be saved: the disk .* is full") as lost:
        writing.close(0.01)
    assert (lost.value.rows, lost.value.way_out) == (2, valve.error.way_out)
    writing._thread.join(PATIENCE_S)
    assert not writing._thread.is_alive()


def test_close_waits_no_longer_than_it_is_told(
    journal: Journal, valve: Valve, writer: Callable[..., JournalWriter]
) -> None:
    """A disk that hangs is told as one, and who waits for an advance is let go when the thread comes back."""
    writing = writer()
    valve.open.clear()
    writing.put(second(0), urgent=True)
    assert valve.entered.wait(PATIENCE_S)
    hindered: list[StorageError] = []

    def advance() -> None:
        try:
            writing.advance("influxdb", 1)
        except StorageError as error:
            hindered.append(error)

    sink = Thread(target=advance)
    sink.start()
    with writing._changed:
        assert writing._changed.wait_for(lambda: bool(writing._waiting.asked), PATIENCE_S)
    with pytest.raises(NotDurableError, match=r"1 row could not be saved: .*no answer within 0\.01 s"):
        writing.close(0.01)
    valve.open.set()
    sink.join(PATIENCE_S)
    writing._thread.join(PATIENCE_S)
    assert [type(error) for error in hindered] == [WriterClosedError]
    assert rows(journal) == [epoch(0)]


def test_a_foreign_lock_on_the_file_is_waited_out(
    journal: Journal, writer: Callable[..., JournalWriter]
) -> None:
    """Another program that holds the file for writing delays rows and loses none."""
    journal._connection.execute("PRAGMA busy_timeout = 0")
    writing = writer()
    other = sqlite3.connect(journal.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing.put(second(0), urgent=True)
    with writing._changed:
        assert writing._changed.wait_for(lambda: isinstance(writing._trouble, JournalError), PATIENCE_S)
    other.execute("ROLLBACK")
    other.close()
    assert writing.flush(PATIENCE_S)
    assert rows(journal) == [epoch(0)]
