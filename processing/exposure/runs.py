"""What each second was → runs of consecutive seconds that were the same."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.epochs import SECOND_NS

UNKNOWN = -1
"""The label of a second of which nothing is known: it belongs to no run, and ends the one before."""


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Unbroken runs, in order. A run lasted at least its seconds, and longer, perhaps, where it is cut."""

    start_ns: NDArray[np.int64]
    label: NDArray[np.int64]
    seconds: NDArray[np.int64]
    is_cut: NDArray[np.bool_]
    """Unknown time, or an end of the data, is at its begin or end."""

    def __len__(self) -> int:
        return len(self.start_ns)


def runs(start_ns: NDArray[np.int64], label: NDArray[np.int64]) -> Runs:
    """Find the runs of equal labels; seconds that are absent are unknown ones."""
    if not len(start_ns):
        return Runs(start_ns, label, label, np.zeros(0, bool))
    follows = np.diff(start_ns) == SECOND_NS
    begins = np.concatenate(([0], 1 + np.flatnonzero(~follows | (label[1:] != label[:-1]))))
    ends = np.append(begins[1:], len(start_ns))
    known = label[begins] != UNKNOWN
    # What a run begins after: a known second, or nothing that is known.
    is_after_known = np.append(False, follows & (label[:-1] != UNKNOWN))[begins]
    is_before_known = np.append(follows & (label[1:] != UNKNOWN), False)[ends - 1]
    return Runs(
        start_ns[begins][known],
        label[begins][known],
        (ends - begins)[known],
        ~(is_after_known & is_before_known)[known],
    )
