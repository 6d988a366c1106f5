"""Poses of a calibration → how good it is: how still, how far apart, and how far off its angles will be.

For people who decide whether to calibrate once more, and for researchers who weigh a recording. What is too bad to
serve at all is refused before (`processing.calibration`).
"""

from dataclasses import dataclass
from math import asin, degrees, hypot

from processing.calibration import MIN_RECEIVED, Pose, separation_deg

REPEAT_DEG = {"t4": 3.1, "c7": 5.6}
"""How far people who sit upright again are from where they sat upright before (RMS, 29 to 44 people, held for 25 s)."""
UNKNOWN_REPEAT_DEG = 5.6
"""For a placement without recordings: the worse of the two."""
QUIET_TURN_DEGPS, QUIET_SHAKE_G, QUIET_DRIFT_DEG = 1.0, 0.01, 1.5
"""Recorded people who sat quietly for 5 s showed about 0.3 °/s and 0.004 g, and nine in ten drifted less than 1.1°."""
CLOSE_DEG = 14.0
"""Poses nearer than this leave a threshold near its lower bound."""


@dataclass(frozen=True, slots=True)
class CalibrationQuality:
    """How good a calibration is; the worse of the two poses where there are two."""

    received: float
    """Share of the samples that arrived."""
    shake_g: float
    turn_degps: float | None
    """None for a clip without a gyroscope."""
    off_one_g: float
    """How far |gravity| is from 1 g."""
    drift_deg: float
    """How far the pose wandered between its two halves."""
    separation_deg: float | None
    """Between upright and slump; None with one pose."""
    expected_error_deg: float
    """RMS by which the wearer's upright will differ from zero: re-assuming it, the drift, and the accelerometer."""

    @property
    def remark(self) -> str:
        """Return what another try could do better; empty when there is nothing."""
        if self.received < (1 + MIN_RECEIVED) / 2:
            return f"only {self.received:.0%} of the samples arrived: bring the clip nearer to the computer"
        if (self.turn_degps or 0.0) > QUIET_TURN_DEGPS or self.shake_g > QUIET_SHAKE_G:
            return "you moved a little: lean on nothing, look ahead, and breathe as usual"
        if self.drift_deg > QUIET_DRIFT_DEG:
            return f"the pose wandered by {self.drift_deg:.1f}°: settle first, then begin"
        if self.separation_deg is not None and self.separation_deg < CLOSE_DEG:
            return f"the two poses are only {self.separation_deg:.0f}° apart: slump as on a tired afternoon"
        return ""


def quality(upright: Pose, slump: Pose | None = None, *, placement: str = "") -> CalibrationQuality:
    """Return how good the calibration is that these poses make; `placement` as in the configuration (`t4`, `c7`)."""
    poses = [upright] if slump is None else [upright, slump]
    off_one_g = max(abs(pose.gravity_g - 1) for pose in poses)
    drift_deg = max(pose.drift_deg for pose in poses)
    turns_degps = [pose.turn_degps for pose in poses if pose.turn_degps is not None]
    # An offset that shows as so much in |a| may lie across gravity as well, where it turns the angle.
    tilt_deg = degrees(asin(min(1.0, off_one_g)))
    repeat_deg = REPEAT_DEG.get(placement, UNKNOWN_REPEAT_DEG)
    return CalibrationQuality(
        received=min(pose.received for pose in poses),
        shake_g=max(pose.shake_g for pose in poses),
        turn_degps=max(turns_degps) if turns_degps else None,
        off_one_g=off_one_g,
        drift_deg=drift_deg,
        separation_deg=None if slump is None else separation_deg(upright, slump),
        expected_error_deg=hypot(repeat_deg, drift_deg, tilt_deg),
    )
