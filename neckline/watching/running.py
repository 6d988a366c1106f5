"""A service from its start to its clean stop: opens the journal and the channels, wires all rooms, closes in order."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neckline.alerting.alerts import Alerts, Channel
from neckline.alerting.clip import ClipSign
from neckline.configuration.config import Config
from neckline.configuration.in_force import in_force
from neckline.control.server import serving
from neckline.screen.logs import happened
from neckline.screen.words import count, span
from neckline.watching.recalling import recall, streams_of
from neckline.watching.recording import recording, recordings_path
from neckline.watching.service import About, Service, Source, View
from neckline.wearing.calibrating import mount_of
from neckline.wearing.tally import DayTally, Tally
from storage.entries import INFLUXDB
from storage.journal import Journal
from storage.late import LateJournal, open_or_wait
from storage.quota import DiskQuota
from storage.recordings.folder import RecordingsFolder
from storage.writer import JournalWriter

if TYPE_CHECKING:
    from storage.forwarder import Forwarder
    from storage.influxdb import InfluxSettings

Guide = Callable[[Service], Coroutine[Any, Any, None]]
"""Something that goes on beside a service and ends it: the demo's script, a simulated wearer's day."""

OWNER = "neckline run"
FLUSH_S, DRAIN_S, CLOSE_S = 2.0, 5.0, 10.0
"""What a stop leaves to the last rows on their way to InfluxDB, to InfluxDB, and to the journal before it is an error."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one run came to, told at its end."""

    begin_ns: int
    end_ns: int
    tally: Tally
    journal_path: Path

    def say(self) -> str:
        """Return it as a sentence."""
        seen = self.tally.seen
        return (
            f"{span((self.end_ns - self.begin_ns) / 1e9)}: upright {span(seen.upright_s)}, "
            f"slouched {span(seen.slouched_s)}, not judged {span(seen.unknown_s)}; "
            f"{count(seen.episodes, 'sustained slouch', 'es')}, {count(seen.alerts, 'alert')}"
        )


async def run(
    config: Config,
    *,
    journal_path: Path,
    source: Source,
    view: View,
    clip: str = "",
    head_source: Source | None = None,
    head_clip: str = "",
    channels: Sequence[Channel] | None = None,
    until: asyncio.Event | None = None,
    guide: Guide | None = None,
    sign: ClipSign | None = None,
    simulated: bool = False,
    utc: Callable[[], int] = time.time_ns,
    zone: tzinfo | None = None,
) -> Summary:
    """Run until `until` is set, or the source or the guide ends; return when everything is durable.

    `head_source` is that of a clip on the head, which the configuration must name, too; whatever is wrong with it, the
    run goes on without. `sign` has the clip of `source` buzz or beep. `channels` None takes those of the
    configuration. Raises JournalBusyError and other
    StorageErrors when the journal cannot be opened, or at the end not be made durable; what the source raises
    (BluetoothError, WrongClipError) when all that came before is durable.
    """
    begin_ns = utc()
    stream = streams_of(config)[0]
    about = About(stream, clip, simulated, mount_of(config), journal_path, begin_ns, head_clip)
    async with (
        _storing(config, journal_path) as (journal, writer, forwarder),
        recording(config, journal_path, simulated=simulated) as recorders,
    ):
        wearer, head, memory = recall(config, journal, begin_ns, zone)
        day = DayTally(begin_ns, zone, memory.today)

        async def snooze(seconds: float) -> None:
            await service.snooze(utc() + round(seconds * 1e9))

        alerts = Alerts(channels_of(config, snooze, sign) if channels is None else channels)
        service = Service(about, wearer, day, alerts, writer, forwarder, view, utc, head, sign, recorders)
        _announce(service, config.influxdb.url if config.influxdb else None)
        async with alerts.running(), _commands(service, journal_path):
            if (now_set := in_force(config)) != memory.in_force:
                service.note_settings(now_set)
            try:
                await _first_of(
                    service.listen(source, memory.last_ns),
                    *([service.listen_head(head_source, head.last_ns)] if head and head_source else []),
                    service.draw(),
                    service.report(),
                    (until or asyncio.Event()).wait(),
                    *([guide(service)] if guide else []),
                )
            finally:
                service.finish()
                view.show(service.status())
        happened("stopping", "Stopping: what is left is being written", journal=str(journal_path))
    return Summary(begin_ns, utc(), service.tally, journal_path)


