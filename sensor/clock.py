"""When samples were taken, for clips that send no time: bundles and their arrivals → a steered sample grid.

The clip samples at an even rate; bundles arrive late by a varying delay, never early. So sample times lie on a line
below the arrivals: its slope is the true period (units of one type differ by a per cent), its height the least delay.
The line is fitted to the least delayed bundle of each second, first as a growing-memory least-squares line, then with
a fading memory; the grid given out follows it by stretching its step by at most 5 %, so times never jump or repeat.

A fade is a delay and then a burst: nothing is lost, and nothing is made of it. A stall can hide a loss, and only the
count shows it: after a long silence samples are held back until bundles come evenly again; what is then lacking
against the line is the gap, placed where the silence was. Losses that leave no silence show as a step of the least
delay and are placed where they are noticed.

Limits: a gap is counted to within 80 ms. A loss shorter than about 50 ms cannot be told from delay, and in the first
ten seconds none that leaves no stall; it shifts the grid a little, and the balance of samples with it. Fades that
follow each other within fractions of a second are, now and then, taken for a small loss.
"""

from collections import deque
from itertools import pairwise
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 1.0
"""One fitted point a window: the bundle with the least delay."""
LEAST_ALPHA, LEAST_BETA = 0.1, 0.01
"""Gains of the fading memory, about the last 20 windows."""
MAX_RATE_ERROR = 0.03
STRETCH = 0.05
FOLLOW_SAMPLES = 50
"""The grid makes up its distance to the line over so many samples."""
STALL_S = 0.15
STALL_BUNDLES = 4
"""A silence longer than both is a stall."""
CALM_BUNDLES = 4
"""Bundles that must come evenly after a stall before it is judged."""
MAX_HOLD_S = 1.0
LEAST_LOSS_S = 0.05
SETTLED_WINDOWS = 10
"""From then on a step of the least delay means a loss."""
REMEMBERED_DELAYS = 50


