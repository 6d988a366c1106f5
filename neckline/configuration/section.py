"""What the tables of the configuration have in common: strictness, files, addresses."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo

from dashboards.address import check_address


def _file(value: object, info: ValidationInfo) -> object:
    """Take a path as people write it: ~ is the home, relative to the configuration's folder.

    ValueError for what can never be one: pydantic, and later every user of the path, would let another error through.
    """
    if not isinstance(value, str):
        return value
    if "\0" in value:
        raise ValueError("must not hold a NUL character: no path can")
    folder = (info.context or {}).get("folder", Path())
    path = Path(value)
    try:
        return Path(folder, path.expanduser())
    except RuntimeError as error:
        raise ValueError(f'must begin with a home that this computer knows, not "{path.parts[0]}"') from error


File = Annotated[Path, BeforeValidator(_file)]


class Section(BaseModel):
    """One table: strict, nothing unknown, never changed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def plain_http(value: str, secret_goes: str) -> str:
    """Return an address that holds no password; ValueError for any other text."""
    check_address(value, "http://localhost:8086", f"put the token into {secret_goes}")
    return value
