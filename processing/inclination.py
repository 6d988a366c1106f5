"""Up in the sensor frame and a calibration → angles of the upper back from the calibrated upright pose.

Vectors stand in columns, (3, n), so that each component is one run of memory.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from processing.calibration import Calibration

DEG = 180 / np.pi


@lru_cache(maxsize=4096)
def axes_of(calibration: Calibration) -> NDArray[np.float64]:
    """Return (3, 3): up, backward and left in the sensor frame, one a row.

    Leaning forward turns up backward as the sensor sees it; leaning right turns it left.
    """
    up, forward = np.array(calibration.up_sensor), np.array(calibration.forward_sensor)
    axes = np.stack((up, -forward, np.cross(up, forward)))
    axes.flags.writeable = False
    return axes


def sagittal_deg(up_sensor: NDArray[np.float64], axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the forward angle (n,) of vectors up (3, n), in degrees, forward +, ±180.

    `axes` are (3, 3, n), those of each vector, or (3, 3, 1), those of all.
    """
    # Products and sums column by column: a matrix product may round otherwise for another number of columns.
    up, backward = (up_sensor * axes[:2]).sum(axis=1)
    angle: NDArray[np.float64] = np.arctan2(backward, up)
    angle *= DEG
    return angle


def inclination_deg(up_sensor: NDArray[np.float64], axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (3, n): sagittal (forward +, ±180), lateral (right +, ±90) and total tilt (0–180), in degrees.

    The vectors up (3, n) may have any length: a mean of unit vectors serves. `axes` as above.
    """
    up, backward, left = (up_sensor * axes).sum(axis=1)
    angles = np.empty_like(up_sensor)
    np.arctan2(backward, up, out=angles[0])
    np.arctan2(left, np.hypot(up, backward), out=angles[1])
    np.arctan2(np.hypot(backward, left), up, out=angles[2])
    angles *= DEG
    return angles
