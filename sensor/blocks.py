"""Rows of samples → blocks, by the clock that the family has."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sensor.clock import SampleClock
from sensor.device_clock import DeviceClock
from sensor.samples import SampleBlock

Floats = NDArray[np.float64]
Counts = NDArray[np.int16]
Row = tuple[float, ...]
"""Acceleration, and rotation if the clip has a gyroscope, in whatever unit `scale` makes SI of."""
MPS2_RADPS = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)


class SteeredBlocks:
    """Samples of a clip that sends no time; they may be held back until their clock knows their times."""

    def __init__(self, rate_hz: float, scale: Sequence[float]) -> None:
        """Take the rate as units were measured to keep it, and what makes m/s² and rad/s of a row."""
        self._rate_hz = rate_hz
        self._scale = np.array(scale)
        self._scales = np.empty((0, len(scale)))
        """A scale a row: numpy multiplies likes in a third of the time."""
        self._clock = SampleClock(rate_hz)
        self._rows: deque[Row | Counts] = deque()

    @property
    def lost(self) -> int:
        """Samples that the clock found lacking."""
        return self._clock.lost

    def take(self, rows: Sequence[Row] | Counts, arrival_ns: int) -> list[SampleBlock]:
        """Take what arrived at once, oldest first; a row of NaN is a sample that arrived damaged."""
        time_ns = self._clock.arrived(arrival_ns, len(rows))
        if not self._rows and len(time_ns) == len(rows):
            return self._blocks(time_ns, rows)
        self._rows.extend(rows)
        return self._given(time_ns)

    def flush(self) -> list[SampleBlock]:
        """Return what is still held back."""
        return self._given(self._clock.flush())

    def _given(self, time_ns: NDArray[np.int64]) -> list[SampleBlock]:
        return self._blocks(time_ns, [self._rows.popleft() for _ in range(len(time_ns))])

    def _blocks(self, time_ns: NDArray[np.int64], rows: Sequence[Row | Counts] | Counts) -> list[SampleBlock]:
        if not len(rows):
            return []
        if len(rows) != len(self._scales):
            self._scales = np.tile(self._scale, (len(rows), 1))
        values = rows if isinstance(rows, np.ndarray) else np.array(rows, np.float64)
        return [_block(time_ns, np.multiply(values, self._scales), self._rate_hz)]


class StampedBlocks:
    """Samples of a clip that stamps its packets."""

    def __init__(self, clock: DeviceClock, rate_hz: float, scale: Sequence[float] = MPS2_RADPS) -> None:
        self.clock = clock
        self._rate_hz = rate_hz
        self._scale = np.array(scale)

    def take(self, stamp: int, rows: Sequence[Row] | Floats, arrival_ns: int) -> list[SampleBlock]:
        """Take one packet, oldest row first; a packet that was there already gives nothing."""
        time_ns = self.clock.arrived(stamp, len(rows), arrival_ns)
        if not len(time_ns):
            return []
        return [_block(time_ns, np.asarray(rows, np.float64) * self._scale, self._rate_hz)]


def _block(time_ns: NDArray[np.int64], rows: Floats, rate_hz: float) -> SampleBlock:
    return SampleBlock(time_ns, rows[:, :3], rows[:, 3:] if rows.shape[1] > 3 else None, rate_hz)
