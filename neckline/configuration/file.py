"""The configuration's file: TOML text ⇄ `Config`.

Reading is strict; writing changes what it must, keeps every comment, and never leaves a broken file behind.
"""

import secrets
import tomllib
from collections.abc import Mapping, MutableMapping
from pathlib import Path

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError

from neckline.configuration.config import Config
from neckline.configuration.mistakes import problems_of, syntax_problem
from neckline.errors import ConfigAbsentError, ConfigError, ConfigUnwritableError, Problem
from neckline.paths import write_private

Value = str | float | bool

MAX_BYTES = 256 * 1024
"""A configuration is a few kB; what is longer is another file."""


def load(path: Path, *, must_exist: bool = False) -> Config:
    """Read the configuration; a file that is not there is an empty one, unless it must exist.

    Raises ConfigError with every mistake, ConfigAbsentError.
    """
    data = _read(path)
    if data is None and must_exist:
        raise ConfigAbsentError(path)
    return parse(data or b"", path)


def parse(data: bytes, path: Path) -> Config:
    """Read a configuration from the bytes of a file that lies (or will lie) at `path`; ConfigError."""
    if len(data) > MAX_BYTES:
        raise ConfigError(path, (Problem("", None, "this is no configuration: it is far too long"),))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, (Problem("", line, "this is not text in UTF-8"),)) from error
    try:
        plain = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(path, (syntax_problem(error, text),)) from error
    try:
        return Config.model_validate(plain, context={"folder": path.parent})
    except ValidationError as error:
        raise ConfigError(path, problems_of(error, plain, text)) from error


def change(path: Path, tables: Mapping[str, Mapping[str, Value | None]], *, otherwise: str = "") -> Config:
    """Set keys of tables (None: take the key out), keep all else as it stands, and return what it reads now.

    Begins with the text `otherwise` where there is no file. Raises ConfigError when the file cannot serve before or
    would not after, ConfigUnwritableError; the file is then as it was.
    """
    data = _read(path)
    if data is None:
        data = otherwise.encode()
    parse(data, path)
    try:
        text = _changed(data.decode("utf-8-sig"), tables)
    except TOMLKitError as error:  # what writes TOML knows a little less of it than what reads it
        names = " and ".join(f"[{name}]" for name in tables)
        why = f"this cannot be changed as it is written: write {names} as one table each"
        raise ConfigError(path, (Problem("", None, why),)) from error
    config = parse(text.encode(), path)
    write(path, text)
    return config


def _changed(text: str, tables: Mapping[str, Mapping[str, Value | None]]) -> str:
    document = tomlkit.parse(text)
    for name, values in tables.items():
        table = document.get(name)
        # Not tomlkit's own kind of table: one whose dotted keys stand apart (`wearer.id`, …) is a mapping, and no such.
        if not isinstance(table, MutableMapping):
            table = tomlkit.table()
            if document.as_string().strip():
                document.add(tomlkit.nl())
            document.add(name, table)
        for key, value in values.items():
            if value is not None:
                table[key] = value
            elif key in table:
                del table[key]
    return tomlkit.dumps(document)


def write(path: Path, text: str) -> None:
    """Write the file as a whole or not at all, for its owner alone; ConfigUnwritableError."""
    try:
        write_private(path, text)
    except OSError as error:
        raise ConfigUnwritableError(path, (error.strerror or str(error)).lower()) from error


def new_wearer_id() -> str:
    """Return a fresh pseudonym."""
    return f"w-{secrets.token_hex(4)}"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        detail = (error.strerror or str(error)).lower()
        raise ConfigError(path, (Problem("", None, f"it cannot be read: {detail}"),)) from error
