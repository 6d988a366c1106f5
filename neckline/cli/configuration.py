"""`neckline config …`."""

# ruff: noqa: PLC0415 (libraries are imported by the commands that need them, so that `neckline --version` answers at once)

import typer

from neckline.cli.common import options_of

commands = typer.Typer(rich_markup_mode=None, help="Show, check or write the configuration.")


@commands.command("path")
def config_path(ctx: typer.Context) -> None:
    """Give the path of the configuration in force."""
    from neckline.commands import configuration

    configuration.path(options_of(ctx))


@commands.command("check")
def config_check(ctx: typer.Context) -> None:
    """Say whether the configuration is right, or every mistake in it."""
    from neckline.commands import configuration

    configuration.check(options_of(ctx))


@commands.command("init")
def config_init(ctx: typer.Context) -> None:
    """Write a fresh configuration, every setting explained."""
    from neckline.commands import configuration

    configuration.init(options_of(ctx))
