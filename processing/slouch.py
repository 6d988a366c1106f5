"""Sagittal angle of judged samples → sustained slouches: onset, hold, alert, recovery, and what was not seen.

All that moves the state lives in `TRANSITIONS`; a pair that is not there cannot happen. The machine works on
samples, not on epochs, so a hold is right to one sample however the stream is cut into blocks. Times are sample
times in nanoseconds.
"""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto

import numpy as np
from numpy.typing import NDArray

from processing.outputs import Episode, EpisodeEnd, Event, EventKind
from processing.settings import Settings


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
    last_ns: int = 0
    """The last sample the machine saw."""
    onset_ns: int = 0
    """When the present slouch crossed the threshold."""
    frozen_ns: int = 0
    """Unknown time since the onset, which does not count toward the hold."""
    upright_since_ns: int = 0
    """When the wearer sat up (dipped, recovering)."""
    unknown_since_ns: int | None = None
    """Since when posture has not been judged; None while it is."""
    alerts: int = 0
    """Alerts given in the present episode."""
    last_alert_ns: int | None = None
    judged_epochs: int = 0
    """Slouched epochs of the present slouch, for its mean and peak."""
    sum_deg: float = 0.0
    peak_deg: float = 0.0


Found = Event | Episode


def advance(
    state: SlouchState,
    time_ns: NDArray[np.int64],
    sagittal_deg: NDArray[np.float64],
    *,
    judged: bool,
    settings: Settings,
) -> tuple[SlouchState, list[Found]]:
    """Take samples in order, all judged or all not; return the new state and what was found."""
    found: list[Found] = []
    if len(time_ns) == 0:
        return state, found
    last_ns = int(time_ns[-1])
    on_deg = settings.on_deg
    if not judged or on_deg is None:
        state = _unknown_from(state, int(time_ns[0]))
        return replace(_give_up(state, last_ns, settings, found), last_ns=last_ns), found
    if state.unknown_since_ns is not None:
        state = _known_again(_give_up(state, int(time_ns[0]), settings, found), int(time_ns[0]))
    row = 0
    while (signal := _next_signal(state, time_ns, sagittal_deg, row, on_deg, settings)) is not None:
        row = signal[0]
        state = _take(state, signal[1], int(time_ns[row]), float(sagittal_deg[row]), settings, found)
    return replace(state, last_ns=last_ns), found


def miss(state: SlouchState, until_ns: int, settings: Settings) -> tuple[SlouchState, list[Found]]:
    """Take note that no samples came from the last one until `until_ns`."""
    found: list[Found] = []
    state = _unknown_from(state, state.last_ns)
    return _give_up(state, until_ns, settings, found), found


def close(state: SlouchState, settings: Settings) -> tuple[SlouchState, list[Found]]:
    """End what is open, as censored: the samples end here."""
    found: list[Found] = []
    if state.phase is not Phase.CLEAR:
        state = _take(_unknown_from(state, state.last_ns), Signal.LOST, state.last_ns, 0.0, settings, found)
    return state, found


def count_epoch(state: SlouchState, sagittal_deg: float) -> SlouchState:
    """Add the mean of a slouched epoch to the present slouch."""
    if state.phase is Phase.CLEAR:
        return state
    peak_deg = max(state.peak_deg, sagittal_deg) if state.judged_epochs else sagittal_deg
    return replace(
        state, judged_epochs=state.judged_epochs + 1, sum_deg=state.sum_deg + sagittal_deg, peak_deg=peak_deg
    )


def hold_progress(state: SlouchState, settings: Settings) -> float:
    """Return how much of the hold time has passed, from 0 to 1."""
    if state.phase in EPISODE_OPEN:
        return 1.0
    if state.phase is Phase.CLEAR:
        return 0.0
    frozen_ns = state.frozen_ns
    if state.unknown_since_ns is not None:
        frozen_ns += state.last_ns - state.unknown_since_ns
    return min(1.0, max(0.0, (state.last_ns - state.onset_ns - frozen_ns) / (settings.hold_s * 1e9)))


def _next_signal(
    state: SlouchState,
    time_ns: NDArray[np.int64],
    sagittal_deg: NDArray[np.float64],
    row: int,
    on_deg: float,
    settings: Settings,
) -> tuple[int, Signal] | None:
    """Find the first sample from `row` on that means something in this phase; in a tie the first named wins."""
    off_deg = on_deg - settings.hysteresis_deg
    match state.phase:
        case Phase.CLEAR:
            candidates = [(_first(sagittal_deg[row:] > on_deg), Signal.ABOVE_ON)]
        case Phase.HOLDING:
            held_ns = state.onset_ns + state.frozen_ns + _ns(settings.hold_s)
            candidates = [
                (_first(sagittal_deg[row:] < off_deg), Signal.BELOW_OFF),
                (_first_from(time_ns[row:], held_ns), Signal.HELD),
            ]
        case Phase.SUSTAINED:
            candidates = [(_first(sagittal_deg[row:] < off_deg), Signal.BELOW_OFF)]
            if (due_ns := _alert_due_ns(state, settings)) is not None:
                candidates.append((_first_from(time_ns[row:], due_ns), Signal.ALERT_DUE))
        case Phase.DIPPED | Phase.RECOVERING:
            limit_s = settings.dip_s if state.phase is Phase.DIPPED else settings.recovery_s
            candidates = [
                (_first_from(time_ns[row:], state.upright_since_ns + _ns(limit_s)), Signal.UPRIGHT_LONG),
                (_first(sagittal_deg[row:] >= off_deg), Signal.NOT_BELOW_OFF),
            ]
    index, signal = min(candidates, key=lambda candidate: candidate[0])
    return (row + index, signal) if row + index < len(time_ns) else None


