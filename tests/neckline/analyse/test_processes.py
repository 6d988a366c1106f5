"""`neckline analyse` in processes: Ctrl-C, a kill, and one that is lost on the way."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from neckline.exits import Exit
from tests.neckline.analyse.tables import SPANS, table
from tests.neckline.conftest import Home
from tests.processing.people import Held

ROOT = Path(__file__).resolve().parents[3]
LONG_S = 2400
MAIN = "from neckline.cli.app import main; main()"

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for processes in /proc")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Give a short recording and three long ones: when the first is told, the others are under way."""
    folder = tmp_path_factory.mktemp("recordings")
    long = table(folder / "long1.csv", (Held(LONG_S / 2), Held(LONG_S / 2, 22)))
    others = [Path(shutil.copy(long, folder / f"long{n}.csv")) for n in (2, 3)]
    return [table(folder / "short.csv"), long, *others]


@pytest.fixture
def running(home: Home, recordings: list[Path]) -> Iterator[subprocess.Popen[str]]:
    """Give a process that has told of the first recording and is at the others."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "analyse", *map(str, recordings), *SPANS, "--jobs", "2"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert "angles from the pose of" in process.stdout.readline()
    assert recordings[0].name in process.stdout.readline()
    yield process
    process.kill()
    process.communicate(timeout=60)


def children(process: subprocess.Popen[str]) -> list[int]:
    """Return the processes that judge."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_ctrl_c_stops_all_of_them(running: subprocess.Popen[str]) -> None:
    """Everybody in the terminal's group hears it: what was told stays told, the code is 130, nothing is left behind."""
    assert len(children(running)) == 2
    os.killpg(running.pid, signal.SIGINT)
    # The pipes end when the last process that holds them has gone.
    out, err = running.communicate(timeout=60)
    assert running.returncode == Exit.INTERRUPTED
    assert "Traceback" not in out + err
    assert not err.strip()
    assert "long3.csv" not in out


def test_nobody_outlives_the_first_process(running: subprocess.Popen[str]) -> None:
    """Killed, it cannot tell the others to stop; they notice."""
    assert len(children(running)) == 2
    running.kill()
    _, err = running.communicate(timeout=60)
    assert "Traceback" not in err


def test_a_process_that_is_lost_costs_nothing(running: subprocess.Popen[str], recordings: list[Path]) -> None:
    """The first process says so once, does the work itself, and every recording is told."""
    for pid in children(running):
        os.kill(pid, signal.SIGKILL)
    out, err = running.communicate(timeout=240)
    assert running.returncode == Exit.OK
    assert err.count("a process was lost") == 1
    assert "Traceback" not in err
    for path in recordings[1:]:
        assert f"{path}: 40 min" in out
    assert f"all {len(recordings)} recordings" in out


def test_json_is_whole_on_a_pipe(home: Home) -> None:
    """One document on standard output, also from several processes."""
    paths = [table(home.folder / f"{n}.csv", (Held(30), Held(30, 22))) for n in range(2)]
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "analyse", *map(str, paths), "--upright", "4:10", "--json"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert not done.stderr
    assert len(json.loads(done.stdout)["recordings"]) == 2
