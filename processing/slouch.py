"""Sagittal angle of judged samples → sustained slouches: onset, hold, alert, recovery, and what was not seen.

All that moves the state lives in `TRANSITIONS`; a pair that is not there cannot happen. The machine works on
samples, not on epochs, so a hold is right to one sample however the stream is cut into blocks. Times are sample
times in nanoseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum, auto
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.calibration import Calibration
from processing.fading import FadingState, turned
from processing.outputs import Episode, EpisodeEnd, Event, EventKind, Evidence, Stance
from processing.settings import Mode, Settings

HOUR_NS = 3600 * 10**9
HEARD_NS = 8 * 10**9
"""How late it is heard that another detector alerted. Both know of it by then, however samples came: a fixed time, or
the same samples would not always give the same alerts. It is `head.PATIENCE_S`, and three seconds for those that each
of them has under way."""


class Phase(StrEnum):
    """Where a slouch stands."""

    CLEAR = "clear"
    """No slouch."""
    HOLDING = "holding"
    """Beyond the threshold, not yet for the hold time."""
    DIPPED = "dipped"
    """As holding, but the wearer sat up a moment ago."""
    SUSTAINED = "sustained"
    """Held long enough: an episode is open."""
    RECOVERING = "recovering"
    """An episode is open, but the wearer sat up a moment ago."""


class Signal(Enum):
    """What a sample can mean to the machine."""

    ABOVE_ON = auto()
    """Beyond the threshold."""
    BELOW_OFF = auto()
    """Upright again: below threshold − hysteresis."""
    NOT_BELOW_OFF = auto()
    HELD = auto()
    """The hold time is reached."""
    ALERT_DUE = auto()
    UPRIGHT_LONG = auto()
    """Upright for longer than a dip, or for the recovery time."""
    LOST = auto()
    """Not judged for longer than is tolerated."""


TRANSITIONS: dict[tuple[Phase, Signal], Phase] = {
    (Phase.CLEAR, Signal.ABOVE_ON): Phase.HOLDING,
    (Phase.HOLDING, Signal.BELOW_OFF): Phase.DIPPED,
    (Phase.HOLDING, Signal.HELD): Phase.SUSTAINED,
    (Phase.HOLDING, Signal.LOST): Phase.CLEAR,
    (Phase.DIPPED, Signal.NOT_BELOW_OFF): Phase.HOLDING,
    (Phase.DIPPED, Signal.UPRIGHT_LONG): Phase.CLEAR,
    (Phase.DIPPED, Signal.LOST): Phase.CLEAR,
    (Phase.SUSTAINED, Signal.ALERT_DUE): Phase.SUSTAINED,
    (Phase.SUSTAINED, Signal.BELOW_OFF): Phase.RECOVERING,
    (Phase.SUSTAINED, Signal.LOST): Phase.CLEAR,
    (Phase.RECOVERING, Signal.NOT_BELOW_OFF): Phase.SUSTAINED,
    (Phase.RECOVERING, Signal.UPRIGHT_LONG): Phase.CLEAR,
    (Phase.RECOVERING, Signal.LOST): Phase.CLEAR,
}

JUDGED_SLOUCHED = frozenset({Phase.HOLDING, Phase.SUSTAINED})
EPISODE_OPEN = frozenset({Phase.SUSTAINED, Phase.RECOVERING})


@dataclass(frozen=True, slots=True)
class SlouchState:
    """Everything the machine remembers; times are sample times."""

    phase: Phase = Phase.CLEAR
    onset_ns: int = 0
    """When the present slouch crossed the threshold."""
    frozen_ns: int = 0
    """Unknown time since the onset, which does not count toward the hold."""
    upright_since_ns: int = 0
    """When the wearer sat up (dipped, recovering)."""
    upright_frozen_ns: int = 0
    """Unknown time since, which does not count toward the recovery."""
    unknown_since_ns: int | None = None
    """Since when posture has not been judged; None while it is."""
    alerts: int = 0
    """Alerts given in the present episode."""
    withheld: bool = False
    """Its alert fell due and was not given, since alerts fade."""
    recent_alerts_ns: tuple[int, ...] = ()
    """The alerts of the last hour before the newest."""
    judged_epochs: int = 0
    """Slouched epochs of the present slouch, for its mean and peak."""
    sum_deg: float = 0.0
    peak_deg: float = 0.0
    received: int = 0
    """Samples received in those epochs, of `expected`."""
    expected: int = 0
    calibration_id: str = ""
    fading: FadingState = field(default_factory=FadingState)

    def is_of(self, calibration_id: str) -> bool:
        """Tell whether a reference is what the present slouch is judged by, if there is one."""
        return self.phase is Phase.CLEAR or self.calibration_id == calibration_id


Found = Event | Episode


class Judge(NamedTuple):
    """What samples are judged by."""

    reference: Calibration
    stance: Stance
    settings: Settings
    on_deg: float
    off_deg: float
    in_doubt: bool = False
    """The clip may just have been knocked out of its place: no alert until that is known."""


def judge(settings: Settings, stance: Stance, *, in_doubt: bool = False) -> Judge | None:
    """Return what to judge by; None without a reference for the stance, or where posture is not judged."""
    reference, on_deg = settings.reference(stance), settings.on_deg(stance)
    if reference is None or on_deg is None or not settings.judges_posture:
        return None
    return Judge(reference, stance, settings, on_deg, on_deg - settings.hysteresis_deg, in_doubt)


def stays(
    state: SlouchState, first_ns: int, last_ns: int, low_deg: float, high_deg: float, by: Judge
) -> bool:
    """Tell that samples between these times and angles mean nothing new: the quick way past `advance`."""
    until_ns, above = quiet_until(state, first_ns, by)
    within = low_deg >= by.off_deg if above else high_deg <= by.on_deg
    return within and (until_ns is None or last_ns < until_ns)


def quiet_until(state: SlouchState, begin_ns: int, by: Judge) -> tuple[int | None, bool]:
    """Return until when judged samples mean nothing new (None: for ever), as long as they stay on the side they are on.

    The second value tells which: True is not below `off_deg`, False not beyond `on_deg`.
    """
    if state.unknown_since_ns is not None:
        return begin_ns, False
    match state.phase:
        case Phase.CLEAR:
            return None, False
        case Phase.HOLDING:
            return _held_ns(state, by.settings), True
        case Phase.SUSTAINED:
            return None if by.in_doubt else _alert_due_ns(state, begin_ns, by.settings), True
        case _:
            return begin_ns, False


def may_speak(state: SlouchState, since_ns: int, until_ns: int, settings: Settings) -> bool:
    """Tell whether an alert may fall due between two times; elsewhere samples can wait."""
    if until_ns - since_ns > _ns(settings.hold_s):
        return True  # a slouch that begins and is held within
    match state.phase:
        case Phase.CLEAR:
            return False
        case Phase.HOLDING | Phase.DIPPED:
            return _held_ns(state, settings) < until_ns
        case Phase.SUSTAINED | Phase.RECOVERING:
            due_ns = _alert_due_ns(state, since_ns, settings)
            return due_ns is not None and due_ns < until_ns


def advance(
    state: SlouchState, time_ns: NDArray[np.int64], sagittal_deg: NDArray[np.float64], by: Judge
) -> tuple[SlouchState, list[Found]]:
    """Take judged samples in order; return the new state and what was found."""
    found: list[Found] = []
    if len(time_ns) == 0:
        return state, found
    if state.unknown_since_ns is not None:
        first_ns = int(time_ns[0])
        state = _known_again(_give_up(state, first_ns, by.settings, found), first_ns)
    row = 0
    while (signal := _next_signal(state, time_ns, sagittal_deg, row, by)) is not None:
        row = signal[0]
        state = _take(state, signal[1], int(time_ns[row]), float(sagittal_deg[row]), found, by)
    return state, found


def miss(
    state: SlouchState, since_ns: int, until_ns: int, settings: Settings
) -> tuple[SlouchState, list[Found]]:
    """Take note that nothing was judged for a while: no samples came, or the wearer was not still."""
    found: list[Found] = []
    if state.unknown_since_ns is None:
        state = replace(state, unknown_since_ns=since_ns)
    return _give_up(state, until_ns, settings, found), found


def close(state: SlouchState, last_ns: int) -> tuple[SlouchState, list[Found]]:
    """End what is open, as censored: the samples, or the reference they were judged by, end here."""
    found: list[Found] = []
    if state.phase is not Phase.CLEAR:
        if state.unknown_since_ns is None:
            state = replace(state, unknown_since_ns=last_ns)
        state = _take(state, Signal.LOST, last_ns, 0.0, found, None)
    return state, found


def count_epochs(
    state: SlouchState, sagittal_deg: Sequence[float], received: int, expected: int
) -> SlouchState:
    """Add the means of slouched epochs, and how many samples they have of those expected, to the present slouch."""
    sum_deg = state.sum_deg
    for mean_deg in sagittal_deg:
        sum_deg += mean_deg
    peak_deg = max(sagittal_deg)
    return replace(
        state,
        judged_epochs=state.judged_epochs + len(sagittal_deg),
        sum_deg=sum_deg,
        peak_deg=max(state.peak_deg, peak_deg) if state.judged_epochs else peak_deg,
        received=state.received + received,
        expected=state.expected + expected,
    )


def hold_progress(state: SlouchState, last_ns: int, settings: Settings) -> float:
    """Return how much of the hold time has passed at `last_ns`, from 0 to 1."""
    if state.phase in EPISODE_OPEN:
        return 1.0
    if state.phase is Phase.CLEAR:
        return 0.0
    until_ns = last_ns if state.unknown_since_ns is None else state.unknown_since_ns
    return min(1.0, max(0.0, (until_ns - state.onset_ns - state.frozen_ns) / (settings.hold_s * 1e9)))


def _next_signal(
    state: SlouchState, time_ns: NDArray[np.int64], sagittal_deg: NDArray[np.float64], row: int, by: Judge
) -> tuple[int, Signal] | None:
    """Find the first sample from `row` on that means something in this phase; in a tie the first named wins."""
    ahead_ns, ahead_deg = time_ns[row:], sagittal_deg[row:]
    match state.phase:
        case Phase.CLEAR:
            candidates = [(_first(ahead_deg > by.on_deg), Signal.ABOVE_ON)]
        case Phase.HOLDING:
            candidates = [
                (_first(ahead_deg < by.off_deg), Signal.BELOW_OFF),
                (_first_from(ahead_ns, _held_ns(state, by.settings)), Signal.HELD),
            ]
        case Phase.SUSTAINED:
            candidates = [(_first(ahead_deg < by.off_deg), Signal.BELOW_OFF)]
            due_ns = None if by.in_doubt else _alert_due_ns(state, int(ahead_ns[0]), by.settings)
            if due_ns is not None:
                candidates.append((_first_from(ahead_ns, due_ns), Signal.ALERT_DUE))
        case Phase.DIPPED | Phase.RECOVERING:
            limit_s = by.settings.dip_s if state.phase is Phase.DIPPED else by.settings.recovery_s
            upright_ns = state.upright_since_ns + state.upright_frozen_ns
            candidates = [
                (_first_from(ahead_ns, upright_ns + _ns(limit_s)), Signal.UPRIGHT_LONG),
                (_first(ahead_deg >= by.off_deg), Signal.NOT_BELOW_OFF),
            ]
    index, signal = min(candidates, key=lambda candidate: candidate[0])
    return (row + index, signal) if row + index < len(time_ns) else None


def _take(
    state: SlouchState, signal: Signal, at_ns: int, sagittal_deg: float, found: list[Found], by: Judge | None
) -> SlouchState:
    """Follow the table and do what the step asks for."""
    before, after = state.phase, TRANSITIONS[state.phase, signal]
    state = replace(state, phase=after)
    match signal:
        case Signal.ABOVE_ON if by is not None:
            return SlouchState(
                phase=after,
                onset_ns=at_ns,
                recent_alerts_ns=state.recent_alerts_ns,
                calibration_id=by.reference.calibration_id,
                fading=state.fading,
            )
        case Signal.BELOW_OFF:
            return replace(state, upright_since_ns=at_ns, upright_frozen_ns=0)
        case Signal.HELD:
            found.append(Event(at_ns, EventKind.SLOUCH_STARTED, onset_ns=state.onset_ns, value=sagittal_deg))
        case Signal.ALERT_DUE if by is not None:
            if by.settings.fading and not state.alerts:
                fading = turned(state.fading, at_ns)
                gives = fading.gives_next
                state = replace(state, fading=replace(fading, due=fading.due + 1), withheld=not gives)
                if not gives:
                    return state
            found.append(
                Event(
                    at_ns,
                    EventKind.SLOUCH_ALERT,
                    onset_ns=state.onset_ns,
                    value=sagittal_deg,
                    evidence=_evidence(state, at_ns, by),
                )
            )
            recent = tuple(ns for ns in state.recent_alerts_ns if at_ns - ns < HOUR_NS)
            return replace(state, alerts=state.alerts + 1, recent_alerts_ns=(*recent, at_ns))
        case Signal.UPRIGHT_LONG if before is Phase.RECOVERING:
            found += _ended(state, at_ns, state.upright_since_ns, EpisodeEnd.SEEN)
        case Signal.LOST if before in EPISODE_OPEN:
            lost_ns = at_ns if state.unknown_since_ns is None else state.unknown_since_ns
            end_ns = state.upright_since_ns if before is Phase.RECOVERING else lost_ns
            found += _ended(state, at_ns, end_ns, EpisodeEnd.CENSORED)
        case _:
            pass
    return state


def _ended(state: SlouchState, at_ns: int, end_ns: int, end: EpisodeEnd) -> tuple[Episode, Event]:
    episode = Episode(
        onset_ns=state.onset_ns,
        end_ns=end_ns,
        end=end,
        peak_deg=state.peak_deg,
        mean_deg=state.sum_deg / max(1, state.judged_epochs),
        alerts=state.alerts,
        calibration_id=state.calibration_id,
    )
    told, due = state.fading.told
    event = Event(
        at_ns,
        EventKind.SLOUCH_ENDED,
        onset_ns=state.onset_ns,
        end_ns=end_ns,
        value=state.peak_deg,
        note=f"not told: alerts fade, {told} of {due} are given" if state.withheld else "",
    )
    return episode, event


def _evidence(state: SlouchState, at_ns: int, by: Judge) -> Evidence:
    told, due = state.fading.told if by.settings.fading else (1, 1)
    return Evidence(
        threshold_deg=by.on_deg,
        hold_s=by.settings.hold_s,
        mean_deg=state.sum_deg / max(1, state.judged_epochs),
        peak_deg=state.peak_deg,
        judged_s=state.judged_epochs,
        unknown_s=state.frozen_ns / 1e9,
        received=state.received / max(1, state.expected),
        stance=by.stance,
        calibration_id=by.reference.calibration_id,
        calibration_age_s=(at_ns - by.reference.captured_ns) / 1e9,
        told=told,
        due=due,
        held_s=(at_ns - state.onset_ns) / 1e9,
    )


def _held_ns(state: SlouchState, settings: Settings) -> int:
    return state.onset_ns + state.frozen_ns + _ns(settings.hold_s)


def _alert_due_ns(state: SlouchState, now_ns: int, settings: Settings) -> int | None:
    """Return from when on an alert may be given in the open episode; None: no more in this one."""
    due_ns = now_ns
    if state.withheld:
        return None
    if state.alerts:
        if settings.reminder_s is None:
            return None
        due_ns = max(due_ns, state.recent_alerts_ns[-1] + _ns(settings.reminder_s))
    while True:
        free_ns = alerts_from(_silent_until_ns(state, due_ns, settings), settings)
        if free_ns is None or free_ns == due_ns:
            return free_ns
        due_ns = free_ns  # by then more may have been heard of


def _silent_until_ns(state: SlouchState, due_ns: int, settings: Settings) -> int:
    """Return when the silence after alerts that are known of at `due_ns` is over, at the earliest then."""
    heard = [ns for ns in settings.told_beside_ns if ns + HEARD_NS <= due_ns]
    told = sorted([*state.recent_alerts_ns, *heard]) if heard else state.recent_alerts_ns
    until_ns = due_ns
    if told:
        until_ns = max(until_ns, told[-1] + _ns(settings.refractory_s))
    if len(told) >= settings.alerts_per_hour:
        until_ns = max(until_ns, told[-settings.alerts_per_hour] + HOUR_NS)
    return until_ns


def alerts_from(due_ns: int, settings: Settings) -> int | None:
    """Return the first time from `due_ns` on at which the wearer wants to be told; None: no such time is known."""
    if settings.mode is not Mode.COACH:
        return None
    due_ns = max(due_ns, settings.snoozed_until_ns or 0)
    if settings.alert_windows_ns is None:
        return due_ns
    return next((max(due_ns, begin) for begin, end in settings.alert_windows_ns if end > due_ns), None)


def _give_up(state: SlouchState, now_ns: int, settings: Settings, found: list[Found]) -> SlouchState:
    """Let go of a slouch that has not been judged for longer than is tolerated."""
    if state.phase is Phase.CLEAR or state.unknown_since_ns is None:
        return state
    limit_ns = state.unknown_since_ns + _ns(settings.unknown_tolerance_s)
    return state if now_ns < limit_ns else _take(state, Signal.LOST, limit_ns, 0.0, found, None)


def _known_again(state: SlouchState, now_ns: int) -> SlouchState:
    unknown_ns = now_ns - (state.unknown_since_ns or now_ns)
    return replace(
        state,
        unknown_since_ns=None,
        frozen_ns=state.frozen_ns + unknown_ns,
        upright_frozen_ns=state.upright_frozen_ns + unknown_ns,
    )


def _first(mask: NDArray[np.bool_]) -> int:
    """Return the index of the first True, or the length when there is none."""
    index = int(mask.argmax()) if len(mask) else 0
    return index if index < len(mask) and mask[index] else len(mask)


def _first_from(time_ns: NDArray[np.int64], from_ns: int) -> int:
    return int(np.searchsorted(time_ns, from_ns))


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
