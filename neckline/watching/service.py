"""What runs: samples → `processing.step` → the wearer is told at once → the journal → the view; until told to stop.

One task reads the source. It waits for nobody: messages, rows and lines of log are handed to queues, each with its
own task or thread. Commands from beside (`neckline.control.wire`) take effect between two readings, in the same loop.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from neckline.alerting.alerts import Alerts
from neckline.alerting.messages import Urgency, message_of
from neckline.screen.logs import happened
from neckline.screen.words import sentence
from neckline.wearing.calibrating import Capture, Prompt
from neckline.wearing.health import health_of
from neckline.wearing.status import InfluxStatus, JournalStatus, Status
from neckline.wearing.tally import DayTally, Tally
from neckline.wearing.wearer import Records, Wearer
from processing.outputs import Event, EventKind, Stance
from sensor.samples import LinkChange, Reading
from storage.entries import Batch, Stream
from storage.errors import RecordRefusedError
from storage.writer import JournalWriter

if TYPE_CHECKING:
    from storage.forwarder import Forwarder

Source = Callable[[int], AsyncGenerator[Reading, None]]
"""Opens the wearer's clip (`sensor.link.stream`), or a simulated one, for samples later than what is stored already
(nanoseconds UTC); the service closes it."""

READINGS = 4096
"""Readings that a capture may be behind: over a minute."""
MINUTE_S = 60.0
DURABLE_S = 3.0
"""How long a command waits for what it changed to be durable; in force it is at once."""


class View(Protocol):
    """Where a running service is seen."""

    every_s: float
    """How often it is drawn."""

    def show(self, status: Status) -> None:
        """Draw what is so now; must not wait."""

    def prompt(self, prompt: Prompt) -> None:
        """Show what the wearer is to do for a calibration; must not wait."""


@dataclass(frozen=True, slots=True)
class About:
    """What does not change while it runs."""

    stream: Stream
    clip: str
    simulated: bool
    label_outward: bool
    journal_path: Path
    started_ns: int


class Service:
    """One wearer's service while it runs: `neckline.control.wire.Handler`."""

    def __init__(
        self,
        about: About,
        wearer: Wearer,
        day: DayTally,
        alerts: Alerts,
        writer: JournalWriter,
        forwarder: "Forwarder | None",
        view: View,
        utc: Callable[[], int],
    ) -> None:
        self.about = about
        self.wearer = wearer
        self.alerts = alerts
        self.tally = Tally()
        """Of this run."""
        self.on_event: Callable[[Event], None] = lambda _event: None
        """Gets every event, after the wearer."""
        self.on_prompt: Callable[[Prompt], None] = lambda _prompt: None
        """Gets every prompt of every calibration."""
        self._day = day
        self._writer = writer
        self._forwarder = forwarder
        self._view = view
        self._utc = utc
        self._capture: asyncio.Queue[Reading] | None = None

    # ---- what it does --------------------------------------------------------------------------------------

    async def listen(self, source: Source, after_ns: int) -> None:
        """Take everything later than `after_ns` that the source yields, to its end."""
        async with aclosing(source(after_ns)) as readings:
            async for reading in readings:
                self._take(reading)

    def finish(self) -> None:
        """Close what is open; nothing is heard after it."""
        self._keep(self.wearer.finish())

    def _take(self, reading: Reading) -> None:
        if isinstance(reading, LinkChange):
            happened(
                "link",
                f"Clip: {reading.state}" + (f" ({reading.reason})" if reading.reason else ""),
                clip=self.about.clip,
                state=reading.state.value,
                reason=reading.reason or None,
            )
        self._keep(self.wearer.hear(reading))
        if self._capture is not None and not self._capture.full():
            self._capture.put_nowait(reading)

    def _keep(self, records: Records) -> None:
        """Tell the wearer, then store: an alert waits for no disk."""
        events = [record for record in records if isinstance(record, Event)]
        for event in events:
            self._tell(event)
        if records:
            self._store(records, urgent=bool(events))
            self._day.count(records)
            self.tally = self.tally.count(records)
        for event in events:
            self.on_event(event)

    def _store(self, records: Records, *, urgent: bool) -> None:
        """Hand records and the state after them to the writer; one that cannot be stored takes no other with it."""
        state = self.wearer.state.to_bytes()
        try:
            self._writer.put(Batch(self.about.stream, records, state), urgent=urgent)
        except RecordRefusedError as error:
            happened("refused", f"{error}: {error.way_out}", level=logging.ERROR)
            for record in records if len(records) > 1 else ():
                with suppress(RecordRefusedError):
                    self._writer.put(Batch(self.about.stream, (record,), state), urgent=urgent)

    def _tell(self, event: Event) -> None:
        message = message_of(event)
        if message is not None and (
            message.urgency is not Urgency.LOW or self.wearer.wants_notices(event.time_ns)
        ):
            self.alerts.tell(message)
        happened(
            event.kind.value,
            sentence(event),
            wearer=self.about.stream.wearer,
            onset_s=None if event.onset_ns is None else round((event.time_ns - event.onset_ns) / 1e9, 2),
            value=None if event.value is None else round(event.value, 1),
            note=event.note or None,
            until=None if event.kind is not EventKind.SNOOZED else event.end_ns,
        )

    # ---- what others ask of it ------------------------------------------------------------------------------

    def status(self) -> Status:
        """Return what is so now."""
        now_ns = self._utc()
        wearer, reference = self.wearer, self.wearer.settings.calibration
        return Status(
            time_ns=now_ns,
            started_ns=self.about.started_ns,
            wearer=self.about.stream.wearer,
            placement=self.about.stream.placement,
            clip=self.about.clip,
            simulated=self.about.simulated,
            now=wearer.now,
            hold_s=wearer.settings.hold_s,
            mode=wearer.settings.mode,
            link=wearer.link,
            battery=wearer.battery,
            calibrated_ns=None if reference is None else reference.captured_ns,
            suspect=wearer.suspect,
            today=self._day.at(now_ns),
            last_alert_ns=wearer.last_alert_ns,
            snoozed_until_ns=wearer.snoozed_until_ns(now_ns),
            alerts_from_ns=wearer.alerts_from_ns(now_ns),
            journal=self._journal(),
            influxdb=self._influxdb(),
            channels=self.alerts.status,
        )

    async def snooze(self, until_ns: int | None) -> None:
        """Give no alerts until then (UTC); None ends a snooze. In force at once, durable on return if it can be."""
        self._keep(self.wearer.snooze(until_ns, self._utc()))
        await asyncio.to_thread(self._writer.flush, DURABLE_S)

    async def visit(self, time_ns: int) -> None:
        """Store that therapist and wearer met at a time (UTC); durable on return if it can be."""
        self._keep((Event(time_ns, EventKind.VISIT),))
        await asyncio.to_thread(self._writer.flush, DURABLE_S)

    async def calibrate(self, *, slump: bool, stance: Stance) -> AsyncGenerator[Prompt, None]:
        """Guide a capture on the running samples; what it gives holds from the next sample on, and is stored."""
        if self._capture is not None:
            yield Prompt("That did not work", refused="another calibration is under way: let it end first")
            return
        capture = Capture(slump=slump, stance=stance, label_outward=self.about.label_outward)
        readings: asyncio.Queue[Reading] = asyncio.Queue(READINGS)
        self._capture = readings
        if self.wearer.link is not None:
            readings.put_nowait(self.wearer.link)
        try:
            while not capture.over:
                for prompt in capture.hear(await readings.get()):
                    if prompt.done is not None:
                        self._keep(self.wearer.calibrated(prompt.done, stance))
                        await asyncio.to_thread(self._writer.flush, DURABLE_S)
                    self._view.prompt(prompt)
                    self.on_prompt(prompt)
                    yield prompt
        finally:
            self._capture = None

    def _journal(self) -> JournalStatus:
        status = self._writer.status
        trouble = f"{status.trouble}: {status.trouble.way_out}" if status.trouble else ""
        return JournalStatus(self.about.journal_path, status.pending, status.dropped_epochs, trouble)

    def _influxdb(self) -> InfluxStatus | None:
        if self._forwarder is None:
            return None
        status = self._forwarder.status
        trouble = f"{status.trouble}: {status.trouble.way_out}" if status.trouble else ""
        return InfluxStatus(status.backlog_rows, status.oldest_ns, status.dead, trouble)

    def note_settings(self, note: str) -> None:
        """Store that from here on other settings are in force."""
        self._keep((Event(self._utc(), EventKind.SETTINGS_CHANGED, note=note),))

    async def report(self) -> None:
        """Store how it fares at the end of every minute, for ever."""
        while True:
            await asyncio.sleep(MINUTE_S - self._utc() / 1e9 % MINUTE_S)
            self._store((health_of(self.status(), self.wearer),), urgent=False)

    async def draw(self) -> None:
        """Draw the view for ever, and tell when a snooze is over."""
        snoozed = False
        while True:
            status = self.status()
            if snoozed and status.snoozed_until_ns is None:
                happened("snooze_over", "Alerts are on again", wearer=status.wearer)
            snoozed = status.snoozed_until_ns is not None
            self._view.show(status)
            await asyncio.sleep(self._view.every_s)
