"""Weekly hours and midnights, in zones whose clocks are set; words that are wrong."""

import time
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neckline.configuration.schedule import AHEAD_DAYS, DAYS, Schedule, midnight_ns

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    ZoneInfo(name)
    for name in (
        *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"),
        # Clocks are set at midnight itself.
        *("Asia/Beirut", "America/Havana"),
    )
]
ABBREVIATIONS = [day[:3] for day in DAYS]
YEAR_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 366 * 24 * 60).map(lambda minutes: YEAR_BEGIN + timedelta(minutes=minutes))


def ns(moment: datetime) -> int:
    """Return nanoseconds UTC."""
    return round(moment.timestamp()) * 10**9


def spans(line: str, since: str, zone: tzinfo = BERLIN, days: int = AHEAD_DAYS) -> list[tuple[str, str]]:
    """Return the spans from a local time on, as UTC that a person can read."""
    found = Schedule.parse([line]).spans(
        ns(datetime.fromisoformat(since).replace(tzinfo=zone)), zone, days=days
    )
    assert found is not None
    return [
        (
            f"{datetime.fromtimestamp(a / 1e9, UTC):%d %H:%M}",
            f"{datetime.fromtimestamp(b / 1e9, UTC):%d %H:%M}",
        )
        for a, b in found
    ]


# ---- hours -----------------------------------------------------------------------------------------------------------

HOURS = st.builds(
    lambda days, begin, minutes: (days, begin, begin + minutes),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1439),
)


@given(hours=st.lists(HOURS, min_size=1, max_size=4), now=MOMENTS, later_min=st.integers(0, 7 * 24 * 60 - 1))
def test_the_spans_are_the_hours_that_were_written(
    hours: list[tuple[set[int], int, int]], now: datetime, later_min: int
) -> None:
    """Any minute of the coming week is in a span if it is within hours of its day, or of the day before over midnight."""
    lines = []
    for days, begin, end in hours:
        names = ",".join(ABBREVIATIONS[day] for day in sorted(days))
        until = end if end <= 1440 else end - 1440
        lines.append(f"{names} {begin // 60:02}:{begin % 60:02}-{until // 60:02}:{until % 60:02}")
    found = Schedule.parse(lines).spans(ns(now), UTC)
    assert found is not None
    assert list(found) == sorted(found)
    assert all(end < begin for (_, end), (begin, _) in pairwise(found))
    assert all(ns(now) < end for _, end in found)

    then = now + timedelta(minutes=later_min)
    minute, today = then.hour * 60 + then.minute, then.weekday()
    written = any(
        (today in days and begin <= minute < end) or ((today - 1) % 7 in days and minute < end - 1440)
        for days, begin, end in hours
    )
    assert any(begin <= ns(then) < end for begin, end in found) == written


def test_hours_follow_the_clock_when_it_is_set() -> None:
    """08:30 stays 08:30: an hour earlier in UTC from the spring on, an hour later from the autumn on."""
    assert spans("fri,mon 08:30-18:00", "2026-03-27 07:00") == [
        ("27 07:30", "27 17:00"),
        ("30 06:30", "30 16:00"),
        ("03 06:30", "03 16:00"),
    ]
    assert spans("fri,mon 08:30-18:00", "2026-10-23 07:00", days=5) == [
        ("23 06:30", "23 16:00"),
        ("26 07:30", "26 17:00"),
    ]


def test_hours_in_the_night_in_which_the_clock_is_set() -> None:
    """What happens twice is all in it; what does not happen takes in the change; over midnight as on any day."""
    assert spans("sun 02:00-03:00", "2026-10-25 00:00", days=1) == [("25 00:00", "25 02:00")]
    assert spans("sun 01:30-02:30", "2026-03-29 00:00", days=1) == [("29 00:30", "29 01:30")]
    assert spans("sat 22:00-02:30", "2026-03-28 12:00", days=1) == [("28 21:00", "29 01:30")]
    assert spans("sat 22:00-02:30", "2026-10-24 12:00", days=1) == [("24 20:00", "25 01:30")]


def test_the_span_under_way_and_spans_that_touch() -> None:
    """One that began yesterday is the first; those that touch or overlap are one."""
    assert spans("mon 22:00-06:00", "2026-06-02 05:00", days=1) == [("01 20:00", "02 04:00")]
    assert spans("tue 09:00-12:00 12:00-13:00 12:30-14:00", "2026-06-02 05:00", days=1) == [
        ("02 07:00", "02 12:00")
    ]
    assert spans("daily 00:00-24:00", "2026-06-02 05:00", days=3) == [("01 22:00", "04 22:00")]


