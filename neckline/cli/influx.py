"""`neckline influx …`."""

# ruff: noqa: PLC0415 (libraries are imported by the commands that need them, so that `neckline --version` answers at once)

from pathlib import Path
from typing import Annotated

import typer

from neckline.cli.common import Json, options_of

commands = typer.Typer(rich_markup_mode=None, help="Set an InfluxDB up.")


@commands.callback()
def _influx() -> None:
    """Keep `setup` a command of its own: others will follow."""


@commands.command()
def setup(
    ctx: typer.Context,
    *,
    keep_days: Annotated[
        int | None,
        typer.Option("--keep-days", metavar="DAYS", min=0, help="How long rows are kept there; 0: for ever."),
    ] = None,
    read_token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to put a token that may only read the bucket: Grafana's."),
    ] = None,
    write_token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where to put a token that may only write to the bucket: neckline's."
        ),
    ] = None,
    admin_token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A file with a token that may do this (or $NECKLINE_INFLUXDB_ADMIN_TOKEN); else the configuration's.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; show what would change.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the bucket of the configuration, and tokens for it. What is there stays: it may be done again and again."""
    from neckline.commands import influx
    from storage.influx_setup import Tokens

    influx.setup(
        options_of(ctx).config(),
        Tokens(read_token_file, write_token_file),
        admin_token_file=admin_token_file,
        keep_days=keep_days,
        dry_run=dry_run,
        as_json=as_json,
    )