def _take(
    state: SlouchState,
    signal: Signal,
    at_ns: int,
    sagittal_deg: float,
    settings: Settings,
    found: list[Found],
) -> SlouchState:
    """Follow the table and do what the step asks for."""
    before, after = state.phase, TRANSITIONS[state.phase, signal]
    state = replace(state, phase=after)
    match signal:
        case Signal.ABOVE_ON:
            return SlouchState(
                phase=after, last_ns=state.last_ns, onset_ns=at_ns, last_alert_ns=state.last_alert_ns
            )
        case Signal.BELOW_OFF:
            return replace(state, upright_since_ns=at_ns)
        case Signal.HELD:
            found.append(Event(at_ns, EventKind.SLOUCH_STARTED, onset_ns=state.onset_ns, value=sagittal_deg))
        case Signal.ALERT_DUE:
            found.append(Event(at_ns, EventKind.SLOUCH_ALERT, onset_ns=state.onset_ns, value=sagittal_deg))
            return replace(state, alerts=state.alerts + 1, last_alert_ns=at_ns)
        case Signal.UPRIGHT_LONG if before is Phase.RECOVERING:
            found += _ended(state, at_ns, state.upright_since_ns, EpisodeEnd.SEEN, settings)
        case Signal.LOST if before in EPISODE_OPEN:
            lost_ns = at_ns if state.unknown_since_ns is None else state.unknown_since_ns
            end_ns = state.upright_since_ns if before is Phase.RECOVERING else lost_ns
            found += _ended(state, at_ns, end_ns, EpisodeEnd.CENSORED, settings)
        case _:
            pass
    return state


def _ended(
    state: SlouchState, at_ns: int, end_ns: int, end: EpisodeEnd, settings: Settings
) -> tuple[Episode, Event]:
    mean_deg = state.sum_deg / state.judged_epochs if state.judged_epochs else state.peak_deg
    episode = Episode(
        onset_ns=state.onset_ns,
        end_ns=end_ns,
        end=end,
        peak_deg=state.peak_deg,
        mean_deg=mean_deg,
        alerts=state.alerts,
        calibration_id=settings.calibration.calibration_id if settings.calibration else "",
    )
    event = Event(at_ns, EventKind.SLOUCH_ENDED, onset_ns=state.onset_ns, end_ns=end_ns, value=state.peak_deg)
    return episode, event


def _alert_due_ns(state: SlouchState, settings: Settings) -> int | None:
    """Return from when on an alert may be given in the open episode; None: no more in this one."""
    due_ns = 0
    if state.alerts:
        if settings.reminder_s is None:
            return None
        due_ns = (state.last_alert_ns or 0) + _ns(settings.reminder_s)
    if state.last_alert_ns is not None:
        due_ns = max(due_ns, state.last_alert_ns + _ns(settings.refractory_s))
    return max(due_ns, settings.snoozed_until_ns or 0)


def _unknown_from(state: SlouchState, since_ns: int) -> SlouchState:
    return state if state.unknown_since_ns is not None else replace(state, unknown_since_ns=since_ns)


def _give_up(state: SlouchState, now_ns: int, settings: Settings, found: list[Found]) -> SlouchState:
    """Let go of a slouch that has not been judged for longer than is tolerated."""
    if state.phase is Phase.CLEAR or state.unknown_since_ns is None:
        return state
    limit_ns = state.unknown_since_ns + _ns(settings.unknown_tolerance_s)
    return state if now_ns < limit_ns else _take(state, Signal.LOST, limit_ns, 0.0, settings, found)


def _known_again(state: SlouchState, now_ns: int) -> SlouchState:
    unknown_ns = now_ns - (state.unknown_since_ns or now_ns)
    return replace(
        state,
        unknown_since_ns=None,
        frozen_ns=state.frozen_ns + unknown_ns,
        upright_since_ns=state.upright_since_ns + unknown_ns,
    )


def _first(mask: NDArray[np.bool_]) -> int:
    """Return the index of the first True, or the length when there is none."""
    index = int(mask.argmax()) if len(mask) else 0
    return index if index < len(mask) and mask[index] else len(mask)


def _first_from(time_ns: NDArray[np.int64], from_ns: int) -> int:
    return int(np.searchsorted(time_ns, from_ns))


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
