"""When samples were taken, for clips that stamp them: packets with a counter, and their arrivals → UTC.

The clip's counter is exact from sample to sample, starts anywhere, wraps, and runs a little fast or slow. Packets
arrive late by a varying delay, never early. So the true line from the counter to UTC lies below all arrivals and
touches the least delayed ones: it is the edge of their lower convex hull that spans the middle of what is remembered.
Times given out follow the line by stretching their step by at most 5 %, so they never jump or repeat; across a gap
nothing is stretched, so that lost samples can be counted by their times.

A counter that goes back or far ahead, or that stands still, has restarted or was set: the hull begins anew, the drift is
kept. Limits: a delay that never varies cannot be told from a shift, and stays in the times (the least delay of the
air, some milliseconds). Where the packets come in step with the radio's connection events, the least delay shows only as
the two drift apart, and until then it may be as long as the packets' least common step with the events.
"""

from collections import deque
from enum import Enum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MEMORY_S = 1200.0
"""What the line is fitted to: long enough for crystals that beat slowly with the radio, short enough for their warming."""
LEARN_S = 20.0
"""Over less than this the drift cannot be told from delays."""
MAX_DRIFT = 1e-3
"""No clock of a clip is worse: an RC oscillator keeps 500 ppm, a crystal 50."""
STRETCH = 0.05
FOLLOW_S = 1.0
"""Times make up their distance to the line in about so long, faster than `STRETCH` never."""
AHEAD_S = 2.0
"""A counter that is further ahead of the arrivals has restarted or was set; no packet comes so early."""
LATE_S, LATE_FOR_S = 1.0, 3.0
"""So does one that lags by so much, with every packet for so long."""
LOSSLESS = 1.25
"""Stamps that are further apart than so many times the samples between them: something was lost."""
PERIOD_GAIN = 1 / 64
REMEMBERED_STAMPS = 16
LEAST_STEP_S = 1e-6
"""Two samples never lie closer, whatever the stamps say."""


class Stamp(Enum):
    """Which sample of its packet a stamp belongs to."""

    FIRST = "first"
    LAST = "last"


Point = tuple[float, float]
"""The device time of a packet's newest sample, and how far behind it the packet came."""


