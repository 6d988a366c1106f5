"""The way of rows to a sink: each arrives once or is a dead letter, in order, whatever the sink answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.outputs import Activity, Epoch, Posture
from sensor.samples import BatteryReading
from storage.answer import DELIVERED, Answer, Verdict
from storage.delivery import Delivery
from storage.entries import Batch, Block, DeadLetter, Entry, Stream
from storage.errors import (
    DiskFullError,
    InfluxBucketError,
    InfluxBusyError,
    InfluxError,
    InfluxForbiddenError,
    InfluxForeignError,
    InfluxRequestError,
    InfluxTokenError,
    InfluxUnreachableError,
)
from storage.influxdb import InfluxSink
from storage.journal import Journal
from storage.ledger import BATCH_ROWS, Ledger
from storage.lines import line_of
from storage.reader import JournalReader
from storage.schema import BATTERY, EPOCH
from tests.storage.protocol import parse
from tests.storage.servers import OwnServer
from tests.storage.stub import Reply, Stub, json_reply, stub_server

STREAM = Stream("w-7f3a", "t4")
START_NS = 1_767_225_600_000_000_000
SECOND_NS = 1_000_000_000


def epoch(second: int) -> Epoch:
    """Return an epoch that is unlike all others."""
    return Epoch(
        START_NS + second * SECOND_NS, 50, 0, 0, Activity.STILL, Posture.UPRIGHT, second / 7, 0.0, 0.01
    )


def entry(seq: int) -> Entry:
    """Return an epoch as the journal gives it."""
    return Entry(seq, STREAM, EPOCH, EPOCH.to_row(epoch(seq)))


# ---- against a model of a sink -------------------------------------------------------------------------------------


@dataclass(slots=True)
class ModelSink:
    """A sink that refuses some rows, takes so many at a time, and fails as it is told to."""

    bad: frozenset[int]
    most: int
    counts: bool
    """Whether it tells how many rows it refused."""
    faults: list[tuple[Verdict, bool]]
    """For requests to come: fail so, after or before storing what was good."""
    stored: dict[int, str] = field(default_factory=dict)
    requests: int = 0

    def write(self, lines: Sequence[str]) -> Answer:
        """Store what is good."""
        self.requests += 1
        seqs = [(parse(line)[0].time_ns - START_NS) // SECOND_NS for line in lines]
        fault, stores = self.faults.pop() if self.faults else (None, True)
        if len(lines) > self.most:
            return Answer(Verdict.TOO_LARGE, "too large")
        if stores:
            self.stored |= {seq: line for seq, line in zip(seqs, lines, strict=True) if seq not in self.bad}
        if fault is not None:
            return Answer(fault, "a fault", InfluxBusyError("http://db", "a fault"))
        dropped = len(self.bad.intersection(seqs))
        if not dropped:
            return DELIVERED
        return Answer(Verdict.REFUSED, f"refused {dropped}", dropped=dropped if self.counts else 0)

    def ask(self) -> Answer:
        """Nothing is wrong with the configuration."""
        return DELIVERED

    def close(self) -> None:
        """Nothing to close."""


@dataclass(slots=True)
class Rows:
    """A journal in memory, and its cursor."""

    held: list[Entry]
    cursor: int = 0
    dead: list[DeadLetter] = field(default_factory=list)

    @property
    def last_seq(self) -> int:
        """The newest row."""
        return self.held[-1].seq

    def blocks(self, after_seq: int, last_seq: int) -> list[Block]:
        """Return the rows after one seq up to another."""
        rows = [each for each in self.held if after_seq < each.seq <= last_seq]
        return [Block(e.kind, (e.seq,), (e.stream,), tuple((value,) for value in e.row)) for e in rows]

    def holes(self, after_seq: int, last_seq: int) -> int:  # noqa: ARG002 (none is replaced here)
        """Return how many of them were replaced."""
        return 0

    def advance(self, seq: int, dead: Sequence[DeadLetter]) -> None:
        """Move the cursor."""
        assert seq >= self.cursor
        self.cursor = seq
        self.dead += dead


@given(data=st.data(), batch_rows=st.integers(1, 25), counts=st.booleans())
def test_every_row_arrives_once_or_is_a_dead_letter(
    data: st.DataObject, batch_rows: int, counts: bool
) -> None:
    """Refused rows, size limits, passing faults and crashes: the cursor passes only what is stored or a dead letter."""
    seqs = list(accumulate(data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=20))))
    bad = frozenset(data.draw(st.sets(st.sampled_from(seqs))))
    verdicts = st.tuples(st.sampled_from((Verdict.LATER, Verdict.HELD)), st.booleans())
    faults = data.draw(st.lists(verdicts, max_size=8))
    crashes = data.draw(st.sets(st.integers(0, 12), max_size=4))
    rows = Rows([entry(seq) for seq in seqs])
    sink = ModelSink(bad, data.draw(st.integers(1, 25)), counts, list(faults))

    def started() -> Delivery:
        return Delivery(rows, sink, Ledger(rows.advance, rows.cursor, batch_rows), utc=lambda: 7)

    delivery, turns = started(), 0
    while (answer := delivery.turn()) is not None:
        assert answer.verdict in {Verdict.DELIVERED, Verdict.LATER, Verdict.HELD}
        settled = set(sink.stored) | {letter.seq for letter in rows.dead}
        assert {seq for seq in seqs if seq <= max(delivery.ledger.cursor, rows.cursor)} <= settled
        if turns in crashes:
            delivery = started()
        turns += 1
        assert turns <= seqs[-1] * (len(crashes) + 1) + len(faults)
    delivery.ledger.save()

    assert sink.stored == {seq: line_of(EPOCH, STREAM, entry(seq).row) for seq in seqs if seq not in bad}
    assert [letter.seq for letter in rows.dead] == sorted(bad)
    assert rows.cursor == delivery.ledger.cursor == seqs[-1]
    for letter in rows.dead:
        assert (letter.kind, letter.time_ns) == ("epoch", 7)
        assert letter.line == line_of(EPOCH, STREAM, entry(letter.seq).row)
        assert letter.reason.startswith("refused")


def test_one_bad_row_among_thousands_costs_few_requests() -> None:
    """Halving finds it: 2 × log₂ 5000 requests; and a server that counts what it refused saves all of them."""
    rows = Rows([entry(seq) for seq in range(1, BATCH_ROWS + 1)])
    sink = ModelSink(frozenset({3210}), BATCH_ROWS, counts=True, faults=[])
    Delivery(rows, sink, Ledger(rows.advance, 0)).turn()
    assert [letter.seq for letter in rows.dead] == [3210]
    assert sink.requests <= 2 * 13 + 1
    rows = Rows(rows.held)
    sink = ModelSink(frozenset(range(1, BATCH_ROWS + 1)), BATCH_ROWS, counts=True, faults=[])
    Delivery(rows, sink, Ledger(rows.advance, 0)).turn()
    assert len(rows.dead) == BATCH_ROWS
    assert sink.requests == 1


def test_a_failing_server_is_sent_less_and_a_mended_one_more() -> None:
    """Over a line too slow for a whole batch, ever smaller ones are tried; then they grow again."""
    rows = Rows([entry(seq) for seq in range(1, 401)])
    sink = ModelSink(frozenset(), 1000, counts=False, faults=[(Verdict.LATER, False)] * 4)
    delivery = Delivery(rows, sink, Ledger(rows.advance, 0, 64))
    cursors = []
    while delivery.turn() is not None:
        cursors.append(delivery.ledger.cursor)
    assert cursors == [0, 0, 0, 0, 4, 12, 28, 60, 124, 188, 252, 316, 380, 400]


def test_a_row_of_which_nothing_is_known_is_passed_over() -> None:
    """There is no line for it, so it is neither sent nor refused, and the cursor passes it."""
    rows = Rows([Entry(1, STREAM, BATTERY, (START_NS, None, None)), entry(2)])
    sink = ModelSink(frozenset({2}), 10, counts=False, faults=[])
    Delivery(rows, sink, Ledger(rows.advance, 0)).turn()
    assert (rows.cursor, [letter.seq for letter in rows.dead], sink.stored) == (2, [2], {})


# ---- a journal and a mock server -----------------------------------------------------------------------------------


@pytest.fixture
def stub() -> Iterator[Stub]:
    """Give a mock server that takes everything until told otherwise."""
    with stub_server() as server:
        yield server


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Give a journal with 20 epochs."""
    with Journal.open(tmp_path / "j.db", "a test") as opened:
        opened.commit([Batch(STREAM, tuple(epoch(second) for second in range(20)))])
        yield opened


