"""Reads recordings of daily activities at the chest: one unbroken stream for each person and activity.

The file is an .npz of `acc_mps2, gyr_radps` (m, 125, 3), 5-s segments at 25 Hz, with `meta` (m, 3): activity, subject,
segment; the segments of an activity and subject follow one another. x is up and z forward: a label that faces inward.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sensor.samples import SampleBlock

RATE_HZ = 25.0


class Doing(IntEnum):
    """What the person was asked to do."""

    SITTING = 1
    STANDING = 2
    LYING_ON_BACK = 3
    LYING_ON_RIGHT_SIDE = 4
    STAIRS_UP = 5
    STAIRS_DOWN = 6
    STANDING_IN_LIFT = 7
    MOVING_IN_LIFT = 8
    WALKING_OUTSIDE = 9
    WALKING_TREADMILL_FLAT = 10
    WALKING_TREADMILL_INCLINED = 11
    RUNNING = 12
    STEPPER = 13
    CROSS_TRAINER = 14
    CYCLING_LYING_BACK = 15
    CYCLING_UPRIGHT = 16
    ROWING = 17
    JUMPING = 18
    BASKETBALL = 19


WALKING = (Doing.WALKING_OUTSIDE, Doing.WALKING_TREADMILL_FLAT, Doing.WALKING_TREADMILL_INCLINED)
MOVING = (*WALKING, Doing.STAIRS_UP, Doing.STAIRS_DOWN, Doing.RUNNING)
LYING = (Doing.LYING_ON_BACK, Doing.LYING_ON_RIGHT_SIDE)
QUIET = (Doing.SITTING, Doing.STANDING)


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """One activity of one person without a break."""

    acc_mps2: NDArray[np.float64]
    gyr_radps: NDArray[np.float64]

    def __add__(self, after: "Stream") -> "Stream":
        """Return this stream with another right after it."""
        return Stream(
            np.concatenate((self.acc_mps2, after.acc_mps2)), np.concatenate((self.gyr_radps, after.gyr_radps))
        )

    def first(self, seconds: int) -> "Stream":
        """Return the beginning of the stream."""
        rows = slice(round(seconds * RATE_HZ))
        return Stream(self.acc_mps2[rows], self.gyr_radps[rows])

    def block(self, start_ns: int = 0) -> SampleBlock:
        """Return the samples, the first of them at `start_ns`."""
        time_ns = start_ns + np.arange(len(self.acc_mps2)) * round(1e9 / RATE_HZ)
        return SampleBlock(time_ns, self.acc_mps2, self.gyr_radps, RATE_HZ)


def people(path: Path) -> Iterator[tuple[int, dict[Doing, Stream]]]:
    """Yield each person's number and streams."""
    with np.load(path) as data:
        acc, gyr = data["acc_mps2"].astype(float), data["gyr_radps"].astype(float)
        meta = data["meta"]
    order = np.lexsort((meta[:, 2], meta[:, 0], meta[:, 1])).tolist()
    for subject, of_subject in groupby(order, key=lambda row: int(meta[row, 1])):
        streams = {}
        for doing, rows in groupby(of_subject, key=lambda row: Doing(meta[row, 0])):
            segments = list(rows)
            streams[doing] = Stream(acc[segments].reshape(-1, 3), gyr[segments].reshape(-1, 3))
        yield subject, streams
