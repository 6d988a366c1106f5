"""Live samples → the prompts of a guided calibration: get ready, sit tall for five seconds, slump for five, done.

Poses are measured on sample time, so a bundle that comes late changes nothing. A second clip, on the head, is captured
in the very same upright pose, and then looking down, which shows its forward. Nothing is shown here: whoever iterates
shows each prompt, as it comes, to the person who wears the clip. A refused capture ends; begin another.
"""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from neckline.configuration.config import Config
from processing.calibration import Calibration, calibrate, read_pose
from processing.errors import CalibrationRefusedError, Refusal
from processing.head import HEAD
from processing.outputs import Stance
from processing.quality import CalibrationQuality, quality
from sensor.samples import LinkChange, LinkState, Reading, SampleBlock, join

READY_S = 3.0
"""Time to take up a pose before it counts."""
POSE_S = 5.0


class PoseName(StrEnum):
    """Which pose a prompt is about."""

    UPRIGHT = "upright"
    SLUMP = "slump"
    NOD = "nod"
    """Looking down; for a clip on the head."""
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
    quality: CalibrationQuality | None = None
    """How good what is done is."""
    head: Calibration | None = None
    """That of the clip on the head, beside what is done."""
    head_quality: CalibrationQuality | None = None
    head_missed: bool = False
    """A clip on the head is worn and was not heard: its calibration is as it was."""
    refused: str = ""
    """Why the capture cannot serve, and what to do."""


@dataclass(frozen=True, slots=True)
class Mount:
    """How the clips sit."""

    placement: str = ""
    label_outward: bool = True
    head_outward: bool | None = None
    """The same for a second clip, on the head; None when there is none."""


def mount_of(config: Config) -> Mount:
    """Return how the clips sit that are configured."""
    wearer, head = config.wearer, config.head_clip
    return Mount(wearer.placement, wearer.label_outward, head.label_outward if head else None)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a capture."""

    say: str
    pose: PoseName
    hold: bool
    seconds: float


def parts_of(stance: Stance, *, slump: bool, head: bool = False) -> list[Part]:
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
    nod = [
        Part(f"Now {verb.lower()} tall again, and look down", PoseName.NOD, False, READY_S),
        Part("Keep looking down and hold still", PoseName.NOD, True, POSE_S),
    ]
    if not slump:
        return upright
    return [*upright, *slumped, *nod] if head else [*upright, *slumped]


class Capture:
    """One capture, fed with readings: it opens nothing and has no clock."""

    def __init__(self, *, slump: bool, stance: Stance, mount: Mount) -> None:
        self.over = False
        """Whether the last prompt has been given."""
        self._mount = mount
        self._parts = parts_of(stance, slump=slump, head=mount.head_outward is not None)
        self._begin_ns: int | None = None
        """Sample time at which the present part began."""
        self._remaining_s = 0
        self._held: list[SampleBlock] = []
        self._held_by_head: list[SampleBlock] = []
        self._poses: dict[PoseName, SampleBlock] = {}
        self._head_poses: dict[PoseName, SampleBlock] = {}

    def hear_head(self, reading: Reading) -> None:
        """Take the next reading of the clip on the head, whose poses count while those of the back do."""
        if isinstance(reading, SampleBlock) and len(reading) and self._begin_ns is not None and not self.over:
            self._held_by_head.append(reading)

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
        begin_ns, self._begin_ns, self._remaining_s = self._begin_ns or 0, end_ns, 0
        if not part.hold:
            return []
        held, self._held = self._held, []
        if not held:
            return self._refuse("no samples came while the pose was held: try again")
        try:
            if part.pose is not PoseName.NOD:
                self._poses[part.pose] = _readable(join(held))
            self._keep_head(part.pose, begin_ns, end_ns)
            if self._parts:
                return []
            done = self._done()
        except CalibrationRefusedError as error:
            return self._refuse(str(error))
        self.over = True
        return [done]

    def _keep_head(self, pose: PoseName, begin_ns: int, end_ns: int) -> None:
        """Keep what the clip on the head gave in a pose that serves it."""
        held, self._held_by_head = self._held_by_head, []
        if pose is PoseName.SLUMP or not held:
            return
        block = join(held)
        block = block[slice(*np.searchsorted(block.time_ns, [begin_ns, end_ns]).tolist())]
        if len(block):
            with _of_the_head():
                self._head_poses[pose] = _readable(block)

    def _done(self) -> Prompt:
        """Return the last prompt; raises CalibrationRefusedError."""
        upright, slump = self._poses[PoseName.UPRIGHT], self._poses.get(PoseName.SLUMP)
        calibration = calibrate(upright, slump, label_outward=self._mount.label_outward)
        found = _quality(upright, slump, self._mount.placement)
        if self._mount.head_outward is None:
            return Prompt("Calibrated", done=calibration, quality=found)
        if PoseName.UPRIGHT not in self._head_poses:
            return Prompt("Calibrated", done=calibration, quality=found, head_missed=True)
        upright, nod = self._head_poses[PoseName.UPRIGHT], self._head_poses.get(PoseName.NOD)
        with _of_the_head():
            head = calibrate(upright, nod, label_outward=self._mount.head_outward)
        return Prompt(
            "Calibrated",
            done=calibration,
            quality=found,
            head=head,
            head_quality=_quality(upright, nod, HEAD),
        )

    def _refuse(self, why: str) -> list[Prompt]:
        self.over = True
        return [Prompt("That did not work", refused=why)]


def _readable(pose: SampleBlock) -> SampleBlock:
    """Return it; CalibrationRefusedError when it cannot serve."""
    read_pose(pose)
    return pose


@contextmanager
def _of_the_head() -> Iterator[None]:
    """Let a refusal name the clip on the head."""
    try:
        yield
    except CalibrationRefusedError as error:
        why = str(error)
        if error.reason is Refusal.POSES_TOO_CLOSE:
            why = "its poses are much the same: look straight ahead first, then down at your lap"
        raise CalibrationRefusedError(error.reason, f"the clip on the head: {why}") from error


def _quality(one: SampleBlock, other: SampleBlock | None, placement: str) -> CalibrationQuality:
    return quality(read_pose(one), None if other is None else read_pose(other), placement=placement)


async def calibrating(
    readings: AsyncIterator[tuple[str, Reading]],
    *,
    slump: bool,
    stance: Stance,
    mount: Mount,
) -> AsyncGenerator[Prompt, None]:
    """Yield what the wearer is to do, until a prompt that is done or refused; the readings are the caller's to close.

    They come with the placement of their clip.
    """
    capture = Capture(slump=slump, stance=stance, mount=mount)
    async for placement, reading in readings:
        if placement == HEAD:
            capture.hear_head(reading)
            continue
        for prompt in capture.hear(reading):
            yield prompt
        if capture.over:
            return
    yield Prompt("That did not work", refused="the samples ended before the pose had been held: try again")
