"""The picture of the live view, at the sizes that terminals have: nothing is wider, nothing that counts is missing."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from neckline.screen.picture import NOT_CALIBRATED, Line, draw
from neckline.screen.scale import HIGH_DEG, LOW_DEG, scale
from neckline.screen.words import ACTIVITY_WORDS
from neckline.wearing.calibrating import PoseName, Prompt
from neckline.wearing.status import ChannelStatus, InfluxStatus, JournalStatus, Status, Today
from processing.errors import Refusal
from processing.outputs import Activity, Posture, Stance
from processing.settings import Mode
from processing.state import Now
from sensor.samples import BatteryReading, LinkChange, LinkState
from storage.errors import DiskFullError
from tests.neckline.services import reference

SIZES = [(60, 20), (80, 24), (120, 40)]
NOW_NS = round(datetime(2026, 3, 2, 14, 30, tzinfo=UTC).timestamp()) * 10**9
HOUR_NS = 3600 * 10**9
NOW = Now(
    time_ns=NOW_NS,
    sagittal_deg=26.4,
    lateral_deg=-3.0,
    activity=Activity.STILL,
    stance=Stance.SITTING,
    posture=Posture.SLOUCHED,
    threshold_deg=13.0,
    off_deg=9.0,
    hold_progress=0.5,
)
STATUS = Status(
    time_ns=NOW_NS,
    started_ns=NOW_NS - 6 * HOUR_NS,
    wearer="w-7f3a9c21",
    placement="t4",
    clip="WT901BLE",
    simulated=False,
    now=NOW,
    hold_s=60.0,
    mode=Mode.COACH,
    link=LinkChange(NOW_NS, LinkState.STREAMING),
    battery=BatteryReading(NOW_NS, 81.0, 3.94),
    calibrated_ns=NOW_NS - HOUR_NS,
    suspect="",
    today=Today(18_700, 4_300, 11_500, 9, 7),
    last_alert_ns=NOW_NS - HOUR_NS,
    snoozed_until_ns=None,
    alerts_from_ns=NOW_NS,
    journal=JournalStatus(Path("/data/journal.db")),
    influxdb=InfluxStatus(0, None, 0),
    channels=(ChannelStatus("desktop", 7),),
)
IN_DAYS_NS = NOW_NS + 100 * HOUR_NS


def printed(
    status: Status,
    width: int,
    height: int,
    *,
    prompt: Prompt | None = None,
    lines: tuple[Line, ...] = (),
    **options: Any,
) -> str:
    """Return what a terminal of this size is sent."""
    sent = io.StringIO()
    console = Console(
        file=sent, width=width, height=height, force_terminal=True, legacy_windows=False, **options
    )
    console.print(draw(status, lines, prompt, width, height, UTC), end="")
    return sent.getvalue()


def seen(status: Status, width: int, height: int, **options: Any) -> str:
    """Return the letters that are seen, as lines."""
    return Text.from_ansi(printed(status, width, height, color_system=None, **options)).plain


# ---- what counts is there --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_everything_that_counts_is_there(width: int, height: int) -> None:
    """Posture, angle, hold, threshold, the day after six hours, alerts, clip, battery, reference, journal, channel."""
    picture = seen(STATUS, width, height)
    for fact in (
        *("w-7f3a9c21", "▲ slouched", "26° forward", "30 of 60 s", "13° threshold", "quiet", "▼"),
        *("5 h 12 min", "1 h 12 min", "3 h 12 min", "7 today, the last at 13:30"),
        *("WT901BLE  streaming", "81 %", "calibrated 13:30, 1 h ago", "/data/journal.db", "up to date"),
        "Ctrl-C stops and keeps everything",
    ):
        assert fact in picture
    assert "…" not in picture
    assert "SIMULATED" not in picture
    assert "SIMULATED CLIP" in seen(replace(STATUS, simulated=True), width, height)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("activity", [None, *Activity])
def test_what_is_not_judged_says_why(width: int, height: int, activity: Activity | None) -> None:
    """With the angle, and the hold that waits: nothing of these is cut."""
    now = replace(NOW, activity=activity, posture=Posture.UNKNOWN, sagittal_deg=-10.4, hold_progress=1.0)
    lines = seen(replace(STATUS, now=now), width, height).splitlines()
    assert "○ not judged" in lines[2]
    assert "10° back" in lines[2]
    assert lines[2].rstrip("│ ").endswith("sustained")
    assert (ACTIVITY_WORDS[activity] if activity else "–") in lines[7]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"snoozed_until_ns": IN_DAYS_NS}, "○ snoozed until Fri 06 Mar 18:30"),
        ({"alerts_from_ns": IN_DAYS_NS}, "○ off until Fri 06 Mar 18:30"),
        ({"alerts_from_ns": None}, "○ outside your alert hours"),
        ({"mode": Mode.TRACK}, "○ mode track: no alerts"),
        ({"mode": Mode.OFF}, "○ mode off: nothing is told"),
        ({"calibrated_ns": None}, NOT_CALIBRATED),
        ({"suspect": "the angles wander"}, "Alerts wait: neckline calibrate"),
        ({"suspect": "the angles wander"}, "calibrated 13:30, in doubt"),
        ({"calibrated_ns": NOW_NS - 20 * HOUR_NS}, "○ calibrated Sun 01 Mar 18:30: do it anew"),
        ({"now": replace(NOW, hold_progress=1.0)}, "A good moment to sit back or get up."),
        ({"now": replace(NOW, stance=Stance.STANDING)}, "quiet  standing"),
        ({"link": LinkChange(1, LinkState.WAITING, "it is gone")}, "▲ WT901BLE  waiting: it is gone"),
        ({"link": None}, "○ WT901BLE  not looked for yet"),
        ({"journal": JournalStatus(Path("/data/journal.db"), 9, 0, "it hangs")}, "▲ it hangs (9 rows wait)"),
        ({"influxdb": InfluxStatus(12, 1, 0)}, "12 rows to go"),
        ({"influxdb": InfluxStatus(12, 1, 0, "it is away")}, "▲ it is away (12 rows wait)"),
        ({"influxdb": InfluxStatus(0, None, 3)}, "▲ 3 rows were refused for good"),
        ({"channels": (ChannelStatus("desktop", trouble="none is here"),)}, "○ desktop: none is here"),
    ],
)
def test_what_is_otherwise_is_said(width: int, height: int, change: dict[str, Any], fact: str) -> None:
    """Each in words that are whole, at the narrowest too."""
    assert fact in seen(replace(STATUS, **change), width, height)


def test_a_full_disk_says_what_to_do_on_a_small_terminal() -> None:
    """However long the journal's path."""
    path = Path("/home/somebody/.local/share/neckline/journal.db")
    full = DiskFullError(path)
    status = replace(STATUS, journal=JournalStatus(path, 12, 0, f"{full}: {full.way_out}"))
    assert "▲ the disk that holds journal.db is full: make room, " in seen(status, 80, 24)


