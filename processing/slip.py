"""Judged angles over minutes → whether the clip seems to have slipped since it was calibrated.

A wearer who slumps all day must not erase that finding, so nothing is ever re-zeroed here: the only outcome is a
sentence, upon which alerts stop and a new calibration is asked for. Numbers: docs/method.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import dist, inf
from operator import add, attrgetter
from statistics import median
from typing import NamedTuple

from processing.outputs import Activity

BLOCK_S = 60
"""Judged seconds in one block."""
BLOCKS = 10
JERK_G = 0.5
TURNED_S = 5
"""A clip that a knock has turned shows it this long after: the filter forgets what it knew within 3 s."""
SHAKEN_S = 10
"""A knock is over within this; what shakes for longer is the wearer."""
COUNTED = frozenset({Activity.STILL, Activity.LEANING})


class Limits(NamedTuple):
    """Beyond what angle it is the clip rather than the wearer."""

    lateral_deg: float
    back_deg: float
    """Backward, in the first judged minute after the clip may have been put on anew."""
    long_back_deg: float
    """Backward, for all of the judged minutes that are remembered."""
    knock_deg: float
    """Away from where it was before a knock."""


TRUNK = Limits(6.0, 10.0, inf, 5.0)
"""95 % of recorded sitting outside side-bending was within 6.2° at T4. Who leans back in a chair does so for long."""
HEAD = Limits(10.0, 20.0, 20.0, inf)
"""neckline's own choice, wide, and tried on no recorded people: a head is held level for as long as it is not moved, and
turns quickly at any time, which looks like a knock."""

Block = tuple[float, float]
"""Mean sagittal and lateral angle of a block, in degrees."""


@dataclass(slots=True)
class SlipState:
    """What is remembered of the last minutes. A call of `step` works on a copy of its own."""

    calibration_id: str = ""
    """Of the sitting reference that the angles are measured from; with another one all else begins anew."""
    fresh: bool = False
    """The clip may have been put on anew: the first block is looked at alone."""
    seconds: int = 0
    sum_sagittal_deg: float = 0.0
    sum_lateral_deg: float = 0.0
    blocks: tuple[Block, ...] = ()
    last: Block | None = None
    """The angles of the last second, if it was quiet."""
    before: Block | None = None
    """The angles just before a knock, while it is watched whether the clip still sits as it did."""
    knocked_s: int = 0
    """Seconds since the knock …"""
    shaken_s: int = 0
    """… and those of them that were not quiet."""

    @property
    def in_doubt(self) -> bool:
        """Tell whether a knock is being watched: until it is over, what the angles say is nothing to alert for."""
        return self.before is not None

    def copy(self) -> "SlipState":
        """Return a copy to work on."""
        return SlipState(*_fields(self))


_fields = attrgetter(*SlipState.__slots__)


def watch(
    state: SlipState,
    activity: Activity,
    sagittal_deg: float | None,
    lateral_deg: float | None,
    jerk_g: float,
    limits: Limits = TRUNK,
) -> str:
    """Take one sitting second; return why the calibration is suspect, or an empty string."""
    if jerk_g > JERK_G and state.last is not None:
        # A knock out of stillness; steps come out of other steps.
        state.before, state.knocked_s, state.shaken_s = state.last, 0, 0
        state.seconds, state.sum_sagittal_deg, state.sum_lateral_deg = 0, 0.0, 0.0
    now = None if sagittal_deg is None or lateral_deg is None else (sagittal_deg, lateral_deg)
    state.last = now if activity in COUNTED else None
    if state.before is not None:
        state.knocked_s += 1
        state.shaken_s += state.last is None
        stays = (
            state.knocked_s == TURNED_S and now is not None and dist(now, state.before) <= limits.knock_deg
        )
        if stays or state.shaken_s > SHAKEN_S:
            state.before = None
    if state.last is None:
        return ""
    sagittal_deg, lateral_deg = state.last
    state.seconds += 1
    state.sum_sagittal_deg += sagittal_deg
    state.sum_lateral_deg += lateral_deg
    if state.seconds < BLOCK_S:
        return ""
    block = state.sum_sagittal_deg / BLOCK_S, state.sum_lateral_deg / BLOCK_S
    state.seconds, state.sum_sagittal_deg, state.sum_lateral_deg = 0, 0.0, 0.0
    state.blocks = (*state.blocks[1 - BLOCKS :], block)
    why = _why(state, block, limits)
    if why:
        state.blocks = ()
    state.fresh, state.before = False, None
    return why


def watch_still(
    state: SlipState, sagittal_deg: Sequence[float], lateral_deg: Sequence[float]
) -> tuple[int, str]:
    """Take successive still seconds, with no knock among them nor watched; return how many, and why it is suspect.

    As `watch`, second by second: it ends where the calibration becomes suspect.
    """
    seconds = len(sagittal_deg)
    taken, why = 0, ""
    while taken < seconds and not why:
        # The last of a block is left to `watch`.
        end = min(seconds, taken + BLOCK_S - 1 - state.seconds)
        if taken < end:
            state.sum_sagittal_deg = reduce(add, sagittal_deg[taken:end], state.sum_sagittal_deg)
            state.sum_lateral_deg = reduce(add, lateral_deg[taken:end], state.sum_lateral_deg)
            state.seconds += end - taken
            state.last = sagittal_deg[end - 1], lateral_deg[end - 1]
        if end < seconds:
            why = watch(state, Activity.STILL, sagittal_deg[end], lateral_deg[end], 0.0)
            end += 1
        taken = end
    return taken, why


def _why(state: SlipState, block: Block, limits: Limits) -> str:
    sagittal_deg, lateral_deg = block
    if state.fresh and (abs(lateral_deg) > limits.lateral_deg or sagittal_deg < -limits.back_deg):
        return (
            f"put on anew, the clip sits otherwise than when it was calibrated "
            f"({sagittal_deg:+.0f}° forward, {lateral_deg:+.0f}° to the right)"
        )
    if len(state.blocks) == BLOCKS:
        long_sagittal_deg, long_lateral_deg = (median(of) for of in zip(*state.blocks, strict=True))
        if abs(long_lateral_deg) > limits.lateral_deg:
            return f"the clip has been {long_lateral_deg:+.0f}° to the right for {BLOCKS} judged minutes"
        if long_sagittal_deg < -limits.long_back_deg:
            return f"the clip has been {long_sagittal_deg:+.0f}° forward for {BLOCKS} judged minutes"
    if state.before is not None:
        away_deg = dist(block, state.before)
        if away_deg > limits.knock_deg:
            return f"since a knock the clip has been {away_deg:.0f}° away from where it was"
    return ""
