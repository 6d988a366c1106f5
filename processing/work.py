"""One call's work for one wearer: what `processing.step` does with a state and a block.

It goes in rounds, so that the seconds of many wearers can be measured together: take a piece of the samples, have the
seconds that it ends measured, close them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from processing.activity import DOUBT_S, Facts, Verdict, count_stillness, decide, why_false
from processing.arrival import QUAT, Samples, arrive, join, length
from processing.epochs import SECOND_NS, OpenEpoch, roll_up, roll_up_run
from processing.fading import fade
from processing.grid import GoodRows, Piece, pieces
from processing.inclination import axes_of, sagittal_deg
from processing.orientation import forget_orientation, up_of
from processing.outputs import (
    NOTHING,
    Activity,
    Episode,
    Epoch,
    Event,
    EventKind,
    Minute,
    Outputs,
    Posture,
    Stance,
)
from processing.settings import Settings
from processing.slip import HEAD, TRUNK, SlipState, watch, watch_still
from processing.slouch import (
    JUDGED_SLOUCHED,
    Found,
    Judge,
    advance,
    alerts_from,
    close,
    count_epochs,
    judge,
    may_speak,
    miss,
    stays,
)
from processing.state import WearerState
from processing.steady import LEAST, Steady, rest_on
from processing.window import FIRST_ANGLE, MOTION_G, RECEIVED, Measured, Over, measure
from sensor.samples import SampleBlock, join_alike


@dataclass(frozen=True, slots=True, eq=False)
class Closing:
    """Seconds of a wearer that are to be closed, and the open one before and after."""

    work: "Work"
    before: OpenEpoch
    over: Over
    missing: list[int]
    corrupt: list[int]
    after: OpenEpoch | None


class Work:
    """One call's work for one wearer: the state's parts while they change, and the outputs so far."""

    def __init__(self, state: WearerState, settings: Settings, block: SampleBlock | None = None) -> None:
        self.settings = settings
        self.grid, self.orientation = state.grid, state.orientation
        self.epoch, self.minute = state.epoch, state.minute
        self.window = state.window
        self.gate, self.slip = state.gate, state.slip
        self.memory_is_own = False
        self.slouch = state.slouch
        self.activity, self.posture = state.activity, state.posture
        self.seen_ns = state.grid.good_ns or 0 if state.grid else 0
        self.judge_of: tuple[Stance, bool] | None = None
        self.judge_is: Judge | None = None
        self.blocks = join_alike((*state.waiting, block) if block is not None else state.waiting)
        self.pieces: list[Piece] = []
        self.closing: Closing | None = None
        self.epochs: list[Epoch] = []
        self.minutes: list[Minute] = []
        self.episodes: list[Episode] = []
        self.events: list[Event] = []
        self.let_go()

    def let_go(self) -> None:
        """Forget what was measured from a reference that is not in force any more: other zeros, other angles."""
        sitting, reference = self.settings.calibration, self.settings.reference(self.gate.stance)
        if self.slip.calibration_id != (calibration_id := sitting.calibration_id if sitting else ""):
            self.slip = SlipState(calibration_id)
        if not self.slouch.is_of(reference.calibration_id if reference else ""):
            self.slouch, found = close(self.slouch, self._judged_ns())
            self.sort_out(found)

    def _judged_ns(self) -> int:
        """Return up to when samples have been judged; those after it wait in the open second."""
        if self.epoch is None:
            return self.seen_ns
        if self.epoch.seen:
            return int(join(self.epoch.parts).time_ns[self.epoch.seen - 1])
        return min(self.seen_ns, self.epoch.second * SECOND_NS)

    def answer(self) -> tuple[WearerState, Outputs]:
        """Return the state after the work, and what was found."""
        state = WearerState(
            self.grid,
            self.orientation,
            (),
            self.epoch,
            self.minute,
            self.window,
            self.gate,
            self.slip,
            self.slouch,
            self.activity,
            self.posture,
        )
        if not (self.epochs or self.minutes or self.episodes or self.events):
            return state, NOTHING
        return state, Outputs(
            tuple(self.epochs), tuple(self.minutes), tuple(self.episodes), tuple(self.events)
        )

    @property
    def judge(self) -> Judge | None:
        """What samples are judged by now; None without a reference for the stance."""
        wanted = self.gate.stance, self.slip.in_doubt or self.suspected
        if self.judge_of != wanted:
            self.judge_of, self.judge_is = wanted, judge(self.settings, wanted[0], in_doubt=wanted[1])
        return self.judge_is

    @property
    def suspected(self) -> bool:
        """Tell whether the reference in force is not trusted any more."""
        reference = self.settings.reference(self.gate.stance)
        return reference is not None and reference.calibration_id in self.gate.suspect_ids

    def take_next(self) -> bool:
        """Take the next piece, rows with no break of session among them; False when there is none.

        Seconds that it ends are left in `closing`.
        """
        while not self.pieces and self.blocks:
            break_ns = self.settings.session_break_s * SECOND_NS
            self.pieces = pieces(self.grid, self.blocks.pop(0), break_ns)
        if not self.pieces:
            return False
        piece = self.pieces.pop(0)
        if piece.after_break:
            self.end_session()
        self.grid, self.orientation, good, samples = arrive(self.grid, self.orientation, piece)
        epoch = self.epoch or OpenEpoch(good.first_ns // SECOND_NS)
        over = self.grid.last_ns // SECOND_NS - epoch.second
        if over:
            self.closing = self.end_seconds(epoch, over, samples, good, piece.block.rate_hz)
            return True
        parts = (*epoch.parts, samples) if len(samples.time_ns) else epoch.parts
        missing, corrupt = epoch.missing + len(good.missing_ns), epoch.corrupt + len(good.corrupt_ns)
        self.epoch = OpenEpoch(epoch.second, parts, missing, corrupt, epoch.seen)
        return True

    def end_seconds(
        self, epoch: OpenEpoch, over: int, samples: Samples, good: GoodRows, rate_hz: float
    ) -> Closing:
        """Share new samples among the open second, all others that they have left behind, and the one they came to."""
        edges_ns = [(epoch.second + k) * SECOND_NS for k in range(1, over + 1)]
        cuts = samples.time_ns.searchsorted(edges_ns).tolist()
        held = length(epoch.parts)
        edges = [0, *(held + cut for cut in cuts)]
        missing, corrupt = _by_second(good.missing_ns, edges_ns), _by_second(good.corrupt_ns, edges_ns)
        missing[0] += epoch.missing
        corrupt[0] += epoch.corrupt
        begin = cuts[-1]
        rest = samples.rows(begin, len(samples.time_ns))
        return Closing(
            self,
            epoch,
            Over((*epoch.parts, samples.rows(0, begin)), edges, rate_hz, self.window, self.settings),
            missing,
            corrupt,
            OpenEpoch(epoch.second + over, (rest,) if len(rest.time_ns) else (), missing[-1], corrupt[-1]),
        )

    def close_seconds(self, measured: Measured) -> None:
        """Decide the seconds that are over, now that they are measured."""
        closing, self.closing = self.closing, None
        if closing is None:
            raise RuntimeError("nothing was to be closed")
        self.own_memory()
        self.window = measured.window
        first_second, edges = closing.before.second, closing.over.edges
        seconds = len(edges) - 1
        looked_at = seconds >= LEAST and self.settings.references
        steady = Steady(measured.columns, first_second, self.settings) if looked_at else None
        k = 0
        while k < seconds:
            if steady is not None and k:
                k = self.close_steady(steady, k, measured, closing)
                if k == seconds:
                    break
            facts = measured.facts(k)
            begin, end = edges[k], edges[k + 1]
            if begin < end:
                seen = closing.before.seen if k == 0 else 0
                self.look(facts, measured, slice(measured.begin + begin + seen, measured.begin + end))
            self.close_second(first_second + k, facts, closing.missing[k], closing.corrupt[k])
            k += 1
        self.epoch = closing.after

    def close_steady(self, steady: Steady, begin: int, measured: Measured, closing: Closing) -> int:
        """Close the seconds from `begin` on that are more of the same; return the first that may not be."""
        by = self.judge
        if self.activity is not Activity.STILL or by is None:
            return begin
        end = steady.until(begin, self.gate, self.slouch, by)
        if end == begin:
            return begin
        slouched = self.slouch.phase in JUDGED_SLOUCHED
        self.posture = Posture.SLOUCHED if slouched else Posture.UPRIGHT
        sagittal_deg = measured.run(FIRST_ANGLE, begin, end)
        lateral_deg = measured.run(FIRST_ANGLE + 1, begin, end)
        taken, why = watch_still(self.slip, sagittal_deg, lateral_deg)
        end = begin + taken
        first_ns, end_ns = ((closing.before.second + k) * SECOND_NS for k in (begin, end))
        received = [int(count) for count in measured.run(RECEIVED, begin, end)]
        missing, corrupt = closing.missing[begin:end], closing.corrupt[begin:end]
        epochs = map(
            Epoch,
            range(first_ns, end_ns, SECOND_NS),
            received,
            missing,
            corrupt,
            repeat(self.activity),
            repeat(self.posture),
            sagittal_deg,
            lateral_deg,
            measured.run(MOTION_G, begin, end),
            steady.confidence[begin:end],
        )
        self.add_run(list(epochs))
        if why:
            self.doubt(why, end_ns)
        if slouched:
            expected = sum(received) + sum(missing) + sum(corrupt)
            self.slouch = count_epochs(self.slouch, sagittal_deg[:taken], sum(received), expected)
        rest_on(self.gate, taken, sagittal_deg[taken - 1])
        self.seen_ns = int(measured.time_ns[measured.begin + closing.over.edges[end] - 1])
        return end

    def own_memory(self) -> None:
        """Copy what changes in place, so that the state given stays as it was."""
        if not self.memory_is_own:
            self.gate, self.slip, self.memory_is_own = self.gate.copy(), self.slip.copy(), True
            self.minute = self.minute and self.minute.copy()

    def look(self, facts: Facts, measured: Measured, rows: slice) -> None:
        """Let the slouch machine see the samples of one second, judged by the second before."""
        self.seen_ns = last_ns = int(measured.time_ns[rows.stop - 1])
        if rows.start == rows.stop:
            return
        first_ns = int(measured.time_ns[rows.start])
        by = self.judge
        if self.activity is not Activity.STILL or by is None:
            self.slouch, found = miss(self.slouch, first_ns, last_ns, self.settings)
            self.sort_out(found)
            return
        number = self.settings.reference_number(by.stance)
        angles = facts.angles[number]
        # The angles are of the whole second: where its first samples were seen early, that asks for no less.
        if not stays(self.slouch, first_ns, last_ns, angles.low_deg, angles.high_deg, by):
            angle_deg = measured.sagittal_deg[number, rows]
            self.slouch, found = advance(self.slouch, measured.time_ns[rows], angle_deg, by)
            self.sort_out(found)

    def look_early(self) -> None:
        """Let the slouch machine see what there is of the open second, if an alert may fall due in it."""
        epoch = self.epoch
        if epoch is None or self.activity is not Activity.STILL:
            return
        since_ns = epoch.second * SECOND_NS
        if not may_speak(self.slouch, since_ns, since_ns + SECOND_NS, self.settings) or self.judge is None:
            return
        samples = join(epoch.parts).rows(epoch.seen)
        if len(samples.time_ns):
            axes = axes_of(self.judge.reference)[:, :, None]
            angle_deg = sagittal_deg(up_of(samples.values[QUAT]), axes)
            self.slouch, found = advance(self.slouch, samples.time_ns, angle_deg, self.judge)
            self.sort_out(found)
            self.epoch = replace(epoch, seen=epoch.seen + len(samples.time_ns))

    def close_second(self, second: int, facts: Facts, missing: int, corrupt: int) -> None:
        """Decide the second that is over, and roll it up."""
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
                self.slouch = count_epochs(self.slouch, [verdict.sagittal_deg], facts.received, expected)
            if not judged_live:
                # The machine waited for this verdict; hysteresis begins with the next second.
                slouched = verdict.sagittal_deg > by.on_deg
            self.posture = Posture.SLOUCHED if slouched else Posture.UPRIGHT
        # By position: one is made every second of every wearer, and names cost a third more.
        epoch = Epoch(
            second * SECOND_NS,
            facts.received,
            missing,
            corrupt,
            self.activity,
            self.posture,
            verdict.sagittal_deg,
            verdict.lateral_deg,
            facts.motion_g if facts.complete else None,
            verdict.confidence,
            facts.cadence_hz if self.activity is Activity.WALKING else None,
        )
        self.add_epoch(epoch)
        self.notice(verdict, facts, end_ns)
        if self.gate.stance is not stance:
            # Another reference applies from here on.
            self.slouch, found = close(self.slouch, self.seen_ns)
            self.sort_out(found)

    def add_run(self, epochs: Sequence[Epoch]) -> None:
        """Take epochs that are decided and alike, and roll them up."""
        self.epochs.extend(epochs)
        self.minute, closed = roll_up_run(self.minute, epochs)
        for minute in closed:
            self.add_minute(minute)

    def add_epoch(self, epoch: Epoch) -> None:
        """Take an epoch that is decided, and roll it up."""
        self.epochs.append(epoch)
        self.minute, closed = roll_up(self.minute, epoch)
        if closed is not None:
            self.add_minute(closed)

    def add_minute(self, minute: Minute) -> None:
        """Take a minute that is over; by how it went, alerts may fade."""
        self.minutes.append(minute)
        if self.settings.fading:
            self.slouch = replace(self.slouch, fading=fade(self.slouch.fading, minute))

    def notice(self, verdict: Verdict, facts: Facts, end_ns: int) -> None:
        """Tell of what builds up over minutes: a clip that is not worn or has slipped, a wearer who sits on."""
        gate, settings = self.gate, self.settings
        if gate.quiet_s == settings.not_worn_after_s:
            since_ns = end_ns - settings.not_worn_after_s * SECOND_NS
            self.events.append(Event(end_ns, EventKind.NOT_WORN, onset_ns=since_ns))
            self.slip = SlipState(self.slip.calibration_id, fresh=True)
        if count_stillness(gate, verdict.activity, settings) and alerts_from(end_ns, settings) == end_ns:
            self.events.append(Event(end_ns, EventKind.BREAK_PROMPT))
        if gate.false_s == DOUBT_S:
            self.doubt(why_false(gate, facts), end_ns)
        if gate.stance is Stance.SITTING and settings.calibration is not None:
            limits = TRUNK if settings.judges_posture else HEAD
            angles_deg = verdict.sagittal_deg, verdict.lateral_deg
            if why := watch(self.slip, verdict.activity, *angles_deg, facts.jerk_g, limits):
                self.doubt(why, end_ns)

    def doubt(self, why: str, now_ns: int) -> None:
        """Trust the reference in force no more."""
        gate, reference = self.gate, self.settings.reference(self.gate.stance)
        if reference is None or reference.calibration_id in gate.suspect_ids:
            return
        in_force = {each.calibration_id for each in self.settings.references}
        gate.suspect_ids = (*in_force.intersection(gate.suspect_ids), reference.calibration_id)
        event = Event(now_ns, EventKind.CALIBRATION_SUSPECT, onset_ns=reference.captured_ns, note=why)
        self.events.append(event)

    def end_session(self) -> None:
        """Close all that is open; what follows begins anew, with the gyroscope's bias kept."""
        self.own_memory()
        if self.epoch is not None:
            epoch, rate_hz = self.epoch, self.orientation.rate_hz if self.orientation else 1.0
            over = Over(epoch.parts, [0, length(epoch.parts)], rate_hz, self.window, self.settings)
            self.closing = Closing(self, epoch, over, [epoch.missing], [epoch.corrupt], None)
            self.close_seconds(measure([over])[0])
        self.slouch, found = close(self.slouch, self.seen_ns)
        self.sort_out(found)
        fresh = WearerState()
        self.grid, self.epoch, self.window = fresh.grid, fresh.epoch, fresh.window
        self.activity, self.posture = fresh.activity, fresh.posture
        self.gate = replace(fresh.gate, suspect_ids=self.gate.suspect_ids)
        self.slip = SlipState(self.slip.calibration_id, fresh=True)
        self.orientation = self.orientation and forget_orientation(self.orientation)

    def end_minute(self) -> None:
        """Close the minute under way, with nothing to come; a mere break of session may have both its ends in one."""
        if self.minute is not None:
            self.add_minute(self.minute.close())
            self.minute = None

    def sort_out(self, found: Iterable[Found]) -> None:
        """Put what the slouch machine found where it belongs."""
        for item in found:
            if isinstance(item, Episode):
                self.episodes.append(item)
            else:
                self.events.append(item)


def _by_second(times_ns: NDArray[np.int64], edges_ns: Sequence[int]) -> list[int]:
    """Return how many of the times lie before the first edge, between each two, and after the last."""
    if not len(times_ns):
        return [0] * (len(edges_ns) + 1)
    cuts = [0, *times_ns.searchsorted(edges_ns).tolist(), len(times_ns)]
    return [after - before for before, after in pairwise(cuts)]
