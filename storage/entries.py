"""What goes into the journal and what comes out of it, as values: streams, batches, entries, cursors, dead letters."""

import re
from dataclasses import dataclass
from typing import Any

from sensor.samples import SampleBlock
from storage.schema import Kind, Record, Row, Value

INFLUXDB = "influxdb"
"""The name of the sink that InfluxDB is: whose cursor and dead letters they are in the journal."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
"""Names that mean the same in SQLite, in line protocol (no escapes), in a spreadsheet (no formula) and in a path."""


@dataclass(frozen=True, slots=True, order=True)
class Stream:
    """Whose samples, worn where: `wearer` is a pseudonym. ValueError for a name that not every store can hold."""

    wearer: str
    placement: str

    def __post_init__(self) -> None:
        for name in (self.wearer, self.placement):
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no name: 1 to 64 of A-Z a-z 0-9 _ . : - are, a letter or digit first"
                )


@dataclass(frozen=True, slots=True)
class Batch:
    """What one call of `step` gave, and the state after it. All of it becomes durable, or none.

    With whatever came out of it give the state after it; or else the samples that it came of, if a state of the stream
    was given before in this run, and no more than `storage.states.SLOTS` times in between. A state older than the stored
    rows would, after a crash, write gaps over them.
    """

    stream: Stream
    records: tuple[Record, ...]
    state: bytes | None = None
    """None leaves the stored one as it is."""
    since: SampleBlock | None = None
    """What `step` took after the stored state, or after the samples that were given before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the journal, as sinks read it."""

    seq: int
    stream: Stream
    kind: Kind[Any]
    row: Row


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one kind in order of seq, column by column: how many are read, checked and written at once."""

    kind: Kind[Any]
    seqs: tuple[int, ...]
    streams: tuple[Stream, ...]
    columns: tuple[tuple[Value, ...], ...]
    """In the order of the kind's."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row that a sink refused for good."""

    seq: int
    kind: str
    line: str
    """What was sent."""
    reason: str
    """What the sink answered."""
    time_ns: int
    """When it was refused."""


@dataclass(frozen=True, slots=True)
class Advance:
    """A sink has delivered all up to a seq, but for what it refused for good."""

    sink: str
    seq: int
    dead: tuple[DeadLetter, ...] = ()


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far behind a sink is."""

    cursor: int
    """All up to this seq is delivered, or dead."""
    rows: int
    """Rows not delivered yet."""
    oldest_ns: int | None
    """Time of the first of them."""
