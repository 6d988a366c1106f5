"""Whole seconds of rows → the facts of each second, with movement measured over the last five."""

from dataclasses import dataclass, field
from math import hypot, isnan

import numpy as np
from numpy.typing import NDArray

from processing.activity import Angles, Facts
from processing.features import (
    ACC,
    GYR,
    MAGNITUDE,
    MOTION,
    SITTING,
    STANDING,
    SecondSums,
    regularity,
    sum_seconds,
)
from processing.settings import Settings

WINDOW_S = 5
"""Seconds over which movement is measured."""
NO_SECONDS = np.zeros((WINDOW_S - 1, 1 + 2 * MOTION.stop))


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The four seconds before the open one."""

    sums: NDArray[np.float64] = field(default_factory=NO_SECONDS.copy)
    """(4, 15): count, sums and sums of squares of the motion columns."""
    magnitude_g: tuple[NDArray[np.float64], ...] = ()
    """|a| − 1 g of the samples of each second."""

    def add(
        self, rows: NDArray[np.float64], edges: list[int], rate_hz: float, settings: Settings
    ) -> tuple["Window", list[Facts]]:
        """Take seconds that are over, rows `edges[k]` to `edges[k + 1]` each; return their facts."""
        seconds = sum_seconds(rows, edges)
        new = np.column_stack((seconds.count.astype(float), seconds.sums[:, MOTION], seconds.squares))
        known = np.concatenate((self.sums, new))
        n = len(seconds.count)
        # Five shifted terms in a fixed order, not a running sum: the same however the seconds came.
        total = known[:n].copy()
        for shift in range(1, WINDOW_S):
            total += known[shift : shift + n]
        magnitude_g = [*self.magnitude_g, *np.split(rows[: edges[-1], MAGNITUDE], edges[1:-1])]
        facts = []
        for k, (count, spread) in enumerate(zip(seconds.count.tolist(), _spread(total), strict=True)):
            motion_g = spread[MAGNITUDE]
            likeness, cadence_hz = 0.0, 0.0
            if motion_g > settings.moving_off_g:
                end = len(self.magnitude_g) + k + 1
                likeness, cadence_hz = regularity(
                    np.concatenate(magnitude_g[max(0, end - WINDOW_S) : end]), rate_hz
                )
            facts.append(
                Facts(
                    received=count,
                    complete=count >= max(1.0, settings.min_received * rate_hz),
                    motion_g=motion_g,
                    axis_motion_g=max(spread[ACC]),
                    axis_turn_degps=max(spread[GYR]),
                    turn_degps=hypot(*spread[GYR]),
                    regularity=likeness,
                    cadence_hz=cadence_hz,
                    jerk_g=float(seconds.high[k, MAGNITUDE]),
                    sitting=_angles(seconds, k, SITTING),
                    standing=_angles(seconds, k, STANDING),
                )
            )
        return Window(known[n:], tuple(part.copy() for part in magnitude_g[1 - WINDOW_S :])), facts


def _angles(seconds: SecondSums, k: int, column: int) -> Angles | None:
    """Return a second's angles from one reference; None without rows or without the reference."""
    if not seconds.count[k] or isnan(seconds.sums[k, column]):
        return None
    sagittal_deg, lateral_deg, tilt_deg = (seconds.sums[k, column : column + 3] / seconds.count[k]).tolist()
    return Angles(
        sagittal_deg, lateral_deg, tilt_deg, float(seconds.low[k, column]), float(seconds.high[k, column])
    )


def _spread(total: NDArray[np.float64]) -> list[list[float]]:
    """Return the standard deviation of each motion column over the windows; 0 where there are no rows."""
    count = np.maximum(total[:, :1], 1.0)
    mean = total[:, 1 : 1 + MOTION.stop] / count
    spread: list[list[float]] = np.sqrt(
        np.maximum(0.0, total[:, 1 + MOTION.stop :] / count - mean * mean)
    ).tolist()
    return spread
