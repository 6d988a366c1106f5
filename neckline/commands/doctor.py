"""`neckline doctor`: what works, what does not, and what to do, one line each."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rich.console import Console
from rich.text import Text

from neckline.alerting.clip import ClipSign
from neckline.commands import machine
from neckline.commands.options import Options
from neckline.commands.output import give_json
from neckline.configuration.config import Config
from neckline.control.client import Client
from neckline.errors import ChannelError, ControlError, NecklineError, SetupError
from neckline.exits import Exit, way_out_of
from neckline.screen.words import count, day_and_clock, of_link, of_quality, span
from neckline.watching.running import channels_of
from neckline.wearing.memory import remember
from neckline.wearing.status import OLD_CALIBRATION_S
from processing.errors import ProcessingError
from processing.head import HEAD
from sensor import link
from sensor.errors import ClipError, SensorError
from sensor.families import family_named
from sensor.samples import BatteryReading, LinkChange, LinkState
from sensor.signals import Signals
from storage.entries import Stream
from storage.errors import JournalAbsentError, StorageError
from storage.reader import JournalReader

SCAN_S = 3.0
WAL_RESET_FIXED = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""SQLite versions without the WAL-reset race, each with the later patches of its line."""


class Found(StrEnum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    """Works, and something is worth knowing."""
    WRONG = "wrong"
    SKIPPED = "skipped"
    """Not set up, or it cannot be checked just now."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    what: str
    found: Found
    say: str
    way_out: str = ""


MARKS = {
    Found.OK: ("OK  ", "green"),
    Found.NOTE: ("note", "yellow"),
    Found.WRONG: ("NO  ", "bold red"),
    Found.SKIPPED: ("–   ", "dim"),
}


def doctor(options: Options, *, as_json: bool) -> Exit:
    """Check everything that a day at the desk rests on; UNWELL when something does not work."""
    findings = []
    console = Console(highlight=False, soft_wrap=True)
    for finding in examine(options):
        findings.append(finding)
        if not as_json:
            word, hue = MARKS[finding.found]
            way_out = f"\n                 → {finding.way_out}" if finding.way_out else ""
            console.print(Text.assemble((word, hue), f" {finding.what:<12}{finding.say}{way_out}"))
    if as_json:
        give_json(findings)
    return Exit.UNWELL if any(finding.found is Found.WRONG for finding in findings) else Exit.OK


def examine(options: Options) -> Iterator[Finding]:
    """Yield each finding as soon as it is known."""
    try:
        config = options.config()
    except SetupError as error:
        yield _wrong("config", error)
        return
    there = str(options.config_path)
    yield Finding(
        "config",
        Found.OK,
        there if options.config_path.exists() else f"all as by default ({there} is not there)",
    )
    journal_path = options.journal_path(config)
    try:
        client = Client.connect(journal_path)
    except ControlError as error:
        yield _wrong("service", error)
    else:
        if client is None:
            yield Finding("service", Found.SKIPPED, "not running", "`neckline run` starts it")
            yield from _bluetooth(config)
        else:
            yield from _asked("service", lambda: _service(client))
    yield from _asked("journal", lambda: _journal(journal_path))
    if config.wearer.id is not None:
        stream, head = Stream(config.wearer.id, config.wearer.placement), Stream(config.wearer.id, HEAD)
        yield from _asked("calibration", lambda: _calibration(journal_path, stream))
        if config.head_clip is not None:
            yield from _asked("head", lambda: _calibration(journal_path, head, "head"))
    yield from _asked("InfluxDB", lambda: _influxdb(config))
    yield from _asked("alerts", lambda: machine.run(_alerts(config)))


def _asked(what: str, ask: Callable[[], list[Finding]]) -> Iterator[Finding]:
    """Yield what a check finds, or what the product's own errors say of it."""
    try:
        yield from ask()
    except JournalAbsentError as error:
        yield Finding(what, Found.SKIPPED, str(error), error.way_out)
    except (SensorError, StorageError, ProcessingError, NecklineError) as error:
        yield _wrong(what, error)


def _wrong(what: str, error: Exception) -> Finding:
    return Finding(what, Found.WRONG, str(error), way_out_of(error) or "")


def _service(client: Client) -> list[Finding]:
    """Ask the service for all that it is in trouble with: it owns the clips, and the journal."""
    status = client.status()
    findings = [
        Finding("service", Found.OK, "running"),
        _worn("clip", status.clip, status.link, status.battery),
    ]
    if status.suspect:
        findings.append(_doubted("reference", status.suspect))
    if (head := status.head) is not None:
        findings.append(_worn("head clip", head.clip, head.link, head.battery))
        if head.suspect:
            findings.append(_doubted("head", head.suspect))
    journal, influxdb = status.journal, status.influxdb
    if journal.trouble:
        findings.append(Finding("writer", Found.WRONG, journal.trouble))
    if journal.dropped_epochs:
        lost = f"{count(journal.dropped_epochs, 'second')} given up while they could not be written"
        findings.append(Finding("writer", Found.NOTE, lost))
    if influxdb is not None and influxdb.trouble:
        waiting = f" ({count(influxdb.backlog_rows, 'row')} to deliver)"
        findings.append(Finding("feed", Found.WRONG, f"{influxdb.trouble}{waiting}"))
    if influxdb is not None and influxdb.dead_letters:
        refused = f"{count(influxdb.dead_letters, 'row')} refused by InfluxDB for good"
        findings.append(Finding("feed", Found.NOTE, refused, "the journal keeps them, with the reason"))
    # As where no service runs: one channel that reaches the wearer is enough.
    found = Found.WRONG if all(channel.trouble for channel in status.channels) else Found.NOTE
    findings += [
        Finding("told by", found, f"{channel.name}: {channel.trouble}")
        for channel in status.channels
        if channel.trouble
    ]
    return findings


def _worn(what: str, name: str, link: LinkChange | None, battery: BatteryReading | None) -> Finding:
    """Return how the service fares with a clip: only while samples arrive is all well."""
    charge = f", battery {battery.percent:.0f} %" if battery else ""
    say = f"{name}: {of_link(link)}{charge}"
    if link is not None and link.state is LinkState.STREAMING:
        return Finding(what, Found.OK, say)
    return Finding(
        what,
        Found.WRONG,
        say,
        "switch it on and bring it near; neckline tries on by itself, so ask again then",
    )


def _doubted(what: str, why: str) -> Finding:
    return Finding(what, Found.WRONG, f"nothing is judged: {why}", "`neckline calibrate`")


def _bluetooth(config: Config) -> Iterator[Finding]:
    """Scan once: it shows whether Bluetooth works, and whether the clip is there."""
    try:
        heard = machine.run(_heard(config.clip.adapter if config.clip else None))
    except SensorError as error:
        yield _wrong("Bluetooth", error)
        yield Finding("clip", Found.SKIPPED, "cannot be looked for without Bluetooth")
        return
    yield Finding("Bluetooth", Found.OK, f"works; {count(len(heard), 'clip')} heard in {SCAN_S:g} s")
    if config.clip is None:
        yield Finding("clip", Found.SKIPPED, "none is paired", "`neckline pair`")
        return
    yield from _asked("clip", lambda: machine.run(_clip(config.binding(), "clip")))
    head = config.head_binding()
    if head is not None:
        yield from _asked("head clip", lambda: machine.run(_clip(head, "head clip")))


async def _heard(adapter: str | None) -> list[link.Sighting]:
    async with machine.bluetooth() as bluetooth:
        return await link.scan(bluetooth, SCAN_S, adapter)


async def _clip(binding: link.ClipBinding, what: str) -> list[Finding]:
    try:
        async with machine.bluetooth() as bluetooth:
            report = await link.identify(bluetooth, binding, utc=machine.utc_ns)
    except ClipError as error:
        return [_wrong(what, error)]
    battery = f", battery {report.battery.percent:.0f} %" if report.battery else ""
    return [Finding(what, Found.OK, f"{binding.name}, firmware {report.identity.firmware or '?'}{battery}")]


def _journal(journal_path: Path) -> list[Finding]:
    with JournalReader.open(journal_path) as reader:
        damages = reader.check()
    findings = [Finding("journal", Found.OK, f"{journal_path}, every row is whole")]
    if damages:
        told = "; ".join(str(damage) for damage in damages[:3]) + ("; …" if len(damages) > 3 else "")
        way_out = "nothing else is affected; keep a copy of the file, and see whether the disk fails"
        findings = [Finding("journal", Found.WRONG, f"{journal_path}: {told}", way_out)]
    version = sqlite3.sqlite_version_info
    if not any(
        version >= fixed and (version[:2] == fixed[:2] or fixed == WAL_RESET_FIXED[0])
        for fixed in WAL_RESET_FIXED
    ):
        findings.append(
            Finding(
                "SQLite",
                Found.NOTE,
                f"{sqlite3.sqlite_version} can lose commits when two programs write; neckline alone writes, so this is safe",
                "let no other program write into the journal",
            )
        )
    return findings


def _calibration(journal_path: Path, stream: Stream, what: str = "calibration") -> list[Finding]:
    now_ns = machine.utc_ns()
    with JournalReader.open(journal_path) as reader:
        memory = remember(reader, stream, now_ns)
    if memory.calibration is None:
        return [Finding(what, Found.WRONG, "there is none, so nothing is judged", "`neckline calibrate`")]
    age_s = (now_ns - memory.calibration.captured_ns) / 1e9
    say = f"{day_and_clock(memory.calibration.captured_ns, now_ns)}, {span(age_s)} ago"
    if memory.quality is not None:
        say += f"; {of_quality(memory.quality)}"
    if memory.suspect:
        return [Finding(what, Found.WRONG, f"{say}; doubted: {memory.suspect}", "`neckline calibrate`")]
    if age_s > OLD_CALIBRATION_S:
        return [
            Finding(
                what,
                Found.NOTE,
                say,
                "calibrate each time you put the clip on: `neckline calibrate`",
            )
        ]
    if memory.quality is not None and memory.quality.remark:
        return [Finding(what, Found.NOTE, say, f"another try could be better: {memory.quality.remark}")]
    return [Finding(what, Found.OK, say)]


def _influxdb(config: Config) -> list[Finding]:
    settings = config.influxdb_settings()
    if settings is None:
        return [Finding("InfluxDB", Found.SKIPPED, "not configured; it is optional")]
    from storage.influxdb import InfluxSink  # noqa: PLC0415 (its client takes a while to import)

    sink = InfluxSink(settings)
    try:
        trouble = sink.check()
    finally:
        sink.close()
    if trouble is not None:
        return [_wrong("InfluxDB", trouble)]
    return [Finding("InfluxDB", Found.OK, f"{settings.url}, bucket {settings.bucket} can be written")]


async def _alerts(config: Config) -> list[Finding]:
    async def snooze(_seconds: float) -> None:
        """Nothing is shown, so nothing can be pressed."""

    findings = []
    sign = None
    if config.clip is not None:
        family = family_named(config.clip.family)
        sign = ClipSign(Signals(config.clip.name, family), family)
    channels = channels_of(config, snooze, sign)
    for channel in channels:
        try:
            async with asyncio.timeout(SCAN_S):
                await channel.check()
        except ChannelError as error:
            findings.append(Finding("alerts", Found.NOTE, str(error), error.way_out))
        except TimeoutError:
            findings.append(Finding("alerts", Found.NOTE, f"{channel.name} does not answer"))
        else:
            findings.append(Finding("alerts", Found.OK, f"by {channel.name}"))
    if not any(finding.found is Found.OK for finding in findings):
        desktop = "" if config.alerts.desktop else "set alerts.desktop = true, or "
        way_out = (
            f"{desktop}name a push service in alerts.push_file; the view of `neckline run` shows alerts, too"
        )
        findings.append(Finding("alerts", Found.WRONG, "no channel reaches you", way_out))
    return findings
