"""Epochs → columns of numpy arrays, which all figures are computed on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from processing.epochs import ACTIVITIES, POSTURES, SECOND_NS
from processing.outputs import Activity, Epoch, Posture

Second = tuple[int, str, str, float | None]
"""`start_ns`, `activity`, `posture`, `sagittal_deg` of an epoch, the words as they are stored."""

_ROW = np.dtype([("start_ns", "i8"), ("activity", "u1"), ("posture", "u1"), ("sagittal_deg", "f8")])


@dataclass(frozen=True, slots=True, eq=False)
class EpochColumns:
    """Epochs of one wearer's clip, each second once, in order of time. Seconds that nobody stored are not there."""

    start_ns: NDArray[np.int64]
    """(n,), whole seconds, increasing."""
    activity: NDArray[np.uint8]
    """(n,), the place in `Activity`."""
    posture: NDArray[np.uint8]
    """(n,), the place in `Posture`."""
    sagittal_deg: NDArray[np.float64]
    """(n,), NaN where it is not known."""

    def __post_init__(self) -> None:
        shapes = {column.shape for column in (self.start_ns, self.activity, self.posture, self.sagittal_deg)}
        if shapes != {(len(self.start_ns),)}:
            raise ValueError(f"columns of one length needed, not {shapes}")
        if np.any(np.diff(self.start_ns) <= 0) or np.any(self.start_ns % SECOND_NS):
            raise ValueError("start_ns must increase, by whole seconds")

    @classmethod
    def of(cls, seconds: Iterable[Second]) -> Self:
        """Gather rows; of a second that comes twice the later row counts, as in every store."""
        rows = np.fromiter(
            (
                (start_ns, ACTIVITIES[activity], POSTURES[posture], np.nan if angle is None else angle)  # type: ignore[index]  # a StrEnum's member is its word
                for start_ns, activity, posture, angle in seconds
            ),
            _ROW,
        )
        if np.any(np.diff(rows["start_ns"]) <= 0):
            _, newest = np.unique(rows["start_ns"][::-1], return_index=True)
            rows = rows[::-1][newest]
        return cls(*(rows[name].copy() for name in ("start_ns", "activity", "posture", "sagittal_deg")))

    @classmethod
    def of_epochs(cls, epochs: Iterable[Epoch]) -> Self:
        """Gather epochs."""
        return cls.of((each.start_ns, each.activity, each.posture, each.sagittal_deg) for each in epochs)

    def __len__(self) -> int:
        return len(self.start_ns)

    def __getitem__(self, rows: slice) -> "EpochColumns":
        """Return some of the rows (views, nothing is copied)."""
        return EpochColumns(
            self.start_ns[rows], self.activity[rows], self.posture[rows], self.sagittal_deg[rows]
        )

    def is_activity(self, *kinds: Activity) -> NDArray[np.bool_]:
        """Tell of each epoch whether its activity is one of these."""
        found: NDArray[np.bool_] = np.logical_or.reduce([self.activity == ACTIVITIES[kind] for kind in kinds])
        return found

    def is_posture(self, posture: Posture) -> NDArray[np.bool_]:
        """Tell of each epoch whether it was judged to be this."""
        found: NDArray[np.bool_] = self.judged & (self.posture == POSTURES[posture])
        return found

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Which epochs have a known posture: still, with an angle."""
        is_known = (self.posture != POSTURES[Posture.UNKNOWN]) & np.isfinite(self.sagittal_deg)
        found: NDArray[np.bool_] = is_known & self.is_activity(Activity.STILL)
        return found
