"""Feeds a sink from the journal in a thread of its own, for ever: nobody waits for it, and it waits for nobody.

It may start before there is a network. What the sink cannot take now is tried again with ever longer pauses, what it
refuses for good goes to the dead letters, and what a wrong configuration holds back is tried again until it is mended.

The thread delivers what is live. When more waits than goes into one request (after an outage, at a start), that becomes a
backlog, and helpers drain it beside, as long as the sink takes it: live rows wait for none of it.
"""

import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Condition, Thread
from time import monotonic, time_ns
from typing import Protocol

from storage.answer import Answer, Verdict
from storage.delivery import STEPPED_BACK, Delivery, Lane, Sink
from storage.entries import INFLUXDB, DeadLetter
from storage.errors import JournalUnreadableError, StorageError, StumbledError
from storage.ledger import BATCH_ROWS, Ledger
from storage.reader import JournalReader

logger = logging.getLogger(__name__)

SAVE_EVERY_S = 10.0
"""How long the cursor may be behind what was delivered: a crash sends so much again, and every save is a commit."""
GRACE_S = 1.0
"""For what is under way when the time to drain is over."""
LOOK_EVERY_S = 2.0
"""How often the backlog is counted while it changes."""
HELPERS = 2
"""Who drain a backlog: while the sink works on the rows of one, the next ones are read by the other."""
STEP_BACK_S = 0.02
"""Until rows that must not be overtaken may have arrived."""


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


@dataclass(slots=True)
class _Backlog:
    """What is going on with the backlog; of the forwarder's thread, but for what helpers put into `answers`."""

    lane: Lane
    helpers: list[Thread] = field(default_factory=list)
    answers: deque[Answer | StorageError] = field(default_factory=deque)
    """What helpers met: a delivery, or why they ended."""
    failures: int = 0
    due_s: float = 0.0
    """When it is tried next."""
    trouble: StorageError | None = None
    is_last: bool = False
    """It is closing, and what failed has been tried once more."""
    is_over: bool = False
    """No helper begins anything more."""

    @property
    def is_under_way(self) -> bool:
        """Whether helpers are at work."""
        return any(helper.is_alive() for helper in self.helpers)

    def rest_s(self, now_s: float) -> float:
        """Return how long nothing needs to be done about it, if nothing happens."""
        return LOOK_EVERY_S if self.trouble is None else min(LOOK_EVERY_S, max(0.0, self.due_s - now_s))


