"""What is stored of wearers, for whoever looks back: one interface, whether it rests in the journal or in InfluxDB."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from storage.entries import Stream
from storage.schema import Kind, Row

T = TypeVar("T")


class History(Protocol):
    """`storage.reader.JournalReader`, `storage.influx_history.InfluxHistory`. Raises StorageError."""

    skipped: int
    """Damaged rows passed over so far."""

    @property
    def title(self) -> str:
        """What it is called in a sentence: `the journal …`."""

    @property
    def origin(self) -> Mapping[str, str]:
        """What an export says of where it is from."""

    @property
    def kinds(self) -> tuple[Kind[Any], ...]:
        """The kinds of record that it keeps."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Everything that is read inside is of one moment, where that can be had."""

    def streams(self) -> list[Stream]:
        """Return of whom there is something."""

    def read(
        self, kind: Kind[T], stream: Stream, since_ns: int | None = None, until_ns: int | None = None
    ) -> Iterator[T]:
        """Yield the records of one kind in order of time, `since_ns` <= time < `until_ns`; none of a kind it does not keep."""

    def rows(
        self, kind: Kind[Any], stream: Stream, since_ns: int | None = None, until_ns: int | None = None
    ) -> Iterator[Row]:
        """Yield the same as rows: values in the order of the kind's columns."""

    def count(
        self,
        kind: Kind[Any],
        stream: Stream | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> int:
        """Return how many rows there are of one kind."""
