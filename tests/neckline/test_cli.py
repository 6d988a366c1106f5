"""The command line itself: what it costs to ask for little, what it does with words that it does not know."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from neckline.cli.app import call
from neckline.exits import Exit
from storage.entries import Stream
from storage.reader import JournalReader
from storage.schema import EPOCH
from tests.neckline import manual
from tests.neckline.conftest import Home, Said

Neckline = Callable[..., Said]
HEAVY = ("numpy", "scipy", "vqf", "bleak", "bumble", "influxdb_client", "apprise", "desktop_notifier")


@pytest.mark.parametrize("words", [["--version"], ["config", "path"], ["config", "check"], ["--help"]])
def test_small_questions_load_no_large_library(home: Home, words: list[str]) -> None:
    """They answer at once: neither numerics nor Bluetooth nor a database client is imported."""
    code = f"import sys; from neckline.cli.app import call; call({words!r}); print([m for m in {HEAVY!r} if m in sys.modules])"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.splitlines()[-1] == "[]"


def test_version(neckline: Neckline) -> None:
    """Name and version, as data."""
    said = neckline("--version")
    assert said.code == Exit.OK
    assert said.out.startswith("neckline 0.")


@pytest.mark.parametrize(
    "words", [["frobnicate"], [], ["scan", "--wrong"], ["scan", "--seconds", "soon"], ["replay"]]
)
def test_words_that_are_not_known(neckline: Neckline, words: list[str]) -> None:
    """A sentence, where help is, exit code 2, nothing on standard output."""
    said = neckline(*words)
    assert (said.code, said.out) == (Exit.USAGE, "")
    assert said.err.startswith("neckline: ")
    assert "--help" in said.err


@pytest.mark.parametrize("name", [name for name, _ in manual.commands()])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output, exit code 0."""
    assert call([*name.split()[1:], "--help"]) == Exit.OK
    assert name in capsys.readouterr().out


# ---- config ----------------------------------------------------------------------------------------------------------


def test_config_from_nothing_to_right(neckline: Neckline, home: Home) -> None:
    """Path, a fresh file, a check; a second fresh file is refused; a mistake is told with line and way out."""
    said = neckline("--config", home.config, "config", "path")
    assert said.out.strip() == str(home.config)
    said = neckline("--config", home.config, "config", "check")
    assert said.code == Exit.CONFIG
    assert "there is no configuration file" in said.err
    assert neckline("--config", home.config, "config", "init").code == Exit.OK
    assert home.config.stat().st_mode & 0o777 == 0o600
    before = home.config.read_text()
    said = neckline("config", "init")
    assert said.code == Exit.CONFIG
    assert home.config.read_text() == before
    assert neckline("config", "check").out.strip() == f"{home.config}: OK"
    line = before.splitlines().index("[detector]") + 2
    home.config.write_text(before.replace("[detector]\n", "[detector]\nhold = 30\n"))
    said = neckline("config", "check")
    assert said.code == Exit.CONFIG
    assert f"{home.config}, line {line}: unknown key detector.hold; did you mean detector.hold_s?" in said.err
    assert "→ correct the file" in said.err


def test_every_command_that_reads_it_refuses_a_wrong_configuration(neckline: Neckline, home: Home) -> None:
    """With the same sentence and code, before it does anything."""
    home.config.write_text("[alerts]\nmode = 'couch'\n")
    for words in (
        ["pair"],
        ["calibrate"],
        ["run"],
        ["status"],
        ["snooze", "1h"],
        ["export", "x"],
        ["replay", "x"],
    ):
        said = neckline(*words)
        assert said.code == Exit.CONFIG, words
        assert (
            'line 2: alerts.mode must be one of coach, track, off, not "couch"; did you mean "coach"?'
            in said.err
        )
    assert not home.journal.exists()


def test_a_readable_secret_is_warned_of(neckline: Neckline, home: Home) -> None:
    """On standard error, once, and the command goes on."""
    secret = home.folder / "urls.txt"
    secret.write_text("ntfy://x")
    secret.chmod(0o644)
    home.set(alerts={"push_file": "urls.txt"})
    said = neckline("config", "check")
    assert said.code == Exit.OK
    assert said.err.count("warning: alerts.push_file: others on this computer can read") == 1


