"""Epochs in order of time → the spans of time without data among them, and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from processing.outputs import Activity
from storage.schema import EPOCH, Row

SECOND_NS = 1_000_000_000
_START, _ACTIVITY = (
    [column.name for column in EPOCH.columns].index(name) for name in ("start_ns", "activity")
)


class Why(StrEnum):
    """Why there are no data."""

    NO_SIGNAL = "no_signal"
    """The clip was expected and too little of it arrived: epochs say `gap`."""
    NOT_RECORDED = "not_recorded"
    """There are no epochs: neckline did not run, or they were lost."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of whole seconds."""

    since_ns: int
    until_ns: int
    why: Why


class Gaps:
    """Watches epochs go by; at the end `found` holds the spans, `first_ns` and `until_ns` what they lie between."""

    def __init__(self) -> None:
        self.found: list[Gap] = []
        self.first_ns: int | None = None
        self.until_ns: int | None = None

    def watch(self, epochs: Iterable[Row]) -> Iterator[Row]:
        """Pass epochs of one stream on, in order of time."""
        for row in epochs:
            start_ns = row[_START]
            assert isinstance(start_ns, int)  # noqa: S101 (the schema's time; for the type checker)
            if self.until_ns is None:
                self.first_ns = start_ns
            elif start_ns > self.until_ns:
                self._add(Gap(self.until_ns, start_ns, Why.NOT_RECORDED))
            if row[_ACTIVITY] == Activity.GAP:
                self._add(Gap(start_ns, start_ns + SECOND_NS, Why.NO_SIGNAL))
            self.until_ns = start_ns + SECOND_NS
            yield row

    def _add(self, gap: Gap) -> None:
        last = self.found[-1] if self.found else None
        if last is not None and last.until_ns == gap.since_ns and last.why is gap.why:
            self.found[-1] = Gap(last.since_ns, gap.until_ns, gap.why)
        else:
            self.found.append(gap)
