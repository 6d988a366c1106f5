"""One sink's way through the journal: the next rows → lines → the sink → the ledger. No clock, no network.

What the sink acknowledged is settled, and so are dead letters, in order of seq; nothing else is. Sending again is
harmless (a line overwrites itself), so a refused batch is cut in halves until the bad line is alone.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from time import time_ns
from typing import Protocol

from storage.answer import DELIVERED, Answer, Verdict
from storage.entries import Block, DeadLetter
from storage.ledger import Claim, Ledger
from storage.lines import lines_of


class Sink(Protocol):
    """Where lines go. For several threads."""

    def write(self, lines: Sequence[str], /) -> Answer:
        """Send lines; tell what became of them."""

    def ask(self) -> Answer:
        """Send a request that stores nothing; DELIVERED, or what would keep all rows from being delivered."""

    def close(self) -> None:
        """Drop the connection."""


class Source(Protocol):
    """Where rows come from: storage.reader.JournalReader."""

    @property
    def last_seq(self) -> int:
        """The newest of all rows."""

    def blocks(self, after_seq: int, last_seq: int) -> list[Block]:
        """Return the rows after one seq up to another."""

    def holes(self, after_seq: int, last_seq: int) -> int:
        """Return how many of them have been replaced or deleted by now."""


Part = list[tuple[int, str | None, str]]
"""Rows in order of seq, each with its line (None for one that the sink has no place for) and the name of its kind."""


class Lane:
    """How much goes into one request: after a failure less is tried, then more again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._rows = ledger.batch_rows

    @property
    def rows(self) -> int:
        """The most for the next request."""
        return min(self._rows, self._ledger.batch_rows)

    def more(self) -> None:
        """Say that a request was delivered."""
        self._rows = min(self._ledger.batch_rows, 2 * self._rows)

    def fewer(self, than: int, *, for_good: bool) -> None:
        """Say that a request of so many rows failed; `for_good` if the sink never takes as many."""
        self._rows = max(1, than // 2)
        if for_good:
            self._ledger.batch_rows = self._rows


class Delivery:
    """Delivers to one sink, a batch at a turn: what is live, or what is not."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        ledger: Ledger,
        *,
        live: bool = True,
        lane: Lane | None = None,
        utc: Callable[[], int] = time_ns,
    ) -> None:
        self.ledger = ledger
        self._source, self._sink, self._live, self._utc = source, sink, live, utc
        self._lane = lane or Lane(ledger)

    def turn(self, keep_on: Callable[[], bool] = lambda: True) -> Answer | None:
        """Deliver the next rows, as many as go into one request; return what came of it, None if there are none.

        DELIVERED if all of them are settled, or `keep_on` said no between two requests, or the turn is another's; else
        what stopped it. Raises StorageError when the journal cannot be read or written.
        """
        while claim := self.ledger.claim(self._lane.rows, self._source.last_seq if self._live else None):
            try:
                claim.holes = self._source.holes(claim.after_seq, claim.last_seq)
                part = _part(self._source.blocks(claim.after_seq, claim.last_seq))
                if not self.ledger.may_send(claim, self._source.holes):
                    return STEPPED_BACK
                if any(line for _, line, _ in part):
                    return self._send(claim, part, keep_on)
                self.ledger.settle(claim, claim.last_seq)  # nothing of it is the sink's
            finally:
                self.ledger.release(claim)
        return None

    def _send(self, claim: Claim, first: Part, keep_on: Callable[[], bool]) -> Answer:
        """Deliver these rows, in as many requests as it takes."""
        parts = [(first, claim.last_seq)]
        is_asked = False
        while parts and keep_on():
            part, last_seq = parts.pop()
            lines = [line for _, line, _ in part if line is not None]
            answer = self._sink.write(lines) if lines else DELIVERED
            if answer.verdict is Verdict.DELIVERED:
                self._lane.more()
                self.ledger.settle(claim, last_seq)
            elif answer.verdict in {Verdict.REFUSED, Verdict.TOO_LARGE}:
                if not is_asked and (fault := self._fault_of_request(answer)):
                    return fault
                is_asked = True
                if len(lines) == 1 or answer.dropped == len(lines):
                    self.ledger.settle(claim, last_seq, self._dead(part, answer.reason), answer.reason)
                else:
                    if answer.verdict is Verdict.TOO_LARGE:
                        self._lane.fewer(len(part), for_good=True)
                    middle = len(part) // 2
                    parts += [(part[middle:], last_seq), (part[:middle], part[middle - 1][0])]
            else:
                # A slow line may carry fewer rows in the time that a request has.
                self._lane.fewer(len(part), for_good=False)
                return answer
        return DELIVERED

    def _dead(self, part: Part, reason: str) -> list[DeadLetter]:
        now_ns = self._utc()
        return [DeadLetter(seq, kind, line, reason, now_ns) for seq, line, kind in part if line is not None]

    def _fault_of_request(self, refusal: Answer) -> Answer | None:
        """Return the refusal as one of the configuration if the sink answers the same to a request without rows.

        A server that wants https, or misses the organisation, says 400 to everything: no row is to blame for it.
        """
        asked = self._sink.ask()
        same = _VARYING.sub("", asked.reason) == _VARYING.sub("", refusal.reason)
        return asked if asked.verdict is Verdict.HELD and same else None


_VARYING = re.compile(r"[\w-]*\d[\w-]*")
"""Of an answer what is another each time: proxies name the request, and when it came."""
STEPPED_BACK = Answer(Verdict.DELIVERED, "rows under way have to arrive first")
"""Nothing was sent: ask again in a moment."""


def _part(blocks: Iterable[Block]) -> Part:
    part = [each for block in blocks for each in zip(block.seqs, lines_of(block), repeat(block.kind.name))]
    part.sort()  # by seq, which is unique
    return part
