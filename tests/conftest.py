"""Shared by all tests: where the recordings are, what may be skipped, and a closing count by kind of test."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("neckline", parent=settings.default, deadline=None)  # speed belongs in benchmarks
settings.load_profile("neckline")

KINDS = ("influxdb", "radio", "dbus", "qemu", "recordings")
REQUIRED = frozenset(filter(None, os.environ.get("NECKLINE_REQUIRE", "").split(",")))
"""Kinds of test that must not be skipped in this run (CI sets it)."""


def recordings_dir() -> Path:
    """Where the real recordings are: `NECKLINE_DATA`, or `../shared/data` beside the project."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("NECKLINE_DATA", beside))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Give the folder of real recordings, or skip with the reason."""
    folder = recordings_dir()
    if not folder.is_dir():
        pytest.skip(f"no recordings in {folder}: set NECKLINE_DATA to the folder that holds them")
    return folder


_outcomes: Counter[tuple[str, str]] = Counter()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Count outcomes by kind; a skip of a required kind is a failure."""
    report = yield
    if report.when == "call" or report.outcome != "passed":
        for kind in KINDS:
            if item.get_closest_marker(kind) is None:
                continue
            if report.skipped and kind in REQUIRED:
                report.outcome = "failed"
                report.longrepr = (
                    f"required here (NECKLINE_REQUIRE names {kind}), but skipped: {report.longrepr}"
                )
            _outcomes[kind, report.outcome] += 1
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name how many tests really ran against each real part."""
    for kind in KINDS:
        counts = ", ".join(f"{n} {outcome}" for (k, outcome), n in sorted(_outcomes.items()) if k == kind)
        if counts:
            terminalreporter.write_line(f"tests with real {kind}: {counts}")
