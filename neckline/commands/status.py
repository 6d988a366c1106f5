"""`neckline status`: what the running service says, and what the journal says whether one runs or not."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from neckline.commands import machine
from neckline.commands.output import give, give_json
from neckline.configuration.config import Config
from neckline.control.client import Client
from neckline.screen.words import ACTIVITY_WORDS, count, day_and_clock, forward, of_link, of_quality, span
from neckline.watching.recording import recordings_path
from neckline.wearing.memory import Memory, remember
from neckline.wearing.status import HeadStatus, InfluxStatus, Status, Today
from processing.outputs import Posture
from processing.quality import CalibrationQuality
from sensor.samples import LinkState
from storage.entries import INFLUXDB, Stream
from storage.reader import JournalReader
from storage.recordings.folder import RecordingsFolder
from storage.schema import EPOCH


@dataclass(frozen=True, slots=True)
class Samples:
    """What there is of samples that were kept."""

    folder: Path
    enabled: bool
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What the journal says of the wearer."""

    path: Path
    size_bytes: int
    """With what is not yet checkpointed."""
    last_epoch_ns: int | None
    calibrated_ns: int | None
    quality: CalibrationQuality | None
    today: Today
    last_alert_ns: int | None
    snoozed_until_ns: int | None
    influxdb: InfluxStatus | None
    """None: no InfluxDB is configured."""
    samples: Samples | None
    """None: none are kept, and none were."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What `--json` gives; times are nanoseconds UTC."""

    running: bool
    service: Status | None
    """None when nobody runs on this journal."""
    journal: Kept


def status(config: Config, journal_path: Path, *, as_json: bool) -> None:
    """Show how things stand. Raises JournalAbsentError, JournalUnreadableError, ServiceSilentError."""
    client = Client.connect(journal_path)
    service = client.status() if client else None
    wearer_id = (
        service.wearer if service else config.wearer.id
    )  # a simulated one is none of the configuration's
    kept = keep(config, journal_path, wearer_id)
    if as_json:
        give_json(Answer(service is not None, service, kept))
        return
    now_ns = machine.utc_ns()
    for head, text in _lines(service, kept, now_ns):
        give(f"{head:<12}{text}")


def keep(config: Config, journal_path: Path, wearer_id: str | None) -> Kept:
    """Read what the journal says of a wearer."""
    now_ns = machine.utc_ns()
    with JournalReader.open(journal_path) as reader, reader.snapshot():
        memory, last_epoch_ns = Memory(), None
        if wearer_id is not None:
            stream = Stream(wearer_id, config.wearer.placement)
            memory = remember(reader, stream, now_ns)
            newest = reader.last(EPOCH, stream)
            last_epoch_ns = newest.start_ns if newest else None
        influxdb = None
        if config.influxdb is not None:
            backlog = reader.backlog(INFLUXDB)
            influxdb = InfluxStatus(backlog.rows, backlog.oldest_ns, len(reader.dead_letters(INFLUXDB)))
    snoozed_until_ns = memory.snoozed_until_ns or 0
    return Kept(
        path=journal_path,
        size_bytes=size_bytes(journal_path),
        last_epoch_ns=last_epoch_ns,
        calibrated_ns=memory.calibration.captured_ns if memory.calibration else None,
        quality=memory.quality,
        today=memory.today.seen,
        last_alert_ns=memory.last_alert_ns,
        snoozed_until_ns=snoozed_until_ns if snoozed_until_ns > now_ns else None,
        influxdb=influxdb,
        samples=_samples(config, journal_path),
    )


def _samples(config: Config, journal_path: Path) -> Samples | None:
    """Look at the folder of samples; a file that is sealed or goes meanwhile is not counted."""
    folder = recordings_path(config, journal_path)
    sizes = []
    for segment in RecordingsFolder(folder).segments():
        with suppress(FileNotFoundError):
            sizes.append(segment.path.stat().st_size)
    if not sizes and not config.recordings.enabled:
        return None
    return Samples(folder, config.recordings.enabled, len(sizes), sum(sizes))


