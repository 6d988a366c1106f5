"""Seconds that are over → the facts of each, with movement measured over the last five seconds.

The seconds of many wearers are measured at once: what costs is the number of calls to numpy, not of samples. A wearer's
facts are the same to the last bit whoever is measured beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise, repeat, starmap
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
UNITS = np.array([[1 / STANDARD_GRAVITY_MPS2]] * 3 + [[DEG]] * 3 + [[1 / STANDARD_GRAVITY_MPS2]])
"""From the table's motion to g and deg/s."""
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


class Columns(NamedTuple):
    """Facts of some seconds as columns (n,), with the angles from the first reference; NaN where there is none."""

    complete: NDArray[np.float64]
    least_g: NDArray[np.float64]
    most_g: NDArray[np.float64]
    most_turn_degps: NDArray[np.float64]
    motion_g: NDArray[np.float64]
    gravity_g: NDArray[np.float64]
    sagittal_deg: NDArray[np.float64]
    lateral_deg: NDArray[np.float64]
    tilt_deg: NDArray[np.float64]
    low_deg: NDArray[np.float64]
    high_deg: NDArray[np.float64]


class Measured(NamedTuple):
    """The same seconds, measured."""

    facts: list[Facts]
    columns: Columns
    begin: int
    """Where the wearer's samples begin among those that were measured together: `time_ns` and `sagittal_deg`."""
    time_ns: NDArray[np.int64]
    sagittal_deg: NDArray[np.float64]
    """(references, n) of each sample."""
    window: Window


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
    all_facts, columns = _facts(every, firsts, seconds, _for_each(least, firsts), _for_each(axes, firsts))
    found = []
    for number, (over, first, last) in enumerate(zip(overs, firsts, firsts[1:], strict=False)):
        of_wearer = Columns(*columns[:, first:last])
        magnitude = _Magnitude(over.window.magnitude, table[MAGNITUDE], edges[first : last + 1])
        facts = _with_steps(over, all_facts[first:last], of_wearer.motion_g, magnitude)
        end = last + (number + 1) * BEFORE_S
        window = Window(every[:, end - BEFORE_S : end].copy(), magnitude.last(BEFORE_S))
        found.append(Measured(facts, of_wearer, begins[number], samples.time_ns, table[SAGITTAL:], window))
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
) -> tuple[list[Facts], NDArray[np.float64]]:
    """Return the facts of each second, but for its steps, and as `Columns`; `least` samples make one complete."""
    # Five terms in a fixed order, not a running sum: the same however the seconds came.
    n = every.shape[1] - BEFORE_S
    total = every[:, :n].copy()
    for shift in range(1, WINDOW_S):
        total += every[:, shift : shift + n]
    wearers, n_seconds = range(len(firsts) - 1), firsts[-1]
    total = total[
        :, [k + number * BEFORE_S for number in wearers for k in range(firsts[number], firsts[number + 1])]
    ]
    mean = total[1:] / np.maximum(total[0], 1.0)
    variance = np.maximum(0.0, mean[SQUARES] - np.square(mean[MOTION]))
    spread = np.sqrt(variance) * UNITS
    received = seconds.sums[0]
    complete, least_g, most_g = received >= least, spread[ACC].min(axis=0), spread[ACC].max(axis=0)
    most_turn_degps, turn_degps = spread[GYR].max(axis=0), np.sqrt(variance[GYR].sum(axis=0)) * DEG
    motion_g, gravity_g = spread[MAGNITUDE], mean[MAGNITUDE] / STANDARD_GRAVITY_MPS2
    jerk_g = np.sqrt(seconds.high[0]) / STANDARD_GRAVITY_MPS2 - 1
    angles_deg = np.array(
        [
            (*inclination_deg(seconds.sums[1:][UP], of), seconds.low[row], seconds.high[row])
            for row, of in enumerate(axes, SAGITTAL - MAGNITUDE_SQUARED)
        ]
    ).reshape(-1, len(Angles._fields), n_seconds)
    of_reference = [starmap(Angles, zip(*of.tolist(), strict=True)) for of in angles_deg]
    facts = map(
        Facts,
        received.astype(int).tolist(),
        complete.tolist(),
        least_g.tolist(),
        most_g.tolist(),
        most_turn_degps.tolist(),
        turn_degps.tolist(),
        motion_g.tolist(),
        gravity_g.tolist(),
        jerk_g.tolist(),
        zip(*of_reference, strict=True) if of_reference else repeat(()),
    )
    first_deg = angles_deg[0] if len(angles_deg) else np.full((len(Angles._fields), n_seconds), np.nan)
    columns = np.vstack((complete, least_g, most_g, most_turn_degps, motion_g, gravity_g, first_deg))
    return [*facts], columns


def _with_steps(
    over: Over, facts: list[Facts], motion_g: NDArray[np.float64], magnitude: _Magnitude
) -> list[Facts]:
    """Look for steps where there is movement, and leave out angles from what is no reference of this wearer."""
    references = len(over.settings.references)
    if len(facts[0].angles) > references:
        facts = [of._replace(angles=of.angles[:references]) for of in facts]
    for k in np.flatnonzero(motion_g > over.settings.moving_off_g).tolist():
        steps, cadence_hz = regularity(magnitude.until(k), over.rate_hz)
        facts[k] = facts[k]._replace(regularity=steps, cadence_hz=cadence_hz)
    return facts
