"""How much of the disk the journal and the samples beside it may take: when it is more, the least needed goes.

First samples, the oldest hours; then epochs, the oldest days. Minutes, episodes, events and calibrations never go; nor do
the newest epochs, and what an InfluxDB has not got yet. Where the share cannot be kept without them, that is said.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field

from storage.journal import Journal
from storage.late import LateJournal
from storage.recordings.folder import RecordingsFolder
from storage.removal import Shed

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class DiskQuota:
    """For the journal's one owner."""

    most_bytes: int
    recordings: RecordingsFolder | None = None
    """Where samples are kept, if they are."""
    sinks: Collection[str] | None = None
    """Who is to get all epochs before they go; None for every sink that the journal knows."""
    _is_told: bool = field(default=False, init=False)
    """That the share cannot be kept."""

    def keep(self, journal: Journal | LateJournal, now_ns: int) -> bool:
        """Make room if there is too little; tell whether more may have to go. Raises JournalError."""
        samples = self.recordings.bytes() if self.recordings is not None else 0
        surplus = journal.used_bytes() + samples - self.most_bytes
        if surplus > 0 and self.recordings is not None:
            removed = self.recordings.shrink(samples - surplus)
            samples -= removed.bytes
            surplus -= removed.bytes
            if removed.files:
                logger.info(
                    "%s: the oldest %d hours of samples were removed", self.recordings.path, removed.files
                )
        if surplus <= 0:
            self._is_told = False
            return False
        # Samples that are not sealed cannot go: half of the share is the journal's, however many there are.
        shed = journal.shed(max(self.most_bytes // 2, self.most_bytes - samples), now_ns, self.sinks)
        if shed.gone:
            rows = sum(each.rows for each in shed.gone)
            logger.info("%s: the oldest %d epochs were removed", journal.path, rows)
            return True
        if not self._is_told:
            self._is_told = True
            logger.warning(
                "%s: journal.most_gb cannot be kept, it is %.1f MB more: %s",
                journal.path,
                surplus / 1e6,
                _hindrance(shed, samples),
            )
        return False


def _hindrance(shed: Shed, samples: int) -> str:
    """Return in words why nothing more goes."""
    if shed.waits_for:
        return f"{shed.waits_for} has not got the oldest seconds yet, and they stay until it has"
    if samples:
        return (
            f"samples that are not sealed take {samples / 1e6:.1f} MB, and cannot go; without pyarrow (the extra "
            "`export`) none are ever sealed"
        )
    return "what is left are the newest seconds, minutes, episodes and events, which never go"
