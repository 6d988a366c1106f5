"""The commands about what was recorded and stored: replay, export, keep, erase."""

# ruff: noqa: PLC0415 (libraries are imported by the commands that need them, so that `neckline --version` answers at once)

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from neckline.cli.common import JournalOption, Json, Source, SourceOption, options_of
from neckline.exits import Exit

commands = typer.Typer()


class Format(StrEnum):
    """What an export can be."""

    CSV = "csv"
    PARQUET = "parquet"
    MOTION_BIDS = "motion-bids"
    """With the samples that were kept; the others are of the journal, unless they are asked for."""


@commands.command()
def replay(
    ctx: typer.Context,
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="RECORDING",
            help="Captures (.jsonl), tables (.csv), or what neckline kept (a file or folder).",
        ),
    ],
    *,
    upright: Annotated[
        str | None, typer.Option(metavar="A:B", help="Where the first one shows you upright, in seconds.")
    ] = None,
    slump: Annotated[str | None, typer.Option(metavar="A:B", help="Where it shows your slump.")] = None,
    head: Annotated[
        Path | None,
        typer.Option("--head", metavar="FILE", help="What a clip on your head recorded meanwhile."),
    ] = None,
    nod: Annotated[
        str | None,
        typer.Option(metavar="A:B", help="Where you looked down, in seconds of the back's recording."),
    ] = None,
    rate_hz: Annotated[
        float | None,
        typer.Option(
            "--rate", metavar="HZ", min=1, max=2000, help="Samples a second, if the recording does not tell."
        ),
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="FILE", help="Store what comes of it in this journal.")
    ] = None,
    wearer: Annotated[
        str | None, typer.Option(metavar="WEARER", help="Whose it is, instead of the configuration's.")
    ] = None,
    as_json: Json = False,
    journal: JournalOption = None,
) -> Exit:
    """Run recordings through the very detector that judges live. Without --upright the journal's calibration counts."""
    from neckline.commands.poses import Poses
    from neckline.commands.replay import replay
    from storage.entries import NAME

    options = options_of(ctx, journal)
    config = options.config()
    if wearer is not None and not NAME.fullmatch(wearer):
        raise typer.BadParameter(
            f'"{wearer}" is no pseudonym: letters, digits and _ . : - are, as w-7f3a9c21'
        )
    try:
        poses = Poses.parse(upright, slump, nod)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if head is not None and len(recordings) != 1:
        raise typer.BadParameter("--head goes with one recording of the back: name that one alone")
    return replay(
        config,
        recordings,
        head=head,
        poses=poses,
        rate_hz=rate_hz,
        remembered=options.journal_path(config),
        store=into,
        wearer_id=wearer,
        as_json=as_json,
    )


@commands.command()
def export(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    *,
    file_format: Annotated[
        Format,
        typer.Option(
            "--format",
            help="csv; parquet, which needs the extra `export`; or motion-bids, with samples that were kept.",
        ),
    ] = Format.CSV,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="The first day; or a time, as 2026-03-01T09:30, local.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last day, included; or a time, not included.")
    ] = None,
    wearers: Annotated[
        list[str] | None,
        typer.Option("--wearer", metavar="WEARER", help="Only this pseudonym; may be repeated."),
    ] = None,
    shift_days: Annotated[
        int | None,
        typer.Option(
            "--shift-days",
            metavar="DAYS",
            min=-36_500,
            max=36_500,
            help="For sharing: move all dates by so many days.",
        ),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="WEARER=LABEL", help="For sharing: another pseudonym."),
    ] = None,
    samples: Annotated[
        bool, typer.Option("--samples", help="With csv or parquet: the samples that were kept, too.")
    ] = False,
    source: SourceOption = Source.JOURNAL,
    as_json: Json = False,
    journal: JournalOption = None,
) -> None:
    """Write everything as files that explain themselves. One a kind, a codebook, and where from, with a list of gaps."""
    from neckline.commands.dates import period_ns
    from neckline.commands.export import export, export_samples
    from neckline.commands.history import history_of
    from neckline.watching.recording import recordings_path
    from storage.exports import export as storage_export
    from storage.exports.sharing import Sharing
    from storage.recordings.folder import RecordingsFolder

    options = options_of(ctx, journal)
    of_samples = file_format is Format.MOTION_BIDS
    if not all("=" in label.strip("=") for label in labels or ()):
        raise typer.BadParameter("--label is WEARER=LABEL, as w-7f3a9c21=p01")
    try:
        since_ns, until_ns = period_ns(since, until)
        sharing = Sharing(shift_days or 0, dict(label.split("=", 1) for label in labels or ()))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    config = options.config()
    kept = recordings_path(config, options.journal_path(config))
    stored = history_of(config, options.journal_path(config), from_influxdb=source is Source.INFLUXDB)
    if of_samples:
        export_samples(
            stored,
            kept,
            folder,
            wearers=wearers or [],
            since_ns=since_ns,
            until_ns=until_ns,
            sharing=sharing,
            as_json=as_json,
        )
        return
    with stored as history:
        export(
            history,
            folder,
            wearers=wearers or [],
            since_ns=since_ns,
            until_ns=until_ns,
            file_format=storage_export.Format(file_format),
            sharing=sharing,
            recordings=RecordingsFolder(kept) if samples else None,
            as_json=as_json,
        )


@commands.command()
def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    *,
    journal: JournalOption = None,
) -> Exit:
    """Copy the journal into one file, and check every row. As it is at this moment; may be done while it runs."""
    from neckline.commands.backup import backup

    options = options_of(ctx, journal)
    return backup(options.journal_path(options.config()), file)


@commands.command()
def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `neckline backup` wrote.")],
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Replace the journal that is there; take a damaged backup, too.")
    ] = False,
    journal: JournalOption = None,
) -> Exit:
    """Put a backup in the journal's place. Wearers who were erased since stay erased."""
    from neckline.commands.backup import restore

    options = options_of(ctx, journal)
    return restore(options.journal_path(options.config()), file, yes=yes)


@commands.command()
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
    """Delete all of a wearer for good, and leave a receipt. From the journal, the samples kept beside it, and InfluxDB."""
    from neckline.commands.erase import erase
    from storage.entries import NAME

    if not NAME.fullmatch(wearer):
        raise typer.BadParameter(f'"{wearer}" is no pseudonym')
    options = options_of(ctx, journal)
    config = options.config()
    return erase(config, options.journal_path(config), wearer, yes=yes, as_json=as_json)
