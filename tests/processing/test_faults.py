"""A clip that is out of order: nothing is judged by it, somebody is told why, and it cannot be calibrated."""

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
