"""The house itself: who owns the names, what the errors promise, what the words may not claim."""

import importlib
import pkgutil
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = ("firmware_protocol", "sensor", "processing", "storage", "dashboards", "neckline")
FORBIDDEN_CLAIMS = re.compile(
    r"\b(diagnos(e|es|ing) |treats\b|prevents (pain|injury)|clinically proven|cures?\b|billable)",
    re.IGNORECASE,
)


def test_no_other_distribution_owns_our_names() -> None:
    """The rooms have generic names, so neckline must be alone with them in its environment."""
    owners = packages_distributions()
    for package in PROJECT["tool"]["setuptools"]["packages"]:
        assert set(owners.get(package.partition(".")[0], ["neckline"])) == {"neckline"}, package


def test_every_package_is_listed() -> None:
    """A folder with an `__init__.py` in a room is in the explicit list, and nothing else is."""
    found = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for room in ROOMS
        for init in (ROOT / room).rglob("__init__.py")
    }
    assert found == set(PROJECT["tool"]["setuptools"]["packages"])


@pytest.mark.parametrize("room", ROOMS)
def test_errors_of_a_room_have_one_base_that_inherits_a_builtin(room: str) -> None:
    """Each room's errors share one base in its `errors` module, and no error is raised from elsewhere in it."""
    bases = set()
    package = importlib.import_module(room)
    errors = importlib.import_module(f"{room}.errors")
    builtins = (ValueError, RuntimeError, OSError, LookupError)
    for info in pkgutil.walk_packages(package.__path__, f"{room}."):
        if ".virtual" in info.name:
            continue
        module = importlib.import_module(info.name)
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Exception) and thing.__module__.startswith(room):
                assert thing.__module__ == errors.__name__, f"{thing} is not in {room}.errors"
                bases.add(next(c for c in reversed(thing.__mro__) if c.__module__ == errors.__name__))
    assert len(bases) == 1
    assert issubclass(bases.pop(), builtins)


def test_modules_fit_one_sitting() -> None:
    """No module over 500 lines: it is split by noun before."""
    for path in (p for room in (*ROOMS, "benchmarks", "tests") for p in (ROOT / room).rglob("*.py")):
        assert len(path.read_text().splitlines()) <= 500, path


def test_no_forbidden_claims() -> None:
    """Wellness and conversation support: the pages and screens claim nothing medical."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    screens = [p for room in ("neckline", "dashboards") for p in (ROOT / room).rglob("*.py")]
    for path in (*pages, *screens):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            claim = FORBIDDEN_CLAIMS.search(line)
            assert claim is None or "never" in line, f"{path.name}:{number}: {line.strip()}"
