"""Judged angles over minutes → whether the clip seems to have slipped since it was calibrated.

A wearer who slumps all day must not erase that finding, so nothing is ever re-zeroed here: the only outcome is a
sentence, upon which alerts stop and a new calibration is asked for. Numbers: docs/method.md.
"""

from dataclasses import dataclass
from operator import attrgetter
from statistics import median

from processing.outputs import Activity

BLOCK_S = 60
"""Judged seconds in one block."""
BLOCKS = 10
LATERAL_DEG = 6.0
"""95 % of recorded sitting outside side-bending was within 6.2° at T4."""
STEP_DEG = 10.0
JERK_G = 0.5
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
    before: Block | None = None
    """The last block before a jerk, while it is watched whether the angle stays away from it."""
    after: int = 0
    was_quiet: bool = False

    def copy(self) -> "SlipState":
        """Return a copy to work on."""
        return SlipState(*_fields(self))


_fields = attrgetter(*SlipState.__slots__)


def watch(
    state: SlipState, activity: Activity, sagittal_deg: float | None, lateral_deg: float | None, jerk_g: float
) -> str:
    """Take one sitting second; return why the calibration is suspect, or an empty string."""
    if jerk_g > JERK_G and state.was_quiet and state.blocks:
        # A knock out of stillness; steps come out of other steps.
        state.before, state.after = state.blocks[-1], 0
        state.seconds, state.sum_sagittal_deg, state.sum_lateral_deg = 0, 0.0, 0.0
    state.was_quiet = activity in COUNTED
    if activity not in COUNTED or sagittal_deg is None or lateral_deg is None:
        return ""
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
        state.blocks, state.before, state.after = (), None, 0
    state.fresh = False
    return why


def _why(state: SlipState, block: Block) -> str:
    sagittal_deg, lateral_deg = block
    if state.fresh and (abs(lateral_deg) > LATERAL_DEG or sagittal_deg < -STEP_DEG):
        return (
            f"put on anew, the clip sits otherwise than when it was calibrated "
            f"({sagittal_deg:+.0f}° forward, {lateral_deg:+.0f}° to the right)"
        )
    if len(state.blocks) == BLOCKS:
        middle_deg = median(lateral for _, lateral in state.blocks)
        if abs(middle_deg) > LATERAL_DEG:
            return f"the clip has been {middle_deg:+.0f}° to the right for {BLOCKS} judged minutes"
    if state.before is not None:
        away_deg = max(abs(now - then) for now, then in zip(block, state.before, strict=True))
        if away_deg <= STEP_DEG:
            state.before = None
        else:
            state.after += 1
            if state.after >= BLOCKS:
                return f"since a jerk the clip has been {away_deg:.0f}° away for {BLOCKS} judged minutes"
    return ""
