"""What processing gives to storage, alerts and people: epochs, minutes, episodes and events.

Times are nanoseconds since the Unix epoch on the clip's sample clock. Angles are degrees from the calibrated
upright pose: sagittal forward +, lateral right +. They are None wherever there is nothing to judge, never a
stand-in number.
"""

from dataclasses import dataclass
from enum import StrEnum


class Activity(StrEnum):
    """What the wearer does, as far as judging posture goes."""

    STILL = "still"
    """Quiet enough to judge: the only activity with a known posture."""
    MOVING = "moving"
    """Shaken about, but not by regular steps."""
    WALKING = "walking"
    """Regular steps."""
    VEHICLE = "vehicle"
    """Shaken lightly and for long without turning, as on a seat that drives. The angle is kept, nobody is alerted."""
    LYING = "lying"
    BENDING = "bending"
    """A deep bend forward, as to a drawer or a shoe."""
    LEANING = "leaning"
    """Far to one side: the sagittal angle says little."""
    TRANSITION = "transition"
    """Sitting down, getting up, or otherwise tilting fast, and a few seconds after."""
    NOT_WORN = "not_worn"
    GAP = "gap"
    """Too few samples of this second arrived."""
    UNCALIBRATED = "uncalibrated"
    """Nothing to judge by: no reference, one that is doubted, or a clip that reads what cannot be."""


class Posture(StrEnum):
    """Where the upper back is with respect to the wearer's own threshold."""

    UPRIGHT = "upright"
    SLOUCHED = "slouched"
    UNKNOWN = "unknown"
    """Whenever activity is anything but still. Unknown is never good."""


class EpisodeEnd(StrEnum):
    """How an episode ended."""

    SEEN = "seen"
    """The wearer was seen to sit up."""
    CENSORED = "censored"
    """A gap, movement or lying hid the end; the episode lasted at least until `end_ns`."""


class EventKind(StrEnum):
    """What others react to."""

    SLOUCH_STARTED = "slouch_started"
    """A slouch has been held for the hold time: an episode is open. `onset_ns` is when it began."""
    SLOUCH_ALERT = "slouch_alert"
    """The wearer is to be told, now. At most one an episode, unless a reminder is configured."""
    SLOUCH_ENDED = "slouch_ended"
    """The episode is over; `end_ns` is when the wearer sat up (or was last seen slouched). `note` tells of an alert that
    was not given since alerts fade."""
    HEAD_FORWARD_STARTED = "head_forward_started"
    """As the three above, for the head on the trunk; needs a second clip on the head."""
    HEAD_FORWARD_ALERT = "head_forward_alert"
    HEAD_FORWARD_ENDED = "head_forward_ended"
    BREAK_PROMPT = "break_prompt"
    """The wearer has hardly moved for long, in whatever posture: a good moment to get up."""
    CALIBRATION_SUSPECT = "calibration_suspect"
    """The clip seems to have slipped or to be broken: alerts stop until a new calibration; `note` says what was seen,
    `onset_ns` when the calibration that is doubted was captured."""
    NOT_WORN = "not_worn"
    """The clip has lain still since `onset_ns`; what was judged since then was no wearer."""
    SIGNAL_LOST = "signal_lost"
    SIGNAL_RETURNED = "signal_returned"
    BATTERY_LOW = "battery_low"
    CALIBRATED = "calibrated"
    SNOOZED = "snoozed"
    VISIT = "visit"
    """Therapist and wearer met: trends are read from one to the next."""
    SETTINGS_CHANGED = "settings_changed"
    """From here on it is judged, or told, otherwise; `note` says what is set."""
    EPOCHS_REMOVED = "epochs_removed"
    """The disk's share was full: `value` epochs from `onset_ns` to `end_ns` were removed, the oldest. Their minutes,
    episodes and events stay."""


class Stance(StrEnum):
    """Which of the wearer's references applies; with one clip it is a guess from walking and sitting down."""

    SITTING = "sitting"
    STANDING = "standing"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One second of summary, aligned to the whole second. `received + missing + corrupt` is the second's grid."""

    start_ns: int
    received: int
    missing: int
    corrupt: int
    activity: Activity
    posture: Posture
    sagittal_deg: float | None
    """Mean of the second."""
    lateral_deg: float | None
    motion_g: float | None
    """Standard deviation of |a| over the last 5 s, in units of gravity."""
    confidence: float = 1.0
    """How far the activity was from being another, from 0 (on a limit) to 1."""
    cadence_hz: float | None = None
    """Steps a second while walking."""


@dataclass(frozen=True, slots=True)
class Minute:
    """The roll-up of one minute's epochs, aligned to the whole minute; seconds of each activity and posture."""

    start_ns: int
    received: int
    missing: int
    corrupt: int
    activity_s: tuple[tuple[Activity, int], ...]
    """Seconds of each activity that occurred, in the order of `Activity`."""
    upright_s: int
    slouched_s: int
    unknown_s: int
    sagittal_mean_deg: float | None
    """Mean over the judged (still) epochs."""
    sagittal_max_deg: float | None


@dataclass(frozen=True, slots=True)
class Episode:
    """One uninterrupted sustained slouch."""

    onset_ns: int
    end_ns: int
    end: EpisodeEnd
    peak_deg: float
    mean_deg: float
    alerts: int
    calibration_id: str

    @property
    def duration_s(self) -> float:
        """Seconds from onset to end."""
        return (self.end_ns - self.onset_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an alert rests on."""

    threshold_deg: float
    hold_s: float
    mean_deg: float
    """Of the slouch so far, one-second means."""
    peak_deg: float
    judged_s: int
    """Seconds of the slouch that were judged."""
    unknown_s: float
    """Seconds of the slouch that were not; they did not count toward the hold."""
    received: float
    """Share of the slouch's samples that were received."""
    stance: Stance
    calibration_id: str
    calibration_age_s: float
    told: int = 1
    due: int = 1
    """With fading, so many (`told`) of so many alerts that fall due are given this week."""
    held_s: float | None = None
    """From the onset to this alert, whatever came between; None in what an older neckline sent to InfluxDB."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something others react to, at the sample time at which it became known."""

    time_ns: int
    kind: EventKind
    onset_ns: int | None = None
    """When what it tells of began."""
    end_ns: int | None = None
    """When what it tells of ended."""
    value: float | None = None
    """Sagittal angle in degrees for slouches, per cent for the battery."""
    note: str = ""
    """A sentence for people."""
    evidence: Evidence | None = None
    """What a `slouch_alert` rests on."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """All that one call of `step` found, each in order of time."""

    epochs: tuple[Epoch, ...] = ()
    minutes: tuple[Minute, ...] = ()
    episodes: tuple[Episode, ...] = ()
    events: tuple[Event, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.epochs or self.minutes or self.episodes or self.events)


NOTHING = Outputs()
