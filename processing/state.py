"""Everything that `step` remembers of one wearer's clip, as a value that can be written to bytes and read back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from processing.activity import GateState
from processing.epochs import OpenEpoch, OpenMinute
from processing.errors import StateError
from processing.features import COLUMNS, SITTING, STANDING
from processing.grid import GridState
from processing.orientation import OrientationState
from processing.outputs import Activity, Posture, Stance
from processing.settings import Settings
from processing.slip import SlipState
from processing.slouch import Phase, SlouchState, hold_progress
from processing.window import Window

STATE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Now:
    """What a live view shows of this moment; angles are None when there is nothing to tell."""

    time_ns: int
    sagittal_deg: float | None
    lateral_deg: float | None
    activity: Activity | None
    """Of the last whole second; None before the first."""
    stance: Stance
    posture: Posture
    threshold_deg: float | None
    off_deg: float | None
    hold_progress: float


@dataclass(frozen=True, slots=True)
class WearerState:
    """The fresh state is `WearerState()`. Values are never changed in place."""

    grid: GridState | None = None
    orientation: OrientationState | None = None
    epoch: OpenEpoch | None = None
    minute: OpenMinute | None = None
    window: Window = field(default_factory=Window)
    gate: GateState = field(default_factory=GateState)
    slip: SlipState = field(default_factory=SlipState)
    slouch: SlouchState = field(default_factory=SlouchState)
    activity: Activity | None = None
    """Of the last closed epoch."""
    posture: Posture = Posture.UNKNOWN

    def now(self, settings: Settings) -> Now:
        """Return what a live view shows."""
        stance = self.gate.stance
        on_deg = settings.on_deg(stance)
        sagittal_deg = lateral_deg = None
        if on_deg is not None and self.epoch is not None and len(self.epoch.rows):
            column = STANDING if stance is Stance.STANDING else SITTING
            sagittal_deg, lateral_deg = self.epoch.rows[-1, column : column + 2].tolist()
        last_ns = self.grid.last_ns if self.grid else 0
        return Now(
            time_ns=last_ns,
            sagittal_deg=sagittal_deg,
            lateral_deg=lateral_deg,
            activity=self.activity,
            stance=stance,
            posture=self.posture,
            threshold_deg=on_deg,
            off_deg=None if on_deg is None else on_deg - settings.hysteresis_deg,
            hold_progress=hold_progress(self.slouch, last_ns, settings),
        )

    def to_bytes(self) -> bytes:
        """Write the state as versioned JSON; every float is written so that it reads back to the last bit."""
        plain = asdict(self)
        if self.orientation is not None:
            plain["orientation"]["vqf"] = dict(self.orientation.vqf)
        text = json.dumps(
            {"neckline_state": STATE_VERSION, **plain}, default=np.ndarray.tolist, separators=(",", ":")
        )
        return text.encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "WearerState":
        """Read a state back; raise StateError for anything that is not one of this version."""
        try:
            plain = json.loads(data)
            version = plain.pop("neckline_state")
            if version != STATE_VERSION:
                raise StateError(
                    f"a saved state of version {version}, this neckline reads version {STATE_VERSION}"
                )
            return _read(plain)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, StateError):
                raise
            raise StateError("not a saved state of neckline") from error


def _read(plain: Mapping[str, Any]) -> WearerState:
    grid, orientation, epoch, minute, window, gate, slip, slouch = (
        plain[key] for key in ("grid", "orientation", "epoch", "minute", "window", "gate", "slip", "slouch")
    )
    slip_pairs = {"blocks": _pairs(slip["blocks"]), "before": slip["before"] and tuple(slip["before"])}
    return WearerState(
        grid=None if grid is None else GridState(**_tuples(grid)),
        orientation=None if orientation is None else OrientationState(**orientation),
        epoch=None if epoch is None else _open_epoch(epoch),
        minute=None if minute is None else OpenMinute(**_tuples(minute)),
        window=Window(
            sums=np.array(window["sums"], float),
            magnitude_g=tuple(np.array(second, float) for second in window["magnitude_g"]),
        ),
        gate=GateState(**gate | {"stance": Stance(gate["stance"])}),
        slip=SlipState(**slip | slip_pairs),
        slouch=SlouchState(**_tuples(slouch) | {"phase": Phase(slouch["phase"])}),
        activity=None if plain["activity"] is None else Activity(plain["activity"]),
        posture=Posture(plain["posture"]),
    )


def _open_epoch(epoch: Mapping[str, Any]) -> OpenEpoch:
    return OpenEpoch(
        second=epoch["second"],
        time_ns=np.array(epoch["time_ns"], np.int64),
        rows=np.array(epoch["rows"], float).reshape(-1, COLUMNS),
        missing=epoch["missing"],
        corrupt=epoch["corrupt"],
    )


def _pairs(rows: list[list[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((first, second) for first, second in rows)


def _tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows lists alone."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
