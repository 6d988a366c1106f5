"""`neckline demo`: a minute of all of it, with no hardware and no database. Scan, calibrate, slouch, one alert, recovery.

The hold time is shortened for it, and it says so; nothing else differs from a real run but the air and the person.
"""

import asyncio
from pathlib import Path

from neckline.configuration.config import Config
from neckline.errors import DemoFailedError
from neckline.screen.logs import Style, happened
from neckline.screen.words import count
from neckline.watching.running import Summary, run, stopped_by_signals
from neckline.watching.seen import seen
from neckline.watching.service import Service
from neckline.watching.simulated import (
    POSES,
    as_simulated,
    ask_for_radio,
    calibrate_wearer,
    simulation,
    temporary_journal,
)
from processing.outputs import Event, EventKind
from sensor.virtual.motion import SLOUCH, UPRIGHT

HOLD_S, RECOVERY_S = 10.0, 5.0
SCRIPT = (*POSES, (UPRIGHT, 8.0), (SLOUCH, 18.0), (UPRIGHT, 600.0))
LONGEST_S = 75.0
"""From the first sample to the recovery it takes about 50 s."""
AFTERWARDS_S = 2.0


class _Script:
    """What the demo does beside the service: calibrates, and ends it when the slouch is over."""

    def __init__(self) -> None:
        self._over = asyncio.Event()

    async def __call__(self, service: Service) -> None:
        happened(
            "demo",
            f"In this demo a slouch counts after {HOLD_S:.0f} judged seconds, not 60",
            hold_s=HOLD_S,
        )
        service.on_event = self._on_event
        try:
            async with asyncio.timeout(LONGEST_S):
                await calibrate_wearer(service)
                await self._over.wait()
        except TimeoutError:
            return
        await asyncio.sleep(AFTERWARDS_S)

    def _on_event(self, event: Event) -> None:
        if event.kind is EventKind.SLOUCH_ENDED:
            self._over.set()


def demo(*, style: Style | None) -> Summary | None:
    """Show it, and return what it came to; None when it was stopped before its end.

    Raises NoVirtualRadioError, and DemoFailedError when it did not come to exactly one slouch and one alert.
    """
    ask_for_radio()
    summary, finished = asyncio.run(_demo(temporary_journal("demo"), style))
    if not finished:
        return None
    seen_here = summary.tally.seen
    if (seen_here.episodes, seen_here.alerts) != (1, 1):
        told = f"{count(seen_here.episodes, 'slouch', 'es')} and {count(seen_here.alerts, 'alert')}"
        raise DemoFailedError(told)
    return summary


async def _demo(journal_path: Path, style: Style | None) -> tuple[Summary, bool]:
    config = as_simulated(Config.model_validate({"detector": {"hold_s": HOLD_S, "recovery_s": RECOVERY_S}}))
    stopped = asyncio.Event()
    with stopped_by_signals(stopped), seen(style) as view:
        async with simulation(SCRIPT) as clip:
            summary = await run(
                config,
                journal_path=journal_path,
                source=clip.source,
                view=view,
                clip=clip.binding.name,
                until=stopped,
                guide=_Script(),
                simulated=True,
            )
    return summary, not stopped.is_set()
