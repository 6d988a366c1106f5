"""The command line: words → one command, its result → an exit code. What commands do is in `neckline.commands`.

Data goes to standard output and talk to standard error. Libraries are imported by the commands that need them, so that
`neckline --version` and `neckline config` answer at once.
"""

# ruff: noqa: PLC0415 (imports within commands, see above)

import io
import os
import sys
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from neckline.commands.setup import Setup
from neckline.commands.talk import give, say, tell
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
configuration = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Show, check or write the configuration."
)
app.add_typer(configuration, name="config")


class Format(StrEnum):
    """What an export can be."""

    CSV = "csv"


ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The configuration (or $NECKLINE_CONFIG).")
]
JournalOption = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="The journal (or $NECKLINE_JOURNAL).")
]
Json = Annotated[bool, typer.Option("--json", help="Give one JSON document instead of text.")]


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
    ctx.obj = Setup(config, journal)


def _setup(ctx: typer.Context, journal: Path | None = None) -> Setup:
    """Return the options in force; `--journal` may stand before the command or behind it."""
    setup: Setup = ctx.obj
    return setup if journal is None else Setup(setup.config_option, journal)


# ---- a clip ----------------------------------------------------------------------------------------------------------


@app.command()
def scan(
    *,
    seconds: Annotated[float, typer.Option(min=0.5, max=120, help="How long to listen.")] = 5.0,
    as_json: Json = False,
) -> None:
    """Show which clips are in range."""
    from neckline.commands.scan import scan

    scan(seconds, as_json=as_json)


@app.command()
def pair(
    ctx: typer.Context,
    clip: Annotated[
        str | None, typer.Argument(help="Its address or name, when several are in range.")
    ] = None,
) -> None:
    """Find the clip, ask who it is, and write it into the configuration."""
    from neckline.commands.pair import pair

    pair(_setup(ctx), clip)


@app.command()
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
    """Capture your upright pose: five seconds tall, five seconds slumped. Do it each time you put the clip on."""
    from neckline.commands.calibrate import calibrate
    from processing.outputs import Stance

    setup = _setup(ctx, journal)
    config = setup.config()
    stance = Stance.STANDING if standing else Stance.SITTING
    calibrate(config, setup.journal_path(config), slump=slump, stance=stance)


# ---- running ---------------------------------------------------------------------------------------------------------


@app.command()
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
    from neckline.logs import Style

    setup = _setup(ctx, journal)
    config = setup.config()
    style = Style.JSON if as_json else Style.LINES if plain else None
    if not simulated:
        from neckline.commands.run import run_clip

        run_clip(config, setup.journal_path(config), style=style, record=record)
        return
    if record is not None:
        raise typer.BadParameter("--record is for a real clip")
    from neckline.simulated import run_simulated

    summary = run_simulated(config, setup.journal_option, style=style)
    say(f"a SIMULATED clip: {summary.say()}\nthe journal is {summary.journal_path}")


@app.command()
def demo(
    *,
    plain: Annotated[bool, typer.Option("--plain", help="Lines of log, also on a terminal.")] = False,
) -> None:
    """See a minute of it with no hardware and no database: scan, calibrate, slouch, one alert, recovery."""
    from neckline.demo import demo
    from neckline.logs import Style

    on_terminal = sys.stdout.isatty() and not plain
    summary = demo(style=None if on_terminal else Style.SENTENCES)
    if summary is None:
        say("stopped before its end")
        return
    give(f"The clip was simulated. {summary.say()}.")
    give(f"The journal lies at {summary.journal_path}")
    give(f"Look into it: neckline --journal {summary.journal_path} export --format csv out/")


@app.command()
def status(ctx: typer.Context, *, as_json: Json = False, journal: JournalOption = None) -> None:
    """Show what runs, today's minutes, what is stored and what waits."""
    from neckline.commands.status import status

    setup = _setup(ctx, journal)
    config = setup.config()
    status(config, setup.journal_path(config), as_json=as_json)


@app.command()
def snooze(
    ctx: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="WHEN", help="30m, 1h, until 14:00, tomorrow, or off.")
    ],
    journal: JournalOption = None,
) -> None:
    """Give no alerts for a while; they come back by themselves."""
    from neckline.commands.snooze import snooze

    setup = _setup(ctx, journal)
    config = setup.config()
    try:
        snooze(config, setup.journal_path(config), words)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@app.command()
def doctor(ctx: typer.Context, *, as_json: Json = False, journal: JournalOption = None) -> Exit:
    """Check Bluetooth, clip, journal, InfluxDB and alerts; say what is wrong, and what to do."""
    from neckline.commands.doctor import doctor

    return doctor(_setup(ctx, journal), as_json=as_json)


@app.command()
def explain(
    ctx: typer.Context,
    when: Annotated[
        str | None,
        typer.Argument(help="The alert's local time, as 14:05 or 2026-03-01T14:05; else the last one."),
    ] = None,
    *,
    as_json: Json = False,
    journal: JournalOption = None,
) -> None:
    """Explain an alert: threshold, hold, angles, samples, calibration, and the minutes around it."""
    from neckline.commands.explain import explain

    setup = _setup(ctx, journal)
    config = setup.config()
    try:
        explain(config, setup.journal_path(config), when, as_json=as_json)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


# ---- data ------------------------------------------------------------------------------------------------------------


