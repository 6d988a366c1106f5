"""A block of samples → which of the grid's positions arrived, arrived damaged, or never came; and rows for the filter.

The filter wants samples at one rate. Positions lost in a short gap are bridged by a straight line, so that it keeps
its step; across a longer gap it starts anew. Bridged rows serve the filter alone: nothing is judged on them.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensor.samples import SampleBlock

BRIDGE_S = 1.0
"""The longest gap that is bridged."""
MAX_ACC_MPS2, MAX_GYR_RADPS = 2000.0, 100.0
"""Beyond what any clip can measure (±200 g, ±5700 °/s): such a row is damaged, as is one with a NaN."""
PIECE = 8192
"""Rows that are worked on at once: their arrays stay within a processor's cache."""


@dataclass(frozen=True, slots=True)
class GridState:
    """Where the grid stood at the end of the last block."""

    last_ns: int
    """The last position that arrived, damaged or not."""
    good_ns: int | None = None
    """The last good sample; None before the first."""
    good_acc_mps2: tuple[float, ...] = (0.0, 0.0, 0.0)
    good_gyr_radps: tuple[float, ...] = (0.0, 0.0, 0.0)


class Piece(NamedTuple):
    """Rows with no break of session among them, each newer than the one before."""

    block: SampleBlock
    steps_ns: NDArray[np.int64]
    """(n,) how far each row lies behind the row before it; 1 for the first of a session."""
    longest_ns: int
    after_break: bool


class GoodRows(NamedTuple):
    """The block's good samples, in order of time, and what arrived around them."""

    first_ns: int
    """The block's first position that arrived, damaged or not."""
    time_ns: NDArray[np.int64]
    acc_mps2: NDArray[np.float64]
    gyr_radps: NDArray[np.float64]
    corrupt_ns: NDArray[np.int64]
    """Times of damaged samples."""
    missing_ns: NDArray[np.int64]
    """Times of the positions that never came."""
    whole: bool
    """Nothing is lost or damaged, from the last good row of the block before to the end."""


class Stretch(NamedTuple):
    """Rows at one rate for the filter; `rows` are those that really arrived."""

    acc_mps2: NDArray[np.float64]
    gyr_radps: NDArray[np.float64]
    rows: NDArray[np.intp] | slice
    anew: bool
    """A gap lies before it that is too long to be bridged."""


def pieces(state: GridState | None, block: SampleBlock, break_ns: float) -> list[Piece]:
    """Cut a block where a session ends and where it is long; leave out rows that are no later than one before."""
    if not len(block):
        return []
    steps_ns = _steps(state, block.time_ns)
    if steps_ns.min() <= 0:
        block = _newer_rows(state, block)
        if not len(block):
            return []
        steps_ns = _steps(state, block.time_ns)
    n, longest_ns = len(steps_ns), int(steps_ns.max())
    if n <= PIECE and longest_ns <= break_ns:
        return [Piece(block, steps_ns, longest_ns, after_break=False)]
    breaks = np.flatnonzero(steps_ns > break_ns).tolist()
    steps_ns[breaks] = 1
    begins = sorted({*range(0, n, PIECE), *breaks})
    return [
        Piece(block[begin:end], steps_ns[begin:end], int(steps_ns[begin:end].max()), begin in breaks)
        for begin, end in pairwise((*begins, n))
    ]