class SampleClock:
    """The grid of one connection. Deterministic in its arguments; times given out always increase."""

    def __init__(self, rate_hz: float) -> None:
        self._nominal_s = self._period_s = 1.0 / rate_hz
        self._origin_ns: int | None = None
        self._line_s = 0.0
        """When the next sample is due, by the line."""
        self._grid_s = 0.0
        """The next time to give out."""
        self._last_arrival_s = 0.0
        self._windows = 0
        self._window_from_s = 0.0
        self._window_samples = 0
        self._least_delay_s = np.inf
        self._delays_s: deque[float] = deque(maxlen=REMEMBERED_DELAYS)
        self._held: list[tuple[float, int]] = []
        self.lost = 0
        """Samples that were found lacking so far."""

    @property
    def period_s(self) -> float:
        """The period as it is known by now."""
        return self._period_s

    def arrived(self, arrival_ns: int, count: int) -> NDArray[np.int64]:
        """Take the arrival of some samples; return the times of the oldest samples not yet given a time.

        Usually these are the samples that arrived; none while they are held back, more when they are let go.
        """
        if count == 0:
            return np.empty(0, np.int64)
        if self._origin_ns is None:
            self._origin_ns = arrival_ns
            self._line_s = self._grid_s = -(count - 1) * self._period_s
        arrival_s = (arrival_ns - self._origin_ns) / 1e9
        silence_s = arrival_s - self._last_arrival_s
        self._last_arrival_s = arrival_s
        if self._held or (silence_s > STALL_S and silence_s > self._longest_silence_s(count)):
            held_long = bool(self._held) and arrival_s - self._held[0][0] >= MAX_HOLD_S
            if held_long and silence_s > self._longest_silence_s(count):
                # One stall after another: this bundle begins to be held as those before it are let go.
                times_ns = self._let_go(self._calm())
                self._held.append((arrival_s, count))
                return times_ns
            self._held.append((arrival_s, count))
            calm = self._calm()
            if len(calm) < CALM_BUNDLES and not held_long:
                return np.empty(0, np.int64)
            return self._let_go(calm)
        self._observe(arrival_s, count)
        return self._give(count)

    def flush(self) -> NDArray[np.int64]:
        """Return the times of what is held back: nothing more will come."""
        return self._let_go(self._calm()) if self._held else np.empty(0, np.int64)

    def _longest_silence_s(self, count: int) -> float:
        """Return what silence before a bundle of so many is no stall yet."""
        return max(STALL_S, STALL_BUNDLES * count * self._period_s)

    def _calm(self) -> list[int]:
        """Return which of the held bundles came evenly: neither in a burst nor after one more silence."""
        calm = []
        for i, ((before_s, _), (arrival_s, count)) in enumerate(pairwise(self._held), 1):
            if count * self._period_s / 2 < arrival_s - before_s <= self._longest_silence_s(count):
                calm.append(i)
        return calm

    def _let_go(self, calm: list[int]) -> NDArray[np.int64]:
        """Judge the stall by the bundles that came evenly, and give times to all that is held."""
        held, self._held = self._held, []
        if calm and self._delays_s:
            ends = np.cumsum([count for _, count in held])
            late_s = median(held[i][0] - (self._line_s + (int(ends[i]) - 1) * self._period_s) for i in calm)
            lacking_s = late_s - fmean(self._delays_s)
            if lacking_s > LEAST_LOSS_S:
                self._lose(round(lacking_s / self._period_s))
        times = []
        for i, (arrival_s, count) in enumerate(held):
            self._observe(arrival_s, count, in_burst=i not in calm)
            times.append(self._give(count))
        return np.concatenate(times)

    def _lose(self, count: int) -> None:
        self.lost += count
        self._line_s += count * self._period_s
        self._grid_s += count * self._period_s

    def _observe(self, arrival_s: float, count: int, *, in_burst: bool = False) -> None:
        """Note a bundle's delay behind the line, and at a window's end correct the line; no window ends in a burst."""
        delay_s = arrival_s - (self._line_s + (count - 1) * self._period_s)
        self._line_s += count * self._period_s
        if not in_burst:
            self._delays_s.append(delay_s)
        self._least_delay_s = min(self._least_delay_s, delay_s)
        self._window_samples += count
        if in_burst or arrival_s - self._window_from_s < WINDOW_S:
            return
        least_s, samples = self._least_delay_s, self._window_samples
        self._window_from_s, self._window_samples, self._least_delay_s = arrival_s, 0, np.inf
        self._windows += 1
        if self._windows > SETTLED_WINDOWS and least_s > max(LEAST_LOSS_S, 1.5 * self._period_s):
            self._lose(round(least_s / self._period_s))
            self._delays_s.clear()
            return
        # Gains of the least-squares line through all points so far, until the memory begins to fade.
        k = self._windows
        alpha = max(LEAST_ALPHA, 2 * (2 * k - 1) / (k * (k + 1)))
        beta = max(LEAST_BETA, 6 / (k * (k + 1))) if k > 1 else 0.0
        self._line_s += min(1.0, alpha) * least_s
        period_s = self._period_s + min(1.0, beta) * least_s / samples
        limit_s = MAX_RATE_ERROR * self._nominal_s
        self._period_s = min(self._nominal_s + limit_s, max(self._nominal_s - limit_s, period_s))
        self._delays_s = deque((d - min(1.0, alpha) * least_s for d in self._delays_s), REMEMBERED_DELAYS)

    def _give(self, count: int) -> NDArray[np.int64]:
        """Return the next times of the grid, a little nearer to the line."""
        behind_s = self._line_s - count * self._period_s - self._grid_s
        limit_s = STRETCH * self._period_s
        step_s = self._period_s + min(limit_s, max(-limit_s, behind_s / FOLLOW_SAMPLES))
        grid_s, origin_ns = self._grid_s, self._origin_ns or 0
        self._grid_s += count * step_s
        # Python's own numbers: for so few, arrays cost twice as much.
        return np.array([origin_ns + round((grid_s + k * step_s) * 1e9) for k in range(count)], np.int64)
