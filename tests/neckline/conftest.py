"""Fixtures of the tests of the command line: a home of its own, commands in this process, a virtual radio."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from neckline.cli import app as cli
from neckline.configuration.file import change
from neckline.configuration.template import template
from tests.storage.conftest import influxd, own, server
from tests.storage.test_disk import disk

__all__ = ["disk", "influxd", "own", "server"]

WEARER = "w-7f3a9c21"


@dataclass(frozen=True, slots=True)
class Home:
    """A person's own files."""

    folder: Path
    config: Path
    journal: Path

    def set(self, **tables: dict[str, str | float | bool]) -> None:
        """Write settings into the configuration; one that is not there yet begins as a fresh one."""
        change(self.config, tables, otherwise=template(WEARER))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Give a home in which nothing of neckline is yet, and an environment that knows nothing of it."""
    for name in [name for name in os.environ if name.startswith("NECKLINE_")]:
        monkeypatch.delenv(name)
    home = Home(tmp_path, tmp_path / "config.toml", tmp_path / "journal.db")
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("NECKLINE_JOURNAL", str(home.journal))
    monkeypatch.chdir(tmp_path)
    return home


@dataclass(frozen=True, slots=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def neckline(home: Home, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Give a way to call commands as from a shell; none of them may ever show a traceback."""

    def call(*words: object) -> Said:
        config = ["--config", str(home.config)] if home.config.exists() else []
        code = cli.call([*config, *map(str, words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Said(int(code), out, err)

    return call
