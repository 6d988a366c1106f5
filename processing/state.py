"""Everything that `step` remembers of one wearer's clip, as a value that can be written to bytes and read back."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from processing.activity import GateState
from processing.arrival import QUAT, Samples, arrive
from processing.epochs import OpenEpoch, OpenMinute
from processing.errors import StateError
from processing.fading import FadingState
from processing.features import SUMMED
from processing.grid import GridState, pieces
from processing.inclination import axes_of, inclination_deg
from processing.orientation import OrientationState, up_of
from processing.outputs import Activity, Posture, Stance
from processing.settings import Settings
from processing.slip import SlipState
from processing.slouch import Phase, SlouchState, hold_progress
from processing.window import BEFORE_S, Window
from sensor.samples import SampleBlock, join_alike

T = TypeVar("T")

STATE_VERSION = 3


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
    waiting: tuple[SampleBlock, ...] = ()
    """Blocks of the open second that nothing has been made of yet."""
    epoch: OpenEpoch | None = None
    minute: OpenMinute | None = None
    window: Window = field(default_factory=Window)
    gate: GateState = field(default_factory=GateState)
    slip: SlipState = field(default_factory=SlipState)
    slouch: SlouchState = field(default_factory=SlouchState)
    activity: Activity | None = None
    """Of the last closed epoch."""
    posture: Posture = Posture.UNKNOWN

    @property
    def last_ns(self) -> int | None:
        """When the last sample was taken; None before the first."""
        if self.waiting:
            return int(self.waiting[-1].time_ns[-1])
        return self.grid.last_ns if self.grid else None

    def afresh(self) -> "WearerState":
        """Return a state that begins anew, with what outlasts every session: doubted references, how far alerts have faded."""
        return WearerState(
            gate=GateState(suspect_ids=self.gate.suspect_ids),
            slouch=SlouchState(fading=self.slouch.fading),
        )

    def with_waiting(self, block: SampleBlock) -> "WearerState":
        """Return the state with one more block that waits."""
        return WearerState(
            self.grid,
            self.orientation,
            (*self.waiting, block) if len(block) else self.waiting,
            self.epoch,
            self.minute,
            self.window,
            self.gate,
            self.slip,
            self.slouch,
            self.activity,
            self.posture,
        )

    def now(self, settings: Settings) -> Now:
        """Return what a live view shows."""
        stance = self.gate.stance
        reference, on_deg = settings.reference(stance), settings.on_deg(stance)
        angles: list[float] | tuple[None, None, None] = (None, None, None)
        samples = self._last_samples(settings)
        if reference is not None and samples is not None:
            up = up_of(samples.values[QUAT, -1:])
            angles = inclination_deg(up, axes_of(reference)[:, :, None])[:, 0].tolist()
        last_ns = self.last_ns or 0
        return Now(
            time_ns=last_ns,
            sagittal_deg=angles[0],
            lateral_deg=angles[1],
            activity=self.activity,
            stance=stance,
            posture=self.posture,
            threshold_deg=on_deg,
            off_deg=None if on_deg is None else on_deg - settings.hysteresis_deg,
            hold_progress=hold_progress(self.slouch, last_ns, settings),
        )

    def _last_samples(self, settings: Settings) -> Samples | None:
        """Return the newest good samples of the open second, those that wait included."""
        grid, orientation = self.grid, self.orientation
        parts = list(self.epoch.parts) if self.epoch else []
        for block in join_alike(self.waiting):
            for piece in pieces(grid, block, settings.session_break_s * 1e9):
                grid, orientation, _, samples = arrive(grid, orientation, piece)
                parts.append(samples)
        return next((part for part in reversed(parts) if len(part.time_ns)), None)

    def to_bytes(self) -> bytes:
        """Write the state as versioned JSON, arrays as the base64 of their bytes: it reads back to the last bit."""
        plain = {"neckline_state": STATE_VERSION, **_fields(self)}
        return json.dumps(plain, default=_plain, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "WearerState":
        """Read a state back; raise StateError for anything that is not one of this version."""
        return read_versioned(data, "neckline_state", STATE_VERSION, _read)


def read_versioned(data: bytes, name: str, version: int, read: Callable[[dict[str, Any]], T]) -> T:
    """Read what was written as JSON with its version under a name; raise StateError for all else."""
    try:
        plain = json.loads(data)
        found = plain.pop(name)
        if found != version:
            raise StateError(f"a saved state of version {found}, this neckline reads version {version}")
        return read(plain)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, StateError):
            raise
        raise StateError("not a saved state of neckline") from error


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _plain(value: Any) -> Any:
    """Turn what JSON does not know into what it knows."""
    if isinstance(value, np.ndarray):
        return b64encode(value.astype(value.dtype.newbyteorder("<")).tobytes()).decode()
    return _fields(value)


def _floats(text: str, *shape: int) -> NDArray[np.float64]:
    return np.frombuffer(b64decode(text, validate=True), "<f8").astype(float).reshape(shape)


def _read(plain: Mapping[str, Any]) -> WearerState:
    grid, orientation, epoch, minute, window, gate, slip, slouch = (
        plain[key] for key in ("grid", "orientation", "epoch", "minute", "window", "gate", "slip", "slouch")
    )
    slip_pairs = {
        "blocks": _pairs(slip["blocks"]),
        "last": slip["last"] and tuple(slip["last"]),
        "before": slip["before"] and tuple(slip["before"]),
    }
    return WearerState(
        grid=None if grid is None else GridState(**_tuples(grid)),
        orientation=None if orientation is None else OrientationState(**orientation),
        waiting=tuple(_block(block) for block in plain["waiting"]),
        epoch=None if epoch is None else _open_epoch(epoch),
        minute=None if minute is None else OpenMinute(**minute),
        window=Window(
            _floats(window["sums"], 1 + SUMMED.stop, BEFORE_S),
            tuple(_floats(of_second, -1) for of_second in window["magnitude"]),
        ),
        gate=GateState(**_tuples(gate) | {"stance": Stance(gate["stance"])}),
        slip=SlipState(**slip | slip_pairs),
        slouch=read_slouch(slouch),
        activity=None if plain["activity"] is None else Activity(plain["activity"]),
        posture=Posture(plain["posture"]),
    )


def read_slouch(slouch: Mapping[str, Any]) -> SlouchState:
    """Read the slouch machine's state back from what JSON makes of it."""
    fading = FadingState(**slouch["fading"])
    return SlouchState(**_tuples(slouch) | {"phase": Phase(slouch["phase"]), "fading": fading})


def _open_epoch(epoch: Mapping[str, Any]) -> OpenEpoch:
    return OpenEpoch(**{**epoch, "parts": tuple(_samples(*part) for part in epoch["parts"])})


def _samples(times: str, values: str) -> Samples:
    time_ns = np.frombuffer(b64decode(times, validate=True), "<i8").astype(np.int64)
    return Samples(time_ns, _floats(values, 10, len(time_ns)))


def _block(block: Mapping[str, Any]) -> SampleBlock:
    time_ns = np.frombuffer(b64decode(block["time_ns"], validate=True), "<i8").astype(np.int64)
    acc = _floats(block["acc_mps2"], len(time_ns), 3)
    gyr = None if block["gyr_radps"] is None else _floats(block["gyr_radps"], len(time_ns), 3)
    return SampleBlock(time_ns, acc, gyr, block["rate_hz"])


def _pairs(rows: list[list[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((first, second) for first, second in rows)


def _tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows lists alone."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
