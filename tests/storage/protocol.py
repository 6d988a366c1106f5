"""A reader of line protocol, written from its grammar and not from `storage.lines`: strict, and as the servers do it.

It reads the subset in which all servers agree, and refuses the rest: a backslash in a tag (Go and Rust read it
differently), an empty tag, a bare word.
"""

import re
from dataclasses import dataclass

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
TAG = re.compile(rf",({NAME})=((?:[^\x00-\x20\x7f,=\\]|\\[,= ])+)")
FIELD = re.compile(
    rf"({NAME})=(?:(?P<int>-?[0-9]+)i|(?P<float>-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?)"
    r'|"(?P<text>(?:[^"\\]|\\["\\])*)")(,| (?=-?[0-9]+(?:\n|\Z)))',
    re.DOTALL,
)
TIME = re.compile(r"(-?[0-9]+)(?:\n|\Z)")

Field = int | float | str


@dataclass(frozen=True, slots=True)
class Point:
    """One line."""

    measurement: str
    tags: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, Field], ...]
    time_ns: int

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...], int]:
        """What a later point overwrites this by."""
        return self.measurement, tuple(sorted(self.tags)), self.time_ns


def parse(body: str) -> list[Point]:
    """Return the points of a request; ValueError for anything that is not a line."""
    points, at = [], 0
    while at < len(body):
        if body[at] == "#":
            at = (body.find("\n", at) + 1) or len(body)
            continue
        name = re.compile(NAME).match(body, at)
        if name is None:
            raise ValueError(f"no measurement at {body[at : at + 40]!r}")
        at, tags, fields = name.end(), [], []
        while tag := TAG.match(body, at):
            tags.append((tag[1], re.sub(r"\\(.)", r"\1", tag[2])))
            at = tag.end()
        if body[at : at + 1] != " ":
            raise ValueError(f"no end of the tags at {body[at : at + 40]!r}")
        at, more = at + 1, ","
        while more == ",":
            field = FIELD.match(body, at)
            if field is None:
                raise ValueError(f"no field at {body[at : at + 40]!r}")
            fields.append((field[1], _value(field)))
            at, more = field.end(), field[5]
        time = TIME.match(body, at)
        if time is None:
            raise ValueError(f"no time at {body[at : at + 40]!r}")
        at = time.end()
        points.append(Point(name[0], tuple(tags), tuple(fields), int(time[1])))
    return points


def _value(field: re.Match[str]) -> Field:
    if field["int"] is not None:
        return int(field["int"])
    if field["float"] is not None:
        return float(field["float"])
    return re.sub(r"\\(.)", r"\1", field["text"])
