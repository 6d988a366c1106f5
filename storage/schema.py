"""What is stored of a wearer, named once: kinds of record, their columns, units and meanings.

The journal's tables, InfluxDB's measurements and fields, the columns of exports and the names in dashboards all come
from here, so that a rename breaks a test and not a dashboard. Turns records into rows and back; stores nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from processing.calibration import Calibration
from processing.outputs import (
    Activity,
    Episode,
    EpisodeEnd,
    Epoch,
    Event,
    EventKind,
    Evidence,
    Minute,
    Posture,
    Stance,
)
from processing.quality import CalibrationQuality
from sensor.samples import BatteryReading

T = TypeVar("T")
Value = int | float | str | None
Row = tuple[Value, ...]


class Type(StrEnum):
    """What a column holds; the same in the journal, in InfluxDB and in exports, for ever."""

    INT = "int"
    FLOAT = "float"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Column:
    """One named quantity."""

    name: str
    type: Type
    unit: str
    """UCUM where there is one: `deg`, `s`, `ns`, `V`, `%`, `[g]`, `Hz`; `1` for counts, empty for words."""
    meaning: str
    tag: bool = False
    """Indexed in InfluxDB; few values, never an identifier that keeps changing."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind of record. The first column is its time, by which, with the stream and the tags, it is unique."""

    name: str
    """The journal's table and the export's file."""
    measurement: str | None
    """InfluxDB's name for it; None for what stays in the journal."""
    record: type[T]
    columns: tuple[Column, ...]
    to_row: Callable[[T], Row]
    """Values in the order of `columns`; None for what is not known."""
    from_row: Callable[[Row], T]


@dataclass(frozen=True, slots=True)
class StanceCalibration:
    """A calibration and the stance it was captured in."""

    stance: Stance
    calibration: Calibration
    quality: CalibrationQuality | None = None
    """None where it is not known."""


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """How a running service fared in a minute: what those who look after many of them want to see."""

    time_ns: int
    """The begin of the minute."""
    link: str
    """Where the link to the clip stood: a word of `LinkState`, empty before the first."""
    silent_s: float | None
    """How long the clip had been silent in the weekly hours in which it had been heard; None outside of them, and for a
    clip that was not worn in them at all."""
    doubted: int | None
    """1 while the calibration is doubted, 0 while it is believed, None while no clip is worn or none is calibrated."""
    charge_percent: float | None
    """Of the clip's battery, while it is worn."""
    pending_rows: int
    dropped_epochs: int
    backlog_rows: int | None
    """None without an InfluxDB; so are the next two."""
    backlog_s: float | None
    dead_letters: int | None


Record = Epoch | Minute | Episode | Event | BatteryReading | StanceCalibration | ServiceHealth

_BALANCE = (
    Column("received", Type.INT, "1", "samples that arrived whole"),
    Column("missing", Type.INT, "1", "samples of the grid that never arrived"),
    Column("corrupt", Type.INT, "1", "samples that arrived damaged"),
)

EPOCH = Kind(
    name="epoch",
    measurement="posture_epoch",
    record=Epoch,
    columns=(
        Column("start_ns", Type.INT, "ns", "begin of the second, UTC"),
        *_BALANCE,
        Column("activity", Type.TEXT, "", "what the wearer did; posture is judged only while still"),
        Column("posture", Type.TEXT, "", "upright, slouched, or unknown"),
        Column("sagittal_deg", Type.FLOAT, "deg", "mean inclination of the upper back, forward +"),
        Column("lateral_deg", Type.FLOAT, "deg", "mean inclination of the upper back, right +"),
        Column("motion_g", Type.FLOAT, "[g]", "standard deviation of |a| over the last 5 s"),
        Column("confidence", Type.FLOAT, "1", "how far the activity was from being another, 0 to 1"),
        Column("cadence_hz", Type.FLOAT, "Hz", "steps a second while walking"),
    ),
    to_row=lambda epoch: (
        epoch.start_ns,
        epoch.received,
        epoch.missing,
        epoch.corrupt,
        epoch.activity.value,
        epoch.posture.value,
        epoch.sagittal_deg,
        epoch.lateral_deg,
        epoch.motion_g,
        epoch.confidence,
        epoch.cadence_hz,
    ),
    from_row=lambda row: _epoch(*row),
)


