"""One wearer: readings of the clip → records to store, in one pass; and what is so now. No I/O, no clock, no asyncio.

`processing.step` finds epochs, episodes and events in the samples. To these come the events that are not in the
samples: the signal that goes and returns, the battery, calibrations, snoozes.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import tzinfo

from neckline.configuration.schedule import Schedule
from neckline.wearing.memory import Memory
from neckline.wearing.saving import Saving
from neckline.wearing.status import BATTERY_CHARGED_PERCENT, BATTERY_LOW_PERCENT
from processing.calibration import Calibration
from processing.outputs import Activity, Event, EventKind, Outputs, Posture, Stance
from processing.quality import CalibrationQuality
from processing.settings import Mode, Settings
from processing.slouch import HOUR_NS, alerts_from
from processing.state import Now, WearerState
from processing.step import finish, step
from sensor.arrivals import AHEAD_S
from sensor.samples import BatteryReading, LinkChange, LinkState, Reading, SampleBlock
from storage.schema import Record, StanceCalibration

DAY_NS = 86400 * 10**9
AHEAD_NS = round(AHEAD_S * 1e9)

Records = tuple[Record, ...]


def calibration_records(
    calibration: Calibration, stance: Stance, quality: CalibrationQuality | None
) -> Records:
    """Return what is stored of a captured reference."""
    note = f"{stance}, threshold {calibration.threshold_deg:.0f}°"
    event = Event(calibration.captured_ns, EventKind.CALIBRATED, note=note)
    return StanceCalibration(stance, calibration, quality), event


def snooze_event(until_ns: int | None, now_ns: int) -> Event:
    """Return what is stored of a snooze; for None, or a time that is over, one that ends at once."""
    return Event(now_ns, EventKind.SNOOZED, end_ns=max(now_ns, until_ns or 0))


class Wearer:
    """Feed it everything that the clip's source yields, in order; store what it returns, with `state`."""

    def __init__(
        self,
        settings: Settings,
        memory: Memory,
        state: WearerState | None = None,
        *,
        schedule: Schedule | None = None,
        zone: tzinfo | None = None,
    ) -> None:
        self.settings = replace(
            settings,
            calibration=memory.calibration,
            standing=memory.standing,
            snoozed_until_ns=memory.snoozed_until_ns,
        )
        state = state or WearerState()
        self.state = state if state.minute else replace(state, minute=memory.minute)
        if memory.suspect and memory.calibration is not None:
            self._doubt((memory.calibration.calibration_id,))
        self.quality = memory.quality
        self.link: LinkChange | None = None
        self.battery: BatteryReading | None = None
        self.last_alert_ns = memory.last_alert_ns
        self._suspect = memory.suspect
        self._battery_low = memory.battery_low
        self._lost_ns = memory.lost_ns
        self._schedule = schedule or Schedule()
        self._zone = zone
        self._windows_from_ns = -DAY_NS
        self._saving = Saving()

    def resume(self, since: Iterable[SampleBlock]) -> None:
        """Take the samples that came after the state; what they give is stored already."""
        for block in since:
            self._samples(block)
        self._saving = Saving()

    def to_save(self) -> tuple[bytes | None, SampleBlock | None]:
        """Return what goes into the journal with the records since the last time: the state, or the samples since."""
        return self._saving.due(self.state, self.settings)

    def hear(self, reading: Reading) -> Records:
        """Take the next reading; return the records that it gives, events last."""
        match reading:
            case SampleBlock():
                return self._samples(reading)
            case LinkChange():
                return self._link(reading)
            case BatteryReading():
                return self._charge(reading)

    def finish(self) -> Records:
        """Close what is open, at a clean stop."""
        self.state, outputs = finish(self.state, self.settings)
        self._saving.forget()
        return self._noted(outputs)

    def calibrated(
        self, calibration: Calibration, stance: Stance, quality: CalibrationQuality | None = None
    ) -> Records:
        """Judge by another reference from the next sample on."""
        if stance is Stance.STANDING:
            self.settings = replace(self.settings, standing=calibration)
        else:
            self.settings = replace(self.settings, calibration=calibration)
            self.quality = quality
        return calibration_records(calibration, stance, quality)

    def snooze(self, until_ns: int | None, now_ns: int) -> Records:
        """Give no alerts until then; None, or a time that is over, lets them out again."""
        event = snooze_event(until_ns, now_ns)
        self.settings = replace(self.settings, snoozed_until_ns=event.end_ns)
        return (event,)

    def told_beside(self, time_ns: int) -> None:
        """Take note that the wearer was alerted to something else, which silences alerts as one of these does."""
        recent_ns = (ns for ns in self.settings.told_beside_ns if time_ns - ns < HOUR_NS)
        self.settings = replace(self.settings, told_beside_ns=(*recent_ns, time_ns))

    @property
    def now(self) -> Now:
        """What is so now. Without a signal nothing is known, however fresh the last sample."""
        now = self.state.now(self.settings)
        if self.link is None or self.link.state is LinkState.STREAMING:
            return now
        return replace(
            now,
            sagittal_deg=None,
            lateral_deg=None,
            activity=Activity.GAP,
            posture=Posture.UNKNOWN,
            hold_progress=0.0,
        )

    @property
    def suspect(self) -> str:
        """Why the sitting reference is not believed; empty while it is."""
        reference = self.settings.calibration
        if reference is None or reference.calibration_id not in self.state.gate.suspect_ids:
            return ""
        return self._suspect or "the clip seems to have moved"

    @property
    def fading(self) -> tuple[int, int] | None:
        """How many of how many alerts that fall due are given; None when they do not fade."""
        return self.state.slouch.fading.told if self.settings.fading else None

    def snoozed_until_ns(self, now_ns: int) -> int | None:
        """Return the end of the snooze that is under way; None when there is none."""
        until_ns = self.settings.snoozed_until_ns
        return until_ns if until_ns is not None and until_ns > now_ns else None

    def alerts_from_ns(self, now_ns: int) -> int | None:
        """Return from when on mode, snooze and weekly hours let alerts out; None for never."""
        self._look_ahead(now_ns)
        return alerts_from(now_ns, self.settings)

    def wants_notices(self, now_ns: int) -> bool:
        """Tell whether a notice that is no alert (battery, calibration) may go out: in its hours, not snoozed or off."""
        if self.settings.mode is Mode.OFF:
            return False
        self._look_ahead(now_ns)
        return alerts_from(now_ns, replace(self.settings, mode=Mode.COACH)) == now_ns

    def _samples(self, block: SampleBlock) -> Records:
        before: Records = ()
        if len(block):
            self._look_ahead(int(block.time_ns[0]))
            if (self.state.last_ns or 0) - int(block.time_ns[-1]) > AHEAD_NS:
                # The computer's clock was set far back: what went before ends by the old one.
                before = self.finish()
                self.state = self.state.afresh()
        self.state, outputs = step(self.state, block, self.settings)
        self._saving.heard(block)
        return (*before, *self._noted(outputs))

    def _doubt(self, suspect_ids: tuple[str, ...]) -> None:
        """Go on doubting references, though the state begins afresh."""
        known = self.state.gate.suspect_ids
        if not {*known}.issuperset(suspect_ids):
            gate = replace(self.state.gate, suspect_ids=tuple({*known, *suspect_ids}))
            self.state = replace(self.state, gate=gate)

    def _noted(self, outputs: Outputs) -> Records:
        for event in outputs.events:
            if event.kind is EventKind.SLOUCH_ALERT:
                self.last_alert_ns = event.time_ns
            elif event.kind is EventKind.CALIBRATION_SUSPECT:
                self._suspect = event.note
                self._saving.forget()  # the next start doubts from the first sample on
        return (*outputs.epochs, *outputs.minutes, *outputs.episodes, *outputs.events)

    def _look_ahead(self, now_ns: int) -> None:
        """Work out the weekly hours of the next days, once a day, and again when the clock was set back."""
        if self._schedule.hours and not 0 <= now_ns - self._windows_from_ns < DAY_NS:
            self._windows_from_ns = now_ns
            windows_ns = self._schedule.spans(now_ns, self._zone)
            self.settings = replace(self.settings, alert_windows_ns=windows_ns)

    def _link(self, change: LinkChange) -> Records:
        streamed = self.link is not None and self.link.state is LinkState.STREAMING
        self.link = change
        if change.state is LinkState.STREAMING and self._lost_ns is not None:
            lost_ns, self._lost_ns = self._lost_ns, None
            return (Event(change.time_ns, EventKind.SIGNAL_RETURNED, onset_ns=lost_ns),)
        if streamed and change.state is not LinkState.STREAMING:
            self._lost_ns = self.state.last_ns or change.time_ns
            return (Event(change.time_ns, EventKind.SIGNAL_LOST, onset_ns=self._lost_ns, note=change.word),)
        return ()

    def _charge(self, reading: BatteryReading) -> Records:
        self.battery = reading
        if reading.percent >= BATTERY_CHARGED_PERCENT:
            self._battery_low = False
        if reading.percent >= BATTERY_LOW_PERCENT or self._battery_low:
            return (reading,)
        self._battery_low = True
        return reading, Event(reading.time_ns, EventKind.BATTERY_LOW, value=reading.percent)
