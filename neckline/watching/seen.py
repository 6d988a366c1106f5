"""How a run is seen: the live picture on a terminal, lines everywhere else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from neckline.screen.logs import Style, happened, plain
from neckline.screen.view import live_view
from neckline.watching.service import View
from neckline.wearing.calibrating import Prompt
from neckline.wearing.status import Status


class Lines:
    """Draws nothing: all that happens is a line already. What a calibration asks for becomes one, too."""

    every_s = 1.0

    def __init__(self) -> None:
        self._said = ""

    def show(self, status: Status) -> None:
        """Do nothing."""

    def prompt(self, prompt: Prompt) -> None:
        """Say each sentence once, without the countdown; the link and the result are told anyway."""
        say = f"{prompt.say}: {prompt.refused}" if prompt.refused else prompt.say
        if say != self._said and (prompt.pose or prompt.refused):
            happened("calibrating", say, pose=prompt.pose.value or None, seconds=prompt.seconds or None)
        self._said = say


@contextmanager
def seen(style: Style | None) -> Iterator[View]:
    """Give what shows a run while the block runs: lines of this style, or for None the picture if there is a terminal."""
    if style is None and sys.stdout.isatty():
        with live_view() as view:
            yield view
        return
    with plain(style or Style.LINES):
        yield Lines()
