"""What is judged and what is not, and what an epoch and a minute say."""

from dataclasses import replace

import pytest

from processing.calibration import calibrate
from processing.outputs import Activity, EventKind, Posture
from processing.settings import Settings
from sensor.samples import SampleBlock
from tests.processing.people import START_NS, Held, run, samples, settings


def test_each_activity_is_recognised_where_it_happens() -> None:
    """Still, moving, lying, a transition with its settling time, and still again."""
    stream = samples(
        [
            Held(20),
            Held(20, 0.0, shake_g=0.12),
            Held(20),
            Held(30, -85.0, move_s=1.5),
            Held(20, 0.0, move_s=1.5),
        ]
    )
    activities = [e.activity for e in run([stream], settings()).epochs]
    assert set(activities[1:20]) == {Activity.STILL}
    assert set(activities[22:40]) == {Activity.MOVING}
    assert set(activities[46:60]) == {Activity.STILL}  # the 5-s window has forgotten the walk
    assert set(activities[63:90]) == {Activity.LYING}
    # Getting up: a transition, and three seconds to settle.
    assert Activity.TRANSITION in activities[90:93]
    assert set(activities[97:]) == {Activity.STILL}


def test_epochs_are_whole_seconds_with_the_mean_angle() -> None:
    """An epoch is aligned to the second and holds the mean of what was received in it."""
    stream = samples([Held(30, 7.0, 3.0)], start_ns=START_NS + 250_000_000)
    outputs = run([stream], settings())
    assert [e.start_ns for e in outputs.epochs] == [START_NS + k * 10**9 for k in range(31)]
    assert [e.received for e in outputs.epochs] == [38, *[50] * 29, 12]
    assert outputs.epochs[-1].activity is Activity.GAP  # too little of the last second to judge it
    for epoch in outputs.epochs[:-1]:
        assert epoch.sagittal_deg == pytest.approx(7, abs=0.7)
        assert epoch.lateral_deg == pytest.approx(3, abs=0.3)
        assert (epoch.activity, epoch.posture) == (Activity.STILL, Posture.UPRIGHT)
        assert epoch.motion_g is not None
        assert epoch.motion_g < 0.01


def test_without_a_calibration_nothing_is_judged() -> None:
    """No angle, no posture, and the reason in the activity."""
    outputs = run([samples([Held(30, 20.0)])], Settings())
    assert {(e.activity, e.posture, e.sagittal_deg) for e in outputs.epochs} == {
        (Activity.UNCALIBRATED, Posture.UNKNOWN, None)
    }
    (minute,) = outputs.minutes
    assert (minute.unknown_s, minute.sagittal_mean_deg) == (30, None)


def test_a_clip_without_a_gyroscope_is_judged_too() -> None:
    """With the accelerometer alone a slow slouch is found, if with less grace."""
    stream = samples([Held(20), Held(120, 20.0, move_s=4), Held(40, move_s=4)])
    blind = SampleBlock(stream.time_ns, stream.acc_mps2, None, stream.rate_hz)
    (episode,) = run([blind], settings()).episodes
    assert episode.peak_deg == pytest.approx(20, abs=1)


@pytest.mark.parametrize(
    ("pose", "activity", "from_s", "to_s"),
    [
        (Held(30, step_g=0.15), Activity.WALKING, 26, 50),
        (Held(60, shake_g=0.025), Activity.VEHICLE, 46, 80),
        (Held(30, 75.0), Activity.BENDING, 23, 49),
        (Held(100, 75.0), Activity.LYING, 85, 119),
        (Held(30, 0.0, 20.0), Activity.LEANING, 23, 49),
    ],
)
def test_what_is_not_judged_has_a_name(pose: Held, activity: Activity, from_s: int, to_s: int) -> None:
    """Steps, a shaking seat, a deep bend, one that lasts, a lean to the side: each is told as what it is."""
    epochs = run([samples([Held(20), pose])], settings()).epochs
    assert {e.activity for e in epochs[from_s:to_s]} == {activity}
    assert all(0 < e.confidence <= 1 for e in epochs[from_s:to_s])


def test_walking_tells_its_cadence() -> None:
    """Two steps a second are told as two steps a second."""
    epochs = run([samples([Held(20), Held(30, step_g=0.15)])], settings()).epochs
    assert {e.cadence_hz for e in epochs[26:50]} == {2.0}
    assert {e.cadence_hz for e in epochs[:20]} == {None}


def test_a_clip_on_the_desk_is_not_worn_and_a_quiet_sitter_is() -> None:
    """Ten minutes without even breathing end the wearing; a wearer who only breathes is judged for an hour."""
    away = run([samples([Held(30), Held(900, still_clip=True)])], settings())
    assert [e.activity for e in away.epochs[30:620]].count(Activity.NOT_WORN) == 0
    assert {e.activity for e in away.epochs[640:]} == {Activity.NOT_WORN}
    (event,) = [e for e in away.events if e.kind is EventKind.NOT_WORN]
    assert event.onset_ns is not None
    assert 30 <= (event.onset_ns - START_NS) / 1e9 <= 36
    quiet = run([samples([Held(3600)])], settings(break_after_s=None))
    assert {e.activity for e in quiet.epochs} == {Activity.STILL}


STANDING = replace(calibrate(samples([Held(5, -12.0)], seed=5)), calibration_id="c-standing")
WALK_AND_STAND = [Held(20), Held(20, -12.0, step_g=0.15), Held(60, -12.0)]
SIT_DOWN = [Held(1, 25.0, move_s=1.0), Held(60, 0.0, move_s=1.0)]


def test_standing_is_judged_by_its_own_reference_or_not_at_all() -> None:
    """After walking the standing reference applies, after sitting down the sitting one; without it, unknown."""
    stream = samples([*WALK_AND_STAND, *SIT_DOWN])
    both = run([stream], replace(settings(), standing=STANDING)).epochs
    assert {e.activity for e in both[48:98]} == {Activity.STILL}
    for epoch in both[48:98]:
        assert epoch.sagittal_deg == pytest.approx(0, abs=0.5)  # upright as one stands
    assert {e.activity for e in both[110:]} == {Activity.STILL}
    assert both[-1].sagittal_deg == pytest.approx(0, abs=0.5)  # upright as one sits
    one = run([stream], settings()).epochs
    assert {e.activity for e in one[48:98]} == {Activity.UNCALIBRATED}
    assert {e.activity for e in one[110:]} == {Activity.STILL}


def test_standing_is_known_by_a_reference_however_far_from_the_sitting_one() -> None:
    """Standing up may turn the clip by 25°: to be judged by another reference is no swing of the trunk."""
    standing = calibrate(samples([Held(5, -25.0)], seed=5))
    stream = samples([Held(30), Held(20, -25.0, step_g=0.15), Held(30, -25.0), Held(60, -5.0)])
    epochs = run([stream], replace(settings(), standing=standing)).epochs
    assert {epoch.posture for epoch in epochs[60:80]} == {Posture.UPRIGHT}
    assert {epoch.posture for epoch in epochs[90:138]} == {Posture.SLOUCHED}


def test_a_standing_reference_alone_never_judges_sitting() -> None:
    """With no sitting reference a sitter is uncalibrated, however long."""
    epochs = run([samples([Held(300, 20.0)])], Settings(standing=STANDING)).epochs
    assert {e.activity for e in epochs} == {Activity.UNCALIBRATED}
