"""One sink's way through the journal: the next rows → lines → the sink → the cursor. No clock, no network.

The cursor moves over what the sink acknowledged and over dead letters, in order of seq, and over nothing else. Sending
again is harmless (a line overwrites itself), so a refused batch is cut in halves until the bad line is alone, and the
cursor is made durable now and then rather than after every second's row. While a sink works on a full batch, the next
one is read and written as lines.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread
from time import time_ns
from typing import Protocol

from storage.answer import DELIVERED, Answer, Verdict
from storage.entries import DeadLetter, Entry
from storage.errors import StorageError
from storage.lines import line_of

BATCH_ROWS = 5000
"""What InfluxData advises for one request: about 1.2 MB of lines."""


class Sink(Protocol):
    """Where lines go."""

    def write(self, lines: Sequence[str], /) -> Answer:
        """Send lines; tell what became of them."""

    def ask(self) -> Answer:
        """Send a request that stores nothing; DELIVERED, or what would keep all rows from being delivered."""

    def close(self) -> None:
        """Drop the connection."""


class Source(Protocol):
    """Where rows come from: storage.reader.JournalReader."""

    def entries(self, after_seq: int, limit: int) -> list[Entry]:
        """Return the next rows in order of seq."""


Part = list[tuple[Entry, str | None]]
"""Rows in order of seq, each with its line; None for one that the sink has no place for."""
Advance = Callable[[int, Sequence[DeadLetter]], None]
"""Makes a cursor and dead letters durable; raises StorageError."""


class Delivery:
    """Delivers to one sink, a batch at a turn."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        advance: Advance,
        *,
        cursor: int,
        batch_rows: int = BATCH_ROWS,
        utc: Callable[[], int] = time_ns,
    ) -> None:
        self.cursor = cursor
        """All up to this seq is delivered, or dead."""
        self.refused = 0
        """Dead letters written here."""
        self.last_refusal = ""
        """What the sink said of the newest of them."""
        self.unsaved_rows = 0
        """Rows delivered since the cursor was last made durable."""
        self._source, self._sink, self._advance, self._utc = source, sink, advance, utc
        self._batch_rows = self._limit = batch_rows
        self._ahead: _Ahead | None = None

    def turn(self, keep_on: Callable[[], bool] = lambda: True) -> Answer | None:
        """Deliver the next rows, as many as go into one request; return what came of it, None if there are none.

        DELIVERED if all of them are settled or `keep_on` said no between two requests; else what stopped it, with
        the cursor behind what was settled before. Raises StorageError when the journal cannot be read or written.
        """
        first = self._next()
        if not first:
            return None
        if len(first) == self._limit:
            self._ahead = _Ahead(self._source, first[-1][0].seq, self._limit)
        try:
            return self._send(first, keep_on)
        finally:
            if self._ahead is not None:
                self._ahead.join()  # a source is for one thread at a time

    def _next(self) -> Part:
        """Return the next rows, read ahead or now."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and (ahead.after_seq, ahead.limit) == (self.cursor, self._limit) and ahead.part:
            return ahead.part
        return _read(self._source, self.cursor, self._limit)

    def _send(self, first: Part, keep_on: Callable[[], bool]) -> Answer:
        """Deliver these rows, in as many requests as it takes."""
        parts = [first]
        is_asked = False
        while parts and keep_on():
            part = parts.pop()
            lines = [line for _, line in part if line is not None]
            answer = self._sink.write(lines) if lines else DELIVERED
            if answer.verdict is Verdict.DELIVERED:
                self._settle(part)
            elif answer.verdict in {Verdict.REFUSED, Verdict.TOO_LARGE}:
                if not is_asked and (fault := self._fault_of_request(answer)):
                    return fault
                is_asked = True
                if len(lines) == 1 or answer.dropped == len(lines):
                    self._settle(part, answer.reason)
                else:
                    if answer.verdict is Verdict.TOO_LARGE:
                        self._batch_rows = self._limit = max(1, len(part) // 2)
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
            else:
                # A slow line may carry fewer rows in the time that a request has.
                self._limit = max(1, len(part) // 2)
                return answer
        return DELIVERED

    def save(self) -> None:
        """Make the cursor durable; raise StorageError when that fails."""
        if self.unsaved_rows:
            self._advance(self.cursor, ())
            self.unsaved_rows = 0

    def _settle(self, part: Part, refusal: str = "") -> None:
        """Move the cursor over rows that are delivered, or were refused for good."""
        last_seq = part[-1][0].seq
        self.unsaved_rows += len(part)
        if refusal:
            now_ns = self._utc()
            dead = [
                DeadLetter(entry.seq, entry.kind.name, line, refusal, now_ns)
                for entry, line in part
                if line is not None
            ]
            self._advance(last_seq, dead)
            self.unsaved_rows = 0
            self.refused += len(dead)
            self.last_refusal = refusal
        else:
            self._limit = min(self._batch_rows, 2 * self._limit)
        self.cursor = last_seq
        if self.unsaved_rows >= BATCH_ROWS:
            self.save()

    def _fault_of_request(self, refusal: Answer) -> Answer | None:
        """Return the refusal as one of the configuration if the sink answers the same to a request without rows.

        A server that wants https, or misses the organisation, says 400 to everything: no row is to blame for it.
        """
        asked = self._sink.ask()
        return asked if asked.verdict is Verdict.HELD and asked.reason == refusal.reason else None


def _read(source: Source, after_seq: int, limit: int) -> Part:
    entries = source.entries(after_seq, limit)
    return [(entry, line_of(entry.kind, entry.stream, entry.row)) for entry in entries]


class _Ahead(Thread):
    """The rows after a batch, read while the sink works on the batch."""

    def __init__(self, source: Source, after_seq: int, limit: int) -> None:
        super().__init__(name="reading-ahead", daemon=True)
        self.after_seq, self.limit = after_seq, limit
        self.part: Part = []
        self._source = source
        self.start()

    def run(self) -> None:
        """Read; whoever needs the rows after a failure reads again, and hears why."""
        with suppress(StorageError):
            self.part = _read(self._source, self.after_seq, self.limit)
