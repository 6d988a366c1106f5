"""What waits to be committed: in order, bounded by rows; when it is full, the oldest epochs go and nothing else."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from threading import Event

from sensor.samples import SampleBlock
from storage.entries import Advance, Batch, Stream
from storage.errors import StorageError
from storage.rows import PackedRow
from storage.schema import EPOCH


@dataclass(slots=True)
class Asked:
    """An advance that someone waits for."""

    advance: Advance
    answered: Event = field(default_factory=Event)
    error: StorageError | None = None

    def answer(self, error: StorageError | None = None) -> None:
        """Let the one who waits go on."""
        self.error = error
        self.answered.set()


@dataclass(slots=True)
class Waiting:
    """Rows with the number of their arrival, the newest state of each stream or the samples since, advances."""

    epochs: deque[tuple[int, PackedRow]] = field(default_factory=deque)
    others: deque[tuple[int, PackedRow]] = field(default_factory=deque)
    states: dict[Stream, bytes] = field(default_factory=dict)
    since: dict[Stream, list[SampleBlock]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.epochs) + len(self.others)

    def __bool__(self) -> bool:
        return bool(self.epochs or self.others or self.states or self.since or self.asked)

    def add(self, number: int, rows: Iterable[PackedRow]) -> int:
        """Add rows, numbered from `number` on; return the next number."""
        for row in rows:
            (self.epochs if row.kind is EPOCH else self.others).append((number, row))
            number += 1
        return number

    def keep(self, batch: Batch) -> None:
        """Add the state of a batch, which makes those before it useless, or the samples that it came of."""
        if batch.state is not None:
            self.states[batch.stream] = batch.state
            self.since.pop(batch.stream, None)
        elif batch.since is not None:
            self.since.setdefault(batch.stream, []).append(batch.since)

    def rows(self) -> list[PackedRow]:
        """Return all rows in the order in which they arrived."""
        return [row for _, row in sorted(chain(self.epochs, self.others), key=itemgetter(0))]

    def put_before(self, later: "Waiting") -> "Waiting":
        """Return what waits when this could not be committed and `later` has come since; advances are not kept."""
        since = {stream: blocks for stream, blocks in self.since.items() if stream not in later.states}
        for stream, blocks in later.since.items():
            since[stream] = since.get(stream, []) + blocks
        return Waiting(
            self.epochs + later.epochs,
            self.others + later.others,
            self.states | later.states,
            since,
            later.asked,
        )

    def trim(self, rows: int) -> int:
        """Drop the oldest epochs until no more than so many rows are left, or no epochs; return how many went."""
        surplus = min(len(self) - rows, len(self.epochs))
        for _ in range(surplus):
            self.epochs.popleft()
        return max(0, surplus)
