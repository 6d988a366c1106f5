"""MetaMotion's on-board sensor fusion. `metamotion` tells of the family; source as there [H].

Acceleration and rotation must be configured at 100 Hz with the same ranges (and in modes with the magnetometer that one,
too): `configure` is all these commands. Unconfigured, the outputs are zeros. For inclination `IMU_PLUS` and `GRAVITY` do.
Outputs come at 100 Hz, each in its own notification, without time or counter.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import finite, unpack
from firmware_protocol.metamotion import READ, Module, expect
from firmware_protocol.metamotion_imu import (
    ACC_RANGES_G,
    GYR_RANGES_DEGPS,
    Chip,
    acc_config,
    enable,
    gyr_config,
    power,
)


class Mode(IntEnum):
    """What is fused."""

    NDOF = 1
    """Acceleration, rotation and magnetic field: absolute heading."""
    IMU_PLUS = 2
    """Acceleration and rotation: heading from where it was started."""
    COMPASS = 3
    """Acceleration and magnetic field, at 25 Hz."""
    M4G = 4
    """As `COMPASS`, with rotation made up from the magnetic field, at 50 Hz."""


class Output(IntEnum):
    """What comes out: the register of the data, and in it values of 32 bits."""

    CORRECTED_ACC = 0x04
    """x, y, z in thousandths of gravity, and how well calibrated (0 to 3)."""
    CORRECTED_GYR = 0x05
    """x, y, z in degrees a second, and how well calibrated."""
    CORRECTED_MAG = 0x06
    """x, y, z in microtesla, and how well calibrated."""
    QUATERNION = 0x07
    """w, x, y, z."""
    EULER = 0x08
    """Heading, pitch, roll, yaw in degrees."""
    GRAVITY = 0x09
    """x, y, z in m/s²."""
    LINEAR_ACC = 0x0A
    """x, y, z in m/s², gravity removed."""

    @property
    def bit(self) -> int:
        """Its bit in the command that enables outputs."""
        return 1 << (self - Output.CORRECTED_ACC)


_CORRECTED = frozenset({Output.CORRECTED_ACC, Output.CORRECTED_GYR, Output.CORRECTED_MAG})
_LAYOUTS: Mapping[Output, struct.Struct] = MappingProxyType(
    {
        output: struct.Struct(
            "<BB3fB"
            if output in _CORRECTED
            else "<BB4f"
            if output in {Output.QUATERNION, Output.EULER}
            else "<BB3f"
        )
        for output in Output
    }
)
_CALIBRATION = struct.Struct("<BBBBB")


@dataclass(frozen=True, slots=True)
class FusionData:
    """One notification of an output."""

    output: Output
    values: tuple[float, ...]
    """In order and unit as the output says."""
    accuracy: int | None = None
    """How well calibrated, 0 to 3; of the corrected outputs alone."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "FusionData":
        """Read 14, 15 or 18 bytes; MalformedFrameError for other registers or lengths, or a number that is none."""
        if len(data) < 2 or data[0] != Module.FUSION or data[1] not in _LAYOUTS:
            raise MalformedFrameError("no data of a MetaMotion's sensor fusion", bytes(data))
        output = Output(data[1])
        _, _, *values = unpack(_LAYOUTS[output], data, "an output of the sensor fusion")
        accuracy = values.pop() if output in _CORRECTED else None
        return cls(output, finite(tuple(values), data), accuracy)

    def __bytes__(self) -> bytes:
        last = () if self.accuracy is None else (self.accuracy,)
        return _LAYOUTS[self.output].pack(Module.FUSION, self.output, *self.values, *last)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Reply to `READ_CALIBRATION`: how well calibrated each sensor is, 0 (unreliable) to 3 (high)."""

    acc: int
    gyr: int
    mag: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "Calibration":
        """Read five bytes."""
        expect(data, Module.FUSION, READ | 0x0B)
        _, _, acc, gyr, mag = unpack(_CALIBRATION, data, "the state of calibration")
        return cls(acc, gyr, mag)

    def __bytes__(self) -> bytes:
        return _CALIBRATION.pack(Module.FUSION, READ | 0x0B, self.acc, self.gyr, self.mag)


READ_CALIBRATION = bytes([Module.FUSION, READ | 0x0B])
"""From revision 1 of the module on."""
RESET_ORIENTATION = bytes([Module.FUSION, 0x0F, 1])
"""From revision 3 of the module on."""

_RATES_HZ: Mapping[Mode, float] = MappingProxyType(
    {Mode.NDOF: 100, Mode.IMU_PLUS: 100, Mode.COMPASS: 25, Mode.M4G: 50}
)
_MAGNETOMETER_PRESET = (
    bytes([Module.MAGNETOMETER, 0x04, 0x04, 0x0E]),
    bytes([Module.MAGNETOMETER, 0x03, 0x06]),
)


def _sensors(mode: Mode) -> tuple[Module, ...]:
    acc, gyr, mag = Module.ACCELEROMETER, Module.GYROSCOPE, Module.MAGNETOMETER
    return {Mode.NDOF: (acc, gyr, mag), Mode.IMU_PLUS: (acc, gyr)}.get(mode, (acc, mag))


def configure(chip: Chip, mode: Mode, range_g: int, range_degps: int) -> tuple[bytes, ...]:
    """Return the commands that configure the fusion and the sensors below it, in order.

    InvalidCommandError for a range that the clip does not have; ±125 °/s cannot be fused.
    """
    acc_ranges, gyr_ranges = list(ACC_RANGES_G[chip]), list(GYR_RANGES_DEGPS)[:4]
    if range_g not in acc_ranges or range_degps not in gyr_ranges:
        raise InvalidCommandError(f"±{range_g} g with ±{range_degps} °/s cannot be fused")
    mask = (gyr_ranges.index(range_degps) + 1) << 4 | acc_ranges.index(range_g)
    sensors = _sensors(mode)
    return (
        bytes([Module.FUSION, 0x02, mode, mask]),
        acc_config(chip, _RATES_HZ[mode], range_g),
        *((gyr_config(_RATES_HZ[mode], range_degps),) if Module.GYROSCOPE in sensors else ()),
        *(_MAGNETOMETER_PRESET if Module.MAGNETOMETER in sensors else ()),
    )


def subscribe(output: Output, *, on: bool = True) -> bytes:
    """Return the command that lets an output through, or no longer."""
    return bytes([Module.FUSION, output, on])


def start(mode: Mode, *outputs: Output) -> tuple[bytes, ...]:
    """Return the commands that start the fusion with these outputs, in order; subscribe to them before."""
    if not outputs:
        raise InvalidCommandError("a fusion without an output")
    bits = sum(output.bit for output in set(outputs))
    return (
        *(enable(sensor) for sensor in _sensors(mode)),
        *(power(sensor) for sensor in _sensors(mode)),
        bytes([Module.FUSION, 0x03, bits, 0x00]),
        bytes([Module.FUSION, 0x01, 1]),
    )


def stop(mode: Mode) -> tuple[bytes, ...]:
    """Return the commands that stop the fusion, in order."""
    return (
        bytes([Module.FUSION, 0x01, 0]),
        bytes([Module.FUSION, 0x03, 0x00, 0x7F]),
        *(power(sensor, on=False) for sensor in _sensors(mode)),
        *(enable(sensor, on=False) for sensor in _sensors(mode)),
    )
