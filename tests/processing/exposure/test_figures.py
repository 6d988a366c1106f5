"""Exposure, figure by figure, on lines of seconds whose answer was worked out by hand."""

import math

import numpy as np
import pytest

from processing.exposure.angles import angle_percentiles, bands, speed_percentiles
from processing.exposure.balance import balance
from processing.exposure.bouts import alpha, bouts, gini
from processing.exposure.breaks import breaks
from processing.exposure.columns import EpochColumns
from processing.exposure.recovery import recovery
from processing.exposure.variation import variation
from processing.outputs import Activity, Posture
from tests.processing.exposure.written import MONDAY_NS, SECOND_NS, written


def after(seconds: float) -> int:
    """Return the time so many seconds after the begin of a line."""
    return MONDAY_NS + round(seconds * SECOND_NS)


# ---- columns ---------------------------------------------------------------------------------------------------------


def test_rows_of_a_store_are_the_same_as_epochs() -> None:
    """The stored words serve as well as the values, and an angle that is not known is NaN."""
    columns = EpochColumns.of(
        [
            (after(0), "still", "slouched", 15.0),
            (after(1), "gap", "unknown", None),
            (after(2), "walking", "unknown", 70.0),
        ]
    )
    expected = written("sgw")
    for name in ("start_ns", "activity", "posture"):
        assert getattr(columns, name).tolist() == getattr(expected, name).tolist()
    assert np.isnan(columns.sagittal_deg).tolist() == [False, True, False]


def test_a_second_that_comes_again_replaces_the_one_before() -> None:
    """Rows out of order are put in order, and the later row of a second counts."""
    columns = EpochColumns.of(
        [
            (after(2), "still", "upright", 1.0),
            (after(0), "still", "upright", 2.0),
            (after(2), "still", "slouched", 30.0),
        ]
    )
    assert columns.start_ns.tolist() == [after(0), after(2)]
    assert columns.sagittal_deg.tolist() == [2.0, 30.0]


def test_columns_that_are_no_seconds_in_order_are_refused() -> None:
    """A caller's mistake is told, not computed with."""
    good = written("us")
    with pytest.raises(ValueError, match="one length"):
        EpochColumns(good.start_ns[:1], good.activity, good.posture, good.sagittal_deg)
    for wrong_ns in (good.start_ns[::-1], good.start_ns + 5):
        with pytest.raises(ValueError, match="whole seconds"):
            EpochColumns(wrong_ns, good.activity, good.posture, good.sagittal_deg)


def test_only_still_seconds_with_a_posture_and_an_angle_are_judged() -> None:
    """Three locks on the same door: activity, posture, angle."""
    rows = [
        (after(0), "still", "upright", 1.0),
        (after(1), "moving", "upright", 1.0),
        (after(2), "still", "unknown", 1.0),
        (after(3), "still", "upright", None),
    ]
    assert EpochColumns.of(rows).judged.tolist() == [True, False, False, False]


# ---- balance, angles -------------------------------------------------------------------------------------------------


def test_the_balance() -> None:
    """Worn is judged and unknown; gaps, an unworn clip and absent seconds are not worn."""
    found = balance(written("uuussmmtlgg__nc"))
    assert (found.seconds, found.worn_s, found.judged_s) == (13, 10, 5)
    assert (found.upright_s, found.slouched_s) == (3, 2)
    assert dict(found.activity_s) == {
        Activity.STILL: 5,
        Activity.MOVING: 2,
        Activity.LYING: 1,
        Activity.TRANSITION: 1,
        Activity.NOT_WORN: 1,
        Activity.GAP: 2,
        Activity.UNCALIBRATED: 1,
    }


def test_bands_hold_their_lower_edge() -> None:
    """Below 0, 0–10, 10–20, 20–40, 40–60, above; an angle on an edge is in the band above."""
    angles = (-0.1, 0.0, 9.9, 10.0, 20.0, 39.9, 40.0, 60.0)
    found = bands(EpochColumns.of((after(n), "still", "upright", deg) for n, deg in enumerate(angles)))
    assert found.edges_deg == (0.0, 10.0, 20.0, 40.0, 60.0)
    assert found.seconds == (1, 2, 1, 2, 1, 1)
    assert found.judged_s == 8


