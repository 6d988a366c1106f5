"""Turns rows of the journal into lines of InfluxDB's line protocol, by the names and types of `storage.schema`.

    measurement,wearer=…,placement=…[,tag=…] field=value[,field=value…] time_ns

The first column of a kind is the line's timestamp, so a row written again overwrites itself. Tags are the stream and
the columns marked so; all others are fields, typed for ever by their column: ints as `7i`, floats by `repr` (the last
bit survives), text in quotes. What is not known is left out; so is a number that is not finite. Sends nothing.

Grammar: https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/ and, where that is silent, the
parsers of InfluxDB 1.6 to 2.x (Go) and 3 Core (Rust), which differ in how they read a backslash in a tag.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from operator import itemgetter
from typing import Any

from storage.entries import Stream
from storage.schema import KINDS, Kind, Row, Type

STREAM_TAGS = ("wearer", "placement")

_UNTAGGABLE = re.compile(r"[\x00-\x1f\x7f\\%\ud800-\udfff]")
_SYNTAX = re.compile(r"[,= ]")


def line_of(kind: Kind[Any], stream: Stream, row: Row) -> str | None:
    """Return a row of a stream as one line, without its end; None if InfluxDB has no place for it.

    That is a kind without a measurement, and a row of which nothing is known but the time.
    TypeError or ValueError for a value that its column cannot hold.
    """
    form = _FORMS.get(kind.name)
    return form(stream, row) if form else None


@lru_cache(maxsize=4096)
def tag_text(value: str) -> str:
    """Return a tag value as line protocol.

    No escape that all servers agree on exists for control characters and backslashes, so those are written as in a
    URL (`%0A`, `%5C`), and `%` itself too: two values never become one tag.
    """
    carried = _UNTAGGABLE.sub(lambda found: f"%{ord(found[0]):02X}", value)
    return _SYNTAX.sub(r"\\\g<0>", carried)


@lru_cache(maxsize=4096)
def field_text(value: str) -> str:
    """Return a text as the quoted field value; line breaks may stand."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_PLACES = {Type.INT: "{:d}i", Type.FLOAT: "{!r}", Type.TEXT: "{}"}


def _form(kind: Kind[Any]) -> Callable[[Stream, Row], str | None]:
    """Return what turns a stream and a row of the kind into a line: one template for each set of known fields."""
    tags = [(at, column.name) for at, column in enumerate(kind.columns) if column.tag]
    fields = [column for column in kind.columns[1:] if not column.tag]
    pick = itemgetter(*(kind.columns.index(column) for column in fields))
    floats = [at for at, column in enumerate(fields) if column.type is Type.FLOAT]
    texts = [at for at, column in enumerate(fields) if column.type is Type.TEXT]

    @lru_cache(maxsize=4096)
    def head(*values: str) -> str:
        names = (*STREAM_TAGS, *(name for _, name in tags))
        # A tag without a value would break the line.
        pairs = (f",{name}={tag_text(value)}" for name, value in zip(names, values, strict=True) if value)
        return f"{kind.measurement}{''.join(pairs)} "

    @lru_cache(maxsize=4096)
    def put(unknown: tuple[bool, ...]) -> Callable[..., str]:
        places = [f"{c.name}={_PLACES[c.type]}" for c, not_ in zip(fields, unknown, strict=True) if not not_]
        return ("{}" + ",".join(places) + " {:d}").format

    def line(stream: Stream, row: Row) -> str | None:
        values: list[Any] = list(pick(row))
        for at in floats:
            value = values[at]
            if value is not None:
                values[at] = float(value) if isfinite(value) else None
        for at in texts:
            if values[at] is not None:
                values[at] = field_text(values[at])
        known = [value for value in values if value is not None]
        if not known:
            return None
        named = head(stream.wearer, stream.placement, *(str(row[at] or "") for at, _ in tags))
        return put(tuple([value is None for value in values]))(named, *known, row[0])

    return line


_FORMS = {kind.name: _form(kind) for kind in KINDS if kind.measurement is not None}
