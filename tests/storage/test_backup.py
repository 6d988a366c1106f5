"""A backup is the journal of one moment to the last bit; put back, it is the journal again, without the erased."""

import shutil
from pathlib import Path

import pytest

from storage.backup import backup, restore
from storage.damage import Harm
from storage.entries import Stream
from storage.errors import BackupError, JournalAbsentError, JournalBusyError, JournalUnreadableError
from storage.journal import Journal
from storage.lock import beside
from storage.reader import JournalReader
from storage.schema import EPOCH, KINDS
from storage.writer import JournalWriter
from tests.storage.records import ANNA, BERT, second
from tests.storage.sittings import sitting
from tests.storage.test_disk import disk

__all__ = ["disk"]


def contents(path: Path) -> dict[tuple[Stream, str], list[object]]:
    """Return all that is in a journal."""
    with JournalReader.open(path) as reader:
        assert reader.check() == []
        return {
            (stream, kind.name): list(reader.read(kind, stream))
            for stream in reader.streams()
            for kind in KINDS
        }


def journal_of(path: Path, *streams: Stream) -> None:
    """Write ten minutes of wearers."""
    with Journal.open(path, "a test") as journal:
        for stream in streams:
            journal.commit(sitting(stream))


def test_there_and_back(tmp_path: Path) -> None:
    """The backup, and the journal made of it elsewhere, hold every row, and the journal goes on from there."""
    path, file, elsewhere = tmp_path / "j.db", tmp_path / "b.db", tmp_path / "new" / "j.db"
    journal_of(path, ANNA, BERT)
    assert backup(path, file) == []
    assert contents(file) == contents(path)
    assert restore(file, elsewhere, "a test") == []
    assert contents(elsewhere) == contents(path)
    with Journal.open(elsewhere, "a test") as again, Journal.open(path, "a test") as journal:
        assert again.damage == ()
        assert again.state(ANNA) == journal.state(ANNA)
        assert again.commit([second(5000)]) == journal.last_seq + 1
    left = sorted(each.name for each in tmp_path.iterdir() if each.name.startswith((".", "b.db")))
    assert left == ["b.db"]
    assert file.stat().st_mode & 0o077 == 0


def test_a_backup_is_made_while_rows_come(tmp_path: Path) -> None:
    """All that was durable before is in it, and what comes meanwhile is in it whole or not at all."""
    path = tmp_path / "j.db"
    with Journal.open(path, "a test") as journal:
        writer = JournalWriter(journal, commit_every_s=0)
        writer.start()
        before = []
        for k in range(300):
            writer.put(second(k))
            if k % 100 == 50:
                assert writer.flush(60)
                before.append(k + 1)
                assert backup(path, tmp_path / f"{k}.db") == []
        writer.close()
    for k, rows in zip((50, 150, 250), before, strict=True):
        with JournalReader.open(tmp_path / f"{k}.db") as reader:
            assert reader.count(EPOCH) == rows


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """Neither a file by a backup, nor a journal by a backup that is put back, unless that is asked for."""
    path, file, other = tmp_path / "j.db", tmp_path / "b.db", tmp_path / "o.db"
    journal_of(path, ANNA)
    journal_of(other, BERT)
    backup(path, file)
    with pytest.raises(BackupError, match="there already"):
        backup(other, file)
    with pytest.raises(BackupError, match="a journal already"):
        restore(file, other, "a test")
    assert {stream for stream, _ in contents(other)} == {BERT}
    with Journal.open(other, "its owner"), pytest.raises(JournalBusyError, match="its owner"):
        restore(file, other, "a test", overwrite=True)
    assert restore(file, other, "a test", overwrite=True) == []
    assert contents(other) == contents(path)


def test_of_a_link_the_journal_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    """With its log and its witness, which would miss rows in the backup."""
    path, link, file = tmp_path / "data.db", tmp_path / "link.db", tmp_path / "b.db"
    journal_of(path, ANNA)
    backup(path, file)
    with Journal.open(path, "a test") as journal:
        journal.commit([second(k, BERT) for k in range(100)])
    try:
        link.symlink_to(path)
    except OSError:
        pytest.skip("Windows lets not everyone make links")
    assert restore(file, link, "a test", overwrite=True) == []
    assert link.is_symlink()
    assert contents(path) == contents(link) == contents(file)


def copied(path: Path, folder: Path) -> Path:
    """Copy a journal and what belongs to it, as `cp` does while it is written, and return the copy."""
    folder.mkdir()
    for each in path.parent.glob(f"{path.name}*"):
        if each.name != f"{path.name}.lock":  # its owner would lose it, as `storage.lock` says
            shutil.copy(each, folder)
    return folder / path.name


