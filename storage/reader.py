# ruff: noqa: S608 (the names in the queries are those of storage.schema; values are bound)
"""The journal → records, for anyone, while it is being written: any number of readers, in any process."""

import logging
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from heapq import merge
from itertools import compress, dropwhile, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from storage import tables
from storage.damage import Check, Damage, streams
from storage.entries import Backlog, Block, DeadLetter, Entry, Stream
from storage.errors import SQLITE_ERRORS, JournalError, JournalUnreadableError, journal_error
from storage.lock import beside
from storage.removal import floor
from storage.rows import PACKING, checksum
from storage.schema import KINDS, Kind, Row
from storage.watermark import acknowledged

T = TypeVar("T")
logger = logging.getLogger(__name__)

_NO_INDEX = "NOT INDEXED"
_SINKABLE = tuple(kind for kind in KINDS if kind.measurement is not None)
_UNSINKABLE = tuple(kind for kind in KINDS if kind.measurement is None)


class JournalReader:
    """Open it with `JournalReader.open`; use it from one thread at a time.

    Each row's checksum is checked; a damaged row is passed over and counted, and so are the rows of a page that SQLite
    cannot read. Raises JournalUnreadableError when it finds no way around.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.skipped = 0
        """Damaged rows passed over so far."""
        self._connection = connection
        self._streams: dict[int, Stream] = {}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a journal; raise JournalAbsentError, or JournalUnreadableError for no journal or another layout."""
        return cls(path, tables.connect_to_read(path, oldest=tables.VERSION))

    def close(self) -> None:
        """Stop reading."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that is read inside is of one moment, whatever is written meanwhile."""
        self._query("BEGIN")
        try:
            yield
        finally:
            self._query("ROLLBACK")

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return f"the journal {self.path}"

    @property
    def origin(self) -> dict[str, str]:
        """The journal's name."""
        return {"journal": self.journal_id}

    @property
    def kinds(self) -> tuple[Kind[Any], ...]:
        """All kinds of record."""
        return KINDS

    @property
    def journal_id(self) -> str:
        """The name that the journal got when it was made."""
        with self._reading():
            return tables.journal_id(self._connection, self.path)[0]

    def streams(self) -> list[Stream]:
        """Return whose samples there are."""
        with self._reading():
            self._streams = streams(self._connection)
        return sorted(self._streams.values())

    def read(
        self, kind: Kind[T], stream: Stream, since_ns: int | None = None, until_ns: int | None = None
    ) -> Iterator[T]:
        """Yield the records of one kind in order of time, `since_ns` <= time < `until_ns`."""
        return map(kind.from_row, self.rows(kind, stream, since_ns, until_ns))

    def rows(
        self, kind: Kind[Any], stream: Stream, since_ns: int | None = None, until_ns: int | None = None
    ) -> Iterator[Row]:
        """Yield the same as rows: values in the order of the kind's columns."""
        where, values = _period(kind, self._number(stream), since_ns, until_ns)
        return (entry.row for entry in self._in_time(kind, where, values))

    def last(self, kind: Kind[T], stream: Stream, /, **tags: str) -> T | None:
        """Return the newest record of one kind by time, or of those alone that have these values of the kind's tags."""
        where, values = _period(kind, self._number(stream), None, None)
        known = [column.name for column in kind.columns if column.tag and column.name in tags]
        where += "".join(f" AND {name} = ?" for name in known)
        with closing(
            self._in_time(kind, where, (*values, *(tags[name] for name in known)), " DESC")
        ) as entries:
            newest = next(entries, None)
        return None if newest is None else kind.from_row(newest.row)

    def count(
        self,
        kind: Kind[Any],
        stream: Stream | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> int:
        """Return how many rows there are of one kind."""
        number = None if stream is None else self._number(stream)
        where, values = _period(kind, number, since_ns, until_ns)
        try:
            return int(self._query(f"SELECT count(*) FROM {kind.name} {where}", values)[0][0])
        except JournalUnreadableError:
            return int(self._query(f"SELECT count(*) FROM {kind.name} {_NO_INDEX} {where}", values)[0][0])

    def entries(self, after_seq: int, limit: int) -> list[Entry]:
        """Return the next rows that sinks take, in order of seq; what has no measurement stays in the journal."""
        by_seq = "WHERE seq > ? ORDER BY seq"
        kinds = [self._entries(kind, by_seq, (after_seq,)) for kind in _SINKABLE]
        try:
            return list(islice(merge(*kinds, key=lambda entry: entry.seq), limit))
        finally:
            for kind in kinds:
                kind.close()

    @property
    def last_seq(self) -> int:
        """The newest of all rows and holes."""
        with self._reading():
            return max(tables.last_seqs(self._connection))

    def blocks(self, after_seq: int, last_seq: int) -> list[Block]:
        """Return the rows that sinks take after one seq up to another, a block a kind."""
        with self.snapshot():
            found = [self._block(kind, after_seq, last_seq) for kind in _SINKABLE]
        return [block for block in found if block.seqs]

    def holes(self, after_seq: int, last_seq: int) -> int:
        """Return how many rows there were after one seq up to another that have been replaced or deleted since."""
        return self._between("hole", after_seq, last_seq)

    def waiting(self, after_seq: int, last_seq: int) -> int:
        """Return how many rows sinks take after one seq up to another, without a look at each of them."""
        with self._reading():
            low = min(last_seq, floor(self._connection))
        if after_seq < low:  # down there epochs were removed, and no hole tells which
            there = sum(self._between(kind.name, after_seq, low) for kind in _SINKABLE)
            return there + self.waiting(low, last_seq)
        kept = sum(self._between(kind.name, after_seq, last_seq) for kind in _UNSINKABLE)
        return max(0, last_seq - after_seq - self.holes(after_seq, last_seq) - kept)

    def _between(self, table: str, after_seq: int, last_seq: int) -> int:
        between = f"SELECT count(*) FROM {table} WHERE seq > ? AND seq <= ?"
        return int(self._query(between, (after_seq, last_seq))[0][0])

    def cursor(self, sink: str) -> int:
        """Return up to where a sink has everything; one that is not known, or whose cursor is damaged, has nothing."""
        found = self._query("SELECT seq, crc FROM cursor WHERE sink = ?", (sink,))
        return next((int(seq) for seq, crc in found if checksum(sink, seq) == crc), 0)

    def backlog(self, sink: str) -> Backlog:
        """Return how far behind a sink is."""
        cursor = self.cursor(sink)
        return Backlog(cursor, self.waiting(cursor, self.last_seq), self.time_after(cursor))

    def time_after(self, seq: int) -> int | None:
        """Return the time of the first row after a seq that sinks take."""
        first = self.entries(seq, 1)
        return first[0].row[0] if first else None  # type: ignore[return-value]  # time is never None

    def dead_letters(self, sink: str) -> list[DeadLetter]:
        """Return what a sink refused for good, in order of seq."""
        found = self._query(
            "SELECT seq, kind, line, reason, time_ns FROM dead_letter WHERE sink = ? ORDER BY seq", (sink,)
        )
        return [DeadLetter(*letter) for letter in found]

    def dead(self, sink: str) -> int:
        """Return how many rows a sink refused for good."""
        return int(self._query("SELECT count(*) FROM dead_letter WHERE sink = ?", (sink,))[0][0])

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[Damage]:
        """Check the whole journal, row by row and as a file; return what is wrong. Some 100 000 rows a second."""
        # Read first: what is acknowledged by now is in whatever snapshot comes after.
        witness = acknowledged(beside(self.path, ".seq"), self.journal_id)
        with self.snapshot(), self._reading():
            check = Check(self._connection)
            check.rows(0, max(witness, *tables.last_seqs(self._connection)), on_progress)
            return check.file()

    def _number(self, stream: Stream) -> int:
        found = self._query(
            "SELECT id FROM stream WHERE wearer = ? AND placement = ?", (stream.wearer, stream.placement)
        )
        return int(found[0][0]) if found else 0

    def _in_time(
        self, kind: Kind[Any], where: str, values: tuple[int | str, ...], direction: str = ""
    ) -> Generator[Entry, None, None]:
        """Yield the rows of one kind that are whole in order of time, past pages that cannot be read."""
        order, last_seq = f"{where} ORDER BY {tables.TABLES[kind.name].time}{direction}", 0
        try:
            for entry in self._entries(kind, order, values):
                last_seq = entry.seq
                yield entry
        except JournalUnreadableError as error:
            trouble = error
        else:
            return
        # Which rows there are is in the index as well, and which there are in the index, among the rows.
        for how in ("", _NO_INDEX):
            try:
                for seq in self._seqs(f"SELECT seq FROM {kind.name} {how} {order}", values, last_seq):
                    for entry in self._one(kind, seq):
                        last_seq = seq
                        yield entry
            except JournalUnreadableError as error:
                trouble = error
            else:
                return
        raise trouble

    def _seqs(self, sql: str, values: tuple[int | str, ...], after: int) -> Iterator[int]:
        """Yield what a query for seqs gives after one of them; all of it after 0."""
        with self._reading(), self._selected(sql, values) as rows:
            found = (int(seq) for (seq,) in rows)
            yield from found if not after else islice(dropwhile(after.__ne__, found), 1, None)

    def _one(self, kind: Kind[Any], seq: int) -> list[Entry]:
        """Return the row of a seq; nothing if it cannot be read."""
        try:
            return list(self._entries(kind, "WHERE seq = ?", (seq,)))
        except JournalUnreadableError:
            self._skip(1)
            return []

    def _entries(
        self, kind: Kind[Any], where: str, values: tuple[int | str, ...]
    ) -> Generator[Entry, None, None]:
        """Yield the rows of one kind that are whole."""
        packing = PACKING[kind.name]
        with self._reading(), self._selected(f"{tables.TABLES[kind.name].select} {where}", values) as rows:
            for seq, number, *values_, crc in rows:
                stream, row = self._stream(number), tuple(values_)
                if stream is not None and packing.is_whole(seq, stream, row, crc):
                    yield Entry(seq, stream, kind, row)
                    continue
                self._skip(1)

    def _block(self, kind: Kind[Any], after_seq: int, last_seq: int) -> Block:
        """Return the rows of one kind that are whole, after one seq up to another."""
        sql = f"{tables.TABLES[kind.name].select} WHERE seq > ? AND seq <= ? ORDER BY seq"
        try:
            self._connection.text_factory = str  # twice as fast
            rows = self._query(sql, (after_seq, last_seq))
        except JournalError:
            self._connection.text_factory = tables.lenient
            rows = self._salvaged(sql, after_seq, last_seq)
        finally:
            self._connection.text_factory = tables.lenient
        known = {number: self._stream(number) for number in {row[1] for row in rows}}
        named = [row for row in rows if known[row[1]] is not None]
        if named:
            seqs, numbers, *columns, checksums = zip(*named, strict=True)
            streams = tuple(stream for number in numbers if (stream := known[number]) is not None)
            block = Block(kind, seqs, streams, tuple(columns))
            whole = PACKING[kind.name].whole(block, checksums)
            if not all(whole):
                seqs, streams, *columns = (tuple(compress(each, whole)) for each in (seqs, streams, *columns))
                block = Block(kind, seqs, streams, tuple(columns))
        else:
            block = Block(kind, (), (), ())
        self._skip(len(rows) - len(block.seqs))
        return block

    def _salvaged(self, sql: str, after_seq: int, last_seq: int) -> list[tuple[Any, ...]]:
        """Return what can be read between two seqs: a page that SQLite cannot read costs the rows on it alone."""
        try:
            return self._query(sql, (after_seq, last_seq))
        except JournalUnreadableError:
            if last_seq - after_seq <= 1:
                self._skip(1)
                return []
        middle = (after_seq + last_seq) // 2
        return self._salvaged(sql, after_seq, middle) + self._salvaged(sql, middle, last_seq)

    def _skip(self, rows: int) -> None:
        """Count damaged rows that are passed over."""
        if rows and not self.skipped:
            logger.warning("%s: damaged rows are passed over; `neckline doctor` lists them", self.path)
        self.skipped += rows

    @contextmanager
    def _selected(self, sql: str, values: tuple[int | str, ...]) -> Iterator[sqlite3.Cursor]:
        rows = self._connection.execute(sql, values)
        try:
            yield rows
        finally:
            with suppress(sqlite3.ProgrammingError):  # who reads no further may have closed the reader before
                rows.close()

    def _stream(self, number: int) -> Stream | None:
        if number not in self._streams:
            with self._reading():
                self._streams = streams(self._connection)
        return self._streams.get(number)

    def _query(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._reading():
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except SQLITE_ERRORS as error:
            raise journal_error(self.path, error) from error


def _period(
    kind: Kind[Any], number: int | None, since_ns: int | None, until_ns: int | None
) -> tuple[str, tuple[int, ...]]:
    """Return the condition for a stream and a period, and its values."""
    time = tables.TABLES[kind.name].time
    asked = [("stream = ?", number), (f"{time} >= ?", since_ns), (f"{time} < ?", until_ns)]
    given = [(condition, value) for condition, value in asked if value is not None]
    where = "WHERE " + " AND ".join(condition for condition, _ in given) if given else ""
    return where, tuple(value for _, value in given)
