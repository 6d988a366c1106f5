"""`neckline grafana …`: Grafana's files, its set-up over the network, and whether people would see anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboards import check as checking
from dashboards.boards import boards
from dashboards.contacts import WEBHOOK_ENV, Contact
from dashboards.errors import NothingForwardedError
from dashboards.files import write as write_files
from dashboards.grafana import Grafana
from dashboards.push import Outcome, Push, Wanted
from dashboards.rules import rules
from dashboards.source import BUCKET_ENV, TOKEN_ENV, URL_ENV, Source
from neckline.commands import machine
from neckline.commands.output import give, give_json, give_table, say
from neckline.configuration.config import Config, token_of
from neckline.exits import Exit


def contact_of(email: str | None, webhook_file: Path | None) -> Contact | None:
    """Return whom the rules are to tell, if anyone was named. Raises GrafanaSettingsError, SecretError."""
    webhook = token_of(WEBHOOK_ENV, webhook_file, "--webhook-file")
    return Contact(email or "", webhook) if email or webhook else None


def write(config: Config, folder: Path, contact: Contact | None) -> None:
    """Write Grafana's files; where and what InfluxDB is comes from the configuration, else from Grafana's environment."""
    known = config.influxdb
    there = (config.grafana.influxdb_url if config.grafana else "") or (known.url if known else "")
    source = Source(there, known.bucket) if known else Source()
    for path in write_files(folder, source, contact):
        give(str(path))
    lacking = [TOKEN_ENV] if known else [URL_ENV, BUCKET_ENV, TOKEN_ENV]
    lacking += [WEBHOOK_ENV] if contact and contact.webhook else []
    say(
        f"Grafana takes {', '.join(lacking)} from its own environment; docs/grafana.md says where the files go"
    )


def push(config: Config, contact: Contact | None, *, force: bool, dry_run: bool, as_json: bool) -> Exit:
    """Set a running Grafana up, or say what that would change; the worst that happened is the exit code."""
    source = config.grafana_source()
    wanted = Wanted(source, boards(source.policy), rules(source.policy), contact)
    changes = []
    with _grafana(config) as grafana:
        for change in Push(grafana, wanted, force=force, dry_run=dry_run).run():
            changes.append(change)
            if not as_json:
                would = (
                    "would be " if dry_run and change.outcome in {Outcome.CREATED, Outcome.UPDATED} else ""
                )
                give(f"{would}{change.outcome}: {change.what}" + (f" – {change.say}" if change.say else ""))
                if change.error is not None:
                    say(f"→ {change.error.way_out}")
                if dry_run and change.difference:
                    give(change.difference)
    if as_json:
        give_json(
            [
                {
                    "what": change.what,
                    "outcome": change.outcome,
                    "say": change.say,
                    "way_out": change.error.way_out if change.error else "",
                    "difference": change.difference if dry_run else "",
                }
                for change in changes
            ]
        )
    failed = any(change.outcome in {Outcome.FAILED, Outcome.SKIPPED} for change in changes)
    return Exit.GRAFANA if failed else Exit.OK


def check(config: Config, wearer: str | None, *, as_json: bool) -> Exit:
    """Ask a running Grafana what its panels get; raise NothingForwardedError when all of them are empty."""
    with _grafana(config) as grafana:
        version = grafana.version()
        said = checking.data_source(grafana)
        if not as_json:
            say(f"Grafana {version or 'of an unknown version'}: {said}")
        uids, now_ms = [board["uid"] for board in boards()], machine.utc_ns() // 10**6
        answers = list(checking.panels(grafana, uids, wearer, now_ms=now_ms))
    if as_json:
        give_json(answers)
    else:
        give_table(
            ("dashboard", "panel", "rows", ""),
            [(each.board, each.panel, str(each.rows), each.trouble) for each in answers],
        )
    if not any(each.rows for each in answers) and not any(each.trouble for each in answers):
        raise NothingForwardedError(grafana.url)
    return Exit.GRAFANA if any(each.trouble for each in answers) else Exit.OK


@contextmanager
def _grafana(config: Config) -> Iterator[Grafana]:
    grafana = Grafana(config.grafana_settings())
    try:
        yield grafana
    finally:
        grafana.close()
