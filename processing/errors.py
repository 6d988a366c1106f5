"""What can go wrong in processing: one base, telling the wearer's pose from our own mistakes."""

from enum import StrEnum


class ProcessingError(ValueError):
    """The base of this room's errors."""


class Refusal(StrEnum):
    """Why a pose cannot serve as a calibration."""

    TOO_SHORT = "too_short"
    MOVING = "moving"
    NOT_ONE_G = "not_one_g"
    POSES_TOO_CLOSE = "poses_too_close"
    DAMAGED = "damaged"


class CalibrationRefusedError(ProcessingError):
    """The captured pose cannot serve: `reason` says why, the message what to do."""

    def __init__(self, reason: Refusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StateError(ProcessingError):
    """Bytes that are no saved state of this version."""
