"""The commands about a clip: find it, pair it, calibrate it."""

# ruff: noqa: PLC0415 (libraries are imported by the commands that need them, so that `neckline --version` answers at once)

from enum import StrEnum
from typing import Annotated

import typer

from neckline.cli.common import JournalOption, Json, options_of

commands = typer.Typer()


class Place(StrEnum):
    """Where a clip can be worn."""

    T4 = "t4"
    C7 = "c7"
    CHEST = "chest"
    HEAD = "head"


@commands.command()
def scan(
    *,
    seconds: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.5, max=120, help="How long to listen.")
    ] = 5.0,
    as_json: Json = False,
) -> None:
    """Show which clips are in range."""
    from neckline.commands.scan import scan

    scan(seconds, as_json=as_json)


@commands.command()
def pair(
    ctx: typer.Context,
    clip: Annotated[
        str | None, typer.Argument(metavar="CLIP", help="Its address or name, when several are in range.")
    ] = None,
    *,
    placement: Annotated[
        Place | None,
        typer.Option(help="Where it is worn: t4, c7, chest; or head, for a second clip."),
    ] = None,
) -> None:
    """Find the clip, ask who it is, write it into the configuration."""
    from neckline.commands.pair import pair

    pair(options_of(ctx), clip, placement.value if placement else None)


@commands.command()
def calibrate(
    ctx: typer.Context,
    *,
    slump: Annotated[
        bool,
        typer.Option(
            "--slump/--no-slump", help="Capture your usual slump, too, for a threshold of your own."
        ),
    ] = True,
    standing: Annotated[bool, typer.Option("--standing", help="Capture the standing reference.")] = False,
    journal: JournalOption = None,
) -> None:
    """Capture your upright pose. Five seconds tall, five seconds slumped: do it each time you put the clip on."""
    from neckline.commands.calibrate import calibrate
    from processing.outputs import Stance

    options = options_of(ctx, journal)
    config = options.config()
    stance = Stance.STANDING if standing else Stance.SITTING
    calibrate(config, options.journal_path(config), slump=slump, stance=stance)
