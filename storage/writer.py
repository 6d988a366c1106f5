"""Batches from anywhere → the journal, from a thread of its own: nobody waits for the disk but who asks to.

Commits come in groups: what arrived within `commit_every_s` shares one sync of the disk. While the disk is full or
fails, rows are kept in memory, bounded; it tries again by itself, ever more rarely, and tells of each kind of trouble once.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic, time_ns
from typing import TypeVar

from storage.entries import Advance, Batch, DeadLetter
from storage.errors import DiskFailedError, NotDurableError, StorageError, StumbledError, WriterClosedError
from storage.journal import Journal
from storage.late import LateJournal
from storage.quota import DiskQuota
from storage.rows import pack
from storage.waiting import Asked, Waiting

T = TypeVar("T")
logger = logging.getLogger(__name__)

MAX_ROWS = 50_000
"""Kept in memory while the disk does not take them: 13 h of one wearer, about 25 MB."""
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 15.0
LOOK_EVERY_S = 60.0
"""A minute's rows and samples are some hundred kilobytes."""


def retry_delay_s(failures: int) -> float:
    """Return the pause after so many failures in a row."""
    return float(min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(failures - 1, 16)))


@dataclass(frozen=True, slots=True)
class WriterStatus:
    """How the writer fares."""

    pending: int
    """Rows not durable yet."""
    dropped_epochs: int
    """Since the start, for want of room in memory."""
    committed_seq: int
    trouble: StorageError | None
    """Why the last commit failed; None when all is well."""


