# ruff: noqa: S608 (the names in the statements are those of storage.schema)
"""What goes when the journal grows larger than it may: the oldest epochs, never anything else, and each is counted.

Up to `floor` seqs are epochs that were removed, or rows of other kinds that are still there: so no hole is remembered
for each of them, and what is left of a year is its minutes, episodes and events.

The newest epochs stay, and so does what a sink has not got yet: an outage of weeks costs room, and no rows.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from processing.outputs import Event, EventKind
from storage.rows import checksum
from storage.schema import EPOCH
from storage.tables import TABLES

SHED_ROWS = 86_400
"""Removed at once: a day of one wearer, in a second or so."""
KEPT_ROWS = 86_400
"""Never removed, the newest of each stream: the seconds of a day, 9 MB. Counted in seqs, so no wrong clock removes them."""
FLOOR = "epochs removed up to"
"""Its cursor."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Epochs of one stream that go at once."""

    stream: int
    """Its number in the file."""
    rows: int
    since_ns: int
    until_ns: int

    def event(self, now_ns: int) -> Event:
        """Return what is stored of it."""
        return Event(now_ns, EventKind.EPOCHS_REMOVED, self.since_ns, self.until_ns, float(self.rows))


@dataclass(frozen=True, slots=True)
class Shed:
    """What one try to make room came to."""

    gone: tuple[Removal, ...] = ()
    waits_for: str = ""
    """The sink that has to get older epochs before they can go; empty if no sink is in the way."""


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return what the journal's rows take, without pages that are free."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages - free) * int(size)


def give_back(connection: sqlite3.Connection) -> None:
    """Give the pages that are free back to the disk. Outside of a transaction."""
    # `execute` would take one step, which frees one page.
    connection.executescript("PRAGMA incremental_vacuum")


def floor(connection: sqlite3.Connection) -> int:
    """Return up to which seq epochs were removed; 0 if none were."""
    found = connection.execute("SELECT seq, crc FROM cursor WHERE sink = ?", (FLOOR,)).fetchone()
    return int(found[0]) if found and checksum(FLOOR, found[0]) == found[1] else 0


def limit(
    connection: sqlite3.Connection, last_seq: int, streams: int, sinks: Collection[str] | None
) -> tuple[int, str]:
    """Return up to which seq epochs may go, and the sink without which more could; empty if there is none.

    `sinks` are those that are at work; None for all that the journal knows.
    """
    cursors = {
        sink: seq if checksum(sink, seq) == crc else 0
        for sink, seq, crc in connection.execute(
            "SELECT sink, seq, crc FROM cursor WHERE sink <> ?", (FLOOR,)
        )
    }
    last = max(0, last_seq - KEPT_ROWS * streams)
    got = {sink: cursors.get(sink, 0) for sink in (cursors if sinks is None else sinks)}
    slowest = min(got, key=got.__getitem__, default="")
    return (got[slowest], slowest) if slowest and got[slowest] < last else (last, "")


def remove_oldest(connection: sqlite3.Connection, until_seq: int) -> tuple[int, list[Removal]]:
    """Remove SHED_ROWS epochs up to a seq, the oldest by it; return up to which, and what went. Inside of a transaction."""
    time = TABLES[EPOCH.name].time
    (last,) = connection.execute(
        f"SELECT max(seq) FROM (SELECT seq FROM {EPOCH.name} WHERE seq <= ? ORDER BY seq LIMIT ?)",
        (until_seq, SHED_ROWS),
    ).fetchone()
    if last is None:
        return 0, []
    gone = [
        Removal(*found)
        for found in connection.execute(
            f"SELECT stream, count(*), min({time}), max({time}) + 1000000000 FROM {EPOCH.name} WHERE seq <= ? GROUP BY stream",
            (last,),
        )
    ]
    connection.execute(f"DELETE FROM {EPOCH.name} WHERE seq <= ?", (last,))
    connection.execute("DELETE FROM hole WHERE seq <= ?", (last,))
    return int(last), gone
