"""The sample grid of clips that send no time: steady, steered to the true rate, honest about gaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sensor.clock import STRETCH, SampleClock

Floats = NDArray[np.float64]

START_NS = 1_767_225_600_000_000_000
BUNDLES = {10.0: 1, 20.0: 1, 50.0: 2, 100.0: 4, 200.0: 8}
"""Samples a notification, by rate: as the family sends them."""
GRIDS_S = (0.0, 0.015, 0.03, 0.06)
"""Connection intervals: a bundle waits for the next event. (0: none, as on a virtual radio.)"""
AIR_S, JITTER_S = 0.002, 0.003


@dataclass(frozen=True, slots=True)
class Span:
    """Something that happens on the air from a moment on, for a while."""

    at_s: float
    for_s: float


@dataclass(frozen=True, slots=True)
class Air:
    """A clip whose true rate is off by `error`, and what becomes of its bundles on the way."""

    nominal_hz: float
    error: float
    grid_s: float
    seed: int
    seconds: float = 90.0
    fades: Sequence[Span] = ()
    """The bundles of this time come together at its end."""
    losses: Sequence[Span] = ()
    """The bundles of this time never come."""

    @property
    def period_s(self) -> float:
        """The true period."""
        return 1 / (self.nominal_hz * (1 + self.error))

    def bundles(self) -> tuple[Floats, Floats]:
        """Return when each bundle that came arrived (n,), and when its samples were taken (n, samples)."""
        random = np.random.default_rng(self.seed)
        size = BUNDLES[self.nominal_hz]
        count = int(self.seconds / self.period_s / size)
        taken_s = np.arange(count * size, dtype=np.float64).reshape(count, size) * self.period_s
        arrival_s: Floats = taken_s[:, -1] + AIR_S + random.exponential(JITTER_S, count)
        if self.grid_s:
            phase_s = random.uniform(0, self.grid_s)
            arrival_s = np.ceil((arrival_s - phase_s) / self.grid_s) * self.grid_s + phase_s
        came = np.ones(count, bool)
        for fade in self.fades:
            inside = (arrival_s >= fade.at_s) & (arrival_s < fade.at_s + fade.for_s)
            late_s = fade.at_s + fade.for_s + (arrival_s - fade.at_s) / 1000
            arrival_s = np.where(inside, late_s, arrival_s)
        for loss in self.losses:
            came &= (taken_s[:, -1] < loss.at_s) | (taken_s[:, -1] >= loss.at_s + loss.for_s)
        in_order_s: Floats = np.maximum.accumulate(arrival_s)
        return in_order_s[came], taken_s[came]


def told(air: Air) -> tuple[SampleClock, Floats, Floats]:
    """Return the clock after all of it, the times it gave (n,), and when the samples were really taken (n,)."""
    arrivals_s, taken_s = air.bundles()
    clock = SampleClock(air.nominal_hz)
    given_ns = [
        clock.arrived(START_NS + round(arrival_s * 1e9), taken_s.shape[1]) for arrival_s in arrivals_s
    ]
    times_ns = np.concatenate([*given_ns, clock.flush()])
    return clock, (times_ns - START_NS) / 1e9, taken_s.ravel()


rates = st.sampled_from(sorted(BUNDLES))
errors = st.floats(-0.02, 0.02)
grids = st.sampled_from(GRIDS_S)
seeds = st.integers(0, 2**32 - 1)


@given(
    rates,
    st.lists(st.tuples(st.integers(0, 3_000_000_000), st.integers(0, 12)), max_size=60),
    st.integers(0, 3),
)
def test_times_increase_whatever_comes(rate_hz: float, bundles: list[tuple[int, int]], after: int) -> None:
    """Every sample gets a time, each later than the one before, and the same arrivals give the same times."""

    def play() -> list[int]:
        clock, now_ns = SampleClock(rate_hz), START_NS
        times_ns: list[int] = []
        for wait_ns, count in bundles:
            now_ns += wait_ns >> (8 * after)
            times_ns += clock.arrived(now_ns, count).tolist()
        return [*times_ns, *clock.flush().tolist()]

    times_ns = play()

    assert len(times_ns) == sum(count for _, count in bundles)
    assert (np.diff(times_ns) > 0).all()
    assert play() == times_ns


@given(rates, errors, grids, seeds)
@settings(max_examples=60, deadline=None)
def test_the_grid_is_steered_to_the_true_rate(rate_hz: float, error: float, grid_s: float, seed: int) -> None:
    """A clip that is 2 % fast or slow: after 30 s the grid's pace is right to 1 in 1000, its times to 30 ms."""
    air = Air(rate_hz, error, grid_s, seed)

    clock, times_s, taken_s = told(air)

    late = taken_s > 30
    pace_s = (times_s[-1] - times_s[late][0]) / (late.sum() - 1)
    assert pace_s == pytest.approx(air.period_s, rel=1e-3)
    assert clock.period_s == pytest.approx(air.period_s, rel=1e-3)
    assert (np.abs(times_s - taken_s - AIR_S)[late] < 0.03).all()
    assert clock.lost == 0


@given(rates, errors, grids, seeds)
@settings(max_examples=60, deadline=None)
def test_samples_of_a_bundle_are_never_stamped_alike(
    rate_hz: float, error: float, grid_s: float, seed: int
) -> None:
    """From the first sample on, neighbours lie one period apart, give or take what the grid may stretch and the rate."""
    _, times_s, _ = told(Air(rate_hz, error, grid_s, seed))

    steps = np.diff(times_s) * rate_hz
    assert steps == pytest.approx(1.0, abs=STRETCH + 0.035)