class JournalWriter:
    """Once started, the only one that calls the journal; its methods may be called from any thread.

    `on_commit(seq)` and `on_trouble(error, or None when it is over)` are called from the writer's thread.
    """

    def __init__(
        self,
        journal: Journal | LateJournal,
        *,
        commit_every_s: float = 1.0,
        max_rows: int = MAX_ROWS,
        quota: DiskQuota | None = None,
        utc: Callable[[], int] = time_ns,
        on_commit: Callable[[int], None] | None = None,
        on_trouble: Callable[[StorageError | None], None] | None = None,
    ) -> None:
        self.on_commit, self.on_trouble = on_commit, on_trouble
        self._journal, self._quota, self._utc = journal, quota, utc
        self._look_s = 0.0
        """When the quota is looked at next."""
        self._commit_every_s, self._max_rows = commit_every_s, max_rows
        self._thread = Thread(target=self._run, name="journal-writer", daemon=True)
        self._changed = Condition()
        # All below is read and changed with _changed held.
        self._waiting, self._in_hand = Waiting(), Waiting()
        self._due_s: float | None = None
        """When the next commit is due; None while nothing waits."""
        self._arrived = self._taken = self._settled = 0
        """How many calls brought something, were last taken to be committed, and are durable."""
        self._number = self._dropped = self._failures = 0
        self._told: set[type[StorageError]] = set()
        self._trouble: StorageError | None = None
        self._closing = self._given_up = False

    @property
    def status(self) -> WriterStatus:
        """Return how the writer fares."""
        with self._changed:
            pending = len(self._waiting) + len(self._in_hand)
            return WriterStatus(pending, self._dropped, self._journal.last_seq, self._trouble)

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

    def put(self, batch: Batch, *, urgent: bool = False) -> None:
        """Take a batch and return at once; `urgent` commits at once, else within `commit_every_s`.

        When more than `max_rows` wait, the oldest epochs are dropped and counted. Raises RecordRefusedError and takes
        nothing when a record cannot be stored, WearerErasedError, WriterClosedError after `close`.
        """
        self._journal.refuse_erased([batch.stream])
        rows = pack(batch)
        with self._changed:
            self._arrive()
            self._number = self._waiting.add(self._number, rows)
            self._waiting.keep(batch)
            self._trim()
            self._want(0.0 if urgent else self._commit_every_s)

    def advance(self, sink: str, seq: int, dead: Sequence[DeadLetter] = ()) -> None:
        """Move a sink's cursor, and return when that is durable.

        Raises the StorageError that hindered it: then the cursor has not moved, and the sink may send again.
        """
        asked = Asked(Advance(sink, seq, tuple(dead)))
        with self._changed:
            self._arrive()
            self._waiting.asked.append(asked)
            self._want(0.0)
        asked.answered.wait()
        if asked.error is not None:
            raise asked.error

    def flush(self, timeout_s: float) -> bool:
        """Commit at once; tell whether all that was put before is durable."""
        with self._changed:
            target = self._arrived
            if self._waiting:
                self._due_s = monotonic()
                self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled >= target, timeout_s)

    def close(self, timeout_s: float = 10.0) -> None:
        """Make everything durable and end; the journal stays open.

        Raises NotDurableError when that does not succeed in time.
        """
        with self._changed:
            self._closing = True
            self._due_s = monotonic()
            self._changed.notify_all()
        if self._thread.ident is None:
            self._thread.start()
        self._thread.join(timeout_s)
        with self._changed:
            self._given_up = True
            self._changed.notify_all()
            lost, trouble = bool(self._waiting or self._in_hand), self._trouble
            rows = len(self._waiting) + len(self._in_hand)
        if lost:
            slow = DiskFailedError(self._journal.path, f"no answer within {timeout_s:g} s")
            raise NotDurableError(rows, trouble or slow)

    # ---- with _changed held ----------------------------------------------------------------------------------------

    def _arrive(self) -> None:
        if self._closing:
            raise WriterClosedError
        self._arrived += 1

    def _want(self, within_s: float) -> None:
        """Have a commit within so many seconds; while there is trouble, the pause between tries stands."""
        due_s = monotonic() + within_s
        if self._due_s is None or (due_s < self._due_s and self._trouble is None):
            self._due_s = due_s
            self._changed.notify_all()

    def _trim(self) -> None:
        dropped = self._waiting.trim(self._max_rows - len(self._in_hand))
        if dropped and not self._dropped:
            logger.warning("the journal takes no rows and memory is full: the oldest epochs are dropped")
        self._dropped += dropped

    # ---- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._take():
            before_seq = self._journal.last_seq
            error = self._commit()
            self._tell(error, grown=self._journal.last_seq > before_seq)
            if error is None:
                self._keep_quota()
        with self._changed:
            asked, self._waiting.asked = self._waiting.asked, []
        for each in asked:
            each.answer(WriterClosedError())

    def _take(self) -> bool:
        """Wait until a commit is due and take what it is of; False at the end."""
        with self._changed:
            while True:
                if self._given_up or (self._closing and not self._waiting):
                    return False
                now_s = monotonic()
                if self._due_s is not None and self._due_s <= now_s:
                    self._in_hand, self._waiting, self._due_s = self._waiting, Waiting(), None
                    self._taken = self._arrived
                    return True
                self._changed.wait(None if self._due_s is None else self._due_s - now_s)

    def _commit(self) -> StorageError | None:
        """Commit what was taken, or put it back."""
        taken, error = self._in_hand, None
        try:
            advances = [asked.advance for asked in taken.asked]
            self._journal.write(taken.rows(), taken.states, advances, taken.since)
        except StorageError as hindrance:
            error = hindrance
        except Exception as bug:
            logger.exception("the journal's writer stumbled")
            error = StumbledError("the journal's writer", repr(bug))
        with self._changed:
            self._in_hand = Waiting()
            if error is None:
                self._settled, self._failures = self._taken, 0
            else:
                self._failures += 1
                self._waiting = taken.put_before(self._waiting)
                self._due_s = monotonic() + retry_delay_s(self._failures)
                self._trim()
            self._trouble = error
            self._changed.notify_all()
        for asked in taken.asked:
            asked.answer(error)
        return error

    def _keep_quota(self) -> None:
        """Now and then see that the disk's share is kept, a piece after each commit while it is not."""
        now_s = monotonic()
        if self._quota is None or now_s < self._look_s:
            return
        try:
            goes_on = self._quota.keep(self._journal, self._utc())
        except (StorageError, OSError) as error:
            logger.warning("no room could be made: %s", error)
            goes_on = False
        if not goes_on:
            self._look_s = now_s + LOOK_EVERY_S

    def _tell(self, error: StorageError | None, *, grown: bool) -> None:
        """Tell of rows committed, of the first of each kind of trouble, and of its end."""
        if error is None:
            if self._told:
                self._told.clear()
                logger.info("%s takes rows again", self._journal.path)
                self._call(self.on_trouble, None)
            if grown:
                self._call(self.on_commit, self._journal.last_seq)
        elif type(error) in self._told:
            logger.debug("%s", error)
        else:
            self._told.add(type(error))
            logger.warning("%s: %s", error, error.way_out)
            self._call(self.on_trouble, error)

    @staticmethod
    def _call(hook: Callable[[T], None] | None, news: T) -> None:
        """Tell someone, whose errors are not ours."""
        if hook is not None:
            try:
                hook(news)
            except Exception:
                logger.exception("who was told of the journal stumbled")
