"""What a journal remembers of a wearer → what a service starts from: references, snooze, warnings given, the day so far.

Only `processing`'s own state is saved as such; all else that the service knows follows from the rows it has written.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import tzinfo

from neckline.configuration.schedule import midnight_ns
from neckline.wearing.status import BATTERY_CHARGED_PERCENT, Today
from neckline.wearing.tally import ALERTS, Tally
from processing.calibration import Calibration
from processing.epochs import MINUTE_NS, SECOND_NS, OpenMinute
from processing.outputs import Epoch, Event, EventKind, Stance
from processing.quality import CalibrationQuality
from processing.slouch import HOUR_NS
from sensor.arrivals import AHEAD_S
from storage.entries import Stream
from storage.reader import JournalReader
from storage.schema import BATTERY, CALIBRATION, EPOCH, EVENT, MINUTE

DAYS = 30
"""How far back events are looked for."""
STILL_LOST_S = 900.0
"""A signal that was lost for longer before this start is another session's."""


@dataclass(frozen=True, slots=True)
class Memory:
    """All of it; the default is that of an empty journal."""

    calibration: Calibration | None = None
    """The newest sitting reference."""
    standing: Calibration | None = None
    quality: CalibrationQuality | None = None
    """How good the sitting reference is, as far as it was stored."""
    suspect: str = ""
    """Why the sitting reference was doubted after it was captured."""
    snoozed_until_ns: int | None = None
    battery_low: bool = False
    """The wearer has been warned, and the clip not charged since."""
    lost_ns: int | None = None
    """Since when the signal is lost."""
    last_alert_ns: int | None = None
    alerts_ns: tuple[int, ...] = ()
    """The alerts of the last hour."""
    last_ns: int = 0
    """The end of the newest second that is stored; 0 when there is none."""
    today: Tally = field(default_factory=Tally)
    in_force: str = ""
    """What was set apart from the defaults when that last changed, as `configuration.in_force` writes it."""
    minute: OpenMinute | None = None
    """The present minute as far as it has been written; a later start goes on with it."""


def remember(reader: JournalReader, stream: Stream, now_ns: int, zone: tzinfo | None = None) -> Memory:
    """Read what a service needs to know at its start."""
    references: dict[Stance, Calibration] = {}
    qualities: dict[Stance, CalibrationQuality | None] = {}
    # What is stamped by a clock that was ahead and has been set back since is not known yet.
    until_ns = now_ns + round(AHEAD_S * 1e9)
    for captured in reader.read(CALIBRATION, stream, until_ns=until_ns):
        references[captured.stance], qualities[captured.stance] = captured.calibration, captured.quality
    sitting = references.get(Stance.SITTING)
    events = list(reader.read(EVENT, stream, since_ns=now_ns - DAYS * 86400 * 10**9, until_ns=until_ns))
    last = {event.kind: event for event in events}
    newest = reader.last(EPOCH, stream)
    return Memory(
        calibration=sitting,
        standing=references.get(Stance.STANDING),
        quality=qualities.get(Stance.SITTING),
        suspect=_doubt(events, sitting),
        snoozed_until_ns=snooze.end_ns if (snooze := last.get(EventKind.SNOOZED)) else None,
        battery_low=_battery_low(reader, stream, last.get(EventKind.BATTERY_LOW)),
        lost_ns=_lost_ns(last, now_ns),
        last_alert_ns=max((last[kind].time_ns for kind in ALERTS if kind in last), default=None),
        alerts_ns=tuple(e.time_ns for e in events if e.kind in ALERTS and e.time_ns > now_ns - HOUR_NS),
        last_ns=newest.start_ns + SECOND_NS if newest else 0,
        today=_today(reader, stream, midnight_ns(now_ns, zone), events),
        in_force=changed.note if (changed := _changed(reader, stream)) else "",
        minute=_minute(reader, stream, now_ns),
    )


def _doubt(events: list[Event], reference: Calibration | None) -> str:
    """Return why a reference was doubted; what is said of another stance's does not count."""
    doubts = [
        event.note
        for event in events
        if event.kind is EventKind.CALIBRATION_SUSPECT
        and reference is not None
        and event.onset_ns == reference.captured_ns
    ]
    return doubts[-1] if doubts else ""


def _changed(reader: JournalReader, stream: Stream) -> Event | None:
    return reader.last(EVENT, stream, kind=EventKind.SETTINGS_CHANGED.value)


def _battery_low(reader: JournalReader, stream: Stream, warned: Event | None) -> bool:
    if warned is None:
        return False
    since = reader.read(BATTERY, stream, since_ns=warned.time_ns)
    return all(reading.percent < BATTERY_CHARGED_PERCENT for reading in since)


def _lost_ns(last: dict[EventKind, Event], now_ns: int) -> int | None:
    lost, returned = last.get(EventKind.SIGNAL_LOST), last.get(EventKind.SIGNAL_RETURNED)
    if lost is None or (returned is not None and returned.time_ns >= lost.time_ns):
        return None
    return lost.onset_ns if now_ns - lost.time_ns < STILL_LOST_S * 1e9 else None


def _today(reader: JournalReader, stream: Stream, midnight: int, events: list[Event]) -> Tally:
    """Add up the day's minutes, and the seconds that are in no whole minute yet."""
    minutes = list(reader.read(MINUTE, stream, since_ns=midnight))
    since_ns = midnight
    seen = Today()
    if minutes:
        since_ns = minutes.pop().start_ns  # a stop closes the last one early
        seen = Today(
            upright_s=sum(minute.upright_s for minute in minutes),
            slouched_s=sum(minute.slouched_s for minute in minutes),
            unknown_s=sum(minute.unknown_s for minute in minutes),
        )
    epochs: Iterator[Epoch] = reader.read(EPOCH, stream, since_ns=since_ns)
    return Tally(seen).count(epochs).count(event for event in events if event.time_ns >= midnight)


def _minute(reader: JournalReader, stream: Stream, now_ns: int) -> OpenMinute | None:
    start_ns = now_ns - now_ns % MINUTE_NS
    epochs = list(reader.read(EPOCH, stream, since_ns=start_ns, until_ns=start_ns + MINUTE_NS))
    minute = OpenMinute(start_ns)
    for epoch in epochs:
        minute = minute.add(epoch)
    return minute if epochs else None
