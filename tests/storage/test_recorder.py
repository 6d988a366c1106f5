"""The recorder: what it was given comes back to the last bit, whatever the disk did, and nobody waited for it."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensor.samples import BatteryReading, LinkChange, LinkState, Reading, SampleBlock
from storage.errors import RecordingsUnwritableError
from storage.recordings import log, recorder
from storage.recordings.folder import HOUR_NS, RecordingsFolder
from storage.recordings.frames import About, encode
from storage.recordings.log import AppendLog
from storage.recordings.reading import contents, readings
from storage.recordings.recorder import Recorder
from tests.storage.test_recordings import ABOUT, ANNA, SCALE, START_NS, STEP_NS, assert_same, block, samples

CLOSE_S = 30.0


def about(given: SampleBlock) -> About:
    """Say what samples are."""
    return About(ANNA, 50.0, given.gyr_radps is not None, SCALE, ABOUT.family, ABOUT.software)


def recorded(folder: Path) -> list[Reading]:
    """Return all that was recorded of the stream, in order, from logs and sealed files."""
    segments = RecordingsFolder(folder).segments(ANNA)
    return [reading for segment in segments for reading in readings(segment.path)]


def given(seconds: int) -> list[Reading]:
    """Return what a clip gives: notifications of two samples, the link and the battery between."""
    found: list[Reading] = [LinkChange(START_NS, LinkState.STREAMING)]
    for first in range(0, seconds * 50, 2):
        found.append(block(first, 2))
        if first % 500 == 250:
            found.append(BatteryReading(START_NS + first * STEP_NS, 81.0, 3.9))
    return found


def ran(folder: Path, found: list[Reading], **options: Any) -> Recorder:
    """Record and close."""
    writing = Recorder(RecordingsFolder(folder), about, **options)
    writing.start()
    for reading in found:
        writing.put(reading)
    writing.close(CLOSE_S)
    assert not writing._thread.is_alive()
    return writing


def test_what_was_given_comes_back(tmp_path: Path) -> None:
    """A minute, with what came between; on the disk in logs that their owner alone can read."""
    found = given(60)
    assert ran(tmp_path, found).status.dropped == 0
    assert_same(found, recorded(tmp_path))
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.rglob("*.log"))


def test_an_hour_is_a_file_and_is_sealed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first sample of another hour begins another log; a process apart makes Parquet of the one before."""
    done = threading.Event()
    apart = recorder._run_apart

    def watched(command: list[str]) -> None:
        apart(command)
        done.set()

    monkeypatch.setattr(recorder, "_run_apart", watched)
    later = HOUR_NS // STEP_NS
    found: list[Reading] = [*given(3), *(block(later + first, 2) for first in range(0, 100, 2))]
    ran(tmp_path, found)
    assert done.wait(60)
    sealed, going_on = RecordingsFolder(tmp_path).segments(ANNA)
    assert (sealed.is_sealed, going_on.is_sealed) == (True, False)
    assert_same(found, recorded(tmp_path))


def test_a_disk_that_is_full_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it takes nothing readings wait, and trouble is told once; then all are there, in order, and that is told, too."""
    told: list[RecordingsUnwritableError | None] = []
    monkeypatch.setattr(recorder, "RETRY_S", 0.01)
    write, calls = os.write, [0]

    def full_at_times(descriptor: int, data: bytes) -> int:
        calls[0] += 1
        if 3 <= calls[0] < 30:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", full_at_times)
    recovered = threading.Event()

    def tell(trouble: RecordingsUnwritableError | None) -> None:
        told.append(trouble)
        if trouble is None:
            recovered.set()

    found = given(30)
    writing = Recorder(RecordingsFolder(tmp_path), about, on_trouble=tell)
    writing.start()
    for reading in found:
        writing.put(reading)
    assert recovered.wait(30)
    writing.close(CLOSE_S)
    assert [trouble is None for trouble in told] == [False, True]
    assert "No space left" in str(told[0])
    assert_same(found, recorded(tmp_path))


def test_what_cannot_be_kept_any_longer_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may not be written: the oldest readings give way; to hand over takes no longer than before."""
    monkeypatch.setattr(recorder, "MOST_WAITING", 100)
    (tmp_path / "file").write_text("")
    writing = Recorder(RecordingsFolder(tmp_path / "file" / "below"), about)
    writing.start()
    found = given(30)
    for reading in found:
        writing.put(reading)
    status = writing.status
    writing.close(CLOSE_S)
    assert status.dropped >= len(found) - 2 * 100 - 50
    assert not recorded(tmp_path)


