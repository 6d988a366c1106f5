"""What leaves the sensor room: blocks of samples on one clock, and what the link has to say.

The values here are all that processing and storage know of a clip. Frames: `_sensor` is the frame of the
clip's own axes as its family documents them (right-handed); gravity reads +1 g on the axis that points up.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

STANDARD_GRAVITY_MPS2 = 9.80665  # CODATA, exact by definition


@dataclass(frozen=True, slots=True, eq=False)
class SampleBlock:
    """Consecutive samples of one clip on one clock.

    `time_ns` is the time of each sample in nanoseconds since the Unix epoch, on the device's clock where it has
    one and on the reconstructed sample grid where it has none; never the arrival time of a bundle.
    The sample balance rests on this grid: a grid position without a row is *missing*, a row with a NaN is
    *corrupt* (it arrived damaged; so is one that no clip could measure), every other row is *received*.
    """

    time_ns: NDArray[np.int64]
    """(n,), not decreasing within what the clip's clock promises; `processing.step` copes when it breaks that."""
    acc_mps2: NDArray[np.float64]
    """(n, 3), sensor frame, gravity included."""
    gyr_radps: NDArray[np.float64] | None
    """(n, 3), sensor frame; None from a clip that has no gyroscope."""
    rate_hz: float
    """Sample rate of the grid, as measured for the family's setting."""

    def __post_init__(self) -> None:
        n = len(self.time_ns)
        if self.time_ns.shape != (n,) or self.acc_mps2.shape != (n, 3):
            raise ValueError(
                f"time_ns (n,) and acc_mps2 (n, 3) needed, not {self.time_ns.shape}, {self.acc_mps2.shape}"
            )
        if self.gyr_radps is not None and self.gyr_radps.shape != (n, 3):
            raise ValueError(f"gyr_radps (n, 3) needed, not {self.gyr_radps.shape}")
        if not self.rate_hz > 0:
            raise ValueError(f"rate_hz must be positive, not {self.rate_hz}")

    def __len__(self) -> int:
        return len(self.time_ns)

    def __getitem__(self, rows: slice) -> "SampleBlock":
        """Return the rows as a block of their own (a view, nothing is copied)."""
        gyr = None if self.gyr_radps is None else self.gyr_radps[rows]
        return SampleBlock(self.time_ns[rows], self.acc_mps2[rows], gyr, self.rate_hz)


def join(blocks: Sequence[SampleBlock]) -> SampleBlock:
    """Return blocks that follow one another, at least one, as one block; it has a gyroscope if all of them have."""
    if len(blocks) == 1:
        return blocks[0]
    gyr_radps = [block.gyr_radps for block in blocks if block.gyr_radps is not None]
    return SampleBlock(
        np.concatenate([block.time_ns for block in blocks]),
        np.concatenate([block.acc_mps2 for block in blocks]),
        np.concatenate(gyr_radps) if len(gyr_radps) == len(blocks) else None,
        blocks[0].rate_hz,
    )


def alike(one: SampleBlock, other: SampleBlock) -> bool:
    """Tell whether two blocks can be joined: the same rate, and both with or both without a gyroscope."""
    return one.rate_hz == other.rate_hz and (one.gyr_radps is None) is (other.gyr_radps is None)


def join_alike(blocks: Iterable[SampleBlock]) -> list[SampleBlock]:
    """Return blocks in their order, each run of those that are alike joined to one."""
    runs: list[list[SampleBlock]] = []
    for block in blocks:
        if runs and alike(runs[-1][0], block):
            runs[-1].append(block)
        else:
            runs.append([block])
    return [join(run) for run in runs]


class LinkState(StrEnum):
    """Where the link to a clip stands."""

    SEARCHING = "searching"
    """Scanning for the clip's advertisement."""
    CONNECTING = "connecting"
    """Seen; connecting, checking its identity, setting its rate."""
    STREAMING = "streaming"
    """Samples arrive."""
    WAITING = "waiting"
    """Lost or not found; backing off before the next scan."""


@dataclass(frozen=True, slots=True)
class LinkChange:
    """The link went to another state; `reason` is a sentence for people and their screens, empty when all is well."""

    time_ns: int
    state: LinkState
    reason: str = ""
    word: str = ""
    """The reason in one word that names neither clip nor computer: for what is stored."""


@dataclass(frozen=True, slots=True)
class BatteryReading:
    """The clip's battery: `volts` as read (None where the family tells only a percentage)."""

    time_ns: int
    percent: float
    volts: float | None = None


Reading = SampleBlock | LinkChange | BatteryReading
"""Everything a source of samples yields."""


def gathered(readings: Iterable[Reading], block_ns: int) -> Iterator[Reading]:
    """Join blocks until they are long enough; everything else keeps its place between them.

    What was read before an error comes before the error.
    """
    held: list[SampleBlock] = []
    try:
        for reading in readings:
            if isinstance(reading, SampleBlock):
                if held and not alike(reading, held[0]):
                    yield join(held)
                    held = []
                held.append(reading)
                if reading.time_ns[-1] - held[0].time_ns[0] + 1e9 / reading.rate_hz < block_ns:
                    continue
            if held:
                yield join(held)
            held = []
            if not isinstance(reading, SampleBlock):
                yield reading
    except Exception:
        if held:
            yield join(held)
        raise
    if held:
        yield join(held)
