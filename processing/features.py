"""Good samples → the columns that everything is decided on, and their sums second by second.

A second's sums are always taken over all its rows at once, so they are the same to the last bit however the rows
came in blocks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.grid import GoodRows
from processing.inclination import inclination_deg
from processing.settings import Settings
from sensor.samples import STANDARD_GRAVITY_MPS2

MAGNITUDE, ACC, GYR, SITTING, STANDING = 0, slice(1, 4), slice(4, 7), 7, 10
"""Columns: |a| − 1 g; acceleration in g; rotation in deg/s; sagittal, lateral and tilt angle in degrees, first from
the sitting and then from the standing reference (NaN without one)."""
COLUMNS = 13
MOTION = slice(0, 7)
"""The columns of which the spread matters."""


def measure(good: GoodRows, up_sensor: NDArray[np.float64], settings: Settings) -> NDArray[np.float64]:
    """Return (n, COLUMNS) for the good samples, `up_sensor` (n, 3) being the filter's."""
    rows = np.empty((len(up_sensor), COLUMNS))
    np.divide(good.acc_mps2, STANDARD_GRAVITY_MPS2, out=rows[:, ACC])
    np.sqrt(np.square(rows[:, ACC]).sum(axis=1), out=rows[:, MAGNITUDE])
    rows[:, MAGNITUDE] -= 1
    np.degrees(good.gyr_radps, out=rows[:, GYR])
    for column, reference in ((SITTING, settings.calibration), (STANDING, settings.standing)):
        if reference is None:
            rows[:, column : column + 3] = np.nan
        else:
            rows[:, column : column + 3] = inclination_deg(up_sensor, reference)
    return rows


@dataclass(frozen=True, slots=True)
class SecondSums:
    """Sums over the rows of each of S seconds; zero for a second without rows."""

    count: NDArray[np.int64]
    """(S,)"""
    sums: NDArray[np.float64]
    """(S, COLUMNS)"""
    squares: NDArray[np.float64]
    """(S, 7) of the motion columns."""
    low: NDArray[np.float64]
    """(S, COLUMNS) least value."""
    high: NDArray[np.float64]
    """(S, COLUMNS) greatest value."""


def sum_seconds(rows: NDArray[np.float64], edges: list[int]) -> SecondSums:
    """Sum rows from `edges[k]` to `edges[k + 1]` for each second k."""
    starts = np.array(edges[:-1])
    count = np.diff(edges)
    n = len(starts)
    sums, squares = np.zeros((n, COLUMNS)), np.zeros((n, MOTION.stop))
    low, high = np.full((n, COLUMNS), np.nan), np.full((n, COLUMNS), np.nan)
    filled = np.flatnonzero(count)
    if len(filled):
        rows, begins = rows[: edges[-1]], starts[filled]
        sums[filled] = np.add.reduceat(rows, begins)
        squares[filled] = np.add.reduceat(np.square(rows[:, MOTION]), begins)
        low[filled] = np.minimum.reduceat(rows, begins)
        high[filled] = np.maximum.reduceat(rows, begins)
    return SecondSums(count, sums, squares, low, high)


def regularity(magnitude_g: NDArray[np.float64], rate_hz: float) -> tuple[float, float]:
    """Return how well |a| repeats itself at a step's distance (0–1) and the steps a second.

    Autocorrelation between 0.4 and 0.72 s: trunk steps of 1.4 to 2.5 a second.
    """
    signal = magnitude_g - magnitude_g.mean()
    power = float(np.square(signal).sum())
    lags = range(round(0.4 * rate_hz), round(0.72 * rate_hz) + 1)
    if not power or len(signal) <= 2 * lags[-1]:
        return 0.0, 0.0
    likeness = [float((signal[lag:] * signal[:-lag]).sum()) / power for lag in lags]
    best = max(range(len(lags)), key=likeness.__getitem__)
    return likeness[best], rate_hz / lags[best]
