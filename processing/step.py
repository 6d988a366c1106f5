"""The heart: `step(state, block, settings) → (state, outputs)`, one pure function for live, replay and batch.

However the same samples are cut into blocks, and wherever the state is saved and restored between, the outputs
are the same: decisions are taken per sample or per whole second, never per block.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from processing.activity import Facts, Verdict, count_stillness, decide
from processing.epochs import SECOND_NS, OpenEpoch, roll_up
from processing.features import SITTING, STANDING, measure
from processing.grid import GoodRows, GridState, newer_rows, steps, stretches, take_block
from processing.orientation import forget_orientation, track_up
from processing.outputs import Activity, Episode, Epoch, Event, EventKind, Minute, Outputs, Posture, Stance
from processing.settings import Settings
from processing.slip import watch
from processing.slouch import (
    JUDGED_SLOUCHED,
    Found,
    advance,
    alerts_from,
    close,
    count_epoch,
    judge,
    miss,
    stays,
)
from processing.state import WearerState
from sensor.samples import SampleBlock


def step(state: WearerState, block: SampleBlock, settings: Settings) -> tuple[WearerState, Outputs]:
    """Take the next block of one wearer's clip; return the new state and what was found."""
    if not len(block):
        return state, Outputs()
    steps_ns = steps(state.grid, block.time_ns)
    if steps_ns.min() <= 0:
        block = newer_rows(state.grid, block)
        if not len(block):
            return state, Outputs()
        steps_ns = steps(state.grid, block.time_ns)
    work = _Work(state, settings)
    begin = 0
    for cut in np.flatnonzero(steps_ns > settings.session_break_s * SECOND_NS).tolist():
        if cut:
            work.take(block[begin:cut], steps_ns[begin:cut])
        work.end_session()
        begin, steps_ns[cut] = cut, 1
    work.take(block[begin:], steps_ns[begin:])
    return work.state(), work.outputs()


def finish(state: WearerState, settings: Settings) -> tuple[WearerState, Outputs]:
    """Close what is open, at the end of a recording or at a clean stop; an open episode ends as censored."""
    work = _Work(state, settings)
    work.end_session()
    return work.state(), work.outputs()


