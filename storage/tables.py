# ruff: noqa: S608 (the names in the statements are those of storage.schema)
"""The journal's file: its tables (made from storage.schema), how it is recognised, and how an old one is brought up.

`epoch`, `minute`, … one table a kind: `seq` (its rowid), `stream`, the kind's columns, `crc`. One running seq counts
through all kinds; a row with the same stream, time and tags replaces the one before under a new seq, and a trigger
leaves the old one in `hole`, so that every seq is a row, a hole, or damage.
"""

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from time import time_ns
from typing import Any
from uuid import uuid4

from storage.errors import SQLITE_ERRORS, JournalAbsentError, JournalUnreadableError, journal_error
from storage.lock import beside
from storage.rows import checksum
from storage.schema import KINDS, Kind, Type
from storage.steps import add_held_s

APPLICATION_ID = 0x4E4B4C4E
"""`NKLN`, in the file's header: this SQLite file is a journal."""
VERSION = 3
"""Of the file's layout. To change storage.schema is to raise it and to add a step."""

_SQL_TYPE = {Type.INT: "INTEGER", Type.FLOAT: "REAL", Type.TEXT: "TEXT"}

_OWN_TABLES = (
    "CREATE TABLE journal (id TEXT NOT NULL, created_ns INTEGER NOT NULL, crc INTEGER)",
    "CREATE TABLE stream (id INTEGER PRIMARY KEY, wearer TEXT NOT NULL, placement TEXT NOT NULL)",
    "CREATE UNIQUE INDEX stream_key ON stream (wearer, placement)",
    "CREATE TABLE state (stream INTEGER PRIMARY KEY, state BLOB NOT NULL)",
    # The samples after a state: id = 64 × stream + slot, see storage.states.
    "CREATE TABLE since (id INTEGER PRIMARY KEY, samples BLOB NOT NULL)",
    "CREATE TABLE hole (seq INTEGER PRIMARY KEY)",
    "CREATE TABLE cursor (sink TEXT PRIMARY KEY NOT NULL, seq INTEGER NOT NULL, crc INTEGER)",
    "CREATE TABLE dead_letter (sink TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, line TEXT NOT NULL, reason TEXT NOT NULL, time_ns INTEGER NOT NULL, crc INTEGER)",
    "CREATE UNIQUE INDEX dead_letter_key ON dead_letter (sink, seq)",
)
_GONE = "CREATE TRIGGER {0}_gone AFTER DELETE ON {0} BEGIN INSERT OR IGNORE INTO hole VALUES (old.seq); END"


@dataclass(frozen=True, slots=True)
class Table:
    """The SQL of one kind."""

    kind: Kind[Any]
    create: tuple[str, ...]
    insert: str
    """Takes seq, stream, the kind's values, crc; replaces the row of the same stream, time and tags."""
    select: str
    """Gives seq, stream, the kind's values, crc."""
    time: str
    """The name of the kind's time."""


def _table(kind: Kind[Any]) -> Table:
    time, *_ = names = [column.name for column in kind.columns]
    key = ["stream", time, *(column.name for column in kind.columns if column.tag)]
    columns = ", ".join(
        f"{column.name} {_SQL_TYPE[column.type]}{' NOT NULL' if column.name in key else ''}"
        for column in kind.columns
    )
    marks = ", ".join("?" * (len(names) + 3))
    return Table(
        kind=kind,
        create=(
            f"CREATE TABLE {kind.name} (seq INTEGER PRIMARY KEY, stream INTEGER NOT NULL, {columns}, crc INTEGER)",
            f"CREATE UNIQUE INDEX {kind.name}_key ON {kind.name} ({', '.join(key)})",
            _GONE.format(kind.name),
        ),
        insert=f"INSERT OR REPLACE INTO {kind.name} VALUES ({marks})",
        select=f"SELECT seq, stream, {', '.join(names)}, crc FROM {kind.name}",
        time=time,
    )


TABLES = {kind.name: _table(kind) for kind in KINDS}

Step = Callable[[sqlite3.Connection], None]
STEPS: dict[int, Step] = {
    1: lambda _connection: None,
    2: lambda connection: add_held_s(connection, TABLES["event"].create, TABLES["event"].insert),
}
"""Version → what brings a file of that version to the next, inside a transaction that the caller opened.

2: the event `epochs_removed`, and a cursor that says up to where epochs were (`storage.removal`).
3: alerts have `held_s`.
"""