class Forwarder:
    """Start it after the writer, close it before the writer; `nudge` is to be the writer's `on_commit`."""

    def __init__(
        self,
        journal_path: Path,
        cursors: Cursors,
        sink: Sink,
        *,
        name: str = INFLUXDB,
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
        self._saved_s = self._looked_s = 0.0

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
                except Exception as bug:  # noqa: BLE001 (it is logged, and the forwarder goes on)
                    trouble = self._stumbled(bug)
                self._tell(trouble)
                self._status = replace(self._status, trouble=trouble)
                if self._is_closing:
                    return None
                self._rest(self._delay_s(Answer(Verdict.LATER)))

    def _forward(self, reader: JournalReader) -> None:
        """Forward until the end; raise StorageError when the journal cannot be read or written."""
        advance = partial(self._cursors.advance, self.name)
        ledger = Ledger(advance, reader.cursor(self.name), self._batch_rows)
        delivery = Delivery(reader, self._sink, ledger, utc=self._utc)
        backlog = _Backlog(Lane(ledger))
        look = partial(self._look, reader, ledger)
        trouble: StorageError | None = None
        self._saved_s = self._looked_s = monotonic()
        try:
            while self._may_go_on():
                answer = delivery.turn(self._may_go_on)
                trouble = answer.trouble if answer else None
                if trouble is None:
                    self._failures = 0
                    if answer is not None:
                        ledger.split(reader.last_seq)
                    self._hear(backlog)
                    self._drain(ledger, backlog)
                told = trouble or backlog.trouble
                self._tell_refusals(ledger)
                self._tell(told)
                self._keep_up(ledger, partial(look, told), now=answer is None or trouble is not None)
                is_idle = not backlog.is_under_way and (not ledger.has_backlog or backlog.is_last)
                if self._is_closing and (trouble or (answer is None and is_idle)):
                    break
                if trouble and answer:
                    self._sit_out(self._delay_s(answer), partial(look, trouble))
                elif answer is STEPPED_BACK:
                    self._rest(STEP_BACK_S)
                elif answer is None:
                    self._rest(SAVE_EVERY_S if is_idle else backlog.rest_s(monotonic()), or_news=True)
        finally:
            backlog.is_over = trouble is not None or not self._is_closing
            for helper in backlog.helpers:
                helper.join()  # their requests end in time, and they with them
        self._hear(backlog)
        self._tell_refusals(ledger)
        ledger.save()
        self._tell(told := trouble or backlog.trouble)
        look(told)

    def _keep_up(self, ledger: Ledger, look: Callable[[], None], *, now: bool) -> None:
        """Make the cursor durable now and then, and count what is left: now, or now and then."""
        now_s = monotonic()
        if ledger.is_saved:
            self._saved_s = now_s
        elif now_s - self._saved_s >= SAVE_EVERY_S:
            ledger.save()
        if now or now_s - self._looked_s >= LOOK_EVERY_S:
            look()
            self._looked_s = now_s

    # ---- the backlog -----------------------------------------------------------------------------------------------

    def _hear(self, backlog: _Backlog) -> None:
        """Hear what the helpers met."""
        while backlog.answers:
            met = backlog.answers.popleft()
            backlog.trouble = met.trouble if isinstance(met, Answer) else met
            if backlog.trouble is None:
                backlog.failures = 0
                continue
            backlog.failures += 1
            answer = met if isinstance(met, Answer) else Answer(Verdict.LATER)
            pause_s = retry_delay_s(answer, backlog.failures, self._jitter(), self._pace)
            backlog.due_s = max(backlog.due_s, monotonic() + pause_s)

    def _drain(self, ledger: Ledger, backlog: _Backlog) -> None:
        """Have helpers as long as there is a backlog and nothing is in their way."""
        backlog.helpers = [helper for helper in backlog.helpers if helper.is_alive()]
        if backlog.trouble is not None:
            if backlog.is_last or (not self._is_closing and monotonic() < backlog.due_s):
                return
            backlog.is_last = self._is_closing
        # After a failure one goes first.
        wanted = HELPERS if backlog.trouble is None else 1
        while ledger.has_backlog and len(backlog.helpers) < wanted:
            helper = Thread(
                target=self._help, args=(ledger, backlog), name=f"forwarder-{self.name}-backlog", daemon=True
            )
            helper.start()
            backlog.helpers.append(helper)

    def _help(self, ledger: Ledger, backlog: _Backlog) -> None:
        """Deliver the backlog until none is left, or something is in the way."""
        try:
            with JournalReader.open(self._path) as reader:
                delivery = Delivery(reader, self._sink, ledger, live=False, lane=backlog.lane, utc=self._utc)

                def keep_on() -> bool:
                    return self._may_go_on() and not backlog.is_over

                while keep_on() and (answer := delivery.turn(keep_on)) is not None:
                    if answer is STEPPED_BACK:
                        self._rest(STEP_BACK_S)
                        continue
                    backlog.answers.append(answer)
                    if answer.trouble:
                        break
                    if backlog.trouble is not None:
                        self.nudge()
        except StorageError as error:
            backlog.answers.append(error)
        except Exception as bug:  # noqa: BLE001 (as above)
            backlog.answers.append(self._stumbled(bug))
        finally:
            self.nudge()

    # ---- how it goes on --------------------------------------------------------------------------------------------

    @property
    def _is_closing(self) -> bool:
        return self._end_s is not None

    def _may_go_on(self) -> bool:
        return self._end_s is None or monotonic() < self._end_s

    def _rest(self, pause_s: float, *, or_news: bool = False) -> None:
        """Wait so long, or until it is closing; while it is, to its end at the longest."""
        with self._changed:
            was_closing = self._is_closing
            if self._end_s is not None:
                pause_s = min(pause_s, max(0.0, self._end_s - monotonic()))
            self._changed.wait_for(
                lambda: self._is_closing is not was_closing or (or_news and self._news), pause_s
            )
            if or_news:
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

    # ---- what it tells ---------------------------------------------------------------------------------------------

    def _look(self, reader: JournalReader, ledger: Ledger, trouble: StorageError | None) -> None:
        """Count what is left."""
        cursor, last_seq = ledger.cursor, reader.last_seq
        try:
            rows = sum(reader.waiting(*span) for span in ledger.waiting(last_seq))
            oldest_ns = reader.time_after(cursor) if rows else None
        except JournalUnreadableError:  # a damaged page is in the way; it is passed over in delivery
            rows, oldest_ns = max(0, last_seq - cursor), self._status.oldest_ns
        self._status = ForwarderStatus(cursor, rows, oldest_ns, reader.dead(self.name), trouble)

    def _stumbled(self, bug: Exception) -> StumbledError:
        if StumbledError not in self._told:
            logger.error("the forwarder stumbled", exc_info=bug)
        return StumbledError("the forwarder", repr(bug))

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

    def _tell_refusals(self, ledger: Ledger) -> None:
        """Log the first row that was refused for good; the others are counted in `status`."""
        if ledger.refused > self._refused:
            level = logging.DEBUG if self._refused else logging.WARNING
            self._refused = ledger.refused
            logger.log(
                level,
                "%s refuses rows for good; the journal keeps them: %s",
                self.name,
                ledger.last_refusal,
            )
