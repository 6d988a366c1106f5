"""The activity gate on recorded daily activities: what must not be judged is not, what may be judged is."""

from pathlib import Path

import pytest

from benchmarks.gating import measure


@pytest.mark.recordings
def test_posture_is_judged_while_quiet_and_only_then(recordings: Path) -> None:
    """All people: moving and lying are gated, sitting and standing are not, and no reference judges the other stance."""
    results, persons = measure(recordings / "daily_activities_chest.npz")
    assert len(persons) == 4
    assert results["moving_gated"] >= 0.995  # type: ignore[operator]
    assert results["lying_gated"] >= 0.95  # type: ignore[operator]
    assert results["quiet_gated"] <= 0.01  # type: ignore[operator]
    assert results["standing_judges_sitting"] == 0
    assert results["sitting_judges_standing"] == 0
