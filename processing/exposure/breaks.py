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
    moving = columns.is_activity(*MOVEMENT)
    is_worn = ~columns.is_activity(*NOT_ON_A_WEARER)
    known_s = int(is_worn.sum())
    still = np.flatnonzero(~moving & is_worn)
    if not len(still):
        return Breaks(int(moving.sum() >= BREAK_S), None, None, None, False, known_s)
    # Before, between and after the still seconds lie moving and unknown ones.
    still_ns = columns.start_ns[still]
    between_s = np.diff(
        still_ns, prepend=columns.start_ns[0] - SECOND_NS, append=columns.start_ns[-1] + SECOND_NS
    )
    between_s = between_s // SECOND_NS - 1
    moved_s = np.diff(np.append(0, np.cumsum(moving))[np.append(still, len(columns))], prepend=0)
    is_break = moved_s >= BREAK_S
    ends = np.flatnonzero((between_s >= BREAK_S) | _is_outer(len(between_s)))
    is_seen = (is_break & (between_s - moved_s < BREAK_S))[ends]
    first_ns = still_ns[ends[:-1]]
    lengths_s = (still_ns[ends[1:] - 1] - first_ns) // SECOND_NS + 1
    is_whole = is_seen[:-1] & is_seen[1:]
    longest = int(lengths_s.argmax())
    return Breaks(
        count=int(is_break.sum()),
        median_between_s=float(np.median(lengths_s[is_whole])) if is_whole.any() else None,
        longest_without_s=int(lengths_s[longest]),
        longest_without_ns=int(first_ns[longest]),
        is_longest_cut=not is_whole[longest],
        known_s=known_s,
    )


def _is_outer(n: int) -> NDArray[np.bool_]:
    """Return which of n places is the first or the last: there the data end, and what lay beyond is not known."""
    outer = np.zeros(n, bool)
    outer[[0, -1]] = True
    return outer
