"""What a sink has got of the journal and what it has not, shared by all who deliver to it. For several threads.

The newest rows do not wait behind an old backlog: all up to a seq is the backlog, cut into claims that may be delivered side
by side; what comes after is live. The cursor stays before the first row that is not settled, so a crash sends again
what was settled beyond it, over itself, and loses nothing.

A row that is written again gets a new seq. Were the older one still under way, it could arrive last and stay: so whoever
has read rows asks whether rows under way elsewhere have been replaced since (each leaves a hole), and if so, steps back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from storage.entries import DeadLetter

BATCH_ROWS = 5000
"""What InfluxData advises for one request: about 1.2 MB of lines."""
SAVE_ROWS = 50_000
"""Settled before the cursor is made durable: so many are sent again after a crash, and every save is a commit."""

Advance = Callable[[int, Sequence[DeadLetter]], None]
"""Makes a cursor and dead letters durable; raises StorageError."""
Holes = Callable[[int, int], int]
"""Counts the holes after one seq up to another: storage.reader.JournalReader.holes."""


@dataclass(slots=True)
class Claim:
    """Seqs that someone is delivering; from the front, settled ones go."""

    after_seq: int
    last_seq: int
    live: bool
    first_after_seq: int
    """What was the front at first."""
    holes: int | None = None
    """How many there were before the rows were read; None until they are counted."""


class Ledger:
    """One sink's accounts."""

    def __init__(self, advance: Advance, cursor: int, batch_rows: int = BATCH_ROWS) -> None:
        self.batch_rows = batch_rows
        """The most that the sink takes in one request, as far as is known."""
        self.last_refusal = ""
        """What the sink said of the newest dead letter."""
        self.refused = 0
        """Dead letters written here."""
        self._advance = advance
        self._lock = Lock()
        self._live_after = self._saved = cursor
        self._backlog: list[tuple[int, int]] = []
        """Spans (after, last) that nobody has claimed, in order."""
        self._claims: list[Claim] = []

    @property
    def cursor(self) -> int:
        """All up to this seq is delivered, or dead."""
        with self._lock:
            return self._cursor()

    @property
    def has_backlog(self) -> bool:
        """Whether there is a backlog that nobody has claimed."""
        with self._lock:
            return bool(self._backlog)

    def waiting(self, last_seq: int) -> list[tuple[int, int]]:
        """Return the spans (after, last) up to a seq that are not settled."""
        with self._lock:
            claimed = [(claim.after_seq, claim.last_seq) for claim in self._claims if not claim.live]
            return [*self._backlog, *claimed, (self._live_after, max(last_seq, self._live_after))]

    def split(self, last_seq: int) -> None:
        """Make a backlog of what is live up to a seq, if that is more than one request takes."""
        with self._lock:
            if last_seq - self._live_after > self.batch_rows and not any(
                claim.live for claim in self._claims
            ):
                self._backlog.append((self._live_after, last_seq))
                self._live_after = last_seq

    def claim(self, rows: int, live_until: int | None = None) -> Claim | None:
        """Return the next seqs of the backlog, or the live ones up to a seq; None if there are none."""
        with self._lock:
            if live_until is not None:
                after_seq, last_seq = self._live_after, live_until
            elif self._backlog:
                after_seq, last_seq = self._backlog.pop(0)
            else:
                return None
            if after_seq >= last_seq:
                return None
            claim = Claim(after_seq, min(last_seq, after_seq + rows), live_until is not None, after_seq)
            if not claim.live and claim.last_seq < last_seq:
                self._backlog.insert(0, (claim.last_seq, last_seq))
            self._claims.append(claim)
            return claim

    def may_send(self, claim: Claim, holes: Holes) -> bool:
        """Tell whether rows just read may be sent now: none of them replaces one that is under way elsewhere."""
        with self._lock:
            others = [(each, each.holes) for each in self._claims if each is not claim]
        return all(then == holes(each.first_after_seq, each.last_seq) for each, then in others)

    def settle(self, claim: Claim, last_seq: int, dead: Sequence[DeadLetter] = (), reason: str = "") -> None:
        """Account for a claim's rows up to a seq as delivered, or refused for good; raise StorageError and do not.

        Dead letters are durable on return.
        """
        durable = 0
        if dead:
            with self._lock:
                durable = self._cursor({id(claim): last_seq})
            self._advance(durable, dead)
        with self._lock:
            self._saved = max(self._saved, durable)
            if dead:
                self.refused += len(dead)
                self.last_refusal = reason
            claim.after_seq = last_seq
            if claim.live:
                self._live_after = last_seq
            if last_seq >= claim.last_seq:
                self._claims.remove(claim)
            is_due = self._cursor() - self._saved >= SAVE_ROWS
        if is_due:
            self.save()

    def release(self, claim: Claim) -> None:
        """Leave to others what is not settled of a claim."""
        with self._lock:
            if claim in self._claims:
                self._claims.remove(claim)
                if not claim.live:
                    self._backlog.append((claim.after_seq, claim.last_seq))
                    self._backlog.sort()

    @property
    def is_saved(self) -> bool:
        """Whether the cursor is durable as it is."""
        with self._lock:
            return self._cursor() == self._saved

    def save(self) -> None:
        """Make the cursor durable; raise StorageError when that fails."""
        with self._lock:
            cursor, is_new = self._cursor(), self._cursor() > self._saved
        if is_new:
            self._advance(cursor, ())
            with self._lock:
                self._saved = max(self._saved, cursor)

    def _cursor(self, settled: dict[int, int] | None = None) -> int:
        """Return the cursor as if some claims, by their id, were settled up to a seq."""
        settled = settled or {}
        firsts = [self._live_after, *(after for after, _ in self._backlog)]
        for claim in self._claims:
            after_seq = settled.get(id(claim), claim.after_seq)
            if claim.live:
                firsts[0] = after_seq
            elif after_seq < claim.last_seq:
                firsts.append(after_seq)
        return min(firsts)