def _steps(state: GridState | None, time_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    steps_ns = np.empty_like(time_ns)
    steps_ns[0] = time_ns[0] - state.last_ns if state else 1
    np.subtract(time_ns[1:], time_ns[:-1], out=steps_ns[1:])
    return steps_ns


def _newer_rows(state: GridState | None, block: SampleBlock) -> SampleBlock:
    """Return the block without the rows that are not later than all before them (duplicates, a clock set back)."""
    before_ns = state.last_ns if state else int(block.time_ns[0]) - 1
    highest_ns = np.maximum.accumulate(np.concatenate(([before_ns], block.time_ns)))
    ahead = block.time_ns > highest_ns[:-1]
    gyr = None if block.gyr_radps is None else block.gyr_radps[ahead]
    return SampleBlock(block.time_ns[ahead], block.acc_mps2[ahead], gyr, block.rate_hz)


def take_piece(state: GridState | None, piece: Piece) -> tuple[GridState, GoodRows]:
    """Sort rows into good and damaged, and find what is missing."""
    block = piece.block
    time_ns, acc, gyr = block.time_ns, block.acc_mps2, block.gyr_radps
    if gyr is None:
        # An accelerometer-only clip: with no turn the filter becomes a low-pass on gravity.
        gyr = np.zeros_like(acc)
    first_ns, last_ns = int(time_ns[0]), int(time_ns[-1])
    corrupt_ns = missing_ns = time_ns[:0]
    whole = state is not None and state.good_ns == state.last_ns
    if round(piece.longest_ns * (block.rate_hz / 1e9)) > 1:
        whole = False
        missing_ns = _missing(time_ns, piece.steps_ns, block.rate_hz)
    if not (np.abs(acc).max() <= MAX_ACC_MPS2 and np.abs(gyr).max() <= MAX_GYR_RADPS):
        good = (np.abs(acc) <= MAX_ACC_MPS2).all(axis=1) & (np.abs(gyr) <= MAX_GYR_RADPS).all(axis=1)
        whole = False
        corrupt_ns = time_ns[~good]
        time_ns, acc, gyr = time_ns[good], acc[good], gyr[good]
    rows = GoodRows(first_ns, time_ns, acc, gyr, corrupt_ns, missing_ns, whole)
    if len(time_ns):
        return GridState(last_ns, int(time_ns[-1]), tuple(acc[-1].tolist()), tuple(gyr[-1].tolist())), rows
    return GridState(last_ns) if state is None else replace(state, last_ns=last_ns), rows


def _periods(steps_ns: NDArray[np.int64], rate_hz: float) -> NDArray[np.int64]:
    """Return how many periods of the grid lie between rows, at least one."""
    periods: NDArray[np.int64] = np.maximum(1, np.rint(steps_ns * (rate_hz / 1e9)).astype(np.int64))
    return periods


def _missing(time_ns: NDArray[np.int64], steps_ns: NDArray[np.int64], rate_hz: float) -> NDArray[np.int64]:
    """Return the times of the positions that lie between rows, evenly spaced, for the rows after the first seen."""
    periods = _periods(steps_ns, rate_hz)
    gaps = np.flatnonzero(periods > 1)
    found = [time_ns[:0]]
    for end_ns, step_ns, n in zip(*(of[gaps].tolist() for of in (time_ns, steps_ns, periods)), strict=True):
        # Whole periods apart, for the product of hours in nanoseconds and their samples is too large for a number.
        period_ns, rest_ns = divmod(step_ns, n)
        k = np.arange(1, n)
        found.append(end_ns - step_ns + k * period_ns + k * rest_ns // n)
    return np.concatenate(found)


def stretches(before: GridState | None, good: GoodRows, rate_hz: float) -> list[Stretch]:
    """Cut the good rows where a gap is too long, and bridge the shorter gaps within each stretch."""
    time_ns, acc, gyr = good.time_ns, good.acc_mps2, good.gyr_radps
    if good.whole:
        return [Stretch(acc, gyr, slice(None), anew=False)]
    if len(time_ns) == 0:
        return []
    lead = False
    if before is not None and before.good_ns is not None and time_ns[0] - before.good_ns <= BRIDGE_S * 1e9:
        # The last good row of the block before is where the bridge begins; it is filtered already.
        lead = True
        time_ns = np.concatenate(([before.good_ns], time_ns))
        acc = np.vstack((before.good_acc_mps2, acc))
        gyr = np.vstack((before.good_gyr_radps, gyr))
    steps_ns = np.diff(time_ns, prepend=time_ns[0])
    cuts = np.flatnonzero(steps_ns > BRIDGE_S * 1e9).tolist()
    found = []
    for begin, end in pairwise([0, *cuts, len(time_ns)]):
        known = int(lead and begin == 0)
        periods = _periods(steps_ns[begin:end], rate_hz)
        positions = np.cumsum(periods) - periods[0]
        every = np.arange(known, positions[-1] + 1)
        acc_filled, gyr_filled = (
            np.stack([np.interp(every, positions, column) for column in rows[begin:end].T], axis=1)
            for rows in (acc, gyr)
        )
        found.append(Stretch(acc_filled, gyr_filled, positions[known:] - known, anew=not known))
    return found
