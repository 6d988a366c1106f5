"""A wearer who is erased is gone: from the journal's files to the byte, from InfluxDB, and does not come back."""

import shutil
from pathlib import Path

import pytest

from storage.entries import Batch, DeadLetter
from storage.erasures import Erasure, erasures, remember
from storage.errors import (
    InfluxBucketError,
    InfluxError,
    InfluxKeepsError,
    InfluxTokenError,
    InfluxUnreachableError,
    JournalBusyError,
    JournalUnreadableError,
    WearerErasedError,
)
from storage.influxdb import InfluxSink
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import EPOCH, KINDS
from storage.writer import JournalWriter
from tests.storage.forwarding import forwarding
from tests.storage.records import ANNA, BERT, START_NS, epoch, one_of_each, second, state_after
from tests.storage.servers import OwnServer, Server, free_port
from tests.storage.sittings import SENT, sitting
from tests.storage.stub import Reply, json_reply, stub_server

NOTE = "a note of which nothing may stay"


def two_wearers(path: Path) -> None:
    """Write a journal of two wearers, row by row in turn, some of them replaced, with dead letters of both."""
    with Journal.open(path, "a test") as journal:
        for k in range(100):
            for stream in (ANNA, BERT):
                journal.commit([Batch(stream, one_of_each(k), state_after(k))])
        journal.commit([Batch(ANNA, (epoch(3),))])
        letters = [
            DeadLetter(
                seq, "epoch", f"posture_epoch,wearer={stream.wearer},placement=t4 received=1i 1", NOTE, 1
            )
            for seq, stream in ((1, ANNA), (7, BERT))
        ]
        journal.advance("influxdb", 7, letters)


def test_nothing_of_an_erased_wearer_stays_and_all_of_the_others_does(tmp_path: Path) -> None:
    """Rows, states, dead letters and name go, the other's stay to the last bit, and the journal is whole."""
    path = tmp_path / "journal.db"
    two_wearers(path)
    with JournalReader.open(path) as reader:
        before = {kind.name: list(reader.read(kind, BERT)) for kind in KINDS}
    with Journal.open(path, "a test") as journal:
        last_seq = journal.last_seq
        assert journal.erase(ANNA.wearer, 5) == Erasure(ANNA.wearer, 5, rows=700, dead_letters=1)
        assert journal.last_seq == last_seq
        with JournalReader.open(path) as reader:
            assert reader.streams() == [BERT]
            assert {kind.name: list(reader.read(kind, BERT)) for kind in KINDS} == before
            assert [letter.seq for letter in reader.dead_letters("influxdb")] == [7]
            assert reader.check() == []
            assert not any(entry.stream == ANNA for entry in reader.entries(0, 10_000))
        assert journal.state(BERT) == state_after(99)
        assert journal.state(ANNA) is None
    with Journal.open(path, "a test") as journal:
        assert journal.damage == ()
        assert journal.commit([second(1000, BERT)]) == last_seq + 1


def test_no_byte_of_an_erased_wearer_stays_in_the_files(tmp_path: Path) -> None:
    """Not in the file, not in its free pages, not in the log: only the tombstone knows the pseudonym."""
    path = tmp_path / "journal.db"
    with Journal.open(path, "a test") as journal:
        journal.commit([Batch(ANNA, one_of_each(7)) for _ in range(3)])
        note = b"note 7"
        letter = DeadLetter(1, "epoch", f"posture_epoch,wearer={ANNA.wearer},placement=t4 a=1i 1", NOTE, 1)
        journal.advance("influxdb", 1, [letter])
        everything = path.read_bytes() + path.with_name("journal.db-wal").read_bytes()
        assert all(trace in everything for trace in (note, NOTE.encode(), ANNA.wearer.encode()))
        journal.erase(ANNA.wearer, 1)
        for file in tmp_path.iterdir():
            if file.name != "journal.db.erased":
                found = file.read_bytes()
                assert not any(trace in found for trace in (note, NOTE.encode(), ANNA.wearer.encode())), file


def test_an_erased_wearer_is_not_stored_again(tmp_path: Path) -> None:
    """Neither through the writer nor directly, now or after the next start; others are."""
    path = tmp_path / "journal.db"
    two_wearers(path)
    with Journal.open(path, "a test") as journal:
        journal.erase(ANNA.wearer, 1)
    with Journal.open(path, "a test") as journal:
        with pytest.raises(WearerErasedError, match=ANNA.wearer):
            journal.commit([second(1, BERT), second(2, ANNA)])
        writer = JournalWriter(journal)
        writer.start()
        with pytest.raises(WearerErasedError):
            writer.put(second(200, ANNA))
        writer.put(second(200, BERT))
        writer.close()
        with JournalReader.open(path) as reader:
            assert reader.count(EPOCH) == 101


def test_a_backup_from_before_brings_nobody_back(tmp_path: Path) -> None:
    """Old files put back where the tombstone is lose the wearer again as soon as the journal is opened."""
    path, old = tmp_path / "journal.db", tmp_path / "old.db"
    two_wearers(path)
    shutil.copy(path, old)
    with Journal.open(path, "a test") as journal:
        journal.erase(ANNA.wearer, 1)
    shutil.copy(old, path)
    with Journal.open(path, "a test") as journal, JournalReader.open(path) as reader:
        assert reader.streams() == [BERT]
        assert reader.check() == []
        assert journal.damage == ()


