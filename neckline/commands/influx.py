"""`neckline influx setup`: the bucket that rows go to, how long they are kept, and a token that may only read them."""

from dataclasses import replace
from pathlib import Path

from neckline.commands.output import give, give_json, say
from neckline.configuration.config import Config, token_of
from neckline.errors import NoInfluxdbError
from storage.influx_setup import Tokens, set_up

ADMIN_TOKEN_ENV = "NECKLINE_INFLUXDB_ADMIN_TOKEN"  # noqa: S105 (a name)


def setup(
    config: Config,
    tokens: Tokens,
    *,
    admin_token_file: Path | None,
    keep_days: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Set an InfluxDB up as the configuration names it. Raises NoInfluxdbError, InfluxError, SecretError."""
    settings = config.influxdb_settings()
    if settings is None:
        raise NoInfluxdbError
    if token := token_of(ADMIN_TOKEN_ENV, admin_token_file, "--admin-token-file"):
        settings = replace(settings, token=token)
    steps = []
    for step in set_up(settings, tokens, keep_days=keep_days, dry_run=dry_run):
        steps.append(step)
        if not as_json:
            would = "would be " if dry_run and step.outcome in {"created", "changed"} else ""
            give(f"{would}{step.outcome}: {step.what}" + (f" – {step.say}" if step.say else ""))
    if as_json:
        give_json(steps)
    elif not dry_run:
        say("next: `neckline doctor` asks whether rows may be written")
