"""Journal → InfluxDB by the forwarder's thread: exact, through kills, outages and wrong configurations."""

import logging
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.outputs import Activity, Epoch, Posture
from storage.answer import Answer, Verdict
from storage.entries import Batch, Stream
from storage.errors import (
    InfluxBucketError,
    InfluxBusyError,
    InfluxError,
    InfluxForbiddenError,
    InfluxTokenError,
    InfluxUnreachableError,
    JournalAbsentError,
)
from storage.forwarder import Forwarder, Pace, retry_delay_s
from storage.influxdb import InfluxSink
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import BATTERY, EPISODE, EPOCH, EVENT, MINUTE, Record
from tests.processing.people import START_NS
from tests.storage.faults import Fault, fault_proxy
from tests.storage.forwarding import QUICK, WAIT_S, Cursors, Watched, forwarding
from tests.storage.records import battery, epoch, event, minute
from tests.storage.servers import OwnServer, Server, own_server
from tests.storage.sittings import SECONDS, SENT, as_stored, sitting
from tests.storage.stub import Reply, Stub, stub_server

STREAM = Stream("w-7f3a", "t4")


@pytest.fixture
def stub() -> Iterator[Stub]:
    """Give a mock server that takes everything until told otherwise."""
    with stub_server() as server:
        yield server


def fill(path: Path, batches: Sequence[Batch]) -> None:
    """Write a journal and close it."""
    with Journal.open(path, "a test") as journal:
        journal.commit(batches)


def points(path: Path, stream: Stream) -> int:
    """Return how many points the journal's rows of a stream make."""
    with JournalReader.open(path) as reader:
        return sum(reader.count(kind, stream) for kind in SENT)


def assert_stored_as_in_journal(server: Server, path: Path, stream: Stream) -> None:
    """Check that the server holds exactly the journal's rows of a stream, every value to the last bit."""
    with JournalReader.open(path) as reader:
        for kind in SENT:
            expected = sorted(as_stored(kind, stream, reader.read(kind, stream)), key=_key)
            found = sorted(server.rows(kind, stream), key=_key)
            assert len(found) == len(expected) == reader.count(kind, stream), kind.name
            assert found == expected, kind.name
        assert reader.dead_letters("influxdb") == []
        assert reader.backlog("influxdb").rows == 0


def lasting(trouble: type[InfluxError]) -> Callable[[list[Answer]], bool]:
    """Return whether a trouble has come back three times."""
    return lambda answers: [type(answer.trouble) for answer in answers[-3:]] == [trouble] * 3


def _key(row: dict[str, Any]) -> tuple[int, str]:
    """Return by what a row is unique in a stream."""
    return row["time"], row.get("kind", "")


# ---- the real server -----------------------------------------------------------------------------------------------


@pytest.mark.influxdb
def test_ten_minutes_land_exactly(server: Server, tmp_path: Path) -> None:
    """Every epoch, minute, episode, event and battery reading arrives as the journal holds it, and nothing else."""
    stream, path = server.stream(), tmp_path / "j.db"
    with forwarding(path, InfluxSink(server.settings())) as work:
        for batch in sitting(stream):
            work.writer.put(batch)
    with JournalReader.open(path) as reader:
        counts = {kind.name: reader.count(kind, stream) for kind in SENT}
    assert counts["epoch"] == SECONDS
    assert counts["minute"] == SECONDS / 60
    assert min(counts[kind.name] for kind in (EPISODE, EVENT, BATTERY)) >= 2
    assert_stored_as_in_journal(server, path, stream)
    assert work.forwarder.status.backlog_rows == 0


