"""`neckline calibrate`: guides the wearer through the poses, by the running service or with a link of its own."""

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path

from neckline.commands import machine
from neckline.commands.output import say
from neckline.configuration.config import Config
from neckline.control.client import Client
from neckline.errors import CaptureRefusedError
from neckline.wearing.calibrating import PoseName, Prompt, calibrating
from neckline.wearing.memory import Memory
from neckline.wearing.wearer import Wearer
from processing.calibration import Calibration
from processing.outputs import Stance
from sensor import link
from sensor.errors import ClipNotFoundError
from storage.entries import Batch, Stream
from storage.journal import Journal

FIRST_SAMPLE_S = 30.0
"""A scan, a slow connection, and the clip's proof of who it is."""


class Guide:
    """Shows prompts as they come: each sentence once, on a terminal with a countdown below."""

    def __init__(self) -> None:
        self._said = ""
        self._counts = sys.stderr.isatty()
        self._open = False

    def show(self, prompt: Prompt) -> None:
        """Show one prompt."""
        if prompt.done or prompt.refused:
            self._end_line()
            return
        if prompt.say != self._said:
            self._end_line()
            self._said = prompt.say
            seconds = f" ({prompt.seconds:.0f} s)" if prompt.seconds else ""
            say(f"{prompt.say}{seconds}")
        if self._counts and prompt.seconds:
            self._open = True
            say(f"\r  {prompt.remaining_s:2.0f} ", end="")

    def _end_line(self) -> None:
        if self._open:
            say("\r     \r", end="")
            self._open = False


def calibrate(config: Config, journal_path: Path, *, slump: bool, stance: Stance) -> None:
    """Capture a reference, store it, and put it in force; CaptureRefusedError with the reason."""
    guide = Guide()
    last: Prompt | None = None
    if client := Client.connect(journal_path):
        for last in client.calibrate(slump=slump, stance=stance):
            guide.show(last)
    else:
        last = machine.run(_alone(config, journal_path, guide, slump=slump, stance=stance))
    if last is None or last.done is None:
        raise CaptureRefusedError(last.refused if last and last.refused else "the capture was broken off")
    say(_summary(last.done, stance))


async def _alone(
    config: Config, journal_path: Path, guide: Guide, *, slump: bool, stance: Stance
) -> Prompt | None:
    """Connect, capture, store. The journal comes first: whoever owns it is told before anyone sits still for it."""
    binding, wearer_id = config.binding(), config.wearer_id()
    last: Prompt | None = None
    with Journal.open(journal_path, "neckline calibrate") as journal:
        try:
            async with (
                machine.bluetooth() as bluetooth,
                aclosing(link.stream(bluetooth, binding, utc=machine.utc_ns)) as readings,
                aclosing(
                    calibrating(
                        readings, slump=slump, stance=stance, label_outward=config.wearer.label_outward
                    )
                ) as prompts,
                asyncio.timeout(FIRST_SAMPLE_S) as limit,
            ):
                async for last in prompts:
                    if last.pose is not PoseName.NONE:
                        limit.reschedule(None)
                    guide.show(last)
        except TimeoutError as error:
            raise ClipNotFoundError(binding.name, binding.address) from error
        if last is not None and last.done is not None:
            records = Wearer(config.settings(), Memory()).calibrated(last.done, stance)
            journal.commit([Batch(Stream(wearer_id, config.wearer.placement), records)])
    return last


def _summary(calibration: Calibration, stance: Stance) -> str:
    poses = "" if calibration.slump_deg is None else f"your slump is {calibration.slump_deg:.0f}° forward, "
    return (
        f"calibrated ({stance}): {poses}slouched counts from {calibration.threshold_deg:.0f}° on; "
        f"{calibration.calibration_id}"
    )
