"""What the tables of the configuration have in common: strictness, files, addresses."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo


def _file(value: object, info: ValidationInfo) -> object:
    """Take a path as people write it: ~ is the home, relative to the configuration's folder."""
    if not isinstance(value, str):
        return value
    folder = (info.context or {}).get("folder", Path())
    return Path(folder, Path(value).expanduser())


File = Annotated[Path, BeforeValidator(_file)]


class Section(BaseModel):
    """One table: strict, nothing unknown, never changed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def plain_http(value: str, secret_goes: str) -> str:
    """Return an address that holds no password; ValueError for any other text."""
    try:
        parts = urlsplit(value)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f'must be an address as "http://localhost:8086", not "{value}"')
    if parts.username or parts.password:
        raise ValueError(f"must not hold a password: put the token into {secret_goes}")
    return value
