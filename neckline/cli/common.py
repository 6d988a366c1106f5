"""What the commands have in common: options that several take, and which files they work on."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from neckline.commands.options import Options

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The configuration (or $NECKLINE_CONFIG).")
]
JournalOption = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="The journal (or $NECKLINE_JOURNAL).")
]


class Source(StrEnum):
    """Where what is stored is read from."""

    JOURNAL = "journal"
    INFLUXDB = "influxdb"


SourceOption = Annotated[
    Source,
    typer.Option(
        help="Read from the journal, or from the InfluxDB that it feeds, which holds all but calibrations."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Give one JSON document instead of text.")]


def options_of(ctx: typer.Context, journal: Path | None = None) -> Options:
    """Return the options in force; `--journal` may stand before the command or behind it."""
    options: Options = ctx.obj
    return options if journal is None else Options(options.config_option, journal)
