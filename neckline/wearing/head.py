"""A clip on the head, beside the one on the back: its readings → records of its own, and of what the two give together.

Three places are stored of such a wearer: the back as ever, the head alone (angle, balance, battery, calibrations), and
head-on-trunk flexion with its own slouches (`processing.head`).
"""

from dataclasses import replace

from neckline.wearing.memory import Memory
from neckline.wearing.wearer import AHEAD_NS, Records, Wearer
from processing.calibration import Calibration
from processing.head import HeadState, alone, head_finish, head_step
from processing.outputs import Activity, Epoch, Event, EventKind, Outputs, Posture, Stance
from processing.quality import CalibrationQuality
from processing.settings import Settings
from processing.slouch import hold_progress
from processing.state import WearerState
from sensor.samples import Reading

TOLD = frozenset({EventKind.SLOUCH_ALERT, EventKind.BREAK_PROMPT})
"""What the wearer is told of the back."""


class Head:
    """Feed it what the clip on the head yields, and the records of the back; store what it returns."""

    def __init__(
        self,
        back: Wearer,
        memory: Memory,
        state: WearerState | None = None,
        pair_state: HeadState | None = None,
        *,
        last_alert_ns: int | None = None,
    ) -> None:
        """Take what is remembered of the clip on the head, and when the wearer was last told of it."""
        self.back = back
        self.clip = Wearer(back.settings, replace(memory, snoozed_until_ns=None), state)
        self.calibration, self.standing = memory.calibration, memory.standing
        self.clip.settings = alone(self.clip.settings, self.calibration, self.standing)
        self.pair_state = pair_state or HeadState()
        self.last_alert_ns = last_alert_ns
        self.last_ns = memory.last_ns
        """The end of the newest second of this clip that is stored."""

    @property
    def settings(self) -> Settings:
        """By which flexion is judged: the wearer's, with the calibration of this clip."""
        return replace(self.back.settings, calibration=self.clip.settings.calibration, told_beside_ns=())

    def hear(self, reading: Reading) -> Records:
        """Take the next reading of the clip on the head; return its own records."""
        return self.clip.hear(reading)

    def pair(self, *, head: Records = (), back: Records = ()) -> Records:
        """Take new records of either clip; return those of the two together."""
        heads, backs = (
            tuple(
                record
                for record in records
                if isinstance(record, Epoch) and not self._is_of_the_old_clock(record, clip)
            )
            for records, clip in ((head, self.clip), (back, self.back))
        )
        told_ns = [record.time_ns for record in back if isinstance(record, Event) and record.kind in TOLD]
        if not (heads or backs or told_ns):
            return ()
        before: Records = ()
        next_ns = self.pair_state.next_ns
        if next_ns is not None and any(next_ns - each.start_ns > AHEAD_NS for each in (*heads, *backs)):
            # The computer's clock was set far back: what went before ends by the old one.
            before = self._end()
            self.pair_state = self.pair_state.afresh()
        self.pair_state, outputs = head_step(self.pair_state, heads, backs, self.settings, told_ns=told_ns)
        return (*before, *self._noted(outputs))

    def finish(self) -> tuple[Records, Records]:
        """Close what is open, at a clean stop; return the records of this clip, and of the two together."""
        own = self.clip.finish()
        return own, (*self.pair(head=own), *self._end())

    def calibrated(
        self, calibration: Calibration, stance: Stance, quality: CalibrationQuality | None
    ) -> Records:
        """Judge by another reference from the next sample on."""
        records = self.clip.calibrated(calibration, stance, quality)
        if stance is Stance.STANDING:
            self.standing = calibration
        else:
            self.calibration = calibration
        self.clip.settings = alone(self.clip.settings, self.calibration or calibration, self.standing)
        return records

    @property
    def flexion_deg(self) -> float | None:
        """How far the head is bent on the upper back now; None when either is not known."""
        head_deg, back_deg = self.clip.now.sagittal_deg, self.back.now.sagittal_deg
        return None if head_deg is None or back_deg is None else head_deg - back_deg

    @property
    def activity(self) -> Activity | None:
        """Of the last second of both; None before the first."""
        last = self.pair_state.last
        return last.activity if last else None

    @property
    def posture(self) -> Posture:
        """Slouched while the head is forward; unknown whenever one of the clips is."""
        last = self.pair_state.last
        return last.posture if last and self.flexion_deg is not None else Posture.UNKNOWN

    @property
    def hold_progress(self) -> float:
        """How much of the hold time has passed, from 0 to 1."""
        if self.flexion_deg is None:
            return 0.0
        return hold_progress(self.pair_state.slouch, self.pair_state.next_ns or 0, self.settings)

    def _is_of_the_old_clock(self, epoch: Epoch, clip: Wearer) -> bool:
        """Tell whether a clip that was away when the clock was set far back ends a second by the clock from before.

        To the pair, which goes by the new one already, it would be the newest: nothing would be waited for any more.
        """
        last_ns, next_ns = clip.state.last_ns, self.pair_state.next_ns
        return (
            last_ns is not None
            and epoch.start_ns - last_ns > AHEAD_NS
            and (next_ns is None or next_ns - last_ns <= AHEAD_NS)
        )

    def _end(self) -> Records:
        self.pair_state, outputs = head_finish(self.pair_state, self.settings)
        return self._noted(outputs)

    def _noted(self, outputs: Outputs) -> Records:
        for event in outputs.events:
            if event.kind is EventKind.HEAD_FORWARD_ALERT:
                self.last_alert_ns = event.time_ns
                self.back.told_beside(event.time_ns)
        return (*outputs.epochs, *outputs.minutes, *outputs.episodes, *outputs.events)
