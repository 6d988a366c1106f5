"""Change between two periods: what is known, how sure it is, and how often the interval is right."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.exposure.change import REPEATED_POSE_DEG, Measure, change, interval
from processing.exposure.days import VALID_DAY_S, DaySummary


def days(
    shares: Sequence[float], p50_deg: float = 10.0, judged_s: int = VALID_DAY_S
) -> tuple[DaySummary, ...]:
    """Return days with these slouched shares."""
    is_valid = judged_s >= VALID_DAY_S
    return tuple(
        DaySummary(
            day=date.fromordinal(739_000 + place),
            seconds=judged_s,
            worn_s=judged_s,
            judged_s=judged_s,
            upright_s=judged_s - round(share * judged_s),
            slouched_s=round(share * judged_s),
            is_valid=is_valid,
            slouched_share=share if is_valid else None,
            p50_deg=p50_deg + share if is_valid else None,
        )
        for place, share in enumerate(shares)
    )


def test_a_change_and_its_interval() -> None:
    """Three days at about 40 %, four at about 20 %: 20 points less, surely."""
    found = change(days((0.38, 0.40, 0.42)), days((0.19, 0.2, 0.2, 0.21)), Measure.SLOUCHED_SHARE)
    assert found.is_known
    assert (found.valid_days, found.judged_s) == ((3, 4), (3 * VALID_DAY_S, 4 * VALID_DAY_S))
    assert found.before == pytest.approx(0.4)
    assert found.difference == pytest.approx(-0.2)
    assert found.low is not None
    assert found.high is not None
    assert found.low < -0.2 < found.high < -0.1
    assert found.is_clear


def test_days_that_scatter_show_no_clear_change() -> None:
    """The same means, and an interval that holds zero."""
    found = change(days((0.1, 0.4, 0.7)), days((0.0, 0.1, 0.2, 0.5)), Measure.SLOUCHED_SHARE)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high
    assert not found.is_clear


def test_too_few_valid_days_are_said_to_be_too_few() -> None:
    """Two days, or many of which too little was judged: no figure, no interval, nothing clear."""
    enough = days((0.2, 0.3, 0.4))
    for few in (days((0.1, 0.9)), (*days((0.1, 0.9)), *days((0.5,) * 9, judged_s=3600)), ()):
        for before, after in ((few, enough), (enough, few)):
            found = change(before, after, Measure.SLOUCHED_SHARE)
            assert not found.is_known
            assert not found.is_clear
            assert found.low is found.high is found.difference is None
            assert min(found.valid_days) < found.needed_days
    assert change(enough, enough, Measure.SLOUCHED_SHARE).is_known


def test_a_small_change_of_an_angle_may_be_the_clips() -> None:
    """However sure: less than what sitting upright again differs by is not called a change."""
    before = days((0.1, 0.2, 0.3, 0.2), p50_deg=10)
    for step_deg, is_clear in ((REPEATED_POSE_DEG - 0.5, False), (REPEATED_POSE_DEG + 0.5, True)):
        found = change(before, days((0.1, 0.2, 0.3, 0.2), p50_deg=10 + step_deg), Measure.P50_DEG)
        assert found.low is not None
        assert found.low > 0
        assert found.is_clear is is_clear


def test_days_that_are_all_alike_have_an_interval_of_no_width() -> None:
    """No scatter, nothing to resample: the difference itself, and no fault."""
    found = change(days((0.25,) * 3), days((0.5,) * 5), Measure.SLOUCHED_SHARE)
    assert (found.low, found.difference, found.high) == (0.25, 0.25, 0.25)


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=8),
    st.lists(st.floats(0, 1), min_size=3, max_size=8),
)
def test_the_interval_holds_the_difference_and_is_the_same_each_time(
    before: list[float], after: list[float]
) -> None:
    """Low <= difference <= high, to the last bit the same for the same days."""
    found = change(days(before), days(after), Measure.SLOUCHED_SHARE)
    assert found == change(days(before), days(after), Measure.SLOUCHED_SHARE)
    assert found.low is not None
    assert found.difference is not None
    assert found.high is not None
    assert found.low - 1e-12 <= found.difference <= found.high + 1e-12


@pytest.mark.parametrize("scale", [1e-3, 1e-100, 1e-160])
def test_days_that_hardly_scatter_have_an_interval(scale: float) -> None:
    """However little the days differ: it is as wide, in proportion, as that of days that do."""
    before, after = np.array([0.1, 0.4, 0.2]), np.array([0.3, 0.5, 0.6, 0.2])
    low, high = interval(before, after)
    assert interval(before * scale, after * scale) == pytest.approx(
        (low * scale, high * scale), rel=1e-9, abs=0
    )


@pytest.mark.parametrize(("n", "at_least"), [(3, 0.93), (5, 0.93), (7, 0.92)])
def test_the_interval_is_right_about_as_often_as_it_says(n: int, at_least: float) -> None:
    """300 pairs of periods with n days each and no change: 95 % intervals hold zero in at least so many."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        low, high = interval(rng.beta(2, 5, n), rng.beta(2, 5, n))
        held += low <= 0 <= high
    assert held / 300 >= at_least