# ---- a calibration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_calibration_stands_in_place_of_the_scale(width: int, height: int) -> None:
    """What to do, for how long; at its end the threshold, or why not and what to do: all of it."""
    asked = Prompt("Sit tall", PoseName.UPRIGHT, hold=True, seconds=5.0, remaining_s=2.0)
    picture = seen(STATUS, width, height, prompt=asked)
    assert "hold the pose" in picture
    assert "Sit tall" in picture
    assert "2 s" in picture
    assert "▼" not in picture
    assert picture.count("█") > 0.5 * (width - 9)

    done = seen(STATUS, width, height, prompt=Prompt("Calibrated", done=reference()))
    assert "● Calibrated" in done
    assert "Your threshold is 13°; your slump was at 26°" in done

    why = f"{'the poses are too close, ' * 4}so slump as on a tired afternoon ({Refusal.POSES_TOO_CLOSE})"
    refused = seen(STATUS, width, height, prompt=Prompt("That did not work", refused=why))
    assert "▲ That did not work" in refused
    assert why in " ".join(refused.replace("│", " ").split())


# ---- any status ------------------------------------------------------------------------------------------------------

TIMES_NS = st.integers(NOW_NS - 10**16, NOW_NS + 10**16)
ANGLES = st.none() | st.floats(-180, 180)
TEXTS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=120)
STATUSES = st.builds(
    Status,
    time_ns=TIMES_NS,
    started_ns=TIMES_NS,
    wearer=st.from_regex(r"w-[0-9a-z]{4,32}", fullmatch=True),
    placement=st.sampled_from(["t4", "c7", "chest"]),
    clip=TEXTS,
    simulated=st.booleans(),
    now=st.builds(
        Now,
        time_ns=TIMES_NS,
        sagittal_deg=ANGLES,
        lateral_deg=ANGLES,
        activity=st.none() | st.sampled_from(Activity),
        stance=st.sampled_from(Stance),
        posture=st.sampled_from(Posture),
        threshold_deg=st.none() | st.floats(5, 45),
        off_deg=st.none() | st.floats(-2, 45),
        hold_progress=st.floats(0, 1),
    ),
    hold_s=st.floats(5, 600),
    mode=st.sampled_from(Mode),
    link=st.none() | st.builds(LinkChange, TIMES_NS, st.sampled_from(LinkState), TEXTS),
    battery=st.none() | st.builds(BatteryReading, TIMES_NS, st.floats(0, 100)),
    calibrated_ns=st.none() | TIMES_NS,
    suspect=TEXTS,
    today=st.builds(Today, *[st.integers(0, 86400)] * 3, st.integers(0, 999), st.integers(0, 999)),
    last_alert_ns=st.none() | TIMES_NS,
    snoozed_until_ns=st.none() | TIMES_NS,
    alerts_from_ns=st.none() | TIMES_NS,
    journal=st.builds(JournalStatus, st.just(Path("/data/j.db")), st.integers(0, 50_000), st.just(0), TEXTS),
    influxdb=st.none() | st.builds(InfluxStatus, st.integers(0, 10**9), st.none(), st.integers(0, 99), TEXTS),
    channels=st.lists(st.builds(ChannelStatus, TEXTS, trouble=TEXTS), max_size=4).map(tuple),
)
PROMPTS = st.none() | st.builds(
    Prompt,
    TEXTS,
    st.sampled_from(PoseName),
    st.booleans(),
    st.sampled_from([0.0, 3.0, 5.0]),
    st.floats(0, 5),
    st.none(),
    TEXTS,
)
LINES = st.lists(st.builds(Line, TIMES_NS, st.booleans(), TEXTS), max_size=50).map(tuple)


