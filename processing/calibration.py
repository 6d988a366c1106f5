"""Upright and slump poses → the wearer's own reference: gravity, forward axis, personal threshold."""

from dataclasses import dataclass


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
