"""A clip that is out of order: nothing is judged by it, somebody is told why, and it cannot be calibrated."""

from dataclasses import replace

import numpy as np
import pytest

from processing.calibration import calibrate
from processing.errors import CalibrationRefusedError, Refusal
from processing.outputs import Activity, EventKind, Outputs, Posture
from sensor.samples import STANDARD_GRAVITY_MPS2, SampleBlock
from tests.processing.people import START_NS, Held, run, samples, seconds_of, settings

SITTING = samples([Held(120), Held(120, 20.0), Held(60)])


def spoiled(
    block: SampleBlock, axis: int | None, value_g: float | None, from_s: float, to_s: float
) -> SampleBlock:
    """Return the block with an axis, or all, at one value for a while; None: the last value before."""
    acc, gyr = block.acc_mps2.copy(), block.gyr_radps
    rows = slice(*np.searchsorted((block.time_ns - START_NS) / 1e9, (from_s, to_s)).tolist())
    axes = slice(None) if axis is None else axis
    before = acc[max(0, rows.start - 1), axes]
    acc[rows, axes] = before if value_g is None else value_g * STANDARD_GRAVITY_MPS2
    return SampleBlock(block.time_ns, acc, gyr, block.rate_hz)


def doubts(outputs: Outputs) -> list[tuple[float, str]]:
    """Return when and why the clip was doubted."""
    return [
        (seconds_of(event.time_ns), event.note)
        for event in outputs.events
        if event.kind is EventKind.CALIBRATION_SUSPECT
    ]


@pytest.mark.parametrize(
    ("axis", "value_g", "why"),
    [
        (2, 0.0, "stands still"),
        (0, 2.0, "stands still"),
        (1, None, "stands still"),
        (None, None, "stands still"),
    ],
    ids=["dead", "at its limit", "frozen", "all frozen"],
)
def test_an_axis_that_stands_still_is_not_judged(axis: int | None, value_g: float | None, why: str) -> None:
    """From a few seconds after an axis dies until a new calibration nothing is judged, and an event says why."""
    outputs = run([spoiled(SITTING, axis, value_g, 30, 300)], settings())
    after = outputs.epochs[40:]
    assert {(epoch.activity, epoch.posture) for epoch in after} == {(Activity.UNCALIBRATED, Posture.UNKNOWN)}
    assert not outputs.episodes
    ((at_s, note),) = doubts(outputs)
    assert 90 <= at_s <= 102
    assert why in note


def test_a_clip_that_reads_another_gravity_is_not_judged() -> None:
    """An accelerometer whose scale is off by an eighth cannot tell an angle; the event says what it reads."""
    light = SampleBlock(SITTING.time_ns, SITTING.acc_mps2 * 0.87, SITTING.gyr_radps, SITTING.rate_hz)
    outputs = run([light], settings())
    assert {epoch.posture for epoch in outputs.epochs} == {Posture.UNKNOWN}
    ((at_s, note),) = doubts(outputs)
    assert at_s == pytest.approx(60, abs=2)
    assert "0.87 g at rest" in note


@pytest.mark.parametrize(
    ("axes", "turn_degps"),
    [([0], 6.0), ([0], -6.0), ([0], -40.0), ([2], 12.0), ([0, 1, 2], -10.0)],
    ids=["backward", "forward", "frozen in a bow", "sideways", "frozen"],
)
def test_a_gyroscope_that_stands_still_or_is_far_off_is_not_judged_by(
    axes: list[int], turn_degps: float
) -> None:
    """It would hold the angle off by ten degrees and more for ever: no slouch comes of it, and an event says why."""
    gyr = np.array(SITTING.gyr_radps)
    gyr[30 * 50 :, axes] = np.radians(turn_degps)
    outputs = run([SampleBlock(SITTING.time_ns, SITTING.acc_mps2, gyr, SITTING.rate_hz)], settings())
    after = outputs.epochs[50:]
    assert {(epoch.activity, epoch.posture) for epoch in after} == {(Activity.UNCALIBRATED, Posture.UNKNOWN)}
    assert not outputs.episodes
    ((at_s, note),) = doubts(outputs)
    assert 100 <= at_s <= 110
    assert "gyroscope" in note


