"""Unbroken daily life: quiet, every second accounted for; and how the recordings' axes and gain are found."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmarks import continuous_chest
from benchmarks.continuous import score, summary
from benchmarks.continuous_chest import forward_of, offset_and_gain
from benchmarks.daily_activities import RATE_HZ, WALKING, people


@pytest.mark.recordings
def test_daily_life_without_a_gyroscope_is_quiet_and_accounted_for(recordings: Path) -> None:
    """All people, default settings."""
    result = summary(
        [score(recording) for recording in continuous_chest.recordings(recordings / "continuous_chest.npz")]
    )
    assert result["people"] == 8
    assert result["computer_alerts_per_h"] <= 1  # type: ignore[operator]
    assert result["walking_alerts"] == 0
    assert result["balance_error_s"] == 0


@pytest.mark.recordings
def test_walking_shows_which_way_is_forward(recordings: Path) -> None:
    """Where the axes are known (z forward), each of the 12 walks shows forward within 15°, also in a turned frame."""
    turned = Rotation.from_euler("xyz", [20, 50, -70], degrees=True)
    for _, streams in people(recordings / "daily_activities_chest.npz"):
        for doing in WALKING:
            up, forward = forward_of(turned.apply(streams[doing].acc_mps2), RATE_HZ)
            normal = turned.apply([0.0, 0.0, 1.0])
            normal -= (normal @ up) * up
            assert forward @ normal / np.linalg.norm(normal) > np.cos(np.radians(15))


def test_offset_and_gain_are_found_where_the_tilts_show_them() -> None:
    """Quiet poses all round: both come out; the counts are noisy and the nominal offset is 20 counts off."""
    rng = np.random.default_rng(1)
    poses = rng.normal(size=(60, 3))
    poses /= np.linalg.norm(poses, axis=1, keepdims=True)
    counts = np.repeat(poses * 340 + [2060, 2030, 2068], 104, axis=0) + rng.normal(0, 3, (60 * 104, 3))
    offset, gain = offset_and_gain(counts)
    assert offset == pytest.approx([2060, 2030, 2068], abs=3)
    assert gain == pytest.approx(340, abs=3)
