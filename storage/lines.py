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
from typing import Any

from storage.entries import Stream
from storage.schema import KINDS, Column, Kind, Row, Type

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


def field_text(value: str) -> str:
    """Return a text as the quoted field value; line breaks may stand."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _put(column: Column) -> Callable[[Any], str]:
    """Return what writes a known value of a column as `name=value`, or as nothing if it is not finite."""
    name = column.name
    if column.type is Type.INT:
        return lambda value: f"{name}={value:d}i"
    if column.type is Type.FLOAT:
        return lambda value: f"{name}={float(value)!r}" if isfinite(value) else ""
    return lambda value: f"{name}={field_text(value)}"


def _form(kind: Kind[Any]) -> Callable[[Stream, Row], str | None]:
    """Return what turns a stream and a row of the kind into a line."""
    tags = [(at, column.name) for at, column in enumerate(kind.columns) if column.tag]
    puts = [_put(column) if at and not column.tag else None for at, column in enumerate(kind.columns)]

    @lru_cache(maxsize=4096)
    def head(*values: str) -> str:
        names = (*STREAM_TAGS, *(name for _, name in tags))
        # A tag without a value would break the line.
        pairs = (f",{name}={tag_text(value)}" for name, value in zip(names, values, strict=True) if value)
        return f"{kind.measurement}{''.join(pairs)} "

    def line(stream: Stream, row: Row) -> str | None:
        known = [put(value) for put, value in zip(puts, row, strict=True) if put and value is not None]
        fields = ",".join(filter(None, known))
        if not fields:
            return None
        values = [str(row[at] or "") for at, _ in tags]
        return f"{head(stream.wearer, stream.placement, *values)}{fields} {row[0]:d}"

    return line


_FORMS = {kind.name: _form(kind) for kind in KINDS if kind.measurement is not None}
