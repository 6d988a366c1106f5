"""Generated wearers whose every slouch is known: an hour at the desk, as the virtual clip's person would play it.

`sensor.virtual.motion` gives what a clip feels: breathing, slow sway, typing, steps, sensor noise and bias, all from one
attitude. Here are the lives: sitting well, slouches long and short with dips in them, leaning, reaching, sitting back,
getting up, walking, standing about, sitting down again, and in some hours a clip that is knocked out of its place.
The truth of a slouch is when the upper back itself crosses the threshold, not what a sensor makes of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from sensor.samples import STANDARD_GRAVITY_MPS2, SampleBlock
from sensor.virtual.motion import COUNTS_PER_DPS, COUNTS_PER_G, Pose, ScriptedPerson

RATE_HZ = 50.0
CALIBRATE_S = (4.0, 9.0)
"""Every life begins upright and still; this part of it is what the wearer calibrates on."""
STANDING_DEG = -9.0
"""Standing, the upper back is further back than sitting: recorded 5° to 34° between the two, in either direction."""
RISE_DEG = 34.0
"""How far the trunk swings forward on the way up from a chair, and down to it."""
SINK_DPS = (1.5, 15.0)
"""How fast a slouch is sunk into. Slower than that, breathing alone moves the crossing by seconds."""
KNOCK_G, KNOCK_S = 2.0, 0.04
SLIPS = 0.2
"""The share of lives in which the clip slips."""


@dataclass(frozen=True, slots=True)
class Slouch:
    """A slouch as it was acted: the seconds in which it begins and ends."""

    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Life:
    """One wearer's hour."""

    seed: int
    person: ScriptedPerson
    seconds: float
    slouches: tuple[Slouch, ...]
    """All that last long enough to be told of, in order."""
    slip_s: float | None
    slip: Rotation

    def zero_deg(self) -> float:
        """Return how the upper back was held while calibrating: where the wearer's angles count from."""
        time_s = np.arange(*CALIBRATE_S, 0.02)
        return float(self.person.trunk_deg(time_s)[0].mean())

    def crossed_s(self, slouch: Slouch, threshold_deg: float, step_s: float = 0.02) -> float:
        """Return when the upper back first was beyond the threshold in a slouch, to one step."""
        time_s = np.arange(slouch.from_s, slouch.until_s, step_s)
        beyond = self.person.trunk_deg(time_s)[0] - self.zero_deg() > threshold_deg
        return float(time_s[int(beyond.argmax())])

    def samples(self, begin_s: float = 0.0, end_s: float | None = None) -> SampleBlock:
        """Return what the clip samples between two times; sample times count from 0."""
        rows = np.arange(round(begin_s * RATE_HZ), round((end_s or self.seconds) * RATE_HZ))
        time_s = rows / RATE_HZ
        counts = self.person.counts(time_s).astype(float)
        acc = counts[:, :3] * (STANDARD_GRAVITY_MPS2 / COUNTS_PER_G)
        gyr = np.radians(counts[:, 3:] / COUNTS_PER_DPS)
        if self.slip_s is not None:
            slipped = time_s >= self.slip_s
            acc[slipped], gyr[slipped] = self.slip.apply(acc[slipped]), self.slip.apply(gyr[slipped])
            acc[slipped & (time_s < self.slip_s + KNOCK_S)] *= KNOCK_G
        return SampleBlock(rows * round(1e9 / RATE_HZ), acc, gyr, RATE_HZ)

    def blocks(self, block_s: float) -> Iterator[SampleBlock]:
        """Yield all samples in order."""
        for begin_s in np.arange(0.0, self.seconds, block_s):
            yield self.samples(float(begin_s), min(self.seconds, float(begin_s) + block_s))


