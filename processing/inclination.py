"""Up in the sensor frame and a calibration → angles of the upper back from the calibrated upright pose."""

import numpy as np
from numpy.typing import NDArray

from processing.calibration import Calibration


def inclination_deg(up_sensor: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    """Return (n, 3): sagittal (forward +, ±180), lateral (right +, ±90) and total tilt (0–180), in degrees."""
    up, forward = np.array(calibration.up_sensor), np.array(calibration.forward_sensor)
    left = np.cross(up, forward)
    # Leaning forward turns up backward as the sensor sees it; leaning right turns it left.
    # Products and sums row by row: a matrix product may round otherwise for another number of rows.
    along_up, along_forward, along_left = (
        (up_sensor[:, :, None] * np.stack((up, forward, left), axis=1)).sum(axis=1).T
    )
    angles = np.empty((len(up_sensor), 3))
    np.arctan2(-along_forward, along_up, out=angles[:, 0])
    np.arcsin(np.clip(along_left, -1, 1), out=angles[:, 1])
    np.arccos(np.clip(along_up, -1, 1), out=angles[:, 2])
    return np.degrees(angles, out=angles)
