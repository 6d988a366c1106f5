"""A journal whose disk is full at the start: what is stored can be read, and it is opened as soon as there is room.

Alerts do not wait for that: rows wait in the writer's memory, as they do when the disk fills up later.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from sensor.samples import SampleBlock
from storage import tables
from storage.damage import Damage
from storage.entries import Advance, Stream
from storage.erasures import erasures
from storage.errors import DiskFullError, JournalAbsentError, WearerErasedError
from storage.journal import Journal
from storage.lock import Ownership
from storage.reader import JournalReader
from storage.removal import Shed
from storage.rows import PackedRow

logger = logging.getLogger(__name__)


class LateJournal:
    """Stands for a `storage.journal.Journal` that could not be opened; for one thread at a time, as that."""

    def __init__(self, path: Path, owner: str) -> None:
        """Own a journal that is there. Raises JournalBusyError, JournalAbsentError, JournalUnreadableError."""
        self.path = path
        self._owner = owner
        self._ownership: Ownership | None = Ownership.take(path, owner)
        self._journal: Journal | None = None
        self._erased = frozenset(erasure.wearer for erasure in erasures(path))
        try:
            with JournalReader.open(path) as reader:
                self._first_seq = reader.last_seq
        except BaseException:
            self.close()
            raise

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What was found wrong at opening; nothing as long as it waits."""
        return () if self._journal is None else self._journal.damage

    @property
    def last_seq(self) -> int:
        """Of what is durable."""
        return self._first_seq if self._journal is None else self._journal.last_seq

    def write(
        self,
        rows: Sequence[PackedRow],
        states: Mapping[Stream, bytes],
        advances: Sequence[Advance] = (),
        since: Mapping[Stream, Sequence[SampleBlock]] | None = None,
    ) -> int:
        """Open the journal if that can be done by now, and write. Raises DiskFullError as long as it cannot."""
        if self._journal is None:
            if self._ownership is not None:
                self._ownership.release()
                self._ownership = None
            try:
                self._journal = Journal.open(self.path, self._owner)
            except DiskFullError:
                self._ownership = Ownership.take(self.path, self._owner)
                raise
            for damage in self._journal.damage:  # who asked at the start was told of none
                logger.warning("%s is damaged: %s", self.path, damage)
        return self._journal.write(rows, states, advances, since)

    def refuse_erased(self, streams: Iterable[Stream]) -> None:
        """Raise WearerErasedError if one of the streams is of a wearer who was erased."""
        for stream in streams:
            if stream.wearer in self._erased:
                raise WearerErasedError(self.path, stream.wearer)

    def state(self, _stream: Stream) -> None:
        """Return nothing: what was under way begins anew."""

    def recall(self, _stream: Stream) -> None:
        """Return nothing: what was under way begins anew."""

    def used_bytes(self) -> int:
        """Return what the rows take on the disk, as far as that is known."""
        return 0 if self._journal is None else self._journal.used_bytes()

    def shed(self, most_bytes: int, now_ns: int, sinks: Collection[str] | None = None) -> Shed:
        """Remove the oldest epochs, once it is open."""
        return Shed() if self._journal is None else self._journal.shed(most_bytes, now_ns, sinks)

    def close(self) -> None:
        """Let go of the journal; another may own it."""
        if self._journal is not None:
            self._journal.close()
        if self._ownership is not None:
            self._ownership.release()


def open_or_wait(path: Path, owner: str) -> Journal | LateJournal:
    """Open a journal; where the disk is full, one that is opened once there is room.

    Raises DiskFullError if there is none yet, or one of an older layout, which nobody can read before it is brought up;
    all else as `Journal.open`.
    """
    try:
        return Journal.open(path, owner)
    except DiskFullError:
        if not _is_readable(path):
            raise
        return LateJournal(path, owner)


def _is_readable(path: Path) -> bool:
    """Tell whether there is a journal of this layout. Raises JournalUnreadableError for no journal."""
    try:
        with closing(tables.connect_to_read(path)) as connection:
            return tables.version_of(connection, path) == tables.VERSION
    except JournalAbsentError:
        return False