@dataclass(slots=True)
class _Script:
    """A life while it is written."""

    rng: np.random.Generator
    hold_s: float
    acts: list[tuple[Pose, float]] = field(default_factory=lambda: [(Pose(), 12.0)])
    now_s: float = 12.0
    slouches: list[Slouch] = field(default_factory=list)

    def act(
        self, seconds: float, sagittal_deg: float, lateral_deg: float = 0.0, **pose: float | bool
    ) -> None:
        self.acts.append((Pose(sagittal_deg, lateral_deg, **pose), seconds))  # type: ignore[arg-type]
        self.now_s += seconds

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def sit_well(self) -> None:
        for _ in range(self.rng.integers(1, 8)):
            self.act(
                self.between(20, 120), self.between(-3, 3), self.between(-3, 3), way_s=self.between(0.8, 3)
            )

    def sit_up(self, least_s: float = 20) -> None:
        self.act(least_s + self.between(0, 60), self.between(-2, 2), way_s=self.between(0.8, 3))

    def slouch_briefly(self) -> None:
        self.act(self.between(6, self.hold_s - 15), self.between(15, 30), way_s=self.between(1, 5))
        self.sit_up()

    def slouch(self) -> None:
        from_s = self.now_s
        deep_deg = self.between(14, 34)
        self.act(self.hold_s + self.between(15, 300), deep_deg, way_s=deep_deg / self.between(*SINK_DPS))
        for _ in range(self.rng.integers(0, 3)):
            # Sitting up for a moment is no rest.
            self.act(self.between(1.5, 2.4), self.between(0, 3), way_s=0.6)
            self.act(self.between(20, 200), deep_deg + self.between(-3, 3), way_s=0.6)
        self.slouches.append(Slouch(from_s, self.now_s + 3))
        self.sit_up()

    def lean(self) -> None:
        self.act(self.between(60, 300), self.between(3, 7), self.between(-4, 4), way_s=self.between(1, 4))

    def sit_back(self) -> None:
        self.act(self.between(60, 300), self.between(-25, -10), way_s=self.between(1, 4))
        self.sit_up()

    def reach(self) -> None:
        for _ in range(self.rng.integers(1, 4)):
            aside_deg = self.between(8, 30) * self.rng.choice((-1, 1))
            self.act(self.between(1, 4), self.between(5, 35), float(aside_deg), way_s=self.between(0.6, 1.2))
            self.act(self.between(2, 8), 0.0, way_s=self.between(0.6, 1.2))
        self.sit_up()

    def walk(self) -> None:
        self.act(0.8, RISE_DEG, way_s=0.8)
        self.act(self.between(2, 4), STANDING_DEG, way_s=1.0)
        for _ in range(self.rng.integers(1, 3)):
            self.act(self.between(15, 120), STANDING_DEG + self.between(-2, 4), walking=True)
            self.act(self.between(3, 90), STANDING_DEG + self.between(-2, 2))
        self.act(0.9, RISE_DEG, way_s=0.9)
        self.act(self.between(20, 60), 0.0, way_s=1.0)


ACTS: tuple[tuple[Callable[[_Script], None], float], ...] = (
    (_Script.sit_well, 0.3),
    (_Script.slouch, 0.2),
    (_Script.slouch_briefly, 0.15),
    (_Script.lean, 0.08),
    (_Script.sit_back, 0.07),
    (_Script.reach, 0.12),
    (_Script.walk, 0.08),
)


def life(seed: int, seconds: float = 3600.0, hold_s: float = 60.0) -> Life:
    """Make up an hour, or so, of one wearer; the same for the same seed."""
    rng = np.random.default_rng(seed)
    script = _Script(rng, hold_s)
    while script.now_s < seconds:
        act = rng.choice(len(ACTS), p=[share for _, share in ACTS])
        ACTS[act][0](script)
    slips = rng.random() < SLIPS
    axis: NDArray[np.float64] = rng.normal(size=3)
    return Life(
        seed=seed,
        person=ScriptedPerson(script.acts, seed=seed),
        seconds=script.now_s,
        slouches=tuple(script.slouches),
        slip_s=float(rng.uniform(600, seconds / 2)) if slips and seconds > 1800 else None,
        slip=Rotation.from_rotvec(axis / np.linalg.norm(axis) * rng.uniform(8, 16), degrees=True),
    )