@app.command()
def replay(
    ctx: typer.Context,
    recordings: Annotated[
        list[Path], typer.Argument(metavar="RECORDING", help="Captures (.jsonl) or tables (.csv).")
    ],
    *,
    upright: Annotated[
        str | None, typer.Option(metavar="A:B", help="Where the first one shows you upright, in seconds.")
    ] = None,
    slump: Annotated[str | None, typer.Option(metavar="A:B", help="Where it shows your slump.")] = None,
    rate_hz: Annotated[
        float | None,
        typer.Option("--rate", min=1, max=2000, help="Samples a second, if the recording does not tell."),
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="FILE", help="Store what comes of it in this journal.")
    ] = None,
    wearer: Annotated[str | None, typer.Option(help="Whose it is, instead of the configuration's.")] = None,
    as_json: Json = False,
    journal: JournalOption = None,
) -> Exit:
    """Run recordings through the very detector that judges live. Without --upright the journal's calibration counts."""
    from neckline.commands.replay import Poses, Span, replay
    from storage.entries import NAME

    setup = _setup(ctx, journal)
    config = setup.config()
    if slump is not None and upright is None:
        raise typer.BadParameter("--slump needs --upright")
    if wearer is not None and not NAME.fullmatch(wearer):
        raise typer.BadParameter(
            f'"{wearer}" is no pseudonym: letters, digits and _ . : - are, as w-7f3a9c21'
        )
    try:
        poses = Poses(Span.parse(upright), Span.parse(slump) if slump else None) if upright else None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return replay(
        config,
        recordings,
        poses=poses,
        rate_hz=rate_hz,
        remembered=setup.journal_path(config),
        store=into,
        wearer_id=wearer,
        as_json=as_json,
    )


@app.command()
def export(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    *,
    file_format: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.CSV,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="ISO date or time, local.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="ISO date or time, not included.")
    ] = None,
    wearers: Annotated[
        list[str] | None, typer.Option("--wearer", help="Only this pseudonym; may be repeated.")
    ] = None,
    as_json: Json = False,
    journal: JournalOption = None,
) -> None:
    """Write everything as files that explain themselves: one a kind, a codebook, and a list of gaps."""
    from neckline.commands.export import export, local_ns

    del file_format  # there is one
    setup = _setup(ctx, journal)
    try:
        span_ns = tuple(local_ns(text) if text else None for text in (since, until))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    export(
        setup.journal_path(setup.config()),
        folder,
        wearers=wearers or [],
        since_ns=span_ns[0],
        until_ns=span_ns[1],
        as_json=as_json,
    )


@app.command()
def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    *,
    journal: JournalOption = None,
) -> Exit:
    """Copy the journal as it is at this moment into one file, and check every row. May be done while it runs."""
    from neckline.commands.backup import backup

    setup = _setup(ctx, journal)
    return backup(setup.journal_path(setup.config()), file)


@app.command()
def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `neckline backup` wrote.")],
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Replace the journal that is there; take a damaged backup, too.")
    ] = False,
    journal: JournalOption = None,
) -> Exit:
    """Put a backup in the journal's place, without the wearers who were erased since."""
    from neckline.commands.backup import restore

    setup = _setup(ctx, journal)
    return restore(setup.journal_path(setup.config()), file, yes=yes)


@app.command()
def erase(
    ctx: typer.Context,
    wearer: Annotated[str, typer.Argument(metavar="WEARER", help="The pseudonym, as w-7f3a9c21.")],
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Really do it; without it, only say what there is.")
    ] = False,
    as_json: Json = False,
    journal: JournalOption = None,
) -> Exit:
    """Delete all of a wearer for good, from the journal and from InfluxDB, and leave a receipt."""
    from neckline.commands.erase import erase
    from storage.entries import NAME

    if not NAME.fullmatch(wearer):
        raise typer.BadParameter(f'"{wearer}" is no pseudonym')
    setup = _setup(ctx, journal)
    config = setup.config()
    return erase(config, setup.journal_path(config), wearer, yes=yes, as_json=as_json)


# ---- configuration ---------------------------------------------------------------------------------------------------


@configuration.command("path")
def config_path(ctx: typer.Context) -> None:
    """Give the path of the configuration in force."""
    from neckline.commands import configuration

    configuration.path(_setup(ctx))


@configuration.command("check")
def config_check(ctx: typer.Context) -> None:
    """Say whether the configuration is right, or every mistake in it."""
    from neckline.commands import configuration

    configuration.check(_setup(ctx))


@configuration.command("init")
def config_init(ctx: typer.Context) -> None:
    """Write a fresh configuration, every setting explained."""
    from neckline.commands import configuration

    configuration.init(_setup(ctx))


def main() -> None:
    """Run one command and exit: with its code, never with a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ° shows ? and not a fault
    sys.exit(int(call(sys.argv[1:])))


def call(words: list[str]) -> int:
    """Run the command that the words say; return its exit code."""
    try:
        code = app(words, prog_name="neckline", standalone_mode=False)
        sys.stdout.flush()
    except (typer.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except typer.TyperException as error:
        say(
            f"neckline: {error.format_message()}\n→ `neckline --help`, or the command's own --help, tells how"
        )
        return Exit.USAGE
    except (BrokenPipeError, SystemExit):  # the second is how rich tells of the first
        # The reader has seen enough. What is still buffered must go somewhere at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:  # noqa: BLE001 (a person sees a sentence, the log the traceback)
        return tell(error)
    return code if isinstance(code, int) else Exit.OK
