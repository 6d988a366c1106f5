"""The disk's share: samples go first, then the oldest epochs, counted; the newest, what a sink lacks, and all else never."""

import logging
import sqlite3
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest

from processing.outputs import EventKind
from storage.answer import Verdict
from storage.entries import INFLUXDB, Batch
from storage.errors import DiskFullError
from storage.influxdb import InfluxSink
from storage.journal import Journal
from storage.lock import beside
from storage.quota import DiskQuota
from storage.reader import JournalReader
from storage.recordings.folder import RecordingsFolder
from storage.removal import Shed
from storage.schema import EPISODE, EPOCH, EVENT, MINUTE
from storage.watermark import acknowledged
from storage.writer import JournalWriter
from tests.storage.forwarding import Watched, forwarding
from tests.storage.kept import two_hours
from tests.storage.records import ANNA, BERT, START_NS, epoch, event, minute
from tests.storage.servers import Server
from tests.storage.sittings import SENT, as_stored, sitting
from tests.storage.stub import Reply as Replying
from tests.storage.stub import stub_server

NOW_NS = START_NS + 10**15
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def nothing_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test name how many of the newest epochs stay: a day of them is too many for it."""
    monkeypatch.setattr("storage.removal.KEPT_ROWS", 0)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was warned of."""
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def epoch_seqs(reader: JournalReader) -> list[int]:
    """Return the seqs of all epochs."""
    return [entry.seq for entry in reader.entries(0, reader.last_seq) if entry.kind is EPOCH]


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
    monkeypatch.setattr("storage.removal.SHED_ROWS", 3000)
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


def test_samples_go_before_any_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As long as sealed hours can go, the journal is left alone; then epochs go but for the newest, never the open hour."""
    monkeypatch.setattr("storage.removal.KEPT_ROWS", 200)
    kept = two_hours(tmp_path / "kept")
    sealed = kept.segments()[0].path
    with filled(tmp_path / "journal.db", 2000) as journal, JournalReader.open(journal.path) as reader:
        epochs = epoch_seqs(reader)
        quota = DiskQuota(journal.used_bytes() + kept.bytes() - sealed.stat().st_size, kept)
        assert not quota.keep(journal, NOW_NS)
        assert not sealed.exists()
        assert len(kept.segments()) == 1
        assert epoch_seqs(reader) == epochs
        assert warnings(caplog) == []

        too_small, last_seq = DiskQuota(kept.bytes() + 1, kept), journal.last_seq
        assert too_small.keep(journal, NOW_NS)
        assert not too_small.keep(journal, NOW_NS)
        assert epoch_seqs(reader) == [seq for seq in epochs if seq > last_seq - 400]
        assert reader.count(EPOCH) > 350
        assert len(RecordingsFolder(kept.path).segments()) == 1
        assert reader.check() == []


def test_samples_that_cannot_go_leave_the_journal_its_half(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Logs that are never sealed take more than the share: not an epoch goes for them, and that is said once."""
    kept = RecordingsFolder(tmp_path / "kept")
    for _ in range(3):
        log = kept.begin(ANNA, START_NS).path
        log.write_bytes(bytes(1_000_000))
    with filled(tmp_path / "journal.db", 2000) as journal, JournalReader.open(journal.path) as reader:
        epochs, quota = reader.count(EPOCH), DiskQuota(2 * journal.used_bytes(), kept)
        for k in range(3):
            assert not quota.keep(journal, NOW_NS + k)
        assert reader.count(EPOCH) == epochs
        (told,) = warnings(caplog)
        assert "journal.most_gb cannot be kept" in told
        assert "samples that are not sealed take 3.0 MB" in told
        log.unlink()
        quota.most_bytes = 2_000_000 + journal.used_bytes() // 2
        while quota.keep(journal, NOW_NS):
            pass
        assert reader.count(EPOCH) == epochs  # half of it is still more than the journal takes
        quota.most_bytes = 10_000_000
        assert not quota.keep(journal, NOW_NS)
        quota.most_bytes = 2 * journal.used_bytes()
        assert not quota.keep(journal, NOW_NS)
        assert len(warnings(caplog)) == 2  # it was kept in between, so it is said again