def _epoch(
    start_ns: Any, received: Any, missing: Any, corrupt: Any, activity: Any, posture: Any, *rest: Any
) -> Epoch:
    return Epoch(start_ns, received, missing, corrupt, Activity(activity), Posture(posture), *rest)


def _minute_row(minute: Minute) -> Row:
    seconds = dict(minute.activity_s)
    return (
        minute.start_ns,
        minute.received,
        minute.missing,
        minute.corrupt,
        minute.upright_s,
        minute.slouched_s,
        minute.unknown_s,
        minute.sagittal_mean_deg,
        minute.sagittal_max_deg,
        *(seconds.get(activity, 0) for activity in Activity),
    )


def _minute(
    start_ns: Any,
    received: Any,
    missing: Any,
    corrupt: Any,
    upright_s: Any,
    slouched_s: Any,
    unknown_s: Any,
    mean_deg: Any,
    max_deg: Any,
    *seconds: Any,
) -> Minute:
    activity_s = tuple((activity, n) for activity, n in zip(Activity, seconds, strict=True) if n)
    return Minute(
        start_ns, received, missing, corrupt, activity_s, upright_s, slouched_s, unknown_s, mean_deg, max_deg
    )


MINUTE = Kind(
    name="minute",
    measurement="posture_minute",
    record=Minute,
    columns=(
        Column("start_ns", Type.INT, "ns", "begin of the minute, UTC"),
        *_BALANCE,
        Column("upright_s", Type.INT, "s", "seconds judged upright"),
        Column("slouched_s", Type.INT, "s", "seconds judged slouched"),
        Column("unknown_s", Type.INT, "s", "seconds not judged"),
        Column("sagittal_mean_deg", Type.FLOAT, "deg", "mean inclination over the judged seconds, forward +"),
        Column("sagittal_max_deg", Type.FLOAT, "deg", "greatest one-second inclination that was judged"),
        *(
            Column(f"{activity.value}_s", Type.INT, "s", f"seconds of the activity {activity.value}")
            for activity in Activity
        ),
    ),
    to_row=_minute_row,
    from_row=lambda row: _minute(*row),
)

EPISODE = Kind(
    name="episode",
    measurement="posture_episode",
    record=Episode,
    columns=(
        Column("onset_ns", Type.INT, "ns", "when the slouch began, UTC"),
        Column("end_ns", Type.INT, "ns", "when the wearer sat up, or was last seen slouched, UTC"),
        Column("end", Type.TEXT, "", "whether the end was seen, or censored by a gap or movement"),
        Column("peak_deg", Type.FLOAT, "deg", "greatest one-second inclination"),
        Column("mean_deg", Type.FLOAT, "deg", "mean inclination of the slouched seconds"),
        Column("alerts", Type.INT, "1", "alerts given"),
        Column("calibration_id", Type.TEXT, "", "calibration it was judged by"),
    ),
    to_row=lambda episode: (
        episode.onset_ns,
        episode.end_ns,
        episode.end.value,
        episode.peak_deg,
        episode.mean_deg,
        episode.alerts,
        episode.calibration_id,
    ),
    from_row=lambda row: _episode(*row),
)


def _episode(onset_ns: Any, end_ns: Any, end: Any, *rest: Any) -> Episode:
    return Episode(onset_ns, end_ns, EpisodeEnd(end), *rest)


