"""A fresh configuration file: every setting with its meaning, bounds and default, each commented out.

Made from the models and from `processing.settings.Settings`, so that it cannot go stale.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

import tomlkit

from neckline.configuration.config import MAY_BE_NEVER, NEVER, Config
from neckline.configuration.mistakes import span_of, table_model
from neckline.configuration.section import Section
from processing.settings import Settings

WIDTH = 100
EXAMPLE = "an example"
HEAD = """\
# neckline's configuration. A line that begins with "#" shows what a setting means, or its default:
# remove the "# " before a setting to change it. `neckline config check` says whether all is well.
# Secrets do not stand here, but in files named here or in the environment.
"""


class Entry(NamedTuple):
    """One setting, for people."""

    key: str
    meaning: str
    bounds: str
    """As `from 5 to 600 s`; empty where there are none."""
    default: str
    """As TOML; empty where there is none."""
    example: str
    """As TOML; empty where the default serves."""


def entries(table: str) -> Iterator[Entry]:
    """Yield the settings of a table, in order."""
    model = table_model((table,))
    for key, info in model.model_fields.items() if model else ():
        default = info.get_default()
        if default is None:
            default = getattr(Settings(), key, None)
        if default is None and key in MAY_BE_NEVER:
            default = NEVER
        example = next(iter(info.examples or ()), None)
        yield Entry(
            key=key,
            meaning=info.description or _meanings()[key],
            bounds=span_of(model, key),
            default="" if info.is_required() or default is None else _toml(default),
            example="" if example is None else _toml(example),
        )


def template(wearer_id: str) -> str:
    """Return a configuration for a new wearer, in which all else is the default."""
    parts = [HEAD]
    for table, info in Config.model_fields.items():
        optional = not isinstance(info.default, Section)
        model = table_model((table,))
        about = inspect.getdoc(model) or ""
        parts.append(f"\n{_comment(about)}{'# ' if optional else ''}[{table}]\n")
        for entry in entries(table):
            parts.append("\n" + _comment(entry.meaning))
            if (table, entry.key) == ("wearer", "id"):
                parts.append(f"id = {_toml(wearer_id)}\n")
                continue
            notes = "; ".join(filter(None, ("" if entry.default else EXAMPLE, entry.bounds)))
            value = entry.default or entry.example
            parts.append(f"# {entry.key} = {value}{f'  # {notes}' if notes else ''}\n")
    return "".join(parts)


@cache
def _meanings() -> Mapping[str, str]:
    """Return what is written below each field of Settings."""
    found = {}
    for statement, below in pairwise(ast.walk(ast.parse(inspect.getsource(Settings)))):
        match statement, below:
            case ast.AnnAssign(ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                found[name] = " ".join(text.replace("`", "").split())
    return MappingProxyType(found)


def _toml(value: Any) -> str:
    plain = value.value if isinstance(value, Enum) else list(value) if isinstance(value, tuple) else value
    text: str = tomlkit.item(plain).as_string()
    return text


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(" ".join(text.split()), WIDTH))
