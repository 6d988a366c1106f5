"""Epochs of a clip on the head and of one on the back → head-on-trunk flexion, and its own sustained episodes.

Head-on-trunk flexion, the head's sagittal angle less the upper back's, is the accepted measure that one clip alone
cannot give (Arvidsson, Appl Ergon 2008;39:255). Both clips are calibrated in one and the same upright pose, so it is
zero there. The two streams are brought together second by second; each keeps its own clock and its own `step`. When
one clip is lost the flexion is unknown, and the back goes on being judged alone.

The outputs are those of a clip, of a place of their own (`HEAD_ON_TRUNK`): in an epoch `sagittal_deg` is the flexion,
and `slouched` means that the head is forward.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from processing.calibration import Calibration
from processing.epochs import SECOND_NS, OpenMinute, roll_up
from processing.fading import fade
from processing.outputs import Activity, Episode, Epoch, Event, EventKind, Minute, Outputs, Posture, Stance
from processing.settings import Mode, Settings
from processing.slouch import (
    HOUR_NS,
    JUDGED_SLOUCHED,
    Found,
    Judge,
    SlouchState,
    advance,
    close,
    count_epochs,
    miss,
)
from processing.state import read_slouch, read_versioned

HEAD, HEAD_ON_TRUNK = "head", "head-on-trunk"
"""Placements: of the clip on the head, and of what it and the one on the back give together."""
PATIENCE_S = 5
"""A second is waited for this long in the other clip's stream before it counts as lost there."""
STATE_VERSION = 1
KINDS = {
    EventKind.SLOUCH_STARTED: EventKind.HEAD_FORWARD_STARTED,
    EventKind.SLOUCH_ALERT: EventKind.HEAD_FORWARD_ALERT,
    EventKind.SLOUCH_ENDED: EventKind.HEAD_FORWARD_ENDED,
}


def alone(settings: Settings, calibration: Calibration | None, standing: Calibration | None) -> Settings:
    """Return the settings by which `step` takes the clip on the head: its angle is told and nothing judged by it.

    Whoever looks straight ahead holds the head alike, sitting and standing: one reference serves for both.
    """
    return replace(
        settings,
        calibration=calibration,
        standing=standing or calibration,
        judges_posture=False,
        mode=Mode.OFF,
        break_after_s=None,
        fading=False,
    )


