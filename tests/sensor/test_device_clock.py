"""Clips that stamp their samples: the counter is read through wraps and restarts, and laid on UTC by the least delay."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sensor.device_clock import DeviceClock, Stamp

Floats = NDArray[np.float64]

START_NS = 1_767_225_600_000_000_000
AIR_S, JITTER_S = 0.002, 0.003


@dataclass(frozen=True, slots=True)
class Kind:
    """How clips of a family stamp."""

    rate_hz: float
    count: int
    """Samples a packet."""
    tick_s: float
    bits: int | None
    stamp_of: Stamp

    def clock(self) -> DeviceClock:
        """Return a clock for a connection."""
        return DeviceClock(tick_s=self.tick_s, rate_hz=self.rate_hz, bits=self.bits, stamp_of=self.stamp_of)


DOT = Kind(60.0, 1, 1e-6, 32, Stamp.FIRST)
METAMOTION = Kind(50.0, 1, 48 / 32768, 32, Stamp.FIRST)
MOVESENSE = Kind(52.0, 4, 1e-3, 32, Stamp.FIRST)
POLAR = Kind(52.0, 36, 1e-9, None, Stamp.LAST)
SMALL = Kind(100.0, 1, 1e-3, 16, Stamp.FIRST)
KINDS = (DOT, METAMOTION, MOVESENSE, POLAR, SMALL)


@dataclass(frozen=True, slots=True)
class Journey:
    """Packets of a clip whose clock is slow by `drift`, over a radio with connection events."""

    kind: Kind
    drift: float
    grid_s: float
    seed: int
    seconds: float = 90.0
    first: int = 0
    """Where the counter stands at the first sample."""
    fades: Sequence[tuple[float, float]] = ()
    losses: Sequence[tuple[float, float]] = ()

    def packets(self) -> tuple[list[int], Floats, Floats]:
        """Return stamps, arrivals (n,), and when the samples were truly taken (n, count); lost packets left out."""
        kind, random = self.kind, np.random.default_rng(self.seed)
        n = int(self.seconds * kind.rate_hz / kind.count)
        device_s = np.arange(n * kind.count, dtype=np.float64).reshape(n, kind.count) / kind.rate_hz
        taken_s = device_s * (1 + self.drift)
        arrival_s: Floats = taken_s[:, -1] + AIR_S + random.exponential(JITTER_S, n)
        if self.grid_s:
            phase_s = random.uniform(0, self.grid_s)
            arrival_s = np.ceil((arrival_s - phase_s) / self.grid_s) * self.grid_s + phase_s
        for at_s, for_s in self.fades:
            inside = (arrival_s >= at_s) & (arrival_s < at_s + for_s)
            arrival_s = np.where(inside, at_s + for_s + (arrival_s - at_s) / 1000, arrival_s)
        came = np.ones(n, bool)
        for at_s, for_s in self.losses:
            came &= (taken_s[:, -1] < at_s) | (taken_s[:, -1] >= at_s + for_s)
        stamped_s = device_s[:, 0] if kind.stamp_of is Stamp.FIRST else device_s[:, -1]
        ticks = [self.first + int(s / kind.tick_s + 1e-6) for s in stamped_s[came]]
        if kind.bits:
            ticks = [tick % (1 << kind.bits) for tick in ticks]
        return ticks, np.maximum.accumulate(arrival_s)[came], taken_s[came]

    def told(self) -> tuple[DeviceClock, Floats, Floats]:
        """Return the clock after all of it, the times it gave (n,), and when the samples were taken (n,)."""
        stamps, arrivals_s, taken_s = self.packets()
        clock = self.kind.clock()
        given = [
            clock.arrived(stamp, self.kind.count, START_NS + round(arrival_s * 1e9))
            for stamp, arrival_s in zip(stamps, arrivals_s, strict=True)
        ]
        return clock, (np.concatenate(given) - START_NS) / 1e9, taken_s.ravel()


kinds = st.sampled_from(KINDS)
drifts = st.floats(-2e-4, 2e-4)
grids = st.sampled_from((0.0, 0.015, 0.03))
seeds = st.integers(0, 2**32 - 1)


@given(
    kinds,
    st.lists(
        st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 8), st.integers(0, 5_000_000_000)), max_size=40
    ),
)
def test_times_increase_whatever_comes(kind: Kind, packets: list[tuple[int, int, int]]) -> None:
    """Any stamps at all: each packet gets as many times as samples or none, later than all before; the same again."""

    def play() -> list[int]:
        clock, now_ns = kind.clock(), START_NS
        times_ns: list[int] = []
        for stamp, count, wait_ns in packets:
            now_ns += wait_ns
            given = clock.arrived(stamp % (1 << (kind.bits or 64)), count, now_ns).tolist()
            assert len(given) in {0, count}
            times_ns += given
        return times_ns

    times_ns = play()

    assert (np.diff(times_ns) > 0).all()
    assert play() == times_ns


@given(kinds, drifts, grids, seeds, st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_the_line_is_that_of_the_least_delay(
    kind: Kind, drift: float, grid_s: float, seed: int, first: int
) -> None:
    """Wherever the counter starts and however it wraps: after 30 s times are right to the radio's own step."""
    clock, times_s, taken_s = Journey(kind, drift, grid_s, seed, first=first).told()

    late = taken_s > 30
    assert np.abs(times_s - taken_s - AIR_S)[late].max() < 0.004 + grid_s / 2
    assert (clock.lost, clock.repeated, clock.restarts) == (0, 0, 0)