def test_an_erasure_that_a_reader_hinders_is_told_and_can_be_repeated(tmp_path: Path) -> None:
    """While a reader holds the log, the rows are gone and the error says that it is not done; the next try is."""
    path = tmp_path / "journal.db"
    two_wearers(path)
    with Journal.open(path, "a test") as journal:
        journal._connection.execute("PRAGMA busy_timeout = 0")
        journal.commit([second(500, BERT)])
        with JournalReader.open(path) as reader, reader.snapshot():
            reader.count(EPOCH)
            with pytest.raises(JournalBusyError):
                journal.erase(ANNA.wearer, 1)
        assert journal.erase(ANNA.wearer, 2) == Erasure(ANNA.wearer, 2)
        assert ANNA.wearer.encode() not in path.read_bytes()


def test_a_tombstone_that_cannot_be_read_stops_everything(tmp_path: Path) -> None:
    """Better no journal than one in which the erased come back."""
    path = tmp_path / "journal.db"
    remember(path, Erasure("w-1", 1))
    remember(path, Erasure("w-2", 2, 3, 4, "deleted"))
    assert erasures(path) == [Erasure("w-1", 1), Erasure("w-2", 2, 3, 4, "deleted")]
    (tmp_path / "journal.db.erased").write_text('{"wear')
    with pytest.raises(JournalUnreadableError, match="who was erased"):
        Journal.open(path, "a test")


# ---- InfluxDB --------------------------------------------------------------------------------------------------------


@pytest.mark.influxdb
def test_influxdb_forgets_a_wearer_and_keeps_the_others(server: Server, tmp_path: Path) -> None:
    """All kinds of rows of one are gone, all of the other stand."""
    path, gone, kept = tmp_path / "j.db", server.stream(), server.stream()
    sink = InfluxSink(server.settings())
    with forwarding(path, InfluxSink(server.settings())) as work:
        for stream in (gone, kept):
            for batch in sitting(stream):
                work.writer.put(batch)
    before = {kind.name: server.rows(kind, kept) for kind in SENT}
    assert all(before.values())
    assert all(server.rows(kind, gone) for kind in SENT)
    sink.erase(gone.wearer)
    sink.erase(gone.wearer)
    sink.close()
    assert not any(server.rows(kind, gone) for kind in SENT)
    assert {kind.name: server.rows(kind, kept) for kind in SENT} == before


@pytest.mark.influxdb
def test_influxdb_1_forgets_in_every_retention_policy(own: OwnServer) -> None:
    """What lies in another policy of the database, as raw and minutes may, goes, too; another's measurement stays."""
    own.query(f"CREATE RETENTION POLICY long ON {own.bucket} DURATION INF REPLICATION 1")
    lines = [f"{name},wearer=w-1 received=1i {START_NS}" for name in ("posture_epoch", "theirs")]
    for bucket in (own.bucket, f"{own.bucket}/long"):
        InfluxSink(own.settings(bucket=bucket)).write(lines)
    InfluxSink(own.settings()).erase("w-1")
    for policy in ("autogen", "long"):
        assert own.query(f'SELECT * FROM "{policy}"."posture_epoch"') == []  # noqa: S608
        assert len(own.query(f'SELECT * FROM "{policy}"."theirs"')) == 1  # noqa: S608


@pytest.mark.influxdb
def test_a_database_that_is_not_there_is_told(own: OwnServer) -> None:
    """By its name; and a server that is not there by its address."""
    with pytest.raises(InfluxBucketError):
        InfluxSink(own.settings(bucket="nowhere")).erase("w-1")
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(InfluxUnreachableError):
        InfluxSink(own.settings(url=nobody)).erase("w-1")


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([json_reply(401, '{"code":"unauthorized","message":"unauthorized access"}')], InfluxTokenError),
        ([json_reply(404, '{"code":"not found","message":"bucket \\"b\\" not found"}')], InfluxBucketError),
        (
            [Reply(404, b"Not found"), json_reply(400, '{"error":"DROP SERIES is not supported"}')],
            InfluxKeepsError,
        ),
        (
            [Reply(404), json_reply(200, '{"results":[{"error":"not implemented: DROP SERIES"}]}')],
            InfluxKeepsError,
        ),
        ([Reply(404, b"<html>"), Reply(405, b"<html>")], InfluxKeepsError),
    ],
)
def test_a_server_that_does_not_delete_is_told(replies: list[Reply], expected: type[InfluxError]) -> None:
    """A wrong token, no bucket, and a server that knows no deletion at all: each by its name, with a way out."""
    with stub_server() as stub:
        stub.replies.extend(replies)
        sink = InfluxSink(stub.settings())
        with pytest.raises(expected) as refusal:
            sink.erase("w-1")
        sink.close()
        assert refusal.value.way_out
        stub.wrong.clear()  # it is a mock of writes
