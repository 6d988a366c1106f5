"""The benchmark of clocks: what it measures is small, and it would see a clock that is wrong."""

import pytest

from benchmarks import clocks
from benchmarks.clocks import KINDS, Kind, measure


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_residuals_are_within_the_target(kind: Kind) -> None:
    """Twelve minutes of each family stay below what the benchmark asks of a day."""
    found = measure(kind, 200.0, hours=0.2)

    assert found.most_ms <= (20 if kind.tick_s is None else 5)
    assert found.p99_ms <= found.most_ms


def test_a_clock_that_does_not_drift_along_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the drift held at nothing, ten minutes at 200 ppm leave tens of milliseconds."""
    monkeypatch.setattr("sensor.device_clock.MAX_DRIFT", 0.0)
    (dot,) = (kind for kind in clocks.KINDS if kind.name == "movella dot")

    assert measure(dot, 200.0, hours=0.2).most_ms > 50
