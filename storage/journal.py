"""Batches → the journal, durable when `commit` returns: its one owner and writer, which alone also checkpoints.

SQLite with a write-ahead log, synced at every commit (WAL, FULL). SQLite 3.7.0 to 3.51.2 can lose commits when one
connection checkpoints while another commits; here one connection does both, and all others read (storage.reader).
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from zlib import crc32

from sensor.samples import SampleBlock
from storage import tables
from storage.damage import Check, Damage, Harm, streams
from storage.entries import Advance, Batch, DeadLetter, Stream
from storage.erasures import Erasure, erasures, remember
from storage.errors import (
    SQLITE_ERRORS,
    JournalAbsentError,
    JournalBusyError,
    JournalUnwritableError,
    WearerErasedError,
    journal_error,
)
from storage.lock import Ownership, beside
from storage.removal import FLOOR, Shed, give_back, limit, remove_oldest, used_bytes
from storage.rows import PackedRow, checksum, pack
from storage.states import SLOTS, unwrap, unwrap_since, wrap, wrap_since
from storage.waiting import Waiting
from storage.watermark import Watermark, acknowledged

CHECKED_ROWS = 10_000
"""The newest rows, checked at every start (0.1 s); all of them on demand: `storage.reader.JournalReader.check`."""
WAL_BYTES = 8 * 2**20
"""What the write-ahead log shrinks to after a long reader held it back."""


class Journal:
    """Open it with `Journal.open`; use it from one thread at a time."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, ownership: Ownership, watermark: Watermark
    ) -> None:
        self.path = path
        self._connection, self._ownership, self._watermark = connection, ownership, watermark
        self._streams = {stream: number for number, stream in streams(connection).items()}
        self._followed: dict[Stream, tuple[int, int]] = {}
        """The state of each stream that samples may follow, by its checksum, and how many blocks of them did."""
        self._erased = frozenset(erasure.wearer for erasure in erasures(path))
        self.journal_id, is_whole = tables.journal_id(connection, path)
        self.last_seq = max(
            acknowledged(beside(path, ".seq"), self.journal_id), *tables.last_seqs(connection)
        )
        """Of what is durable; every seq up to it is a row, a hole, or damage."""
        self.damage = tuple(Check(connection).rows(max(0, self.last_seq - CHECKED_ROWS), self.last_seq))
        """What was found wrong at opening, among the newest rows."""
        if not is_whole:
            self.damage += (Damage(Harm.ALTERED, "journal", detail="its checksum is wrong"),)

    @classmethod
    def open(cls, path: Path, owner: str) -> Self:
        """Open the journal in the name of `owner`, make it if there is none, bring it up if it is of an older layout.

        Raises JournalBusyError naming the first owner, JournalUnreadableError for a file that is no journal or of a
        newer layout, JournalUnwritableError, DiskFullError.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.exists():
                # Before anything is laid beside it: the file may be another program's.
                with suppress(JournalAbsentError):
                    tables.connect_to_read(path).close()
        except OSError as error:
            raise journal_error(path, error) from error
        with ExitStack() as undo:
            ownership = Ownership.take(path, owner)
            undo.callback(ownership.release)
            try:
                if not path.exists():
                    path.touch(mode=0o600)
                connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                undo.callback(connection.close)
                _prepare(connection, path)
                watermark = Watermark(beside(path, ".seq"))
                undo.callback(watermark.close)
                journal = cls(path, connection, ownership, watermark)
                if any(journal._delete(journal._erased)):  # they came back with a copy from before
                    journal._wipe()
            except (*SQLITE_ERRORS, OSError) as error:
                raise journal_error(path, error) from error
            undo.pop_all()
            return journal

    def commit(self, batches: Sequence[Batch]) -> int:
        """Make batches durable in one transaction, all or nothing; return the last seq.

        A row with the stream, time and tags of an older one replaces it. Raises RecordRefusedError, JournalError.
        """
        rows = [row for batch in batches for row in pack(batch)]
        waiting = Waiting()
        for batch in batches:
            waiting.keep(batch)
        return self.write(rows, waiting.states, (), waiting.since)

    def advance(self, sink: str, seq: int, dead: Sequence[DeadLetter] = ()) -> None:
        """Remember durably how far a sink is, and what it refused; the cursor never goes back."""
        self.write((), {}, (Advance(sink, seq, tuple(dead)),))

    def write(
        self,
        rows: Sequence[PackedRow],
        states: Mapping[Stream, bytes],
        advances: Sequence[Advance] = (),
        since: Mapping[Stream, Sequence[SampleBlock]] | None = None,
    ) -> int:
        """Commit packed rows, the newest states, samples since and advances in one transaction; return the last seq.

        Raises JournalError, and nothing is changed.
        """
        self.refuse_erased(packed.stream for packed in rows)
        connection, known = self._connection, dict(self._streams)
        followed = self._followed | {stream: (crc32(state), 0) for stream, state in states.items()}
        seq = self.last_seq
        try:
            if connection.in_transaction:  # the disk failed so badly that even going back did
                connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            try:
                seq = self._insert(rows, known, seq)
                connection.executemany(
                    "INSERT INTO state VALUES (?, ?) ON CONFLICT (stream) DO UPDATE SET state = excluded.state",
                    [
                        (known.get(stream) or self._add(stream, known), wrap(stream, state))
                        for stream, state in states.items()
                    ],
                )
                for stream, blocks in (since or {}).items():
                    followed[stream] = self._follow(stream, known[stream], blocks, *followed[stream])
                for each in advances:
                    self._move(each)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except SQLITE_ERRORS as error:
            raise journal_error(self.path, error) from error
        self._streams, self._followed, self.last_seq = known, followed, seq
        self._watermark.write(self.journal_id, seq)
        return seq

    def used_bytes(self) -> int:
        """Return what the rows take on the disk. Raises JournalError."""
        try:
            return used_bytes(self._connection)
        except SQLITE_ERRORS as error:
            raise journal_error(self.path, error) from error

    def shed(self, most_bytes: int, now_ns: int, sinks: Collection[str] | None = None) -> Shed:
        """If the rows take more than so many bytes, remove the oldest epochs, a day of one wearer at most.

        The newest stay, and what one of the sinks has not got yet (None: all that are known). What went of each stream is
        an event of it, durable with it. Raises JournalError.
        """
        connection, seq = self._connection, self.last_seq
        try:
            if used_bytes(connection) <= most_bytes:
                return Shed()
            connection.execute("BEGIN IMMEDIATE")
            try:
                until_seq, waits_for = limit(connection, seq, len(self._streams), sinks)
                last, gone = remove_oldest(connection, until_seq)
                if gone:
                    self._move(Advance(FLOOR, last))
                named = {number: stream for stream, number in self._streams.items()}
                told = [
                    Batch(named[each.stream], (each.event(now_ns),)) for each in gone if each.stream in named
                ]
                seq = self._insert([row for batch in told for row in pack(batch)], dict(self._streams), seq)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            # Before anything else can fail: what is durable has its seqs for good.
            self.last_seq = seq
            self._watermark.write(self.journal_id, seq)
            give_back(connection)
        except SQLITE_ERRORS as error:
            raise journal_error(self.path, error) from error
        return Shed(tuple(gone), waits_for)

    def state(self, stream: Stream) -> bytes | None:
        """Return the newest state of a stream; None if there is none, or if it is damaged."""
        try:
            found = self._connection.execute(
                "SELECT state FROM state WHERE stream = ?", (self._streams.get(stream),)
            ).fetchone()
        except SQLITE_ERRORS as error:
            raise journal_error(self.path, error) from error
        return None if found is None else unwrap(stream, found[0])

    def recall(self, stream: Stream) -> tuple[bytes, list[SampleBlock]] | None:
        """Return the newest state of a stream and the samples since; None if any of it is not known, or damaged."""
        state = self.state(stream)
        if state is None:
            return None
        first = self._streams[stream] * SLOTS
        sql = "SELECT samples FROM since WHERE id >= ? AND id < ?"
        try:
            blobs = self._connection.execute(sql, (first, first + SLOTS)).fetchall()
        except SQLITE_ERRORS as error:
            raise journal_error(self.path, error) from error
        kept = [unwrap_since(stream, blob) for (blob,) in blobs]
        named = crc32(state)
        after = sorted(
            (each for each in kept if each is not None and each[0] == named), key=lambda each: each[1]
        )
        if None in kept or [number for _, number, _ in after] != [*range(len(after))]:
            return None
        return state, [block for *_, block in after]

    def refuse_erased(self, streams: Iterable[Stream]) -> None:
        """Raise WearerErasedError if one of the streams is of a wearer who was erased."""
        if self._erased:
            for stream in streams:
                if stream.wearer in self._erased:
                    raise WearerErasedError(self.path, stream.wearer)

    def erase(self, wearer: str, now_ns: int) -> Erasure:
        """Delete all of a wearer for good, and remember that; return what there was.

        What was deleted is written over with zeros, in the file and by way of an empty log. The rows' seqs become holes.
        May be done again after any failure. Raises JournalBusyError while another process reads, JournalError.
        """
        remember(self.path, Erasure(wearer, now_ns))
        self._erased |= {wearer}
        rows, dead_letters = self._delete([wearer])
        self._wipe()
        return Erasure(wearer, now_ns, rows, dead_letters)

    def close(self) -> None:
        """Let go of the journal; another may own it."""
        self._connection.close()
        self._watermark.close()
        self._ownership.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _delete(self, wearers: Iterable[str]) -> tuple[int, int]:
        """Delete the rows and dead letters of wearers; return how many there were of each."""
        connection, rows, dead_letters = self._connection, 0, 0
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                for wearer in wearers:
                    numbers = [(n,) for stream, n in self._streams.items() if stream.wearer == wearer]
                    for name in (*tables.TABLES, "state"):
                        sql = f"DELETE FROM {name} WHERE stream = ?"  # noqa: S608 (a name of ours)
                        gone = connection.executemany(sql, numbers).rowcount
                        rows += gone if name != "state" else 0
                    spans = [(n * SLOTS, (n + 1) * SLOTS) for (n,) in numbers]
                    connection.executemany("DELETE FROM since WHERE id >= ? AND id < ?", spans)
                    connection.executemany("DELETE FROM stream WHERE id = ?", numbers)
                    letters = "DELETE FROM dead_letter WHERE instr(line, ?)"  # names have nothing to escape
                    dead_letters += connection.execute(letters, (f",wearer={wearer},",)).rowcount
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except SQLITE_ERRORS as error:
            raise journal_error(self.path, error) from error
        self._streams = {s: n for s, n in self._streams.items() if s.wearer not in self._erased}
        return rows, dead_letters

    def _wipe(self) -> None:
        """Leave nothing of what was deleted: give its pages back, and empty the log that has it still."""
        try:
            give_back(self._connection)
            (is_busy, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except SQLITE_ERRORS as error:
            raise journal_error(self.path, error) from error
        if is_busy:
            raise JournalBusyError(self.path, "a program that reads")

    def _insert(self, rows: Iterable[PackedRow], known: dict[Stream, int], seq: int) -> int:
        """Insert rows after a seq, in a transaction that the caller opened; return the last one's."""
        by_kind: dict[str, list[tuple[object, ...]]] = {}
        for packed in rows:
            seq += 1
            number = known.get(packed.stream) or self._add(packed.stream, known)
            values = (seq, number, *packed.row, packed.seal(seq))
            by_kind.setdefault(packed.kind.name, []).append(values)
        for name, several in by_kind.items():
            self._connection.executemany(tables.TABLES[name].insert, several)
        return seq

    def _add(self, stream: Stream, known: dict[Stream, int]) -> int:
        cursor = self._connection.execute(
            "INSERT INTO stream (wearer, placement) VALUES (?, ?)", (stream.wearer, stream.placement)
        )
        known[stream] = int(cursor.lastrowid or 0)
        return known[stream]

    def _follow(
        self, stream: Stream, number: int, blocks: Sequence[SampleBlock], state_crc: int, done: int
    ) -> tuple[int, int]:
        """Keep samples after a state and so many blocks; return the state and how many blocks there are now."""
        several = enumerate(blocks, done)
        self._connection.executemany(
            "INSERT INTO since VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET samples = excluded.samples",
            [(number * SLOTS + k % SLOTS, wrap_since(stream, state_crc, k, block)) for k, block in several],
        )
        return state_crc, done + len(blocks)

    def _move(self, advance: Advance) -> None:
        found = self._connection.execute(
            "SELECT seq, crc FROM cursor WHERE sink = ?", (advance.sink,)
        ).fetchone()
        before = found[0] if found and checksum(advance.sink, found[0]) == found[1] else 0
        seq = max(before, advance.seq)
        self._connection.execute(
            "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)", (advance.sink, seq, checksum(advance.sink, seq))
        )
        for letter in advance.dead:
            line, reason = _plain(letter.line), _plain(letter.reason)
            values = (advance.sink, letter.seq, letter.kind, line, reason, letter.time_ns)
            self._connection.execute(
                "INSERT OR REPLACE INTO dead_letter VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*values, checksum(*values)),
            )


def _plain(text: str) -> str:
    """Make of another's text one that SQLite takes, whatever is in it."""
    return text.encode("utf-8", "replace").decode()


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Set the connection up, and make or bring up the file."""
    connection.text_factory = tables.lenient
    # Only an empty file takes the first; the others are the connection's.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise JournalUnwritableError(path, "its file system cannot share memory between processes")
    for pragma in (
        "synchronous = FULL",
        "recursive_triggers = ON",  # or a replaced row leaves no hole
        "secure_delete = ON",
        "cell_size_check = ON",
        "temp_store = MEMORY",
        f"journal_size_limit = {WAL_BYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    # Begun even if there is nothing to do: a file that may only be read is told now, not at the first commit.
    connection.execute("BEGIN IMMEDIATE")
    version = tables.version_of(connection, path)
    if version == 0:
        tables.create(connection)
    else:
        tables.migrate(connection, version)
    connection.execute("COMMIT")
    if version < tables.VERSION:
        # Out of the log into the file: one flipped bit in the log must not make it a file with nothing in it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    tables.assert_layout(connection, path)
