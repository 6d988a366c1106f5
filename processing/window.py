"""Seconds that are over → the facts of each, with movement measured over the last five seconds.

The seconds of many wearers are measured at once: what costs is the number of calls to numpy, not of samples. A wearer's
facts are the same to the last bit whoever is measured beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.activity import Angles, Facts
from processing.arrival import Samples, join
from processing.calibration import Calibration
from processing.features import (
    MAGNITUDE,
    MAGNITUDE_SQUARED,
    MOTION,
    SAGITTAL,
    SQUARES,
    SUMMED,
    UP,
    SecondSums,
    regularity,
    sum_seconds,
    tabulate,
)
from processing.inclination import DEG, axes_of, inclination_deg
from processing.settings import Settings
from sensor.samples import STANDARD_GRAVITY_MPS2

WINDOW_S = 5
"""Seconds over which movement is measured."""
BEFORE_S = WINDOW_S - 1
ACC, GYR = slice(0, 3), slice(3, 6)
RECEIVED, MOTION_G, FIRST_ANGLE = (Facts._fields.index(name) for name in ("received", "motion_g", "angles"))
ANGLES = len(Angles._fields)
UNITS = np.array([[1 / STANDARD_GRAVITY_MPS2]] * 3 + [[DEG]] * 3 + [[1 / STANDARD_GRAVITY_MPS2]])
"""From the table's motion to g and deg/s."""
LEAST_MPS2 = 1e-9
"""Where there is no acceleration at all, nothing is divided by less."""
NO_AXES = np.full((3, 3), np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The four seconds before the open one."""

    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros((1 + SUMMED.stop, BEFORE_S)))
    """(18, 4), as `sum_seconds` gives them."""
    magnitude: tuple[NDArray[np.float64], ...] = ()
    """|a| of the samples of each, in m/s²."""


class Over(NamedTuple):
    """Seconds of one wearer that are over, one after another."""

    parts: tuple[Samples, ...]
    edges: list[int]
    """Second k has the samples `edges[k]` to `edges[k + 1]` of all parts together; the last edge is their end."""
    rate_hz: float
    window: Window
    settings: Settings


class Measured(NamedTuple):
    """The same seconds, measured, among those of others that were measured together."""

    over: Over
    rows: list[list[float]]
    """A row for each of `Facts` up to the jerk, then for each of `Angles` from every reference; a column a second."""
    columns: NDArray[np.float64]
    """The same of this wearer's seconds."""
    first: int
    """Where the wearer's seconds begin in `rows`, and …"""
    begin: int
    """… the wearer's samples in `time_ns` and `sagittal_deg`."""
    time_ns: NDArray[np.int64]
    sagittal_deg: NDArray[np.float64]
    """(references, n) of each sample."""
    magnitude: "_Magnitude"
    window: Window

    def facts(self, k: int) -> Facts:
        """Return what is known of second k, steps too where there is movement."""
        received, complete, *figures = [row[self.first + k] for row in self.rows]
        plain = FIRST_ANGLE - 2
        angles = tuple(
            Angles(*figures[at : at + ANGLES])
            for at in range(plain, plain + ANGLES * len(self.over.settings.references), ANGLES)
        )
        facts = Facts._make((int(received), bool(complete), *figures[:plain], angles, 0.0, 0.0))
        if facts.motion_g <= self.over.settings.moving_off_g:
            return facts
        steps, cadence_hz = regularity(self.magnitude.until(k), self.over.rate_hz)
        return facts._replace(regularity=steps, cadence_hz=cadence_hz)

    def run(self, row: int, begin: int, end: int) -> list[float]:
        """Return a row's figures of seconds `begin` to `end`."""
        return self.rows[row][self.first + begin : self.first + end]


def measure(overs: Sequence[Over]) -> list[Measured]:
    """Measure the seconds of some wearers; at least one of each."""
    samples = join([part for over in overs for part in over.parts])
    begins = [0, *accumulate(over.edges[-1] for over in overs)]
    firsts = [0, *accumulate(len(over.edges) - 1 for over in overs)]
    axes = _axes([over.settings.references for over in overs])
    table = tabulate(samples, _for_each(axes, begins))
    edges = [begin + edge for begin, over in zip(begins, overs, strict=False) for edge in over.edges[:-1]]
    edges.append(begins[-1])
    seconds = sum_seconds(table, edges)
    # Each wearer's last four seconds and the new ones after them, one wearer beside the other.
    sums = [
        part
        for over, first, last in zip(overs, firsts, firsts[1:], strict=False)
        for part in (over.window.sums, seconds.sums[:, first:last])
    ]
    every = np.concatenate(sums, axis=1)
    least = np.array([max(1.0, over.settings.min_received * over.rate_hz) for over in overs])
    columns = _facts(every, firsts, seconds, _for_each(least, firsts), _for_each(axes, firsts))
    rows, found = columns.tolist(), []
    for number, (over, first, last) in enumerate(zip(overs, firsts, firsts[1:], strict=False)):
        magnitude = _Magnitude(over.window.magnitude, table[MAGNITUDE], edges[first : last + 1])
        end = last + (number + 1) * BEFORE_S
        window = Window(every[:, end - BEFORE_S : end].copy(), magnitude.last(BEFORE_S))
        found.append(
            Measured(
                over,
                rows,
                columns[:, first:last],
                first,
                begins[number],
                samples.time_ns,
                table[SAGITTAL:],
                magnitude,
                window,
            )
        )
    return found


class _Magnitude(NamedTuple):
    """|a| of a wearer's samples: of the seconds before, and of those that are measured."""

    before: tuple[NDArray[np.float64], ...]
    now: NDArray[np.float64]
    edges: list[int]

    def until(self, k: int) -> NDArray[np.float64]:
        """Return the samples of the last `WINDOW_S` seconds up to second `k`."""
        first = k + 1 - WINDOW_S
        before = self.before[first:] if first < 0 else ()
        return np.concatenate((*before, self.now[self.edges[max(0, first)] : self.edges[k + 1]]))

    def last(self, seconds: int) -> tuple[NDArray[np.float64], ...]:
        """Return the samples of each of the last seconds."""
        ends = self.edges[-seconds - 1 :]
        now = [self.now[begin:end].copy() for begin, end in pairwise(ends)]
        return (*self.before, *now)[-seconds:]


def _axes(references: Sequence[Sequence[Calibration]]) -> NDArray[np.float64]:
    """Return (R, 3, 3, wearers), the axes of each wearer's references; NaN where one has fewer than another."""
    most = max(map(len, references))
    axes = [[*map(axes_of, of), *[NO_AXES] * (most - len(of))] for of in references]
    return np.array(axes, float).reshape(len(references), most, 3, 3).transpose(1, 2, 3, 0)


def _for_each(of_wearers: NDArray[np.float64], edges: Sequence[int]) -> NDArray[np.float64]:
    """Return what each wearer has once for each of their samples, or seconds: from `edges[w]` to `edges[w + 1]`."""
    return of_wearers if of_wearers.shape[-1] == 1 else of_wearers.repeat(np.diff(edges), axis=-1)


def _facts(
    every: NDArray[np.float64],
    firsts: Sequence[int],
    seconds: SecondSums,
    least: NDArray[np.float64],
    axes: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return a row for each of `Facts` but its steps, then for each of `Angles` from every reference, a column a second.

    `least` samples make a second complete.
    """
    # Five terms in a fixed order, not a running sum: the same however the seconds came.
    n = every.shape[1] - BEFORE_S
    total = every[:, :n].copy()
    for shift in range(1, WINDOW_S):
        total += every[:, shift : shift + n]
    if len(firsts) > 2:
        # Between two wearers lie sums of seconds of both.
        wearers = enumerate(pairwise(firsts))
        total = total[:, [k + number * BEFORE_S for number, (a, b) in wearers for k in range(a, b)]]
    mean = total[1:] / np.maximum(total[0], 1.0)
    variance = np.maximum(0.0, mean[SQUARES] - np.square(mean[MOTION]))
    spread = np.sqrt(variance) * UNITS
    received = seconds.sums[0]
    table = np.empty((FIRST_ANGLE + len(axes) * ANGLES, len(received)))
    table[0] = received
    table[1] = received >= least
    np.minimum.reduce(spread[ACC], axis=0, out=table[2])
    np.maximum.reduce(spread[ACC], axis=0, out=table[3])
    np.maximum.reduce(spread[GYR], axis=0, out=table[4])
    table[5] = np.sqrt(np.add.reduce(variance[GYR], axis=0)) * DEG
    table[6] = spread[MAGNITUDE]
    table[7] = mean[MAGNITUDE] / STANDARD_GRAVITY_MPS2
    table[8] = np.sqrt(seconds.high[0]) / STANDARD_GRAVITY_MPS2 - 1
    # Between means of unit vectors, where |a| hardly changes: the chord for the arc.
    apart = mean[ACC] / np.maximum(mean[MAGNITUDE], LEAST_MPS2) - mean[UP]
    turns = np.logical_or.reduce(mean[SQUARES][GYR], axis=0)
    table[9] = np.sqrt(np.add.reduce(np.square(apart), axis=0)) * (turns * DEG)
    for number, of in enumerate(axes):
        angles, row = table[FIRST_ANGLE + number * ANGLES :], SAGITTAL - MAGNITUDE_SQUARED + number
        angles[:3] = inclination_deg(seconds.sums[1:][UP], of)
        angles[3], angles[4] = seconds.low[row], seconds.high[row]
    return table
