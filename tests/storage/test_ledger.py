"""What a sink has got and what not, with several at work: nothing is passed over, nothing is done twice at a time."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from processing.outputs import Activity, Epoch, Posture
from storage.answer import DELIVERED, Answer
from storage.delivery import STEPPED_BACK, Delivery
from storage.entries import Batch, DeadLetter, Stream
from storage.journal import Journal
from storage.ledger import Claim, Ledger
from storage.reader import JournalReader
from tests.storage.protocol import parse

STREAM = Stream("w-7f3a", "t4")
START_NS = 1_767_225_600_000_000_000


class Accounts(RuleBasedStateMachine):
    """Rows come, are claimed, settled in part, given back and split, in whatever order."""

    claims: Bundle[Claim] = Bundle("claims")

    @initialize(begin=st.integers(0, 5), batch_rows=st.integers(1, 8))
    def start(self, begin: int, batch_rows: int) -> None:
        """Begin where an earlier run ended."""
        self.durable = self.last_seq = begin
        self.settled, self.dead = set(range(1, begin + 1)), 0
        self.held: list[Claim] = []
        self.ledger = Ledger(self.advance, begin, batch_rows)

    def advance(self, seq: int, letters: Sequence[DeadLetter]) -> None:
        """Make it durable."""
        self.durable = max(self.durable, seq)
        self.dead += len(letters)

    @rule(rows=st.integers(1, 12))
    def write(self, rows: int) -> None:
        """Rows are written."""
        self.last_seq += rows

    @rule()
    def split(self) -> None:
        """Make a backlog of what is live."""
        self.ledger.split(self.last_seq)

    @rule(target=claims, rows=st.integers(1, 8), live=st.booleans())
    def claim(self, rows: int, live: bool) -> Any:
        """Someone takes what is live (one at a time does that), or a part of the backlog."""
        if live and any(claim.live for claim in self.held):
            return multiple()
        claim = self.ledger.claim(rows, self.last_seq if live else None)
        if claim is None:
            return multiple()
        self.held.append(claim)
        return claim

    @rule(claim=claims, rows=st.integers(1, 8), refused=st.booleans())
    def settle(self, claim: Claim, rows: int, refused: bool) -> None:
        """Rows from the front of a claim are delivered, or refused."""
        if any(claim is held for held in self.held):
            last_seq = min(claim.last_seq, claim.after_seq + rows)
            new = set(range(claim.after_seq + 1, last_seq + 1))
            assert not new & self.settled
            letters = [DeadLetter(last_seq, "epoch", "", "", 0)] if refused else []
            self.ledger.settle(claim, last_seq, letters, "refused")
            self.settled |= new
            if last_seq == claim.last_seq:
                self.held = [held for held in self.held if held is not claim]

    @rule(claim=consumes(claims))
    def release(self, claim: Claim) -> None:
        """Someone gives up."""
        self.ledger.release(claim)
        self.held = [held for held in self.held if held is not claim]

    @rule()
    def save(self) -> None:
        """Make the cursor durable."""
        self.ledger.save()
        assert self.ledger.is_saved
        assert self.durable == self.ledger.cursor

    @invariant()
    def the_books_balance(self) -> None:
        """See that the cursor, durable or not, passes nothing that is not settled; all else waits, once."""
        cursor = self.ledger.cursor
        assert self.settled.issuperset(range(1, max(cursor, self.durable) + 1))
        assert cursor + 1 not in self.settled
        assert self.ledger.refused == self.dead
        waiting = [
            seq for after, last in self.ledger.waiting(self.last_seq) for seq in range(after + 1, last + 1)
        ]
        assert sorted(waiting) == [seq for seq in range(1, self.last_seq + 1) if seq not in self.settled]

    def teardown(self) -> None:
        """In the end all is settled."""
        for claim in self.held:
            self.ledger.release(claim)
        while again := self.ledger.claim(4) or self.ledger.claim(4, self.last_seq):
            self.ledger.settle(again, again.last_seq)
        assert self.ledger.cursor == self.last_seq


TestAccounts = Accounts.TestCase


class Held:
    """A sink that holds its first request until it is told, and keeps the newest value of each row."""

    def __init__(self) -> None:
        self.values: dict[int, float] = {}
        self.meanwhile: Callable[[], None] = lambda: None

    def write(self, lines: Sequence[str]) -> Answer:
        """Do what is to be done meanwhile, then store."""
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        for point in (parse(line)[0] for line in lines):
            self.values[point.time_ns] = float(dict(point.fields)["sagittal_deg"])
        return DELIVERED

    def ask(self) -> Answer:
        """Nothing is wrong."""
        return DELIVERED

    def close(self) -> None:
        """Nothing to close."""


def epoch(second: int, sagittal_deg: float) -> Epoch:
    """Return an epoch."""
    start_ns = START_NS + second * 10**9
    return Epoch(start_ns, 50, 0, 0, Activity.STILL, Posture.UPRIGHT, sagittal_deg, 0.0, 0.01)


def test_a_row_written_again_does_not_overtake_its_older_self(tmp_path: Path) -> None:
    """While the older version is on its way with the backlog, the newer one waits; so it is the newer one that stays."""
    path, sink, met = tmp_path / "j.db", Held(), []
    with Journal.open(path, "a test") as journal, JournalReader.open(path) as reader:
        journal.commit([Batch(STREAM, tuple(epoch(k, 1.0) for k in range(20)))])
        ledger = Ledger(lambda seq, dead: journal.advance("influxdb", seq, dead), 0, batch_rows=10)
        live = Delivery(reader, sink, ledger)
        backlog = Delivery(reader, sink, ledger, live=False)
        ledger.split(20)

        def meanwhile() -> None:
            journal.commit([Batch(STREAM, (epoch(3, 2.0),))])  # of the rows that are under way
            met.append(live.turn())
            journal.commit([Batch(STREAM, (epoch(15, 2.0),))])  # of rows that are not

        sink.meanwhile = meanwhile
        assert backlog.turn() is DELIVERED
        assert met == [STEPPED_BACK]
        assert sink.values[epoch(3, 0.0).start_ns] == 1.0
        assert live.turn() is DELIVERED
        assert sink.values[epoch(3, 0.0).start_ns] == 2.0
        assert backlog.turn() is DELIVERED
        assert (backlog.turn(), live.turn()) == (None, None)
        assert ledger.cursor == journal.last_seq
        assert sink.values == {epoch(k, 0.0).start_ns: 2.0 if k in {3, 15} else 1.0 for k in range(20)}
