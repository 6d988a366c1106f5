"""Everything that `step` remembers of one wearer's clip, as a value that can be written to bytes and read back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from processing.activity import Features, GateState
from processing.epochs import OpenEpoch, OpenMinute
from processing.errors import StateError
from processing.grid import GridState
from processing.orientation import OrientationState
from processing.outputs import Activity, Posture
from processing.settings import Settings
from processing.slouch import Phase, SlouchState, hold_progress

STATE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Now:
    """What a live view shows of this moment; angles are None when there is nothing to tell."""

    time_ns: int
    sagittal_deg: float | None
    lateral_deg: float | None
    activity: Activity | None
    """Of the last whole second; None before the first."""
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
    gate: GateState = field(default_factory=GateState)
    slouch: SlouchState = field(default_factory=SlouchState)
    activity: Activity | None = None
    """Of the last closed epoch."""
    posture: Posture = Posture.UNKNOWN

    def now(self, settings: Settings) -> Now:
        """Return what a live view shows."""
        sagittal_deg = lateral_deg = None
        on_deg = settings.on_deg
        if on_deg is not None and self.epoch is not None and self.epoch.features:
            sagittal_deg, lateral_deg, _ = self.epoch.features[-1].angles_deg[-1].tolist()
        return Now(
            time_ns=self.grid.last_ns if self.grid else 0,
            sagittal_deg=sagittal_deg,
            lateral_deg=lateral_deg,
            activity=self.activity,
            posture=self.posture,
            threshold_deg=on_deg,
            off_deg=None if on_deg is None else on_deg - settings.hysteresis_deg,
            hold_progress=hold_progress(self.slouch, settings),
        )

    def to_bytes(self) -> bytes:
        """Write the state as versioned JSON; every float is written so that it reads back to the last bit."""
        plain = asdict(self)
        if self.orientation is not None:
            plain["orientation"]["vqf"] = dict(self.orientation.vqf)
        if self.epoch is not None:
            features = self.epoch.all_features()
            plain["epoch"]["features"] = [features.magnitude_g.tolist(), features.angles_deg.tolist()]
        return json.dumps({"neckline_state": STATE_VERSION, **plain}, separators=(",", ":")).encode()

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
    grid, orientation, epoch, minute, gate, slouch = (
        plain[key] for key in ("grid", "orientation", "epoch", "minute", "gate", "slouch")
    )
    if epoch is not None:
        magnitude_g, angles_deg = epoch["features"]
        features = Features(np.array(magnitude_g, float), np.array(angles_deg, float).reshape(-1, 3))
        epoch = OpenEpoch(**epoch | {"features": (features,) if magnitude_g else ()})
    return WearerState(
        grid=None if grid is None else GridState(**_tuples(grid)),
        orientation=None if orientation is None else OrientationState(**orientation),
        epoch=epoch,
        minute=None if minute is None else OpenMinute(**_tuples(minute)),
        gate=GateState(**gate | {"window": tuple((n, s, q) for n, s, q in gate["window"])}),
        slouch=SlouchState(**slouch | {"phase": Phase(slouch["phase"])}),
        activity=None if plain["activity"] is None else Activity(plain["activity"]),
        posture=Posture(plain["posture"]),
    )


def _tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows lists alone."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