def connect_to_read(path: Path, oldest: int = 1) -> sqlite3.Connection:
    """Return a connection that only reads a journal whose layout is at least `oldest`.

    Raises JournalAbsentError, JournalUnreadableError or another JournalError.
    """
    if not path.exists():
        raise JournalAbsentError(path)
    if path.is_dir():
        raise JournalUnreadableError(path, "it is a folder", "name the file in it with --journal")
    with ExitStack() as undo:
        try:
            connection = undo.enter_context(closing(_read_only(path, "mode=ro")))
            try:
                version = version_of(connection, path)
            except sqlite3.OperationalError:
                if _has_wal(path):
                    raise
                # On a medium that cannot be written SQLite needs to be told that nobody else writes either.
                connection = undo.enter_context(closing(_read_only(path, "immutable=1")))
                version = version_of(connection, path)
        except SQLITE_ERRORS as error:
            raise journal_error(path, error) from error
        if version == 0:
            raise JournalAbsentError(path)
        if version < oldest:
            raise JournalUnreadableError(
                path,
                f"it is of layout {version}, written by an older neckline",
                "run `neckline run` once, which brings it up to date",
            )
        undo.pop_all()
        return connection


def _has_wal(path: Path) -> bool:
    wal = beside(path, "-wal")
    return wal.exists() and wal.stat().st_size > 0


def _read_only(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.text_factory = lenient
    return connection


def lenient(text: bytes) -> str:
    """Read a text that may be damaged; its checksum then tells."""
    return text.decode("utf-8", "replace")


def journal_id(connection: sqlite3.Connection, path: Path) -> tuple[str, bool]:
    """Return the name that the journal got when it was made, and whether it is whole.

    Raises JournalUnreadableError if it is gone.
    """
    found = connection.execute("SELECT id, created_ns, crc FROM journal").fetchone()
    if found is None:
        raise JournalUnreadableError(path, "it is damaged")
    *named, crc = found
    return str(named[0]), checksum(*named) == crc


def create(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty file; the caller opened a transaction."""
    for statement in _OWN_TABLES:
        connection.execute(statement)
    for table in TABLES.values():
        for statement in table.create:
            connection.execute(statement)
    named = (uuid4().hex, time_ns())
    connection.execute("INSERT INTO journal VALUES (?, ?, ?)", (*named, checksum(*named)))
    _stamp(connection, VERSION)


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """Return the file's version, 0 for an empty file.

    Raises JournalUnreadableError for a database of something else and for a version newer than this neckline.
    """
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application_id == 0 and version == 0:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables == 0:
            return 0
    if application_id != APPLICATION_ID:
        raise JournalUnreadableError(path, "it is a database of another program")
    if version > VERSION:
        raise JournalUnreadableError(
            path,
            f"it is of layout {version}, written by a newer neckline; this one reads up to {VERSION}",
            "update neckline, or name another journal with --journal",
        )
    return int(version)


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a file up from a version, step by step; the caller opened a transaction, so it is all or nothing."""
    for older in range(version, VERSION):
        STEPS[older](connection)
    if version < VERSION:
        _stamp(connection, VERSION)


def _stamp(connection: sqlite3.Connection, version: int) -> None:
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version}")


def assert_layout(connection: sqlite3.Connection, path: Path) -> None:
    """Raise JournalUnreadableError when the file's columns are not those of the schema."""
    for name, table in TABLES.items():
        found = [column[1] for column in connection.execute(f"PRAGMA table_info({name})")]
        expected = ["seq", "stream", *(column.name for column in table.kind.columns), "crc"]
        if found != expected:
            odd = ", ".join(sorted(set(found) ^ set(expected))) or "their order"
            raise JournalUnreadableError(
                path, f"its table {name} has other columns than this neckline ({odd})"
            )


def last_seqs(connection: sqlite3.Connection) -> list[int]:
    """Return the last seq of each table."""
    return [
        connection.execute(f"SELECT ifnull(max(seq), 0) FROM {name}").fetchone()[0]
        for name in ("hole", *TABLES)
    ]
