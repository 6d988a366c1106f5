"""Judged seconds → bouts of a posture: how many, how long, and how unevenly the time lies in them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.epochs import POSTURES
from processing.exposure.columns import EpochColumns
from processing.exposure.runs import UNKNOWN, runs
from processing.outputs import Posture

SUSTAINED_S = 60
"""RULA counts a posture as static from one minute on."""


@dataclass(frozen=True, slots=True)
class Bouts:
    """Unbroken runs of seconds in one posture. None where there is nothing to tell."""

    posture: Posture
    count: int
    per_judged_h: float | None
    sustained: int
    """Bouts of a minute and more."""
    cut: int
    """Bouts that unknown time cut: they lasted at least so long, so the lengths below are low rather than high."""
    median_s: float | None
    p90_s: float | None
    longest_s: int | None
    longest_ns: int | None
    """When the longest began."""
    gini: float | None
    """How unevenly the time lies in the bouts: 0, all are alike; toward 1, few long ones hold nearly all of it."""
    alpha: float | None
    """The exponent of a power law through their lengths: smaller, more of the time lies in long ones."""
    judged_s: int


def bouts(columns: EpochColumns, posture: Posture = Posture.SLOUCHED) -> Bouts:
    """Return the statistics of a posture's bouts."""
    judged = columns.judged
    judged_s = int(judged.sum())
    found = runs(columns.start_ns, np.where(judged, columns.posture.astype(np.int64), UNKNOWN))
    ours = found.label == POSTURES[posture]
    lengths_s = found.seconds[ours]
    n = len(lengths_s)
    longest = int(lengths_s.argmax()) if n else None
    return Bouts(
        posture=posture,
        count=n,
        per_judged_h=n / (judged_s / 3600) if judged_s else None,
        sustained=int((lengths_s >= SUSTAINED_S).sum()),
        cut=int(found.is_cut[ours].sum()),
        median_s=float(np.median(lengths_s)) if n else None,
        p90_s=float(np.percentile(lengths_s, 90)) if n else None,
        longest_s=None if longest is None else int(lengths_s[longest]),
        longest_ns=None if longest is None else int(found.start_ns[ours][longest]),
        gini=gini(lengths_s),
        alpha=alpha(lengths_s),
        judged_s=judged_s,
    )


def gini(lengths: NDArray[np.int64]) -> float | None:
    """Return Gini's coefficient of positive lengths."""
    n = len(lengths)
    if not n:
        return None
    rank = np.arange(1, n + 1)
    return float(((2 * rank - n - 1) * np.sort(lengths)).sum() / (n * lengths.sum()))


def alpha(lengths: NDArray[np.int64]) -> float | None:
    """Return Chastin and Granat's exponent (2010), by maximum likelihood; None for lengths that are all alike."""
    if not len(lengths) or lengths.min() == lengths.max():
        return None
    return float(1 + len(lengths) / np.log(lengths / lengths.min()).sum())
