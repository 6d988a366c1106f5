"""What runs: samples → `processing.step` → the wearer is told at once → the journal → the view; until told to stop."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from neckline.calibrating import Prompt
from neckline.status import Status, Today
from processing.outputs import Event, Stance
from sensor.samples import Reading

if TYPE_CHECKING:
    from neckline.config import Config

Source = Callable[[], AsyncGenerator[Reading, None]]
"""Opens the wearer's clip (`sensor.link.stream`), a recording, or a simulated one; the service closes it."""


class View(Protocol):
    """Where a running service is seen."""

    def show(self, status: Status) -> None:
        """Draw what is so now; called a few times a second."""

    def prompt(self, prompt: Prompt) -> None:
        """Show what the wearer is to do for a calibration."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one run saw, told at its end."""

    begin_ns: int
    end_ns: int
    seen: Today
    """Of this run, not of the day."""
    received: int
    missing: int
    corrupt: int
    journal_path: Path


class Service:
    """One wearer's service while it runs: `neckline.control.Handler`."""

    def status(self) -> Status:
        """Return what is so now."""
        raise NotImplementedError

    async def snooze(self, until_ns: int | None) -> None:
        """Give no alerts until then (UTC); None ends a snooze."""
        raise NotImplementedError

    def calibrate(self, *, slump: bool, stance: Stance) -> AsyncGenerator[Prompt, None]:
        """Guide a capture on the running samples; what it gives holds from the next sample on and is in the journal."""
        raise NotImplementedError

    def events(self) -> "asyncio.Queue[Event]":
        """Return a queue that gets every event from now on."""
        raise NotImplementedError


async def run(
    config: "Config",
    *,
    journal_path: Path,
    source: Source,
    view: View,
    until: asyncio.Event | None = None,
    guide: Callable[[Service], Awaitable[None]] | None = None,
    simulated: bool = False,
    utc: Callable[[], int] = time.time_ns,
) -> Summary:
    """Run until SIGINT, SIGTERM, `until`, the end of the source or of `guide`; return when everything is durable.

    Raises JournalBusyError and other StorageErrors when the journal cannot be opened (or, at the end, not be made
    durable), BluetoothError and WrongClipError from the source; what came before them has been kept.
    """
    raise NotImplementedError
