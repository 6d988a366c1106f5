"""Up in the sensor frame and a calibration → angles of the upper back from the calibrated upright pose."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from processing.calibration import Calibration


@lru_cache(maxsize=64)
def _axes(calibration: Calibration) -> NDArray[np.float64]:
    """Return (3, 3): up, forward and left in the sensor frame, one a column."""
    up, forward = np.array(calibration.up_sensor), np.array(calibration.forward_sensor)
    return np.stack((up, forward, np.cross(up, forward)), axis=1)


def inclination_deg(up_sensor: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    """Return (n, 3): sagittal (forward +, ±180), lateral (right +, ±90) and total tilt (0–180), in degrees."""
    # Products and sums row by row: a matrix product may round otherwise for another number of rows.
    along: NDArray[np.float64] = (up_sensor[:, :, None] * _axes(calibration)).sum(axis=1)
    np.clip(along, -1, 1, out=along)
    angles = np.empty_like(along)
    # Leaning forward turns up backward as the sensor sees it; leaning right turns it left.
    np.arctan2(-along[:, 1], along[:, 0], out=angles[:, 0])
    np.arcsin(along[:, 2], out=angles[:, 1])
    np.arccos(along[:, 0], out=angles[:, 2])
    np.degrees(angles, out=angles)
    return angles
