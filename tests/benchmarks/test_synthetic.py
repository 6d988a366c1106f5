"""Generated wearers: the same for the same seed, their truth holds, and the product finds it."""

import numpy as np
import pytest

from benchmarks.people import CALIBRATE_S, life
from benchmarks.synthetic import lives, score, summary
from processing.calibration import calibrate
from processing.inclination import axes_of, sagittal_deg


def test_every_true_slouch_is_found_in_time_and_nobody_is_alerted_for_nothing() -> None:
    """Six hours of generated life, with walks, reaches, stand-ups and slips of the clip."""
    result = summary([score(of) for of in lives(6, seed=7)])
    assert result["hours"] >= 6  # type: ignore[operator]
    assert result["slouches"] >= 10  # type: ignore[operator]
    assert result["slips"] >= 1  # type: ignore[operator]
    assert (result["missed"], result["false_alerts"]) == (0, 0)
    assert result["onset_error_max_s"] <= 1  # type: ignore[operator]


def test_a_life_is_the_same_for_the_same_seed_however_its_samples_are_asked_for() -> None:
    """Whole, or in portions; and another seed is another wearer."""
    whole, again, other = life(3, 200.0).samples(), life(3, 200.0), life(4, 200.0).samples()
    parts = list(again.blocks(7.0))
    assert (np.concatenate([part.acc_mps2 for part in parts]) == whole.acc_mps2).all()
    assert (np.concatenate([part.time_ns for part in parts]) == whole.time_ns).all()
    assert not np.array_equal(other.acc_mps2[:1000], whole.acc_mps2[:1000])


def test_what_the_clip_feels_follows_from_how_the_back_is_held() -> None:
    """While nobody moves, gravity shows the true angle of the upper back; at a crossing, the threshold."""
    of = next(of for of in map(life, range(20)) if of.slouches and of.slip_s is None)
    calibration = calibrate(of.samples(*CALIBRATE_S))
    slouch = of.slouches[0]
    held_s = slouch.from_s + 30
    still = of.samples(held_s, held_s + 4)
    up = still.acc_mps2.mean(axis=0)[:, None]
    true_deg = of.person.trunk_deg(np.arange(held_s, held_s + 4, 0.02))[0].mean() - of.zero_deg()
    assert float(sagittal_deg(up, axes_of(calibration)[:, :, None])[0]) == pytest.approx(true_deg, abs=0.5)
    crossed_s = of.crossed_s(slouch, 10.0)
    before, after = of.person.trunk_deg(np.array([crossed_s - 0.02, crossed_s]))[0] - of.zero_deg()
    assert before <= 10 < after
