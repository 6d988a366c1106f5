"""Epochs of a clip on the head and of one on the back → head-on-trunk flexion, and its own sustained episodes.

Head-on-trunk flexion, the head's sagittal angle less the upper back's, is the accepted measure that one clip alone
cannot give (Arvidsson, Appl Ergon 2008;39:255). Both clips are calibrated in one and the same upright pose, so it is
zero there. The two streams are brought together second by second; each keeps its own clock and its own `step`. When
one clip is lost the flexion is unknown, and the other clip goes on being judged alone.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from processing.calibration import Calibration
from processing.epochs import SECOND_NS
from processing.outputs import Activity, Episode, Epoch, Event, EventKind, Posture, Stance
from processing.settings import Settings
from processing.slouch import JUDGED_SLOUCHED, Found, Judge, SlouchState, advance, close, count_epochs, miss

HEAD_THRESHOLD_DEG = 20.0
"""The neck's last band in RULA begins here; ISO 11226 accepts no neck flexion beyond 25°."""
PATIENCE_S = 5
"""A second is waited for this long in the other clip's stream before it counts as lost there."""
KINDS = {
    EventKind.SLOUCH_STARTED: EventKind.HEAD_FORWARD_STARTED,
    EventKind.SLOUCH_ALERT: EventKind.HEAD_FORWARD_ALERT,
    EventKind.SLOUCH_ENDED: EventKind.HEAD_FORWARD_ENDED,
}


@dataclass(frozen=True, slots=True)
class HeadEpoch:
    """One second of both clips."""

    start_ns: int
    activity: Activity
    """Still only when both are; otherwise what the back does, or else the head; a gap when a clip is lost."""
    posture: Posture
    """Slouched here means: the head is forward."""
    flexion_deg: float | None


@dataclass(frozen=True, slots=True)
class HeadOutputs:
    """All that one call found, each in order of time."""

    epochs: tuple[HeadEpoch, ...] = ()
    episodes: tuple[Episode, ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class HeadState:
    """What is remembered between calls."""

    head: tuple[Epoch, ...] = ()
    """Epochs that wait for their partner."""
    trunk: tuple[Epoch, ...] = ()
    next_ns: int | None = None
    """The second that is paired next."""
    slouch: SlouchState = field(default_factory=SlouchState)
    still: bool = False


def head_step(
    state: HeadState,
    head: tuple[Epoch, ...],
    trunk: tuple[Epoch, ...],
    settings: Settings,
    *,
    threshold_deg: float = HEAD_THRESHOLD_DEG,
    last: bool = False,
) -> tuple[HeadState, HeadOutputs]:
    """Take new epochs of both clips; `settings` are the head's, `last` closes what is open.

    However the epochs come in portions, the outputs are the same.
    """
    heads = {epoch.start_ns: epoch for epoch in (*state.head, *head)}
    trunks = {epoch.start_ns: epoch for epoch in (*state.trunk, *trunk)}
    epochs: list[HeadEpoch] = []
    found: list[Found] = []
    by = _judge(settings, threshold_deg)
    now_ns, slouch, still = state.next_ns, state.slouch, state.still
    if now_ns is None and (heads or trunks):
        now_ns = min((*heads, *trunks))
    while now_ns is not None and (heads or trunks):
        newest_ns = max((*heads, *trunks))
        both = now_ns in heads and now_ns in trunks
        if not (both or last or newest_ns - now_ns >= PATIENCE_S * SECOND_NS):
            break
        one, other = heads.pop(now_ns, None), trunks.pop(now_ns, None)
        if one is None and other is None:
            # Neither clip: a break of both. Go on where either does.
            now_ns = min((*heads, *trunks))
            continue
        slouch, still, epoch = _pair(slouch, now_ns, one, other, by, settings, found, was_still=still)
        epochs.append(epoch)
        now_ns += SECOND_NS
        heads = {ns: e for ns, e in heads.items() if ns >= now_ns}
        trunks = {ns: e for ns, e in trunks.items() if ns >= now_ns}
    if last:
        slouch, ended = close(slouch, now_ns or 0)
        found += ended
    state = HeadState(tuple(heads.values()), tuple(trunks.values()), now_ns, slouch, still)
    return state, HeadOutputs(
        tuple(epochs),
        tuple(item for item in found if isinstance(item, Episode)),
        tuple(replace(item, kind=KINDS[item.kind]) for item in found if isinstance(item, Event)),
    )


def _judge(settings: Settings, threshold_deg: float) -> Judge | None:
    calibration: Calibration | None = settings.calibration
    if calibration is None:
        return None
    return Judge(
        calibration, Stance.SITTING, settings, threshold_deg, threshold_deg - settings.hysteresis_deg
    )


def _pair(
    slouch: SlouchState,
    start_ns: int,
    head: Epoch | None,
    trunk: Epoch | None,
    by: Judge | None,
    settings: Settings,
    found: list[Found],
    *,
    was_still: bool,
) -> tuple[SlouchState, bool, HeadEpoch]:
    """Judge one second of both clips."""
    end_ns = start_ns + SECOND_NS
    if head is None or trunk is None:
        activity = Activity.GAP
    else:
        activity = trunk.activity if trunk.activity is not Activity.STILL else head.activity
    flexion_deg = None
    if head is not None and trunk is not None and None not in (head.sagittal_deg, trunk.sagittal_deg):
        flexion_deg = (head.sagittal_deg or 0.0) - (trunk.sagittal_deg or 0.0)
    still = activity is Activity.STILL and flexion_deg is not None and by is not None
    if not still or not was_still or by is None or flexion_deg is None:
        slouch, missed = miss(slouch, start_ns, end_ns, settings)
        found += missed
        slouched = still and by is not None and (flexion_deg or 0.0) > by.on_deg
    else:
        slouch, more = advance(slouch, np.array([end_ns]), np.array([flexion_deg]), by)
        found += more
        slouched = slouch.phase in JUDGED_SLOUCHED
        if slouched and head is not None:
            slouch = count_epochs(
                slouch, [flexion_deg], head.received, head.received + head.missing + head.corrupt
            )
    posture = (Posture.SLOUCHED if slouched else Posture.UPRIGHT) if still else Posture.UNKNOWN
    return slouch, still, HeadEpoch(start_ns, activity, posture, flexion_deg)
