"""Accelerometer and gyroscope → where up is in the sensor frame, by VQF without magnetometer.

VQF: Laidig and Seel, Information Fusion 91 (2023) 187; the authors' own implementation is used. The filter is
rebuilt from its state at each call (about 3 µs), so that the state stays a value.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from vqf import VQF

if TYPE_CHECKING:
    from vqf import VQFState  # a typed dict that exists for type checkers alone


@dataclass(frozen=True, slots=True, eq=False)
class OrientationState:
    """Everything the filter remembers; `vqf` is never changed in place."""

    rate_hz: float
    vqf: "VQFState"


def track(
    state: OrientationState | None,
    acc_mps2: NDArray[np.float64],
    gyr_radps: NDArray[np.float64],
    rate_hz: float,
) -> tuple[OrientationState, NDArray[np.float64]]:
    """Filter consecutive samples (n, 3); return the new state and the quaternions (n, 4), w x y z, sensor → earth.

    A state of another rate keeps its gyroscope bias and starts its orientation anew.
    """
    if state is not None and state.rate_hz != rate_hz:
        state = forget_orientation(state, rate_hz)
    vqf = VQF(1.0 / rate_hz)
    if state is not None:
        vqf.state = state.vqf
    quat = vqf.updateBatch(np.ascontiguousarray(gyr_radps), np.ascontiguousarray(acc_mps2))["quat6D"]
    return OrientationState(rate_hz, vqf.state), quat


def up_of(quat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unit vectors up in the sensor frame, (3, n), of quaternions (4, n).

    Third row of the rotation matrix sensor → earth: the earth's z axis seen from the sensor.
    """
    w, x, y, z = quat
    up = np.empty((3, quat.shape[1]))
    np.subtract(x * z, w * y, out=up[0])
    np.add(y * z, w * x, out=up[1])
    np.subtract(0.5, x * x + y * y, out=up[2])
    up *= 2
    return up


def forget_orientation(state: OrientationState, rate_hz: float | None = None) -> OrientationState:
    """Return the state for samples after a gap, or of another rate: orientation unknown, gyroscope bias kept."""
    rate_hz = rate_hz or state.rate_hz
    fresh = VQF(1.0 / rate_hz).state
    fresh["bias"], fresh["biasP"] = state.vqf["bias"], state.vqf["biasP"]
    return OrientationState(rate_hz, fresh)