def size_bytes(journal_path: Path) -> int:
    """Return what the journal takes on the disk, its write-ahead log included."""
    parts = (journal_path, journal_path.with_name(f"{journal_path.name}-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


def _lines(service: Status | None, kept: Kept, now_ns: int) -> list[tuple[str, str]]:
    lines = (
        _service_lines(service, now_ns) if service else [("service", "not running: `neckline run` starts it")]
    )
    today = service.today if service else kept.today
    calibrated_ns = service.calibrated_ns if service else kept.calibrated_ns
    last_alert_ns = service.last_alert_ns if service else kept.last_alert_ns
    snoozed_until_ns = service.snoozed_until_ns if service else kept.snoozed_until_ns
    influxdb = service.influxdb if service else kept.influxdb
    quality = service.quality if service else kept.quality
    good = f"; {of_quality(quality)}" if quality else ""
    size = f"{kept.size_bytes / 1e6:.1f} MB"
    return [
        *lines,
        ("calibrated", _when(calibrated_ns, now_ns, "never: `neckline calibrate`") + good),
        ("today", _day(today)),
        ("last alert", _when(last_alert_ns, now_ns, "none in the last 30 days")),
        ("snooze", f"until {day_and_clock(snoozed_until_ns, now_ns)}" if snoozed_until_ns else "off"),
        ("journal", f"{kept.path}, {size}, last second {_when(kept.last_epoch_ns, now_ns, 'none yet')}"),
        *([("samples", _of_samples(kept.samples))] if kept.samples else []),
        ("InfluxDB", _feed(influxdb, now_ns)),
    ]


def _of_samples(samples: Samples) -> str:
    held = f"{samples.folder}, {samples.size_bytes / 1e6:.1f} MB in {count(samples.files, 'file')}"
    return held if samples.enabled else f"{held}; none are kept now (recordings.enabled)"


def _service_lines(service: Status, now_ns: int) -> list[tuple[str, str]]:
    now, link, battery = service.now, service.link, service.battery
    clip = f"{service.clip}{' (simulated)' if service.simulated else ''}"
    posture = "not known" if now.sagittal_deg is None else f"{forward(now.sagittal_deg)}, {now.posture}"
    if now.activity is not None and (link is None or link.state is LinkState.STREAMING):
        posture += f", {ACTIVITY_WORDS[now.activity]}"
    fading = (
        [("alerts", f"fade: {service.fading[0]} of {service.fading[1]} that fall due are given")]
        if service.fading
        else []
    )
    trouble = [("trouble", each) for each in (service.suspect, service.journal.trouble) if each]
    channels = [("trouble", f"{each.name}: {each.trouble}") for each in service.channels if each.trouble]
    return [
        ("service", f"running for {span((now_ns - service.started_ns) / 1e9)}, mode {service.mode}"),
        ("clip", f"{clip}, {of_link(link)}"),
        ("battery", f"{battery.percent:.0f} %" if battery else "not told yet"),
        ("posture", posture),
        *_head_lines(service.head),
        *fading,
        *trouble,
        *channels,
    ]


def _head_lines(head: HeadStatus | None) -> list[tuple[str, str]]:
    if head is None:
        return []
    battery = f", battery {head.battery.percent:.0f} %" if head.battery else ""
    flexion = "not known" if head.flexion_deg is None else forward(head.flexion_deg, " of the back")
    if head.calibrated_ns is None:
        flexion = "not calibrated: `neckline calibrate`"
    elif head.suspect:
        flexion = f"not judged until `neckline calibrate`: {head.suspect}"
    elif head.flexion_deg is not None and head.posture is not Posture.UNKNOWN:
        flexion += ", forward" if head.posture is Posture.SLOUCHED else ", upright"
    return [("head clip", f"{head.clip}, {of_link(head.link)}{battery}"), ("head", flexion)]


def _day(today: Today) -> str:
    return (
        f"{span(today.upright_s)} upright, {span(today.slouched_s)} slouched, {span(today.unknown_s)} not judged; "
        f"{count(today.episodes, 'sustained slouch', 'es')}, {count(today.alerts, 'alert')}"
    )


def _when(time_ns: int | None, now_ns: int, never: str) -> str:
    if time_ns is None:
        return never
    return f"{day_and_clock(time_ns, now_ns)}, {span(max(0, now_ns - time_ns) / 1e9)} ago"


def _feed(influxdb: InfluxStatus | None, now_ns: int) -> str:
    if influxdb is None:
        return "not configured"
    behind = f", since {_when(influxdb.oldest_ns, now_ns, '?')}" if influxdb.backlog_rows else ""
    text = (
        f"{count(influxdb.backlog_rows, 'row')} to deliver{behind}, {influxdb.dead_letters} refused for good"
    )
    return f"{text}; {influxdb.trouble}" if influxdb.trouble else text
