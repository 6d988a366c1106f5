# ruff: noqa: S608 (the names in the queries are our own)
"""Is the journal whole? Every seq is a row with the right checksum or a known hole; what is not is told as a value."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum
from heapq import merge
from operator import itemgetter

from storage.entries import Stream
from storage.errors import SQLITE_ERRORS
from storage.removal import floor
from storage.rows import PACKING, checksum
from storage.states import SLOTS, unwrap, unwrap_since
from storage.tables import TABLES

PROGRESS_ROWS = 10_000
MAX_DAMAGES = 1000
"""Told one by one; beyond that the journal is a ruin, and the list says so."""


class Harm(StrEnum):
    """What happened."""

    ALTERED = "altered"
    """The row is there and its values are not what was written."""
    LOST = "lost"
    """Rows that were written are not there."""
    UNREADABLE = "unreadable"
    """SQLite cannot read a part of the file."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with some rows; `table` names theirs, where it is known."""

    harm: Harm
    table: str = ""
    first_seq: int | None = None
    last_seq: int | None = None
    after_ns: int | None = None
    """Time of the nearest row before that is whole: from here on data may be missing."""
    before_ns: int | None = None
    """Time of the nearest row after that is whole."""
    detail: str = ""

    def __str__(self) -> str:
        what = f"{self.table} " if self.table else ""
        if self.first_seq is None or self.last_seq is None:
            return f"{what}{self.harm.value}: {self.detail}"
        rows = self.last_seq - self.first_seq + 1
        if rows == 1:
            return f"1 {what}row {self.harm.value} (number {self.first_seq})"
        return f"{rows} {what}rows {self.harm.value} (numbers {self.first_seq} to {self.last_seq})"


@dataclass(frozen=True, slots=True)
class _Seen:
    """One seq that is accounted for."""

    seq: int
    table: str
    time_ns: int | None
    whole: bool


def streams(connection: sqlite3.Connection) -> dict[int, Stream]:
    """Return the streams by their number in the file; those whose name is damaged are left out."""
    found = {}
    for number, wearer, placement in connection.execute("SELECT id, wearer, placement FROM stream"):
        try:
            found[number] = Stream(wearer, placement)
        except (TypeError, ValueError):
            continue
    return found


class Check:
    """A walk over the rows after a seq, in order of seq."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._streams = streams(connection)
        self._floor = floor(connection)
        self._found: list[Damage] = []
        self._open = 0
        """From here on, what was found still waits for the time of the next whole row."""

    def rows(
        self, after_seq: int, last_seq: int, on_progress: Callable[[int, int], None] | None = None
    ) -> list[Damage]:
        """Return what is wrong with the rows after one seq up to another."""
        expected, time_ns = max(after_seq, self._floor) + 1, None
        everything = merge(
            *(self._kind(name, after_seq) for name in TABLES),
            self._holes(after_seq),
            key=lambda seen: seen.seq,
        )
        for count, seen in enumerate(everything):
            if on_progress is not None and count % PROGRESS_ROWS == 0:
                on_progress(min(seen.seq, last_seq) - after_seq, last_seq - after_seq)
            if seen.seq > last_seq:
                break
            if seen.seq > expected:
                self._tell(Damage(Harm.LOST, "", expected, seen.seq - 1, time_ns))
            removed = seen.seq <= self._floor  # what lacks down there are epochs that had to go
            if (seen.seq < expected and not removed) or not seen.whole:
                self._tell(Damage(Harm.ALTERED, seen.table, seen.seq, seen.seq, time_ns))
            elif seen.time_ns is not None:
                time_ns = seen.time_ns
                self._close(time_ns)
            expected = max(expected, seen.seq + 1)
        if expected <= last_seq:
            self._tell(Damage(Harm.LOST, "", expected, last_seq, time_ns))
        return self._found

    def file(self) -> list[Damage]:
        """Return what SQLite itself finds wrong, and what is wrong in the small tables."""
        try:
            for (line,) in self._connection.execute("PRAGMA integrity_check(100)"):
                if line != "ok":
                    self._tell(Damage(Harm.UNREADABLE, detail=line))
        except SQLITE_ERRORS as error:
            self._tell(Damage(Harm.UNREADABLE, detail=str(error)))
        for table, columns in (
            ("journal", "id, created_ns"),
            ("cursor", "sink, seq"),
            ("dead_letter", "sink, seq, kind, line, reason, time_ns"),
        ):
            self._small(table, columns)
        self._states()
        return self._found

    def _small(self, table: str, columns: str) -> None:
        try:
            select = f"SELECT crc, {columns} FROM {table}"
            for crc, *values in self._connection.execute(select):
                if checksum(*values) != crc:
                    self._tell(Damage(Harm.ALTERED, table, detail="its checksum is wrong"))
        except SQLITE_ERRORS as error:
            self._tell(Damage(Harm.UNREADABLE, table, detail=str(error)))

    def _states(self) -> None:
        try:
            for number, blob in self._connection.execute("SELECT stream, state FROM state"):
                stream = self._streams.get(number)
                if stream is None or unwrap(stream, blob) is None:
                    self._tell(Damage(Harm.ALTERED, "state", detail="its checksum is wrong"))
            for number, blob in self._connection.execute("SELECT id, samples FROM since"):
                stream = self._streams.get(number // SLOTS)
                if stream is None or unwrap_since(stream, blob) is None:
                    self._tell(Damage(Harm.ALTERED, "since", detail="its checksum is wrong"))
        except SQLITE_ERRORS as error:
            self._tell(Damage(Harm.UNREADABLE, "state", detail=str(error)))

    def _kind(self, name: str, after_seq: int) -> Iterator[_Seen]:
        packing = PACKING[name]
        try:
            with closing(
                self._connection.execute(f"{TABLES[name].select} WHERE seq > ? ORDER BY seq", (after_seq,))
            ) as rows:
                for seq, number, *row, crc in rows:
                    stream = self._streams.get(number)
                    whole = stream is not None and packing.is_whole(seq, stream, tuple(row), crc)
                    yield _Seen(seq, name, row[0] if whole else None, whole)
        except SQLITE_ERRORS as error:
            self._tell(Damage(Harm.UNREADABLE, name, detail=str(error)))

    def _holes(self, after_seq: int) -> Iterator[_Seen]:
        try:
            with closing(
                self._connection.execute("SELECT seq FROM hole WHERE seq > ? ORDER BY seq", (after_seq,))
            ) as holes:
                for seq in map(itemgetter(0), holes):
                    yield _Seen(seq, "hole", None, whole=True)
        except SQLITE_ERRORS as error:
            self._tell(Damage(Harm.UNREADABLE, "hole", detail=str(error)))

    def _tell(self, damage: Damage) -> None:
        """Add a damage; rows side by side that suffered the same become one."""
        last = self._found[-1] if self._found else None
        if (
            last is not None
            and last.last_seq is not None
            and damage.first_seq == last.last_seq + 1
            and (last.harm, last.table) == (damage.harm, damage.table)
        ):
            self._found[-1] = replace(last, last_seq=damage.last_seq)
        elif len(self._found) < MAX_DAMAGES:
            self._found.append(damage)
        elif len(self._found) == MAX_DAMAGES:
            self._found.append(Damage(Harm.UNREADABLE, detail="and more; the rest is not listed"))

    def _close(self, time_ns: int) -> None:
        for k in range(self._open, len(self._found)):
            self._found[k] = replace(self._found[k], before_ns=time_ns)
        self._open = len(self._found)
