"""Samples as they come → good samples and the clip's orientation at each, ready to be measured."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.grid import GoodRows, GridState, Piece, stretches, take_piece
from processing.orientation import OrientationState, forget_orientation, track

QUAT = slice(6, 10)
"""Rows of `Samples.values`."""
NO_TIMES, NO_VALUES, NO_QUAT = np.empty(0, np.int64), np.empty((10, 0)), np.empty((0, 4))


class Samples(NamedTuple):
    """Good samples and the filter's orientation at each. Values stand on their side: each is one run of memory."""

    time_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    """(10, n): acceleration in m/s² and rotation in rad/s, sensor frame; quaternion sensor → earth, w x y z."""

    def rows(self, begin: int, end: int | None = None) -> "Samples":
        """Return some of the samples (a view)."""
        return Samples(self.time_ns[begin:end], self.values[:, begin:end])


class Arrived(NamedTuple):
    """What came of a piece: the memories after it, what arrived, and the good samples of it."""

    grid: GridState
    orientation: OrientationState | None
    good: GoodRows
    samples: Samples


def arrive(grid: GridState | None, orientation: OrientationState | None, piece: Piece) -> Arrived:
    """Sort out a piece's rows and run the orientation filter over the good ones."""
    after, good = take_piece(grid, piece)
    quats = []
    for stretch in stretches(grid, good, piece.block.rate_hz):
        if stretch.anew and orientation is not None:
            orientation = forget_orientation(orientation)
        orientation, quat = track(orientation, stretch.acc_mps2, stretch.gyr_radps, piece.block.rate_hz)
        quats.append(quat[stretch.rows])
    quat = quats[0] if len(quats) == 1 else np.concatenate((NO_QUAT, *quats))
    values = np.empty((10, len(quat)))
    np.concatenate((good.acc_mps2.T, good.gyr_radps.T, quat.T), out=values)
    return Arrived(after, orientation, good, Samples(good.time_ns, values))


def join(parts: Sequence[Samples]) -> Samples:
    """Return parts that follow one another as one."""
    if len(parts) == 1:
        return parts[0]
    return Samples(
        np.concatenate((NO_TIMES, *(part.time_ns for part in parts))),
        np.concatenate((NO_VALUES, *(part.values for part in parts)), axis=1),
    )


def length(parts: Sequence[Samples]) -> int:
    """Return how many samples the parts hold."""
    return sum(len(part.time_ns) for part in parts)
