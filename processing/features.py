"""Good samples → a table of what everything is decided on, and its sums second by second.

A second's sums are always taken over all its samples at once, so they are the same to the last bit however the samples
came in blocks. The table stands on its side, a row for each quantity: each is one run of memory.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.arrival import QUAT, Samples
from processing.inclination import sagittal_deg
from processing.orientation import up_of

MAGNITUDE = 6
"""Rows of the table: acceleration in m/s², rotation in rad/s, then |a| in m/s²; …"""
MOTION, SQUARES = slice(0, 7), slice(7, 14)
"""… all of these are motion, and their squares follow; …"""
UP, SAGITTAL = slice(14, 17), 17
"""… then up in the sensor frame and, for each reference that there is, the sagittal angle from it in degrees."""
SUMMED = slice(0, 17)
MAGNITUDE_SQUARED = 13
"""From this row on the least and the greatest value of a second are looked for."""


def tabulate(samples: Samples, axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the table (17 + R, n); `axes` (R, 3, 3, n), or (R, 3, 3, 1), are those of the references."""
    table = np.empty((SAGITTAL + len(axes), len(samples.time_ns)))
    table[:MAGNITUDE] = samples.values[:MAGNITUDE]
    np.square(table[:MAGNITUDE], out=table[7:MAGNITUDE_SQUARED])
    table[7:10].sum(axis=0, out=table[MAGNITUDE_SQUARED])
    np.sqrt(table[MAGNITUDE_SQUARED], out=table[MAGNITUDE])
    table[UP] = up_of(samples.values[QUAT])
    for row, of in enumerate(axes, SAGITTAL):
        table[row] = sagittal_deg(table[UP], of)
    return table


class SecondSums(NamedTuple):
    """Sums over the samples of each of S seconds; zero for a second without samples."""

    sums: NDArray[np.float64]
    """(18, S): the number of samples, then the table's summed rows."""
    low: NDArray[np.float64]
    """(4 + references, S) least values from |a|² on; NaN for a second without samples."""
    high: NDArray[np.float64]


def sum_seconds(table: NDArray[np.float64], edges: Sequence[int]) -> SecondSums:
    """Sum columns `edges[k]` to `edges[k + 1]` of the table for each second k."""
    starts, count = np.array(edges[:-1]), np.diff(edges)
    sums = np.zeros((1 + SUMMED.stop, len(count)))
    if count.all():
        table = table[:, : edges[-1]]
        sums[0] = count
        np.add.reduceat(table[SUMMED], starts, axis=1, out=sums[1:])
        extremes = table[MAGNITUDE_SQUARED:]
        return SecondSums(
            sums, np.minimum.reduceat(extremes, starts, axis=1), np.maximum.reduceat(extremes, starts, axis=1)
        )
    low, high = np.full((2, len(table) - MAGNITUDE_SQUARED, len(count)), np.nan)
    filled = np.flatnonzero(count)
    if len(filled):
        found = sum_seconds(table, [*starts[filled].tolist(), edges[-1]])
        sums[:, filled], low[:, filled], high[:, filled] = found.sums, found.low, found.high
    return SecondSums(sums, low, high)


def regularity(magnitude: NDArray[np.float64], rate_hz: float) -> tuple[float, float]:
    """Return how well |a| repeats itself at a step's distance (0–1) and the steps a second.

    Autocorrelation between 0.4 and 0.72 s: trunk steps of 1.4 to 2.5 a second.
    """
    signal = magnitude - magnitude.mean()
    power = float(np.square(signal).sum())
    first, last = round(0.4 * rate_hz), round(0.72 * rate_hz)
    if not power or len(signal) <= 2 * last:
        return 0.0, 0.0
    # One stretch against each of its successors, so that every distance is measured over as much of the signal.
    likeness = np.correlate(signal[first:], signal[: len(signal) - last], mode="valid")
    best = int(likeness.argmax())
    return float(likeness[best]) / power, rate_hz / (first + best)