class FullAtTimes:
    """A disk that takes nothing of logs while `full` is set; it watches what is open and what lies there meanwhile."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, tries: int) -> None:
        self.folder, self.left = folder, tries
        self.full, self.wrote, self.tried = threading.Event(), threading.Event(), threading.Event()
        self.held: set[int] = set()
        self.most_held = self.most_logs = 0
        self._open, self._write, self._close = os.open, os.write, os.close
        for name in ("open", "write", "close"):
            monkeypatch.setattr(os, name, getattr(self, name))

    def open(self, path: Any, *options: Any) -> int:
        """Open a file."""
        descriptor = self._open(path, *options)
        if str(path).endswith(".log"):
            self.held.add(descriptor)
        return descriptor

    def close(self, descriptor: int) -> None:
        """Close a file."""
        self.held.discard(descriptor)
        self._close(descriptor)

    def write(self, descriptor: int, data: bytes) -> int:
        """Take all, or nothing; `wrote` is set by samples, `tried` after so many tries in vain."""
        if descriptor in self.held and self.full.is_set():
            self.most_held = max(self.most_held, len(self.held))
            self.most_logs = max(self.most_logs, len([*self.folder.rglob("*.log")]))
            self.left -= 1
            if not self.left:
                self.tried.set()
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self._write(descriptor, data)
        if len(data) > 1000:
            self.wrote.set()
        return taken


def test_a_disk_full_at_an_hours_turn_uses_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the next log cannot be begun: no descriptor more, no empty log, one warning; then nothing is lost."""
    monkeypatch.setattr(recorder, "RETRY_S", 0.0001)
    monkeypatch.setattr(recorder, "_run_apart", lambda _command: None)
    disk, recovered = FullAtTimes(tmp_path, monkeypatch, tries=200), threading.Event()
    told: list[RecordingsUnwritableError | None] = []

    def tell(trouble: RecordingsUnwritableError | None) -> None:
        told.append(trouble)
        if trouble is None:
            recovered.set()

    turned = HOUR_NS // STEP_NS
    found: list[Reading] = [block(0, 51), *(block(turned + first) for first in range(0, 200, 50))]
    writing = Recorder(RecordingsFolder(tmp_path), about, on_trouble=tell)
    writing.start()
    writing.put(found[0])
    assert disk.wrote.wait(30)
    disk.full.set()
    for reading in found[1:]:
        writing.put(reading)
    assert disk.tried.wait(30)
    disk.full.clear()
    assert recovered.wait(30)
    writing.close(CLOSE_S)
    assert (disk.most_held, disk.most_logs, disk.held) == (2, 2, set())
    assert [trouble and trouble.detail for trouble in told] == ["No space left on device", None]
    assert [segment.number for segment in RecordingsFolder(tmp_path).segments(ANNA)] == [1, 2]
    assert all(path.stat().st_size for path in tmp_path.rglob("*.log"))
    assert writing.status.dropped == 0
    assert_same(found, recorded(tmp_path))


def test_a_disk_that_does_not_keep_the_last_hour_costs_no_descriptor_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sync fails, in the middle of a log and at its end: told, all samples there once, and every log let go of."""
    monkeypatch.setattr(recorder, "RETRY_S", 0.0001)
    monkeypatch.setattr(recorder, "_run_apart", lambda _command: None)
    told: list[RecordingsUnwritableError | None] = []
    closed: list[Path] = []
    close = AppendLog.close

    def failing(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def watched(log: AppendLog) -> None:
        closed.append(log.path)
        close(log)

    monkeypatch.setattr(os, "fsync", failing)
    monkeypatch.setattr(AppendLog, "close", watched)
    turned = HOUR_NS // STEP_NS
    found: list[Reading] = [block(0), block(50), block(turned), block(turned + 50)]
    ran(tmp_path, found, on_trouble=told.append)
    assert [trouble and trouble.detail for trouble in told] == ["Input/output error"]
    assert closed == [segment.path for segment in RecordingsFolder(tmp_path).segments(ANNA)]
    assert_same(found, recorded(tmp_path))


def test_no_more_waits_than_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk refused waits again with what came meanwhile: within the bound, the oldest given up and counted."""
    monkeypatch.setattr(recorder, "MOST_WAITING", 40)
    monkeypatch.setattr(recorder, "RETRY_S", 0.0001)
    tried, again, refused, works = (threading.Event() for _ in range(4))
    append = AppendLog.append

    def held_up(log: AppendLog, message: bytes) -> None:
        if not tried.is_set():
            tried.set()
            assert refused.wait(30)
            raise RecordingsUnwritableError(log.path, "No space left on device")
        again.set()
        assert works.wait(30)
        append(log, message)

    monkeypatch.setattr(AppendLog, "append", held_up)
    found: list[Reading] = [block(50 * k) for k in range(70)]
    writing = Recorder(RecordingsFolder(tmp_path), about)
    for reading in found[:40]:
        writing.put(reading)
    writing.start()
    assert tried.wait(30)
    for reading in found[40:]:
        writing.put(reading)
    refused.set()
    assert again.wait(30)
    assert writing.status.dropped == 30
    works.set()
    writing.close(CLOSE_S)
    assert (writing.status.waiting, writing.status.dropped) == (0, 30)
    assert_same(found[30:], recorded(tmp_path))


