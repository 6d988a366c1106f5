"""What runs at this moment, as one value: the terminal view draws it, `neckline status` asks for it."""

from dataclasses import dataclass
from pathlib import Path

from processing.settings import Mode
from processing.state import Now
from sensor.samples import BatteryReading, LinkChange
from storage.forwarder import ForwarderStatus
from storage.writer import WriterStatus


@dataclass(frozen=True, slots=True)
class Today:
    """What has been seen since local midnight, in seconds and counts."""

    upright_s: int = 0
    slouched_s: int = 0
    unknown_s: int = 0
    """Not judged: moving, lying, not worn, no signal, …"""
    slouches: int = 0
    """Sustained slouches that began."""
    alerts: int = 0
    last_alert_ns: int | None = None


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How a channel to the wearer does."""

    name: str
    sent: int = 0
    failed: int = 0
    dropped: int = 0
    """Messages that were too old by the time the channel was free."""
    trouble: str = ""
    """Why the last message did not get out, and what to do; empty while all is well."""


@dataclass(frozen=True, slots=True)
class Status:
    """Everything a person may want to know of a running neckline; nothing personal beyond the pseudonym."""

    time_ns: int
    """When this was so."""
    wearer: str
    placement: str
    simulated: bool
    now: Now
    hold_s: float
    mode: Mode
    link: LinkChange | None
    """The last change of the link; None before the first."""
    battery: BatteryReading | None
    calibrated_ns: int | None
    """When the sitting reference was captured; None: there is none."""
    suspect: str
    """Why that reference is no longer believed; empty while it is."""
    today: Today
    snoozed_until_ns: int | None
    """None when not snoozed."""
    alerts_from_ns: int | None
    """From when on alerts are wanted by mode and weekly hours: `time_ns` when they are now, None for never."""
    journal_path: Path
    writer: WriterStatus
    forwarder: ForwarderStatus | None
    """None when InfluxDB is not configured."""
    channels: tuple[ChannelStatus, ...]
