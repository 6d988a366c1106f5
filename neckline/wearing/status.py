"""What a running service says of itself, as one value: the terminal view draws it, `neckline status` asks for it."""

from dataclasses import dataclass
from pathlib import Path

from processing.outputs import Activity, Posture
from processing.quality import CalibrationQuality
from processing.settings import Mode
from processing.state import Now
from sensor.samples import BatteryReading, LinkChange

OLD_CALIBRATION_S = 12 * 3600.0
"""A reference of this age is most likely of another donning."""
BATTERY_LOW_PERCENT, BATTERY_CHARGED_PERCENT = 20.0, 30.0
"""Warned once below the first; again only after it has been above the second."""


@dataclass(frozen=True, slots=True)
class Today:
    """What has been seen since local midnight, in seconds and counts."""

    upright_s: int = 0
    slouched_s: int = 0
    unknown_s: int = 0
    """Not judged: moving, lying, not worn, no signal, …"""
    episodes: int = 0
    """Sustained slouches that began."""
    alerts: int = 0
    head_forward: int = 0
    """Times the head was forward for long; with a clip on the head."""


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """How the writer fares."""

    path: Path
    pending: int = 0
    """Rows that wait to be written."""
    dropped_epochs: int = 0
    """Epochs that were given up because the disk stayed away for too long."""
    trouble: str = ""
    """What is wrong and what to do; empty while all is well."""


@dataclass(frozen=True, slots=True)
class InfluxStatus:
    """How the feed to InfluxDB fares."""

    backlog_rows: int
    oldest_ns: int | None
    """Time of the oldest row that is not delivered."""
    dead_letters: int
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How a channel to the wearer fares."""

    name: str
    sent: int = 0
    failed: int = 0
    dropped: int = 0
    """Messages that were too old by the time the channel was free."""
    trouble: str = ""
    """Why the last message did not get out, and what to do; empty while all is well."""


@dataclass(frozen=True, slots=True)
class HeadStatus:
    """How the clip on the head fares, and what it and the back's tell together."""

    clip: str
    """Its name."""
    link: LinkChange | None
    battery: BatteryReading | None
    calibrated_ns: int | None
    suspect: str
    """Why that calibration is not believed; empty while it is."""
    quality: CalibrationQuality | None
    flexion_deg: float | None
    """How far the head is bent forward on the upper back; None when either is not known."""
    threshold_deg: float
    activity: Activity | None
    """Of both, some seconds ago at most."""
    posture: Posture
    """Slouched: the head is forward."""
    hold_progress: float


@dataclass(frozen=True, slots=True)
class Status:
    """Everything a person may want to know of a running neckline; nothing personal beyond the pseudonym."""

    time_ns: int
    """When this was so."""
    started_ns: int
    wearer: str
    placement: str
    clip: str
    """The clip's name."""
    simulated: bool
    now: Now
    hold_s: float
    mode: Mode
    link: LinkChange | None
    """The last change; None before the first."""
    battery: BatteryReading | None
    calibrated_ns: int | None
    """When the sitting reference in force was captured; None: there is none."""
    suspect: str
    """Why that reference is no longer believed; empty while it is."""
    today: Today
    last_alert_ns: int | None
    snoozed_until_ns: int | None
    """None when not snoozed."""
    alerts_from_ns: int | None
    """From when on mode, snooze and weekly hours let alerts out: `time_ns` when they do now, None for never."""
    journal: JournalStatus
    influxdb: InfluxStatus | None
    """None: no InfluxDB is configured."""
    channels: tuple[ChannelStatus, ...] = ()
    quality: CalibrationQuality | None = None
    """How good the sitting reference is; None where it is not known."""
    fading: tuple[int, int] | None = None
    """So many of so many alerts that fall due are given; None: they do not fade."""
    head: HeadStatus | None = None
    """None: no clip is worn on the head."""
