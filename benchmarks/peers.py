"""Other ways from samples to where up is, to set beside neckline's: simple filters and two published libraries.

Each takes acceleration (n, 3) in m/s², rotation (n, 3) in rad/s and the rate, and returns unit vectors (n, 3), up in
the sensor frame. The settings are the libraries' own defaults or what their manual advises; nothing was tuned.
"""

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation
from vqf import VQF

from sensor.samples import STANDARD_GRAVITY_MPS2

Vectors = NDArray[np.float64]
Filter = Callable[[Vectors, Vectors, float], Vectors]

COMPLEMENTARY_TAU_S = 3.0
IMUFUSION_GAIN, IMUFUSION_REJECTION_DEG, IMUFUSION_TIMEOUT_S = 0.5, 10.0, 5.0
"""As in the library's own examples."""


def up_of(quaternions: Vectors) -> Vectors:
    """Return the world's up seen from the sensor, for quaternions (n, 4) w x y z, sensor → world."""
    w, x, y, z = quaternions.T
    return np.stack((2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)), axis=1)


def unit(vectors: Vectors) -> Vectors:
    """Return the vectors at length 1."""
    lengths: Vectors = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths


def accelerometer(acc_mps2: Vectors, _gyr_radps: Vectors, _rate_hz: float) -> Vectors:
    """Take each sample's acceleration for gravity."""
    return unit(acc_mps2)


def complementary(acc_mps2: Vectors, gyr_radps: Vectors, rate_hz: float) -> Vectors:
    """Low-pass the acceleration in the frame that the gyroscope alone keeps still."""
    # VQF with its bias estimates off serves as the integrator: gyrQuat is the gyroscope alone.
    integrator = VQF(1 / rate_hz, motionBiasEstEnabled=False, restBiasEstEnabled=False)
    w, x, y, z = integrator.updateBatchFullState(gyr_radps, acc_mps2)["gyrQuat"].T
    turned = Rotation.from_quat(np.stack((x, y, z, w), axis=1))
    still = turned.apply(acc_mps2)
    keep = np.exp(-1 / (rate_hz * COMPLEMENTARY_TAU_S))
    start = keep * still[:1]
    smooth, _ = lfilter([1 - keep], [1, -keep], still, axis=0, zi=start)
    return unit(turned.inv().apply(smooth))


def madgwick(acc_mps2: Vectors, gyr_radps: Vectors, rate_hz: float) -> Vectors:
    """Run ahrs' Madgwick filter, 6-axis, with its default gain."""
    from ahrs.filters import Madgwick  # noqa: PLC0415 - a peer may be missing

    return up_of(np.asarray(Madgwick(gyr=gyr_radps, acc=acc_mps2, frequency=rate_hz).Q))


def imufusion(acc_mps2: Vectors, gyr_radps: Vectors, rate_hz: float) -> Vectors:
    """Run imufusion sample by sample (it has no call for many)."""
    from imufusion import Ahrs, AhrsSettings  # noqa: PLC0415 - a peer may be missing

    settings = AhrsSettings()
    settings.sample_rate = rate_hz
    settings.gain = IMUFUSION_GAIN
    settings.acceleration_rejection = IMUFUSION_REJECTION_DEG
    settings.rejection_timeout = IMUFUSION_TIMEOUT_S
    ahrs = Ahrs()
    ahrs.set_settings(settings)
    update, gravity = ahrs.update_no_magnetometer, ahrs.get_gravity
    up = np.empty_like(acc_mps2)
    for row, (gyr, acc) in enumerate(
        zip(np.degrees(gyr_radps), acc_mps2 / STANDARD_GRAVITY_MPS2, strict=True)
    ):
        update(gyr, acc)
        up[row] = gravity()
    return up


def installed(library: str) -> bool:
    """Tell whether a peer's library is here (`pip install -e .[bench]`); nothing always is."""
    return not library or find_spec(library) is not None