@given(rates, errors, grids, seeds, st.floats(0.2, 60), *[st.floats(0.05, 0.72)] * 2, st.floats(0.1, 2))
@settings(max_examples=60, deadline=None)
def test_fades_make_no_gap(
    rate_hz: float,
    error: float,
    grid_s: float,
    seed: int,
    at_s: float,
    for_s: float,
    then_s: float,
    pause_s: float,
) -> None:
    """Up to the supervision timeout everything comes late and at once, also twice: nothing is lost or made of it."""
    fades = [Span(at_s, for_s), Span(at_s + for_s + pause_s, then_s)]

    clock, times_s, taken_s = told(Air(rate_hz, error, grid_s, seed, fades=fades))

    assert len(times_s) == len(taken_s)
    assert clock.lost == 0
    assert (np.diff(times_s) * rate_hz).max() < 1.1


@pytest.mark.parametrize("rate_hz", [20.0, 50.0, 100.0, 200.0])
@pytest.mark.parametrize("grid_s", GRIDS_S[:3])
@pytest.mark.parametrize("pause_s", [0.02, 0.05])
def test_fades_with_hardly_a_breath_between_make_no_gap(
    rate_hz: float, grid_s: float, pause_s: float
) -> None:
    """One bundle that comes through between two fades is no proof that what is still under way is lost."""
    for for_s in (0.25, 0.4, 0.5):
        fades = [Span(20 + k * (for_s + pause_s), for_s) for k in range(3)]

        clock, times_s, taken_s = told(Air(rate_hz, 0.01, grid_s, 1, seconds=40, fades=fades))

        assert clock.lost == 0
        assert abs(times_s[-1] - taken_s[-1] - AIR_S) < 0.03


@pytest.mark.parametrize("rate_hz", [20.0, 50.0, 100.0, 200.0])
@pytest.mark.parametrize("grid_s", GRIDS_S[:3])
def test_a_long_fade_before_the_last_is_judged_makes_no_gap(rate_hz: float, grid_s: float) -> None:
    """A few bundles come through between two fades of more than a second: no more is made of it than of one."""
    for pause_s in (0.06, 0.09, 0.15):
        fades = [Span(20, 1.64), Span(21.64 + pause_s, 1.87)]

        clock, times_s, taken_s = told(Air(rate_hz, -0.0002, grid_s, 1, seconds=40, fades=fades))

        assert clock.lost <= max(1, 0.08 * rate_hz)
        assert np.abs(times_s - taken_s - AIR_S)[taken_s > 10].max() < 0.09


@given(rates, errors, grids, seeds, st.floats(0.2, 60), st.floats(0.72, 1.9))
@settings(max_examples=60, deadline=None)
def test_of_a_long_fade_hardly_anything_is_made(
    rate_hz: float, error: float, grid_s: float, seed: int, at_s: float, for_s: float
) -> None:
    """Some computers hold a link for longer: what comes after two seconds is no loss either, give or take 80 ms."""
    clock, times_s, taken_s = told(Air(rate_hz, error, grid_s, seed, fades=[Span(at_s, for_s)]))

    assert clock.lost <= max(1, 0.08 * rate_hz)
    assert abs(times_s[-1] - taken_s[-1] - AIR_S) < 0.05


@given(rates, errors, grids, seeds, st.floats(1, 60), st.integers(5, 45))
@settings(max_examples=100, deadline=None)
def test_a_stall_that_lost_samples_is_a_gap_of_that_length(
    rate_hz: float, error: float, grid_s: float, seed: int, at_s: float, bundles: int
) -> None:
    """What a silence swallowed is counted to within 80 ms, stands where the silence was, and shifts nothing after it."""
    for_s = bundles * BUNDLES[rate_hz] / rate_hz
    air = Air(rate_hz, error, grid_s, seed, losses=[Span(at_s, for_s)])

    clock, times_s, taken_s = told(air)

    lost = round(taken_s[-1] / air.period_s) + 1 - len(taken_s)
    slack = max(1, 0.08 * rate_hz)
    assert clock.lost == pytest.approx(lost, abs=slack)
    gap = int(np.argmax(np.diff(times_s)))
    assert gap == int(np.argmax(np.diff(taken_s)))
    assert (times_s[gap + 1] - times_s[gap]) * rate_hz == pytest.approx(lost + 1, abs=slack + 0.03 * lost)
    assert abs(times_s[-1] - taken_s[-1] - AIR_S) < 0.03


@given(errors, grids, seeds, st.floats(12, 60), st.integers(4, 6))
@settings(max_examples=40, deadline=None)
def test_a_loss_without_a_silence_is_noticed(
    error: float, grid_s: float, seed: int, at_s: float, bundles: int
) -> None:
    """At 200 Hz 32 samples are gone in 160 ms: no stall, and yet they are missed, and times are right again after."""
    loss = Span(at_s, (bundles - 0.5) * 0.04)
    clock, times_s, taken_s = told(Air(200.0, error, grid_s, seed, losses=[loss]))

    lost = round(taken_s[-1] * 200 * (1 + error)) + 1 - len(taken_s)
    assert clock.lost == pytest.approx(lost, abs=16)
    assert abs(times_s[-1] - taken_s[-1] - AIR_S) < 0.04


def test_what_is_held_back_is_let_go_at_the_end() -> None:
    """A connection that ends in the middle of a stall gives its samples all the same, in order."""
    clock = SampleClock(50.0)
    given_ns = [clock.arrived(START_NS + k * 40_000_000, 2) for k in range(50)]

    assert len(clock.arrived(START_NS + 2_500_000_000, 2)) == 0
    rest_ns = clock.flush()

    assert len(rest_ns) == 2
    assert rest_ns[0] > given_ns[-1][-1]
    assert len(clock.flush()) == 0