@pytest.mark.influxdb
def test_a_server_killed_in_the_middle_loses_nothing(own: OwnServer, tmp_path: Path) -> None:
    """SIGKILL amid the writes, an outage, a new start: the same rows and the same values, none twice."""
    stream, path, sink = own.stream(), tmp_path / "j.db", Watched(own.settings())
    with forwarding(path, sink, batch_rows=40) as work:
        batches = sitting(stream)
        for batch in batches[: len(batches) // 2]:
            work.writer.put(batch)
        sink.wait_for_number(3)
        own.kill()
        sink.wait_for_verdict(Verdict.LATER)
        for batch in batches[len(batches) // 2 :]:
            work.writer.put(batch)
        assert work.writer.flush(WAIT_S)
        failures = len(sink.answers)
        sink.wait_for_number(failures + 3)
        assert type(work.forwarder.status.trouble) in {InfluxBusyError, InfluxUnreachableError}
        own.start()
        sink.wait_for_verdict(Verdict.DELIVERED)
    assert work.forwarder.status.trouble is None
    assert_stored_as_in_journal(own, path, stream)


@pytest.mark.influxdb
def test_a_service_killed_between_write_and_cursor_sends_again_and_nothing_twice(
    own: OwnServer, tmp_path: Path
) -> None:
    """Rows that were stored and not accounted for are sent again over themselves: the counts are equal."""
    stream, path = own.stream(), tmp_path / "j.db"
    fill(path, sitting(stream))
    command = [sys.executable, "-m", "tests.storage.forwarding", str(path), own.url, own.bucket, "3"]
    died = subprocess.run(command, timeout=WAIT_S, check=False, cwd=Path(__file__).parents[2])
    assert died.returncode == -signal.SIGKILL
    with JournalReader.open(path) as reader:
        behind = reader.backlog("influxdb").rows
    stored = sum(len(own.rows(kind, stream)) for kind in SENT)
    assert stored >= 200
    with forwarding(path, InfluxSink(own.settings())) as work:
        total = work.journal.last_seq
    assert behind + stored > total - 1  # what was stored is among what was sent again
    assert_stored_as_in_journal(own, path, stream)


@pytest.mark.influxdb
def test_a_token_or_bucket_that_is_mended_resumes_unaided(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Wrong password, no permission, no bucket: nothing is lost, each is told once, and each mending is noticed."""
    caplog.set_level(logging.DEBUG, "storage.forwarder")
    (tmp_path / "server").mkdir()
    with own_server(tmp_path / "server", auth=True) as server:
        server.query("CREATE USER boss WITH PASSWORD 'b' WITH ALL PRIVILEGES")
        server.token = "boss:b"  # noqa: S105 (of a server that lives for this test)
        server.query("CREATE USER writer WITH PASSWORD 'old'")
        path, stream = tmp_path / "j.db", server.stream()
        sink = Watched(server.settings(token="writer:new"))  # noqa: S106
        with forwarding(path, sink) as work:
            for batch in sitting(stream)[:60]:
                work.writer.put(batch)
            mended: list[tuple[type[InfluxError], list[str]]] = [
                (InfluxTokenError, ["SET PASSWORD FOR writer = 'new'"]),
                (InfluxBucketError, [f"CREATE DATABASE {server.bucket}"]),
                (InfluxForbiddenError, [f"GRANT WRITE ON {server.bucket} TO writer"]),
            ]
            for trouble, statements in mended:
                sink.wait_for(lasting(trouble))
                assert type(work.forwarder.status.trouble) is trouble
                for statement in statements:
                    server.query(statement)
            sink.wait_for_verdict(Verdict.DELIVERED)
        assert_stored_as_in_journal(server, path, stream)
    told = [record for record in caplog.records if record.levelno >= logging.INFO]
    assert [record.levelname for record in told] == ["WARNING"] * 3 + ["INFO"]
    assert "writer:new" not in caplog.text


@pytest.mark.influxdb
def test_rows_that_the_server_refuses_are_told_and_counted(
    own: OwnServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A field of another type: its rows are dead letters with the server's reason, all others arrive."""
    path, stream = tmp_path / "j.db", own.stream()
    batches = sitting(stream)
    spoilt = f'clip_battery,wearer=w-0,placement=t4 volts="three" {batches[0].records[2].time_ns}'  # type: ignore[union-attr]
    assert InfluxSink(own.settings()).write([spoilt]).verdict is Verdict.DELIVERED
    with forwarding(path, InfluxSink(own.settings())) as work:
        for batch in batches:
            work.writer.put(batch)
    assert work.forwarder.status.dead == 1
    assert work.forwarder.status.trouble is None
    with JournalReader.open(path) as reader:
        (letter,) = reader.dead_letters("influxdb")
        assert "field type conflict" in letter.reason
        for kind in (EPOCH, MINUTE, EPISODE, EVENT):
            found, expected = own.rows(kind, stream), as_stored(kind, stream, reader.read(kind, stream))
            assert sorted(found, key=_key) == sorted(expected, key=_key)
        assert len(own.rows(BATTERY, stream)) == reader.count(BATTERY, stream) - 1 == 1
        assert reader.backlog("influxdb").rows == 0
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "field type conflict" in warnings[0]


@pytest.mark.influxdb
def test_it_starts_before_there_is_a_server(own: OwnServer, tmp_path: Path) -> None:
    """With nobody there at the start, rows wait in the journal; when the server comes, all arrive."""
    path, stream, sink = tmp_path / "j.db", own.stream(), Watched(own.settings())
    own.kill()
    with forwarding(path, sink) as work:
        for batch in sitting(stream)[:100]:
            work.writer.put(batch)
        assert work.writer.flush(WAIT_S)
        sink.wait_for_number(5)
        own.start()
        sink.wait_for_verdict(Verdict.DELIVERED)
    assert_stored_as_in_journal(own, path, stream)


@pytest.mark.influxdb
def test_a_row_written_again_overwrites_field_by_field(server: Server, tmp_path: Path) -> None:
    """A corrected row has its new values there; a value that has become unknown keeps the older one, as docs say."""
    stream, path, sink = server.stream(), tmp_path / "j.db", Watched(server.settings())
    first = Epoch(START_NS, 50, 0, 0, Activity.STILL, Posture.SLOUCHED, 25.0, 1.0, 0.01)
    with forwarding(path, sink) as work:
        work.writer.put(Batch(stream, (first,)))
        sink.wait_for_verdict(Verdict.DELIVERED)
        corrected = replace(first, received=20, missing=30, posture=Posture.UNKNOWN, sagittal_deg=None)
        work.writer.put(Batch(stream, (corrected,)))
    (row,) = server.rows(EPOCH, stream)
    assert (row["received"], row["missing"], row["posture"], row["sagittal_deg"]) == (20, 30, "unknown", 25.0)
    with JournalReader.open(path) as reader:
        assert list(reader.read(EPOCH, stream)) == [corrected]


@pytest.mark.influxdb
@pytest.mark.parametrize("seed", range(3))
def test_through_every_fault_of_a_network_all_arrive_once(server: Server, tmp_path: Path, seed: int) -> None:
    """Resets before, in and after a request, answers lost, cut or never given, 401, 422, 429, 5xx: all arrive, once."""
    stream, path, rng = server.stream(), tmp_path / "j.db", random.Random(seed)
    faults: list[Fault | None] = [*Fault, *Fault, *([None] * 10)]
    rng.shuffle(faults)
    with fault_proxy(server.url, faults) as proxy:
        sink = Watched(server.settings(url=proxy.url, timeout_s=0.5))
        with forwarding(path, sink, batch_rows=20) as work:
            for batch in sitting(stream):
                work.writer.put(batch)
            assert work.writer.flush(WAIT_S)
            sink.wait_for_all(points(path, stream))
    assert all(proxy.met[fault] == 2 for fault in Fault)
    verdicts = {answer.verdict for answer in sink.answers}
    assert verdicts == {Verdict.DELIVERED, Verdict.REFUSED, Verdict.HELD, Verdict.LATER}
    assert_stored_as_in_journal(server, path, stream)


OUTAGE_S = 72 * 3600


def after_an_outage(stream: Stream) -> list[Batch]:
    """Return three days, one second in twenty of them, with a minute and an event now and then."""
    batches = []
    for k in range(0, OUTAGE_S, 20):
        records: list[Record] = [epoch(k)]
        if k % 600 == 0:
            records += [minute(k), event(k), battery(k)]
        batches.append(Batch(stream, tuple(records)))
    return batches


@pytest.mark.influxdb
@pytest.mark.parametrize("seed", range(2))
def test_after_an_outage_of_days_all_arrive_once_and_live_rows_at_once(
    server: Server, tmp_path: Path, seed: int
) -> None:
    """72 h wait, and every fault there is meets the draining; live rows arrive while the backlog is still held back."""
    stream, path, rng = server.stream(), tmp_path / "j.db", random.Random(seed)
    fill(path, after_an_outage(stream))
    faults: list[Fault | None] = [*Fault, *Fault, *([None] * 10)]
    rng.shuffle(faults)
    live_from_ns, arrived, live_first = epoch(OUTAGE_S).start_ns, set[int](), Event()

    class Lanes(Watched):
        def write(self, lines: Sequence[str]) -> Answer:
            times_ns = [int(line.rpartition(" ")[2]) for line in lines]
            is_live = times_ns[0] >= live_from_ns
            if not is_live and self.answers:  # the first request finds out that there is a server
                assert live_first.wait(WAIT_S)
            answer = super().write(lines)
            if is_live and answer.verdict is Verdict.DELIVERED:
                arrived.update(times_ns)
                if len(arrived) == 5:
                    live_first.set()
            return answer

    with fault_proxy(server.url, []) as proxy:
        sink = Lanes(server.settings(url=proxy.url, timeout_s=1.0))
        with forwarding(path, sink, batch_rows=400) as work:
            sink.wait_for_number(1)
            for k in range(OUTAGE_S, OUTAGE_S + 5):
                work.writer.put(Batch(stream, (epoch(k),)), urgent=True)
            assert live_first.wait(WAIT_S)
            assert work.forwarder.status.cursor < 1000  # the cursor waits for the backlog
            proxy.faults.extend(faults)
            for k in range(OUTAGE_S + 5, OUTAGE_S + 60):
                work.writer.put(Batch(stream, (epoch(k),)))
            assert work.writer.flush(WAIT_S)
            sink.wait_for_all(points(path, stream))
    assert all(proxy.met[fault] == 2 for fault in Fault)
    assert_stored_as_in_journal(server, path, stream)
    assert work.forwarder.status.backlog_rows == 0


@pytest.mark.influxdb
def test_killed_while_draining_all_arrive_once(own: OwnServer, tmp_path: Path) -> None:
    """SIGKILL with requests of a backlog under way side by side: the next start sends what is not accounted for."""
    stream, path = own.stream(), tmp_path / "j.db"
    fill(path, after_an_outage(stream)[:4000])
    for requests in (2, 5, 9):
        command = [
            sys.executable,
            "-m",
            "tests.storage.forwarding",
            str(path),
            own.url,
            own.bucket,
            str(requests),
        ]
        died = subprocess.run(command, timeout=WAIT_S, check=False, cwd=Path(__file__).parents[2])
        assert died.returncode == -signal.SIGKILL
        with JournalReader.open(path) as reader:
            stored = sum(len(own.rows(kind, stream)) for kind in SENT)
            assert reader.cursor("influxdb") <= stored
    with forwarding(path, InfluxSink(own.settings())):
        pass
    assert_stored_as_in_journal(own, path, stream)


# ---- a mock, or nobody ---------------------------------------------------------------------------------------------


def test_an_outage_is_told_once_and_its_end_too(
    stub: Stub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first failure of a kind is a WARNING with the way out, repeats are DEBUG, the recovery is INFO."""
    caplog.set_level(logging.DEBUG, "storage.forwarder")
    stub.replies.extend([Reply(503)] * 4 + [Reply(401)] * 3 + [Reply(503)] * 2)
    statuses = []
    sink = Watched(stub.settings())
    with forwarding(tmp_path / "j.db", sink) as work:
        stub.before_reply = lambda: statuses.append(work.forwarder.status)
        work.writer.put(sitting(STREAM)[1])
        work.writer.put(sitting(STREAM)[2])
        sink.wait_for_verdict(Verdict.DELIVERED)
    levels = [record.levelname for record in caplog.records]
    assert [level for level in levels if level != "DEBUG"] == ["WARNING", "WARNING", "INFO"]
    assert levels.count("DEBUG") == 7
    assert "keeps all rows and tries again by itself" in caplog.text
    troubles = [type(status.trouble) for status in statuses]
    assert troubles[1:10] == [InfluxBusyError] * 4 + [InfluxTokenError] * 3 + [InfluxBusyError] * 2
    assert all(status.backlog_rows >= 1 and status.oldest_ns for status in statuses[1:10])
    assert work.forwarder.status.backlog_rows == 0
    assert work.forwarder.status.oldest_ns is None
    assert work.forwarder.status.trouble is None


def test_a_row_a_second_costs_no_second_commit(stub: Stub, tmp_path: Path) -> None:
    """The cursor becomes durable now and then and at the end, not after every delivery."""
    sink, path = Watched(stub.settings()), tmp_path / "j.db"
    with forwarding(path, sink, commit_every_s=0) as work:
        for number, batch in enumerate(sitting(STREAM)[2:12], 1):
            work.writer.put(batch)
            sink.wait_for_number(number)
    assert len(sink.answers) >= 10
    assert len(work.cursors.seqs) <= 2
    with JournalReader.open(path) as reader:
        assert work.cursors.seqs[-1] == reader.backlog("influxdb").cursor == work.journal.last_seq


def test_it_ends_in_time_although_the_server_hangs(stub: Stub, tmp_path: Path) -> None:
    """`close` returns while a request has no answer yet; when it comes after all, it counts, and no other is sent."""
    path = tmp_path / "j.db"
    fill(path, sitting(STREAM)[2:7])
    asked, answered, cursors = Event(), Event(), Cursors()

    def hang() -> None:
        asked.set()
        assert answered.wait(WAIT_S)

    stub.before_reply = hang
    sink = InfluxSink(stub.settings(timeout_s=WAIT_S))
    forwarder = Forwarder(path, cursors, sink, pace=QUICK, batch_rows=1)
    forwarder.start()
    assert asked.wait(WAIT_S)
    forwarder.close(0.05)
    assert forwarder._thread.is_alive()
    answered.set()
    forwarder._thread.join(WAIT_S)
    assert not forwarder._thread.is_alive()
    assert len(stub.requests) == 1
    assert cursors.seqs == [1]


def test_a_journal_that_is_not_there_yet_is_waited_for(stub: Stub, tmp_path: Path) -> None:
    """No journal at the start is a trouble in the status, not the end; once it is there, its rows are sent."""
    path, tried, cursors = tmp_path / "j.db", Event(), Cursors()
    sink = Watched(stub.settings())

    def jitter() -> float:
        tried.set()
        return 0.0

    forwarder = Forwarder(path, cursors, sink, pace=QUICK, jitter=jitter)
    forwarder.start()
    assert tried.wait(WAIT_S)
    assert isinstance(forwarder.status.trouble, JournalAbsentError)
    fill(path, sitting(STREAM)[1:5])
    forwarder.nudge()
    sink.wait_for_number(1)
    forwarder.close(WAIT_S)
    assert len(stub.points) == cursors.seqs[-1] == forwarder.status.cursor
    assert forwarder.status.trouble is None


def test_a_page_that_cannot_be_read_costs_its_own_rows_alone(stub: Stub, tmp_path: Path) -> None:
    """A leaf of the table of epochs became noise: what lies before it, behind it and what comes then is delivered."""
    path, sink = tmp_path / "j.db", Watched(stub.settings())
    with Journal.open(path, "a test") as journal:
        journal.commit([Batch(STREAM, tuple(epoch(k) for k in range(500)))])
        (leaf,) = journal._connection.execute(
            "SELECT pageno FROM dbstat WHERE name = 'epoch' AND pagetype = 'leaf' ORDER BY path LIMIT 1"
        ).fetchone()
    data = bytearray(path.read_bytes())
    data[(leaf - 1) * 4096 : leaf * 4096] = random.Random(1).randbytes(4096)
    path.write_bytes(data)
    with forwarding(path, sink, batch_rows=100) as work:
        sink.wait_for_number(4)
        work.writer.put(Batch(STREAM, (event(1),)))
        sink.wait_for(lambda _: any("event" in series for series, _ in sink.delivered))
    assert (work.forwarder.status.cursor, work.forwarder.status.trouble) == (501, None)
    assert 440 < len(stub.points) < 501


def test_what_stumbles_is_told_and_goes_on(
    stub: Stub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in the sink does not end the forwarder: it is logged with its traceback, and tried again."""
    sink = Watched(stub.settings())
    stumbles = iter([RuntimeError("oops")])

    def stumble(_: Answer) -> None:
        for error in stumbles:
            raise error

    sink.after_answer = stumble
    with forwarding(tmp_path / "j.db", sink) as work:
        work.writer.put(sitting(STREAM)[2])
        sink.wait_for_number(2)
    assert "oops" in caplog.text
    assert work.forwarder.status.trouble is None
    assert work.forwarder.status.backlog_rows == 0
    assert work.forwarder.status.cursor == work.journal.last_seq


def test_nobody_pays_for_influxdb_who_has_none() -> None:
    """The forwarder and the journal come without influxdb_client, which costs 40 MB."""
    code = "import sys, storage.forwarder, storage.writer; sys.exit('influxdb_client' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode
        == 0
    )


# ---- the pauses ----------------------------------------------------------------------------------------------------

LATER = Answer(Verdict.LATER, "later", InfluxUnreachableError("http://db", "refused"))


@given(st.integers(1, 10**6), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_pauses_grow_to_a_minute_and_heed_the_server(
    failures: int, jitter: float, wish_s: float | None
) -> None:
    """From 1 s, at most twice as long each time, up to 60 s; never sooner than asked for, but for an hour's cap."""
    pace = Pace()
    answer = Answer(Verdict.LATER, "later", LATER.trouble, wish_s)
    pause_s = retry_delay_s(answer, failures, jitter, pace)
    assert pause_s >= max(pace.first_s, min(wish_s or 0, pace.wish_s))
    assert pause_s <= max(min(60.0, 2.0 ** min(failures, 10)), min(wish_s or 0, pace.wish_s) + 1)
    held_s = retry_delay_s(Answer(Verdict.HELD, "held", LATER.trouble), failures, jitter, pace)
    assert pace.held_s <= held_s <= pace.held_s + 1


def test_the_jitter_is_full() -> None:
    """Who lost the server together comes back anywhere between the first pause and the longest."""
    pace = Pace()
    assert [retry_delay_s(LATER, n, 0.0, pace) for n in (1, 5, 50)] == [1.0, 1.0, 1.0]
    assert [retry_delay_s(LATER, n, 1.0, pace) for n in (1, 2, 5, 50)] == [2.0, 4.0, 32.0, 60.0]