@given(kinds, drifts, grids, seeds, st.floats(5, 60), st.integers(1, 60))
@settings(max_examples=25)
def test_lost_packets_are_counted_exactly(
    kind: Kind, drift: float, grid_s: float, seed: int, at_s: float, packets: int
) -> None:
    """What never came is a gap of its length in the times, and its samples are counted to the last."""
    for_s = min(1.8, packets * kind.count / kind.rate_hz)
    journey = Journey(kind, drift, grid_s, seed, losses=[(at_s, for_s)])

    clock, times_s, taken_s = journey.told()

    lacking = round((taken_s[-1] - taken_s[0]) / (1 + drift) * kind.rate_hz) + 1 - len(taken_s)
    assert clock.lost == lacking
    assert clock.restarts == 0
    steps = np.rint(np.diff(times_s) * kind.rate_hz)
    assert steps.sum() + 1 - len(times_s) == lacking


@given(kinds, drifts, grids, seeds, st.floats(0, 60), st.floats(0.05, 1.9))
@settings(max_examples=25)
def test_a_fade_changes_no_time(
    kind: Kind, drift: float, grid_s: float, seed: int, at_s: float, for_s: float
) -> None:
    """What comes late and at once is no loss and no restart, and the line is where it would have been."""
    clock, times_s, taken_s = Journey(kind, drift, grid_s, seed, fades=[(at_s, for_s)]).told()

    assert (clock.lost, clock.restarts) == (0, 0)
    late = taken_s > max(45, at_s + 10)
    assert np.abs(times_s - taken_s - AIR_S)[late].max() < 0.004 + grid_s / 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_packet_that_comes_twice_is_taken_once(kind: Kind) -> None:
    """A callback that is called twice, or a second bus that says all again, makes no sample of it."""
    stamps, arrivals_s, _ = Journey(kind, 1e-4, 0.03, 1, seconds=30).packets()
    once, twice = kind.clock(), kind.clock()
    for stamp, arrival_s in zip(stamps, arrivals_s, strict=True):
        arrival_ns = START_NS + round(arrival_s * 1e9)
        given = once.arrived(stamp, kind.count, arrival_ns)

        assert (twice.arrived(stamp, kind.count, arrival_ns) == given).all()
        assert len(twice.arrived(stamp, kind.count, arrival_ns + 300_000)) == 0

    assert twice.repeated == len(stamps) * kind.count
    assert once.repeated == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("set_to_s", [0.0, 9_000.0])
def test_a_restart_is_recognised(kind: Kind, set_to_s: float) -> None:
    """A counter that begins anew or is set forward: counted once, and times go on as the arrivals do."""
    before = Journey(kind, 1e-4, 0.015, 1, seconds=60, first=round(5_000 / kind.tick_s))
    after = Journey(kind, 1e-4, 0.015, 2, seconds=60, first=round(set_to_s / kind.tick_s))
    clock, errors_s = kind.clock(), []
    for journey, begin_s in ((before, 0.0), (after, 60.5)):
        for stamp, arrival_s, taken_s in zip(*journey.packets(), strict=True):
            given = clock.arrived(stamp, kind.count, START_NS + round((begin_s + arrival_s) * 1e9))
            errors_s.append((given[-1] - START_NS) / 1e9 - begin_s - taken_s[-1] - AIR_S)

    assert clock.restarts == 1
    assert clock.lost == 0
    assert np.abs(errors_s[-len(errors_s) // 4 :]).max() < 0.015
    assert clock.drift_ppm == pytest.approx(100, abs=100)


def test_a_counter_that_stood_still_is_recognised() -> None:
    """A clip whose counter slept: all that comes is seconds late by it, and so the counter is what is wrong."""
    clock = DOT.clock()
    for k in range(60 * 30):
        clock.arrived(round(k / 60 * 1e6), 1, START_NS + round(k / 60 * 1e9))
    behind_s = []
    for k in range(60 * 30, 60 * 60):
        now_ns = START_NS + round((k / 60 + 1.8) * 1e9)
        behind_s.append((now_ns - clock.arrived(round(k / 60 * 1e6), 1, now_ns)[-1]) / 1e9)

    assert clock.restarts == 1
    assert behind_s[0] > 1.5
    assert abs(behind_s[-1]) < 0.01