@pytest.fixture
def reader(journal: Journal) -> Iterator[JournalReader]:
    """Give a reader of that journal."""
    with JournalReader.open(journal.path) as opened:
        yield opened


def delivery_of(journal: Journal, reader: JournalReader, sink: InfluxSink) -> Delivery:
    """Return a delivery that begins where the journal says."""
    cursor = reader.backlog("influxdb").cursor
    return Delivery(reader, sink, Ledger(lambda seq, dead: journal.advance("influxdb", seq, dead), cursor))


def deliver_all(delivery: Delivery) -> None:
    """Deliver until the journal holds no more, with the cursor durable."""
    while delivery.turn() is not None:
        pass
    delivery.ledger.save()


@pytest.mark.parametrize("stores", [False, True])
@pytest.mark.parametrize(
    ("reply", "verdict", "trouble"),
    [
        (json_reply(401, '{"code":"unauthorized","message":"no"}'), Verdict.HELD, InfluxTokenError),
        (json_reply(403, '{"code":"forbidden","message":"no"}'), Verdict.HELD, InfluxForbiddenError),
        (json_reply(404, '{"code":"not found","message":"no"}'), Verdict.HELD, InfluxBucketError),
        (Reply(404, b"<html>no such page</html>"), Verdict.HELD, InfluxForeignError),
        (Reply(200, b"<html>who are you?</html>"), Verdict.HELD, InfluxForeignError),
        (Reply(429, headers=(("Retry-After", "9"),)), Verdict.LATER, InfluxBusyError),
        (json_reply(500, '{"error":"timeout"}'), Verdict.LATER, InfluxBusyError),
        (Reply(503), Verdict.LATER, InfluxBusyError),
        (Reply(502, b"<html><h1>Bad Gateway"), Verdict.LATER, InfluxBusyError),
        (Reply(breaks="before"), Verdict.LATER, InfluxUnreachableError),
        (Reply(400, b'{"err', breaks="within"), Verdict.LATER, InfluxUnreachableError),
        (Reply(breaks="hangs"), Verdict.LATER, InfluxUnreachableError),
    ],
)
def test_after_any_failure_all_arrive_and_nothing_twice_as_another(
    stub: Stub,
    journal: Journal,
    reader: JournalReader,
    reply: Reply,
    verdict: Verdict,
    trouble: type[InfluxError],
    stores: bool,
) -> None:
    """The cursor stays, whether the server had stored the rows or not; then all arrive as they are in the journal."""
    failing = Reply(reply.status, reply.body, reply.headers, stores=stores, breaks=reply.breaks)
    stub.replies.append(failing)
    delivery = delivery_of(journal, reader, InfluxSink(stub.settings(timeout_s=0.3)))
    answer = delivery.turn()
    assert answer is not None
    assert (answer.verdict, type(answer.trouble)) == (verdict, trouble)
    assert delivery.ledger.cursor == reader.backlog("influxdb").cursor == 0
    deliver_all(delivery_of(journal, reader, InfluxSink(stub.settings())))
    assert sorted(time_ns for *_, time_ns in stub.points) == [epoch(second).start_ns for second in range(20)]
    assert {fields["sagittal_deg"] for fields in stub.points.values()} == {second / 7 for second in range(20)}
    assert reader.backlog("influxdb").rows == 0
    assert reader.dead_letters("influxdb") == []


