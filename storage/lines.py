"""Turns rows of the journal into lines of InfluxDB's line protocol, by the names and types of `storage.schema`.

    measurement,wearer=…,placement=…[,tag=…] field=value[,field=value…] time_ns

The first column of a kind is the line's timestamp, so a row written again overwrites itself. Tags are the stream and
the columns marked so; all others are fields, typed for ever by their column: ints as `7i`, floats with as many digits as
it takes to read back the last bit, text in quotes. What is not known is left out; so is a number that is not finite.

A block is written column by column, its numbers by pydantic's serialiser: four times as fast as `repr`. Sends nothing.

Grammar: https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/ and, where that is silent, the
parsers of InfluxDB 1.6 to 2.x (Go) and 3 Core (Rust), which differ in how they read a backslash in a tag.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pydantic_core import to_json

from storage.entries import Block, Stream
from storage.schema import Column, Kind, Row, Type, Value

STREAM_TAGS = ("wearer", "placement")

_UNTAGGABLE = re.compile(r"[\x00-\x1f\x7f\\%\ud800-\udfff]")
_SYNTAX = re.compile(r"[,= ]")


_NUMBERS = {Type.INT: b"-0123456789", Type.FLOAT: b"-+.e0123456789"}
_ABSENT = "null"


def line_of(kind: Kind[Any], stream: Stream, row: Row) -> str | None:
    """Return a row of a stream as one line, without its end; None if InfluxDB has no place for it."""
    (line,) = lines_of(Block(kind, (0,), (stream,), tuple((value,) for value in row)))
    return line


def lines_of(block: Block) -> list[str | None]:
    """Return rows as lines, without their ends; None for a row that InfluxDB has no place for.

    That is one of a kind without a measurement, and one of which nothing is known but the time.
    TypeError for a value that its column cannot hold.
    """
    if block.kind.measurement is None:
        return [None] * len(block.seqs)
    time, *columns = zip(block.kind.columns, block.columns, strict=True)
    fields = [_fields(column, values) for column, values in columns if not column.tag]
    return [
        f"{head}{known[:-1]} {time_ns}" if known else None
        for head, known, time_ns in zip(
            _heads(block), map("".join, zip(*fields, strict=True)), _written(*time).split(","), strict=True
        )
    ]


def _heads(block: Block) -> list[str]:
    """Return of each row the measurement and the tags."""
    tags = [(c.name, values) for c, values in zip(block.kind.columns, block.columns, strict=True) if c.tag]
    streams = {id(stream): stream for stream in block.streams}
    keys = list(zip(map(id, block.streams), *(values for _, values in tags), strict=True))
    heads = {}
    for number, *words in set(keys):
        stream = streams[number]
        names = (*STREAM_TAGS, *(name for name, _ in tags))
        carried = (stream.wearer, stream.placement, *(str(word or "") for word in words))
        # A tag without a value would break the line.
        pairs = (f",{name}={tag_text(value)}" for name, value in zip(names, carried, strict=True) if value)
        heads[number, *words] = f"{block.kind.measurement}{''.join(pairs)} "
    return [heads[key] for key in keys]


def _fields(column: Column, values: Sequence[Value]) -> list[str]:
    """Return `name=value,` of each row; nothing where the value is not known."""
    name, end = column.name, "i" if column.type is Type.INT else ""
    if column.type is Type.TEXT:
        texts = {value: "" if value is None else f"{name}={field_text(value)}," for value in set(values)}
        return [texts[value] for value in values]
    written = _written(column, values)
    if _ABSENT not in written:
        return f"{name}={written.replace(',', f'{end},;{name}=')}{end},".split(";")
    return ["" if text == _ABSENT else f"{name}={text}{end}," for text in written.split(",")]


def _written(column: Column, values: Sequence[Value]) -> str:
    """Return numbers as text with commas between, `null` where there is none or one that is not finite."""
    written = to_json(values, inf_nan_mode="null")[1:-1]
    if odd := written.translate(None, _NUMBERS[column.type] + b",nul"):
        raise TypeError(f"{column.name} is no {column.type}: {odd[:50]!r}")
    return written.decode()


@lru_cache(maxsize=4096)
def tag_text(value: str) -> str:
    """Return a tag value as line protocol.

    No escape that all servers agree on exists for control characters and backslashes, so those are written as in a
    URL (`%0A`, `%5C`), and `%` itself too: two values never become one tag.
    """
    carried = _UNTAGGABLE.sub(lambda found: f"%{ord(found[0]):02X}", value)
    return _SYNTAX.sub(r"\\\g<0>", carried)


@lru_cache(maxsize=4096)
def field_text(value: Value) -> str:
    """Return a text as the quoted field value; line breaks may stand. TypeError for what is no text."""
    if not isinstance(value, str):
        raise TypeError(f"a text is needed, not {type(value).__name__}")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