_EVIDENCE = (
    Column("threshold_deg", Type.FLOAT, "deg", "threshold in force (alerts)"),
    Column("hold_s", Type.FLOAT, "s", "hold time in force (alerts)"),
    Column("mean_deg", Type.FLOAT, "deg", "mean inclination of the slouch so far (alerts)"),
    Column("peak_deg", Type.FLOAT, "deg", "greatest one-second inclination of the slouch so far (alerts)"),
    Column("judged_s", Type.INT, "s", "seconds of the slouch that were judged (alerts)"),
    Column("unjudged_s", Type.FLOAT, "s", "seconds of the slouch that were not judged (alerts)"),
    Column("received_share", Type.FLOAT, "1", "share of the slouch's samples that were received (alerts)"),
    Column("stance", Type.TEXT, "", "reference it was judged by: sitting or standing (alerts)"),
    Column("calibration_id", Type.TEXT, "", "calibration it was judged by (alerts)"),
    Column("calibration_age_s", Type.FLOAT, "s", "age of that calibration (alerts)"),
    Column("told_alerts", Type.INT, "1", "with fading, so many are given of each due_alerts (alerts)"),
    Column("due_alerts", Type.INT, "1", "1 without fading (alerts)"),
    Column("held_s", Type.FLOAT, "s", "from the onset to the alert (alerts)"),
)


def _event_row(event: Event) -> Row:
    head = (event.time_ns, event.kind.value, event.onset_ns, event.end_ns, event.value, event.note)
    found = event.evidence
    if found is None:
        return (*head, *(None for _ in _EVIDENCE))
    return (
        *head,
        found.threshold_deg,
        found.hold_s,
        found.mean_deg,
        found.peak_deg,
        found.judged_s,
        found.unknown_s,
        found.received,
        found.stance.value,
        found.calibration_id,
        found.calibration_age_s,
        found.told,
        found.due,
        found.held_s,
    )


def _event(time_ns: Any, kind: Any, onset_ns: Any, end_ns: Any, value: Any, note: Any, *found: Any) -> Event:
    evidence = None
    if found[0] is not None:
        threshold_deg, hold_s, mean_deg, peak_deg, judged_s, unknown_s, received, stance, *rest = found
        evidence = Evidence(
            threshold_deg,
            hold_s,
            mean_deg,
            peak_deg,
            judged_s,
            unknown_s,
            received,
            Stance(stance),
            *rest,
        )
    return Event(time_ns, EventKind(kind), onset_ns, end_ns, value, note, evidence)


EVENT = Kind(
    name="event",
    measurement="posture_event",
    record=Event,
    columns=(
        Column("time_ns", Type.INT, "ns", "when it became known, UTC"),
        Column("kind", Type.TEXT, "", "what happened", tag=True),
        Column("onset_ns", Type.INT, "ns", "when what it tells of began, UTC"),
        Column("end_ns", Type.INT, "ns", "when what it tells of ended, UTC"),
        Column("value", Type.FLOAT, "", "inclination in deg for slouches, per cent for the battery"),
        Column("note", Type.TEXT, "", "a sentence for people"),
        *_EVIDENCE,
    ),
    to_row=_event_row,
    from_row=lambda row: _event(*row),
)

BATTERY = Kind(
    name="battery",
    measurement="clip_battery",
    record=BatteryReading,
    columns=(
        Column("time_ns", Type.INT, "ns", "when the clip told it, UTC"),
        Column("percent", Type.FLOAT, "%", "charge"),
        Column("volts", Type.FLOAT, "V", "voltage of the cell, where the clip tells it"),
    ),
    to_row=lambda reading: (reading.time_ns, reading.percent, reading.volts),
    from_row=lambda row: _battery(*row),
)


def _battery(*values: Any) -> BatteryReading:
    return BatteryReading(*values)


_QUALITY = (
    Column("received", Type.FLOAT, "1", "share of the poses' samples that arrived"),
    Column("shake_g", Type.FLOAT, "[g]", "standard deviation of |a| in the poses"),
    Column("turn_degps", Type.FLOAT, "deg/s", "RMS rotation in the poses, if the clip has a gyroscope"),
    Column("off_one_g", Type.FLOAT, "[g]", "how far gravity was from 1 g"),
    Column("drift_deg", Type.FLOAT, "deg", "how far the poses wandered"),
    Column("separation_deg", Type.FLOAT, "deg", "angle between the poses, if there are two"),
    Column("expected_error_deg", Type.FLOAT, "deg", "RMS by which upright will differ from zero"),
)
"""Named as the fields of `CalibrationQuality`, and in their order."""


