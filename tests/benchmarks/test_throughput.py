"""The speed benchmarks run, and say what they promise to say; how fast is for a quiet machine to tell."""

import numpy as np

from benchmarks import latency, throughput
from benchmarks.latency import Air


def test_throughput_measures_each_path() -> None:
    """A small run gives a figure for each path, and None only for a peer that is not installed."""
    results = throughput.measure(rounds=1, wearers=3, hours=0.05)
    assert list(results)[:5] == [
        "offline_vs_vqf",
        "offline_samples_per_s",
        "live_us_per_wearer_s",
        "notification_us",
        "peers_samples_per_s",
    ]
    assert all(results[key] > 0 for key in list(results)[:4])  # type: ignore[operator]


def test_every_slouch_is_alerted_after_its_due_moment() -> None:
    """Nothing is told before it is due, all is told, and a slower air tells later."""
    near, told = latency.measure(12, seed=3, air=Air(interval_s=0.001, loss=0.0, host_s=0.0))
    far, _ = latency.measure(12, seed=3, air=Air(interval_s=0.4, loss=0.1, host_s=0.0))
    assert told == 12
    # The crossing is told to within what a quarter of a degree takes, the packing takes up to 80 ms.
    assert -40 < near["p50_ms"] < far["p50_ms"]


def test_the_air_keeps_order_and_sends_at_its_events() -> None:
    """Notifications arrive at whole connection events after their last sample, and none overtakes another."""
    air = Air(interval_s=0.03, loss=0.3, host_s=0.0)
    sent_s = np.linspace(0.113, 40.013, 400)
    arrived_s = air.arrivals_s(sent_s, np.random.default_rng(1))
    assert (arrived_s >= sent_s).all()
    assert (np.diff(arrived_s) >= 0).all()
    assert np.allclose(arrived_s / 0.03, np.rint(arrived_s / 0.03))
    assert (arrived_s - sent_s).max() > 0.06
