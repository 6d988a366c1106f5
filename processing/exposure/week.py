"""Epochs → hour × weekday in the wearer's own time: when in the week they slouch, and when that is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.exposure.balance import NOT_ON_A_WEARER
from processing.exposure.columns import EpochColumns
from processing.exposure.local_time import LocalTime
from processing.outputs import Posture

Table = tuple[tuple[int, ...], ...]
"""Seven rows from Monday on, of 24 hours each."""


@dataclass(frozen=True, slots=True)
class Week:
    """Seconds by weekday and hour, all weeks together."""

    worn_s: Table
    judged_s: Table
    slouched_s: Table

    def slouched_share(self, weekday: int, hour: int) -> float | None:
        """Return the slouched part of the judged time; None where nothing was judged."""
        judged_s = self.judged_s[weekday][hour]
        return self.slouched_s[weekday][hour] / judged_s if judged_s else None


def week(columns: EpochColumns, local: LocalTime) -> Week:
    """Return the tables; `local` is the local time of each epoch."""
    cell = local.weekday * 24 + local.hour

    def table(which: NDArray[np.bool_]) -> Table:
        cells = np.bincount(cell[which], minlength=7 * 24).reshape(7, 24)
        return tuple(tuple(row) for row in cells.tolist())

    return Week(
        worn_s=table(~columns.is_activity(*NOT_ON_A_WEARER)),
        judged_s=table(columns.judged),
        slouched_s=table(columns.is_posture(Posture.SLOUCHED)),
    )
