"""Records → rows that SQLite keeps to the last bit, each with a checksum, and back; stores nothing.

SQLite has no checksums of its own: one flipped bit in a page leaves `integrity_check` content and a row wrong. Each
row's CRC-32 covers its place (seq, wearer, placement), which of its values are absent, its numbers as little-endian
i64 and f64, and its texts.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import starmap
from operator import eq, index, itemgetter
from typing import Any
from zlib import crc32

from storage.entries import Batch, Block, Stream
from storage.errors import RecordRefusedError
from storage.schema import KINDS, Kind, Record, Row, Type, Value, kind_of

_SEQ = struct.Struct("<q")
_ABSENT = struct.Struct("<Q")


def _float(value: Any) -> float | None:
    """Return it as SQLite gives it back: NaN is not known, and -0.0 is 0.0."""
    number = float(value + 0.0)
    return number if number == number else None  # noqa: PLR0124 (what NaN is not)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is needed, not {type(value).__name__}")
    return str(value)


_CONVERT: dict[Type, Callable[[Any], Value]] = {Type.INT: index, Type.FLOAT: _float, Type.TEXT: _text}


@dataclass(frozen=True, slots=True)
class PackedRow:
    """One row, ready to be stored once it has its seq."""

    stream: Stream
    kind: Kind[Any]
    row: Row
    digest: int
    """The checksum but for the seq."""

    def seal(self, seq: int) -> int:
        """Return the checksum that is stored with the row."""
        return crc32(_SEQ.pack(seq), self.digest)


@lru_cache(maxsize=4096)
def _absent_crc(absent: int) -> int:
    return crc32(_ABSENT.pack(absent))


def _picker(places: list[int]) -> Callable[[Row], tuple[Any, ...]]:
    """Return what gives the values at these places."""
    if len(places) > 1:  # of one place itemgetter makes no tuple
        return itemgetter(*places)
    return lambda row: tuple(row[k] for k in places)


class Packing:
    """How the rows of one kind are packed."""

    def __init__(self, kind: Kind[Any]) -> None:
        types = [column.type for column in kind.columns]
        self._kind = kind
        self._convert = tuple(_CONVERT[type_] for type_ in types)
        self._blanks = tuple("" if type_ is Type.TEXT else 0 for type_ in types)
        self._numbers = _picker([k for k, type_ in enumerate(types) if type_ is not Type.TEXT])
        self._texts = _picker([k for k, type_ in enumerate(types) if type_ is Type.TEXT])
        self._key = tuple(k for k, column in enumerate(kind.columns) if k == 0 or column.tag)
        codes = {Type.INT: "q", Type.FLOAT: "d", Type.TEXT: ""}
        self._struct = struct.Struct("<" + "".join(codes[type_] for type_ in types))

    def pack(self, stream: Stream, record: Record) -> PackedRow:
        """Raise RecordRefusedError for values that their columns cannot hold."""
        try:
            row = tuple(
                None if value is None else convert(value)
                for convert, value in zip(self._convert, self._kind.to_row(record), strict=True)
            )
            digest = self.digest(stream, row)
        except (TypeError, ValueError, OverflowError, struct.error) as error:
            raise RecordRefusedError(self._kind.name, f"{record}: {error}") from error
        if any(row[k] is None for k in self._key):
            raise RecordRefusedError(self._kind.name, f"{record}: its time and its tags must be known")
        return PackedRow(stream, self._kind, row, digest)

    def digest(self, stream: Stream, row: Row) -> int:
        """Return the checksum but for the seq; raise TypeError, ValueError or struct.error for ill-typed values."""
        absent, known = 0, row
        if None in row:
            filled = list(row)
            for k, value in enumerate(row):
                if value is None:
                    absent |= 1 << k
                    filled[k] = self._blanks[k]
            known = tuple(filled)
        words = "\0".join((stream.wearer, stream.placement, *self._texts(known)))
        return crc32(words.encode(), crc32(self._struct.pack(*self._numbers(known)), _absent_crc(absent)))

    def is_whole(self, seq: int, stream: Stream, row: Row, checksum: Value) -> bool:
        """Tell whether a stored row is what was written, in its place."""
        try:
            return crc32(_SEQ.pack(seq), self.digest(stream, row)) == checksum
        except (TypeError, ValueError, struct.error):
            return False

    def whole(self, block: Block, checksums: Sequence[Value]) -> list[bool]:
        """Tell the same of many rows at once, three times as fast."""
        columns = list(zip(self._kind.columns, block.columns, strict=True))
        absent: list[int] = [0] * len(block.seqs)
        known: dict[bool, list[Sequence[Any]]] = {True: [], False: []}
        for k, (column, values) in enumerate(columns):
            is_text = column.type is Type.TEXT
            if None in values:
                blank = "" if is_text else 0
                absent = [a | 1 << k if v is None else a for a, v in zip(absent, values, strict=True)]
                known[is_text].append([blank if value is None else value for value in values])
            else:
                known[is_text].append(values)
        names = {id(stream): f"{stream.wearer}\0{stream.placement}" for stream in block.streams}
        named = [names[id(stream)] for stream in block.streams]
        try:
            words = map("\0".join, zip(named, *known[True], strict=True))
            packed = starmap(self._struct.pack, zip(*known[False], strict=True))
            digests = map(crc32, map(str.encode, words), map(crc32, packed, map(_absent_crc, absent)))
            return list(map(eq, map(crc32, map(_SEQ.pack, block.seqs), digests), checksums))
        except (TypeError, ValueError, struct.error):  # some value is not of its column's type
            rows = zip(*block.columns, strict=True)
            return [
                self.is_whole(*each) for each in zip(block.seqs, block.streams, rows, checksums, strict=True)
            ]


PACKING = {kind.name: Packing(kind) for kind in KINDS}


def pack(batch: Batch) -> list[PackedRow]:
    """Turn a batch's records into rows; raise RecordRefusedError for a value that its column cannot hold."""
    return [PACKING[kind_of(record).name].pack(batch.stream, record) for record in batch.records]


def checksum(*values: int | str | bytes) -> int:
    """Return the checksum of a row of the journal's own small tables, whose types never vary."""
    return crc32(b"\0".join(value if isinstance(value, bytes) else str(value).encode() for value in values))
