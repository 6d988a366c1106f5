"""Exposure by the calendar: local hours and days through changes of the clock, and which days can stand for one."""

from datetime import UTC, date, datetime
from itertools import chain
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.exposure.columns import EpochColumns
from processing.exposure.days import VALID_DAY_S, day_summaries
from processing.exposure.local_time import local_time
from processing.exposure.week import week
from tests.processing.exposure.written import MONDAY_NS, SECOND_NS, epochs, written

ZONES = (
    "Europe/Berlin",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/New_York",
    "UTC",
)


def ns(text: str, zone: str = "UTC") -> int:
    """Return a local time as nanoseconds UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND_NS


def upright(begin_ns: int, seconds: int) -> EpochColumns:
    """Return that many upright seconds."""
    return written("u" * seconds, begin_ns)


@given(
    zone=st.sampled_from(ZONES),
    begin_s=st.integers(157_766_400, 2_114_380_800),  # 1975 to 2037
    steps_s=st.lists(st.integers(1, 5000), max_size=50),
)
def test_local_time_is_that_of_the_calendar(zone: str, begin_s: int, steps_s: list[int]) -> None:
    """Day, weekday and hour of every second are those that datetime and the zone give, at any change of the clock."""
    seconds = begin_s + np.cumsum([0, *steps_s])
    found = local_time(seconds * SECOND_NS, ZoneInfo(zone))
    for place, second in enumerate(seconds.tolist()):
        expected = datetime.fromtimestamp(second, ZoneInfo(zone))
        assert date.fromordinal(int(found.day[place])) == expected.date()
        assert (found.weekday[place], found.hour[place]) == (expected.weekday(), expected.hour)


def test_an_hour_that_comes_twice_counts_twice() -> None:
    """On 2026-10-25 it is 02:xx for two hours in Berlin: nothing is lost, and the day has 25 hours."""
    columns = upright(ns("2026-10-25T00:00", "Europe/Berlin"), 25 * 3600)
    local = local_time(columns.start_ns, ZoneInfo("Europe/Berlin"))
    sunday = week(columns, local).judged_s[6]
    assert sunday == tuple(7200 if hour == 2 else 3600 for hour in range(24))
    (day,) = day_summaries(columns, local)
    assert (day.day, day.judged_s) == (date(2026, 10, 25), 25 * 3600)


def test_an_hour_that_never_comes_is_empty() -> None:
    """On 2026-03-29 there is no 02:xx in Berlin, and the day has 23 hours."""
    columns = upright(ns("2026-03-29T00:00", "Europe/Berlin"), 23 * 3600)
    local = local_time(columns.start_ns, ZoneInfo("Europe/Berlin"))
    found = week(columns, local)
    assert found.judged_s[6] == tuple(0 if hour == 2 else 3600 for hour in range(24))
    assert found.slouched_share(6, 2) is None
    assert found.slouched_share(6, 3) == 0
    assert len(day_summaries(columns, local)) == 1


def test_the_same_seconds_lie_elsewhere_for_another_wearer() -> None:
    """Monday 23:30 UTC is Monday evening in New York and Tuesday morning in Kathmandu."""
    columns = written("s" * 60, ns("2026-11-02T23:30"))
    for zone, weekday, hour in (("America/New_York", 0, 18), ("Asia/Kathmandu", 1, 5), ("UTC", 0, 23)):
        found = week(columns, local_time(columns.start_ns, ZoneInfo(zone)))
        assert found.slouched_s[weekday][hour] == 60
        assert found.slouched_share(weekday, hour) == 1
        assert sum(map(sum, found.judged_s)) == 60


def test_a_day_with_too_little_judged_time_has_no_figures() -> None:
    """Its seconds are told, its share and its angle are not; a second more and they are."""
    for seconds, is_valid in ((VALID_DAY_S - 1, False), (VALID_DAY_S, True)):
        columns = written("m" * 20000 + "s" * 3600 + "u" * (seconds - 3600), MONDAY_NS)
        (day,) = day_summaries(columns, local_time(columns.start_ns, UTC))
        assert (day.is_valid, day.judged_s, day.worn_s) == (is_valid, seconds, seconds + 20000)
        assert day.slouched_share == (pytest.approx(3600 / seconds) if is_valid else None)
        assert day.p50_deg == (2.0 if is_valid else None)


def test_days_are_apart_at_the_wearers_midnight() -> None:
    """Seconds on both sides of it belong to two days; days without seconds are not there."""
    midnight_ns = ns("2026-11-04T00:00", "America/St_Johns")
    seconds = epochs("us", midnight_ns - SECOND_NS), epochs("s", midnight_ns + 2 * 86400 * SECOND_NS)
    columns = EpochColumns.of_epochs(chain(*seconds))
    days = day_summaries(columns, local_time(columns.start_ns, ZoneInfo("America/St_Johns")))
    assert [(day.day, day.upright_s, day.slouched_s) for day in days] == [
        (date(2026, 11, 3), 1, 0),
        (date(2026, 11, 4), 0, 1),
        (date(2026, 11, 6), 0, 1),
    ]


def test_no_epochs_are_no_days() -> None:
    """An empty period has an empty calendar."""
    columns = written("")
    local = local_time(columns.start_ns, UTC)
    assert day_summaries(columns, local) == ()
    assert sum(map(sum, week(columns, local).worn_s)) == 0
