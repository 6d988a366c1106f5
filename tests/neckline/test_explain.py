"""explain: an alert of a wearer whose answer is known, in figures and as a line."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from neckline.commands.explain import BARS, NOT_JUDGED, sparkline
from neckline.exits import Exit
from processing.outputs import Activity, Epoch, Event, EventKind, Posture
from tests.neckline.conftest import WEARER, Home, Said
from tests.neckline.test_data_commands import recording, stored

Neckline = Callable[..., Said]
__all__ = ["recording", "stored"]


def test_the_last_alert_tells_what_it_rests_on(neckline: Neckline, stored: Home) -> None:
    """Threshold, hold, angles, reference and samples are those of the slouch that was held; the JSON has them, too."""
    text = neckline("explain")
    assert text.code == Exit.OK
    assert "beyond 12° and stayed there for 60 s" in text.out
    assert "22° on average" in text.out
    assert "100% of them arrived" in text.out
    line = next(line.strip() for line in text.out.splitlines() if BARS[-1] in line)
    assert line.startswith(BARS[0])

    told = json.loads(neckline("explain", "--json").out)
    assert told["event"]["kind"] == "slouch_alert"
    evidence = told["event"]["evidence"]
    assert evidence["calibration_id"] in text.out
    assert evidence["mean_deg"] == pytest.approx(22, abs=1)
    assert len(told["epochs"]) > 60


def test_an_alert_that_is_not_there_is_told(neckline: Neckline, stored: Home) -> None:
    """A time without an alert, and words that are no time, each get a sentence and a code."""
    absent = neckline("explain", "2020-01-01T10:00")
    assert (absent.code, absent.out) == (Exit.NOTHING, "")
    assert f"no alert of {WEARER} at 2020-01-01T10:00" in absent.err
    assert neckline("explain", "yesterday").code == Exit.USAGE


def test_another_wearer_of_the_journal_can_be_named(neckline: Neckline, stored: Home) -> None:
    """As the simulated one of a demo; what is told to be absent is told of whom."""
    assert neckline("explain", "--wearer", WEARER).out == neckline("explain").out
    other = neckline("explain", "--wearer", "w-simulated")
    assert other.code == Exit.NOTHING
    assert "no alert of w-simulated in the journal" in other.err
    assert neckline("explain", "--wearer", "Anna Bauer").code == Exit.USAGE


def test_the_line_stands_over_its_marks() -> None:
    """A column a second: bars by the angle, dots where nothing was judged, onset and alert below their seconds."""
    second = Epoch(0, 50, 0, 0, Activity.STILL, Posture.UPRIGHT, 0.0, 0.0, 0.0)
    epochs = [replace(second, start_ns=k * 10**9, sagittal_deg=30.0 if k >= 4 else 0.0) for k in range(10)]
    epochs[2] = replace(epochs[2], activity=Activity.MOVING, posture=Posture.UNKNOWN)
    event = Event(8 * 10**9, EventKind.SLOUCH_ALERT, onset_ns=4 * 10**9)

    bars, marks, _ = sparkline(event, epochs)

    assert bars == BARS[0] * 2 + NOT_JUDGED + BARS[0] + BARS[-1] * 6
    assert (marks.index("◣"), marks.index("▲")) == (4, 8)
