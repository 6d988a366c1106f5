"""What a Capture2Go measures, and by which clock: settings and their answers. `capture2go` tells of the family [H].

The classes are payloads of packages: of the answer as a rule, which is the setting again.
"""

import struct
from dataclasses import astuple, dataclass, replace
from enum import IntEnum

from firmware_protocol.capture2go import RATES_HZ, Header, Package
from firmware_protocol.errors import InvalidCommandError
from firmware_protocol.fields import in_range, unpack

_MODE = struct.Struct("<q?BBBBBBBHBQ???")
_REAL_TIME = struct.Struct("<BB")
_TIME = struct.Struct("<q")
_ROUNDTRIP = struct.Struct("<4q")


class SyncMode(IntEnum):
    """Whose clock is followed."""

    NONE = 0
    SENDER = 1
    RECEIVER = 2


@dataclass(frozen=True, slots=True)
class MeasurementMode:
    """What is measured. A rate is a code: 0 is off, then 1 for the first of `RATES_HZ`, and so on."""

    from_ns: int = 0
    """0 is at once."""
    float_200hz: bool = False
    fixed: int = 0
    """Acceleration, rotation, orientation, a sample in each package."""
    packed: int = 0
    """The same, eight samples in each package: what the maker recommends."""
    quaternion_float: int = 0
    quaternion_fixed: int = 0
    quaternion_packed: int = 0
    status_s: int = 1
    """Seconds between statuses; 0 is never."""
    calibration: int = 0
    extension: int = 0
    sync: int = SyncMode.NONE
    sync_id: int = 0
    """64 bits, new at random for each set of sensors."""
    no_bias_estimation: bool = False
    no_disturbance_rejection: bool = False
    no_magnetometer: bool = True
    """Packages without the magnetic field are shorter; orientations are the same."""

    @classmethod
    def from_bytes(cls, payload: bytes) -> "MeasurementMode":
        """Read 30 bytes."""
        return cls(*unpack(_MODE, payload, "a measurement mode"))

    def __bytes__(self) -> bytes:
        return _MODE.pack(*astuple(self))


def set_measurement_mode(mode: MeasurementMode) -> Package:
    """Return the command that says what is measured; the answer is the mode again."""
    codes = (mode.fixed, mode.packed, mode.quaternion_float, mode.quaternion_fixed, mode.quaternion_packed)
    for code in codes:
        in_range(code, 0, len(RATES_HZ), "the code of a rate")
    in_range(mode.status_s, 0, 0xFF, "the seconds between statuses")
    in_range(mode.sync_id, 0, 2**64 - 1, "a sync id")
    return Package(Header.SET_MEASUREMENT_MODE, bytes(mode))


def set_packed(rate_hz: int, mode: MeasurementMode | None = None) -> Package:
    """Return the command for packages of eight samples at one of `RATES_HZ`."""
    if rate_hz not in RATES_HZ:
        raise InvalidCommandError(f"a Capture2Go has no rate of {rate_hz} Hz")
    return set_measurement_mode(replace(mode or MeasurementMode(), packed=RATES_HZ.index(rate_hz) + 1))


def set_time(unix_ns: int) -> Package:
    """Return the command that sets the clock; the answer is the time again."""
    return Package(Header.SET_ABSOLUTE_TIME, _TIME.pack(in_range(unix_ns, 0, 2**63 - 1, "a time in ns")))


@dataclass(frozen=True, slots=True)
class AbsoluteTime:
    """Answer to `set_time`."""

    time_ns: int

    @classmethod
    def from_bytes(cls, payload: bytes) -> "AbsoluteTime":
        """Read eight bytes."""
        return cls(*unpack(_TIME, payload, "a time"))

    def __bytes__(self) -> bytes:
        return _TIME.pack(self.time_ns)


class RealTimeMode(IntEnum):
    """What goes over the real-time channel: always the newest, and nothing that was missed."""

    OFF = 0
    QUATERNION = 1
    FULL = 2


@dataclass(frozen=True, slots=True)
class RealTimeStreaming:
    """Answer to `start_real_time`, and the command itself."""

    mode: int
    """A `RealTimeMode`."""
    limit_hz: int
    """0 is the sensor's own, 50 Hz."""

    @classmethod
    def from_bytes(cls, payload: bytes) -> "RealTimeStreaming":
        """Read two bytes."""
        return cls(*unpack(_REAL_TIME, payload, "real-time streaming"))

    def __bytes__(self) -> bytes:
        return _REAL_TIME.pack(self.mode, self.limit_hz)


def start_real_time(mode: RealTimeMode, limit_hz: int = 0) -> Package:
    """Return the command that starts the real-time channel, up to so often a second (0: 50)."""
    in_range(limit_hz, 0, 0xFF, "a limit")
    return Package(Header.START_REAL_TIME_STREAMING, bytes(RealTimeStreaming(mode, limit_hz)))


@dataclass(frozen=True, slots=True)
class ClockRoundtrip:
    """Sent by the host with its own time, sent back with the sensor's: delay and offset of the clocks."""

    host_sent_ns: int
    sensor_received_ns: int = 0
    sensor_sent_ns: int = 0
    host_received_ns: int = 0
    """The host's own."""

    @classmethod
    def from_bytes(cls, payload: bytes) -> "ClockRoundtrip":
        """Read 32 bytes."""
        return cls(*unpack(_ROUNDTRIP, payload, "a roundtrip"))

    def __bytes__(self) -> bytes:
        return _ROUNDTRIP.pack(*astuple(self))
