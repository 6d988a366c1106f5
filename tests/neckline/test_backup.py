"""`neckline backup` and `restore`: one file, checked, and never over something that is there."""

from collections.abc import Callable

import pytest

from neckline.commands import backup as commands
from neckline.exits import Exit
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import EPOCH
from tests.neckline.conftest import Home, Said
from tests.storage.records import BERT, second

Neckline = Callable[..., Said]


def test_there_and_back(neckline: Neckline, home: Home) -> None:
    """A backup while the journal has an owner; put back only with --yes, and only once the owner has gone."""
    file = home.folder / "backup.db"
    with Journal.open(home.journal, "neckline run") as journal:
        journal.commit([second(k, BERT) for k in range(10)])
        said = neckline("backup", file)
        assert said.code == Exit.OK
        assert "every row is whole" in said.err
        journal.commit([second(10, BERT)])
        assert neckline("restore", file, "--yes").code == Exit.BUSY
    refused = neckline("restore", file)
    assert refused.code == Exit.JOURNAL
    assert "--yes" in refused.err
    assert neckline("restore", file, "--yes").code == Exit.OK
    with JournalReader.open(home.journal) as reader:
        assert reader.count(EPOCH) == 10


def test_long_work_says_that_it_begins(
    neckline: Neckline, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large journal takes long to copy and to check."""
    monkeypatch.setattr(commands, "LARGE_BYTES", 0)
    with Journal.open(home.journal, "a test") as journal:
        journal.commit([second(1, BERT)])
    for words in (("backup", "b.db"), ("restore", "b.db", "--yes")):
        assert neckline(*words).err.startswith("copying ")


def test_what_cannot_be_done_is_told(neckline: Neckline, home: Home) -> None:
    """No journal to save, a file that is there, a backup that is none: the way out each time."""
    file = home.folder / "backup.db"
    assert neckline("backup", file).code == Exit.JOURNAL
    with Journal.open(home.journal, "a test") as journal:
        journal.commit([second(1, BERT)])
    file.write_text("mine")
    there = neckline("backup", file)
    assert there.code == Exit.JOURNAL
    assert "there already" in there.err
    none = neckline("restore", file, "--yes")
    assert none.code == Exit.JOURNAL
    assert "name what `neckline backup` wrote" in none.err
    assert file.read_text() == "mine"
    absent = neckline("restore", home.folder / "absent.db")
    assert absent.code == Exit.JOURNAL
    assert "there is no such file" in absent.err


def test_a_damaged_journal_is_saved_as_it_is_and_that_is_said(neckline: Neckline, home: Home) -> None:
    """Better a backup of what is whole than none; the exit code says that not all is."""
    with Journal.open(home.journal, "a test") as journal:
        journal.commit([second(k, BERT) for k in range(10)])
    data = bytearray(home.journal.read_bytes())
    data[data.index(b"stillupright")] ^= 1
    home.journal.write_bytes(data)
    said = neckline("backup", home.folder / "backup.db")
    assert said.code == Exit.UNWELL
    assert "1 epoch row altered" in said.err
