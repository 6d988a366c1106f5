"""OpenEarable 2 earbuds: the head's motion.

This module is the specification. Source: the firmware OpenEarable/open-earable-2 and the application's library
open_earable_flutter 2.4, both of 2026 [H]; no capture from hardware was found.

Connecting
    Advertised as `OpenEarable-XXXX`, four hexadecimal digits. Version 1 has the same name and other data: the firmware
    revision of the device information service begins with `2.`. Arduino's Nicla sketch has the same UUIDs: go by the
    name, too. Standard battery service. A packet needs an MTU of 49 at least.

Clock
    Microseconds since boot in 64 bits, of the first sample in the packet. So loss shows. The two buds of a pair have
    clocks of their own.

Limits
    Acceleration is ±2 g: jolts of the head clip. Rates over 100 Hz are for the card alone. Units are those that the
    firmware states; how its driver scales rotation was not checked against hardware [M].
"""

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import Triple, finite, triples, unpack, unpack_beginning

NAME_PREFIX = "OpenEarable-"
FIRMWARE_PREFIX = "2."
SENSOR_SERVICE_UUID = "34c2e3bb-34aa-11eb-adc1-0242ac120002"
DATA_UUID = "34c2e3bc-34aa-11eb-adc1-0242ac120002"
"""Notify."""
CONFIG_UUID = "34c2e3be-34aa-11eb-adc1-0242ac120002"
"""Write. (`…bd` is that of version 1, `…bf` tells the configurations in force.)"""
CONFIG_STATE_UUID = "34c2e3bf-34aa-11eb-adc1-0242ac120002"
MTU = 49

RATES_HZ = (25, 50, 100, 200, 400, 800)
"""By their index in a configuration."""
STREAM_RATES_HZ = RATES_HZ[:3]

_CONFIG = struct.Struct("<BBB")
_HEAD = struct.Struct("<BBQ")
_SAMPLE = struct.Struct("<9f")
_STEP = struct.Struct("<H")


class Sensor(IntEnum):
    """The first byte of a configuration and of data."""

    IMU = 0
    TEMPERATURE_BAROMETER = 1
    MICROPHONE = 2
    PPG = 4
    PULSE_OXIMETER = 5
    OPTICAL_TEMPERATURE = 6
    BONE_CONDUCTION = 7


class Destination(IntFlag):
    """Where a sensor's data go; nowhere is off."""

    STREAM = 1 << 0
    CARD = 1 << 1


@dataclass(frozen=True, slots=True)
class SensorConfig:
    """A sensor's configuration: written to `CONFIG_UUID`; those in force are read one after another."""

    sensor: int
    rate_index: int
    destination: int
    """Bits of `Destination`."""

    @property
    def rate_hz(self) -> int | None:
        """The inertial sensor's rate; None for another sensor, or an index that is none."""
        if self.sensor != Sensor.IMU or self.rate_index >= len(RATES_HZ):
            return None
        return RATES_HZ[self.rate_index]

    @classmethod
    def from_bytes(cls, data: bytes) -> "SensorConfig":
        """Read three bytes."""
        return cls(*unpack(_CONFIG, data, "a sensor's configuration"))

    def __bytes__(self) -> bytes:
        return _CONFIG.pack(self.sensor, self.rate_index, self.destination)


def start_imu(rate_hz: int) -> bytes:
    """Return the command that streams motion; InvalidCommandError for a rate that the radio does not have."""
    if rate_hz not in STREAM_RATES_HZ:
        known = ", ".join(map(str, STREAM_RATES_HZ))
        raise InvalidCommandError(f"an OpenEarable streams at {known} Hz, not at {rate_hz}")
    return bytes(SensorConfig(Sensor.IMU, RATES_HZ.index(rate_hz), Destination.STREAM))


def stop_imu() -> bytes:
    """Return the command that stops motion."""
    return bytes(SensorConfig(Sensor.IMU, 0, 0))


@dataclass(frozen=True, slots=True)
class Motion:
    """One sample: acceleration with gravity, rotation, magnetic field."""

    acc_mps2: Triple
    gyr_degps: Triple
    mag_ut: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class MotionPacket:
    """One notification of motion: a sample, or several at even steps of time."""

    time_us: int
    """Since boot, of the first sample."""
    samples: tuple[Motion, ...]
    step_us: int | None = None
    """Between samples; None when it is not told, as for a single one."""
    size: int = _SAMPLE.size
    """Second byte: the bytes of samples, as far as firmware is known."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "MotionPacket":
        """Read 46 bytes, or 12 and 36 for each sample; MalformedFrameError for others, or when a number is none."""
        sensor, size, time_us = unpack_beginning(_HEAD, data, "an OpenEarable's data")
        count, odd = divmod(len(data) - _HEAD.size, _SAMPLE.size)
        if sensor != Sensor.IMU or count < 1 or ((odd, count) != (0, 1) and odd != _STEP.size):
            raise MalformedFrameError("not whole samples of an OpenEarable's motion", bytes(data))
        rows = list(triples(finite(struct.unpack_from(f"<{9 * count}f", data, _HEAD.size), data)))
        samples = tuple(Motion(*rows[at : at + 3]) for at in range(0, len(rows), 3))
        step = _STEP.unpack_from(data, len(data) - _STEP.size)[0] if odd else None
        return cls(time_us, samples, step, size)

    def __bytes__(self) -> bytes:
        data = _HEAD.pack(Sensor.IMU, self.size, self.time_us)
        for each in self.samples:
            data += _SAMPLE.pack(*each.acc_mps2, *each.gyr_degps, *each.mag_ut)
        return data if self.step_us is None else data + _STEP.pack(self.step_us)
