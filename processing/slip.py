"""Judged angles over minutes → whether the clip seems to have slipped since it was calibrated.

A wearer who slumps all day must not erase that finding, so nothing is ever re-zeroed here: the only outcome is a
sentence, upon which alerts stop and a new calibration is asked for. Numbers: docs/method.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import dist
from operator import add, attrgetter
from statistics import median

from processing.outputs import Activity

BLOCK_S = 60
"""Judged seconds in one block."""
BLOCKS = 10
LATERAL_DEG = 6.0
"""95 % of recorded sitting outside side-bending was within 6.2° at T4."""
BACK_DEG = 10.0
JERK_G = 0.5
KNOCK_DEG = 5.0
TURNED_S = 5
"""A clip that a knock has turned shows it this long after: the filter forgets what it knew within 3 s."""
SHAKEN_S = 10
"""A knock is over within this; what shakes for longer is the wearer."""
COUNTED = frozenset({Activity.STILL, Activity.LEANING})

Block = tuple[float, float]
"""Mean sagittal and lateral angle of a block, in degrees."""


@dataclass(slots=True)
class SlipState:
    """What is remembered of the last minutes. A call of `step` works on a copy of its own."""

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
    state: SlipState, activity: Activity, sagittal_deg: float | None, lateral_deg: float | None, jerk_g: float
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
        turned = state.knocked_s != TURNED_S or (now is not None and dist(now, state.before) > KNOCK_DEG)
        if not turned or state.shaken_s > SHAKEN_S:
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
    why = _why(state, block)
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


def _why(state: SlipState, block: Block) -> str:
    sagittal_deg, lateral_deg = block
    if state.fresh and (abs(lateral_deg) > LATERAL_DEG or sagittal_deg < -BACK_DEG):
        return (
            f"put on anew, the clip sits otherwise than when it was calibrated "
            f"({sagittal_deg:+.0f}° forward, {lateral_deg:+.0f}° to the right)"
        )
    if len(state.blocks) == BLOCKS:
        middle_deg = median(lateral for _, lateral in state.blocks)
        if abs(middle_deg) > LATERAL_DEG:
            return f"the clip has been {middle_deg:+.0f}° to the right for {BLOCKS} judged minutes"
    if state.before is not None:
        away_deg = dist(block, state.before)
        if away_deg > KNOCK_DEG:
            return f"since a knock the clip has been {away_deg:.0f}° away from where it was"
    return ""