def test_percentiles_of_the_amplitude_distribution() -> None:
    """Eleven seconds of 0, 1, … 10°, one after the other."""
    found = angle_percentiles(EpochColumns.of((after(n), "still", "upright", float(n)) for n in range(11)))
    assert (found.p10, found.p50, found.p90, found.gap, found.judged_s) == (1, 5, 9, 8, 11)


def test_speed_is_taken_between_judged_neighbours_alone() -> None:
    """2 → 15 → 2° are 13 degrees a second twice; over moving, gaps and absent seconds nothing is taken."""
    found = speed_percentiles(written("usu_SmSgb"))
    assert (found.p10, found.p50, found.p90, found.judged_s) == (13, 13, 13, 2)


def test_nothing_judged_gives_no_figures() -> None:
    """Unknown is no zero: without judged time there is no percentile, no share, no bout."""
    for line in ("", "mmgg", "___"):
        columns = written(line)
        assert angle_percentiles(columns).p50 is None
        assert speed_percentiles(columns).gap is None
        assert bands(columns).judged_s == 0
        found = bouts(columns)
        assert (found.count, found.per_judged_h, found.median_s, found.longest_s, found.gini) == (
            0,
            None,
            None,
            None,
            None,
        )
        assert recovery(columns, []).share_at_least is None
        assert recovery(columns, []).share_at_most is None


# ---- exposure variation, bouts ---------------------------------------------------------------------------------------


def test_the_exposure_variation_matrix() -> None:
    """Runs of one band: 2 s, 5 s, 61 s and 1 s, of which the outer ones and those beside unknown time are cut."""
    found = variation(written("uu" + "s" * 5 + "S" * 61 + "m" + "v"))
    columns = {limit: place for place, limit in enumerate(found.held_s)}
    below_10, to_20, to_40 = found.seconds[1], found.seconds[2], found.seconds[3]
    assert (below_10[columns[3]], below_10[columns[1]], sum(below_10)) == (2, 1, 3)
    assert (to_20[columns[7]], sum(to_20)) == (5, 5)
    assert (to_40[columns[240]], sum(to_40)) == (61, 61)
    assert [sum(row) for row in found.cut_s] == [0, 3, 0, 61, 0, 0]
    assert found.judged_s == 69


def test_a_hold_as_long_as_its_class_is_in_it() -> None:
    """240 s are in the class up to four minutes, 241 s above."""
    for seconds, place in ((240, -2), (241, -1), (60, -3), (61, -2)):
        assert variation(written("s" * seconds)).seconds[2][place] == seconds


def test_bouts_of_slouching() -> None:
    """Four bouts: 1, 2, 3 (cut by a gap) and 60 s; angles may change within a bout."""
    found = bouts(written("u" + "s" + "u" + "sS" + "u" + "sss" + "g" + "u" + "s" * 30 + "S" * 30 + "u"))
    assert (found.count, found.sustained, found.cut) == (4, 1, 1)
    assert (found.median_s, found.longest_s) == (2.5, 60)
    assert found.p90_s == pytest.approx(3 + 0.7 * 57)
    assert found.longest_ns == after(11)
    assert found.judged_s == 71
    assert found.per_judged_h == pytest.approx(4 / (71 / 3600))


def test_longer_absent_time_does_not_make_a_bout_longer() -> None:
    """Two stretches apart are two bouts, each cut."""
    found = bouts(written("ss" + "_" * 100 + "ss"))
    assert (found.count, found.cut, found.longest_s) == (2, 2, 2)


def test_gini_of_bouts() -> None:
    """All alike: 0. One of four holds nearly everything: nearly three quarters. 1, 2, 3: 2/9."""
    assert gini(np.array([5, 5, 5])) == 0
    assert gini(np.array([1, 1, 1, 10**6])) == pytest.approx(0.75, abs=1e-5)
    assert gini(np.array([3, 1, 2])) == pytest.approx(2 / 9)
    assert gini(np.array([], np.int64)) is None


def test_alpha_of_bouts() -> None:
    """1, e and e² would give 1 + 3/3; whole seconds come near. Lengths that are all alike have none."""
    assert alpha(np.array([100, 272, 739])) == pytest.approx(2, abs=0.01)
    assert alpha(np.array([1, 2, 4])) == pytest.approx(1 + 3 / math.log(8))
    assert alpha(np.array([4, 4])) is None
    assert alpha(np.array([], np.int64)) is None


