"""Judged angles → time in bands, and the percentiles of the amplitude distribution (APDF)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.epochs import SECOND_NS
from processing.exposure.columns import EpochColumns

BANDS_DEG = (0.0, 10.0, 20.0, 40.0, 60.0)
"""Where one band ends and the next begins. 20 and 60° are those of ISO 11226 for the trunk, 40° halves what lies
between; of the angle from the wearer's own upright pose they are bands to look at, no limits to keep."""
PERCENTS = (10.0, 50.0, 90.0)
"""Jonsson 1982: static, median and peak level."""


@dataclass(frozen=True, slots=True)
class Bands:
    """Judged seconds by sagittal angle."""

    edges_deg: tuple[float, ...]
    """Band i holds edge i−1 <= angle < edge i; the first and the last are open."""
    seconds: tuple[int, ...]
    """One more than edges."""
    judged_s: int


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The 10th, 50th and 90th percentile, and the gap between the outer two; None without any judged time."""

    p10: float | None
    p50: float | None
    p90: float | None
    gap: float | None
    judged_s: int
    """Seconds that they rest on. In short samples p10 is too high and p90 too low."""


def band_of(sagittal_deg: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the band of each angle."""
    return np.searchsorted(BANDS_DEG, sagittal_deg, side="right").astype(np.int64)


def bands(columns: EpochColumns) -> Bands:
    """Return the judged time in each band."""
    angles_deg = columns.sagittal_deg[columns.judged]
    seconds = np.bincount(band_of(angles_deg), minlength=len(BANDS_DEG) + 1)
    return Bands(BANDS_DEG, tuple(seconds.tolist()), len(angles_deg))


def angle_percentiles(columns: EpochColumns) -> Percentiles:
    """Return the percentiles of the sagittal angle, in degrees."""
    return _percentiles(columns.sagittal_deg[columns.judged])


def speed_percentiles(columns: EpochColumns) -> Percentiles:
    """Return the percentiles of how fast the angle changed from one judged second to the next, in degrees a second."""
    judged = columns.judged
    pairs = judged[1:] & judged[:-1] & (np.diff(columns.start_ns) == SECOND_NS)
    return _percentiles(np.abs(np.diff(columns.sagittal_deg)[pairs]))


def _percentiles(values: NDArray[np.float64]) -> Percentiles:
    if not len(values):
        return Percentiles(None, None, None, None, 0)
    p10, p50, p90 = np.percentile(values, PERCENTS).tolist()
    return Percentiles(p10, p50, p90, p90 - p10, len(values))
