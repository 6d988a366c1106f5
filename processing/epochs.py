"""What arrived in a second → an epoch; a minute's epochs → its roll-up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.outputs import Activity, Epoch, Minute, Posture

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
ACTIVITIES = {activity: index for index, activity in enumerate(Activity)}
POSTURES = {posture: index for index, posture in enumerate(Posture)}


@dataclass(frozen=True, slots=True, eq=False)
class OpenEpoch:
    """The second that is under way."""

    second: int
    """Whole seconds since the Unix epoch."""
    time_ns: NDArray[np.int64]
    """(n,) of the samples received so far."""
    rows: NDArray[np.float64]
    """(n, COLUMNS) of them (`processing.features`)."""
    missing: int = 0
    corrupt: int = 0


@dataclass(frozen=True, slots=True)
class OpenMinute:
    """The minute that is under way."""

    start_ns: int
    received: int = 0
    missing: int = 0
    corrupt: int = 0
    activity_s: tuple[int, ...] = (0,) * len(Activity)
    posture_s: tuple[int, ...] = (0,) * len(Posture)
    sum_deg: float = 0.0
    max_deg: float | None = None

    def add(self, epoch: Epoch) -> "OpenMinute":
        """Return the minute with one more epoch."""
        judged_deg = epoch.sagittal_deg if epoch.activity is Activity.STILL else None
        sum_deg, max_deg = self.sum_deg, self.max_deg
        if judged_deg is not None:
            sum_deg += judged_deg
            max_deg = judged_deg if max_deg is None else max(max_deg, judged_deg)
        return OpenMinute(
            self.start_ns,
            self.received + epoch.received,
            self.missing + epoch.missing,
            self.corrupt + epoch.corrupt,
            _one_more(self.activity_s, ACTIVITIES[epoch.activity]),
            _one_more(self.posture_s, POSTURES[epoch.posture]),
            sum_deg,
            max_deg,
        )

    def close(self) -> Minute:
        """Return the finished roll-up."""
        judged_s = self.activity_s[ACTIVITIES[Activity.STILL]]
        upright_s, slouched_s, unknown_s = self.posture_s
        return Minute(
            start_ns=self.start_ns,
            received=self.received,
            missing=self.missing,
            corrupt=self.corrupt,
            activity_s=tuple((kind, n) for kind, n in zip(Activity, self.activity_s, strict=True) if n),
            upright_s=upright_s,
            slouched_s=slouched_s,
            unknown_s=unknown_s,
            sagittal_mean_deg=self.sum_deg / judged_s if judged_s else None,
            sagittal_max_deg=self.max_deg,
        )


def _one_more(counts: tuple[int, ...], index: int) -> tuple[int, ...]:
    return (*counts[:index], counts[index] + 1, *counts[index + 1 :])


def roll_up(minute: OpenMinute | None, epoch: Epoch) -> tuple[OpenMinute, Minute | None]:
    """Add an epoch; return the open minute and, when the epoch begins another, the one that it closes."""
    start_ns = epoch.start_ns - epoch.start_ns % MINUTE_NS
    if minute is not None and minute.start_ns == start_ns:
        return minute.add(epoch), None
    return OpenMinute(start_ns).add(epoch), minute.close() if minute is not None else None