def test_bouts_of_uprightness_are_the_same_rule() -> None:
    """The other posture can be asked for."""
    found = bouts(written("uusuu"), Posture.UPRIGHT)
    assert (found.count, found.longest_s, found.longest_ns, found.cut) == (2, 2, after(0), 2)


# ---- breaks ----------------------------------------------------------------------------------------------------------


def test_breaks_and_what_lies_between() -> None:
    """30 s still, a break, 50 s still whatever the posture, a break, 40 s still."""
    found = breaks(written("u" * 30 + "w" * 25 + "us" * 20 + "l" * 10 + "m" * 20 + "s" * 40))
    assert (found.count, found.median_between_s) == (2, 50)
    assert (found.longest_without_s, found.longest_without_ns) == (50, after(55))
    assert not found.is_longest_cut
    assert found.known_s == 165


def test_moving_shortly_is_no_break() -> None:
    """19 s of moving leave one stretch, 20 s make two."""
    assert breaks(written("u" * 50 + "m" * 19 + "u" * 50)).longest_without_s == 119
    found = breaks(written("u" * 50 + "m" * 20 + "u" * 60))
    assert (found.count, found.longest_without_s, found.is_longest_cut) == (1, 60, True)


@pytest.mark.parametrize("unknown", ["g", "n", "_"])
def test_unknown_time_that_could_hold_a_break_cuts_the_stretch(unknown: str) -> None:
    """19 s of gap cannot hide a break; 20 s can, and so can 12 s of moving beside 8 s of gap. None counts as one."""
    short = breaks(written("u" * 50 + unknown * 19 + "u" * 50))
    assert (short.count, short.longest_without_s) == (0, 119)
    for hidden in (unknown * 20, "m" * 12 + unknown * 8, unknown * 4 + "m" * 12 + unknown * 4):
        found = breaks(written("u" * 50 + hidden + "u" * 40))
        assert (found.count, found.longest_without_s, found.is_longest_cut) == (0, 50, True)
        assert found.median_between_s is None


def test_a_break_with_a_long_gap_beside_it_ends_no_whole_stretch() -> None:
    """The wearer moved, then nothing was heard for an hour: how long they sat before the next break is not known."""
    whole = breaks(written("m" * 20 + "u" * 50 + "m" * 20))
    assert (whole.count, whole.median_between_s, whole.is_longest_cut) == (2, 50, False)
    cut = breaks(written("m" * 20 + "g" * 3600 + "u" * 50 + "m" * 20))
    assert (cut.count, cut.median_between_s, cut.longest_without_s, cut.is_longest_cut) == (2, None, 50, True)


def test_nothing_but_moving_has_no_still_stretch() -> None:
    """And nothing at all has neither."""
    assert breaks(written("m" * 30)).count == 1
    assert breaks(written("m" * 19)).count == 0
    for line in ("m" * 30, "", "g" * 30):
        assert breaks(written(line)).longest_without_s is None


# ---- recovery --------------------------------------------------------------------------------------------------------


def test_recovery_after_alerts() -> None:
    """One sat up after 10.5 s (through a transition), one stayed, one was lost sight of."""
    line = "s" * 80 + "t" * 5 + "u" * 30 + "s" * 100 + "m" * 100
    found = recovery(written(line), [after(74.5), after(120), after(200)])
    assert (found.alerts, found.recovered, found.stayed, found.unseen) == (3, 1, 1, 1)
    assert found.median_s == 10.5
    assert found.share_at_least == pytest.approx(1 / 3)
    assert found.share_at_most == pytest.approx(2 / 3)
    assert found.judged_s == 25 + 30 + 15


def test_getting_up_is_not_taken_for_recovery() -> None:
    """What comes after an alert is not known: not good, not bad."""
    found = recovery(written("s" * 60 + "w" * 60), [after(59)])
    assert (found.recovered, found.stayed, found.unseen) == (0, 0, 1)
    assert (found.share_at_least, found.share_at_most, found.median_s) == (0, 1, None)


def test_an_upright_second_half_a_minute_later_is_too_late() -> None:
    """Within 30 s means before the thirtieth has passed."""
    assert recovery(written("s" * 30 + "u"), [after(0)]).recovered == 0
    assert recovery(written("s" * 29 + "u"), [after(0)]).recovered == 1


def test_alerts_with_nothing_after_them_are_unseen() -> None:
    """The recording ended, or there is none."""
    for line in ("", "ss"):
        assert recovery(written(line), [after(2)]).unseen == 1
