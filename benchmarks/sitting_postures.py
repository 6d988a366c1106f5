"""Reads recordings of posed sitting: people, trials and raw WitMotion counts, as documented beside the data.

The file is an .npz of int16 counts `c7_acc, c7_gyr, t4_acc, t4_gyr` (n, 3) at 50 Hz with `length, label, subject,
trial`, one entry a trial, trials one after another. A row of −32768 was lost on the air.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sensor.samples import STANDARD_GRAVITY_MPS2, SampleBlock

RATE_HZ = 50.0
ACC_MPS2_PER_COUNT = 16 * STANDARD_GRAVITY_MPS2 / 32768
GYR_RADPS_PER_COUNT = np.radians(2000) / 32768
LOST = -32768
PLACEMENTS = ("t4", "c7")


class Label(IntEnum):
    """The posture that was posed."""

    LEANING_BACK = 1
    UPRIGHT = 2
    SLOUCHED = 3
    LEANING_FORWARD = 4
    RIGHT = 5
    LEFT = 6


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One posed posture, 30 s, of one person and placement."""

    subject: int
    number: int
    label: Label
    acc_counts: NDArray[np.int16]
    """(n, 3); rows that were lost on the air are −32768."""
    gyr_counts: NDArray[np.int16]

    def block(self, start_ns: int = 0) -> SampleBlock:
        """Return the samples that arrived, the first grid position at `start_ns`."""
        arrived = ~(self.acc_counts == LOST).all(axis=1)
        return SampleBlock(
            time_ns=start_ns + np.flatnonzero(arrived) * round(1e9 / RATE_HZ),
            acc_mps2=self.acc_counts[arrived] * ACC_MPS2_PER_COUNT,
            gyr_radps=self.gyr_counts[arrived] * GYR_RADPS_PER_COUNT,
            rate_hz=RATE_HZ,
        )


def people(path: Path, placement: str) -> Iterator[list[Trial]]:
    """Yield each person's trials in the order in which they were recorded."""
    with np.load(path) as data:
        acc, gyr = data[f"{placement}_acc"], data[f"{placement}_gyr"]
        ends = np.cumsum(data["length"])
        labels, subjects, numbers = (data[key].tolist() for key in ("label", "subject", "trial"))
        starts = (ends - data["length"]).tolist()
    rows = list(zip(subjects, numbers, labels, starts, ends.tolist(), strict=True))
    for person in sorted(set(subjects)):
        yield [
            Trial(subject, number, Label(label), acc[start:end], gyr[start:end])
            for subject, number, label, start, end in rows
            if subject == person
        ]