def _calibration_row(captured: StanceCalibration) -> Row:
    calibration = captured.calibration
    return (
        calibration.captured_ns,
        captured.stance.value,
        calibration.calibration_id,
        *calibration.up_sensor,
        *calibration.forward_sensor,
        calibration.threshold_deg,
        calibration.slump_deg,
        *(getattr(captured.quality, column.name, None) for column in _QUALITY),
    )


def _calibration(captured_ns: Any, stance: Any, calibration_id: Any, *values: Any) -> StanceCalibration:
    up, forward, (threshold_deg, slump_deg), found = values[:3], values[3:6], values[6:8], values[8:]
    quality = None
    if found[0] is not None:
        quality = CalibrationQuality(*found)
    return StanceCalibration(
        Stance(stance),
        Calibration(calibration_id, captured_ns, up, forward, threshold_deg, slump_deg),
        quality,
    )


CALIBRATION = Kind(
    name="calibration",
    measurement=None,
    record=StanceCalibration,
    columns=(
        Column("captured_ns", Type.INT, "ns", "when the pose had been held, UTC"),
        Column("stance", Type.TEXT, "", "sitting or standing", tag=True),
        Column("calibration_id", Type.TEXT, "", "the name by which episodes and events refer to it"),
        *(
            Column(f"up_{axis}_sensor", Type.FLOAT, "1", "up in the upright pose, unit vector")
            for axis in "xyz"
        ),
        *(
            Column(f"forward_{axis}_sensor", Type.FLOAT, "1", "the wearer's forward, unit vector")
            for axis in "xyz"
        ),
        Column("threshold_deg", Type.FLOAT, "deg", "personal threshold"),
        Column("slump_deg", Type.FLOAT, "deg", "sagittal angle of the slump pose, if it was captured"),
        *_QUALITY,
    ),
    to_row=_calibration_row,
    from_row=lambda row: _calibration(*row),
)

HEALTH = Kind(
    name="health",
    measurement="service_health",
    record=ServiceHealth,
    columns=(
        Column("time_ns", Type.INT, "ns", "begin of the minute, UTC"),
        Column("link", Type.TEXT, "", "searching, connecting, streaming or waiting"),
        Column("silent_s", Type.FLOAT, "s", "silence of the clip in the weekly hours in which it was heard"),
        Column("doubted", Type.INT, "1", "1 while the calibration of a worn clip is doubted, else 0"),
        Column("charge_percent", Type.FLOAT, "%", "charge of the clip while it is worn"),
        Column("pending_rows", Type.INT, "1", "rows that waited to be written into the journal"),
        Column("dropped_epochs", Type.INT, "1", "epochs given up since the start, the disk being away"),
        Column("backlog_rows", Type.INT, "1", "rows that waited to be delivered to InfluxDB"),
        Column("backlog_s", Type.FLOAT, "s", "age of the oldest of them"),
        Column(
            "dead_letters", Type.INT, "1", "rows that InfluxDB refused for good, since the journal was made"
        ),
    ),
    to_row=lambda health: (
        health.time_ns,
        health.link,
        health.silent_s,
        health.doubted,
        health.charge_percent,
        health.pending_rows,
        health.dropped_epochs,
        health.backlog_rows,
        health.backlog_s,
        health.dead_letters,
    ),
    from_row=lambda row: _health(*row),
)


def _health(*values: Any) -> ServiceHealth:
    return ServiceHealth(*values)


KINDS: tuple[Kind[Any], ...] = (EPOCH, MINUTE, EPISODE, EVENT, BATTERY, CALIBRATION, HEALTH)


def kind_of(record: Record) -> Kind[Any]:
    """Return the kind of a record."""
    return next(kind for kind in KINDS if isinstance(record, kind.record))
