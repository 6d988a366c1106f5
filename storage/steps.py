# ruff: noqa: S608 (the names in the statements are those of storage.schema)
"""What brings the tables of an older journal to the next layout, row by row: checksums cover columns that were not there.

A row that was damaged stays so: it keeps its checksum, which then is as wrong as before.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from storage.entries import Stream
from storage.rows import PackedRow, Packing
from storage.schema import EVENT

ALERT_COLUMNS = 18
"""Of events before layout 3."""


def add_held_s(connection: sqlite3.Connection, create: Sequence[str], insert: str) -> None:
    """Make the table of events anew, with how long after its onset each alert came: it follows from what is there."""
    older = EVENT.columns[:ALERT_COLUMNS]
    was, now = Packing(replace(EVENT, columns=older)), Packing(EVENT)
    streams = {id_: names for id_, *names in connection.execute("SELECT id, wearer, placement FROM stream")}
    names = ", ".join(column.name for column in older)
    found = connection.execute(f"SELECT seq, stream, {names}, crc FROM event").fetchall()
    connection.execute("DROP TABLE event")
    for statement in create:
        connection.execute(statement)
    connection.executemany(insert, [_held(was, now, streams, row) for row in found])


def _held(
    was: Packing, now: Packing, streams: dict[int, list[str]], found: tuple[Any, ...]
) -> tuple[Any, ...]:
    seq, stream_id, *values, crc = found
    row = tuple(values)
    try:
        stream = Stream(*streams[stream_id])
    except (KeyError, ValueError, TypeError):
        return seq, stream_id, *row, None, crc
    if not was.is_whole(seq, stream, row, crc):
        return seq, stream_id, *row, None, crc
    time_ns, _, onset_ns, _, _, _, threshold_deg, *_ = row
    held_s = None if threshold_deg is None or onset_ns is None else (time_ns - onset_ns) / 1e9
    row = (*row, held_s)
    return seq, stream_id, *row, PackedRow(stream, EVENT, row, now.digest(stream, row)).seal(seq)
