"""Seconds that are over → the facts of each, with movement measured over the last five seconds.

The seconds of many wearers are measured at once: what costs is the number of calls to numpy, not of samples. A wearer's
facts are the same to the last bit whoever is measured beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.activity import ANGLES, Facts
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
UNITS = np.array([[1 / STANDARD_GRAVITY_MPS2]] * 3 + [[DEG]] * 3 + [[1 / STANDARD_GRAVITY_MPS2]])
"""From the table's motion to g and deg/s."""
FIRST_ANGLE = MOTION.stop + 2
"""Facts stand in columns: the spread of each motion, |a|'s mean, the jerk, then the angles from each reference."""
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
    """The same seconds, measured."""

    facts: list[Facts]
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
    rows = _facts(every, firsts, seconds, _for_each(axes, firsts))
    counts = seconds.sums[0].astype(int).tolist()
    found = []
    for number, (over, first, last) in enumerate(zip(overs, firsts, firsts[1:], strict=False)):
        magnitude = [table[MAGNITUDE, edges[k] : edges[k + 1]] for k in range(first, last)]
        facts = _name(over, rows[first:last], counts[first:last], magnitude)
        end = last + (number + 1) * BEFORE_S
        kept = (*over.window.magnitude, *[of.copy() for of in magnitude[-BEFORE_S:]])[-BEFORE_S:]
        window = Window(every[:, end - BEFORE_S : end].copy(), kept)
        found.append(Measured(facts, begins[number], samples.time_ns, table[SAGITTAL:], window))
    return found


def _axes(references: Sequence[Sequence[Calibration]]) -> NDArray[np.float64]:
    """Return (R, 3, 3, wearers), the axes of each wearer's references; NaN where one has fewer than another."""
    most = max(map(len, references))
    axes = [[*map(axes_of, of), *[NO_AXES] * (most - len(of))] for of in references]
    return np.array(axes, float).reshape(len(references), most, 3, 3).transpose(1, 2, 3, 0)


def _for_each(axes: NDArray[np.float64], edges: Sequence[int]) -> NDArray[np.float64]:
    """Return the axes once for each sample, or second, of a wearer: from `edges[w]` to `edges[w + 1]`."""
    return axes if axes.shape[-1] == 1 else axes.repeat(np.diff(edges), axis=-1)


def _facts(
    every: NDArray[np.float64], firsts: Sequence[int], seconds: SecondSums, axes: NDArray[np.float64]
) -> list[list[float]]:
    """Return, for each second, the spread of each motion, |a|, the jerk, and the angles from each reference."""
    # Five terms in a fixed order, not a running sum: the same however the seconds came.
    n = every.shape[1] - BEFORE_S
    total = every[:, :n].copy()
    for shift in range(1, WINDOW_S):
        total += every[:, shift : shift + n]
    wearers = range(len(firsts) - 1)
    total = total[
        :, [k + number * BEFORE_S for number in wearers for k in range(firsts[number], firsts[number + 1])]
    ]
    mean = total[1:] / np.maximum(total[0], 1.0)
    variance = mean[SQUARES] - np.square(mean[MOTION])
    spread = np.sqrt(np.maximum(0.0, variance)) * UNITS
    gravity_g = mean[MAGNITUDE : MAGNITUDE + 1] / STANDARD_GRAVITY_MPS2
    jerk_g = np.sqrt(seconds.high[:1]) / STANDARD_GRAVITY_MPS2 - 1
    facts = [spread, gravity_g, jerk_g]
    for row, of in enumerate(axes, SAGITTAL - MAGNITUDE_SQUARED):
        angles_deg = inclination_deg(seconds.sums[1:][UP], of)
        facts += [angles_deg, seconds.low[row : row + 1], seconds.high[row : row + 1]]
    rows: list[list[float]] = np.concatenate(facts).T.tolist()
    return rows


def _name(
    over: Over,
    rows: Sequence[Sequence[float]],
    counts: Sequence[int],
    magnitude: Sequence[NDArray[np.float64]],
) -> list[Facts]:
    """Turn a wearer's rows into facts, and look for steps where there is movement."""
    known = [*over.window.magnitude, *magnitude]
    least = max(1.0, over.settings.min_received * over.rate_hz)
    # Beyond are those that only a wearer beside this one has a reference for.
    end_of_angles = FIRST_ANGLE + ANGLES * len(over.settings.references)
    facts = []
    for end, (row, received) in enumerate(zip(rows, counts, strict=True), len(over.window.magnitude) + 1):
        steps = 0.0, 0.0
        if row[MAGNITUDE] > over.settings.moving_off_g:
            steps = regularity(np.concatenate(known[max(0, end - WINDOW_S) : end]), over.rate_hz)
        facts.append(
            Facts._make(
                (received, received >= least, *steps, *row[:FIRST_ANGLE], row[FIRST_ANGLE:end_of_angles])
            )
        )
    return facts
