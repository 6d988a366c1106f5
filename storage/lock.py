"""One owner of a journal: the second is refused by the name of the first.

The lock is held by SQLite on an empty file beside the journal: the same code on every system, and freed by the
system when the owner dies, however it dies. The owner's words lie in a second file, for people and for the refusal.
Neither file is ever removed: another process may just be opening it. No code may open the lock file by other means:
POSIX frees all locks of a process on a file as soon as it closes any of its handles.
"""

import json
import os
import sqlite3
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from time import time_ns

from storage.errors import JournalBusyError, journal_error

PATIENCE_S = 0.5
"""How long a second owner waits for the first to end, or to say who it is."""


class Ownership:
    """Held from `take` to `release`, or to the death of the process."""

    def __init__(self, lock: sqlite3.Connection) -> None:
        self._lock = lock

    @classmethod
    def take(cls, journal: Path, owner: str) -> "Ownership":
        """Own the journal in the name of `owner`; JournalBusyError names who does already, JournalError says why not."""
        words = beside(journal, ".owner")
        try:
            lock = sqlite3.connect(
                beside(journal, ".lock"), PATIENCE_S, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise journal_error(journal, error) from error
        try:
            lock.execute("PRAGMA journal_mode = MEMORY").fetchall()  # a full disk keeps nobody from owning
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            lock.close()
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise JournalBusyError(journal, _read(words)) from error
            raise journal_error(journal, error) from error
        with suppress(OSError):  # nor does it here
            words.write_text(json.dumps({"owner": owner, "pid": os.getpid(), "since_ns": time_ns()}), "utf-8")
        return cls(lock)

    def release(self) -> None:
        """Let the next one own the journal."""
        self._lock.close()


def beside(journal: Path, suffix: str) -> Path:
    """Return the path of a file that belongs to a journal: one, by whatever link the journal is named."""
    file = real(journal)
    return file.with_name(file.name + suffix)


def real(journal: Path) -> Path:
    """Return where a journal is, which may be named by a link."""
    return Path(os.path.realpath(journal))


def _read(words: Path) -> str:
    try:
        told = json.loads(words.read_text("utf-8"))
        since = datetime.fromtimestamp(told["since_ns"] / 1e9).astimezone()
        at = (
            f"{since:%H:%M}"
            if since.date() == datetime.now().astimezone().date()
            else f"{since:%Y-%m-%d %H:%M}"
        )
        return f"{told['owner']} (process {told['pid']}, since {at})"
    except (OSError, ValueError, TypeError, KeyError):
        return "another neckline"
