"""Upright and slump poses → the wearer's own reference: gravity, forward axis, personal threshold.

One clip on the upper back measures upper-thoracic inclination, a proxy for forward-head posture. It means
something only against the wearer's own upright pose, captured at each donning: putting the clip on again turned
the reference by up to 33° in recordings. The optional slump pose gives the forward axis of a clip that sits
twisted, and the personal threshold. Limits of the poses: docs/method.md.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.errors import CalibrationRefusedError, Refusal
from sensor.samples import STANDARD_GRAVITY_MPS2, SampleBlock

DEFAULT_THRESHOLD_DEG = 10.0
"""Without a slump pose. Posed recordings of 44 people: F1 0.98 at C7 and 1.00 at T4 at 10°, 0.90 and 0.99 at 15°."""
PERSONAL_THRESHOLD_DEG = (8.0, 20.0)
"""Half the way to the slump pose, kept within these."""
MIN_SEPARATION_DEG = 10.0
"""Slump and upright closer than this cannot be told apart through a day (upright again: RMS 3–6°)."""
MIN_POSE_S = 3.0
MIN_RECEIVED = 0.8
MAX_TURN_DEGPS = 3.0
"""RMS of the gyroscope about its own mean (bias is no movement)."""
MAX_BIAS_DEGPS = 3.0
"""That mean itself: the filter takes 2 °/s for bias, and more than 3 °/s would hold the angle off by 8°."""
MAX_SHAKE_G = 0.03
"""Standard deviation of |a|; a person sitting still shows about 0.004 g."""
MAX_OFF_ONE_G = 0.05
MIN_AXIS_SINE = 0.35
"""The clip's own normal serves as forward axis only when it is more than 20° away from up."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The captured reference of one donning. Unit vectors are in the sensor frame."""

    calibration_id: str
    captured_ns: int
    up_sensor: tuple[float, float, float]
    """Where up was while sitting tall."""
    forward_sensor: tuple[float, float, float]
    """The wearer's forward, at a right angle to `up_sensor`."""
    threshold_deg: float
    """The personal threshold: half the way to the slump pose, or the default."""
    slump_deg: float | None
    """The sagittal angle of the slump pose; None when only the upright pose was captured."""


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """A quiet pose: gravity's direction (a unit vector, sensor frame), when it had been held, and how well."""

    up_sensor: NDArray[np.float64]
    end_ns: int
    received: float
    """Share of the samples that arrived whole."""
    shake_g: float
    """Standard deviation of |a|."""
    turn_degps: float | None
    """RMS of the gyroscope about its own mean; None without one."""
    gravity_g: float
    drift_deg: float
    """The angle between gravity in the first and in the second half."""


def read_pose(block: SampleBlock) -> Pose:
    """Take the pose from some seconds of samples; raise CalibrationRefusedError when it cannot serve."""
    if len(block) < 2 or block.time_ns[-1] - block.time_ns[0] < (MIN_POSE_S - 1 / block.rate_hz) * 1e9:
        raise CalibrationRefusedError(
            Refusal.TOO_SHORT,
            f"less than {MIN_POSE_S:g} s of samples arrived: hold the pose until told otherwise, then try again",
        )
    good = np.isfinite(block.acc_mps2).all(axis=1)
    if block.gyr_radps is not None:
        good &= np.isfinite(block.gyr_radps).all(axis=1)
    expected = (block.time_ns[-1] - block.time_ns[0]) / 1e9 * block.rate_hz + 1
    if good.sum() < MIN_RECEIVED * expected:
        raise CalibrationRefusedError(
            Refusal.DAMAGED,
            f"only {good.sum() / expected:.0%} of the samples arrived: bring the clip nearer to the computer and try again",
        )
    acc_g = block.acc_mps2[good] / STANDARD_GRAVITY_MPS2
    if np.ptp(acc_g, axis=0).min() == 0:
        raise CalibrationRefusedError(
            Refusal.DAMAGED,
            "an axis of the clip's accelerometer stands still: switch the clip off and on; if it stays so, take another",
        )
    shake_g = float(np.linalg.norm(acc_g, axis=1).std())
    turn_degps = None if block.gyr_radps is None else _turn_degps(block.gyr_radps[good])
    if (turn_degps or 0.0) > MAX_TURN_DEGPS or shake_g > MAX_SHAKE_G:
        raise CalibrationRefusedError(
            Refusal.MOVING,
            f"the clip was moving ({turn_degps or 0.0:.1f} °/s, {shake_g:.3f} g): sit quietly and try again",
        )
    bias_degps = 0.0 if block.gyr_radps is None else _bias_degps(block.gyr_radps[good])
    if bias_degps > MAX_BIAS_DEGPS:
        raise CalibrationRefusedError(
            Refusal.DAMAGED,
            f"the clip turns by {bias_degps:.1f} °/s: hold still; if it stays so, the clip's gyroscope is off",
        )
    gravity_g = np.median(acc_g, axis=0)
    size_g = float(np.linalg.norm(gravity_g))
    if abs(size_g - 1) > MAX_OFF_ONE_G:
        raise CalibrationRefusedError(
            Refusal.NOT_ONE_G,
            f"gravity reads {size_g:.2f} g instead of 1 g: hold still; if it stays so, the clip's accelerometer is off",
        )
    halves = (np.median(half, axis=0) for half in np.array_split(acc_g, 2))
    return Pose(
        up_sensor=gravity_g / size_g,
        end_ns=int(block.time_ns[-1]),
        received=min(1.0, float(good.sum() / expected)),
        shake_g=shake_g,
        turn_degps=turn_degps,
        gravity_g=size_g,
        drift_deg=_angle_deg(*halves),
    )


