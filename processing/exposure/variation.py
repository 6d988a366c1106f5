"""Judged angles → exposure variation (EVA): how long which angle was held without a change."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.exposure.angles import BANDS_DEG, band_of
from processing.exposure.columns import EpochColumns
from processing.exposure.runs import UNKNOWN, runs

HELD_S = (1, 3, 7, 15, 31, 60, 240)
"""Longest hold of each class but the last: Mathiassen and Winkel's doubling classes, and the 4 min that ISO 11226
gives a trunk at 20°."""


@dataclass(frozen=True, slots=True)
class Variation:
    """Seconds by band of the angle (rows, as in `Bands`) and by how long it stayed in the band unbroken (columns)."""

    edges_deg: tuple[float, ...]
    held_s: tuple[int, ...]
    """Column j holds runs longer than entry j−1 and no longer than entry j; the last is open."""
    seconds: tuple[tuple[int, ...], ...]
    cut_s: tuple[tuple[int, ...], ...]
    """How many of them lie in runs that unknown time cut: those were held at least so long."""
    judged_s: int


def variation(columns: EpochColumns) -> Variation:
    """Return the matrix; one step of the angle over the edge of a band begins another run."""
    label = np.full(len(columns), UNKNOWN, np.int64)
    judged = columns.judged
    label[judged] = band_of(columns.sagittal_deg[judged])
    found = runs(columns.start_ns, label)
    column = np.searchsorted(HELD_S, found.seconds)

    def matrix(seconds: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
        cells = np.zeros((len(BANDS_DEG) + 1, len(HELD_S) + 1), np.int64)
        np.add.at(cells, (found.label, column), seconds)
        return tuple(tuple(row) for row in cells.tolist())

    return Variation(
        edges_deg=BANDS_DEG,
        held_s=HELD_S,
        seconds=matrix(found.seconds),
        cut_s=matrix(found.seconds * found.is_cut),
        judged_s=int(judged.sum()),
    )
