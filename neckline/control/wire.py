"""What a running service and the commands beside it say to each other, and over which wire.

`run` listens on a free port of 127.0.0.1 and leaves the port and a random token in `<journal>.run.json`, readable
by its user alone. A request is one JSON line with the token, one to a connection; the answer is one JSON line, or
one for each prompt while calibrating. Lines are bounded. `neckline.control.server` and `neckline.control.client`
are the two ends.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from neckline.wearing.calibrating import Prompt
from neckline.wearing.status import Status
from processing.outputs import Stance

T = TypeVar("T")

MAX_LINE = 64 * 1024
"""Bytes of one line, in either direction; a status is about 2 kB."""


class Handler(Protocol):
    """What a service does for the commands beside it."""

    def status(self) -> Status:
        """Return how things stand; quick, called in the service's loop."""

    async def snooze(self, until_ns: int | None) -> None:
        """Give no alerts before a time (None: end the snooze); returns when that is durable."""

    async def visit(self, time_ns: int) -> None:
        """Store that therapist and wearer met at a time; returns when that is durable."""

    async def feedback(self, duration_ms: int) -> None:
        """Have the clip give a sign; returns when it has taken it."""

    def calibrate(self, *, slump: bool, stance: Stance) -> AsyncGenerator[Prompt, None]:
        """Guide the wearer through a calibration, put it in force and store it; the last prompt is done or refused."""


# ---- the wire --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service listens: the content of `<journal>.run.json`."""

    pid: int
    port: int
    token: str
    owner: str
    """As the journal's lock names it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One line from a command."""

    token: str
    do: str
    """`hello`, `status`, `snooze`, `visit`, `feedback` or `calibrate`."""
    until_ns: int | None = None
    time_ns: int = 0
    duration_ms: int = 0
    slump: bool = False
    stance: Stance = Stance.SITTING


@dataclass(frozen=True, slots=True)
class Reply:
    """One line from the service: one of these."""

    status: Status | None = None
    prompt: Prompt | None = None
    error: str = ""
    """A refusal: a sentence."""
    way_out: str = ""


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (Endpoint, Request, Reply)
}


def to_line(message: Endpoint | Request | Reply) -> bytes:
    """Write a message as one line of JSON."""
    return _ADAPTERS[type(message)].dump_json(message) + b"\n"


def from_line(kind: type[T], line: bytes) -> T:
    """Read a message back; ValueError for anything else."""
    try:
        message: T = _ADAPTERS[kind].validate_json(line)
    except ValidationError as error:
        raise ValueError(f"not a {kind.__name__}: {error.errors()[0]['msg']}") from error
    return message


def endpoint_path(journal_path: Path) -> Path:
    """Return the file in which the service on a journal says where it listens."""
    return journal_path.with_name(journal_path.name + ".run.json")
