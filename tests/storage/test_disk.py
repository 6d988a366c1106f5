"""A real small disk that is full, or may only be read: told in a sentence, waited out, nothing acknowledged lost."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

from storage.entries import Batch
from storage.errors import (
    DiskFullError,
    ExportError,
    JournalUnwritableError,
    StorageError,
)
from storage.exports.export import Format, export_journal
from storage.journal import Journal
from storage.reader import JournalReader
from storage.recordings.folder import RecordingsFolder
from storage.schema import EPOCH, EVENT, MINUTE
from storage.writer import JournalWriter
from tests.storage.records import ANNA, epoch, event, minute, second
from tests.storage.test_recordings import block, recorded

DISK_BYTES = 2_000_000
PATIENCE_S = 60.0
MOUNT = shutil.which("mount")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 2 MB, or skip with the reason."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if MOUNT is None:
        pytest.skip("no mount command: a small disk cannot be made")
    made = subprocess.run(
        [MOUNT, "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "neckline-test", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted (root may): {made.stderr.strip()}")
    yield folder
    subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, how: str) -> None:
    """Make a disk read-only (`ro`) or writable (`rw`)."""
    assert MOUNT is not None
    subprocess.run([MOUNT, "-o", f"remount,{how},size={DISK_BYTES}", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Lay a file that leaves no room, and return it."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"\0" * 4096) == 4096:
            pass
    with pytest.raises(OSError, match="No space left"):
        (folder / "probe").write_bytes(b"\0" * 4096)
    (folder / "probe").unlink()
    return ballast


def test_a_full_disk_is_waited_out(disk: Path) -> None:
    """Rows are kept in memory, events all of them, epochs up to the bound; when there is room again, all goes on."""
    told: list[StorageError | None] = []
    full, over = Event(), Event()

    def on_trouble(error: StorageError | None) -> None:
        told.append(error)
        (over if error is None else full).set()

    k, events = 0, []
    with Journal.open(disk / "journal.db", "test") as journal:
        writer = JournalWriter(journal, commit_every_s=0.005, max_rows=2000, on_trouble=on_trouble)
        writer.start()
        for k in range(100):
            writer.put(second(k))
        assert writer.flush(PATIENCE_S)
        ballast = fill(disk)
        while not full.is_set():
            k += 1
            events.append(event(k))
            writer.put(Batch(ANNA, (epoch(k), events[-1]), b"x" * 10_000), urgent=True)
            writer.flush(0.001)
        acknowledged = writer.status.committed_seq
        for k in range(k + 1, k + 5001):  # noqa: B020 (it goes on from there)
            writer.put(Batch(ANNA, (epoch(k),), b"%d" % k))
            if k % 50 == 0:
                events.append(event(k))
                writer.put(Batch(ANNA, (events[-1], minute(k))), urgent=True)
        status = writer.status
        assert isinstance(status.trouble, DiskFullError)
        assert status.pending == 2000
        assert status.dropped_epochs > 3000
        assert not over.is_set()
        with JournalReader.open(journal.path) as reader:
            assert reader.check() == []
            assert sum(reader.count(kind) for kind in (EPOCH, EVENT)) == acknowledged

        ballast.unlink()
        assert over.wait(PATIENCE_S)
        writer.close(PATIENCE_S)
        assert (writer.status.dropped_epochs, writer.status.trouble) == (status.dropped_epochs, None)
        assert told[-1] is None
        assert len({type(error) for error in told}) == len(told)
        assert journal.state(ANNA) == b"%d" % k
        with JournalReader.open(journal.path) as reader:
            assert reader.check() == []
            found = [*reader.read(EPOCH, ANNA)]
            assert len(found) == k + 1 - status.dropped_epochs
            assert [epoch(k) for k in range(100)] == found[:100]
            assert epoch(k) == found[-1]
            assert events == [*reader.read(EVENT, ANNA)]
            assert reader.count(MINUTE) == 100
    with Journal.open(disk / "journal.db", "test") as journal:
        assert journal.damage == ()


def test_starting_on_a_full_disk(disk: Path) -> None:
    """It is told as full, nothing is harmed, and with room again the journal opens with every row."""
    path = disk / "journal.db"
    with Journal.open(path, "test") as journal:
        journal.commit([second(k) for k in range(10)])
    ballast = fill(disk)
    with pytest.raises(DiskFullError) as error:
        Journal.open(path, "test")
    assert "make room" in error.value.way_out
    with JournalReader.open(path) as reader:
        assert reader.count(EPOCH) == 10
    ballast.unlink()
    with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
        assert (journal.damage, reader.check()) == ((), [])
        assert [epoch(k) for k in range(10)] == [*reader.read(EPOCH, ANNA)]


def test_making_a_journal_on_a_full_disk(disk: Path) -> None:
    """It is told as full; with room again the same path serves."""
    ballast = fill(disk)
    with pytest.raises(DiskFullError) as error:
        Journal.open(disk / "journal.db", "test")
    assert error.value.way_out
    ballast.unlink()
    with Journal.open(disk / "journal.db", "test") as journal:
        assert journal.commit([second(0)]) == 1


def test_an_export_to_a_full_disk_leaves_nothing(disk: Path, tmp_path: Path) -> None:
    """No half folder that looks like a whole one."""
    with Journal.open(tmp_path / "journal.db", "test") as journal:
        journal.commit([Batch(ANNA, tuple(epoch(k) for k in range(20_000)))])
    with JournalReader.open(tmp_path / "journal.db") as reader:
        with pytest.raises(ExportError, match="No space left") as error:
            export_journal(reader, [ANNA], disk / "export")
        assert "make room" in error.value.way_out
        assert [*disk.iterdir()] == []
        assert export_journal(reader, [ANNA], tmp_path / "export").files[0].rows == 20_000


def test_a_disk_that_may_only_be_read(disk: Path) -> None:
    """Owning is refused with the way out, for an old journal and for a new one; reading works."""
    path = disk / "journal.db"
    with Journal.open(path, "test") as journal:
        journal.commit([second(k) for k in range(10)])
    remount(disk, "ro")
    for which in (path, disk / "new.db", disk / "folder" / "new.db"):
        with pytest.raises(JournalUnwritableError, match="cannot be written") as error:
            Journal.open(which, "test")
        assert error.value.way_out
    with JournalReader.open(path) as reader:
        assert [epoch(k) for k in range(10)] == [*reader.read(EPOCH, ANNA)]
        assert reader.check() == []
        with pytest.raises(ExportError, match="Read-only"):
            export_journal(reader, [ANNA], disk / "export")
    remount(disk, "rw")
    with Journal.open(path, "test") as journal:
        assert journal.commit([second(10)]) == 11


@pytest.mark.parametrize("file_format", Format)
def test_samples_exported_to_a_full_disk_leave_nothing(
    disk: Path, tmp_path: Path, file_format: Format
) -> None:
    """Nor do they where the disk is full in the middle of a table of samples."""
    big = recorded(tmp_path / "more", [block(first) for first in range(0, 200_000, 50)])
    with Journal.open(tmp_path / "journal.db", "test") as journal:
        journal.commit([Batch(big.stream, (epoch(0),))])
    with JournalReader.open(tmp_path / "journal.db") as reader:
        kept = RecordingsFolder(big.path.parents[2])
        with pytest.raises(ExportError, match=r"(?i)no space left") as error:
            export_journal(reader, [big.stream], disk / "export", file_format=file_format, recordings=kept)
        assert "make room" in error.value.way_out
    assert [*disk.iterdir()] == []
