"""The product's step on the real recordings: the accuracy that the README states."""

from pathlib import Path

import pytest

from benchmarks.posture import Air, change, measure, summary
from benchmarks.sitting_postures import people


@pytest.mark.recordings
@pytest.mark.parametrize(("placement", "f1", "specificity"), [("t4", 0.995, 0.99), ("c7", 0.945, 0.97)])
def test_posed_slouching_is_told_from_sitting_upright(
    recordings: Path, placement: str, f1: float, specificity: float
) -> None:
    """All 29 people, calibrated on their first upright trial alone."""
    scores, refused = measure(recordings / "sitting_postures.npz", placement)
    result = summary(scores)
    assert not refused
    assert result["people"] == 29
    assert result["f1"] >= f1  # type: ignore[operator]
    assert result["specificity"] >= specificity  # type: ignore[operator]


@pytest.mark.recordings
@pytest.mark.parametrize(("placement", "packet"), [("t4", 1), ("t4", 5), ("c7", 1), ("c7", 5)])
def test_a_bad_link_changes_little(recordings: Path, placement: str, packet: int) -> None:
    """A tenth of the packets lost and a stall of 0.4 s every ten seconds: all calibrate, and no figure moves by 0.01."""
    path, air = recordings / "sitting_postures.npz", Air(loss=0.1, stalls=True, packet=packet)
    trial = next(iter(people(path, placement)))[0]
    assert 0.8 < len(air.arrived(trial)) / len(trial.block()) < 0.93
    scores, refused = measure(path, placement, air)
    assert not refused
    assert change(summary(scores), summary(measure(path, placement)[0])) <= 0.01