PARTIAL_3 = (
    '{"error":"partial write of line protocol occurred","data":[{"original_line":"…","line_number":1,'
    '"error_message":"invalid column type for column \'sagittal_deg\'"}]}'
)


def test_a_row_that_3_core_refuses(stub: Stub, journal: Journal, reader: JournalReader) -> None:
    """3 Core answers 400, or 422 at a limit, with a list; the reason in the dead letter is of the line, not of all."""

    def refuse_the_seventh() -> None:
        bad = any(point.time_ns == epoch(7).start_ns for point in stub.requests[-1])
        stub.replies.append(json_reply(422, PARTIAL_3, stores=len(stub.requests[-1]) > 1) if bad else Reply())

    stub.before_reply = refuse_the_seventh
    deliver_all(delivery_of(journal, reader, InfluxSink(stub.settings())))
    (letter,) = reader.dead_letters("influxdb")
    assert parse(letter.line)[0].time_ns == epoch(7).start_ns
    assert letter.reason.endswith("invalid column type for column 'sagittal_deg'")
    assert reader.backlog("influxdb").rows == 0
    assert len(stub.points) == 20  # the mock, unlike 3 Core, kept it in the greater requests


@pytest.mark.parametrize(
    "reply",
    [
        json_reply(400, '{"code":"invalid","message":"Please provide either orgID or org"}'),
        Reply(400, b"Client sent an HTTP request to an HTTPS server.\n"),
        Reply(413, b"<html><h1>413 Request Entity Too Large"),
    ],
)
def test_no_row_is_blamed_for_what_is_wrong_with_every_request(
    stub: Stub, journal: Journal, reader: JournalReader, reply: Reply
) -> None:
    """A missing organisation or https spoken to as http makes no dead letters: all is held, and told."""
    stub.always = reply
    delivery = delivery_of(journal, reader, InfluxSink(stub.settings()))
    answer = delivery.turn()
    assert answer is not None
    assert (answer.verdict, type(answer.trouble)) == (Verdict.HELD, InfluxRequestError)
    assert len(stub.requests) == 2
    stub.always = None
    deliver_all(delivery)
    assert len(stub.points) == 20
    assert reader.dead_letters("influxdb") == []


