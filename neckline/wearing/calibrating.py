"""Live samples → the prompts of a guided calibration: get ready, sit tall for five seconds, slump for five, done.

Poses are measured on sample time, so a bundle that comes late changes nothing. Nothing is shown here: whoever
iterates shows each prompt, as it comes, to the person who wears the clip. A refused capture ends; begin another.
"""

import math
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from processing.calibration import Calibration, calibrate, read_pose
from processing.errors import CalibrationRefusedError
from processing.outputs import Stance
from sensor.samples import LinkChange, LinkState, Reading, SampleBlock, join

READY_S = 3.0
"""Time to take up a pose before it counts."""
POSE_S = 5.0


class PoseName(StrEnum):
    """Which pose a prompt is about."""

    UPRIGHT = "upright"
    SLUMP = "slump"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a person is told next; one with `done` or `refused` is the last."""

    say: str
    pose: PoseName = PoseName.NONE
    hold: bool = False
    """Whether the pose counts now, or there is still time to take it up."""
    seconds: float = 0.0
    """How long this part lasts."""
    remaining_s: float = 0.0
    """How much of it is left, in whole seconds."""
    done: Calibration | None = None
    refused: str = ""
    """Why the capture cannot serve, and what to do."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a capture."""

    say: str
    pose: PoseName
    hold: bool
    seconds: float


def parts_of(stance: Stance, *, slump: bool) -> list[Part]:
    """Return the parts that a capture in this stance goes through."""
    verb = "Stand" if stance is Stance.STANDING else "Sit"
    upright = [
        Part(f"{verb} comfortably tall and look straight ahead", PoseName.UPRIGHT, False, READY_S),
        Part("Hold still and breathe as always", PoseName.UPRIGHT, True, POSE_S),
    ]
    slumped = [
        Part("Now slump, as on a tired afternoon", PoseName.SLUMP, False, READY_S),
        Part("Stay like this and hold still", PoseName.SLUMP, True, POSE_S),
    ]
    return [*upright, *slumped] if slump else upright


class Capture:
    """One capture, fed with readings: it opens nothing and has no clock."""

    def __init__(self, *, slump: bool, stance: Stance, label_outward: bool) -> None:
        self.over = False
        """Whether the last prompt has been given."""
        self._label_outward = label_outward
        self._parts = parts_of(stance, slump=slump)
        self._begin_ns: int | None = None
        """Sample time at which the present part began."""
        self._remaining_s = 0
        self._held: list[SampleBlock] = []
        self._poses: list[SampleBlock] = []

    def hear(self, reading: Reading) -> list[Prompt]:
        """Take the next reading; return what the person is to be told now."""
        if self.over:
            return []
        if isinstance(reading, LinkChange):
            return self._link(reading)
        if not isinstance(reading, SampleBlock) or not len(reading):
            return []
        prompts = []
        if self._begin_ns is None:
            self._begin_ns = int(reading.time_ns[0])
        while not self.over and reading.time_ns[-1] >= self._end_ns(self._begin_ns):
            rows = int(np.searchsorted(reading.time_ns, self._end_ns(self._begin_ns)))
            prompts += self._take(reading[:rows])
            prompts += self._close(self._end_ns(self._begin_ns))
            reading = reading[rows:]
        if not self.over:
            prompts += self._take(reading)
        return prompts

    def _end_ns(self, begin_ns: int) -> int:
        return begin_ns + round(self._parts[0].seconds * 1e9)

    def _link(self, change: LinkChange) -> list[Prompt]:
        if self._begin_ns is None:
            return [Prompt(change.reason or f"{change.state.capitalize()} …")]
        if change.state is LinkState.STREAMING:
            return []
        return self._refuse(f"the clip was lost ({change.reason or change.state}): try again when it is back")

    def _take(self, block: SampleBlock) -> list[Prompt]:
        """Take samples of the present part; count down by whole seconds."""
        if not len(block) or self._begin_ns is None:
            return []
        part = self._parts[0]
        if part.hold:
            self._held.append(block)
        left_s = math.ceil((self._end_ns(self._begin_ns) - int(block.time_ns[-1])) / 1e9)
        if left_s == self._remaining_s:
            return []
        self._remaining_s = left_s
        return [Prompt(part.say, part.pose, part.hold, part.seconds, left_s)]

    def _close(self, end_ns: int) -> list[Prompt]:
        """End the present part: a pose that has been held is read at once, so that a bad one is told at once."""
        part = self._parts.pop(0)
        self._begin_ns, self._remaining_s = end_ns, 0
        if not part.hold:
            return []
        held, self._held = self._held, []
        if not held:
            return self._refuse("no samples came while the pose was held: try again")
        pose = join(held)
        try:
            read_pose(pose)
            self._poses.append(pose)
            if self._parts:
                return []
            calibration = calibrate(*self._poses, label_outward=self._label_outward)
        except CalibrationRefusedError as error:
            return self._refuse(str(error))
        self.over = True
        return [Prompt("Calibrated", done=calibration)]

    def _refuse(self, why: str) -> list[Prompt]:
        self.over = True
        return [Prompt("That did not work", refused=why)]


async def calibrating(
    readings: AsyncIterator[Reading],
    *,
    slump: bool,
    stance: Stance = Stance.SITTING,
    label_outward: bool = True,
) -> AsyncGenerator[Prompt, None]:
    """Yield what the wearer is to do, until a prompt that is done or refused; the readings are the caller's to close."""
    capture = Capture(slump=slump, stance=stance, label_outward=label_outward)
    async for reading in readings:
        for prompt in capture.hear(reading):
            yield prompt
        if capture.over:
            return
    yield Prompt("That did not work", refused="the samples ended before the pose had been held: try again")
