"""What an InfluxDB holds of wearers, by InfluxQL with bound parameters: 1.8 and newer, 2.x with a mapping, 3 Core.

It is what the journal delivered: every kind with a measurement, to the last bit, but that a value which became unknown
when a row was corrected keeps the older one. Calibrations stay in the journal.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar

from storage.entries import Stream
from storage.errors import InfluxBucketError, InfluxForeignError, InfluxQueryError, InfluxTokenError
from storage.influxdb import InfluxSettings, InfluxSink
from storage.lines import STREAM_TAGS
from storage.schema import EPOCH, KINDS, Kind, Row, Type, Value

T = TypeVar("T")
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
            placements = self._tag_values(PLACEMENT, f' WHERE "{WEARER}" = $wearer', wearer=wearer)
            found += [Stream(wearer, placement) for placement in placements]
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
                yield from (_row(kind, found) for found in page)
            elif first_ns < last_ns:
                # Of its last moment there may be more, with other tags.
                yield from (_row(kind, found) for found in page if found["time"] < last_ns)
                since_ns = last_ns
            else:
                yield from (_row(kind, found) for found in page)
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
            found = result.get("series", [])
        except (ValueError, AttributeError, IndexError, TypeError) as error:
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
        return [dict(zip(of["columns"], values, strict=True)) for of in found for values in of["values"]]


def _row(kind: Kind[Any], found: Found) -> Row:
    """Return what was found in the order of a kind's columns."""
    _, *columns = kind.columns
    values: list[Value] = [found["time"]]
    for column in columns:
        value = found.get(column.name)
        values.append(float(value) if column.type is Type.FLOAT and value is not None else value)
    return tuple(values)
