"""Epochs → a summary of each local day, and whether the day can stand for one."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from processing.exposure.angles import angle_percentiles
from processing.exposure.balance import balance
from processing.exposure.columns import EpochColumns
from processing.exposure.local_time import Day, LocalTime, day_of

VALID_DAY_S = 4 * 3600
"""A day with less judged time stands for itself alone: its shares and angles are not told."""
VALID_DAYS = 3
"""A period with fewer valid days stands for no period."""


@dataclass(frozen=True, slots=True)
class DaySummary:
    """One local day. Figures are None unless the day is valid."""

    day: Day
    seconds: int
    worn_s: int
    judged_s: int
    upright_s: int
    slouched_s: int
    is_valid: bool
    slouched_share: float | None
    """Slouched part of the judged time, 0 to 1."""
    p50_deg: float | None
    """Median sagittal angle of the judged time."""


def day_summaries(columns: EpochColumns, local: LocalTime) -> tuple[DaySummary, ...]:
    """Return the days on which there are epochs, in order; `local` is the local time of each epoch."""
    days, begins = np.unique(local.day, return_index=True)
    edges = [*begins.tolist(), len(columns)]
    return tuple(
        _summary(day_of(day), columns[begin:end])
        for day, (begin, end) in zip(days.tolist(), pairwise(edges), strict=True)
    )


def _summary(day: Day, columns: EpochColumns) -> DaySummary:
    found = balance(columns)
    is_valid = found.judged_s >= VALID_DAY_S
    return DaySummary(
        day=day,
        seconds=found.seconds,
        worn_s=found.worn_s,
        judged_s=found.judged_s,
        upright_s=found.upright_s,
        slouched_s=found.slouched_s,
        is_valid=is_valid,
        slouched_share=found.slouched_s / found.judged_s if is_valid else None,
        p50_deg=angle_percentiles(columns).p50 if is_valid else None,
    )