def test_no_hours_are_all_hours() -> None:
    """Without a line alerts are wanted always."""
    assert Schedule.parse([]).spans(ns(YEAR_BEGIN), UTC) is None


def test_spans_reach_further_than_a_week() -> None:
    """From any moment on the next hours are among them, be they once a week."""
    for hour in range(0, 24 * 8, 5):
        assert spans("wed 12:00-12:01", f"2026-06-{1 + hour // 24:02} {hour % 24:02}:00")


def test_days_as_people_write_them() -> None:
    """Names in full or short, ranges over the weekend, lists, a dash from a word processor, capitals."""
    for line, expected in {
        "Mon-Fri 8:30–18:00": [0, 1, 2, 3, 4],
        "sat-mon 08:30-18:00": [5, 6, 0],
        "tuesday,thurs 08:30-18:00": [1, 3],
        "daily 08:30-18:00": list(range(7)),
    }.items():
        (hours,) = Schedule.parse([line]).hours
        assert hours.days == set(expected)
        assert (hours.begin_min, hours.end_min) == (510, 1080)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "'' needs days and hours, for example mon-fri 08:30-18:00"),
        ("mon", "'mon' needs days and hours"),
        ("mo 08:00-09:00", "'mo' in 'mo 08:00-09:00' is no day; days are mon, tue,"),
        ("mon-fryday 08:00-09:00", "'fryday' in"),
        ("mon 08:00", "'08:00' in 'mon 08:00' is no span of hours"),
        ("mon 8-9", "'8' in 'mon 8-9' is no time of day; times are 00:00 to 24:00"),
        ("mon 08:00-24:01", "'24:01' in"),
        ("mon 08:00-08:60", "'08:60' in"),
        ("mon 24:00-08:00", "'24:00' in 'mon 24:00-08:00': a day begins at 00:00"),
        ("mon 08:00-08:00", "'08:00-08:00' in 'mon 08:00-08:00' lasts no time; a whole day is 00:00-24:00"),
    ],
)
def test_a_wrong_word_is_named(line: str, said: str) -> None:
    """With its line, and what would be right."""
    with pytest.raises(ValueError, match="^" + said.replace(".", r"\.")):
        Schedule.parse([line])


@given(st.text(max_size=40) | st.from_regex(r"[a-z,-]{2,12} [0-9:-]{3,12}", fullmatch=True))
def test_any_text_is_hours_or_a_sentence(line: str) -> None:
    """Nothing else comes of what people write."""
    try:
        schedule = Schedule.parse([line])
    except ValueError:
        return
    assert schedule.spans(ns(YEAR_BEGIN), UTC)


# ---- midnight --------------------------------------------------------------------------------------------------------


@given(zone=st.sampled_from(ZONES), moment=MOMENTS)
def test_a_day_is_from_its_midnight_to_the_next(zone: ZoneInfo, moment: datetime) -> None:
    """Also where midnight happens twice, or not at all."""
    time_ns = ns(moment)
    begin_ns, end_ns = midnight_ns(time_ns, zone), midnight_ns(time_ns, zone, days=1)
    assert begin_ns <= time_ns < end_ns
    today = moment.astimezone(zone).date()
    edges = [datetime.fromtimestamp(edge / 1e9, zone).date() for edge in (begin_ns, end_ns - 10**9, end_ns)]
    assert edges == [today, today, today + timedelta(days=1)]


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_the_days_of_a_year_follow_one_another(zone: ZoneInfo) -> None:
    """From each midnight the next is reached, 365 times, in 23 to 25 hours."""
    at_ns = midnight_ns(ns(YEAR_BEGIN), zone)
    for _ in range(365):
        next_ns = midnight_ns(at_ns, zone, days=1)
        assert 23 <= (next_ns - at_ns) / 3600e9 <= 25
        assert midnight_ns(next_ns - 10**9, zone) == at_ns
        at_ns = next_ns


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process cannot be set here")
def test_without_a_zone_it_is_that_of_the_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans and midnights are those of the zone by its name, through both changes of the clock."""
    schedule = Schedule.parse(["sat 22:00-02:30", "sun 02:00-03:00", "mon 09:00-17:00"])
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        for day in ("2026-03-28", "2026-10-24", "2026-07-01"):
            time_ns = ns(datetime.fromisoformat(day).replace(tzinfo=BERLIN))
            assert schedule.spans(time_ns) == schedule.spans(time_ns, BERLIN)
            assert midnight_ns(time_ns, days=2) == midnight_ns(time_ns, BERLIN, days=2)
    finally:
        monkeypatch.undo()
        time.tzset()
