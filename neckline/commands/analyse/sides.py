"""`--set hold_s=60 --against hold_s=120` → the configurations that are set side by side."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from neckline.configuration.config import Alerts, Config, Detector
from neckline.configuration.file import load
from neckline.configuration.mistakes import problems_of
from processing.settings import Settings

AS_CONFIGURED = "as configured"
PLACES = dict.fromkeys(Detector.model_fields, "detector") | {
    name: "alerts"
    for name in Alerts.model_fields
    if name in Settings.__dataclass_fields__ or name == "schedule"
}
"""Settings that a recording can be judged by again, and the tables that they stand in."""


@dataclass(frozen=True, slots=True)
class Side:
    """One way to judge."""

    label: str
    config: Config


def sides_of(config: Config, changes: Sequence[str], against: Sequence[str]) -> tuple[Side, ...]:
    """Return one side, or two with `against`.

    The second is as the first but for what `against` names; a file in it is a configuration to begin from instead.
    Raises ValueError with a sentence, ConfigError, ConfigAbsentError.
    """
    first = Side(", ".join(changes) or AS_CONFIGURED, changed(config, changes))
    if not against:
        return (first,)
    files = [text for text in against if "=" not in text]
    if len(files) > 1:
        raise ValueError(f"--against takes one configuration, not {len(files)}: {', '.join(files)}")
    base = load(Path(files[0]), must_exist=True) if files else first.config
    words = [text for text in against if "=" in text]
    return first, Side(", ".join([*files, *words]), changed(base, words))


def changed(config: Config, changes: Sequence[str]) -> Config:
    """Return the configuration with settings changed: `hold_s=120`; with nothing behind = the default counts.

    Raises ValueError with a sentence.
    """
    plain: dict[str, Any] = config.model_dump(exclude_unset=True)
    for text in changes:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise ValueError(f'"{text}" sets nothing: write a setting and its value, as hold_s=120')
        name = key.removeprefix(f"{PLACES.get(key.rpartition('.')[2], '')}.")
        table = plain.setdefault(_table(name), {})
        table.pop(name, None)
        if value:
            table[name] = _value(value)
    try:
        return Config.model_validate(plain)
    except ValidationError as error:
        sentences = [problem.message for problem in problems_of(error, plain, "")]
        raise ValueError("; ".join(sentences)) from error


def _table(name: str) -> str:
    if name in PLACES:
        return PLACES[name]
    nearest = get_close_matches(name, PLACES, 1)
    meant = f"; did you mean {nearest[0]}?" if nearest else f"; there are {', '.join(sorted(PLACES))}"
    raise ValueError(f"{name} is no setting that a recording can be judged by again{meant}")


def _value(text: str) -> Any:
    """Read a value as the configuration's file has it; a word needs no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
