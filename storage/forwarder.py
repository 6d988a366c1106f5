"""Feeds a sink from the journal in a thread of its own, for ever: nobody waits for it, and it waits for nobody.

It may start before there is a network. What the sink cannot take now is tried again with ever longer pauses, what it
refuses for good goes to the dead letters, and what a wrong configuration holds back is tried again until it is mended.
"""

import logging
import random
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Condition, Thread
from time import monotonic, time_ns
from typing import Protocol

from storage.answer import Answer, Verdict
from storage.delivery import BATCH_ROWS, Delivery, Sink
from storage.entries import DeadLetter
from storage.errors import StorageError, StumbledError
from storage.reader import JournalReader

logger = logging.getLogger(__name__)

SAVE_EVERY_S = 10.0
"""How long the cursor may be behind what was delivered: a crash sends so much again, and every save is a commit."""
GRACE_S = 1.0
"""For what is under way when the time to drain is over."""
LOOK_EVERY_S = 2.0
"""How often the backlog is counted while it changes."""


class Cursors(Protocol):
    """Who makes cursors durable: storage.writer.JournalWriter."""

    def advance(self, sink: str, seq: int, dead: Sequence[DeadLetter] = ()) -> None:
        """Return when it is durable; raise StorageError."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait before trying again."""

    first_s: float = 1.0
    last_s: float = 60.0
    held_s: float = 30.0
    """While the configuration is wrong: so soon a mended one is noticed."""
    wish_s: float = 3600.0
    """The longest that a server may ask to be left alone."""


def retry_delay_s(answer: Answer, failures: int, jitter: float, pace: Pace) -> float:
    """Return the pause after an answer that stopped the delivery, the `failures`th in a row (from 1).

    `jitter` is random, from 0 to 1: whoever lost the same server at the same time comes back at another.
    """
    if answer.verdict is Verdict.HELD:
        return pace.held_s + jitter * pace.first_s
    top_s = min(pace.last_s, pace.first_s * 2.0 ** min(failures, 16))
    pause_s = pace.first_s + jitter * (top_s - pace.first_s)
    if answer.retry_after_s is None:
        return pause_s
    return max(pause_s, min(pace.wish_s, answer.retry_after_s) + jitter * pace.first_s)


@dataclass(frozen=True, slots=True)
class ForwarderStatus:
    """How the forwarder fares."""

    cursor: int
    """All up to this seq is delivered, or dead."""
    backlog_rows: int
    """Not delivered yet, as of the last look."""
    oldest_ns: int | None
    """Time of the first of them."""
    dead: int
    """Rows that the sink refused for good, since the journal was made."""
    trouble: StorageError | None
    """Why nothing is delivered; None when all is well."""


