"""Records → what a day, or a run, came to: seconds by posture, sustained slouches, alerts, the balance of samples."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from neckline.configuration.schedule import midnight_ns
from neckline.wearing.status import Today
from processing.outputs import Epoch, Event, EventKind, Posture
from storage.schema import Record

ALERTS = frozenset({EventKind.SLOUCH_ALERT, EventKind.HEAD_FORWARD_ALERT})


@dataclass(frozen=True, slots=True)
class Tally:
    """A sum of records. Values are never changed in place."""

    seen: Today = field(default_factory=Today)
    received: int = 0
    missing: int = 0
    corrupt: int = 0

    def count(self, records: Iterable[Record]) -> "Tally":
        """Return the tally with these records, too."""
        tally = self
        for record in records:
            if isinstance(record, Epoch):
                tally = _with_epoch(tally, record)
            elif isinstance(record, Event):
                tally = _with_event(tally, record)
        return tally

    def with_events_of(self, other: "Tally") -> "Tally":
        """Return the tally with what another place of the wearer counted of events; its seconds are the same ones."""
        seen = replace(
            self.seen,
            alerts=self.seen.alerts + other.seen.alerts,
            head_forward=self.seen.head_forward + other.seen.head_forward,
        )
        return replace(self, seen=seen)


def _with_epoch(tally: Tally, epoch: Epoch) -> Tally:
    seen = replace(
        tally.seen,
        upright_s=tally.seen.upright_s + (epoch.posture is Posture.UPRIGHT),
        slouched_s=tally.seen.slouched_s + (epoch.posture is Posture.SLOUCHED),
        unknown_s=tally.seen.unknown_s + (epoch.posture is Posture.UNKNOWN),
    )
    return Tally(
        seen,
        tally.received + epoch.received,
        tally.missing + epoch.missing,
        tally.corrupt + epoch.corrupt,
    )


def _with_event(tally: Tally, event: Event) -> Tally:
    seen = replace(
        tally.seen,
        episodes=tally.seen.episodes + (event.kind is EventKind.SLOUCH_STARTED),
        alerts=tally.seen.alerts + (event.kind in ALERTS),
        head_forward=tally.seen.head_forward + (event.kind is EventKind.HEAD_FORWARD_STARTED),
    )
    return replace(tally, seen=seen)


class DayTally:
    """What the local day under way came to; at midnight it begins anew."""

    def __init__(self, now_ns: int, zone: tzinfo | None, seen: Tally) -> None:
        self._zone = zone
        self._tally = seen
        self._begin_ns, self._end_ns = self._day(now_ns)

    def count(self, records: Iterable[Record]) -> None:
        """Count records as they come, each for the day in which it began; those of a day that is over no more."""
        for record in records:
            if isinstance(record, Epoch | Event):
                time_ns = record.start_ns if isinstance(record, Epoch) else record.time_ns
                if time_ns >= self._end_ns:
                    self._turn_to(time_ns)
                if time_ns >= self._begin_ns:
                    self._tally = self._tally.count((record,))

    def at(self, now_ns: int) -> Today:
        """Return what today came to so far. A clock that was set back to another day makes that today."""
        if not self._begin_ns <= now_ns < self._end_ns:
            self._turn_to(now_ns)
        return self._tally.seen

    def _turn_to(self, now_ns: int) -> None:
        self._tally = Tally()
        self._begin_ns, self._end_ns = self._day(now_ns)

    def _day(self, now_ns: int) -> tuple[int, int]:
        return midnight_ns(now_ns, self._zone), midnight_ns(now_ns, self._zone, days=1)
