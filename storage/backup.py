"""A journal ⇄ one file that holds all of it as it was at one moment, checked row by row on both ways.

A backup is a journal like any other: readers and exports open it as it is. It may be made while neckline runs.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from storage import tables
from storage.damage import Damage
from storage.errors import SQLITE_ERRORS, BackupError, JournalError, journal_error
from storage.journal import Journal
from storage.lock import Ownership, beside, real
from storage.reader import JournalReader
from storage.watermark import acknowledged

ROOM = "make room or allow writing there, or name another file"


def backup(journal: Path, file: Path) -> list[Damage]:
    """Write a journal into a new file; return what is wrong with the copy, as `JournalReader.check` tells it.

    Raises BackupError when the file is there already or cannot be written, or the copy lacks rows that were durable
    before it began; JournalError when the journal cannot be read.
    """
    if file.exists():
        raise BackupError(file, "it is there already", "name another file, or move this one away")
    with (
        closing(tables.connect_to_read(journal, oldest=tables.VERSION)) as source,
        _room_beside(file) as part,
    ):
        journal_id, _ = tables.journal_id(source, journal)
        witness = acknowledged(beside(journal, ".seq"), journal_id)
        _fill(part, source, file)
        with JournalReader.open(part) as reader:
            if reader.last_seq < witness:
                raise BackupError(
                    file,
                    f"it has {reader.last_seq} of {witness} numbers",
                    "`neckline doctor` says what the journal lacks",
                )
            damages = reader.check()
        _put(part, file)
    return damages


def restore(file: Path, journal: Path, owner: str, *, overwrite: bool = False) -> list[Damage]:
    """Put a backup in a journal's place, brought up to this layout; return what is wrong with it.

    Wearers who were erased from the journal there are erased from the backup before it takes the place. With
    `overwrite`, what is there is replaced, and a damaged backup is taken, too. A backup that its own witness says was
    longer counts as damaged. Raises BackupError, JournalBusyError, JournalUnreadableError for what is no backup.
    """
    if journal.exists() and not overwrite:
        raise BackupError(journal, "there is a journal already", "say --yes to replace it with the backup")
    journal = real(journal)  # of a link to it the link stays
    try:
        journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise journal_error(journal, error) from error
    ownership = Ownership.take(journal, owner)
    try:
        with _room_beside(journal) as part:
            # By SQLite, not as a file: of a journal that was copied with its log the newest rows are in the log alone.
            with closing(tables.connect_to_read(file)) as source:
                _fill(part, source, journal)
            damages = _bring_up(file, part, beside(journal, ".erased"), owner)
            if damages and not overwrite:
                raise BackupError(
                    file, f"it is damaged: {damages[0]}", "take another; or say --yes to take it as it is"
                )
            # The old log would be played back over the new file, and the old witness would miss rows in it.
            for suffix in ("-wal", "-shm", ".seq"):
                beside(journal, suffix).unlink(missing_ok=True)
            _put(part, journal)
    finally:
        ownership.release()
    return damages


def _bring_up(file: Path, part: Path, tombstones: Path, owner: str) -> list[Damage]:
    """Make of a backup a journal of this layout without the erased; return what is wrong with it."""
    witness = beside(file, ".seq")
    for there, here in ((tombstones, beside(part, ".erased")), (witness, beside(part, ".seq"))):
        if there.exists():
            shutil.copyfile(there, here)
    try:
        with Journal.open(part, owner), JournalReader.open(part) as reader:
            return reader.check()
    except JournalError as error:
        raise BackupError(file, str(error).replace(str(part), "a copy of it"), error.way_out) from error


def _fill(part: Path, source: sqlite3.Connection, file: Path) -> None:
    """Copy all that a connection reads into a new file, which is to become `file`."""
    try:
        part.touch(mode=0o600)
        with closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, also for who reads it
    except SQLITE_ERRORS as error:
        raise BackupError(file, str(error), ROOM) from error


@contextmanager
def _room_beside(file: Path) -> Iterator[Path]:
    """Give a place for a journal in a folder of its own on the same disk, which goes with all that is in it."""
    try:
        with tempfile.TemporaryDirectory(
            prefix=f".{file.name}-", dir=file.absolute().parent, ignore_cleanup_errors=True
        ) as folder:
            yield Path(folder) / "journal.db"
    except OSError as error:
        raise BackupError(file, error.strerror or str(error), ROOM) from error


def _put(part: Path, file: Path) -> None:
    """Let a file take its place, durably."""
    with part.open("rb+") as whole:
        os.fsync(whole.fileno())
    part.replace(file)
    if hasattr(os, "O_DIRECTORY"):  # Windows opens no folders, and needs none of this
        folder = os.open(file.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
