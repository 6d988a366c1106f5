"""The tables of docs/commands.md as the product has them: commands with their options, exit codes, settings."""

from collections.abc import Iterator
from typing import Any

import typer

from neckline.cli.app import app
from neckline.configuration.config import Config
from neckline.configuration.template import entries
from neckline.exits import Exit

COMMANDS = typer.main.get_command(app)


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command by its full name, subcommands too."""
    yield from _commands(COMMANDS, "neckline")


def _commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def option_table() -> list[str]:
    """Return a row for each command, then one for each of its arguments and options."""
    rows = ["| command | what it does |", "|---|---|"]
    rows += [_row("`neckline`", "options before any command"), *map(_option, COMMANDS.params)]
    for name, command in commands():
        rows += [_row(f"`{name}`", str(command.help)), *map(_option, command.params)]
    return rows


def exit_table() -> list[str]:
    """Return a row for each exit code."""
    return ["| code | meaning |", "|---|---|", *(_row(str(int(code)), code.meaning) for code in Exit)]


def setting_table() -> list[str]:
    """Return a row for each setting."""
    rows = ["| setting | default | bounds | meaning |", "|---|---|---|---|"]
    for table in Config.model_fields:
        for entry in entries(table):
            default = f"`{entry.default}`" if entry.default else ""
            rows.append(_row(f"`{table}.{entry.key}`", default, entry.bounds, entry.meaning))
    return rows


def _option(parameter: Any) -> str:
    names = [*parameter.opts, *parameter.secondary_opts] if parameter.param_type_name == "option" else []
    metavar = parameter.metavar or ("" if names else parameter.name.upper())
    shown = " / ".join(names) + (f" {metavar}" if names and metavar else metavar)
    return _row(f"&nbsp;&nbsp;`{shown}`", parameter.help)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
