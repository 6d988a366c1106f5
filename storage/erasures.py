"""Who was erased, remembered beside the journal in `JOURNAL.erased`: a receipt for people, a tombstone for neckline.

One JSON object a line. It lies outside the journal so that a backup that is restored, and knows nothing of the erasure,
brings nobody back: whoever is named here is deleted when the journal is opened, and never stored or sent again.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from storage.errors import JournalUnreadableError, journal_error
from storage.lock import beside


@dataclass(frozen=True, slots=True)
class Erasure:
    """That a wearer was erased, and what there was; the last one of a wearer counts."""

    wearer: str
    time_ns: int
    rows: int = 0
    """Deleted from the journal."""
    dead_letters: int = 0
    """Deleted from the journal, likewise."""
    influxdb: str = ""
    """What became of the rows there, in words; empty when none is configured, or when it was not asked yet."""
    recordings: int = 0
    """Files of samples that were removed."""


def erasures(journal: Path) -> list[Erasure]:
    """Return what was erased from a journal; JournalUnreadableError when that cannot be told."""
    path = beside(journal, ".erased")
    try:
        lines = path.read_text("utf-8").splitlines()
        return [Erasure(**json.loads(line)) for line in lines]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise journal_error(path, error) from error
    except (ValueError, TypeError) as error:
        way_out = "put it back from a copy; without it, wearers who were erased could come back from a backup"
        raise JournalUnreadableError(path, "it does not tell who was erased", way_out) from error


def remember(journal: Path, erasure: Erasure) -> None:
    """Add an erasure, durably and whole or not at all; raise JournalError."""
    path, part = beside(journal, ".erased"), beside(journal, ".erased.part")
    told = [*erasures(journal), erasure]
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(each)) + "\n" for each in told)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        if hasattr(os, "O_DIRECTORY"):  # Windows opens no folders, and needs none of this
            folder = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise journal_error(path, error) from error