def test_a_proxy_that_numbers_its_refusals_makes_no_dead_letters(
    stub: Stub, journal: Journal, reader: JournalReader
) -> None:
    """The same page for rows and for none, but for the name and the time of the request."""
    page = "<h1>400 Bad Request</h1>Request 6f9619ff-8b86-d011-bead-00c04fc9{0:04x} at 22:06:{0:02d}"
    stub.replies.extend(Reply(400, page.format(k).encode()) for k in range(60))
    answer = delivery_of(journal, reader, InfluxSink(stub.settings())).turn()
    assert answer is not None
    assert answer.verdict is Verdict.HELD
    assert reader.dead_letters("influxdb") == []


def test_a_dead_letter_is_durable_before_the_cursor_passes_it(
    stub: Stub, journal: Journal, reader: JournalReader
) -> None:
    """When the disk is full, the refused row is neither forgotten nor passed; once there is room, it is written."""
    room = False

    def advance(seq: int, dead: Sequence[DeadLetter]) -> None:
        if not room:
            raise DiskFullError(journal.path)
        journal.advance("influxdb", seq, dead)

    stub.replies.extend((json_reply(400, '{"error":"bad dropped=20"}'), json_reply(204, "")))
    delivery = Delivery(reader, InfluxSink(stub.settings()), Ledger(advance, 0))
    with pytest.raises(DiskFullError):
        delivery.turn()
    assert delivery.ledger.cursor == 0
    room = True
    stub.replies.extend((json_reply(400, '{"error":"bad dropped=20"}'), json_reply(204, "")))
    delivery.turn()
    assert len(reader.dead_letters("influxdb")) == 20


# ---- a journal and the real server ---------------------------------------------------------------------------------


@pytest.mark.influxdb
def test_a_row_of_another_type_is_a_dead_letter_and_all_others_arrive(
    own: OwnServer, journal: Journal, reader: JournalReader
) -> None:
    """The server's own reason is kept with the line; the rest, on both sides of it, is stored."""
    sink = InfluxSink(own.settings())
    spoilt = f'clip_battery,wearer=w-0,placement=t4 volts="three" {START_NS}'
    assert sink.write([spoilt]).verdict is Verdict.DELIVERED
    batteries = (BatteryReading(START_NS, 90.0), BatteryReading(START_NS + 1, 89.0, 3.9))
    journal.commit(
        [Batch(STREAM, batteries), Batch(STREAM, tuple(epoch(second) for second in range(20, 40)))]
    )
    deliver_all(delivery_of(journal, reader, sink))
    (letter,) = reader.dead_letters("influxdb")
    assert letter.line == line_of(BATTERY, STREAM, BATTERY.to_row(batteries[1]))
    assert "field type conflict" in letter.reason
    assert "volts" in letter.reason
    assert len(own.rows(EPOCH, STREAM)) == 40
    assert [row["percent"] for row in own.rows(BATTERY, STREAM)] == [90.0]
    assert reader.backlog("influxdb").rows == 0


@pytest.mark.influxdb
def test_rows_older_than_the_server_keeps_are_dead_letters_at_once(
    own: OwnServer, journal: Journal, reader: JournalReader
) -> None:
    """A backlog older than the retention policy is not cut to single lines: the server says that it refused them all."""
    own.query(f'CREATE RETENTION POLICY "day" ON "{own.bucket}" DURATION 1d REPLICATION 1')
    sink = InfluxSink(own.settings(bucket=f"{own.bucket}/day"))
    deliver_all(delivery_of(journal, reader, sink))
    letters = reader.dead_letters("influxdb")
    assert len(letters) == 20
    assert {letter.reason for letter in letters} == {
        "partial write: points beyond retention policy dropped=20"
    }


@pytest.mark.influxdb
def test_a_proxy_that_takes_little_gets_little(
    own: OwnServer, journal: Journal, reader: JournalReader
) -> None:
    """Where nginx takes 20 kB, a batch is halved until it fits, and no row is given up."""
    journal.commit([Batch(STREAM, tuple(epoch(second) for second in range(20, 500)))])
    deliver_all(delivery_of(journal, reader, InfluxSink(own.settings(url=own.narrow_url))))
    assert len(own.rows(EPOCH, STREAM)) == 500
    assert reader.dead_letters("influxdb") == []