@dataclass(frozen=True, slots=True)
class HeadState:
    """What is remembered between calls."""

    head: tuple[Epoch, ...] = ()
    """Epochs that wait for their partner."""
    trunk: tuple[Epoch, ...] = ()
    told_ns: tuple[int, ...] = ()
    """Alerts of the back whose second is not paired yet."""
    next_ns: int | None = None
    """The second that is paired next."""
    slouch: SlouchState = field(default_factory=SlouchState)
    still: bool = False
    minute: OpenMinute | None = None
    last: Epoch | None = None
    """The last second that was paired."""

    @property
    def last_ns(self) -> int | None:
        """The begin of the second that is paired next; None before the first."""
        return self.next_ns

    def afresh(self) -> "HeadState":
        """Return a state that begins anew, with what outlasts every session: how far alerts have faded."""
        return HeadState(slouch=SlouchState(fading=self.slouch.fading))

    def to_bytes(self) -> bytes:
        """Write the state as versioned JSON; it reads back to the last bit."""
        return json.dumps(
            {"neckline_head_state": STATE_VERSION, **asdict(self)}, separators=(",", ":")
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "HeadState":
        """Read a state back; raise StateError for anything that is not one of this version."""
        return read_versioned(data, "neckline_head_state", STATE_VERSION, _read)


def head_step(
    state: HeadState,
    head: Iterable[Epoch],
    trunk: Iterable[Epoch],
    settings: Settings,
    *,
    told_ns: Iterable[int] = (),
) -> tuple[HeadState, Outputs]:
    """Take new epochs of both clips, and the times of the alerts of the back, which silence this one's for a while.

    `settings` are the wearer's, with the calibration of the head's clip. However the epochs come in portions, one
    stream up to `PATIENCE_S` ahead of the other, the outputs are the same.
    """
    work = _Pairing(state, settings)
    work.wait_for(head, trunk, told_ns)
    work.pair_all(patiently=True)
    return work.answer()


def head_finish(state: HeadState, settings: Settings) -> tuple[HeadState, Outputs]:
    """Pair what waits and close what is open, at a clean stop; an open episode ends as censored."""
    work = _Pairing(state, settings)
    work.pair_all(patiently=False)
    return work.end()


class _Pairing:
    """One call's work."""

    def __init__(self, state: HeadState, settings: Settings) -> None:
        self.state, self.settings = state, settings
        self.heads = {epoch.start_ns: epoch for epoch in state.head}
        self.trunks = {epoch.start_ns: epoch for epoch in state.trunk}
        self.told_ns = list(state.told_ns)
        self.now_ns, self.slouch, self.still = state.next_ns, state.slouch, state.still
        self.minute = state.minute and state.minute.copy()
        self.last = state.last
        self.by: Judge | None = None
        if settings.calibration is not None:
            on_deg = settings.head_threshold_deg
            off_deg = on_deg - settings.hysteresis_deg
            self.by = Judge(settings.calibration, Stance.SITTING, settings, on_deg, off_deg)
        self.epochs: list[Epoch] = []
        self.minutes: list[Minute] = []
        self.found: list[Found] = []
        if not self.slouch.is_of(self.by.reference.calibration_id if self.by else ""):
            self.slouch, self.found = close(self.slouch, self.now_ns or 0)

    def wait_for(self, head: Iterable[Epoch], trunk: Iterable[Epoch], told_ns: Iterable[int]) -> None:
        """Take what is new; what comes too late was told as lost."""
        for waiting, new in ((self.heads, head), (self.trunks, trunk)):
            waiting |= {
                epoch.start_ns: epoch for epoch in new if epoch.start_ns >= (self.now_ns or epoch.start_ns)
            }
        self.told_ns += told_ns

    def pair_all(self, *, patiently: bool) -> None:
        """Pair second by second, as far as both clips are known, or one has been waited for long enough."""
        while self.heads or self.trunks:
            start_ns, newest_ns = min((*self.heads, *self.trunks)), max((*self.heads, *self.trunks))
            both = start_ns in self.heads and start_ns in self.trunks
            if patiently and not both and newest_ns - start_ns < PATIENCE_S * SECOND_NS:
                return
            if self.now_ns is None or self.now_ns < start_ns:
                self.go_on_at(start_ns)
            self.pair(start_ns, self.heads.pop(start_ns, None), self.trunks.pop(start_ns, None))
            self.now_ns = start_ns + SECOND_NS

    def go_on_at(self, now_ns: int) -> None:
        """Leave out seconds that neither clip knows of: a break of both."""
        if self.now_ns is not None:
            self.slouch, found = miss(self.slouch, self.now_ns, now_ns, self.settings)
            self.found += found
        self.now_ns, self.still = now_ns, False

    def pair(self, start_ns: int, head: Epoch | None, trunk: Epoch | None) -> None:
        """Judge one second of both clips."""
        end_ns = start_ns + SECOND_NS
        self.hear_of_the_back(end_ns)
        activity, flexion_deg = Activity.GAP, None
        received = missing = corrupt = 0
        confidence = 1.0
        if head is not None and trunk is not None and Activity.GAP not in {head.activity, trunk.activity}:
            activity = trunk.activity if trunk.activity is not Activity.STILL else head.activity
            received, missing, corrupt = (
                head.received + trunk.received,
                head.missing + trunk.missing,
                head.corrupt + trunk.corrupt,
            )
            confidence = min(head.confidence, trunk.confidence)
            if head.sagittal_deg is not None and trunk.sagittal_deg is not None:
                flexion_deg = head.sagittal_deg - trunk.sagittal_deg
        if activity is Activity.STILL and (flexion_deg is None or self.by is None):
            activity = Activity.UNCALIBRATED
        posture = Posture.UNKNOWN
        if activity is Activity.STILL and flexion_deg is not None and self.by is not None:
            slouched = self.judge(start_ns, flexion_deg, self.by)
            posture = Posture.SLOUCHED if slouched else Posture.UPRIGHT
            if slouched and self.slouch.phase in JUDGED_SLOUCHED:
                expected = received + missing + corrupt
                self.slouch = count_epochs(self.slouch, [flexion_deg], received, expected)
        else:
            self.slouch, found = miss(self.slouch, start_ns, end_ns, self.settings)
            self.found += found
        self.still = activity is Activity.STILL
        self.add(
            Epoch(
                start_ns, received, missing, corrupt, activity, posture, flexion_deg, None, None, confidence
            )
        )

    def judge(self, start_ns: int, flexion_deg: float, by: Judge) -> bool:
        """Let the machine see one second; tell whether the head is forward in it."""
        end_ns = start_ns + SECOND_NS
        if not self.still:
            # As for one clip: the machine waits for one quiet second, and hysteresis begins with the next.
            self.slouch, found = miss(self.slouch, start_ns, end_ns, self.settings)
            self.found += found
            return flexion_deg > by.on_deg
        self.slouch, found = advance(self.slouch, np.array([end_ns]), np.array([flexion_deg]), by)
        self.found += found
        return self.slouch.phase in JUDGED_SLOUCHED

    def hear_of_the_back(self, until_ns: int) -> None:
        """Let what the wearer was told of the back count toward silence, and toward the hour's alerts."""
        told_ns = [ns for ns in self.told_ns if ns < until_ns]
        if told_ns:
            self.told_ns = [ns for ns in self.told_ns if ns >= until_ns]
            recent_ns = sorted({*self.slouch.recent_alerts_ns, *told_ns})
            self.slouch = replace(
                self.slouch,
                recent_alerts_ns=tuple(ns for ns in recent_ns if until_ns - ns < HOUR_NS),
            )

    def add(self, epoch: Epoch) -> None:
        """Take an epoch that is decided, and roll it up."""
        self.last = epoch
        self.epochs.append(epoch)
        self.minute, closed = roll_up(self.minute, epoch)
        if closed is not None:
            self.minutes.append(closed)
            if self.settings.fading:
                self.slouch = replace(self.slouch, fading=fade(self.slouch.fading, closed))

    def end(self) -> tuple[HeadState, Outputs]:
        """Close what is open."""
        self.slouch, found = close(self.slouch, self.now_ns or 0)
        self.found += found
        if self.minute is not None:
            self.minutes.append(self.minute.close())
        self.minute, self.last, self.still = None, None, False
        return self.answer()

    def answer(self) -> tuple[HeadState, Outputs]:
        """Return the state after the work, and what was found."""
        state = HeadState(
            tuple(self.heads.values()),
            tuple(self.trunks.values()),
            tuple(self.told_ns),
            self.now_ns,
            self.slouch,
            self.still,
            self.minute,
            self.last,
        )
        return state, Outputs(
            tuple(self.epochs),
            tuple(self.minutes),
            tuple(item for item in self.found if isinstance(item, Episode)),
            tuple(replace(item, kind=KINDS[item.kind]) for item in self.found if isinstance(item, Event)),
        )


def _read(plain: Mapping[str, Any]) -> HeadState:
    return HeadState(
        head=tuple(map(_epoch, plain["head"])),
        trunk=tuple(map(_epoch, plain["trunk"])),
        told_ns=tuple(plain["told_ns"]),
        next_ns=plain["next_ns"],
        slouch=read_slouch(plain["slouch"]),
        still=plain["still"],
        minute=plain["minute"] and OpenMinute(**plain["minute"]),
        last=plain["last"] and _epoch(plain["last"]),
    )


def _epoch(plain: Mapping[str, Any]) -> Epoch:
    return Epoch(**{**plain, "activity": Activity(plain["activity"]), "posture": Posture(plain["posture"])})