def test_one_damaged_sample_of_the_gyroscope_is_no_fault() -> None:
    """It turns the angle by 25° for some seconds, as a recorded clip's did; nothing is doubted and no slouch comes of it."""
    gyr = np.array(SITTING.gyr_radps)
    gyr[60 * 50, 0] = np.radians(1250)
    outputs = run([SampleBlock(SITTING.time_ns, SITTING.acc_mps2, gyr, SITTING.rate_hz)], settings())
    assert Activity.UNCALIBRATED not in {epoch.activity for epoch in outputs.epochs}
    assert not doubts(outputs)
    assert len(outputs.episodes) == 1


def test_a_clip_without_a_gyroscope_is_not_doubted_for_its_slow_angle() -> None:
    """With no turn to go by the angle follows a bow for seconds; that is no fault, and the slouch is found."""
    slow = SampleBlock(SITTING.time_ns, SITTING.acc_mps2, None, SITTING.rate_hz)
    outputs = run([slow], settings())
    assert Activity.UNCALIBRATED not in {epoch.activity for epoch in outputs.epochs}
    assert len(outputs.episodes) == 1


def test_a_stream_that_stands_still_for_a_moment_is_believed_again() -> None:
    """Eight seconds of one and the same sample are unknown, and judging goes on after them."""
    outputs = run([spoiled(SITTING, None, None, 30, 38)], settings())
    assert Activity.UNCALIBRATED in {epoch.activity for epoch in outputs.epochs[33:40]}
    assert {epoch.activity for epoch in outputs.epochs[50:110]} == {Activity.STILL}
    assert not doubts(outputs)
    assert len(outputs.episodes) == 1


def test_a_clip_of_two_g_that_clips_is_moving_and_nothing_worse() -> None:
    """Steps that go beyond ±2 g are cut off; that is movement, and the sitting after it is judged as before."""
    hard = samples([Held(60), Held(30, step_g=1.2), Held(1, 25.0, move_s=1), Held(90, move_s=1)])
    acc = np.clip(hard.acc_mps2, -2 * STANDARD_GRAVITY_MPS2, 2 * STANDARD_GRAVITY_MPS2)
    assert (acc != hard.acc_mps2).any()
    outputs = run([SampleBlock(hard.time_ns, acc, hard.gyr_radps, hard.rate_hz)], settings())
    assert {epoch.activity for epoch in outputs.epochs[66:88]} <= {Activity.WALKING, Activity.MOVING}
    assert {epoch.activity for epoch in outputs.epochs[-60:]} == {Activity.STILL}
    assert not doubts(outputs)


def test_a_dead_axis_cannot_be_calibrated() -> None:
    """The refusal names the fault and the way out; the axis' zero may well be right in the pose."""
    with pytest.raises(CalibrationRefusedError, match="take another") as refused:
        calibrate(spoiled(samples([Held(5)]), 2, 0.0, 0, 5))
    assert refused.value.reason is Refusal.DAMAGED


def test_a_gyroscope_that_is_far_off_cannot_be_calibrated() -> None:
    """Four degrees a second in a pose held still: refused, and by how much is said; what the filter copes with serves."""
    pose = samples([Held(5)])
    assert pose.gyr_radps is not None
    off, far_off = (
        replace(pose, gyr_radps=pose.gyr_radps + np.radians([degps, 0, 0])) for degps in (1.5, 4.0)
    )
    assert calibrate(off).up_sensor == calibrate(pose).up_sensor
    with pytest.raises(CalibrationRefusedError, match=r"3\.9 °/s.*gyroscope") as refused:
        calibrate(far_off)
    assert refused.value.reason is Refusal.DAMAGED