def test_rows_that_are_in_the_log_alone_come_back(tmp_path: Path) -> None:
    """A journal that was copied with its log while it was written is put back with every row, and the copy stays."""
    path, new = tmp_path / "j.db", tmp_path / "new.db"
    with Journal.open(path, "a test") as journal:
        journal.commit([second(k) for k in range(500)])
        copy = copied(path, tmp_path / "copy")
        expected = contents(path)
    assert beside(copy, "-wal").stat().st_size > 0
    assert restore(copy, new, "a test") == []
    assert [*tmp_path.glob("new.db-*")] == []
    assert contents(new) == contents(copy) == expected
    with Journal.open(new, "a test") as journal:
        assert journal.last_seq == 500


def test_a_copy_that_lacks_its_log_is_told(tmp_path: Path) -> None:
    """The witness beside it knows better: it is refused, or taken on demand with the loss told."""
    path, new = tmp_path / "j.db", tmp_path / "new.db"
    journal_of(path, ANNA)
    with Journal.open(path, "a test") as journal:
        before = journal.last_seq
        journal.commit([second(k) for k in range(5000, 5500)])
        copy = copied(path, tmp_path / "copy")
    beside(copy, "-wal").unlink()
    with pytest.raises(BackupError, match="500 rows lost"):
        restore(copy, new, "a test")
    assert not new.exists()
    (lost,) = restore(copy, new, "a test", overwrite=True)
    assert (lost.harm, lost.first_seq, lost.last_seq) == (Harm.LOST, before + 1, before + 500)
    with Journal.open(new, "a test") as journal:
        assert (journal.last_seq, journal.damage) == (before, ())


def test_an_old_log_is_not_played_back_over_a_backup(tmp_path: Path) -> None:
    """A journal that was killed leaves its log and its witness; a backup in its place is whole all the same."""
    path, file, killed = tmp_path / "j.db", tmp_path / "b.db", tmp_path / "killed"
    journal_of(path, ANNA)
    backup(path, file)
    killed.mkdir()
    with Journal.open(path, "a test") as journal:
        journal.commit([second(k) for k in range(5000, 5100)])
        for each in tmp_path.glob("j.db*"):
            if not each.name.endswith((".lock", "-shm")):
                shutil.copy(each, killed)
    assert (killed / "j.db-wal").stat().st_size > 0
    assert restore(file, killed / "j.db", "a test", overwrite=True) == []
    assert contents(killed / "j.db") == contents(file)
    with Journal.open(killed / "j.db", "a test") as journal:
        assert journal.damage == ()


def test_the_erased_do_not_come_back(tmp_path: Path) -> None:
    """A backup from before an erasure is put back without the wearer, to the byte."""
    path, file = tmp_path / "j.db", tmp_path / "b.db"
    journal_of(path, ANNA, BERT)
    backup(path, file)
    with Journal.open(path, "a test") as journal:
        journal.erase(ANNA.wearer, 1)
    assert restore(file, path, "a test", overwrite=True) == []
    assert {stream for stream, _ in contents(path)} == {BERT}
    assert ANNA.wearer.encode() not in path.read_bytes()


def test_what_is_no_backup_is_refused_and_the_journal_stays(tmp_path: Path) -> None:
    """A missing file, a text, a damaged backup: each is told, and the journal is as it was."""
    path, file = tmp_path / "j.db", tmp_path / "b.db"
    journal_of(path, ANNA)
    before = contents(path)
    (tmp_path / "text").write_text("no database, but long enough to be mistaken for one" * 100)
    for wrong, error in (
        (tmp_path / "none", JournalAbsentError),
        (tmp_path / "text", JournalUnreadableError),
    ):
        with pytest.raises(error):
            restore(wrong, path, "a test", overwrite=True)
    backup(path, file)
    data = bytearray(file.read_bytes())
    data[data.index(b"stillupright")] ^= 1
    file.write_bytes(data)
    with pytest.raises(BackupError, match="damaged"):
        restore(file, tmp_path / "new.db", "a test")
    assert not (tmp_path / "new.db").exists()
    assert contents(path) == before
    assert restore(file, tmp_path / "new.db", "a test", overwrite=True) != []


def test_a_full_disk_leaves_neither_half_a_backup_nor_a_worse_journal(tmp_path: Path, disk: Path) -> None:
    """Both say that there is no room, and leave nothing behind."""
    path, file = tmp_path / "j.db", tmp_path / "b.db"
    journal_of(path, *(Stream(f"w-{k}", "t4") for k in range(80)))
    with pytest.raises(BackupError):
        backup(path, disk / "b.db")
    assert list(disk.iterdir()) == []
    backup(path, file)
    with pytest.raises(BackupError):
        restore(file, disk / "j.db", "a test")
    assert not (disk / "j.db").exists()
    assert not any(each.is_dir() for each in disk.iterdir())
