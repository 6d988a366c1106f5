"""Inclination against optical truth: the targets, and that the down-sampling invents nothing."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.inclination import Trial, measure
from benchmarks.peers import up_of


@pytest.mark.recordings
def test_inclination_is_within_its_targets_at_50_hz(recordings: Path) -> None:
    """All trials, live and offline; the peers are for comparison alone."""
    results = measure(recordings / "broad.npz", ("live", "offline"))
    live, offline = results["live_50hz"], results["offline_50hz"]
    assert live is not None
    assert offline is not None
    assert live["mean_deg"] <= 1.35
    assert live["worst_deg"] <= 3.0
    assert offline["mean_deg"] <= 1.05


def test_a_lower_rate_takes_means_and_stands_for_the_middle_of_its_period() -> None:
    """A steady turn sampled at a rate that does not divide: the mean rate and the mid-period truth come out."""
    rate_hz, n = 2000 / 7, 2000
    angle = 0.1 * np.arange(n) / rate_hz
    truth = up_of(np.stack((np.cos(angle / 2), np.sin(angle / 2), 0 * angle, 0 * angle), axis=1))
    ramp = np.repeat(np.arange(n)[:, None], 3, axis=1).astype(float)
    trial = Trial(rate_hz, ramp, np.full((n, 3), 0.5), truth, np.ones(n, bool)).at(50)
    period = rate_hz / 50
    middles = np.arange(len(trial.acc_mps2)) * period + (period - 1) / 2
    assert len(trial.acc_mps2) == int(n / period)
    assert np.allclose(trial.gyr_radps, 0.5)
    # A period cuts samples in parts, so the mean of a ramp is off by less than a quarter of a sample's rise.
    assert np.abs(trial.acc_mps2[:, 0] - middles).max() < 0.25
    expected = 0.1 * middles / rate_hz
    assert np.allclose(np.arctan2(trial.true_up[:, 1], trial.true_up[:, 2]), expected, atol=1e-6)
