"""The scripted person and the recorded one: consistent, repeatable, exact."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vqf import VQF

from sensor.virtual.motion import (
    COUNTS_PER_DPS,
    COUNTS_PER_G,
    LEAN,
    LIE,
    LOST,
    SLOUCH,
    UPRIGHT,
    WALK,
    RecordedMotion,
    ScriptedPerson,
)

DAY = [
    (UPRIGHT, 20.0),
    (SLOUCH, 30.0),
    (UPRIGHT, 20.0),
    (LEAN, 15.0),
    (WALK, 20.0),
    (UPRIGHT, 15.0),
    (LIE, 20.0),
]
RATE_HZ = 50.0


@pytest.mark.parametrize("seed", range(4))
def test_a_filter_finds_the_pose_of_the_script(seed: int) -> None:
    """Gyroscope and accelerometer belong to one attitude: a fusion filter recovers the script within 3°."""
    person = ScriptedPerson(DAY, seed=seed)
    time_s = np.arange(0, 140, 1 / RATE_HZ)
    counts = person.counts(time_s).astype(float)
    acc = np.ascontiguousarray(counts[:, :3] / COUNTS_PER_G * 9.80665)
    gyr = np.ascontiguousarray(np.radians(counts[:, 3:] / COUNTS_PER_DPS))

    w, x, y, z = VQF(1 / RATE_HZ).updateBatch(gyr, acc)["quat6D"].T
    up = np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], axis=1)
    upright = up[(time_s > 5) & (time_s < 20)].mean(axis=0)
    found_deg = np.degrees(np.arccos(np.clip(up @ (upright / np.linalg.norm(upright)), -1, 1)))

    sagittal_deg, lateral_deg, _ = person.held(time_s)
    held_deg = np.degrees(np.arccos(np.cos(np.radians(sagittal_deg)) * np.cos(np.radians(lateral_deg))))
    for second in np.arange(5, 140):
        rows = (time_s >= second) & (time_s < second + 1)
        assert found_deg[rows].mean() == pytest.approx(held_deg[rows].mean(), abs=3.5)


def test_forward_tilts_z_up_and_right_tilts_x_down() -> None:
    """The axes are those of a clip worn USB up, label outward: forward raises +Z, right lowers +X."""
    seconds = np.arange(100, 130, 0.02)
    upright, slouched, leaning = (
        ScriptedPerson([(pose, 60.0)], seed=1).counts(seconds)[:, :3].mean(axis=0) / COUNTS_PER_G
        for pose in (UPRIGHT, SLOUCH, LEAN)
    )

    assert upright[1] > 0.85
    assert slouched[2] - upright[2] > 0.3
    assert leaning[0] - upright[0] < -0.25


@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(1, 499), max_size=8))
@settings(max_examples=25, deadline=None)
def test_the_same_seed_is_the_same_person_however_asked(seed: int, cuts: list[int]) -> None:
    """Counts depend on seed and time alone, not on how the time is cut into calls."""
    time_s = np.arange(500) / RATE_HZ
    whole = ScriptedPerson(DAY, seed=seed).counts(time_s)
    again = ScriptedPerson(DAY, seed=seed)
    edges = sorted({0, *cuts, 500})

    pieces = [again.counts(time_s[a:b]) for a, b in pairwise(edges)]

    assert np.array_equal(np.vstack(pieces), whole)


def test_a_recording_plays_row_by_row() -> None:
    """Every row comes once, in order, lost ones included, at the rate it was recorded with."""
    random = np.random.default_rng(5)
    acc, gyr = random.integers(-3000, 3000, (2, 700, 3)).astype(np.int16)
    acc[100:110] = gyr[100:110] = LOST
    motion = RecordedMotion(acc, gyr, 49.45)

    played = motion.counts(np.arange(700) / 49.45)

    assert np.array_equal(played, np.hstack([acc, gyr]))
    assert motion.duration_s == pytest.approx(700 / 49.45)


def test_a_script_needs_time() -> None:
    """A script that is empty or takes no time is refused."""
    for script in ([], [(UPRIGHT, 0.0)]):
        with pytest.raises(ValueError, match="duration above zero"):
            ScriptedPerson(script)
