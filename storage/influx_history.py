"""What an InfluxDB holds of wearers, by InfluxQL with bound parameters: 1.8 and newer, 2.x with a mapping, 3 Core.

It is what the journal delivered: every kind with a measurement, to the last bit, but that a value which became unknown
when a row was corrected keeps the older one. Calibrations stay in the journal. Whatever else others wrote into our
measurements is passed over and counted.
"""

import json
import logging
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from http import HTTPStatus
from types import NoneType, TracebackType
from typing import Any, Self, TypeVar, get_args, get_type_hints

from storage.entries import Stream
from storage.errors import InfluxBucketError, InfluxForeignError, InfluxQueryError, InfluxTokenError
from storage.influxdb import InfluxSettings, InfluxSink
from storage.lines import STREAM_TAGS
from storage.rows import PACKING
from storage.schema import EPOCH, KINDS, Column, Kind, Row, Type, Value

T = TypeVar("T")
logger = logging.getLogger(__name__)

PAGE_ROWS = 1500
"""Rows of one answer: some hundred kilobytes."""
WEARER, PLACEMENT = STREAM_TAGS
_OF_STREAM = f'"{WEARER}" = $wearer AND "{PLACEMENT}" = $placement'
Found = dict[str, Any]


class InfluxHistory:
    """One InfluxDB to read from; see `storage.history.History`. For one thread at a time. Raises InfluxError."""

    def __init__(self, settings: InfluxSettings) -> None:
        self.settings = settings
        self.skipped = 0
        """Rows passed over so far, and wearers, that are none of neckline's."""
        self._sink = InfluxSink(settings)

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return f"the bucket {self.settings.bucket} of InfluxDB at {self.settings.url}"

    @property
    def origin(self) -> Mapping[str, str]:
        """Address and bucket."""
        return {"influxdb": self.settings.url, "bucket": self.settings.bucket}

    @property
    def kinds(self) -> tuple[Kind[Any], ...]:
        """Those that have a measurement."""
        return tuple(kind for kind in KINDS if kind.measurement is not None)

    def snapshot(self) -> AbstractContextManager[None]:
        """Nothing: what is written meanwhile may be seen or not."""
        return nullcontext()

    def streams(self) -> list[Stream]:
        """Return of whom there are epochs."""
        found = []
        for wearer in self._tag_values(WEARER):
            for placement in self._tag_values(PLACEMENT, f' WHERE "{WEARER}" = $wearer', wearer=wearer):
                try:
                    found.append(Stream(wearer, placement))
                except (TypeError, ValueError):  # a name that no journal holds
                    self._skip()
        return sorted(found)

    def read(
        self, kind: Kind[T], stream: Stream, since_ns: int | None = None, until_ns: int | None = None
    ) -> Iterator[T]:
        """Yield the records of one kind in order of time."""
        return map(kind.from_row, self.rows(kind, stream, since_ns, until_ns))

    def rows(
        self, kind: Kind[Any], stream: Stream, since_ns: int | None = None, until_ns: int | None = None
    ) -> Iterator[Row]:
        """Yield the same as rows, a page at a time."""
        page: list[Found] = [{}] * PAGE_ROWS
        while len(page) == PAGE_ROWS:
            page = self._select(
                kind, "*", stream, since_ns, until_ns, tail=f" ORDER BY time LIMIT {PAGE_ROWS}"
            )
            first_ns, last_ns = (page[k]["time"] if page else 0 for k in (0, -1))
            if len(page) < PAGE_ROWS:
                yield from self._ours(kind, stream, page)
            elif first_ns < last_ns:
                # Of its last moment there may be more, with other tags.
                yield from self._ours(kind, stream, (found for found in page if found["time"] < last_ns))
                since_ns = last_ns
            else:
                yield from self._ours(kind, stream, page)
                since_ns = last_ns + 1

    def count(
        self,
        kind: Kind[Any],
        stream: Stream | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> int:
        """Return how many rows there are of one kind."""
        found = self._select(kind, "count(*)", stream, since_ns, until_ns)
        counts = (value for row in found for name, value in row.items() if name != "time")
        return max(counts, default=0)

    def close(self) -> None:
        """Drop the connection."""
        self._sink.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ours(self, kind: Kind[Any], stream: Stream, page: Iterable[Found]) -> Iterator[Row]:
        """Yield the rows that can be of a journal; pass over the others."""
        for found in page:
            row = _row(kind, stream, found)
            if row is not None:
                yield row
            else:
                self._skip()

    def _skip(self) -> None:
        """Count what is passed over."""
        if not self.skipped:
            logger.warning("%s holds rows that are not of neckline: they are passed over", self.title)
        self.skipped += 1

    def _select(
        self,
        kind: Kind[Any],
        what: str,
        stream: Stream | None,
        since_ns: int | None,
        until_ns: int | None,
        tail: str = "",
    ) -> list[Found]:
        if kind.measurement is None:
            return []
        named = {} if stream is None else {"wearer": stream.wearer, "placement": stream.placement}
        where = [_OF_STREAM] if stream is not None else []
        # Times are ours, and integers: not all servers take them as parameters.
        where += [] if since_ns is None else [f"time >= {int(since_ns)}"]
        where += [] if until_ns is None else [f"time < {int(until_ns)}"]
        condition = " WHERE " + " AND ".join(where) if where else ""
        return self._query(f'SELECT {what} FROM "{kind.measurement}"{condition}{tail}', **named)  # noqa: S608

    def _tag_values(self, tag: str, condition: str = "", **named: str) -> list[str]:
        asked = f'SHOW TAG VALUES FROM "{EPOCH.measurement}" WITH KEY = "{tag}"{condition}'
        return [row["value"] for row in self._query(asked, **named)]

    def _query(self, asked: str, **named: str) -> list[Found]:
        where = self.settings
        database, _, policy = where.bucket.partition("/")
        query = {"db": database, "epoch": "ns", "q": asked, "params": json.dumps(named)}
        if policy:
            query["rp"] = policy
        reply = self._sink.call("GET", "/query", query)
        try:
            content = json.loads(reply.body)
            told = str(content.get("error") or content.get("message") or "")
            result = content.get("results", [{}])[0]
            told = told or str(result.get("error", ""))
            found = [
                dict(zip(series["columns"], values, strict=True))
                for series in result.get("series", [])
                for values in series["values"]
            ]
        except (ValueError, AttributeError, LookupError, TypeError) as error:
            if reply.status == HTTPStatus.UNAUTHORIZED:
                raise InfluxTokenError(where.url, "401") from error
            raise InfluxForeignError(
                where.url, f"HTTP {reply.status}, which is no answer to a query"
            ) from error
        if reply.status == HTTPStatus.UNAUTHORIZED:
            raise InfluxTokenError(where.url, told)
        if "database not found" in told or reply.status == HTTPStatus.NOT_FOUND:
            raise InfluxBucketError(where.url, where.bucket, told)
        if told or reply.status != HTTPStatus.OK:
            raise InfluxQueryError(where.url, told or f"HTTP {reply.status}")
        return found


def _row(kind: Kind[Any], stream: Stream, found: Found) -> Row | None:
    """Return what was found in the order of a kind's columns; None for what can be no row of it."""
    try:
        values = [_value(column, found.get(column.name)) for column in kind.columns[1:]]
        row: Row = (found["time"], *values)
        if any(row[k] is None for k in _needed(kind)):
            return None
        PACKING[kind.name].digest(stream, row)  # raises for what does not fit into its column
        kind.from_row(row)
    except (KeyError, TypeError, ValueError, struct.error):
        return None
    return row


def _value(column: Column, value: Any) -> Value:
    """Return a value as the journal has it: JSON tells no whole float from an integer."""
    if value is None:
        return None
    if isinstance(value, bool):
        raise TypeError(f"{column.name} is {value}")
    return float(value) if column.type is Type.FLOAT and not isinstance(value, str) else value


@cache
def _needed(kind: Kind[Any]) -> list[int]:
    """Return the places of what every row has: what the record cannot be without, but for floats.

    A float that is not finite is not written, see `storage.lines`.
    """
    hints = get_type_hints(kind.record)
    return [
        k
        for k, column in enumerate(kind.columns)
        if column.type is not Type.FLOAT
        and column.name in hints
        and NoneType not in get_args(hints[column.name])
    ]
