"""What is judged and what is not, and what an epoch and a minute say."""

import pytest

from processing.outputs import Activity, Posture
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
            Held(30, 85.0, move_s=1.5),
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
        assert epoch.sagittal_deg == pytest.approx(7, abs=0.3)
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
