"""`neckline calibrate`: guides the wearer through the poses, by the running service or with a link of its own."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from neckline.commands import machine
from neckline.commands.output import say
from neckline.configuration.config import Config
from neckline.control.client import Client
from neckline.errors import CaptureRefusedError
from neckline.screen.words import of_quality
from neckline.wearing.calibrating import PoseName, Prompt, calibrating, mount_of
from neckline.wearing.wearer import calibration_records
from processing.calibration import Calibration
from processing.head import HEAD
from processing.outputs import Stance
from processing.quality import CalibrationQuality
from sensor import link
from sensor.bluetooth import Bluetooth
from sensor.errors import ClipNotFoundError
from sensor.link import ClipBinding
from sensor.samples import Reading
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
    for line in _summary(last, last.done, stance):
        say(line)


async def _alone(
    config: Config, journal_path: Path, guide: Guide, *, slump: bool, stance: Stance
) -> Prompt | None:
    """Connect, capture, store. The journal comes first: whoever owns it is told before anyone sits still for it."""
    binding, head, wearer_id = config.binding(), config.head_binding(), config.wearer_id()
    last: Prompt | None = None
    with Journal.open(journal_path, "neckline calibrate") as journal:
        try:
            async with (
                machine.bluetooth() as bluetooth,
                aclosing(_heard(bluetooth, binding, head)) as readings,
                aclosing(
                    calibrating(readings, slump=slump, stance=stance, mount=mount_of(config))
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
            records = calibration_records(last.done, stance, last.quality)
            batches = [Batch(Stream(wearer_id, config.wearer.placement), records)]
            if last.head is not None:
                records = calibration_records(last.head, stance, last.head_quality)
                batches.append(Batch(Stream(wearer_id, HEAD), records))
            journal.commit(batches)
    return last


async def _heard(
    bluetooth: Bluetooth, back: ClipBinding, head: ClipBinding | None
) -> AsyncGenerator[tuple[str, Reading], None]:
    """Yield what the clip on the back gives, to its end or its error, and what one on the head gives meanwhile."""
    heard: asyncio.Queue[tuple[str, Reading]] = asyncio.Queue()

    async def listen(placement: str, binding: ClipBinding) -> None:
        async with aclosing(link.stream(bluetooth, binding, utc=machine.utc_ns)) as readings:
            async for reading in readings:
                heard.put_nowait((placement, reading))

    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(listen("", back))]
    if head is not None:
        tasks.append(asyncio.create_task(listen(HEAD, head)))
    try:
        while True:
            get = asyncio.create_task(heard.get())
            tasks.append(get)
            done, _ = await asyncio.wait({tasks[0], get}, return_when=asyncio.FIRST_COMPLETED)
            if get not in done:
                tasks[0].result()
                return
            tasks.remove(get)
            yield get.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _summary(prompt: Prompt, calibration: Calibration, stance: Stance) -> Iterator[str]:
    poses = "" if calibration.slump_deg is None else f"your slump is {calibration.slump_deg:.0f}° forward, "
    yield (
        f"calibrated ({stance}): {poses}slouched counts from {calibration.threshold_deg:.0f}° on; "
        f"{calibration.calibration_id}"
    )
    yield from _how_good("", prompt.quality)
    if prompt.head is not None:
        yield f"calibrated, too: the clip on the head; {prompt.head.calibration_id}"
        yield from _how_good("the clip on the head: ", prompt.head_quality)
    elif prompt.head_missed:
        yield "the clip on the head was not heard: its calibration is as it was"


def _how_good(which: str, quality: CalibrationQuality | None) -> Iterator[str]:
    if quality is not None:
        yield f"{which}{of_quality(quality)}"
        if quality.remark:
            yield f"→ {which}another try could be better: {quality.remark}"
