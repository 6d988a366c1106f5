"""The commands about a day with the clip on: run it, see it, quiet it, ask it."""

# ruff: noqa: PLC0415 (libraries are imported by the commands that need them, so that `neckline --version` answers at once)

import sys
from pathlib import Path
from shutil import which
from typing import Annotated

import typer

from neckline.cli.common import JournalOption, Json, options_of
from neckline.commands.output import give, say
from neckline.exits import Exit

commands = typer.Typer()


@commands.command()
def run(
    ctx: typer.Context,
    *,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Wear a simulated clip: no hardware.")
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option("--record", metavar="FILE", help="Write what the clip sends to a new .jsonl file."),
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Lines of log, also on a terminal.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Lines of log, each a JSON object.")] = False,
    journal: JournalOption = None,
) -> None:
    """Wear the clip: watch, tell, store. Ctrl-C stops, and keeps everything."""
    from neckline.screen.logs import Style

    options = options_of(ctx, journal)
    config = options.config()
    style = Style.JSON if as_json else Style.LINES if plain else None
    if not simulated:
        from neckline.commands.run import run_clip

        run_clip(config, options.journal_path(config), style=style, record=record)
        return
    if record is not None:
        raise typer.BadParameter("--record writes down what a real clip sends: leave it out, or --simulated")
    from neckline.watching.simulated import run_simulated

    summary = run_simulated(config, options.journal_option, style=style)
    say(f"a SIMULATED clip: {summary.say()}\nthe journal is {summary.journal_path}")


@commands.command()
def demo(
    *,
    plain: Annotated[bool, typer.Option("--plain", help="Lines of log, also on a terminal.")] = False,
) -> None:
    """See a minute of it with no hardware and no database. Scan, calibrate, slouch, one alert, recovery."""
    from neckline.screen.logs import Style
    from neckline.watching.demo import demo
    from neckline.watching.simulated import WEARER_ID

    on_terminal = sys.stdout.isatty() and not plain
    summary = demo(style=None if on_terminal else Style.SENTENCES)
    if summary is None:
        say("stopped before its end")
        return
    give(f"The clip was simulated. {summary.say()}.")
    give(f"The journal lies at {summary.journal_path}")
    # `make demo` leaves it on no PATH.
    again = f"{'neckline' if which('neckline') else sys.argv[0]} --journal {summary.journal_path}"
    give(f"Why it alerted: {again} explain --wearer {WEARER_ID}")
    give(f"All of it: {again} export --format csv out/")


@commands.command()
def status(ctx: typer.Context, *, as_json: Json = False, journal: JournalOption = None) -> None:
    """Show what runs, today's minutes, what is stored and what waits."""
    from neckline.commands.status import status

    options = options_of(ctx, journal)
    config = options.config()
    status(config, options.journal_path(config), as_json=as_json)


@commands.command()
def snooze(
    ctx: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="WHEN", help="30m, 1h, until 14:00, tomorrow, or off.")
    ],
    journal: JournalOption = None,
) -> None:
    """Give no alerts for a while; they come back by themselves."""
    from neckline.commands.snooze import snooze

    options = options_of(ctx, journal)
    config = options.config()
    try:
        snooze(config, options.journal_path(config), words)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@commands.command()
def feedback(
    ctx: typer.Context,
    *,
    duration_ms: Annotated[
        int, typer.Option("--ms", metavar="MS", min=50, max=5000, help="How long, in milliseconds.")
    ] = 500,
    as_json: Json = False,
    journal: JournalOption = None,
) -> None:
    """Have the clip buzz, beep or blink, as it can. To feel how an alert feels, or to find it."""
    from neckline.commands.feedback import feedback

    options = options_of(ctx, journal)
    config = options.config()
    feedback(config, options.journal_path(config), duration_ms, as_json=as_json)


@commands.command()
def visit(
    ctx: typer.Context,
    when: Annotated[
        str | None,
        typer.Argument(
            metavar="WHEN", help="Local date or time, as 2026-03-01 or 2026-03-01T09:30; else now."
        ),
    ] = None,
    journal: JournalOption = None,
) -> None:
    """Note that therapist and wearer met. Trends are read from visit to visit."""
    from neckline.commands.visit import visit

    options = options_of(ctx, journal)
    config = options.config()
    try:
        visit(config, options.journal_path(config), when)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@commands.command()
def doctor(ctx: typer.Context, *, as_json: Json = False, journal: JournalOption = None) -> Exit:
    """Say what does not work, and what to do. Checks Bluetooth, clip, journal, InfluxDB and alerts."""
    from neckline.commands.doctor import doctor

    return doctor(options_of(ctx, journal), as_json=as_json)


@commands.command()
def explain(
    ctx: typer.Context,
    when: Annotated[
        str | None,
        typer.Argument(
            metavar="WHEN", help="The alert's local time, as 14:05 or 2026-03-01T14:05; else the last one."
        ),
    ] = None,
    *,
    wearer: Annotated[
        str | None, typer.Option(metavar="WEARER", help="Whose it is, instead of the configuration's.")
    ] = None,
    as_json: Json = False,
    journal: JournalOption = None,
) -> None:
    """Explain an alert. Tells threshold, hold, angles, samples, calibration, and the minutes around it."""
    from neckline.commands.explain import explain
    from storage.entries import NAME

    if wearer is not None and not NAME.fullmatch(wearer):
        raise typer.BadParameter(f'"{wearer}" is no pseudonym')
    options = options_of(ctx, journal)
    config = options.config()
    try:
        explain(config, options.journal_path(config), when, wearer_id=wearer, as_json=as_json)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
