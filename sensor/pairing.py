"""Acceleration and rotation that come apart, both stamped by one device clock → rows of both."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MAX_WAITING = 4
"""Packets of acceleration that wait for their rotation; the oldest goes without when there are more."""
REACH, STRIDE = 0.55, 1.6
"""In periods: rotation holds so far beside its samples; between two that are no further apart it is interpolated."""
KEPT_S = 5.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Acceleration of one packet: times of its samples by the device, times of them in UTC, and itself."""

    device_s: Floats
    time_ns: NDArray[np.int64]
    acc: Floats


class Pairing:
    """Rotation at the times of acceleration. It begins with the first rotation; rows whose rotation was lost have NaN there."""

    def __init__(self, rate_hz: float) -> None:
        self._reach_s, self._stride_s = REACH / rate_hz, STRIDE / rate_hz
        self._begin_s: float | None = None
        """When rotation began, by the device."""
        self._waiting: deque[Waiting] = deque()
        self._gyr_s: Floats = np.empty(0)
        self._gyr: Floats = np.empty((0, 3))

    def rotation(self, device_s: Floats, gyr: Floats) -> list[tuple[Waiting, Floats]]:
        """Take a packet of rotation; return the acceleration that has found its rotation."""
        if len(self._gyr_s) and device_s[0] <= self._gyr_s[-1]:
            # the clock was set, or began anew
            self._gyr_s, self._gyr, self._begin_s = np.empty(0), np.empty((0, 3)), None
        if self._begin_s is None:
            self._begin_s = float(device_s[0]) - self._reach_s
        kept = self._gyr_s > device_s[0] - KEPT_S
        self._gyr_s = np.concatenate([self._gyr_s[kept], device_s])
        self._gyr = np.concatenate([self._gyr[kept], gyr])
        return self._found(MAX_WAITING)

    def acceleration(self, packet: Waiting) -> list[tuple[Waiting, Floats]]:
        """Take a packet of acceleration; return what has found its rotation, or waits for too long."""
        self._waiting.append(packet)
        return self._found(MAX_WAITING)

    def flush(self) -> list[tuple[Waiting, Floats]]:
        """Return what waits, with what rotation there is."""
        return self._found(0)

    def _found(self, room: int) -> list[tuple[Waiting, Floats]]:
        found = []
        while self._waiting and (len(self._waiting) > room or self._is_covered(self._waiting[0])):
            packet = self._waiting.popleft()
            if self._begin_s is not None and packet.device_s[0] < self._begin_s:
                packet = self._begun(packet)
            if self._begin_s is not None and len(packet.device_s):
                found.append((packet, self._at(packet.device_s)))
        return found

    def _begun(self, packet: Waiting) -> Waiting:
        """Return what of a packet is not from before the first rotation."""
        first = int(np.searchsorted(packet.device_s, self._begin_s or 0.0))
        return Waiting(packet.device_s[first:], packet.time_ns[first:], packet.acc[first:])

    def _is_covered(self, packet: Waiting) -> bool:
        return len(self._gyr_s) > 0 and bool(self._gyr_s[-1] >= packet.device_s[-1])

    def _at(self, device_s: Floats) -> Floats:
        if not len(self._gyr_s):
            return np.full((len(device_s), 3), np.nan)
        gyr = np.stack([np.interp(device_s, self._gyr_s, axis) for axis in self._gyr.T], axis=1)
        after = np.clip(np.searchsorted(self._gyr_s, device_s), 1, max(1, len(self._gyr_s) - 1))
        before_s, after_s = self._gyr_s[after - 1], self._gyr_s[np.minimum(after, len(self._gyr_s) - 1)]
        beside_s = np.minimum(np.abs(device_s - before_s), np.abs(after_s - device_s))
        between = (before_s <= device_s) & (device_s <= after_s) & (after_s - before_s <= self._stride_s)
        gyr[~between & (beside_s > self._reach_s)] = np.nan
        return gyr
