"""What a virtual clip feels: raw counts of a scripted person or of a recording, as functions of the clip's own time.

Counts are those of a 0x61 frame: int16, 2048 to the g and 16.384 to the degree per second. A row of `LOST` is a
sample that was lost on the air: the clip does not send it.

The scripted person wears the clip on the upper back, USB end up, label outward: +X to the wearer's right, +Y up,
+Z backward; upright reads (0, +1, 0) g, leaning forward by a reads (0, cos a, sin a), before the tilt of the spot
it is clipped to. Gyroscope and accelerometer follow from one and the same attitude, so that a filter that fuses
them finds it. Everything is a fixed function of the seed and the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int16]

COUNTS_PER_G = 2048.0
COUNTS_PER_DPS = 16.384
LOST = -32768
STANDARD_GRAVITY_MPS2 = 9.80665


class Motion(Protocol):
    """What moves a clip."""

    duration_s: float
    """How long it goes on; the clip falls silent after it. Infinite for what never ends."""

    def counts(self, time_s: Floats) -> Counts:
        """Return raw acceleration and turn rate, (n, 6), at times (n,) from 0 to `duration_s`."""


class RecordedMotion:
    """A recording, row by row; at a rate of its own the clip repeats or skips rows."""

    def __init__(self, acc_counts: Counts, gyr_counts: Counts, rate_hz: float) -> None:
        """Take raw counts (n, 3) each, as a clip sent them at `rate_hz`; rows of −32768 were lost on the air."""
        if acc_counts.shape != gyr_counts.shape or acc_counts.shape[1:] != (3,) or not len(acc_counts):
            raise ValueError(f"two arrays (n, 3) needed, not {acc_counts.shape} and {gyr_counts.shape}")
        self._counts = np.hstack([acc_counts, gyr_counts]).astype(np.int16, casting="same_kind")
        self._rate_hz = rate_hz
        self.duration_s = len(self._counts) / rate_hz

    def counts(self, time_s: Floats) -> Counts:
        """Return the nearest row at each time."""
        rows = np.rint(time_s * self._rate_hz).astype(np.int64)
        return self._counts[np.clip(rows, 0, len(self._counts) - 1)]


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a person holds the upper back, in degrees from their own upright."""

    sagittal_deg: float = 0.0
    lateral_deg: float = 0.0
    walking: bool = False
    way_s: float | None = None
    """How long the way into it takes; None: by `TURN_DPS`."""


UPRIGHT = Pose()
SLOUCH = Pose(sagittal_deg=26.0)
LEAN = Pose(sagittal_deg=4.0, lateral_deg=20.0)
WALK = Pose(sagittal_deg=3.0, walking=True)
LIE = Pose(sagittal_deg=-90.0)
"""On the back."""

SPOT_DEG = (25.0, 3.0, 5.0)
"""How the skin at T4 tilts the clip (forward, right) and turns it about the spine; varied a little by the seed."""
TURN_DPS = 40.0
"""Mean speed of changing the pose."""
BREATHS_HZ, BREATH_DEG = 0.23, 0.35
SWAY_HZ, SWAY_DEG = (0.011, 0.031, 0.073, 0.19), (0.5, 0.4, 0.25, 0.1)
"""Nobody sits like a stone: slow wandering of the trunk over seconds to minutes."""
TYPING_HZ, TYPING_DEG = 5.3, 0.04
STEPS_HZ = 1.8
BOUNCE_MPS2 = 2.2
"""Vertical acceleration of the trunk in comfortable walking."""
ACC_NOISE_COUNTS, GYR_NOISE_COUNTS = 3.5, 2.2
"""Per sample, as in quiet sitting with WT901BLECL clips at 50 Hz (Ali et al. 2026, median of the trials)."""
GYR_BIAS_DPS = 0.15
NOISE_ROWS = 1 << 13
STEP_S = 1e-3
"""Half width of the difference that makes turn rates of attitudes."""


