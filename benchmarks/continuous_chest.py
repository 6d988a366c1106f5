"""Reads unbroken recordings of an uncalibrated accelerometer at the chest: one person, one stream.

The file is an .npz with `p<k>`, int16 (n, 4), for each person: x, y, z in counts with 0 g near 2048, and a label, at
52 Hz. What the recordings do not say is estimated here, once for each person:

* **Offset and gain** come from the quiet windows, where |a| must be 1 g, as in van Hees et al. (J Appl Physiol 2014;
  117:738). Their method wants tilts of 17° in every direction; these people sat and stood, so offset and gain of the
  upright axis can hardly be told apart. The offset is therefore held near the nominal 2048 (`OFFSET_COUNTS`) and one
  gain serves all axes. Where the true offset lies further off, angles are too large or too small in proportion.
* **Axes**: up is the mean acceleration while walking. Forward is the level direction in which acceleration leads the
  upward one by a quarter of a step (`forward_of`); on 12 recorded walks with known axes it is right within 11°.
  Samples are turned to a clip worn straight, label outward: x right, y up, z backward.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from sensor.samples import STANDARD_GRAVITY_MPS2, SampleBlock

RATE_HZ = 52.0
NOMINAL_OFFSET = 2048.0
OFFSET_COUNTS = 40.0
"""How far the offset is expected off its nominal value."""
GRAVITY_ERROR = 0.01
"""How far |a| in a quiet window is expected off 1 g, in g."""
QUIET_COUNTS = 8.0
"""A window is quiet when no axis spreads more than this (about 0.02 g)."""
WINDOW = 104
STEPS_HZ = (1.4, 2.5)
WALK_WINDOW_S = 10


class Label(IntEnum):
    """What the person did; coarse, and written down by hand."""

    STRAY = 0
    COMPUTER = 1
    UP_WALKING_STAIRS = 2
    STANDING = 3
    WALKING = 4
    STAIRS = 5
    WALKING_AND_TALKING = 6
    STANDING_AND_TALKING = 7


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One person's stream, calibrated and turned."""

    person: str
    acc_mps2: NDArray[np.float64]
    labels: NDArray[np.int16]
    """(n,)"""
    offset_counts: NDArray[np.float64]
    """(3,)"""
    counts_per_g: float

    def block(self, start_ns: int = 0) -> SampleBlock:
        """Return all samples, the first of them at `start_ns`."""
        time_ns = start_ns + np.rint(np.arange(len(self.labels)) * (1e9 / RATE_HZ)).astype(np.int64)
        return SampleBlock(time_ns, self.acc_mps2, None, RATE_HZ)


def offset_and_gain(counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the offset (3,) and the counts per g under which quiet windows of (n, 3) counts show 1 g."""
    windows = counts[: len(counts) // WINDOW * WINDOW].reshape(-1, WINDOW, 3)
    gravity = windows.mean(axis=1)[(windows.std(axis=1) < QUIET_COUNTS).all(axis=1)]

    def residuals(guess: NDArray[np.float64]) -> NDArray[np.float64]:
        offset, gain = guess[:3], guess[3]
        off_one_g = np.linalg.norm(gravity - offset, axis=1) / gain - 1
        # The windows of an hour are not independent: together they weigh as much as ten.
        weight = np.sqrt(10 / len(gravity))
        return np.concatenate((off_one_g / GRAVITY_ERROR * weight, (offset - NOMINAL_OFFSET) / OFFSET_COUNTS))

    nominal = np.full(3, NOMINAL_OFFSET)
    gain = float(np.median(np.linalg.norm(gravity - nominal, axis=1)))
    found = least_squares(residuals, np.append(nominal, gain), x_scale=np.array([10, 10, 10, 100.0])).x
    return found[:3], float(found[3])


def forward_of(
    walking: NDArray[np.float64], rate_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return up and forward (unit vectors) of walking's accelerations (n, 3), in any unit and frame."""
    up = walking.mean(axis=0) / np.linalg.norm(walking.mean(axis=0))
    n = round(WALK_WINDOW_S * rate_hz)
    windows = (walking - walking.mean(axis=0))[: len(walking) // n * n].reshape(-1, n, 3)
    spectrum = np.fft.rfft(windows * np.hanning(n)[:, None], axis=1)
    hz = np.fft.rfftfreq(n, 1 / rate_hz)
    steps = spectrum[:, (hz > STEPS_HZ[0]) & (hz < STEPS_HZ[1])]
    leads = (steps * np.conj(steps @ up)[..., None]).imag.sum(axis=(0, 1))
    forward = leads - (leads @ up) * up
    return up, forward / np.linalg.norm(forward)


def recordings(path: Path) -> Iterator[Recording]:
    """Yield the people of a file."""
    with np.load(path) as data:
        for person in data.files:
            labels = data[person][:, 3]
            counts = data[person][:, :3].astype(float)
            offset, gain = offset_and_gain(counts)
            acc_g = (counts - offset) / gain
            up, forward = forward_of(acc_g[labels == Label.WALKING], RATE_HZ)
            worn_straight = np.stack((np.cross(forward, up), up, -forward), axis=1)
            yield Recording(person, acc_g @ worn_straight * STANDARD_GRAVITY_MPS2, labels, offset, gain)
