"""A running service on a terminal: the picture of `neckline.screen.picture`, drawn over and over by a thread of its own.

`show` and `prompt` only leave what is to be drawn: a terminal that is stopped, or far away, holds nobody up. It draws
on the terminal's second screen, so that nothing is left of it afterwards but the summary.
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import tzinfo

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from neckline.screen.logs import Recent, listening
from neckline.screen.picture import Line, draw
from neckline.wearing.calibrating import Prompt
from neckline.wearing.status import Status

FRAMES_A_SECOND = 4
PROMPT_S = 8.0
"""How long the last prompt of a calibration stays."""
KEPT_LINES = 50


class LiveView:
    """Give it statuses and prompts; rich draws it."""

    every_s = 1 / FRAMES_A_SECOND

    def __init__(self, recent: Recent, zone: tzinfo | None = None) -> None:
        self._recent = recent
        self._zone = zone
        self._status: Status | None = None
        self._prompt: tuple[Prompt, float] | None = None
        """And when it was shown."""

    def show(self, status: Status) -> None:
        """Draw this from now on."""
        self._status = status

    def prompt(self, prompt: Prompt) -> None:
        """Show what the wearer is to do."""
        self._prompt = (prompt, time.monotonic())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the picture for the terminal's present size."""
        if self._status is None:
            yield Text("neckline is starting …")
            return
        prompt = None
        if self._prompt is not None and time.monotonic() - self._prompt[1] < PROMPT_S:
            prompt = self._prompt[0]
        lines = [
            Line(round(time_s * 1e9), level > logging.INFO, told.say) for time_s, level, told in self._recent
        ]
        yield draw(self._status, lines, prompt, options.max_width, console.height, self._zone)


@contextmanager
def live_view(zone: tzinfo | None = None, console: Console | None = None) -> Iterator[LiveView]:
    """Take over the terminal while the block runs."""
    recent = Recent(KEPT_LINES)
    view = LiveView(recent, zone)
    with (
        listening(recent),
        Live(
            view,
            console=console or Console(file=sys.stdout),
            screen=True,
            refresh_per_second=FRAMES_A_SECOND,
            redirect_stderr=False,
            redirect_stdout=False,
        ),
    ):
        yield view
