"""Days of two periods → what changed from one to the other, and how sure that is.

The day is the unit: seconds of one day are far too alike to count as so many observations. Days may still differ for
other reasons than habit (another desk, another calibration), which no interval tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from processing.exposure.days import VALID_DAYS, DaySummary

LEVEL = 0.95
RESAMPLES = 9999
SEED = 20260301
"""Any would do; always the same one, so that the same days give the same interval."""
REPEATED_POSE_DEG = 6.0
"""When 29 people sat upright again, the angle at T4 was 3.1° from the first time in the root mean square, and 6.1° at
the 95th percentile (docs/method.md): a smaller change of an angle may be the clip's or the pose's."""


class Measure(StrEnum):
    """What is compared: a figure of `DaySummary`."""

    SLOUCHED_SHARE = "slouched_share"
    P50_DEG = "p50_deg"

    @property
    def least(self) -> float:
        """How large a change must be to be called one, whatever the interval."""
        return REPEATED_POSE_DEG if self is Measure.P50_DEG else 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """The mean over valid days after, less that before. None where there are too few days."""

    measure: Measure
    valid_days: tuple[int, int]
    """Before and after."""
    needed_days: int
    judged_s: tuple[int, int]
    """Of those days."""
    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    """Lower end of the interval."""
    high: float | None
    level: float
    is_clear: bool
    """The interval leaves out zero, and the difference is larger than `Measure.least`."""

    @property
    def is_sure(self) -> bool:
        """Tell whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    @property
    def is_known(self) -> bool:
        """Tell whether there were days enough."""
        return self.difference is not None


def change(before: Sequence[DaySummary], after: Sequence[DaySummary], measure: Measure) -> Change:
    """Compare the valid days of two periods."""
    valid = [[day for day in days if day.is_valid] for days in (before, after)]
    counts = (len(valid[0]), len(valid[1]))
    judged_s = (sum(day.judged_s for day in valid[0]), sum(day.judged_s for day in valid[1]))
    if min(counts) < VALID_DAYS:
        return Change(
            measure, counts, VALID_DAYS, judged_s, None, None, None, None, None, LEVEL, is_clear=False
        )
    values = [np.array([getattr(day, measure) for day in days], np.float64) for days in valid]
    first, second = (float(of.mean()) for of in values)
    low, high = interval(*values)
    is_clear = (low > 0 or high < 0) and abs(second - first) > measure.least
    return Change(
        measure, counts, VALID_DAYS, judged_s, first, second, second - first, low, high, LEVEL, is_clear
    )


def interval(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[float, float]:
    """Return the interval of the difference of two means: the outer ends of two that are right for many days.

    One is the expanded percentile bootstrap (Hesterberg 2015, doi 10.1080/00031305.2015.1089789), which follows skewed
    days. It never goes beyond the days that there are, which is too narrow for three or four; Welch's t does.
    docs/exposure.md has the coverage.
    """
    difference = float(after.mean() - before.mean())
    spread = max(np.ptp(before), np.ptp(after))
    if not spread > 0:
        return difference, difference
    sizes = np.array([len(before), len(after)])
    # In units of the spread: the square of a tiny one may be too small for a number.
    errors = np.array([(days / spread).var(ddof=1) for days in (before, after)]) / sizes
    shares = errors / errors.sum()
    wide = stats.t.ppf((1 + LEVEL) / 2, 1 / (shares**2 / (sizes - 1)).sum())
    found = stats.bootstrap(
        (before, after),
        _difference,
        vectorized=True,
        confidence_level=_expanded(wide, shares, sizes),
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    beside = wide * spread * np.sqrt(errors.sum())
    return float(min(found.low, difference - beside)), float(max(found.high, difference + beside))


def _difference(
    before: NDArray[np.float64], after: NDArray[np.float64], axis: int = -1
) -> NDArray[np.float64]:
    return np.asarray(after.mean(axis=axis) - before.mean(axis=axis))


def _expanded(wide: float, shares: NDArray[np.float64], sizes: NDArray[np.int64]) -> float:
    """Return the level at which the plain interval of normal days is as wide as Welch's t."""
    return float(1 - 2 * stats.norm.sf(wide / np.sqrt((shares * (sizes - 1) / sizes).sum())))
