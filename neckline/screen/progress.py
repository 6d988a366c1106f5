"""The bar by which a long command tells on a terminal how far it is; elsewhere nothing is drawn."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

PERCENT = "{task.percentage:3.0f} %"
SEEN = "{task.fields[seen]}"
"""For tasks that tell in words how far they are: they are added and updated with `seen`."""


def bar(far: str = PERCENT) -> Progress:
    """Return a bar to be entered or started, which shows `far` of each of its tasks and goes when it is done."""
    # On stderr, since what a command gives is data; without markup, since files are named as people like, as `[a].csv`.
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn(far, markup=False),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
