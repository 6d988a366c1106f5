"""`neckline grafana …`."""

# ruff: noqa: PLC0415 (libraries are imported by the commands that need them, so that `neckline --version` answers at once)

from pathlib import Path
from typing import Annotated

import typer

from neckline.cli.common import Json, options_of
from neckline.exits import Exit

commands = typer.Typer(rich_markup_mode=None, help="Set a Grafana up, or ask what it would show.")

EmailOption = Annotated[
    str | None, typer.Option("--email", metavar="ADDRESS", help="Whom the alert rules tell, by mail.")
]
WebhookOption = Annotated[
    Path | None,
    typer.Option(
        "--webhook-file",
        metavar="FILE",
        help="A file with the address that the alert rules tell instead (or $NECKLINE_GRAFANA_WEBHOOK).",
    ),
]


@commands.command()
def write(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where to; files that are there are replaced.")
    ],
    *,
    email: EmailOption = None,
    webhook_file: WebhookOption = None,
) -> None:
    """Write the files that Grafana sets itself up from. Data source, dashboards, alert rules; it asks nobody."""
    from neckline.commands import grafana

    config = options_of(ctx).config()
    grafana.write(config, folder, grafana.contact_of(email, webhook_file))


@commands.command()
def push(
    ctx: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; show what would change, line by line.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what was edited in Grafana, and send the token again.")
    ] = False,
    email: EmailOption = None,
    webhook_file: WebhookOption = None,
    as_json: Json = False,
) -> Exit:
    """Set a running Grafana up over its API. Folder, data source, dashboards, alert rules; may be done again and again."""
    from neckline.commands import grafana

    config = options_of(ctx).config()
    contact = grafana.contact_of(email, webhook_file)
    return grafana.push(config, contact, force=force, dry_run=dry_run, as_json=as_json)


@commands.command()
def check(
    ctx: typer.Context,
    *,
    wearer: Annotated[
        str | None,
        typer.Option(
            metavar="WEARER", help="Whose rows to ask for; else those of the first wearer that there is."
        ),
    ] = None,
    as_json: Json = False,
) -> Exit:
    """Ask a running Grafana how many rows each panel gets. And whether its data source answers."""
    from neckline.commands import grafana

    return grafana.check(options_of(ctx).config(), wearer, as_json=as_json)
