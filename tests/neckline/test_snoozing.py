"""What people say when they want no alerts for a while."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neckline.wearing.snoozing import LONGEST, snoozed_until

BERLIN = ZoneInfo("Europe/Berlin")


def until(said: str, now: str) -> str | None:
    """Return the local time at which alerts begin again."""
    now_ns = round(datetime.fromisoformat(now).replace(tzinfo=BERLIN).timestamp()) * 10**9
    ns = snoozed_until(said.split(), now_ns, BERLIN)
    return None if ns is None else datetime.fromtimestamp(ns / 1e9, BERLIN).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("30m", "2026-03-10 10:30:00"),
        ("1h", "2026-03-10 11:00:00"),
        ("1h30m", "2026-03-10 11:30:00"),
        ("for 90 min", "2026-03-10 11:30:00"),
        ("2d", "2026-03-12 10:00:00"),
        ("until 14:00", "2026-03-10 14:00:00"),
        ("14.05", "2026-03-10 14:05:00"),
        ("until 9:00", "2026-03-11 09:00:00"),
        ("until 10:00", "2026-03-11 10:00:00"),
        ("tomorrow", "2026-03-11 06:00:00"),
        ("until tomorrow", "2026-03-11 06:00:00"),
        ("OFF", None),
    ],
)
def test_words(said: str, expected: str | None) -> None:
    """Spans, times of day, tomorrow, off."""
    assert until(said, "2026-03-10 10:00") == expected


def test_tomorrow_is_a_morning_also_when_the_clock_changes() -> None:
    """Local times stay local: in the night of the change, too; a span is a span."""
    assert until("tomorrow", "2026-03-28 23:30") == "2026-03-29 06:00:00"
    assert until("12h", "2026-03-28 20:00") == "2026-03-29 09:00:00"
    assert until("until 06:00", "2026-10-24 23:30") == "2026-10-25 06:00:00"


@pytest.mark.parametrize(
    ("now", "said", "expected"),
    [("00:40", "02:50", "00:50"), ("01:40", "02:50", "01:50"), ("00:40", "02:30", "01:30")],
)
def test_in_the_hour_that_comes_twice_a_time_is_the_next_of_its_name(
    now: str, said: str, expected: str
) -> None:
    """Ten minutes are no day: at 01:00 UTC it is 02:00 in Berlin again. Now and expected are UTC."""
    now_ns, expected_ns = (
        round(datetime.fromisoformat(f"2026-10-25T{each}+00:00").timestamp()) * 10**9
        for each in (now, expected)
    )
    assert snoozed_until([said], now_ns, BERLIN) == expected_ns


@pytest.mark.parametrize(
    "said", ["", "soon", "until", "25:00", "10:60", "0m", "8d", "-5m", "1h junk", "99999h", "1.5h", "½h"]
)
def test_what_says_no_time_is_refused(said: str) -> None:
    """With a sentence that shows how to say it."""
    with pytest.raises(ValueError, match="say 30m"):
        until(said, "2026-03-10 10:00")


@given(st.text(max_size=12) | st.from_regex(r"\A[0-9]{1,4} ?(s|m|min|h|d){1,2}\Z"), st.integers(0, 2**31))
def test_any_words_give_a_time_ahead_or_a_sentence(said: str, now_s: int) -> None:
    """Nothing else; and a snooze always ends."""
    now_ns = now_s * 10**9
    try:
        until_ns = snoozed_until([said], now_ns, BERLIN)
    except ValueError as error:
        assert "say 30m" in str(error)  # noqa: PT017 (either outcome is right)
        return
    longest_ns = round((LONGEST + timedelta(hours=1)).total_seconds()) * 10**9
    assert until_ns is None or 0 < until_ns - now_ns <= longest_ns
