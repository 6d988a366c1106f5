"""`neckline analyse` of a journal: a wearer's days as exposure, and what changed between two periods."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic_core import to_jsonable_python

from neckline.exits import Exit
from processing.exposure.columns import EpochColumns
from processing.exposure.summary import expose
from processing.outputs import Epoch, Event, EventKind, Stance
from storage.entries import Batch, Stream
from storage.journal import Journal
from storage.schema import StanceCalibration
from tests.neckline.conftest import WEARER, Home, Said
from tests.processing.exposure.written import epochs
from tests.processing.people import CALIBRATION

Neckline = Callable[..., Said]
BERLIN = ZoneInfo("Europe/Berlin")
STREAM = Stream(WEARER, "t4")
FOUR_HOURS = 4 * 3600
BEFORE, AFTER = ("2026-11-02", "2026-11-03", "2026-11-04"), ("2026-11-16", "2026-11-17", "2026-11-18")
SHORT = "2026-11-05"
"""Days of four hours; the last of one minute alone."""
ALERT_S = 120


def morning_ns(day: str) -> int:
    """Return nine o'clock of a day in Berlin."""
    return round(datetime.fromisoformat(f"{day}T09:00").replace(tzinfo=BERLIN).timestamp()) * 10**9


def line(day: str, number: int) -> str:
    """Write down a day: of 200 judged seconds 100 to 110 slouched before, 70 to 80 after."""
    slouched = (100 if day in BEFORE else 50) + 5 * number
    round_of = "s" * slouched + "u" * (200 - slouched) + "w" * 25
    return "s" * 60 if day == SHORT else (round_of * 80)[: FOUR_HOURS + FOUR_HOURS // 4]


def day_epochs(day: str, number: int) -> list[Epoch]:
    """Return the epochs of a day."""
    return epochs(line(day, number), morning_ns(day))


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a journal of seven days, with a calibration and an alert on each."""
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    with Journal.open(path, "test") as stored:
        stored.commit([Batch(STREAM, (StanceCalibration(Stance.SITTING, CALIBRATION),))])
        for number, day in enumerate((*BEFORE, SHORT, *AFTER)):
            alert = Event(morning_ns(day) + ALERT_S * 10**9, EventKind.SLOUCH_ALERT, morning_ns(day))
            stored.commit([Batch(STREAM, (*day_epochs(day, number), alert))])
    return path


@pytest.fixture
def looking(neckline: Neckline, home: Home, journal: Path) -> Neckline:
    """Give the command on that journal, in Berlin."""
    home.set()

    def look(*words: object) -> Said:
        return neckline("analyse", "--journal", journal, "--zone", "Europe/Berlin", *words)

    return look


def found(said: Said) -> Any:
    """Return what `--json` gave."""
    assert said.code == Exit.OK, said.err
    return json.loads(said.out)


# ---- one period ------------------------------------------------------------------------------------------------------


def test_the_journals_days_are_the_exposure_of_their_epochs(looking: Neckline) -> None:
    """Every figure as `processing.exposure` has it; whose, when and by which calibration stand beside it."""
    result = found(looking("--since", BEFORE[0], "--until", BEFORE[-1], "--json"))
    seconds = [epoch for number, day in enumerate(BEFORE) for epoch in day_epochs(day, number)]
    alerts_ns = [morning_ns(day) + ALERT_S * 10**9 for day in BEFORE]
    expected = expose(EpochColumns.of_epochs(seconds), alerts_ns, BERLIN)
    assert result["exposure"] == to_jsonable_python(expected)
    assert (result["wearer"], result["placement"]) == (WEARER, "t4")
    assert (result["period"], result["zone"]) == ("2026-11-02 to 2026-11-04", "Europe/Berlin")
    assert result["calibrations"] == [CALIBRATION.calibration_id]
    assert result["skipped"] == 0


SMALL_DAY = "u" * 600 + "s" * 90 + "m" * 30 + "u" * 300 + "S" * 120 + "g" * 60 + "b" * 30
"""20.5 minutes from 9:42 on: two slouches, the second cut by a gap; who comes back leans back."""
SMALL_DAY_TOLD = """\
w-7f3a9c21, t4: all that is stored, Europe/Berlin
angles from the pose of c-0522dad8
worn 20 min, judged 19 min (97%); moving 3%
slouched 4 min, 18% of judged time

angle         share  of 19 min
below 0°      3%     30 s
0 to 10°      79%    15 min
10 to 20°     8%     2 min
20 to 40°     11%    2 min
40 to 60°     0%     0 s
60° and more  0%     0 s

                       10 %    50 %    90 %    gap     rests on
angle below            2.0°    2.0°    30.0°   28.0°   19 min
change a second below  0.0°/s  0.0°/s  0.0°/s  0.0°/s  19 min

held unbroken  ≤ 1 s  ≤ 3 s  ≤ 7 s  ≤ 15 s  ≤ 31 s  ≤ 60 s  ≤ 4 min  longer  of it cut
below 0°       0%     0%     0%     0%      3%      0%      0%       0%      100%
0 to 10°       0%     0%     0%     0%      0%      0%      0%       79%     100%
10 to 20°      0%     0%     0%     0%      0%      0%      8%       0%      100%
20 to 40°      0%     0%     0%     0%      0%      0%      11%      0%      100%
40 to 60°      0%     0%     0%     0%      0%      0%      0%       0%      –
60° and more   0%     0%     0%     0%      0%      0%      0%       0%      –

slouched bouts    2, 6.3 a judged hour, 2 of a minute and more; median 105 s, 90 % up to 117 s, longest 2 min (2026-11-05 09:59), Gini 0.07, alpha 7.95; 2 cut by unknown time
breaks            1 of 20 s moving and more; longest without one at least 12 min (2026-11-05 09:42)
after alerts      upright within 30 s after 0 of 2 alerts; 1 stayed, 1 not seen (0% to 50%)

slouched at  09   10
Mon
Tue
Wed
Thu          14%  ·
Fri
Sat
Sun

day             worn    judged  slouched  median
Thu 2026-11-05  20 min  19 min  –         –       too little judged
0 valid days (with 4 h judged): fewer than 3 say little about a usual week
"""


def test_people_are_told_all_of_it(neckline: Neckline, home: Home) -> None:
    """Every figure of a small day, the judged time beside it; what is cut, unseen or too little is said to be so."""
    home.set()
    path = home.folder / "small.db"
    begin_ns = morning_ns(SHORT) + 42 * 60 * 10**9
    alerts = [Event(begin_ns + s * 10**9, EventKind.SLOUCH_ALERT, begin_ns) for s in (660, 1120)]
    with Journal.open(path, "test") as stored:
        stored.commit([Batch(STREAM, (StanceCalibration(Stance.SITTING, CALIBRATION),))])
        stored.commit([Batch(STREAM, (*epochs(SMALL_DAY, begin_ns), *alerts))])
    said = neckline("analyse", "--journal", path, "--zone", "Europe/Berlin")
    assert said.code == Exit.OK
    assert not said.err
    assert [line.rstrip() for line in said.out.rstrip().splitlines()] == SMALL_DAY_TOLD.splitlines()


def test_both_ends_of_a_period_are_whole_days(looking: Neckline) -> None:
    """One day by itself, from its midnight to the next; without ends all that is stored."""
    one = found(looking("--since", BEFORE[1], "--until", BEFORE[1], "--json"))
    assert [day["day"] for day in one["exposure"]["days"]] == [BEFORE[1]]
    everything = found(looking("--json"))["exposure"]["days"]
    assert [day["day"] for day in everything] == [*BEFORE, SHORT, *AFTER]
    assert [day["is_valid"] for day in everything] == [day != SHORT for day in (*BEFORE, SHORT, *AFTER)]


def test_days_are_those_of_the_wearers_zone(looking: Neckline) -> None:
    """Nine in the morning in Berlin is the evening before in Honolulu (22:00)."""
    days = found(looking("--zone", "Pacific/Honolulu", "--json"))["exposure"]["days"]
    assert days[0]["day"] == "2026-11-01"
    week = found(looking("--zone", "Pacific/Honolulu", "--json"))["exposure"]["week"]["judged_s"]
    assert week[6][22] > 3000


def test_a_period_with_too_few_valid_days_says_so(looking: Neckline) -> None:
    """Figures of two days are shown, and what they are worth."""
    said = looking("--since", BEFORE[0], "--until", BEFORE[1])
    assert "2 valid days (with 4 h judged): fewer than 3" in said.out


# ---- two periods -----------------------------------------------------------------------------------------------------


def test_a_change_between_two_periods(looking: Neckline) -> None:
    """52.5 % of the judged time before, 37.5 % after: 15 points less, and clearly so."""
    words = ("--compare", f"{BEFORE[0]}..{SHORT}", f"{AFTER[0]}..{AFTER[-1]}")
    result = found(looking(*words, "--json"))
    share, median = result["changes"]
    assert (share["measure"], median["measure"]) == ("slouched_share", "p50_deg")
    assert share["valid_days"] == [3, 3]
    assert share["difference"] == pytest.approx(-0.15, abs=1e-3)
    assert share["low"] < share["difference"] < share["high"] < 0
    assert share["is_clear"]
    assert [day["day"] for day in result["before"]["exposure"]["days"]] == [*BEFORE, SHORT]
    said = looking(*words)
    rows = {line.split("  ")[0]: line for line in said.out.splitlines()}
    assert re.split(r"  +", rows["valid days"].strip()) == ["valid days", "3 of 4", "3 of 3"]
    assert re.split(r"  +", rows["judged, of valid days"].strip())[1:] == ["13 h 20 min", "13 h 20 min"]
    verdict = re.split(r"  +", rows["slouched, of judged"].strip())[1:]
    assert verdict[:3] == ["52%", "38%", "-15 points"]
    assert verdict[-1] == "a change"
    assert "the interval is by resampling days. Another calibration shifts angles, too." in said.out
    assert said.out == looking(*words).out


def test_another_calibration_is_named(neckline: Neckline, home: Home) -> None:
    """Angles of either period count from the pose of its own calibration, and that is what is told."""
    home.set()
    path = home.folder / "two.db"
    between_ns = morning_ns("2026-11-10")
    later = replace(CALIBRATION, calibration_id="c-1a7e0000", captured_ns=between_ns)
    with Journal.open(path, "test") as stored:
        stored.commit([Batch(STREAM, (StanceCalibration(Stance.SITTING, CALIBRATION),))])
        for number, day in enumerate((*BEFORE, *AFTER)):
            stored.commit([Batch(STREAM, tuple(day_epochs(day, number)))])
        stored.commit([Batch(STREAM, (StanceCalibration(Stance.SITTING, later),))])
    periods = (f"{BEFORE[0]}..{BEFORE[-1]}", f"{AFTER[0]}..{AFTER[-1]}")
    said = neckline("analyse", "--journal", path, "--zone", "Europe/Berlin", "--compare", *periods)
    poses = [line for line in said.out.splitlines() if line.startswith("angles from the pose of")]
    assert [line.rpartition(" ")[2] for line in poses] == [CALIBRATION.calibration_id, "c-1a7e0000"]


def test_too_few_valid_days_give_no_change(looking: Neckline) -> None:
    """It is said how many there are and how many it takes; no number stands in for what is not known."""
    words = ("--compare", f"{BEFORE[0]}..{BEFORE[1]}", f"{AFTER[0]}..{AFTER[-1]}")
    said = looking(*words)
    assert said.code == Exit.OK
    assert "Too few valid days: 2 and 3, and each period needs 3 with 4 h judged" in said.out
    assert "points" not in said.out
    for change in found(looking(*words, "--json"))["changes"]:
        assert change["difference"] is None
        assert not change["is_clear"]


# ---- what is wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--since", "1.1.2026"), Exit.USAGE, '"1.1.2026" is no date: write 2026-03-01'),
        (("--since", "2026-11-09", "--until", "2026-11-08"), Exit.USAGE, "ends before it begins"),
        (("--compare", "2026-11-02..2026-11-08", "2026-11-08..2026-11-15"), Exit.USAGE, "in both periods"),
        (("--compare", "2026-11-02", "2026-11-04", "--since", "2026-11-01"), Exit.USAGE, "leave --since"),
        (("--zone", "Moon/Base"), Exit.USAGE, "is no time zone"),
        (("--wearer", "a b"), Exit.USAGE, "is no name"),
        (("--set", "hold_s=60"), Exit.USAGE, "--set is about recordings: name some"),
        (
            ("--since", "2027-01-01"),
            Exit.NOTHING,
            "holds nothing of w-7f3a9c21 in this period: from 2027-01-01 on",
        ),
        (("--wearer", "w-0000"), Exit.NOTHING, "holds nothing of w-0000 at t4"),
        (("--placement", "c7"), Exit.NOTHING, "holds nothing of w-7f3a9c21 at c7"),
    ],
)
def test_what_is_wrong_is_named(looking: Neckline, words: tuple[str, ...], code: Exit, told: str) -> None:
    """A sentence, a way out, an exit code; no data."""
    said = looking(*words)
    assert said.code == code
    assert told in said.err
    assert "→" in said.err
    assert not said.out


def test_a_journal_that_is_not_there_and_a_wearer_who_is_not_named(neckline: Neckline, home: Home) -> None:
    """Each says what to do."""
    said = neckline("analyse", "--wearer", WEARER)
    assert said.code == Exit.JOURNAL
    assert "→" in said.err
    assert neckline("analyse").code == Exit.CONFIG


def test_a_damaged_row_is_passed_over_and_counted(looking: Neckline, journal: Path, tmp_path: Path) -> None:
    """One epoch whose angle was changed behind the journal's back is in no figure."""
    copy = tmp_path / "damaged.db"
    copy.write_bytes(journal.read_bytes())
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("UPDATE epoch SET sagittal_deg = 80 WHERE start_ns = ?", (morning_ns(BEFORE[0]),))
    whole = found(looking("--until", BEFORE[0], "--json"))
    said = looking("--until", BEFORE[0], "--json", "--journal", copy)
    damaged = found(said)
    assert "1 rows of the journal are damaged" in said.err
    assert damaged["skipped"] == 1
    assert damaged["exposure"]["bands"]["seconds"][5] == 0
    assert damaged["exposure"]["balance"]["judged_s"] == whole["exposure"]["balance"]["judged_s"] - 1
