"""The disk's share: samples go first, then the oldest epochs, counted; events, minutes and episodes never."""

import sqlite3
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest

from processing.outputs import EventKind
from storage.entries import Batch
from storage.errors import DiskFullError
from storage.influxdb import InfluxSink
from storage.journal import Journal
from storage.lock import beside
from storage.quota import DiskQuota
from storage.reader import JournalReader
from storage.recordings.folder import RecordingsFolder
from storage.schema import EPISODE, EPOCH, EVENT, MINUTE
from storage.watermark import acknowledged
from storage.writer import JournalWriter
from tests.storage.forwarding import forwarding
from tests.storage.kept import two_hours
from tests.storage.records import ANNA, BERT, START_NS, epoch, event, minute
from tests.storage.servers import Server
from tests.storage.sittings import SENT, as_stored, sitting

NOW_NS = START_NS + 10**15
PATIENCE_S = 60.0


def filled(path: Path, seconds: int) -> Journal:
    """Return a journal of two wearers: an epoch a second, minutes, events, and some epochs written twice."""
    journal = Journal.open(path, "test")
    for begin in range(0, seconds, 1000):
        batches = []
        for k in range(begin, begin + 1000):
            batches.append(Batch(ANNA if k % 2 else BERT, (epoch(k),)))
            if k % 60 == 0:
                batches.append(Batch(ANNA, (minute(k), event(k), epoch(k - 60))))
        journal.commit(batches)
    return journal


def test_the_oldest_epochs_go_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file shrinks to its share; what went is counted by events, what stayed is whole, and so it is once more."""
    monkeypatch.setattr("storage.removal.remove_oldest.__defaults__", (3000,))
    path = tmp_path / "journal.db"
    with filled(path, 20_000) as journal, JournalReader.open(path) as reader:
        before = {kind.name: reader.count(kind) for kind in (EPOCH, MINUTE, EPISODE, EVENT)}
        newest = [*reader.read(EPOCH, ANNA)][-3000:]
        quota = DiskQuota(journal.used_bytes() * 2 // 3)
        rounds = 0
        while quota.keep(journal, NOW_NS + rounds):
            rounds += 1
            assert reader.check() == []
        assert 1 < rounds < 7
        assert journal.used_bytes() <= quota.most_bytes
        events = [each for stream in (ANNA, BERT) for each in reader.read(EVENT, stream)]
        told = [each for each in events if each.kind is EventKind.EPOCHS_REMOVED]
        assert sum(each.value or 0 for each in told) == before["epoch"] - reader.count(EPOCH) == 3000 * rounds
        assert reader.count(EVENT) - len(told) == before["event"]
        assert (reader.count(MINUTE), reader.count(EPISODE)) == (before["minute"], before["episode"])
        assert [*reader.read(EPOCH, ANNA)][-3000:] == newest
        removed_until = max(each.end_ns or 0 for each in told)
        assert min(each.start_ns for each in reader.read(EPOCH, BERT)) >= removed_until - 2 * 10**9
    with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
        assert (journal.damage, reader.check()) == ((), [])
        assert journal.commit([Batch(ANNA, (epoch(90_000),))]) == journal.last_seq
    assert path.stat().st_size <= quota.most_bytes * 1.05


@pytest.mark.parametrize("next_row", [epoch(5000), event(1)])
def test_what_went_is_told_though_its_room_is_not_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, next_row: Any
) -> None:
    """A disk that fails right after epochs are gone: their event keeps its seq, and the next row gets another."""
    with filled(tmp_path / "journal.db", 2000) as journal, JournalReader.open(journal.path) as reader:
        count, before_seq = reader.count(EPOCH), journal.last_seq
        with monkeypatch.context() as failing:
            failing.setattr("storage.journal.give_back", full)
            with pytest.raises(DiskFullError):
                journal.shed(0, NOW_NS)
        assert journal.last_seq == reader.last_seq == before_seq + 2
        assert acknowledged(beside(journal.path, ".seq"), journal.journal_id) == journal.last_seq
        assert journal.commit([Batch(ANNA, (next_row,))]) == before_seq + 3
        told = [each for stream in (ANNA, BERT) for each in reader.read(EVENT, stream)]
        gone = [each.value for each in told if each.kind is EventKind.EPOCHS_REMOVED]
        assert (len(gone), sum(each or 0 for each in gone)) == (2, count)
        assert reader.check() == []
    with Journal.open(tmp_path / "journal.db", "test") as journal:
        assert (journal.damage, journal.last_seq) == ((), before_seq + 3)


def full(_: sqlite3.Connection) -> None:
    """Fail as a full disk does."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


def test_samples_go_before_any_epoch(tmp_path: Path) -> None:
    """As long as sealed hours can go, the journal is left alone; the open one is never touched."""
    kept = two_hours(tmp_path / "kept")
    sealed = kept.segments()[0].path
    with filled(tmp_path / "journal.db", 2000) as journal, JournalReader.open(journal.path) as reader:
        epochs = reader.count(EPOCH)
        quota = DiskQuota(journal.used_bytes() + kept.bytes() - sealed.stat().st_size, kept)
        assert not quota.keep(journal, NOW_NS)
        assert not sealed.exists()
        assert len(kept.segments()) == 1
        assert reader.count(EPOCH) == epochs
        assert DiskQuota(kept.bytes() + 1, kept).keep(journal, NOW_NS)
        assert reader.count(EPOCH) == 0
        assert len(RecordingsFolder(kept.path).segments()) == 1


def test_a_writer_keeps_its_share(tmp_path: Path) -> None:
    """While rows come in, the writer's own thread makes room; nobody who puts rows waits for it."""
    path = tmp_path / "journal.db"
    with filled(path, 5000) as journal:
        made_room = Flag()

        class Watched(DiskQuota):
            def keep(self, journal: Journal, now_ns: int) -> bool:  # type: ignore[override]
                goes_on = super().keep(journal, now_ns)
                if not goes_on:
                    made_room.set()
                return goes_on

        writer = JournalWriter(journal, commit_every_s=0.01, quota=Watched(200_000))
        writer.start()
        k = 6000
        while not made_room.wait(0.01):
            k += 1
            writer.put(Batch(ANNA, (epoch(k), event(k))))
        writer.close(PATIENCE_S)
        with JournalReader.open(path) as reader:
            assert reader.check() == []
            assert reader.count(EPOCH) < 5000
            assert epoch(k) in [*reader.read(EPOCH, ANNA)]


@pytest.mark.influxdb
def test_what_is_left_is_delivered(server: Server, tmp_path: Path) -> None:
    """Epochs that went before they were delivered are not; everything else is, and the backlog comes to nothing."""
    stream, path = server.stream(), tmp_path / "journal.db"
    with Journal.open(path, "test") as journal:
        journal.commit(sitting(stream)[:300])
        assert journal.shed(0, NOW_NS)
        journal.commit(sitting(stream)[300:])
    with forwarding(path, InfluxSink(server.settings()), batch_rows=50) as work:
        pass
    assert work.forwarder.status.backlog_rows == 0
    with JournalReader.open(path) as reader:
        assert 0 < reader.count(EPOCH) < 600
        for kind in SENT:
            expected = as_stored(kind, stream, reader.read(kind, stream))
            assert sorted(server.rows(kind, stream), key=repr) == sorted(expected, key=repr)
