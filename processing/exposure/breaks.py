"""Activities → breaks from sitting (or standing) still: how many, how far apart, and the longest time without."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.activity import BREAK_S, MOVEMENT
from processing.epochs import SECOND_NS
from processing.exposure.balance import NOT_ON_A_WEARER
from processing.exposure.columns import EpochColumns


@dataclass(frozen=True, slots=True)
class Breaks:
    """Breaks, and the still stretches that lie between them. Posture does not matter: stillness does."""

    count: int
    """Times that the wearer moved for `BREAK_S` and more: the rule by which the live detector prompts for breaks."""
    median_between_s: float | None
    """Median length of the stretches that lie between two breaks."""
    longest_without_s: int | None
    """The longest stretch with no break in it."""
    longest_without_ns: int | None
    """When it began."""
    is_longest_cut: bool
    """Unknown time is at one of its ends: it lasted at least so long."""
    known_s: int
    """Seconds in which it was known whether the wearer moved."""


def breaks(columns: EpochColumns) -> Breaks:
    """Find breaks; unknown time too short to hold one is passed over, longer unknown time cuts the stretch."""
    is_worn = ~columns.is_activity(*NOT_ON_A_WEARER)
    start_ns = columns.start_ns[is_worn]
    moving = columns.is_activity(*MOVEMENT)[is_worn]
    start_s = start_ns // SECOND_NS
    # Of unknown time there is no end before the first second that is known, nor after the last one.
    is_short = np.concatenate(([False], np.diff(start_s) <= BREAK_S, [False]))
    goes_on = np.append(False, moving[:-1]) & is_short[:-1]
    part = np.cumsum(moving & ~goes_on)
    moved_s = np.bincount(part[moving], minlength=1)
    is_break = moving & (moved_s[part] >= BREAK_S)
    still = np.flatnonzero(~moving)
    first, last = _stretches(still, start_s)
    is_whole = (is_short[first] & is_break[first - 1]) & (
        is_short[last + 1] & np.append(is_break, False)[last + 1]
    )
    lengths_s = start_s[last] - start_s[first] + 1
    longest = int(lengths_s.argmax()) if len(still) else None
    return Breaks(
        count=int((moved_s >= BREAK_S).sum()),
        median_between_s=float(np.median(lengths_s[is_whole])) if is_whole.any() else None,
        longest_without_s=None if longest is None else int(lengths_s[longest]),
        longest_without_ns=None if longest is None else int(start_ns[first[longest]]),
        is_longest_cut=longest is not None and not is_whole[longest],
        known_s=len(start_ns),
    )


def _stretches(
    still: NDArray[np.intp], start_s: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first and the last still second of each stretch: between two lies room for a break."""
    if not len(still):
        return still, still
    is_apart = np.diff(start_s[still]) > BREAK_S
    return still[np.append(True, is_apart)], still[np.append(is_apart, True)]
