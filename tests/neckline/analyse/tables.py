"""Tables of samples of wearers whose answer is known, for `neckline analyse` to read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.processing.people import START_NS, Held, samples

SPANS = ("--upright", "4:10", "--slump", "14:20")
DAY: tuple[Held, ...] = (
    *(Held(12), Held(10, sagittal_deg=25), Held(60)),
    *(Held(100, sagittal_deg=22), Held(40), Held(20, shake_g=0.2), Held(30)),
)
"""A pose, a slump pose, upright, one sustained slouch of 100 s, upright, moving, upright."""


def table(path: Path, poses: Sequence[Held] = DAY, *, seed: int = 1, start_ns: int = START_NS) -> Path:
    """Write what a wearer's clip samples as a table; return its path."""
    block = samples(poses, seed=seed, start_ns=start_ns)
    assert block.gyr_radps is not None
    names = ["time_ns", *(f"acc_{a}_mps2" for a in "xyz"), *(f"gyr_{a}_radps" for a in "xyz")]
    values = np.round(np.hstack((block.acc_mps2, block.gyr_radps)), 6).tolist()
    lines = [f"{t},{','.join(map(str, row))}" for t, row in zip(block.time_ns.tolist(), values, strict=True)]
    path.write_text("\n".join([",".join(names), *lines, ""]))
    return path
