"""Synthetic wearers whose answer is known: poses held, tilts between them, and samples as a clip would give them.

The clip sits as in docs/method.md: x to the wearer's right, y up, z backward (label outward).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from processing.calibration import calibrate
from processing.outputs import Outputs
from processing.settings import Settings
from processing.state import WearerState
from processing.step import finish, step
from sensor.samples import STANDARD_GRAVITY_MPS2, SampleBlock

RATE_HZ = 50.0
START_NS = 1_767_225_600_000_000_000  # a whole minute


@dataclass(frozen=True, slots=True)
class Held:
    """A pose held for some seconds; the tilt into it takes `move_s`."""

    seconds: float
    sagittal_deg: float = 0.0
    lateral_deg: float = 0.0
    shake_g: float = 0.0
    """Irregular shaking, RMS."""
    move_s: float = 1.5
    step_g: float = 0.0
    """Two regular steps a second, RMS."""
    still_clip: bool = False
    """Nobody wears the clip: its own noise alone, no breathing."""


def samples(
    poses: Sequence[Held],
    *,
    start_ns: int = START_NS,
    rate_hz: float = RATE_HZ,
    mounting: Rotation | None = None,
    seed: int = 1,
) -> SampleBlock:
    """Return what a clip on this wearer's back samples, with the sensor noise of a worn clip."""
    rng = np.random.default_rng(seed)
    sagittal = _trajectory([(p.seconds, p.sagittal_deg, p.move_s) for p in poses], rate_hz)
    lateral = _trajectory([(p.seconds, p.lateral_deg, p.move_s) for p in poses], rate_hz)
    n = len(sagittal)
    shake_g, step_g = (
        np.concatenate([np.full(round(p.seconds * rate_hz), getattr(p, name)) for p in poses])
        for name in ("shake_g", "step_g")
    )
    steps = np.sqrt(2) * np.sin(2 * np.pi * 2.0 * np.arange(n) / rate_hz)
    bounce = step_g * steps + shake_g * np.random.default_rng(seed + 1).normal(size=n)
    worn = np.concatenate([np.full(round(p.seconds * rate_hz), not p.still_clip) for p in poses])
    # Breathing tilts the upper back by a third of a degree, 15 times a minute.
    sagittal += worn * 0.3 * np.sin(2 * np.pi * 0.25 * np.arange(n) / rate_hz)
    # Sensor → world with x right, y up, z backward: forward turns about −x, right about −z.
    attitude = Rotation.from_euler("ZX", np.stack((-lateral, -sagittal), axis=1), degrees=True)
    if mounting is not None:
        attitude *= mounting
    up = attitude.inv().apply([0.0, 1.0, 0.0])
    acc = up * (1 + bounce[:, None]) * STANDARD_GRAVITY_MPS2
    turn = (attitude[:-1].inv() * attitude[1:]).as_rotvec() * rate_hz
    gyr = np.vstack((np.zeros((1, 3)), turn))
    return SampleBlock(
        time_ns=start_ns + np.rint(np.arange(n) * (1e9 / rate_hz)).astype(np.int64),
        acc_mps2=acc + rng.normal(0, 0.02, (n, 3)),
        gyr_radps=gyr + rng.normal(0, 0.002, (n, 3)),
        rate_hz=rate_hz,
    )


def _trajectory(parts: Sequence[tuple[float, float, float]], rate_hz: float) -> NDArray[np.float64]:
    angle, pieces = parts[0][1], []
    for seconds, target, move_s in parts:
        n, moving = round(seconds * rate_hz), round(min(move_s, seconds) * rate_hz)
        ramp = (1 - np.cos(np.pi * np.arange(moving) / max(1, moving))) / 2
        pieces.append(np.concatenate((angle + (target - angle) * ramp, np.full(n - moving, target))))
        angle = target
    return np.concatenate(pieces)


CALIBRATION = calibrate(samples([Held(5)], start_ns=START_NS - 60_000_000_000))


def settings(**changes: float | None) -> Settings:
    """Return default settings with the synthetic wearer's calibration."""
    return Settings(calibration=CALIBRATION, **changes)  # type: ignore[arg-type]


def run(
    blocks: Sequence[SampleBlock], with_settings: Settings, *, save_after: frozenset[int] = frozenset()
) -> Outputs:
    """Feed blocks through `step` and `finish`; the state goes through bytes after the blocks of `save_after`."""
    state, parts = WearerState(), []
    for number, block in enumerate(blocks):
        state, outputs = step(state, block, with_settings)
        parts.append(outputs)
        if number in save_after:
            state = WearerState.from_bytes(state.to_bytes())
    _, outputs = finish(state, with_settings)
    parts.append(outputs)
    return together(parts)


def together(parts: Sequence[Outputs]) -> Outputs:
    """Return the outputs of some calls as those of one."""
    return Outputs(
        tuple(item for part in parts for item in part.epochs),
        tuple(item for part in parts for item in part.minutes),
        tuple(item for part in parts for item in part.episodes),
        tuple(item for part in parts for item in part.events),
    )


def seconds_of(time_ns: int) -> float:
    """Return a sample time as seconds since the synthetic start."""
    return (time_ns - START_NS) / 1e9
