"""The real command in processes of its own, in real time: stopped by signals, killed and begun anew, and the demo.

They are started together, as each takes its time; every one is followed by what it prints.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from neckline.exits import Exit
from neckline.watching.simulated import WEARER_ID
from processing.epochs import MINUTE_NS, SECOND_NS
from processing.outputs import Activity, EpisodeEnd, EventKind
from storage.entries import Stream
from storage.reader import JournalReader
from storage.schema import CALIBRATION, EPISODE, EPOCH, EVENT, MINUTE
from tests.sensor.worlds import radio

pytestmark = radio

STREAM = Stream(WEARER_ID, "t4")
DEMO_S = 90.0
"""What the demo may take at the very most."""
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Started:
    """A command that is under way."""

    process: subprocess.Popen[str]
    words: tuple[str, ...]
    folder: Path
    since_s: float

    @classmethod
    def begin(cls, folder: Path, *words: str) -> "Started":
        """Start it in a home of its own."""
        environment = {name: text for name, text in os.environ.items() if not name.startswith("NECKLINE_")}
        for name in ("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            environment[name] = str(folder)
        process = subprocess.Popen(
            [sys.executable, "-c", "from neckline.cli.app import main; main()", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return cls(process, words, folder, time.monotonic())

    @classmethod
    def simulated(cls, folder: Path) -> "Started":
        """Start a run on a simulated clip; its journal lies in the folder."""
        return cls.begin(folder, "run", "--simulated", "--plain", "--journal", str(folder / "journal.db"))

    @property
    def journal(self) -> Path:
        """Where the journal of a run lies."""
        return self.folder / "journal.db"

    def until(self, event: str) -> None:
        """Read lines until it says that this has happened."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.split()[2] == event:
                return
        pytest.fail(f"it ended before {event}: {self.process.communicate()}")

    def ended(self, within_s: float) -> tuple[str, str]:
        """Return what else it prints up to its end."""
        return self.process.communicate(timeout=within_s)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Started]]:
    """Start everything; kill what a failed test has left."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("demo", "SIGINT", "SIGTERM", "SIGKILL")}
    commands = {name: Started.simulated(folder) for name, folder in folders.items() if name != "demo"}
    commands["demo"] = Started.begin(folders["demo"], "demo", "--plain")
    yield commands
    for command in commands.values():
        with command.process as process:
            process.kill()


def assert_minutes_add_up(reader: JournalReader) -> None:
    """Check that every second is in its minute, in whatever pieces the minute came about."""
    epochs = reader.read(EPOCH, STREAM)
    minutes = list(reader.read(MINUTE, STREAM))
    within = {
        start_ns: list(group)
        for start_ns, group in groupby(epochs, lambda epoch: epoch.start_ns // MINUTE_NS * MINUTE_NS)
    }
    assert [minute.start_ns for minute in minutes] == list(within)
    for minute in minutes:
        seconds = within[minute.start_ns]
        assert minute.upright_s + minute.slouched_s + minute.unknown_s == len(seconds)
        for name in ("received", "missing", "corrupt"):
            assert getattr(minute, name) == sum(getattr(epoch, name) for epoch in seconds)
        for activity, lasted_s in minute.activity_s:
            assert lasted_s == sum(epoch.activity is activity for epoch in seconds)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_run_that_is_stopped_ends_whole(started: dict[str, Started], name: str) -> None:
    """Once calibrated, by either signal: exit code 0, not a word of trouble, every second in its minute."""
    run = started[name]
    run.until("calibrated")
    run.process.send_signal(signal.Signals[name])
    _, said = run.ended(PATIENCE_S)

    assert run.process.returncode == Exit.OK
    assert said.startswith("a SIMULATED clip: ")
    assert said.splitlines()[1:] == [f"the journal is {run.journal}"]
    with JournalReader.open(run.journal) as reader:
        assert reader.check() == []
        assert reader.count(CALIBRATION) == 1
        starts_ns = [epoch.start_ns for epoch in reader.read(EPOCH, STREAM)]
        assert len(starts_ns) >= 17
        assert starts_ns == list(range(starts_ns[0], starts_ns[-1] + 1, SECOND_NS))
        assert_minutes_add_up(reader)


def test_a_run_that_is_killed_goes_on_when_begun_anew(started: dict[str, Started]) -> None:
    """`kill -9`: no second is there twice, those it was away are told as gap, and the minute goes on adding up."""
    killed = started["SIGKILL"]
    killed.until("calibrated")
    killed.process.kill()
    killed.process.wait(PATIENCE_S)
    with JournalReader.open(killed.journal) as reader:
        before = list(reader.read(EPOCH, STREAM))
    started["anew"] = again = Started.simulated(killed.folder)
    again.until("calibrated")
    again.process.terminate()
    again.ended(PATIENCE_S)

    assert again.process.returncode == Exit.OK
    with JournalReader.open(again.journal) as reader:
        assert reader.check() == []
        assert reader.count(CALIBRATION) == 2
        epochs = list(reader.read(EPOCH, STREAM))
        starts_ns = [epoch.start_ns for epoch in epochs]
        assert epochs[: len(before)] == before
        assert starts_ns == list(range(starts_ns[0], starts_ns[-1] + 1, SECOND_NS))
        away = [epoch for epoch in epochs[len(before) :] if epoch.activity is Activity.GAP]
        assert len(away) >= 2
        assert sum(epoch.missing for epoch in away) > 50
        assert_minutes_add_up(reader)


def test_the_demo_shows_one_slouch_and_one_alert(started: dict[str, Started]) -> None:
    """In a minute and a half at most: says that the clip is simulated and where the journal is; exit code 0."""
    demo = started["demo"]
    said, wrong = demo.ended(demo.since_s + DEMO_S - time.monotonic())

    assert (demo.process.returncode, wrong) == (Exit.OK, "")
    assert "SIMULATED" in said
    (path,) = {line.split()[-1] for line in said.splitlines() if line.startswith("The journal lies at ")}
    assert Path(path).is_relative_to(demo.folder)
    assert said.count("Told you: ") == 1
    with JournalReader.open(Path(path)) as reader:
        assert reader.check() == []
        kinds = [event.kind for event in reader.read(EVENT, STREAM)]
        assert sorted(kinds) == [
            EventKind.CALIBRATED,
            EventKind.SETTINGS_CHANGED,
            EventKind.SLOUCH_ALERT,
            EventKind.SLOUCH_ENDED,
            EventKind.SLOUCH_STARTED,
        ]
        assert [(each.alerts, each.end) for each in reader.read(EPISODE, STREAM)] == [(1, EpisodeEnd.SEEN)]
        assert_minutes_add_up(reader)