@given(
    status=STATUSES,
    prompt=PROMPTS,
    lines=LINES,
    size=st.sampled_from(SIZES) | st.tuples(st.integers(24, 250), st.integers(3, 80)),
)
@example(status=STATUS, prompt=None, lines=(), size=(60, 20))
def test_no_line_is_wider_than_the_terminal(
    status: Status, prompt: Prompt | None, lines: tuple[Line, ...], size: tuple[int, int]
) -> None:
    """Whatever is so: exactly as many lines as there are, each as wide as the terminal; and posture, never cut."""
    width, height = size
    picture = seen(status, width, height, prompt=prompt, lines=lines).splitlines()
    assert [cell_len(line) for line in picture] == [width] * height
    if prompt is None and width >= 60 and height >= 12:
        known = status.now.posture is not Posture.UNKNOWN
        assert (status.now.posture if known else "not judged") in picture[2]
        assert "…" not in picture[2]
        assert f"{status.today.alerts or 'none'} today" in picture[10]


@given(status=STATUSES, lines=LINES)
def test_colours_add_nothing_that_is_not_there_without_them(status: Status, lines: tuple[Line, ...]) -> None:
    """The letters are the same with all colours and with none."""
    coloured = printed(status, 80, 24, lines=lines, color_system="truecolor")
    assert Text.from_ansi(coloured).plain == seen(status, 80, 24, lines=lines)


def test_no_color_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR set not one colour is sent."""
    colour = re.compile(r"\x1b\[[0-9;]*(3[0-8]|4[0-8]|9[0-7])[;m]")
    assert colour.search(printed(STATUS, 80, 24, color_system="truecolor"))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour.search(printed(STATUS, 80, 24, color_system="truecolor"))


# ---- the scale -------------------------------------------------------------------------------------------------------


@given(
    columns=st.integers(20, 200),
    sagittal_deg=st.floats(-60, 90),
    threshold_deg=st.floats(5, 45),
    hysteresis_deg=st.floats(0, 7),
)
def test_the_scale_marks_angle_and_threshold_at_their_columns(
    columns: int, sagittal_deg: float, threshold_deg: float, hysteresis_deg: float
) -> None:
    """Within half a column of where they are from end to end; what is beyond an end is at it. Shaded from off to on."""
    now = replace(
        NOW,
        sagittal_deg=sagittal_deg,
        threshold_deg=threshold_deg,
        off_deg=threshold_deg - hysteresis_deg,
    )
    pointer, track, labels = (line.plain for line in scale(now, columns, "red"))

    def where(deg: float) -> float:
        return (min(max(deg, LOW_DEG), HIGH_DEG) - LOW_DEG) / (HIGH_DEG - LOW_DEG) * (columns - 1)

    assert len(track) == columns
    assert pointer.strip() == "▼"
    assert pointer.index("▼") == pytest.approx(where(sagittal_deg), abs=0.501)
    assert track.count("┃") == 1
    assert track.index("┃") == pytest.approx(where(threshold_deg), abs=0.501)
    shaded = [at for at, mark in enumerate(track) if mark in "╌╍"]
    assert len(shaded) == pytest.approx(
        where(threshold_deg) - where(threshold_deg - hysteresis_deg), abs=1.01
    )
    assert shaded == list(range(track.index("┃") - len(shaded), track.index("┃")))
    assert f"{threshold_deg:.0f}° threshold" in labels
    assert len(labels) <= columns


def test_the_scale_without_anything_to_tell() -> None:
    """No angle, no threshold: an empty scale with its degrees."""
    nothing = replace(NOW, sagittal_deg=None, threshold_deg=None, off_deg=None)
    pointer, track, labels = (line.plain for line in scale(nothing, 61, "red"))
    assert (pointer, track) == ("", "─" * 10 + "┼" + "─" * 50)
    assert labels.split() == ["-10°", "0°", "10°", "20°", "30°", "40°", "50°"]
    assert [labels.index(each) for each in ("10°", "20°")] == [1, 29]