class ScriptedPerson:
    """A person who holds one pose after another, then stays in the last one for ever."""

    duration_s = float("inf")

    def __init__(self, script: Sequence[tuple[Pose, float]], *, seed: int = 0) -> None:
        """Take poses and the seconds each lasts, the way into it included; the first is held from the start."""
        if not script or any(seconds <= 0 for _, seconds in script):
            raise ValueError("a script is one or more poses, each with a duration above zero")
        random = np.random.default_rng(seed)
        poses = [pose for pose, _ in script]
        before = [poses[0], *poses[:-1]]
        self._start_s = np.cumsum([0.0, *(seconds for _, seconds in script)])[:-1]
        # columns: sagittal, lateral, how much walking; what it was, and what it becomes
        self._from = np.array([[p.sagittal_deg, p.lateral_deg, p.walking] for p in before], float)
        self._to = np.array([[p.sagittal_deg, p.lateral_deg, p.walking] for p in poses], float)
        turn_deg = np.abs(self._to - self._from)[:, :2].max(axis=1)
        seconds = np.array([seconds for _, seconds in script])
        asked_s = np.array([np.nan if pose.way_s is None else pose.way_s for pose in poses])
        way_s = np.where(np.isnan(asked_s), np.maximum(1.0, turn_deg / TURN_DPS), asked_s)
        self._way_s = np.minimum(np.maximum(STEP_S, way_s), seconds)
        self._phases = random.uniform(0.0, 2 * np.pi, 16)
        self._spot = _rotation(*np.radians(np.array(SPOT_DEG) + random.normal(0.0, 1.5, 3)))
        self._noise = random.normal(0.0, [ACC_NOISE_COUNTS] * 3 + [GYR_NOISE_COUNTS] * 3, (NOISE_ROWS, 6))
        self._noise[:, 3:] += random.normal(0.0, GYR_BIAS_DPS * COUNTS_PER_DPS, 3)

    def held(self, time_s: Floats) -> tuple[Floats, Floats, Floats]:
        """Return what the script says at times (n,): sagittal_deg, lateral_deg, walking 0..1; no jitter."""
        act = np.clip(np.searchsorted(self._start_s, time_s, side="right") - 1, 0, None)
        way = np.clip((time_s - self._start_s[act]) / self._way_s[act], 0.0, 1.0)
        smooth = way**3 * (10 - 15 * way + 6 * way**2)  # minimum jerk (Flash & Hogan 1985)
        held = self._from[act] + (self._to[act] - self._from[act]) * smooth[:, None]
        return held[:, 0], held[:, 1], held[:, 2]

    def counts(self, time_s: Floats) -> Counts:
        """Return raw counts (n, 6) at times (n,)."""
        before, now, after = (self._attitude(time_s + shift_s) for shift_s in (-STEP_S, 0.0, STEP_S))
        turn = np.einsum("nji,njk->nik", before, after)  # from the sensor before to the sensor after
        rate_radps = np.stack(
            [turn[:, 2, 1] - turn[:, 1, 2], turn[:, 0, 2] - turn[:, 2, 0], turn[:, 1, 0] - turn[:, 0, 1]],
            axis=1,
        ) / (4 * STEP_S)
        acc_g = np.einsum("nji,nj->ni", now, self._push_g(time_s))
        raw = np.hstack([acc_g * COUNTS_PER_G, np.degrees(rate_radps) * COUNTS_PER_DPS])
        # a row of noise by a hash of the time: the same at the same moment, however it is asked for
        mixed = np.rint(time_s * 1e4).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        raw += self._noise[(mixed >> np.uint64(40)) % np.uint64(NOISE_ROWS)]
        counts: Counts = np.clip(np.rint(raw), -32767, 32767).astype(np.int16)
        return counts

    def trunk_deg(self, time_s: Floats) -> tuple[Floats, Floats, Floats]:
        """Return how the upper back really is at times (n,): sagittal, lateral and yaw angle, jitter included."""
        sagittal_deg, lateral_deg, walking = self.held(time_s)
        sagittal_deg = sagittal_deg + BREATH_DEG * self._wave(BREATHS_HZ, 0, time_s)
        for index, (hz, deg) in enumerate(zip(SWAY_HZ, SWAY_DEG, strict=True)):
            sagittal_deg += deg * self._wave(hz, 1 + index, time_s)
            lateral_deg = lateral_deg + 0.5 * deg * self._wave(1.13 * hz, 5 + index, time_s)
        typing = np.maximum(0.0, self._wave(0.05, 9, time_s)) * (1 - walking)
        sagittal_deg += typing * TYPING_DEG * self._wave(TYPING_HZ, 10, time_s)
        sagittal_deg += walking * 2.0 * self._wave(STEPS_HZ, 11, time_s)
        lateral_deg += walking * 3.0 * self._wave(STEPS_HZ / 2, 12, time_s)
        yaw_deg = walking * (6.0 * self._wave(STEPS_HZ / 2, 13, time_s) + 60.0 * self._wave(0.07, 14, time_s))
        return sagittal_deg, lateral_deg, yaw_deg

    def _attitude(self, time_s: Floats) -> Floats:
        """Return the rotations (n, 3, 3) that take sensor vectors to the world (x right, y up, z backward)."""
        sagittal_deg, lateral_deg, yaw_deg = self.trunk_deg(time_s)
        trunk = _rotation(np.radians(sagittal_deg), np.radians(lateral_deg), np.radians(yaw_deg))
        worn: Floats = trunk @ self._spot
        return worn

    def _push_g(self, time_s: Floats) -> Floats:
        """Return what holds the trunk up and pushes it about, (n, 3) in the world, in g."""
        *_, walking = self.held(time_s)
        bounce = self._wave(STEPS_HZ, 11, time_s) + 0.3 * self._wave(2 * STEPS_HZ, 15, time_s)
        push = np.zeros((len(time_s), 3))
        push[:, 1] = 1.0 + walking * BOUNCE_MPS2 / STANDARD_GRAVITY_MPS2 * bounce
        push[:, 2] = walking * 0.08 * self._wave(STEPS_HZ, 12, time_s)
        return push

    def _wave(self, hz: float, phase: int, time_s: Floats) -> Floats:
        wave: Floats = np.sin(2 * np.pi * hz * time_s + self._phases[phase])
        return wave


def _rotation(
    sagittal_rad: Floats | np.float64, lateral_rad: Floats | np.float64, yaw_rad: Floats | np.float64
) -> Floats:
    """Return yaw about +Y, then the lean forward (−X), then to the right (−Z): (3, 3), or (n, 3, 3) for arrays."""
    sx, cx = np.sin(-sagittal_rad), np.cos(-sagittal_rad)
    sz, cz = np.sin(-lateral_rad), np.cos(-lateral_rad)
    sy, cy = np.sin(yaw_rad), np.cos(yaw_rad)
    rows = [
        [cy * cz + sy * sx * sz, -cy * sz + sy * sx * cz, sy * cx],
        [cx * sz, cx * cz, -sx],
        [-sy * cz + cy * sx * sz, sy * sz + cy * sx * cz, cy * cx],
    ]
    rotation: Floats = np.moveaxis(np.array(rows, float), (0, 1), (-2, -1))
    return rotation
