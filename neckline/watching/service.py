"""What runs: samples → `processing.step` → the wearer is told at once → the journal → the view; until told to stop.

One task reads the source. It waits for nobody: messages, rows and lines of log are handed to queues, each with its
own task or thread. Commands from beside (`neckline.control.wire`) take effect between two readings, in the same loop.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from neckline.alerting.alerts import Alerts
from neckline.alerting.clip import ClipSign
from neckline.alerting.messages import Urgency, message_of
from neckline.errors import MuteClipError
from neckline.screen.logs import happened
from neckline.screen.words import sentence
from neckline.wearing.calibrating import Capture, Mount, Prompt
from neckline.wearing.clips import Clips
from neckline.wearing.head import Head
from neckline.wearing.health import health_of
from neckline.wearing.status import HeadStatus, InfluxStatus, JournalStatus, Status
from neckline.wearing.tally import DayTally, Tally
from neckline.wearing.visiting import visit_at
from neckline.wearing.wearer import Records, Wearer
from processing.calibration import Calibration
from processing.head import HEAD
from processing.outputs import Event, EventKind, Stance
from sensor.errors import SensorError
from sensor.samples import LinkChange, LinkState, Reading
from storage.entries import Batch, Stream
from storage.errors import RecordRefusedError
from storage.recordings.recorder import Recorder
from storage.writer import JournalWriter

if TYPE_CHECKING:
    from storage.forwarder import Forwarder

logger = logging.getLogger(__name__)

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
    mount: Mount
    journal_path: Path
    started_ns: int
    head_clip: str = ""
    """The name of the clip on the head, if there is one."""


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
        head: Head | None = None,
        sign: ClipSign | None = None,
        recorders: Mapping[str, Recorder] | None = None,
    ) -> None:
        """`sign` is None for a clip that is none; `recorders` are those of placements whose samples are kept."""
        self.about = about
        self.wearer = wearer
        self.head = head
        self._clips = Clips(about.stream.placement, wearer, head)
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
        self._sign = sign
        self._recorders = recorders or {}
        self._capture: asyncio.Queue[tuple[str, Reading]] | None = None
        self._snoozed = False

    # ---- what it does --------------------------------------------------------------------------------------

    async def listen(self, source: Source, after_ns: int) -> None:
        """Take everything later than `after_ns` that the source yields, to its end."""
        async with aclosing(source(after_ns)) as readings:
            async for reading in readings:
                self._take(self.about.stream.placement, reading)

    async def listen_head(self, source: Source, after_ns: int) -> None:
        """Take the same of the clip on the head. What is wrong with it is told; the back is judged alone then."""
        try:
            async with aclosing(source(after_ns)) as readings:
                async for reading in readings:
                    self._take(HEAD, reading)
        except SensorError as error:
            happened("head_clip_fails", f"{error}: {error.way_out}", level=logging.WARNING)
        except Exception as error:
            logger.exception("the clip on the head is not listened to any more")
            fault = f"{type(error).__name__}: {error} (a fault of neckline's own)"
            self._take(HEAD, LinkChange(self._utc(), LinkState.WAITING, fault))
        await asyncio.Event().wait()

    def finish(self) -> None:
        """Close what is open; nothing is heard after it."""
        for placement, records in self._clips.finish():
            self._keep(records, placement)

    def _take(self, placement: str, reading: Reading) -> None:
        self._tell_link(placement, reading)
        for place, records in self._clips.hear(placement, reading):
            self._keep(records, place)
        if placement in self._recorders:
            self._recorders[placement].put(reading)
        self._show_capture(placement, reading)

    def _tell_link(self, placement: str, reading: Reading) -> None:
        if isinstance(reading, LinkChange):
            what, name = (
                ("Head clip", self.about.head_clip) if placement == HEAD else ("Clip", self.about.clip)
            )
            happened(
                "link",
                f"{what}: {reading.state}" + (f" ({reading.reason})" if reading.reason else ""),
                clip=name,
                state=reading.state.value,
                reason=reading.reason or None,
            )

    def _show_capture(self, placement: str, reading: Reading) -> None:
        if self._capture is not None and not self._capture.full():
            self._capture.put_nowait((placement, reading))

    def _keep(self, records: Records, placement: str | None = None) -> None:
        """Tell the wearer, then store under a placement, the back's if none is named: an alert waits for no disk."""
        placement = placement or self.about.stream.placement
        events = [record for record in records if isinstance(record, Event)]
        for event in events:
            self._tell(event, placement)
        if records:
            self._store(records, placement, urgent=bool(events))
            # The day's seconds are those of the back.
            counted = records if placement == self.about.stream.placement else events
            self._day.count(counted)
            self.tally = self.tally.count(counted)
        for event in events:
            self.on_event(event)

    def _store(self, records: Records, placement: str, *, urgent: bool) -> None:
        """Hand records and the state after them to the writer; one that cannot be stored takes no other with it."""
        stream = Stream(self.about.stream.wearer, placement)
        state = self._clips.to_save(placement)
        try:
            self._writer.put(Batch(stream, records, *state), urgent=urgent)
        except RecordRefusedError as error:
            happened("refused", f"{error}: {error.way_out}", level=logging.ERROR)
            for record in records if len(records) > 1 else ():
                with suppress(RecordRefusedError):
                    self._writer.put(Batch(stream, (record,)), urgent=urgent)
            self._writer.put(Batch(stream, (), *state), urgent=urgent)

    def _tell(self, event: Event, placement: str) -> None:
        clip = "head clip" if placement == HEAD else "clip"
        message = message_of(event, clip)
        if message is not None and (
            message.urgency is not Urgency.LOW or self.wearer.wants_notices(event.time_ns)
        ):
            self.alerts.tell(message)
        happened(
            event.kind.value,
            sentence(event, clip=clip),
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
        told_ns = (wearer.last_alert_ns, self.head.last_alert_ns if self.head else None)
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
            last_alert_ns=max(filter(None, told_ns), default=None),
            snoozed_until_ns=wearer.snoozed_until_ns(now_ns),
            alerts_from_ns=wearer.alerts_from_ns(now_ns),
            journal=self._journal(),
            influxdb=self._influxdb(),
            channels=self.alerts.status,
            quality=wearer.quality,
            fading=wearer.fading,
            head=self._head(),
        )

    async def snooze(self, until_ns: int | None) -> None:
        """Give no alerts until then (UTC); None ends a snooze. In force at once, durable on return if it can be."""
        self._snoozed = False  # what is kept tells by itself of one that is ended
        self._keep(self.wearer.snooze(until_ns, self._utc()))
        await asyncio.to_thread(self._writer.flush, DURABLE_S)

    async def visit(self, time_ns: int) -> None:
        """Store that therapist and wearer met at a time (UTC); durable on return if it can be."""
        self._keep((visit_at(time_ns),))
        await asyncio.to_thread(self._writer.flush, DURABLE_S)

    async def feedback(self, duration_ms: int) -> None:
        """Have the clip give a sign; return when it has taken it. Raises MuteClipError, a ClipError."""
        if self._sign is None:
            raise MuteClipError("simulated clip")
        await self._sign.give(duration_ms)

    async def calibrate(self, *, slump: bool, stance: Stance) -> AsyncGenerator[Prompt, None]:
        """Guide a capture on the running samples; what it gives holds from the next sample on, and is stored."""
        if self._capture is not None:
            yield Prompt("That did not work", refused="another calibration is under way: let it end first")
            return
        capture = Capture(slump=slump, stance=stance, mount=self.about.mount)
        readings: asyncio.Queue[tuple[str, Reading]] = asyncio.Queue(READINGS)
        self._capture = readings
        if self.wearer.link is not None:
            readings.put_nowait((self.about.stream.placement, self.wearer.link))
        try:
            while not capture.over:
                placement, reading = await readings.get()
                if placement == HEAD:
                    capture.hear_head(reading)
                    continue
                for prompt in capture.hear(reading):
                    if prompt.done is not None:
                        self._put_in_force(prompt, prompt.done, stance)
                        await asyncio.to_thread(self._writer.flush, DURABLE_S)
                    self._view.prompt(prompt)
                    self.on_prompt(prompt)
                    yield prompt
        finally:
            self._capture = None

    def _put_in_force(self, prompt: Prompt, done: Calibration, stance: Stance) -> None:
        self._keep(self.wearer.calibrated(done, stance, prompt.quality))
        if self.head is not None and prompt.head is not None:
            self._keep(self.head.calibrated(prompt.head, stance, prompt.head_quality), HEAD)

    def _head(self) -> HeadStatus | None:
        head = self.head
        if head is None:
            return None
        reference = head.clip.settings.calibration
        return HeadStatus(
            clip=self.about.head_clip,
            link=head.clip.link,
            battery=head.clip.battery,
            calibrated_ns=None if reference is None else reference.captured_ns,
            suspect=head.clip.suspect,
            quality=head.clip.quality,
            flexion_deg=head.flexion_deg,
            threshold_deg=head.settings.head_threshold_deg,
            activity=head.activity,
            posture=head.posture,
            hold_progress=head.hold_progress,
        )

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
            health = health_of(self.status(), self.wearer)
            self._store((health,), self.about.stream.placement, urgent=False)

    async def draw(self) -> None:
        """Draw the view for ever, and tell when a snooze is over."""
        while True:
            status = self.status()
            if self._snoozed and status.snoozed_until_ns is None:
                happened("snooze_over", "Alerts are on again", wearer=status.wearer)
            self._snoozed = status.snoozed_until_ns is not None
            self._view.show(status)
            await asyncio.sleep(self._view.every_s)
