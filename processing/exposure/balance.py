"""Epochs → where the time went: every second worn is judged or of one unknown kind."""

from dataclasses import dataclass

import numpy as np

from processing.exposure.columns import EpochColumns
from processing.outputs import Activity, Posture

NOT_ON_A_WEARER = (Activity.GAP, Activity.NOT_WORN)
"""Nothing was heard of a wearer: no part of the time worn."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Seconds; `worn_s` = `judged_s` + the unknown kinds, `seconds` = `worn_s` + gaps + not worn."""

    seconds: int
    activity_s: tuple[tuple[Activity, int], ...]
    """Of each activity that occurred, in the order of `Activity`."""
    worn_s: int
    judged_s: int
    upright_s: int
    slouched_s: int


def balance(columns: EpochColumns) -> Balance:
    """Add up the time."""
    counts = np.bincount(columns.activity, minlength=len(Activity)).tolist()
    upright_s, slouched_s = (
        int(columns.is_posture(kind).sum()) for kind in (Posture.UPRIGHT, Posture.SLOUCHED)
    )
    return Balance(
        seconds=len(columns),
        activity_s=tuple((kind, n) for kind, n in zip(Activity, counts, strict=True) if n),
        worn_s=int((~columns.is_activity(*NOT_ON_A_WEARER)).sum()),
        judged_s=upright_s + slouched_s,
        upright_s=upright_s,
        slouched_s=slouched_s,
    )
