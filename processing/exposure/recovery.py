"""Alerts and judged seconds → what happened after the wearer was told."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from processing.epochs import SECOND_NS
from processing.exposure.columns import EpochColumns
from processing.outputs import Posture

WITHIN_S = 30
"""How long after an alert the posture is watched: who sits up later may do so for another reason. A judgement, no
published limit."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was seen within `WITHIN_S` after each alert: `alerts` = `recovered` + `stayed` + `unseen`."""

    alerts: int
    recovered: int
    """A second was judged upright."""
    stayed: int
    """All of the time was judged, and slouched."""
    unseen: int
    """No second was upright, and some were not judged: the wearer may have got up, or not."""
    share_at_least: float | None
    """Of all alerts, the recovered ones: unknown is not taken for good."""
    share_at_most: float | None
    """The same if all that was not seen were good."""
    median_s: float | None
    """From the alert to the first upright second, of those that recovered."""
    judged_s: int
    """Judged seconds that all of this rests on."""


def recovery(columns: EpochColumns, alerts_ns: Sequence[int]) -> Recovery:
    """Watch the whole seconds after each alert; several alerts may watch the same ones."""
    told_ns = np.array(alerts_ns, np.int64)
    begin, end = (
        np.searchsorted(columns.start_ns, told_ns + after_s * SECOND_NS) for after_s in (0, WITHIN_S)
    )
    until = np.concatenate(([0], np.cumsum(columns.judged)))
    judged_s = until[end] - until[begin]
    upright_ns = columns.start_ns[columns.is_posture(Posture.UPRIGHT)]
    at = np.searchsorted(upright_ns, told_ns)
    never_ns = np.iinfo(np.int64).max
    waits_s = (np.append(upright_ns, never_ns)[at] - told_ns) / 1e9
    is_recovered = waits_s < WITHIN_S
    n, recovered = len(told_ns), int(is_recovered.sum())
    stayed = int((~is_recovered & (judged_s == WITHIN_S)).sum())
    unseen = n - recovered - stayed
    return Recovery(
        alerts=n,
        recovered=recovered,
        stayed=stayed,
        unseen=unseen,
        share_at_least=recovered / n if n else None,
        share_at_most=(recovered + unseen) / n if n else None,
        median_s=float(np.median(waits_s[is_recovered])) if recovered else None,
        judged_s=int(judged_s.sum()),
    )