def _turn_degps(gyr_radps: NDArray[np.float64]) -> float:
    about_mean = gyr_radps - gyr_radps.mean(axis=0)
    return float(np.degrees(np.sqrt(np.square(about_mean).sum(axis=1).mean())))


def _bias_degps(gyr_radps: NDArray[np.float64]) -> float:
    return float(np.degrees(np.linalg.norm(gyr_radps.mean(axis=0))))


def _angle_deg(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the angle between two directions; exact also when it is small."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other)), one @ other)))


def separation_deg(one: Pose, other: Pose) -> float:
    """Return the angle between two poses."""
    return _angle_deg(one.up_sensor, other.up_sensor)


def calibrate(
    upright: SampleBlock, slump: SampleBlock | None = None, *, label_outward: bool = True
) -> Calibration:
    """Make a calibration of a 5-s upright pose and, where given, a 5-s slump pose.

    Without a slump pose the forward axis is the clip's normal (z, out of the label): backward when the label faces
    outward, forward when it faces the body. Raises CalibrationRefusedError with the reason and what to do.
    """
    pose = read_pose(upright)
    up = pose.up_sensor
    if slump is None:
        end_ns, slump_deg, threshold_deg = pose.end_ns, None, DEFAULT_THRESHOLD_DEG
        toward = np.array([0.0, 0.0, -1.0 if label_outward else 1.0])
        if np.linalg.norm(np.cross(up, toward)) < MIN_AXIS_SINE:
            raise CalibrationRefusedError(
                Refusal.POSES_TOO_CLOSE,
                "the clip lies flat, so its normal does not show forward: capture the slump pose too, or wear it upright",
            )
    else:
        slumped = read_pose(slump)
        end_ns = slumped.end_ns
        slump_deg = separation_deg(pose, slumped)
        if slump_deg < MIN_SEPARATION_DEG:
            raise CalibrationRefusedError(
                Refusal.POSES_TOO_CLOSE,
                f"the two poses are {slump_deg:.0f}° apart, {MIN_SEPARATION_DEG:g}° are needed: slump as on a tired "
                "afternoon, or wear the clip higher, between the shoulder blades",
            )
        threshold_deg = float(np.clip(slump_deg / 2, *PERSONAL_THRESHOLD_DEG))
        # Leaning forward turns up backward as the sensor sees it.
        toward = -slumped.up_sensor
    forward = toward - (toward @ up) * up
    forward /= np.linalg.norm(forward)
    digest = hashlib.blake2s(
        np.concatenate((up, forward)).tobytes() + end_ns.to_bytes(8, "big"), digest_size=4
    )
    return Calibration(
        calibration_id=f"c-{digest.hexdigest()}",
        captured_ns=end_ns,
        up_sensor=_tuple(up),
        forward_sensor=_tuple(forward),
        threshold_deg=threshold_deg,
        slump_deg=slump_deg,
    )


def _tuple(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = vector.tolist()
    return x, y, z
