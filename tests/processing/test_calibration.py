"""Calibration and the angles it gives: signs, any mounting, and every refusal with its reason."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from benchmarks.sitting_postures import Label, people
from processing.calibration import Calibration, calibrate, read_pose
from processing.errors import CalibrationRefusedError, Refusal
from processing.inclination import axes_of, inclination_deg, sagittal_deg
from processing.orientation import track, up_of
from processing.quality import quality
from sensor.samples import SampleBlock
from tests.processing.people import Held, samples

LABEL_INWARD = Rotation.from_euler("y", 180, degrees=True)
UPSIDE_DOWN = Rotation.from_euler("z", 180, degrees=True)


def angles(block: SampleBlock, calibration: Calibration) -> tuple[float, float]:
    """Return the sagittal and lateral angle at the end of a block."""
    assert block.gyr_radps is not None
    _, quat = track(None, block.acc_mps2, block.gyr_radps, block.rate_hz)
    sagittal, lateral, _ = inclination_deg(up_of(quat.T), axes_of(calibration)[:, :, None])[:, -50:].mean(
        axis=1
    )
    return float(sagittal), float(lateral)


@pytest.mark.parametrize(
    "mounting", [None, LABEL_INWARD, UPSIDE_DOWN], ids=["plain", "inward", "upside_down"]
)
@pytest.mark.parametrize("poses", [1, 2])
def test_forward_and_right_are_positive(mounting: Rotation | None, poses: int) -> None:
    """Forward and right read positive however the clip is mounted, with one pose or two."""
    upright, slump, lean = (
        samples([pose], mounting=mounting) for pose in (Held(5), Held(5, 22.0), Held(10, 15.0, 8.0))
    )
    calibration = calibrate(
        upright, slump if poses == 2 else None, label_outward=mounting is not LABEL_INWARD
    )
    sagittal, lateral = angles(lean, calibration)
    assert sagittal == pytest.approx(15, abs=0.5)
    assert lateral == pytest.approx(8, abs=0.5)


@given(
    turn=st.tuples(*[st.floats(-180, 180)] * 3),
    sagittal_deg=st.floats(-30, 60),
    lateral_deg=st.floats(-30, 30),
)
def test_two_poses_find_forward_in_any_mounting(
    turn: tuple[float, float, float], sagittal_deg: float, lateral_deg: float
) -> None:
    """With an upright and a slump pose the clip may sit any way round at all."""
    mounting = Rotation.from_euler("xyz", turn, degrees=True)
    calibration = calibrate(
        samples([Held(5)], mounting=mounting), samples([Held(5, 25.0)], mounting=mounting, seed=2)
    )
    sagittal, lateral = angles(
        samples([Held(6, sagittal_deg, lateral_deg)], mounting=mounting, seed=3), calibration
    )
    assert lateral == pytest.approx(lateral_deg, abs=1)
    assert sagittal == pytest.approx(sagittal_deg, abs=1)


def test_the_personal_threshold_is_half_the_slump_within_bounds() -> None:
    """Half the way to the slump pose, from 8° to 20°; 10° with one pose."""
    upright = samples([Held(5)])
    expected = {12.0: 8.0, 24.0: 12.0, 60.0: 20.0}
    for slump_deg, threshold_deg in expected.items():
        calibration = calibrate(upright, samples([Held(5, slump_deg)]))
        assert calibration.threshold_deg == pytest.approx(threshold_deg, abs=0.2)
        assert calibration.slump_deg == pytest.approx(slump_deg, abs=0.4)
    assert calibrate(upright).threshold_deg == 10.0


def scaled(block: SampleBlock, factor: float) -> SampleBlock:
    """Return the block as a clip with a wrong scale would give it."""
    return SampleBlock(block.time_ns, block.acc_mps2 * factor, block.gyr_radps, block.rate_hz)


def lossy(block: SampleBlock) -> SampleBlock:
    """Return the block with three samples in four damaged."""
    acc = block.acc_mps2.copy()
    acc[np.arange(len(acc)) % 4 > 0] = np.nan
    return SampleBlock(block.time_ns, acc, block.gyr_radps, block.rate_hz)


@pytest.mark.parametrize(
    ("upright", "slump", "reason", "way_out"),
    [
        (samples([Held(2)]), None, Refusal.TOO_SHORT, "try again"),
        (samples([Held(5)])[:1], None, Refusal.TOO_SHORT, "try again"),
        (samples([Held(5)])[:0], None, Refusal.TOO_SHORT, "try again"),
        (samples([Held(1), Held(4, 20.0)]), None, Refusal.MOVING, "sit quietly"),
        (samples([Held(5, shake_g=0.1)]), None, Refusal.MOVING, "sit quietly"),
        (scaled(samples([Held(5)]), 1.1), None, Refusal.NOT_ONE_G, "accelerometer"),
        (lossy(samples([Held(5)])), None, Refusal.DAMAGED, "nearer"),
        (samples([Held(5)]), samples([Held(5, 6.0)]), Refusal.POSES_TOO_CLOSE, "slump"),
        (samples([Held(5)]), samples([Held(5, 25.0, shake_g=0.1)]), Refusal.MOVING, "sit quietly"),
        (
            samples([Held(5)], mounting=Rotation.from_euler("x", 85, degrees=True)),
            None,
            Refusal.POSES_TOO_CLOSE,
            "slump pose",
        ),
    ],
)
def test_a_bad_pose_is_refused_with_its_reason(
    upright: SampleBlock, slump: SampleBlock | None, reason: Refusal, way_out: str
) -> None:
    """Moving, too short, not 1 g, damaged, poses too close: each is refused and says what to do."""
    with pytest.raises(CalibrationRefusedError, match=way_out) as refused:
        calibrate(upright, slump)
    assert refused.value.reason is reason


def test_the_quality_of_a_calibration_follows_from_its_poses() -> None:
    """Still and far apart: nothing to remark, an error near what people repeat; worse poses say what to do better."""
    good = quality(read_pose(samples([Held(5)])), read_pose(samples([Held(5, 24.0)])), placement="t4")
    assert good.remark == ""
    assert good.separation_deg == pytest.approx(24, abs=0.5)
    assert good.expected_error_deg == pytest.approx(3.1, abs=0.3)
    assert good.received == pytest.approx(1)
    assert good.off_one_g < 0.005
    worse = {
        "apart": quality(read_pose(samples([Held(5)])), read_pose(samples([Held(5, 12.0)]))),
        "moved": quality(read_pose(samples([Held(5, shake_g=0.02)]))),
        "wandered": quality(read_pose(samples([Held(1), Held(4, 3.0, move_s=4)]))),
        "samples": quality(read_pose(sparse(samples([Held(5)])))),
    }
    for word, of in worse.items():
        assert word in of.remark
    assert worse["wandered"].expected_error_deg > quality(read_pose(samples([Held(5)]))).expected_error_deg
    assert worse["moved"].separation_deg is None


def sparse(block: SampleBlock) -> SampleBlock:
    """Return the block with one sample in seven lost."""
    keep = np.arange(len(block)) % 7 > 0
    assert block.gyr_radps is not None
    return SampleBlock(block.time_ns[keep], block.acc_mps2[keep], block.gyr_radps[keep], block.rate_hz)


@pytest.mark.recordings
@pytest.mark.parametrize("placement", ["t4", "c7"])
def test_the_expected_error_is_what_people_show(recordings: Path, placement: str) -> None:
    """Recorded people who sit upright again are as far from zero as is told, within a quarter."""
    errors_deg, expected_deg = [], []
    for trials in people(recordings / "sitting_postures.npz", placement):
        first, *again = [trial for trial in trials if trial.label is Label.UPRIGHT]
        try:
            pose = read_pose(first.block()[150:400])
        except CalibrationRefusedError:
            continue
        expected_deg.append(quality(pose, placement=placement).expected_error_deg)
        axes = axes_of(calibrate(first.block()[150:400]))[:, :, None]
        for trial in again:
            up = trial.block().acc_mps2[150:].mean(axis=0)[:, None]
            errors_deg.append(float(sagittal_deg(up, axes)[0]))
    observed_deg = np.sqrt(np.square(errors_deg).mean())
    assert np.sqrt(np.square(expected_deg).mean()) == pytest.approx(observed_deg, rel=0.25)
