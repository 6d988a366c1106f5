"""What one file of samples holds, in short: what they have in common, how many there are, and what lacks among them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.samples import SampleBlock
from storage.recordings.frames import About, columns_of

GAP_PERIODS = 1.5
"""A step between two samples longer than this lacks some."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A span between two samples in which some are lacking."""

    since_ns: int
    until_ns: int
    missing: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What one file holds."""

    about: About
    rows: int
    corrupt: int
    first_ns: int | None
    last_ns: int | None
    gaps: tuple[Gap, ...]
    damaged_bytes: int
    """Of the log, that could not be read when it was sealed."""

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return self.about.plain() | {
            "rows": self.rows,
            "corrupt": self.corrupt,
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
            "gaps": [[gap.since_ns, gap.until_ns, gap.missing] for gap in self.gaps],
            "damaged_bytes": self.damaged_bytes,
        }

    @classmethod
    def of_plain(cls, plain: dict[str, Any], rows: int) -> "Contents":
        """Read what `plain` returned, of a file of so many rows; KeyError, TypeError or ValueError if it is none."""
        return cls(
            about=About.of_plain(plain),
            rows=rows,
            corrupt=int(plain["corrupt"]),
            first_ns=plain["first_ns"],
            last_ns=plain["last_ns"],
            gaps=tuple(Gap(*gap) for gap in plain["gaps"]),
            damaged_bytes=int(plain["damaged_bytes"]),
        )


class Sums:
    """What the samples of a file add up to."""

    def __init__(self, about: About) -> None:
        self.about = about
        self.rows = self.corrupt = 0
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self._latest_ns: int | None = None
        self._gaps: list[Gap] = []

    def add(self, block: SampleBlock) -> None:
        """Count the next samples."""
        if not len(block):
            return
        self.rows += len(block)
        self.corrupt += int(np.isnan(columns_of(block)).any(axis=1).sum())
        low_ns, high_ns = int(block.time_ns.min()), int(block.time_ns.max())
        self._first_ns = low_ns if self._first_ns is None else min(self._first_ns, low_ns)
        self._last_ns = high_ns if self._last_ns is None else max(self._last_ns, high_ns)
        self._gaps += gaps(block.time_ns, self.about.rate_hz, self._latest_ns)
        self._latest_ns = int(block.time_ns[-1])

    def contents(self, damaged_bytes: int) -> Contents:
        """Return the sums."""
        first_ns, last_ns = self._first_ns, self._last_ns
        return Contents(
            self.about, self.rows, self.corrupt, first_ns, last_ns, tuple(self._gaps), damaged_bytes
        )


def gaps(time_ns: NDArray[np.int64], rate_hz: float, before_ns: int | None = None) -> list[Gap]:
    """Return where samples are lacking among these, and between `before_ns` and the first."""
    times = time_ns if before_ns is None else np.concatenate(([before_ns], time_ns))
    periods = np.diff(times) * (rate_hz / 1e9)
    return [
        Gap(int(times[k]), int(times[k + 1]), int(np.rint(periods[k])) - 1)
        for k in np.flatnonzero(periods > GAP_PERIODS)
    ]
