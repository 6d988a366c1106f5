"""Days as people name them, and this computer's own time zone, through every change of the clock."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neckline.commands.analyse.periods import Period, ThisComputers, zone_of

DAYS = st.dates(date(1980, 1, 1), date(2036, 1, 1))
ZONE = "Australia/Lord_Howe"


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put this computer where clocks are set by half an hour."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", ZONE)
        time.tzset()
        yield
    time.tzset()


def test_this_computers_zone_is_the_operating_systems(far_away: None) -> None:
    """Converting, and back again in the hour that comes twice, is as the zone has it: every half hour of two years."""
    zone, expected = ThisComputers(), ZoneInfo(ZONE)
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    for half_hours in range(0, 2 * 366 * 48, 1):
        moment = begin + timedelta(minutes=30 * half_hours)
        here, there = moment.astimezone(zone), moment.astimezone(expected)
        assert here.replace(tzinfo=None, fold=here.fold) == there.replace(tzinfo=None)
        assert here.utcoffset() == there.utcoffset()
        assert here.timestamp() == moment.timestamp()


def test_it_has_a_name_and_tells_no_more(far_away: None) -> None:
    """What tzinfo asks of a zone."""
    zone = zone_of(None)
    assert str(zone) == "this computer's time zone"
    assert zone.tzname(datetime(2026, 1, 1, tzinfo=zone)) == "+11"
    assert (zone.utcoffset(None), zone.tzname(None), zone.dst(None)) == (None, None, None)


@given(DAYS, DAYS, st.sampled_from(["Europe/Berlin", ZONE, "America/New_York", "America/Sao_Paulo"]))
def test_a_period_is_its_whole_days(one: date, other: date, name: str) -> None:
    """Written and read again it is the same; the instant before its begin, and its end, are on other days."""
    first, last = sorted((one, other))
    period = Period.parse(f"{first}..{last}")
    assert (period.first, period.last) == (first, last)
    since_ns, until_ns = period.span_ns(ZoneInfo(name))
    assert since_ns is not None
    assert until_ns is not None
    for outside_ns in (since_ns - 10**9, until_ns):
        day = datetime.fromtimestamp(outside_ns // 10**9, ZoneInfo(name)).date()
        assert not first <= day <= last
    for inside_ns in (since_ns + 2 * 3600 * 10**9, until_ns - 10**9):
        assert first <= datetime.fromtimestamp(inside_ns // 10**9, ZoneInfo(name)).date() <= last


@given(st.lists(DAYS, min_size=4, max_size=4))
def test_periods_meet_when_they_share_a_day(days: list[date]) -> None:
    """As sets of days do; open ends reach everywhere."""
    (a, b), (c, d) = sorted(days[:2]), sorted(days[2:])
    one, other = Period(a, b), Period(c, d)
    shared = max(a, c) <= min(b, d)
    assert one.meets(other) is other.meets(one) is shared
    assert Period().meets(one)
    assert Period(last=a).meets(one)
    assert not Period(last=a - timedelta(days=1)).meets(one)


def test_open_ends_and_single_days() -> None:
    """As they are said to people."""
    told = {
        ("2026-11-02", None): "from 2026-11-02 on",
        (None, "2026-11-02"): "up to 2026-11-02",
        (None, None): "all that is stored",
        ("2026-11-02", "2026-11-02"): "2026-11-02",
        ("2026-11-02", "2026-11-03"): "2026-11-02 to 2026-11-03",
    }
    for ends, expected in told.items():
        assert str(Period.between(*ends)) == expected
    assert Period.parse("2026-11-02") == Period.parse("2026-11-02..2026-11-02")
    assert Period.parse("..2026-11-02") == Period(None, date(2026, 11, 2))
    assert Period(None, date.max).span_ns(UTC) == (None, None)