def test_the_option_goes_before_the_environment_before_the_file(
    neckline: Neckline, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the configuration and for the journal, whose option may stand before the command or behind it."""
    other = home.folder / "other.toml"
    monkeypatch.setenv("NECKLINE_CONFIG", str(other))
    assert neckline("config", "path").out.strip() == str(other)
    assert neckline("--config", home.config, "config", "path").out.strip() == str(home.config)
    monkeypatch.delenv("NECKLINE_CONFIG")
    home.set(journal={"path": "by-file.db"})

    def journal(*words: str) -> str:
        return Path(json.loads(neckline(*words).out)["journal"]["path"]).name

    for name in ("by-file.db", "by-option.db", home.journal.name):
        assert neckline("--journal", home.folder / name, "snooze", "1h").code == Exit.OK
    assert journal("status", "--json") == home.journal.name
    assert journal("--journal", "by-option.db", "status", "--json") == "by-option.db"
    assert journal("status", "--json", "--journal", "by-option.db") == "by-option.db"
    monkeypatch.delenv("NECKLINE_JOURNAL")
    assert journal("status", "--json") == "by-file.db"


def test_run_without_clip_or_wearer_says_what_to_do(neckline: Neckline, home: Home) -> None:
    """Before Bluetooth is touched and before a journal is made."""
    said = neckline("run")
    assert said.code == Exit.CONFIG
    assert "`neckline pair`" in said.err
    assert neckline("run", "--simulated", "--record", "x.jsonl").code == Exit.USAGE
    assert not home.journal.exists()


def shell(*words: str, **environment: str) -> subprocess.Popen[bytes]:
    """Start the real command in a process of its own."""
    code = "from neckline.cli.app import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("words", [["doctor"], ["doctor", "--json"], ["run", "--help"], ["--version"]])
def test_a_reader_that_goes_away_is_no_fault(home: Home, words: list[str]) -> None:
    """`neckline … | head -0` ends quietly, with 0, whoever writes: rich, print or typer."""
    with shell(*words, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={home.folder}/no-bus") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == Exit.OK


def test_an_error_keeps_its_code_when_nobody_listens(home: Home) -> None:
    """`neckline … 2>&1 | head -0`: neither words nor data can be given, and what went wrong did."""
    with shell("status") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()
    assert process.returncode == Exit.JOURNAL


def test_a_terminal_that_knows_few_letters_is_no_fault(home: Home) -> None:
    """What it cannot show is shown by letters that it has; the code stays right."""
    with shell("status", PYTHONIOENCODING="ascii") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == Exit.JOURNAL
    assert out == b""
    assert err.splitlines()[1].startswith(b"-> `neckline run` makes one")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_standard_output_is_no_fault_of_ours(home: Home) -> None:
    """`neckline … > file` says what is wrong, and asks nobody to report it."""
    code = "from neckline.cli.app import main; main()"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, "config", "path"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == Exit.EXPORT
    assert "cannot be written: No space left" in done.stderr
    assert "report" not in done.stderr
    assert not list(home.folder.rglob("*.log"))


@pytest.mark.radio
def test_a_simulated_run_ends_with_ctrl_c_and_keeps_everything(home: Home) -> None:
    """Also SIGTERM: exit code 0, a summary, and the second that was under way is in the journal, whole."""
    pytest.importorskip("bumble", reason="bumble is missing: install neckline with its extra `virtual`")
    for number, ending in enumerate((signal.SIGINT, signal.SIGTERM)):
        journal = home.folder / f"run-{number}.db"
        with shell("--journal", str(journal), "run", "--simulated", "--json") as process:
            assert process.stdout is not None
            for line in process.stdout:
                if json.loads(line)["event"] == "calibrating":
                    break
            process.send_signal(ending)
            _, err = process.communicate(timeout=60)
        assert process.returncode == Exit.OK, err
        assert b"SIMULATED" in err
        assert b"Traceback" not in err
        with JournalReader.open(journal) as reader:
            stream = Stream("w-simulated", "t4")
            assert reader.streams() == [stream]
            assert reader.count(EPOCH, stream) >= 1
            assert reader.check() == []
