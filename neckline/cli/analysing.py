"""The command that looks back: recordings by other settings, and what the journal's days came to."""

# ruff: noqa: PLC0415 (libraries are imported by the commands that need them, so that `neckline --version` answers at once)

from pathlib import Path
from typing import Annotated

import typer

from neckline.cli.common import JournalOption, Json, Source, SourceOption, options_of
from neckline.exits import Exit

commands = typer.Typer()


@commands.command()
def analyse(
    ctx: typer.Context,
    recordings: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RECORDING", help="Recordings to judge again; without any, the journal is read."
        ),
    ] = None,
    *,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Judge recordings with this setting; may be repeated."
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="And beside it the same with this one; or with another configuration, a file. May be repeated.",
        ),
    ] = None,
    upright: Annotated[
        str | None,
        typer.Option(metavar="A:B", help="Where the first recording shows you upright, in seconds."),
    ] = None,
    slump: Annotated[str | None, typer.Option(metavar="A:B", help="Where it shows your slump.")] = None,
    rate_hz: Annotated[
        float | None,
        typer.Option(
            "--rate", metavar="HZ", min=1, max=2000, help="Samples a second, if a recording does not tell."
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER", min=1, help="How many recordings at a time; without it one for each core."
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="The first day of the journal to look at.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="The last day, included.")] = None,
    periods: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--compare",
            metavar="A..B C..D",
            help="What changed between two periods of the journal, as 2026-11-02..2026-11-08, ends included.",
        ),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="The wearer's time zone, as Europe/Berlin; else this computer's."),
    ] = None,
    wearer: Annotated[
        str | None, typer.Option(metavar="WEARER", help="Whose it is, instead of the configuration's.")
    ] = None,
    placement: Annotated[
        str | None,
        typer.Option(metavar="PLACEMENT", help="Where the clip sat, instead of the configuration's."),
    ] = None,
    source: SourceOption = Source.JOURNAL,
    as_json: Json = False,
    journal: JournalOption = None,
) -> Exit:
    """Sum up days, or judge recordings by other settings. With recordings it judges, side by side; without, it sums up."""
    from neckline.commands.analyse.journal import compare, look_back
    from neckline.commands.analyse.periods import Period, zone_of
    from neckline.commands.analyse.recordings import reanalyse
    from neckline.commands.analyse.sides import sides_of
    from neckline.commands.history import history_of
    from neckline.commands.poses import Poses
    from storage.entries import NAME, Stream

    of_recordings = {
        "--set": changes,
        "--against": against,
        "--upright": upright,
        "--slump": slump,
        "--rate": rate_hz,
        "--jobs": jobs,
    }
    of_journal = {
        "--since": since,
        "--until": until,
        "--compare": periods,
        "--zone": zone,
        "--placement": placement,
        "--source": source is Source.INFLUXDB,
    }
    stray = [name for name, given in (of_journal if recordings else of_recordings).items() if given]
    if stray:
        raise typer.BadParameter(
            f"{stray[0]} is about {'the journal: name no recordings' if recordings else 'recordings: name some'}"
        )
    if periods and (since or until):
        raise typer.BadParameter("--compare names its own days: leave --since and --until out")
    for name in filter(None, (wearer, placement)):
        if not NAME.fullmatch(name):
            raise typer.BadParameter(f'"{name}" is no name: letters, digits and _ . : - are')
    options = options_of(ctx, journal)
    config = options.config()
    where = options.journal_path(config)
    try:
        sides = sides_of(config, changes or [], against or [])
        poses = Poses.parse(upright, slump)
        asked = [Period.parse(text) for text in periods or ()] or [Period.between(since, until)]
        local = zone_of(zone)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if periods and asked[0].meets(asked[1]):
        raise typer.BadParameter(f"a day is in both periods: {asked[0]}; {asked[1]}")
    if recordings:
        return reanalyse(
            sides,
            recordings,
            poses=poses,
            rate_hz=rate_hz,
            remembered=where,
            wearer_id=wearer,
            jobs=jobs,
            as_json=as_json,
        )
    stream = Stream(wearer or config.wearer_id(), placement or config.wearer.placement)
    with history_of(config, where, from_influxdb=source is Source.INFLUXDB) as history:
        if periods:
            return compare(history, stream, (asked[0], asked[1]), local, as_json=as_json)
        return look_back(history, stream, asked[0], local, as_json=as_json)
