"""An installation as the README tells it, without extras: everything that needs none works, the rest says what is lacking."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neckline.exits import Exit
from tests.neckline.conftest import Home

ROOT = Path(__file__).resolve().parents[2]
CALL = """
import sys
sys.modules |= dict.fromkeys(("pyarrow", "bumble", "nicegui"))  # as if they were not installed
from neckline.cli.app import main
main()
"""
TABLE = "time_ns,acc_x_mps2,acc_y_mps2,acc_z_mps2\n" + "".join(
    f"{1_767_225_600_000_000_000 + k * 20_000_000},{k % 5 / 50},{9.79 + k % 7 / 100},{k % 3 / 50}\n"
    for k in range(1000)
)


def said(*words: object) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", CALL, "--config", "config.toml", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_what_needs_no_extra_works_without(home: Home) -> None:
    """A table is replayed and judged again, a visit noted, the journal looked at and exported."""
    home.set()
    (home.folder / "day.csv").write_text(TABLE)
    for words in (
        ("replay", "day.csv", "--upright", "1:6", "--into", home.journal),
        ("analyse", "day.csv", "--upright", "1:6"),
        ("visit", "2026-01-02"),
        ("analyse", "--until", "2026-02-01"),
        ("export", "--format", "csv", "out"),
    ):
        done = said(*words)
        assert (done.returncode, words) == (Exit.OK, words), done.stderr


@pytest.mark.parametrize(
    ("words", "code", "extra"),
    [
        (["replay", "."], Exit.RECORDING, "export"),
        (["analyse", "day.parquet"], Exit.RECORDING, "export"),
        (["export", "--format", "motion-bids", "out"], Exit.EXPORT, "export"),
        (["run", "--simulated"], Exit.UNWELL, "virtual"),
        (["demo"], Exit.UNWELL, "virtual"),
    ],
)
def test_what_needs_an_extra_names_it(
    home: Home, monkeypatch: pytest.MonkeyPatch, words: list[str], code: Exit, extra: str
) -> None:
    """One sentence and the way out; nothing is left behind."""
    home.set()
    monkeypatch.setenv("TMPDIR", str(home.folder))
    before = sorted(home.folder.iterdir())
    done = said(*words)
    assert done.returncode == code, done.stderr
    assert f"extra `{extra}`" in done.stderr
    assert sorted(home.folder.iterdir()) == before
