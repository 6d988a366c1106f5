"""One second's samples and a short memory → what the wearer does, as far as judging posture goes.

Decided once a second, at the end of each epoch. Numbers and their sources: `processing.settings` and
docs/method.md. A clip that is not worn is not recognised yet: it reads as still, lying or uncalibrated.
"""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from processing.outputs import Activity
from processing.settings import Settings

WINDOW_S = 5
"""Seconds over which movement is measured."""


@dataclass(frozen=True, slots=True)
class Features:
    """What the gate reads of samples, one row each."""

    magnitude_g: NDArray[np.float64]
    """(n,) |a| − 1 g."""
    angles_deg: NDArray[np.float64]
    """(n, 3) sagittal, lateral, tilt; NaN without a calibration."""


@dataclass(frozen=True, slots=True)
class GateState:
    """The gate's memory of the last seconds."""

    window: tuple[tuple[int, float, float], ...] = ()
    """Count, sum and sum of squares of |a| − 1 g for each of the last seconds."""
    moving: bool = False
    last_sagittal_deg: float | None = None
    settling_s: int = 0
    """Seconds still to wait after a transition."""


@dataclass(frozen=True, slots=True)
class Second:
    """What one second was."""

    activity: Activity
    sagittal_deg: float | None
    lateral_deg: float | None
    motion_g: float | None


def classify(
    gate: GateState, features: Features, *, complete: bool, settings: Settings
) -> tuple[GateState, Second]:
    """Decide one second's activity from all its samples; `complete` says whether enough of them arrived."""
    magnitude_g = features.magnitude_g
    sums = (len(magnitude_g), float(magnitude_g.sum()), float(np.square(magnitude_g).sum()))
    gate = replace(gate, window=(*gate.window[1 - WINDOW_S :], sums))
    if not complete:
        return GateState(window=gate.window, moving=gate.moving), Second(Activity.GAP, None, None, None)
    motion_g = _deviation(gate.window)
    gate = replace(gate, moving=motion_g > (settings.moving_off_g if gate.moving else settings.moving_on_g))
    if settings.calibration is None:
        return gate, Second(Activity.UNCALIBRATED, None, None, motion_g)
    sagittal_deg, lateral_deg, tilt_deg = features.angles_deg.mean(axis=0).tolist()
    swing_deg = float(np.ptp(features.angles_deg[:, 0]))
    if gate.last_sagittal_deg is not None:
        swing_deg = max(swing_deg, abs(sagittal_deg - gate.last_sagittal_deg))
    turning = swing_deg > settings.transition_degps
    if tilt_deg > settings.lying_deg:
        activity = Activity.LYING
    elif gate.moving:
        activity = Activity.MOVING
    elif turning or gate.settling_s:
        activity = Activity.TRANSITION
    else:
        activity = Activity.STILL
    settling_s = settings.transition_settle_s if turning else max(0, gate.settling_s - 1)
    gate = replace(gate, last_sagittal_deg=sagittal_deg, settling_s=settling_s)
    return gate, Second(activity, sagittal_deg, lateral_deg, motion_g)


def _deviation(window: tuple[tuple[int, float, float], ...]) -> float:
    """Return the standard deviation over the window's samples."""
    n = sum(count for count, _, _ in window)
    mean = sum(total for _, total, _ in window) / n
    return sqrt(max(0.0, sum(squares for _, _, squares in window) / n - mean * mean))