class Forwarder:
    """Start it after the writer, close it before the writer; `nudge` is to be the writer's `on_commit`."""

    def __init__(
        self,
        journal_path: Path,
        cursors: Cursors,
        sink: Sink,
        *,
        name: str = "influxdb",
        pace: Pace = Pace(),
        batch_rows: int = BATCH_ROWS,
        jitter: Callable[[], float] = random.random,
        utc: Callable[[], int] = time_ns,
    ) -> None:
        self.name = name
        self._path, self._cursors, self._sink = journal_path, cursors, sink
        self._pace, self._batch_rows, self._jitter, self._utc = pace, batch_rows, jitter, utc
        self._thread = Thread(target=self._run, name=f"forwarder-{name}", daemon=True)
        self._changed = Condition()
        self._news = False
        self._end_s: float | None = None
        """When to end at the latest, once it is closing."""
        self._status = ForwarderStatus(0, 0, None, 0, None)
        self._failures = 0
        self._told: set[type[StorageError]] = set()
        self._refused = 0

    @property
    def status(self) -> ForwarderStatus:
        """Return how the forwarder fares."""
        return self._status

    def start(self) -> None:
        """Begin to forward; what is wrong shows in `status`, not here."""
        self._thread.start()

    def nudge(self, _seq: int = 0) -> None:
        """Tell that rows have been committed; return at once."""
        with self._changed:
            self._news = True
            self._changed.notify_all()

    def close(self, drain_s: float = 5.0) -> None:
        """Deliver what is left for at most `drain_s`, make the cursor durable, and end.

        Returns in time even when the sink hangs: what it was doing is then sent again at the next start.
        """
        with self._changed:
            self._end_s = monotonic() + drain_s
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(drain_s + GRACE_S)

    # ---- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with closing(self._sink):
            while True:
                try:
                    with JournalReader.open(self._path) as reader:
                        return self._forward(reader)
                except StorageError as error:
                    trouble = error
                except Exception as bug:
                    trouble = StumbledError("the forwarder", repr(bug))
                    if StumbledError not in self._told:
                        logger.exception("the forwarder stumbled")
                self._tell(trouble)
                self._status = replace(self._status, trouble=trouble)
                if self._is_closing:
                    return None
                self._rest(self._delay_s(Answer(Verdict.LATER)))

    def _forward(self, reader: JournalReader) -> None:
        """Forward until the end; raise StorageError when the journal cannot be read or written."""
        delivery = Delivery(
            reader,
            self._sink,
            partial(self._cursors.advance, self.name),
            cursor=reader.backlog(self.name).cursor,
            batch_rows=self._batch_rows,
            utc=self._utc,
        )
        look = partial(self._look, reader, delivery, len(reader.dead_letters(self.name)))
        saved_s = looked_s = monotonic()
        while self._may_go_on():
            answer = delivery.turn(self._may_go_on)
            trouble = answer.trouble if answer else None
            self._tell_refusals(delivery)
            self._tell(trouble)
            now_s = monotonic()
            if not delivery.unsaved_rows:
                saved_s = now_s
            elif now_s - saved_s >= SAVE_EVERY_S:
                delivery.save()
            if answer is None or trouble or now_s - looked_s >= LOOK_EVERY_S:
                look(trouble)
                looked_s = now_s
            if trouble is None:
                self._failures = 0
            if (answer is None or trouble) and self._is_closing:
                break
            if answer is None:
                self._rest(SAVE_EVERY_S, or_news=True)
            elif trouble:
                self._sit_out(self._delay_s(answer), partial(look, trouble))
        delivery.save()

    @property
    def _is_closing(self) -> bool:
        return self._end_s is not None

    def _may_go_on(self) -> bool:
        return self._end_s is None or monotonic() < self._end_s

    def _rest(self, pause_s: float, *, or_news: bool = False) -> None:
        """Wait so long, or until it is closing."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closing or (or_news and self._news), pause_s)
            self._news = False

    def _sit_out(self, pause_s: float, look: Callable[[], None]) -> None:
        """Wait so long, or until it is closing, with an eye on the backlog."""
        until_s = monotonic() + pause_s
        while not self._is_closing and (left_s := until_s - monotonic()) > 0:
            self._rest(min(left_s, LOOK_EVERY_S))
            look()

    def _delay_s(self, answer: Answer) -> float:
        self._failures += 1
        return retry_delay_s(answer, self._failures, self._jitter(), self._pace)

    def _look(
        self, reader: JournalReader, delivery: Delivery, dead: int, trouble: StorageError | None
    ) -> None:
        """Count what is left."""
        backlog = reader.backlog(self.name, delivery.cursor)
        self._status = ForwarderStatus(
            delivery.cursor, backlog.rows, backlog.oldest_ns, dead + delivery.refused, trouble
        )

    def _tell(self, trouble: StorageError | None) -> None:
        """Log the first of each kind of trouble, and its end."""
        if trouble is None:
            if self._told:
                self._told.clear()
                logger.info("%s takes rows again", self.name)
        elif type(trouble) in self._told:
            logger.debug("%s", trouble)
        else:
            self._told.add(type(trouble))
            logger.warning("%s: %s", trouble, trouble.way_out)

    def _tell_refusals(self, delivery: Delivery) -> None:
        """Log the first row that was refused for good; the others are counted in `status`."""
        if delivery.refused > self._refused:
            level = logging.DEBUG if self._refused else logging.WARNING
            self._refused = delivery.refused
            logger.log(
                level,
                "%s refuses rows for good; the journal keeps them: %s",
                self.name,
                delivery.last_refusal,
            )
