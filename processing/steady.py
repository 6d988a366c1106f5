"""Seconds that are more of the same: a wearer who goes on sitting still, upright or slouched.

The gate and the slouch machine take every second by itself. Where neither could find anything new for a while, this
tells for how long, from whole columns of seconds at once: the quick way past both. A second that is left out here is
merely judged the long way, so it asks for more than it must; the laws' tests hold both ways equal to the last bit.
"""

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from processing.activity import OFF_ONE_G, SKEWED_DEG, STUCK_G, GateState
from processing.epochs import SECOND_NS
from processing.outputs import Stance
from processing.settings import Settings
from processing.slip import JERK_G
from processing.slouch import Judge, SlouchState, quiet_until
from processing.window import ANGLES, FIRST_ANGLE

LEAST = 4
"""Fewer seconds than this are not worth the look."""


class Steady:
    """Some seconds of one wearer, looked at as columns (`Measured.columns`), with at least one reference."""

    def __init__(self, columns: NDArray[np.float64], first_second: int, settings: Settings) -> None:
        self.first_second, self.settings = first_second, settings
        _, complete, least_g, most_g, most_turn_degps, _, motion_g, gravity_g, jerk_g, skew_deg = columns[
            :FIRST_ANGLE
        ]
        sagittal_deg, lateral_deg, tilt_deg, low_deg, high_deg = columns[FIRST_ANGLE:][:ANGLES]
        self.low_deg, self.high_deg = low_deg, high_deg
        swing_deg = high_deg - low_deg
        swing_deg[1:] = np.maximum(swing_deg[1:], np.abs(np.diff(sagittal_deg)))
        # As `activity` has it for who is still: how far each figure is below its limit.
        nearest: NDArray[np.float64] = np.maximum.reduce(
            (
                motion_g / settings.moving_on_g,
                tilt_deg / settings.lying_deg,
                np.abs(lateral_deg) / settings.leaning_deg,
                swing_deg / settings.transition_degps,
            )
        )
        calm = (
            (complete > 0)
            & (nearest < 1)
            & (motion_g <= settings.vehicle_g)
            & (jerk_g <= JERK_G)
            & (least_g >= STUCK_G)
            & (np.abs(gravity_g - 1) <= OFF_ONE_G)
            & (skew_deg <= SKEWED_DEG)
            & ((most_g >= settings.not_worn_acc_g) | (most_turn_degps >= settings.not_worn_turn_degps))
        )
        # The first has a neighbour that is not among the columns.
        calm[0] = False
        self.confidence: list[float] = (1 - nearest).tolist()
        self.restless = _where(~calm)
        self.beyond: dict[float, list[int]] = {}

    def until(self, k: int, gate: GateState, slouch: SlouchState, by: Judge) -> int:
        """Return up to which second, from `k` on, nothing new can be found; `k` itself if there is none such.

        The second before `k` was still.
        """
        if by.in_doubt or not _at_rest(gate) or by.reference.calibration_id in gate.suspect_ids:
            return k
        end = _next(self.restless, k, len(self.confidence))
        if end - k < LEAST:
            return k
        begin_ns = (self.first_second + k) * SECOND_NS
        limit_ns, above = quiet_until(slouch, begin_ns, by)
        if limit_ns is not None:
            end = min(end, k + (limit_ns - begin_ns) // SECOND_NS)
        if self.settings.break_after_s is not None:
            end = min(end, k + int(self.settings.break_after_s - gate.stationary_s - 1))
        return max(k, min(end, self._crossing(k, by, above=above)))

    def _crossing(self, k: int, by: Judge, *, above: bool) -> int:
        """Return the first second from `k` on that comes below `off`, or beyond `on`."""
        limit_deg = by.off_deg if above else by.on_deg
        seconds = self.beyond.get(limit_deg)
        if seconds is None:
            seconds = _where(self.low_deg < limit_deg if above else self.high_deg > limit_deg)
            self.beyond[limit_deg] = seconds
        return _next(seconds, k, len(self.confidence))


def rest_on(gate: GateState, seconds: int, sagittal_deg: float) -> None:
    """Bring the gate's memory to the end of a steady run."""
    gate.last_sagittal_deg = sagittal_deg
    gate.stationary_s += seconds
    gate.stood_s += seconds
    gate.moved_s = 0


def _at_rest(gate: GateState) -> bool:
    """Tell that the gate has nothing under way, and takes the wearer to be seated."""
    return gate.stance is Stance.SITTING and not (
        gate.moving
        or gate.settling_s
        or gate.shaken_s
        or gate.quiet_s
        or gate.bent_s
        or gate.stuck_s
        or gate.skewed_s
        or gate.false_s
        or gate.walked_s
    )


def _where(mask: NDArray[np.bool_]) -> list[int]:
    return np.flatnonzero(mask).tolist()


def _next(seconds: list[int], k: int, end: int) -> int:
    """Return the first of the seconds from `k` on, or the end."""
    at = bisect_left(seconds, k)
    return seconds[at] if at < len(seconds) else end
