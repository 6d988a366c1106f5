"""`neckline analyse RECORDING…`: the same samples by two settings, many recordings at once, and what is broken."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neckline.exits import Exit
from tests.neckline.analyse.tables import DAY, SPANS, table
from tests.neckline.conftest import Home, Said
from tests.processing.people import Held

Neckline = Callable[..., Said]
BOTH = ("--set", "hold_s=60", "--against", "hold_s=120")


@pytest.fixture
def day(home: Home) -> Path:
    """Give the recording of a day with one sustained slouch of 100 s."""
    return table(home.folder / "day.csv")


def analysed(said: Said) -> dict[str, Any]:
    """Return what `--json` gave."""
    result: dict[str, Any] = json.loads(said.out)
    return result


# ---- side by side ----------------------------------------------------------------------------------------------------


def test_two_settings_side_by_side(neckline: Neckline, day: Path) -> None:
    """A slouch of 100 s is sustained for a hold of 60 s and not for one of 120 s; each second is judged alike."""
    said = neckline("analyse", day, *SPANS, *BOTH, "--json")
    assert said.code == Exit.OK
    result = analysed(said)
    (recording,) = result["recordings"]
    first, second = recording["sides"]
    assert result["settings"] == ["hold_s=60", "hold_s=120"]
    assert (first["hold_s"], second["hold_s"]) == (60, 120)
    assert (len(first["episodes"]), first["alerts"]) == (1, 1)
    assert (second["episodes"], second["alerts"]) == ([], 0)
    assert first["balance"] == second["balance"]
    assert recording["differing_s"] == 0
    assert first["recovery"]["stayed"] == 1


def test_seconds_that_are_judged_differently_are_counted(neckline: Neckline, day: Path) -> None:
    """A threshold beyond the slouch makes its 100 s upright: about that many seconds differ."""
    said = neckline("analyse", day, *SPANS, "--against", "threshold_deg=35", "--json")
    (recording,) = analysed(said)["recordings"]
    first, second = recording["sides"]
    assert second["balance"]["slouched_s"] == 0
    assert recording["differing_s"] == first["balance"]["slouched_s"] > 95
    assert first["bands"] == second["bands"]


def test_a_recording_analysed_is_a_recording_replayed(neckline: Neckline, day: Path) -> None:
    """As configured, with no second setting: alerts, episodes and seconds are those of `neckline replay`."""
    (replayed,) = json.loads(neckline("replay", day, *SPANS, "--json").out)
    result = analysed(neckline("analyse", day, *SPANS, "--json"))
    assert result["settings"] == ["as configured"]
    assert result["calibration_id"] == replayed["calibration_id"]
    (recording,) = result["recordings"]
    (side,) = recording["sides"]
    assert side["episodes"] == replayed["episodes"]
    assert side["alerts"] == replayed["alerts"]
    assert side["threshold_deg"] == replayed["threshold_deg"]
    for name in ("begin_ns", "end_ns", "received", "missing", "corrupt", "damage"):
        assert recording[name] == replayed[name]
    for name in ("upright_s", "slouched_s"):
        assert side["balance"][name] == replayed[name]
    assert dict(side["balance"]["activity_s"]) == replayed["activity_s"]


def test_the_second_setting_is_the_first_but_for_what_it_names(
    neckline: Neckline, home: Home, day: Path
) -> None:
    """A setting of the configuration and of --set holds on both sides, until --against names another."""
    home.set(detector={"threshold_deg": 14.0})
    said = neckline("analyse", day, *SPANS, "--set", "hold_s=45", "--against", "dip_s=1", "--json")
    (recording,) = analysed(said)["recordings"]
    assert [(s["threshold_deg"], s["hold_s"]) for s in recording["sides"]] == [(14, 45), (14, 45)]
    said = neckline("analyse", day, *SPANS, "--set", "threshold_deg=", "--json")
    (recording,) = analysed(said)["recordings"]
    assert recording["sides"][0]["threshold_deg"] == pytest.approx(12.5, abs=0.3)


def test_a_configuration_can_be_the_other_side(neckline: Neckline, home: Home, day: Path) -> None:
    """It stands for itself: what --set says is not in it, what --against says beside it is."""
    home.set(detector={"threshold_deg": 14.0})
    other = home.folder / "other.toml"
    other.write_text("[detector]\nhold_s = 90\n")
    words = ("--set", "hold_s=45", "--against", other, "--against", "threshold_deg=20")
    result = analysed(neckline("analyse", day, *SPANS, *words, "--json"))
    (recording,) = result["recordings"]
    assert [(s["threshold_deg"], s["hold_s"]) for s in recording["sides"]] == [(14, 45), (20, 90)]
    assert result["settings"] == ["hold_s=45", f"{other}, threshold_deg=20"]


def test_people_are_told_the_same_in_a_table(neckline: Neckline, day: Path) -> None:
    """A column for each side, a line for each figure, nothing on standard error."""
    said = neckline("analyse", day, *SPANS, *BOTH)
    lines = {line[:23].strip(): line[23:].split("  ") for line in said.out.splitlines()}
    assert said.code == Exit.OK
    assert not said.err
    assert [cell.strip() for cell in lines["alerts"] if cell.strip()] == ["1", "0"]
    assert [cell.strip() for cell in lines["hold"] if cell.strip()] == ["60 s", "2 min"]
    assert "0 of 272 seconds judged differently" in said.out


# ---- many recordings -------------------------------------------------------------------------------------------------


def test_many_at_a_time_are_the_same_as_one_after_another(neckline: Neckline, home: Home, day: Path) -> None:
    """In processes of their own, to the last character, in the order they were named, and the totals are sums."""
    paths = [day]
    for number, slouch_s in enumerate((130, 70)):
        poses = (Held(30), Held(slouch_s, 22), Held(60))
        paths.append(table(home.folder / f"r{number}.csv", poses, seed=number + 2))
    alone = neckline("analyse", *paths, *SPANS, *BOTH, "--json", "--jobs", 1)
    together = neckline("analyse", *paths, *SPANS, *BOTH, "--json", "--jobs", 2)
    assert (alone.code, together.code) == (Exit.OK, Exit.OK)
    assert together.out == alone.out
    result = analysed(together)
    assert [recording["recording"] for recording in result["recordings"]] == list(map(str, paths))
    assert [total["alerts"] for total in result["total"]] == [3, 1]
    for place, total in enumerate(result["total"]):
        judged = [recording["sides"][place]["balance"] for recording in result["recordings"]]
        assert total["judged_s"] == sum(each["judged_s"] for each in judged)
        assert total["judged_s"] + total["not_judged_s"] == sum(each["seconds"] for each in judged)
    assert "all 3 recordings" in neckline("analyse", *paths, *SPANS, *BOTH, "--jobs", 1).out


# ---- what is wrong ---------------------------------------------------------------------------------------------------


def test_a_broken_recording_gives_what_came_before(neckline: Neckline, home: Home, day: Path) -> None:
    """It says at which line it breaks and what to do; the one after it is judged in full."""
    lines = day.read_text().splitlines(keepends=True)
    broken = home.folder / "broken.csv"
    broken.write_text("".join(lines[: 150 * 50 + 1]) + "1,2,nonsense\n" + "".join(lines[150 * 50 + 1 :]))
    for jobs in (1, 2):
        said = neckline("analyse", broken, day, *SPANS, "--json", "--jobs", jobs)
        assert said.code == Exit.RECORDING
        assert f"{broken} is damaged at line {150 * 50 + 2}" in said.err
        assert "→ everything before that line was used" in said.err
        first, second = analysed(said)["recordings"]
        assert first["received"] == 150 * 50
        assert first["sides"][0]["balance"]["seconds"] == 150
        assert first["damage"]
        assert (second["damage"], second["received"]) == ("", 272 * 50)


def test_what_is_no_recording_is_told_and_the_others_are_judged(
    neckline: Neckline, home: Home, day: Path
) -> None:
    """A file that is not there, and one that is something else."""
    letter = home.folder / "letter.txt"
    letter.write_text("dear diary\n")
    absent = home.folder / "absent.csv"
    said = neckline("analyse", absent, day, letter, *SPANS, "--json")
    assert said.code == Exit.RECORDING
    assert str(absent) in said.err
    assert str(letter) in said.err
    result = analysed(said)
    assert result["unreadable"] == [str(absent), str(letter)]
    assert [recording["recording"] for recording in result["recordings"]] == [str(day)]
    assert neckline("analyse", absent).code == Exit.RECORDING


def test_without_a_calibration_nothing_is_judged(neckline: Neckline, day: Path) -> None:
    """It says so and what to do; all is unknown, no share is told."""
    said = neckline("analyse", day)
    assert said.code == Exit.CALIBRATION
    assert "there is no calibration" in said.err
    assert "judged" in said.out
    assert "slouched, of judged    –" in said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--set", "holds=3"), "did you mean hold_s?"),
        (("--set", "wearer.id=w-1234"), "is no setting that a recording can be judged by again"),
        (("--set", "hold_s=3"), "detector.hold_s must be from 5 to 600 s, not 3"),
        (("--set", "hold_s=long"), 'detector.hold_s must be a number, not "long"'),
        (("--set", "hold_s"), "write a setting and its value, as hold_s=120"),
        (("--set", "alerts.hold_s=60"), "alerts.hold_s"),
        (("--set", "mode=loud"), "alerts.mode must be one of"),
        (("--against", "a.toml", "--against", "b.toml"), "--against takes one configuration"),
        (("--slump", "1:2"), "--slump needs --upright"),
        (("--since", "2026-01-01"), "--since is about the journal: name no recordings"),
        (("--jobs", "0"), "'--jobs'"),
    ],
)
def test_a_wrong_option_is_named(neckline: Neckline, day: Path, words: tuple[str, ...], told: str) -> None:
    """With what was meant, or its bounds; nothing is judged."""
    said = neckline("analyse", day, *words)
    assert said.code == Exit.USAGE
    assert told in said.err
    assert not said.out


def test_a_configuration_that_is_not_there_or_wrong_is_told(
    neckline: Neckline, home: Home, day: Path
) -> None:
    """As everywhere: with its line."""
    said = neckline("analyse", day, "--against", home.folder / "none.toml")
    assert said.code == Exit.CONFIG
    assert "there is no configuration file" in said.err
    wrong = home.folder / "wrong.toml"
    wrong.write_text("[detector]\nhold_s = 1\n")
    said = neckline("analyse", day, "--against", wrong)
    assert said.code == Exit.CONFIG
    assert "line 2" in said.err


def test_settings_of_both_tables_can_be_named_in_full(neckline: Neckline, day: Path) -> None:
    """Detector and alerts, with their table or without, words without quotes, lists as in the file."""
    words = (
        "detector.hold_s=50",
        "alerts.mode=track",
        "alerts_per_hour=2",
        'schedule=["mon-fri 08:30-18:00"]',
    )
    said = neckline("analyse", day, *SPANS, *(part for word in words for part in ("--set", word)), "--json")
    assert said.code == Exit.OK
    (side,) = analysed(said)["recordings"][0]["sides"]
    assert (side["hold_s"], side["alerts"], len(side["episodes"])) == (50, 0, 1)


def test_day_is_what_the_other_tests_take_it_for() -> None:
    """272 seconds."""
    assert sum(held.seconds for held in DAY) == 272