def test_what_the_stop_costs_is_counted_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A folder that may not be written until the end: all readings that waited are given up, and none silently."""
    (tmp_path / "file").write_text("")
    writing = Recorder(RecordingsFolder(tmp_path / "file" / "below"), about)
    for k in range(30):
        writing.put(block(50 * k))
    writing.start()
    writing.close(CLOSE_S)
    assert (writing.status.waiting, writing.status.dropped) == (0, 30)
    assert "30 readings" in caplog.text


def test_a_bad_reading_costs_itself_alone(tmp_path: Path) -> None:
    """Samples that are no numbers, among others that they are joined with, at the stop: they are counted, the others there."""
    told: list[RecordingsUnwritableError | None] = []
    found: list[Reading] = [LinkChange(START_NS, LinkState.STREAMING), *(block(50 * k) for k in range(9))]
    bad = block(450)
    object.__setattr__(bad, "acc_mps2", np.full((50, 3), "none", dtype=object))
    none: list[Reading] = [block(0, 0)]
    writing = Recorder(RecordingsFolder(tmp_path), about, on_trouble=told.append)
    for reading in [*none, *found[:5], bad, *found[5:], *none]:
        writing.put(reading)
    writing.start()
    writing.close(CLOSE_S)
    assert (writing.status.waiting, writing.status.dropped) == (0, 1)
    assert [trouble is None for trouble in told] == [False]
    assert_same(found, recorded(tmp_path))


@pytest.mark.parametrize("seconds", [3, 180])
def test_a_log_whose_beginning_is_damaged_is_read(tmp_path: Path, seconds: int) -> None:
    """Any bit of what it says of itself first: it says so again, so nothing else is lost, and the damage is told."""
    found = given(seconds)
    ran(tmp_path, found)
    (segment,) = RecordingsFolder(tmp_path).segments(ANNA)
    whole = segment.path.read_bytes()
    head = len(log.frame(encode(ABOUT)))
    assert whole.count(b'"format"') == 2 + (seconds - 1) // 82
    for byte in [*range(0, head, 17), head - 1]:
        broken = bytearray(whole)
        broken[byte] ^= 1
        segment.path.write_bytes(broken)
        assert contents(segment.path).damaged_bytes == head
        assert_same(found, recorded(tmp_path))
    recorder.main([str(segment.path)])
    assert contents(segment.sealed()).damaged_bytes == head
    assert_same(found, recorded(tmp_path))


def test_a_clip_that_is_long_looked_for_counts_what_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before the first sample is kept up to a bound; the oldest beyond it are counted."""
    monkeypatch.setattr(recorder, "MOST_EARLY", 5)
    early: list[Reading] = [LinkChange(START_NS + k, LinkState.SEARCHING) for k in range(8)]
    assert ran(tmp_path, [*early, block(0)]).status.dropped == 3
    assert_same([*early[3:], block(0)], recorded(tmp_path))


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from storage.recordings.log import AppendLog
from tests.storage.test_recorder import RecordingsFolder, Recorder, about, given
append, left = AppendLog.append, [{at}]

def dying(log, message):
    append(log, message)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

AppendLog.append = dying
writing = Recorder(RecordingsFolder(Path({folder!r})), about)
writing.start()
for reading in given(60):
    writing.put(reading)
writing.close(60)
"""


@pytest.mark.parametrize("at", [1, 3, 4, 9])
def test_a_kill_leaves_what_was_written(tmp_path: Path, at: int) -> None:
    """What was written before it is there, whole and in order; the next run goes on in another file."""
    root = str(Path(__file__).resolve().parents[2])
    script = KILLED.format(root=root, folder=str(tmp_path), at=at)
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    found: list[Reading] = [each for each in given(60) if isinstance(each, SampleBlock)]
    there: list[Reading] = [each for each in recorded(tmp_path) if isinstance(each, SampleBlock)]
    # The first two messages say what it is of, and that the link is there; the fourth says again what it is of.
    assert len(there) > (at - 4) / 2
    if there:
        held, expected = samples(there), samples(found)
        assert np.array_equal(held.time_ns, expected.time_ns[: len(held)])
        assert np.array_equal(held.acc_mps2, expected.acc_mps2[: len(held)])
    ran(tmp_path, [block(5000, 50)])
    assert samples(recorded(tmp_path)).time_ns[-1] == block(5000, 50).time_ns[-1]


def test_the_oldest_hours_go_when_there_is_no_more_room(tmp_path: Path) -> None:
    """Sealed files alone; the log that is written stays."""
    folder = RecordingsFolder(tmp_path)
    for hour in range(3):
        first = hour * HOUR_NS // STEP_NS
        ran(tmp_path, [block(first + k, 50) for k in range(0, 200, 50)])
        recorder.main([str(each.path) for each in folder.segments(ANNA)])
    sizes = [each.path.stat().st_size for each in folder.segments(ANNA)]
    assert len(sizes) == 3
    ran(tmp_path, [block(4 * HOUR_NS // STEP_NS, 50)], quota_bytes=sum(sizes[1:]) + 100)
    left = folder.segments(ANNA)
    assert [each.is_sealed for each in left][-1] is False
    assert len(left) <= 3
    assert left[0].number > 1
