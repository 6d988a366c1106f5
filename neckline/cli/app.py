"""The program itself: its global options, its commands, and how each ends.

Data goes to standard output and talk to standard error.
"""

import io
import sys
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.main import get_command

from neckline.cli import analysing, clip, configuration, data, grafana, influx, running
from neckline.cli.common import ConfigOption, JournalOption
from neckline.commands.options import Options
from neckline.commands.output import (
    give,
    heed_the_reader,
    in_few_letters,
    is_reader_gone,
    output_lost,
    say,
    tell,
)
from neckline.exits import Exit

app = typer.Typer(
    name="neckline",
    help="Watches upper-back posture with a Bluetooth motion clip, and says so kindly and rarely.",
    epilog="Wellness and conversation support. Every command has --help; `neckline demo` needs no hardware.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (clip, running, data, analysing):
    app.add_typer(group.commands)
app.add_typer(configuration.commands, name="config")
app.add_typer(grafana.commands, name="grafana")
app.add_typer(influx.commands, name="influx")


def _version(wanted: bool) -> None:
    if wanted:
        give(f"neckline {version('neckline')}")
        raise typer.Exit


@app.callback()
def _global_options(
    ctx: typer.Context,
    config: ConfigOption = None,
    journal: JournalOption = None,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Give the version.")
    ] = False,
) -> None:
    ctx.obj = Options(config, journal)


def main() -> None:
    """Run one command and exit: with its code, never with a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=in_few_letters())  # a terminal without → shows -> and not a fault
    heed_the_reader()
    code = call(sys.argv[1:])
    with suppress(OSError):  # what came before an error may stay unread; the code is the error's
        sys.stdout.flush()
    sys.exit(int(code))


def call(words: list[str]) -> int:
    """Run the command that the words say; return its exit code."""
    try:
        code = _run(words)
        sys.stdout.flush()
    except (typer.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except typer.TyperException as error:
        # The first are typer's own words before ours.
        message = error.format_message().removeprefix("Invalid value: ").replace("Value error, ", "")
        say(f"neckline: {message}\n→ `neckline --help`, or the command's own --help, tells how")
        return Exit.USAGE
    except (Exception, SystemExit) as error:  # a person sees a sentence, the log the traceback
        if is_reader_gone(error):
            return Exit.OK
        if lost := output_lost(error):
            say(
                f"neckline: what it gives cannot be written: {lost.strerror}\n→ make room, or send it elsewhere"
            )
            return Exit.EXPORT
        if isinstance(error, SystemExit):
            raise
        return tell(error)
    return code if isinstance(code, int) else Exit.OK


def _run(words: list[str]) -> Any:
    """Run the command and return what it returns; not by typer's `main`, which takes any broken pipe for stdout's."""
    command = get_command(app)
    try:
        with command.make_context("neckline", list(words)) as context:
            return command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