class _Work:
    """One call's work: the state's parts while they change, and the outputs so far."""

    def __init__(self, state: WearerState, settings: Settings) -> None:
        self.settings = settings
        self.grid, self.orientation = state.grid, state.orientation
        self.epoch, self.minute = state.epoch, state.minute
        self.window = state.window
        self.gate, self.slip = state.gate, state.slip
        self.memory_is_own = False
        self.slouch = state.slouch
        self.activity, self.posture = state.activity, state.posture
        self.seen_ns = state.grid.good_ns or 0 if state.grid else 0
        self.judge = judge(settings, state.gate.stance)
        self.epochs: list[Epoch] = []
        self.minutes: list[Minute] = []
        self.episodes: list[Episode] = []
        self.events: list[Event] = []

    def state(self) -> WearerState:
        return WearerState(
            grid=self.grid,
            orientation=self.orientation,
            epoch=self.epoch,
            minute=self.minute,
            window=self.window,
            gate=self.gate,
            slip=self.slip,
            slouch=self.slouch,
            activity=self.activity,
            posture=self.posture,
        )

    def outputs(self) -> Outputs:
        return Outputs(tuple(self.epochs), tuple(self.minutes), tuple(self.episodes), tuple(self.events))

    def take(self, block: SampleBlock, steps_ns: NDArray[np.int64]) -> None:
        """Take rows with no break of session among them."""
        before = self.grid
        self.grid, good = take_block(before, block, steps_ns)
        up_sensor = self.track(before, good, block.rate_hz)
        time_ns, rows = good.time_ns, measure(good, up_sensor, self.settings)
        second, seen = good.first_ns // SECOND_NS, 0
        lost = (0, 0)
        if self.epoch is not None:
            second, seen = self.epoch.second, len(self.epoch.rows)
            lost = (self.epoch.missing, self.epoch.corrupt)
            time_ns = np.concatenate((self.epoch.time_ns, time_ns))
            rows = np.concatenate((self.epoch.rows, rows))
        over = self.grid.last_ns // SECOND_NS - second
        edges_ns = np.arange(second + 1, second + over + 1) * SECOND_NS
        edges, missing, corrupt = (
            [0, *np.searchsorted(times, edges_ns).tolist(), len(times)] if over else [0, len(times)]
            for times in (time_ns, good.missing_ns, good.corrupt_ns)
        )
        facts: list[Facts] = []
        if over:
            self.window, facts = self.window.add(rows, edges[:-1], block.rate_hz, self.settings)
        for k in range(over + 1):
            fresh = slice(max(seen, edges[k]), edges[k + 1])
            self.look(time_ns[fresh], rows[fresh])
            lost = (lost[0] + missing[k + 1] - missing[k], lost[1] + corrupt[k + 1] - corrupt[k])
            if k < over:
                self.close_second(second + k, facts[k], *lost)
                lost = (0, 0)
        rest = slice(edges[-2], None)
        self.epoch = OpenEpoch(second + over, time_ns[rest].copy(), rows[rest].copy(), *lost)

    def track(self, before: GridState | None, good: GoodRows, rate_hz: float) -> NDArray[np.float64]:
        """Run the orientation filter over the good samples; return where up is, (n, 3)."""
        parts = [np.empty((0, 3))]
        for stretch in stretches(before, good, rate_hz):
            if stretch.anew and self.orientation is not None:
                self.orientation = forget_orientation(self.orientation)
            self.orientation, up_sensor = track_up(
                self.orientation, stretch.acc_mps2, stretch.gyr_radps, rate_hz
            )
            parts.append(up_sensor[stretch.rows])
        return parts[-1] if len(parts) <= 2 else np.concatenate(parts)

    def look(self, time_ns: NDArray[np.int64], rows: NDArray[np.float64]) -> None:
        """Let the slouch machine see rows of one second, judged by the second before."""
        if not len(time_ns):
            return
        first_ns, last_ns = int(time_ns[0]), int(time_ns[-1])
        if self.activity is not Activity.STILL or self.judge is None:
            self.slouch, found = miss(self.slouch, first_ns, last_ns, self.settings)
            self.sort_out(found)
        else:
            sagittal_deg = rows[:, STANDING if self.judge.stance is Stance.STANDING else SITTING]
            low_deg, high_deg = float(sagittal_deg.min()), float(sagittal_deg.max())
            if not stays(self.slouch, first_ns, last_ns, low_deg, high_deg, self.judge):
                self.slouch, found = advance(self.slouch, time_ns, sagittal_deg, self.judge)
                self.sort_out(found)
        self.seen_ns = last_ns

    def close_second(self, second: int, facts: Facts, missing: int, corrupt: int) -> None:
        """Decide the second that is over, and roll it up."""
        self.own_memory()
        end_ns = (second + 1) * SECOND_NS
        judged_live = self.activity is Activity.STILL
        by, stance = self.judge, self.gate.stance
        verdict = decide(self.gate, facts, self.settings)
        if not facts.received:
            self.slouch, found = miss(self.slouch, self.seen_ns, end_ns, self.settings)
            self.sort_out(found)
        self.activity, self.posture = verdict.activity, Posture.UNKNOWN
        if verdict.activity is Activity.STILL and verdict.sagittal_deg is not None and by is not None:
            slouched = self.slouch.phase in JUDGED_SLOUCHED
            if slouched:
                expected = facts.received + missing + corrupt
                self.slouch = count_epoch(self.slouch, verdict.sagittal_deg, facts.received, expected)
            if not judged_live:
                # The machine waited for this verdict; hysteresis begins with the next second.
                slouched = verdict.sagittal_deg > by.on_deg
            self.posture = Posture.SLOUCHED if slouched else Posture.UPRIGHT
        epoch = Epoch(
            start_ns=second * SECOND_NS,
            received=facts.received,
            missing=missing,
            corrupt=corrupt,
            activity=self.activity,
            posture=self.posture,
            sagittal_deg=verdict.sagittal_deg,
            lateral_deg=verdict.lateral_deg,
            motion_g=facts.motion_g if facts.complete else None,
            confidence=verdict.confidence,
            cadence_hz=facts.cadence_hz if self.activity is Activity.WALKING else None,
        )
        self.epochs.append(epoch)
        self.minute, closed = roll_up(self.minute, epoch)
        if closed is not None:
            self.minutes.append(closed)
        self.notice(verdict, facts, end_ns)
        if self.gate.stance is not stance:
            # Another reference applies from here on.
            self.slouch, found = close(self.slouch, self.seen_ns)
            self.sort_out(found)
            self.judge = judge(self.settings, self.gate.stance)

    def own_memory(self) -> None:
        """Copy what changes in place, so that the state given stays as it was."""
        if not self.memory_is_own:
            self.gate, self.slip, self.memory_is_own = replace(self.gate), replace(self.slip), True

    def notice(self, verdict: Verdict, facts: Facts, end_ns: int) -> None:
        """Tell of what builds up over minutes: a clip that is not worn or has slipped, a wearer who sits on."""
        gate, settings = self.gate, self.settings
        if gate.quiet_s == settings.not_worn_after_s:
            since_ns = end_ns - settings.not_worn_after_s * SECOND_NS
            self.events.append(Event(end_ns, EventKind.NOT_WORN, onset_ns=since_ns))
            self.slip.fresh = True
        if count_stillness(gate, verdict.activity, settings) and alerts_from(end_ns, settings) == end_ns:
            self.events.append(Event(end_ns, EventKind.BREAK_PROMPT))
        if gate.stance is Stance.SITTING and settings.calibration is not None:
            why = watch(self.slip, verdict.activity, verdict.sagittal_deg, verdict.lateral_deg, facts.jerk_g)
            if why:
                gate.suspect_id = settings.calibration.calibration_id
                self.events.append(Event(end_ns, EventKind.CALIBRATION_SUSPECT, note=why))

    def end_session(self) -> None:
        """Close all that is open; what follows begins anew, with the gyroscope's bias kept."""
        if self.epoch is not None:
            rate_hz = self.orientation.rate_hz if self.orientation else 1.0
            self.window, (facts,) = self.window.add(
                self.epoch.rows, [0, len(self.epoch.rows)], rate_hz, self.settings
            )
            self.close_second(self.epoch.second, facts, self.epoch.missing, self.epoch.corrupt)
        self.slouch, found = close(self.slouch, self.seen_ns)
        self.sort_out(found)
        if self.minute is not None:
            self.minutes.append(self.minute.close())
        fresh = WearerState()
        self.grid, self.epoch, self.minute, self.window = fresh.grid, fresh.epoch, fresh.minute, fresh.window
        self.activity, self.posture = fresh.activity, fresh.posture
        self.gate = replace(fresh.gate, suspect_id=self.gate.suspect_id)
        self.slip = replace(fresh.slip, fresh=True)
        self.judge = judge(self.settings, self.gate.stance)
        self.orientation = self.orientation and forget_orientation(self.orientation)

    def sort_out(self, found: Iterable[Found]) -> None:
        for item in found:
            if isinstance(item, Episode):
                self.episodes.append(item)
            else:
                self.events.append(item)
