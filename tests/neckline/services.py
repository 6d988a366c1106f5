"""Shared by the tests of the running service: a person who wears a virtual clip, and the whole service in virtual time.

Radio, bleak's client, link, detector, journal and its writer's thread are the real ones. What the wearer is told and
sees is kept with its time.
"""

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from neckline.alerting.alerts import Channel
from neckline.alerting.messages import ALL, Message
from neckline.configuration.config import Config
from neckline.watching.running import Summary, run
from neckline.watching.service import Service, View
from neckline.wearing.calibrating import Prompt
from neckline.wearing.status import Status
from processing.calibration import Calibration, calibrate
from processing.outputs import Event, Stance
from sensor import link
from sensor.capture import CaptureWriter
from sensor.samples import STANDARD_GRAVITY_MPS2, Reading, SampleBlock
from sensor.virtual.firmware import MEASURED_RATES_HZ, Firmware
from sensor.virtual.motion import (
    COUNTS_PER_DPS,
    COUNTS_PER_G,
    SLOUCH,
    UPRIGHT,
    Pose,
    RecordedMotion,
    ScriptedPerson,
)
from storage.entries import Batch, Stream
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import Kind, StanceCalibration
from tests import virtual_time
from tests.sensor.worlds import BOUND, CODES, HAS_BUMBLE, MAC

if TYPE_CHECKING:
    from sensor.virtual.clip import VirtualClip
if HAS_BUMBLE:
    from sensor.virtual.world import virtual_world

T = TypeVar("T")
Script = Sequence[tuple[Pose, float]]
Happens = Callable[[Service, "VirtualClip"], Coroutine[Any, Any, None]]

STREAM = Stream("w-7f3a9c21", "t4")
RATE_HZ = MEASURED_RATES_HZ[CODES[50.0]]
"""What a clip that is set to 50 Hz really sends."""
HOLD_S, RECOVERY_S = 10.0, 5.0
SETTINGS: dict[str, Any] = {
    "wearer": {"id": STREAM.wearer},
    "detector": {"hold_s": HOLD_S, "recovery_s": RECOVERY_S},
}
ONE_SLOUCH: Script = ((UPRIGHT, 8.0), (SLOUCH, 20.0), (UPRIGHT, 12.0))


# ---- the wearer ------------------------------------------------------------------------------------------------------


def played(script: Script) -> RecordedMotion:
    """Return what the clip feels of a scripted person, worked out at once: quicker than bit by bit."""
    person = ScriptedPerson(script)
    seconds = sum(lasts for _, lasts in script)
    counts = person.counts(np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
    return RecordedMotion(counts[:, :3], counts[:, 3:], RATE_HZ)


def worn_clip(script: Script, **options: Any) -> Firmware:
    """Return a unit that is moved by the script."""
    return Firmware(played(script), mac=MAC, **options)


@functools.cache
def reference() -> Calibration:
    """Return the reference of the scripted person, captured before the virtual clock starts."""
    upright, slump = (samples_of(pose) for pose in (UPRIGHT, SLOUCH))
    return calibrate(upright, slump)


def samples_of(pose: Pose) -> SampleBlock:
    """Return five quiet seconds in a pose, as the clip measures them."""
    time_s = np.arange(round(5 * RATE_HZ)) / RATE_HZ
    counts = ScriptedPerson([(pose, 5.0)]).counts(time_s)
    return SampleBlock(
        virtual_time.START_NS - 10**11 + np.rint(time_s * 1e9).astype(np.int64),
        counts[:, :3] / COUNTS_PER_G * STANDARD_GRAVITY_MPS2,
        np.radians(counts[:, 3:] / COUNTS_PER_DPS),
        RATE_HZ,
    )


def calibrated(path: Path) -> Path:
    """Make a journal that holds the wearer's reference and nothing else."""
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(STREAM, (StanceCalibration(Stance.SITTING, reference()),))])
    return path


def rows(path: Path, kind: Kind[T], since_ns: int | None = None) -> list[T]:
    """Return what the journal holds of the wearer."""
    with JournalReader.open(path) as reader:
        assert reader.check() == []
        return list(reader.read(kind, STREAM, since_ns))


# ---- what is told and seen -------------------------------------------------------------------------------------------


class Told:
    """A channel that delivers at once, and remembers what, and at which time of the loop."""

    name = "told"
    takes = ALL

    def __init__(self) -> None:
        self.messages: list[tuple[float, Message]] = []

    async def check(self) -> None:
        """Find nothing wrong."""

    async def send(self, message: Message) -> None:
        """Remember."""
        self.messages.append((asyncio.get_running_loop().time(), message))


class Seen:
    """A view that remembers."""

    every_s = 1.0

    def __init__(self) -> None:
        self.statuses: list[Status] = []
        self.prompts: list[Prompt] = []

    def show(self, status: Status) -> None:
        """Remember."""
        self.statuses.append(status)

    def prompt(self, prompt: Prompt) -> None:
        """Remember."""
        self.prompts.append(prompt)


# ---- the run ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Ran:
    """What came of a run."""

    summary: Summary
    told: Told
    seen: Seen
    events: list[Event] = field(default_factory=list)
    clip_start_ns: int = 0
    """When the script began."""

    def at_s(self, time_ns: int) -> float:
        """Return a time as seconds of the script."""
        return (time_ns - self.clip_start_ns) / 1e9


async def nothing(_service: Service, _clip: "VirtualClip") -> None:
    """Let all go well."""


def ran(
    journal: Path,
    firmware: Firmware,
    happens: Happens = nothing,
    *,
    settings: dict[str, Any] | None = None,
    view: View | None = None,
    channels: Sequence[Channel] = (),
    capture: Path | None = None,
    later_s: float = 0.0,
) -> Ran:
    """Run the service in virtual time until the script is over and `happens` has happened.

    `later_s` is how far the clock has gone on already when it starts.
    """
    told, seen, events = Told(), Seen(), list[Event]()

    def utc_ns() -> int:
        return virtual_time.utc_ns() + round(later_s * 1e9)

    async def main() -> Ran:
        writer = (
            CaptureWriter(capture, family=BOUND.family, rate_hz=BOUND.rate_hz)
            if capture is not None
            else nullcontext()
        )
        with writer as captured:
            async with virtual_world(firmware=firmware) as world:

                def source(after_ns: int) -> AsyncGenerator[Reading, None]:
                    return link.stream(
                        world.bluetooth,
                        BOUND,
                        utc=utc_ns,
                        after_ns=after_ns,
                        on_notification=captured.take if captured else None,
                    )

                async def guide(service: Service) -> None:
                    service.on_event = events.append
                    await happens(service, world.clip)
                    await world.clip.played_out.wait()
                    await asyncio.sleep(1)

                summary = await run(
                    Config.model_validate(SETTINGS if settings is None else settings),
                    journal_path=journal,
                    source=source,
                    view=seen if view is None else view,
                    clip=BOUND.name,
                    channels=[*channels, told],
                    guide=guide,
                    utc=utc_ns,
                    zone=UTC,
                )
                start_ns = utc_ns() + round(((world.clip.motion_start_s or 0.0) - now_s()) * 1e9)
        return Ran(summary, told, seen, events, start_ns)

    return virtual_time.run(main())


def now_s() -> float:
    """Return the time of the running loop."""
    return asyncio.get_running_loop().time()


async def until_s(script_s: float, clip: "VirtualClip") -> None:
    """Wait until so many seconds of the script have been played."""
    start_s = clip.motion_start_s
    while start_s is None:
        await asyncio.sleep(0.1)
        start_s = clip.motion_start_s
    await asyncio.sleep(start_s + script_s - now_s())
