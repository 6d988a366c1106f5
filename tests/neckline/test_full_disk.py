"""A disk that is full when neckline starts: alerts are given all the same, and what waited is stored once there is room."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neckline.watching.service import Service
from processing.outputs import EventKind
from storage.errors import DiskFullError, JournalBusyError, StorageError
from storage.journal import Journal
from storage.late import LateJournal, open_or_wait
from storage.reader import JournalReader
from storage.schema import EPISODE, EPOCH, EVENT
from tests.neckline.services import ONE_SLOUCH, calibrated, ran, rows, until_s, worn_clip
from tests.sensor.worlds import radio
from tests.storage.records import ANNA, second
from tests.storage.test_disk import disk, fill  # noqa: F401 (a fixture)

if TYPE_CHECKING:
    from sensor.virtual.clip import VirtualClip

pytestmark = radio
ROOM_S = 45.0
"""When there is room again: the slouch was told long before."""


def test_it_starts_and_alerts_on_a_full_disk(disk: Path, tmp_path: Path) -> None:  # noqa: F811
    """One slouch, one alert at its moment; rows wait in memory, and once there is room the journal has every one."""
    on_disk = disk / "journal.db"
    usual = ran(calibrated(tmp_path / "journal.db"), worn_clip(ONE_SLOUCH))
    shutil.copy(calibrated(tmp_path / "other.db"), on_disk)
    ballast = fill(disk)
    with pytest.raises(DiskFullError):
        Journal.open(on_disk, "test")
    troubles: list[str] = []

    async def make_room(service: Service, clip: "VirtualClip") -> None:
        await until_s(ROOM_S, clip)
        troubles.append(service.status().journal.trouble)
        ballast.unlink()

    found = ran(on_disk, worn_clip(ONE_SLOUCH), make_room)
    assert "full" in troubles[0]
    assert [message for _, message in found.told.messages] == [message for _, message in usual.told.messages]
    assert len(found.told.messages) == 1
    with JournalReader.open(on_disk) as reader:
        assert reader.check() == []
    kinds = [[each.kind for each in rows(path, EVENT)] for path in (on_disk, tmp_path / "journal.db")]
    # Whether its end is noticed before the script is over is another matter.
    assert [kind for kind in kinds[0] if kind is not EventKind.SIGNAL_LOST] == [
        kind for kind in kinds[1] if kind is not EventKind.SIGNAL_LOST
    ]
    assert len(rows(on_disk, EPISODE)) == len(rows(tmp_path / "journal.db", EPISODE)) == 1
    stored = [each.start_ns for each in rows(on_disk, EPOCH)]
    assert stored == [*range(stored[0], stored[-1] + 10**9, 10**9)]


def test_only_one_waits_for_room(disk: Path) -> None:  # noqa: F811
    """A second owner is refused meanwhile, as ever; rows are taken from the first moment on; without a journal it is told."""
    path = disk / "journal.db"
    with Journal.open(path, "test") as journal:
        journal.commit([second(0)])
    ballast = fill(disk)
    late = open_or_wait(path, "the first")
    assert isinstance(late, LateJournal)
    assert late.last_seq == 1
    with pytest.raises(JournalBusyError, match=r"the first|another"):
        open_or_wait(path, "the second")
    for _ in range(2):
        with pytest.raises(DiskFullError):
            late.write((), {})
    with pytest.raises(DiskFullError):
        open_or_wait(disk / "new.db", "test")
    ballast.unlink()
    assert late.write((), {ANNA: b"state"}) == 1
    with pytest.raises(StorageError):
        Journal.open(path, "the second")
    late.close()
    with Journal.open(path, "test") as journal:
        assert (journal.state(ANNA), journal.damage) == (b"state", ())