class DeviceClock:
    """The clock of one connection. Deterministic in its arguments; times given out always increase."""

    def __init__(
        self, *, tick_s: float, rate_hz: float, bits: int | None = None, stamp_of: Stamp = Stamp.FIRST
    ) -> None:
        """Take the counter's step, the rate of the samples, and after how many bits the counter wraps (None: never)."""
        self._tick_s = tick_s
        self._period_s = 1.0 / rate_hz
        self._modulus = None if bits is None else 1 << bits
        self._stamp_of = stamp_of
        self._stamps: deque[int] = deque(maxlen=REMEMBERED_STAMPS)
        self._origin_ns = 0
        self._count = 0
        self._arrival_s = self._stamp_s = self._newest_s = 0.0
        self._given_s = -np.inf
        """Of the packet before: its samples, when it came, its stamp and its newest sample in device time, and the time
        given to that. All since the arrival of the first packet, whose newest sample is the origin of device time."""
        self._drift = self._offset_s = 0.0
        """The line: time since the origin = device time × (1 + drift) + offset."""
        self._hull: list[Point] = []
        self._hull_from_s = 0.0
        self._late_from_s: float | None = None
        self.lost = 0
        """Samples that the stamps show lacking so far."""
        self.repeated = 0
        """Samples that came again, with a stamp that had been."""
        self.restarts = 0
        """How often the counter restarted or was set."""

    @property
    def drift_ppm(self) -> float:
        """By how much the device's clock is slow against UTC, as far as it is known by now."""
        return self._drift * 1e6

    def arrived(self, stamp: int, count: int, arrival_ns: int) -> NDArray[np.int64]:
        """Take the arrival of a packet with so many samples; return their times, none for a packet that was there."""
        if stamp in self._stamps:
            self.repeated += count
            return np.empty(0, np.int64)
        if count == 0:
            return np.empty(0, np.int64)
        if not self._stamps:
            self._origin_ns = arrival_ns
        arrival_s = (arrival_ns - self._origin_ns) / 1e9
        newest_s, whole = self._read(stamp, count, arrival_s)
        step_s = (newest_s - self._newest_s) / count
        if not whole:
            step_s = min(step_s, self._period_s) if self._stamps else self._period_s
        anew = not self._hull
        self._observe(newest_s, arrival_s - newest_s)
        times_s = self._times_s(newest_s + step_s * np.arange(1 - count, 1, dtype=np.float64), anew=anew)
        self._stamps.append(stamp)
        self._arrival_s, self._newest_s, self._count = arrival_s, newest_s, count
        self._given_s = float(times_s[-1])
        times_ns: NDArray[np.int64] = np.rint(times_s * 1e9).astype(np.int64) + self._origin_ns
        return times_ns

    # ---- the counter --------------------------------------------------------------------------------------

    def _read(self, stamp: int, count: int, arrival_s: float) -> tuple[float, bool]:
        """Return the device time of the newest sample, and whether nothing is lacking since the packet before."""
        behind_s = (count - 1) * self._period_s if self._stamp_of is Stamp.FIRST else 0.0
        if not self._stamps:
            self._stamp_s = -behind_s
            return 0.0, False
        between = self._count if self._stamp_of is Stamp.FIRST else count
        waited_s = arrival_s - self._arrival_s
        passed_s = self._passed_s(stamp, waited_s)
        if passed_s < 0 or self._disagrees(self._stamp_s + passed_s + behind_s, arrival_s):
            self.restarts += 1
            self._hull.clear()
            self._late_from_s = None
            passed_s, whole = max(waited_s, between * self._period_s), False
        else:
            whole = passed_s < max(LOSSLESS * between, between + 0.5) * self._period_s
            if whole:
                self._period_s += PERIOD_GAIN * (passed_s / between - self._period_s)
            else:
                self.lost += max(1, round(passed_s / self._period_s) - between)
        self._stamp_s += passed_s
        return max(self._stamp_s + behind_s, self._newest_s + count * LEAST_STEP_S), whole

    def _passed_s(self, stamp: int, waited_s: float) -> float:
        """Return how far the counter went since the packet before, unwrapped as fits best the time that went by."""
        passed = stamp - self._stamps[-1]
        if self._modulus:
            passed %= self._modulus
            passed += self._modulus * max(0, round((waited_s / self._tick_s - passed) / self._modulus))
        return passed * self._tick_s

    def _disagrees(self, newest_s: float, arrival_s: float) -> bool:
        """Tell whether the counter cannot have run on: ahead of the arrivals, or for seconds far behind all of them."""
        late_s = arrival_s - (newest_s * (1 + self._drift) + self._offset_s)
        if late_s < LATE_S:
            self._late_from_s = None
        elif self._late_from_s is None:
            self._late_from_s = arrival_s
        lags = self._late_from_s is not None and arrival_s - self._late_from_s > LATE_FOR_S
        return lags or late_s < -AHEAD_S

    # ---- the line -----------------------------------------------------------------------------------------

    def _observe(self, device_s: float, delay_s: float) -> None:
        """Add a packet to the hull, and lay the line along the hull's edge below the middle of what is remembered."""
        hull = self._hull
        if not hull:
            self._hull_from_s = device_s
        while len(hull) > 1 and _is_above(hull[-1], hull[-2], (device_s, delay_s)):
            hull.pop()
        hull.append((device_s, delay_s))
        while len(hull) > 2 and hull[1][0] < device_s - MEMORY_S:
            del hull[0]
        begin_s = max(self._hull_from_s, device_s - MEMORY_S)
        if device_s - begin_s > LEARN_S:
            middle_s = (begin_s + device_s) / 2
            left, right = next(edge for edge in pairwise(hull) if edge[1][0] > middle_s)
            slope = (right[1] - left[1]) / (right[0] - left[0])
            self._drift = min(MAX_DRIFT, max(-MAX_DRIFT, slope))
        self._offset_s = min(low_s - self._drift * at_s for at_s, low_s in hull)

    def _times_s(self, device_s: NDArray[np.float64], *, anew: bool) -> NDArray[np.float64]:
        """Return the times of samples, each a little nearer to the line; onto one laid anew they may leap forward."""
        ahead_s = self._given_s - (self._newest_s * (1 + self._drift) + self._offset_s)
        if anew:
            ahead_s = max(0.0, ahead_s)
        # Of a gap as much as without one; of stamps that hardly move, hardly anything.
        period_s = min(self._period_s, float(device_s[-1] - self._newest_s) / len(device_s))
        step_s = min(STRETCH * period_s, max(-STRETCH * period_s, ahead_s * min(1.0, period_s / FOLLOW_S)))
        line_s = device_s * (1 + self._drift) + self._offset_s
        times_s: NDArray[np.float64] = line_s + ahead_s - step_s * np.arange(1, len(device_s) + 1)
        return times_s


def _is_above(point: Point, left: Point, right: Point) -> bool:
    """Tell whether a point lies on or above the straight line between two others."""
    return (point[1] - left[1]) * (right[0] - left[0]) >= (right[1] - left[1]) * (point[0] - left[0])
