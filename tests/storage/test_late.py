"""A journal that could not be opened at the start for want of room: what it cannot wait for is told, and so is its damage."""

import logging
import sqlite3
from pathlib import Path

import pytest

from storage import tables
from storage.errors import DiskFullError, JournalUnreadableError
from storage.journal import Journal
from storage.late import LateJournal, open_or_wait
from storage.reader import JournalReader
from storage.schema import EPOCH
from tests.storage.records import ANNA, second
from tests.storage.test_disk import disk, fill
from tests.storage.test_migration import VERSION_1, made_of

__all__ = ["disk"]


def test_an_old_journal_on_a_full_disk_is_told_as_full(disk: Path) -> None:
    """Not as one that `neckline run` brings up, which is what was tried; with room it is, and nothing is lost."""
    path = made_of(VERSION_1, disk / "journal.db")
    ballast = fill(disk)
    for _ in range(2):
        with pytest.raises(DiskFullError) as told:
            open_or_wait(path, "test")
        assert "make room" in told.value.way_out
    ballast.unlink()
    journal = open_or_wait(path, "test")
    assert isinstance(journal, Journal)
    with journal, JournalReader.open(path) as reader:
        assert (journal.last_seq, reader.check(), reader.count(EPOCH)) == (9, [], 2)


def test_what_is_no_journal_is_told_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer layout, a text, and a file of which nothing was written yet: each as what it is."""
    monkeypatch.setattr(Journal, "open", no_room)
    empty, text = tmp_path / "empty.db", tmp_path / "text.db"
    newer = made_of(VERSION_1, tmp_path / "newer.db")
    with sqlite3.connect(newer) as connection:
        connection.execute(f"PRAGMA user_version = {tables.VERSION + 1}")
    connection.close()
    empty.touch()
    text.write_text("no database, but long enough to be mistaken for one" * 100)
    for path, error in (
        (tmp_path / "none.db", DiskFullError),
        (empty, DiskFullError),
        (newer, JournalUnreadableError),
        (text, JournalUnreadableError),
    ):
        with pytest.raises(error):
            open_or_wait(path, "test")


def test_damage_that_is_found_late_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, as soon as the journal opens: at the start it could not be looked for."""
    path = tmp_path / "journal.db"
    with Journal.open(path, "test") as journal:
        journal.commit([second(k) for k in range(50)])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE epoch SET received = 999 WHERE seq = 45")
    connection.close()
    with monkeypatch.context() as full:
        full.setattr(Journal, "open", no_room)
        late = open_or_wait(path, "test")
        assert isinstance(late, LateJournal)
        with pytest.raises(DiskFullError):
            late.write((), {})
        assert list(late.damage) == []
    for _ in range(2):
        late.write((), {ANNA: b"state"})
    told = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert told == [f"{path} is damaged: {damage}" for damage in late.damage]
    assert "1 epoch row altered (number 45)" in told[0]
    late.close()


def no_room(path: Path, _owner: str) -> Journal:
    """Fail as `Journal.open` does on a full disk."""
    raise DiskFullError(path)
