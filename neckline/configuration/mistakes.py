"""What pydantic and TOML have to say about a configuration → sentences for people, each with its line.

Every sentence names the key with its table; an unknown key comes with the known one that was probably meant.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from neckline.configuration.config import Config
from neckline.configuration.section import Section
from neckline.errors import Problem

Where = tuple[str, ...]
"""A key with the tables that it stands in."""

MAX_STATEMENT_LINES = 500
SECRETS = {"token", "password", "secret", "push_url", "push_urls", "urls"}
UNITS = {"_s": " s", "_deg": "°", "_degps": " °/s", "_hz": " Hz", "_g": " g"}
WANTED = {
    "float_type": "a number",
    "finite_number": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "tuple_type": 'a list of texts, as ["…", "…"]',
    "is_instance_of": "a path in quotes",
}
"""What pydantic's kinds of error ask for."""


def syntax_problem(error: Exception, text: str) -> Problem:
    """Name the line that TOML's grammar breaks at."""
    message = str(error)
    at = re.search(r" ?\(at (?:line (\d+), column \d+|end of document)\)", message)
    line = int(at[1]) if at and at[1] else text.rstrip("\n").count("\n") + 1
    what = message[: at.start()] if at else message
    return Problem("", line, f"this is not TOML: {what[:1].lower()}{what[1:]}")


def problems_of(error: ValidationError, plain: Mapping[str, Any], text: str) -> tuple[Problem, ...]:
    """Return every mistake in a file, by line."""
    lines = lines_of(text)
    problems = [_problem(detail, plain, lines) for detail in error.errors()]
    return tuple(sorted(problems, key=lambda each: each.line or 0))


def lines_of(text: str) -> dict[Where, int]:
    """Return the line of every table and key: each statement read alone, below the table that it stands in."""
    lines: dict[Where, int] = {}
    table: Where = ()
    statement, begin = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        begin = begin if statement else number
        statement += line + "\n"
        try:
            said = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            if number - begin > MAX_STATEMENT_LINES:
                break
            continue
        if said:
            is_header = statement.lstrip().startswith("[")
            keys = list(_keys(said))
            for key in keys:
                lines.setdefault(key if is_header else (*table, *key), begin)
            table = keys[-1] if is_header else table
        statement = ""
    return lines


def _keys(plain: Mapping[str, Any]) -> Iterator[Where]:
    for key, value in plain.items():
        yield (key,)
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, dict):
            yield from ((key, *rest) for rest in _keys(inner))


def _problem(detail: ErrorDetails, plain: Mapping[str, Any], lines: Mapping[Where, int]) -> Problem:
    where: Where = tuple(str(part) for part in detail["loc"] if isinstance(part, str))
    # A key that is lacking has no line: its table has.
    line = next((lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in lines), None)
    key = ".".join(where)
    table = table_model(where[:-1])
    match detail["type"]:
        case "extra_forbidden":
            return _unknown(where, line, plain)
        case "missing":
            return Problem(
                key, line, f"[{'.'.join(where[:-1])}] lacks {where[-1]}: {_meaning(table, where[-1])}"
            )
        case "model_type":
            return Problem(key, line, f"{key} is a table: write [{key}] and its settings below")
        case "greater_than_equal" | "less_than_equal":
            return Problem(key, line, f"{key} must be {span_of(table, where[-1])}, not {detail['input']}")
        case "string_too_short":
            return Problem(key, line, f"{key} must not be empty")
        case "literal_error":
            known = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
            nearest = _nearest(str(detail["input"]), known)
            meant = f'; did you mean "{nearest}"?' if nearest and len(known) > 1 else ""
            choice = f"one of {', '.join(known)}" if len(known) > 1 else f'"{known[0]}"'
            return Problem(
                key, line, f"{key} must be {choice}, not {_shown(detail['input'])}{meant}", nearest
            )
        case "value_error":
            why = str(detail["ctx"]["error"])
            return Problem(key, line, f"{key}{' ' if why.startswith('must ') else ': '}{why}")
        case kind:
            return Problem(
                key, line, f"{key} must be {WANTED.get(kind, detail['msg'])}, not {_shown(detail['input'])}"
            )


def _unknown(where: Where, line: int | None, plain: Mapping[str, Any]) -> Problem:
    """Tell what was probably meant: a key of the same table, a key of another, or that secrets stand elsewhere."""
    key, own = where[-1], table_model(where[:-1])
    full = ".".join(where)
    message = f"unknown {'table' if isinstance(_at(plain, where), dict) else 'key'} {full}"
    beside = _fields(own)
    elsewhere = {
        name: f"{table}.{name}" for table in Config.model_fields for name in _fields(table_model((table,)))
    }
    if near := _nearest(key, beside):
        nearest = ".".join((*where[:-1], near))
    else:
        nearest = elsewhere.get(_nearest(key, [*elsewhere], 0.8), "")
    if key in SECRETS:
        rule = "secrets do not stand here: write it into a file, and name that file"
        return Problem(full, line, f"{message}: {rule}" + (f" with {nearest}" if nearest else ""), nearest)
    if nearest:
        return Problem(full, line, f"{message}; did you mean {nearest}?", nearest)
    return Problem(full, line, f"{message}; known here: {', '.join(beside)}")


def _nearest(word: str, known: list[str], cutoff: float = 0.6) -> str:
    return next(iter(get_close_matches(word, known, 1, cutoff)), "")


def _at(plain: Mapping[str, Any], where: Where) -> Any:
    value: Any = plain
    for key in where:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def table_model(where: Where) -> type[Section] | None:
    """Return the model of a table."""
    model: type[BaseModel] = Config
    for key in where:
        annotation = model.model_fields[key].annotation if key in model.model_fields else None
        kinds = (annotation, *getattr(annotation, "__args__", ()))
        found = next((k for k in kinds if isinstance(k, type) and issubclass(k, Section)), None)
        if found is None:
            return None
        model = found
    return model if issubclass(model, Section) else None


def _fields(table: type[Section] | None) -> list[str]:
    return [*table.model_fields] if table else []


def _meaning(table: type[Section] | None, key: str) -> str:
    text = table.model_fields[key].description if table and key in table.model_fields else None
    return text or ""


def span_of(table: type[Section] | None, key: str) -> str:
    """Return a number's bounds in words, empty where it has none."""
    bounds: dict[str, float] = {}
    for bound in table.model_fields[key].metadata if table else ():
        bounds |= {name: getattr(bound, name) for name in ("ge", "le") if hasattr(bound, name)}
    unit = next((unit for ending, unit in UNITS.items() if key.endswith(ending)), "")
    return f"from {bounds['ge']:g} to {bounds['le']:g}{unit}" if bounds else ""


def _shown(value: object) -> str:
    text = (
        f'"{value}"'
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
    return text if len(text) <= 60 else f"{text[:57]}…"
