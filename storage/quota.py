"""How much of the disk the journal and the samples beside it may take: when it is more, the least needed goes.

First samples, the oldest hours; then epochs, the oldest days. Minutes, episodes, events and calibrations never go.
"""

import logging
from dataclasses import dataclass

from storage.journal import Journal
from storage.late import LateJournal
from storage.recordings.folder import RecordingsFolder

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DiskQuota:
    """For the journal's one owner."""

    most_bytes: int
    recordings: RecordingsFolder | None = None
    """Where samples are kept, if they are."""

    def keep(self, journal: Journal | LateJournal, now_ns: int) -> bool:
        """Make room if there is too little; tell whether more may have to go. Raises JournalError."""
        samples = self.recordings.bytes() if self.recordings is not None else 0
        surplus = journal.used_bytes() + samples - self.most_bytes
        if surplus <= 0:
            return False
        if self.recordings is not None:
            removed = self.recordings.shrink(samples - surplus)
            samples -= removed.bytes
            surplus -= removed.bytes
            if removed.files:
                logger.info(
                    "%s: the oldest %d hours of samples were removed", self.recordings.path, removed.files
                )
        if surplus <= 0:
            return False
        gone = journal.shed(max(0, self.most_bytes - samples), now_ns)
        if gone:
            rows = sum(each.rows for each in gone)
            logger.info("%s: the oldest %d epochs were removed", journal.path, rows)
        return bool(gone)
