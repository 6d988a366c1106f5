"""A packet with what is known of it, and whether the product agrees."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeGuard

from firmware_protocol.errors import ProtocolError

RELATIVE = 1e-4
NOT_THE_PACKETS: Mapping[str, str] = {
    "battery_pct_csharp": "what another program of the vendor makes of the voltage",
}
"""Words of the file that tell of something else than the packet; they are not compared."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One line of the file."""

    id: str
    dev: str
    kind: str
    data: bytes
    ctx: Mapping[str, Any]
    """What a decoder must know besides."""
    expect: Mapping[str, Any]

    @property
    def is_wrong(self) -> bool:
        """Whether the source calls the packet wrong, so that it must be refused."""
        out = self.expect.get("out")
        refused = isinstance(out, str) and out.startswith("error")
        return refused or "error" in self.expect or self.expect.get("checksum_ok") is False


@dataclass(frozen=True, slots=True)
class Said:
    """What the product says of a packet, in the file's words, and the bytes that it would write."""

    facts: Mapping[str, object]
    written: bytes | None = None


Reader = Callable[[Vector], Said]


class NoWordError(Exception):
    """The product has no word for what a vector says."""


class Outcome(Enum):
    """How a vector came out."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Result:
    """A vector's outcome, and why if it is not passed."""

    vector: Vector
    outcome: Outcome
    why: str = ""


def load(path: Path) -> Iterator[Vector]:
    """Read the file."""
    for line in path.read_text().splitlines():
        each = json.loads(line)
        data = bytes.fromhex(each["hex"])
        yield Vector(each["id"], each["dev"], each["kind"], data, each.get("ctx", {}), each["expect"])


def judge(vector: Vector, reader: Reader | None) -> Result:
    """Ask the product, and compare."""
    if reader is None:
        return Result(vector, Outcome.UNSUPPORTED, "no module reads this kind")
    try:
        said = reader(vector)
    except NoWordError as error:
        return Result(vector, Outcome.UNSUPPORTED, str(error))
    except ProtocolError as error:
        if vector.is_wrong:
            return Result(vector, Outcome.PASSED)
        return Result(vector, Outcome.FAILED, f"refused: {error}")
    except (LookupError, TypeError, ValueError) as error:
        return Result(vector, Outcome.FAILED, f"the reader fell: {error!r}")
    if vector.is_wrong:
        return Result(vector, Outcome.FAILED, "not refused")
    return _compare(vector, said)


def _compare(vector: Vector, said: Said) -> Result:
    expected = {word: value for word, value in vector.expect.items() if word not in NOT_THE_PACKETS}
    for word in expected.keys() & said.facts.keys():
        if not agrees(said.facts[word], expected[word]):
            return Result(vector, Outcome.FAILED, f"{word} is {said.facts[word]}, not {expected[word]}")
    if said.written is not None and said.written.ljust(len(vector.data), b"\0") != vector.data:
        return Result(vector, Outcome.FAILED, f"written as {said.written.hex()}, not {vector.data.hex()}")
    unknown = expected.keys() - said.facts.keys()
    if unknown:
        return Result(vector, Outcome.UNSUPPORTED, f"no word for {', '.join(sorted(unknown))}")
    return Result(vector, Outcome.PASSED)


def agrees(said: object, expected: object) -> bool:
    """Tell whether what the product says is what the file says."""
    if isinstance(expected, Mapping):
        return isinstance(said, Mapping) and all(
            word in said and agrees(said[word], value) for word, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(said, Sequence)
            and len(said) == len(expected)
            and all(agrees(one, other) for one, other in zip(said, expected, strict=True))
        )
    if not isinstance(expected, float) and not isinstance(said, float):
        return said == expected and isinstance(said, bool) == isinstance(expected, bool)
    if not _is_number(said) or not _is_number(expected):
        return False
    return abs(said - expected) <= max(RELATIVE * abs(expected), _last_digit(expected) / 2 * 1.01)


def _is_number(thing: object) -> TypeGuard[float]:
    return isinstance(thing, int | float) and not isinstance(thing, bool)


def _last_digit(number: float) -> float:
    """Return what one in the last printed digit of a number is worth; whole numbers are printed exactly."""
    if isinstance(number, int):
        return 0.0
    text = repr(number)
    if "e" in text or "." not in text:
        return 0.0
    return 10.0 ** -len(text.partition(".")[2])