@asynccontextmanager
async def _storing(
    config: Config, journal_path: Path
) -> AsyncGenerator[tuple[Journal | LateJournal, JournalWriter, "Forwarder | None"], None]:
    """Own the journal, with its writer and the feed to InfluxDB, if there is one; whatever happens, let go of it."""
    settings = config.influxdb_settings()
    journal = open_or_wait(journal_path, OWNER)
    quota = None
    if config.journal.most_gb is not None:
        samples = RecordingsFolder(recordings_path(config, journal_path))
        sinks = (INFLUXDB,) if settings is not None else ()
        quota = DiskQuota(round(config.journal.most_gb * 1e9), samples, sinks)
    writer = JournalWriter(journal, commit_every_s=config.journal.commit_every_s, quota=quota)
    writer.start()
    forwarder: Forwarder | None = None
    try:
        journal.refuse_erased(streams_of(config))
        if settings is not None:
            forwarder = _forwarder(journal_path, writer, settings)
        yield journal, writer, forwarder
    finally:
        # In a thread to its end, whoever loses patience: the journal is never closed beneath its writer.
        await asyncio.to_thread(_close, journal, writer, forwarder)


def _forwarder(journal_path: Path, writer: JournalWriter, settings: "InfluxSettings") -> "Forwarder":
    from storage.forwarder import Forwarder  # noqa: PLC0415 (InfluxDB's client costs 40 MB)
    from storage.influxdb import InfluxSink  # noqa: PLC0415

    forwarder = Forwarder(journal_path, writer, InfluxSink(settings))
    writer.on_commit = forwarder.nudge
    forwarder.start()
    return forwarder


def _close(journal: Journal | LateJournal, writer: JournalWriter, forwarder: "Forwarder | None") -> None:
    """Make everything durable, deliver what can be delivered; StorageError if the first does not succeed."""
    try:
        if forwarder is not None:
            writer.flush(FLUSH_S)
            forwarder.close(DRAIN_S)
        writer.close(CLOSE_S)
    finally:
        journal.close()


def channels_of(
    config: Config, snooze: Callable[[float], Awaitable[None]], sign: ClipSign | None = None
) -> list[Channel]:
    """Return the channels of the configuration; each library is loaded only if it is used."""
    channels: list[Channel] = []
    if config.alerts.desktop:
        from neckline.alerting.desktop import Desktop  # noqa: PLC0415

        channels.append(Desktop(snooze))
    if config.alerts.clip and sign is not None:
        channels.append(sign)
    if urls := config.push_urls():
        from neckline.alerting.push import push_channels  # noqa: PLC0415 (apprise costs 28 MB)

        channels += push_channels(urls)
    return channels


def _announce(service: Service, influxdb_url: str | None) -> None:
    """Say what begins, where it goes, and what is to be done first."""
    about, settings = service.about, service.wearer.settings
    simulated = " with a SIMULATED clip" if about.simulated else ""
    forwarded = (
        f"; InfluxDB at {influxdb_url} gets it as wearer {about.stream.wearer}" if influxdb_url else ""
    )
    happened(
        "started",
        f"neckline runs{simulated}; the journal is {about.journal_path}{forwarded}",
        wearer=about.stream.wearer,
        placement=about.stream.placement,
        clip=about.clip or None,
        simulated=about.simulated,
        journal=str(about.journal_path),
        influxdb=influxdb_url,
    )
    if settings.calibration is None and not about.simulated:
        happened(
            "not_calibrated",
            "Not calibrated yet, so nothing is judged: run `neckline calibrate` in another terminal",
            level=logging.WARNING,
        )


@asynccontextmanager
async def _commands(service: Service, journal_path: Path) -> AsyncGenerator[None, None]:
    """Serve the commands beside it. Where that cannot be (a full disk), it runs without."""
    server = serving(service, journal_path, OWNER)
    try:
        await server.__aenter__()
    except OSError as error:
        happened(
            "no_commands",
            f"`neckline status`, `snooze` and `calibrate` cannot reach this run: {error}",
            level=logging.WARNING,
        )
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):
            await server.__aexit__(None, None, None)


async def _first_of(*work: Coroutine[Any, Any, object]) -> None:
    """Do all at once until one is done; end the others, and raise what went wrong."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


@contextmanager
def stopped_by_signals(until: asyncio.Event) -> Iterator[None]:
    """Set the event at SIGINT, SIGTERM or a closed terminal while the block runs; a second SIGINT interrupts as ever."""
    loop = asyncio.get_running_loop()

    def stop(which: signal.Signals) -> None:
        until.set()
        if which is signal.SIGINT:
            loop.remove_signal_handler(which)

    signals = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        signals.append(signal.SIGHUP)
    try:
        for each in signals:
            loop.add_signal_handler(each, stop, each)
    except NotImplementedError:  # Windows: Ctrl-C cancels the main task, which closes likewise
        pass
    try:
        yield
    finally:
        for each in signals:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(each)