def test_what_a_sink_has_not_got_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Only what the slowest sink has goes; that the share cannot be kept is said once, with its name; later it is."""
    with filled(tmp_path / "journal.db", 2000) as journal, JournalReader.open(journal.path) as reader:
        journal.advance("other", journal.last_seq)
        journal.advance("influxdb", 100)
        waiting, last_seq, quota = reader.backlog("influxdb").rows, journal.last_seq, DiskQuota(1)
        assert quota.keep(journal, NOW_NS)
        assert min(epoch_seqs(reader)) == 101
        told = journal.last_seq - last_seq
        assert reader.backlog("influxdb").rows == waiting + told
        for _ in range(2):
            assert not quota.keep(journal, NOW_NS)
        assert reader.backlog("influxdb").rows == waiting + told
        (warning,) = warnings(caplog)
        assert "influxdb has not got the oldest seconds yet" in warning
        journal.advance("influxdb", 1000)
        assert quota.keep(journal, NOW_NS)
        assert min(epoch_seqs(reader)) > 1000
        assert reader.check() == []


def test_which_sinks_are_waited_for(tmp_path: Path) -> None:
    """A sink at work that got nothing yet, or whose cursor is damaged, holds all; one that is no more holds nothing."""
    with filled(tmp_path / "journal.db", 2000) as journal, JournalReader.open(journal.path) as reader:
        epochs = reader.count(EPOCH)
        assert journal.shed(0, NOW_NS, ("influxdb",)) == Shed((), "influxdb")
        journal.advance("influxdb", 1500)
        journal._connection.execute("UPDATE cursor SET seq = 1501")
        for sinks in (("influxdb",), None):
            assert journal.shed(0, NOW_NS, sinks) == Shed((), "influxdb")
        assert reader.count(EPOCH) == epochs
        shed = journal.shed(0, NOW_NS, ())
        assert (sum(each.rows for each in shed.gone), shed.waits_for) == (epochs, "")


def test_an_outage_loses_no_epoch(tmp_path: Path) -> None:
    """An InfluxDB that is away from the first day on gets every epoch when it is back, whatever the share; then they go."""
    path, quota = tmp_path / "journal.db", DiskQuota(1, sinks=(INFLUXDB,))
    filled(path, 2000).close()
    with stub_server() as stub:
        stub.always = Replying(503)
        sink = Watched(stub.settings())
        with forwarding(path, sink) as work:
            sink.wait_for_verdict(Verdict.LATER)
            assert not quota.keep(work.journal, NOW_NS)
            stub.always = None
            sink.wait_for_verdict(Verdict.DELIVERED)
        with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
            expected = {each.start_ns for stream in (ANNA, BERT) for each in reader.read(EPOCH, stream)}
            arrived = {time_ns for name, _, time_ns in stub.points if name == EPOCH.measurement}
            assert arrived == expected
            assert quota.keep(journal, NOW_NS)
            assert reader.count(EPOCH) == 0


def test_a_writer_keeps_its_share(tmp_path: Path) -> None:
    """While rows come in, the writer's own thread makes room; nobody who puts rows waits for it."""
    path = tmp_path / "journal.db"
    with filled(path, 5000) as journal:
        made_room = Flag()

        class Observed(DiskQuota):
            def keep(self, journal: Journal, now_ns: int) -> bool:  # type: ignore[override]
                goes_on = super().keep(journal, now_ns)
                if not goes_on:
                    made_room.set()
                return goes_on

        writer = JournalWriter(journal, commit_every_s=0.01, quota=Observed(200_000))
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
    """Epochs that went before there was an InfluxDB are not; everything else is, and the backlog comes to nothing."""
    stream, path = server.stream(), tmp_path / "journal.db"
    with Journal.open(path, "test") as journal:
        journal.commit(sitting(stream)[:300])
        assert journal.shed(0, NOW_NS).gone
        journal.commit(sitting(stream)[300:])
    with forwarding(path, InfluxSink(server.settings()), batch_rows=50) as work:
        pass
    assert work.forwarder.status.backlog_rows == 0
    with JournalReader.open(path) as reader:
        assert 0 < reader.count(EPOCH) < 600
        for kind in SENT:
            expected = as_stored(kind, stream, reader.read(kind, stream))
            assert sorted(server.rows(kind, stream), key=repr) == sorted(expected, key=repr)
