"""Makes the pictures of the documentation from the running product: `python docs/make_pictures.py`, about a minute.

The live view is that of `neckline demo` at the moment of its alert: a simulated clip, and so it says.
"""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from rich.console import Console

from neckline.screen.logs import Recent, Style, listening
from neckline.screen.picture import Line, draw
from neckline.watching import demo
from neckline.watching.service import View
from neckline.wearing.calibrating import Prompt
from neckline.wearing.status import Status

IMAGES = Path(__file__).parent / "images"
WIDTH, HEIGHT = 92, 24
ALERTS = 1


class Camera:
    """A view that keeps the first status in which an alert has been given."""

    every_s = 0.25

    def __init__(self, recent: Recent) -> None:
        self.svg = ""
        self._recent = recent

    def show(self, status: Status) -> None:
        """Take the picture, once."""
        if self.svg or status.today.alerts < ALERTS:
            return
        lines = [
            Line(round(time_s * 1e9), level > logging.INFO, told.say) for time_s, level, told in self._recent
        ]
        console = Console(record=True, width=WIDTH, height=HEIGHT, file=io.StringIO(), force_terminal=True)
        console.print(draw(status, lines, None, WIDTH, HEIGHT))
        self.svg = console.export_svg(title="neckline")

    def prompt(self, prompt: Prompt) -> None:
        """Show nothing."""


def main() -> None:
    """Run the demo and keep its picture."""
    recent = Recent(50)
    camera = Camera(recent)

    @contextmanager
    def seen(_style: Style | None) -> Iterator[View]:
        with listening(recent):
            yield camera

    with patch.object(demo, "seen", seen):
        demo.demo(style=None)
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "live-view.svg").write_text(camera.svg, "utf-8")


if __name__ == "__main__":
    main()
