"""MetaMotion's raw acceleration and rotation. `metamotion` tells of the family; source as there [H].

A stream is set up in this order: configure, subscribe, enable, start; `acc_start` and `gyr_start` are these commands. Data
carry no time and no counter: loss is invisible unless an accounter is put before (`metamotion_clock`). Packed data are three
samples in one notification, oldest first, at a third of the radio traffic.

Two chips. R and RL have a BMI160, S a BMI270, told by the implementation of the accelerometer's and gyroscope's modules
(`chip_of`). They differ in codes and registers; register 5 of the gyroscope is a single sample on one and packed on the
other, so the chip is an argument everywhere. Ranges are as they were configured: the data do not tell.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from types import MappingProxyType

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import Counts, Triple, scaled, triples, unpack
from firmware_protocol.metamotion import Module, ModuleInfo, expect


class Chip(Enum):
    """Which inertial chip the board has."""

    BMI160 = 160
    """MetaMotion R and RL."""
    BMI270 = 270
    """MetaMotion S."""


_CHIPS: Mapping[tuple[int, int | None], Chip] = MappingProxyType(
    {
        (Module.ACCELEROMETER, 1): Chip.BMI160,
        (Module.ACCELEROMETER, 4): Chip.BMI270,
        (Module.GYROSCOPE, 0): Chip.BMI160,
        (Module.GYROSCOPE, 1): Chip.BMI270,
    }
)


def chip_of(info: ModuleInfo) -> Chip | None:
    """Return the chip behind the accelerometer or gyroscope module; None for another one, or none."""
    return _CHIPS.get((info.module, info.implementation))


def packs(info: ModuleInfo) -> bool:
    """Tell whether the module packs three samples into a notification: a BMI160's from revision 1 on, a BMI270's always."""
    return chip_of(info) is Chip.BMI270 or (info.revision or 0) > 0


ACC_RATES_HZ: Mapping[float, int] = MappingProxyType(
    {
        0.78125: 1,
        1.5625: 2,
        3.125: 3,
        6.25: 4,
        12.5: 5,
        25: 6,
        50: 7,
        100: 8,
        200: 9,
        400: 10,
        800: 11,
        1600: 12,
    }
)
"""Rates and their codes. The radio carries acceleration with rotation up to 100 Hz, packed."""
GYR_RATES_HZ: Mapping[float, int] = MappingProxyType(
    {25: 6, 50: 7, 100: 8, 200: 9, 400: 10, 800: 11, 1600: 12, 3200: 13}
)
ACC_RANGES_G: Mapping[Chip, Mapping[float, int]] = MappingProxyType(
    {
        Chip.BMI160: MappingProxyType({2: 0x03, 4: 0x05, 8: 0x08, 16: 0x0C}),
        Chip.BMI270: MappingProxyType({2: 0x00, 4: 0x01, 8: 0x02, 16: 0x03}),
    }
)
"""Ranges and their codes."""
GYR_RANGES_DEGPS: Mapping[float, int] = MappingProxyType({2000: 0, 1000: 1, 500: 2, 250: 3, 125: 4})
GYR_COUNTS_PER_DEGPS: Mapping[float, float] = MappingProxyType(
    {2000: 16.4, 1000: 32.8, 500: 65.6, 250: 131.2, 125: 262.4}
)
_ORIENTATION = struct.Struct("<BBB")
_STEPS = struct.Struct("<BBH")
_SLOWEST_PLAIN = 5
"""Below this code the chip runs undersampled, with other bits of its filter."""


class Register(IntEnum):
    """Registers that accelerometer and gyroscope have in common."""

    POWER = 0x01
    ENABLE = 0x02
    CONFIG = 0x03


_DATA: Mapping[tuple[Module, Chip], tuple[int, int]] = MappingProxyType(
    {
        (Module.ACCELEROMETER, Chip.BMI160): (0x04, 0x1C),
        (Module.ACCELEROMETER, Chip.BMI270): (0x04, 0x05),
        (Module.GYROSCOPE, Chip.BMI160): (0x05, 0x07),
        (Module.GYROSCOPE, Chip.BMI270): (0x04, 0x05),
    }
)
"""Registers of single and of packed data; see `packs`."""


def module_of(data: bytes, chip: Chip) -> Module | None:
    """Return whose motion data a packet is, though it be damaged; None for what else these modules tell."""
    for (module, of_chip), registers in _DATA.items():
        if of_chip is chip and data[:1] == bytes([module]) and (len(data) == 1 or data[1] in registers):
            return module
    return None


def acc_config(chip: Chip, rate_hz: float, range_g: int) -> bytes:
    """Return the command that configures the accelerometer."""
    rate = _code(ACC_RATES_HZ, rate_hz, "rate", "Hz")
    plain, undersampled = (0x20, 0x80) if chip is Chip.BMI160 else (0xA0, 0x20)
    filtering = plain if rate >= _SLOWEST_PLAIN else undersampled
    code = _code(ACC_RANGES_G[chip], range_g, "range", "g")
    return bytes([Module.ACCELEROMETER, Register.CONFIG, filtering | rate, code])


def gyr_config(rate_hz: float, range_degps: int) -> bytes:
    """Return the command that configures the gyroscope, of either chip."""
    rate = _code(GYR_RATES_HZ, rate_hz, "rate", "Hz")
    code = _code(GYR_RANGES_DEGPS, range_degps, "range", "°/s")
    return bytes([Module.GYROSCOPE, Register.CONFIG, 0x20 | rate, code])


def _code(codes: Mapping[float, int], value: float, name: str, unit: str) -> int:
    code = codes.get(value)
    if code is None:
        known = ", ".join(f"{each:g}" for each in codes)
        raise InvalidCommandError(f"a MetaMotion has no {name} of {value:g} {unit}; known are {known}")
    return code


def subscribe(module: Module, chip: Chip, *, packed: bool, on: bool = True) -> bytes:
    """Return the command that lets data of the accelerometer or gyroscope through, or no longer."""
    return bytes([module, _data_register(module, chip, packed=packed), on])


def enable(module: Module, *, on: bool = True) -> bytes:
    """Return the command that makes the accelerometer or gyroscope produce data, or no longer."""
    return bytes([module, Register.ENABLE, on, not on])


def power(module: Module, *, on: bool = True) -> bytes:
    """Return the command that starts the accelerometer or gyroscope, or stops it."""
    return bytes([module, Register.POWER, on])


def _data_register(module: Module, chip: Chip, *, packed: bool) -> int:
    if (module, chip) not in _DATA:
        raise InvalidCommandError(f"module {module:#04x} has no motion data")
    return _DATA[module, chip][packed]


def acc_start(chip: Chip, rate_hz: float, range_g: int, *, packed: bool = True) -> tuple[bytes, ...]:
    """Return the commands that set up and start acceleration, in order."""
    return (acc_config(chip, rate_hz, range_g), *_start(Module.ACCELEROMETER, chip, packed=packed))


def gyr_start(chip: Chip, rate_hz: float, range_degps: int, *, packed: bool = True) -> tuple[bytes, ...]:
    """Return the commands that set up and start rotation, in order."""
    return (gyr_config(rate_hz, range_degps), *_start(Module.GYROSCOPE, chip, packed=packed))


def _start(module: Module, chip: Chip, *, packed: bool) -> tuple[bytes, ...]:
    return subscribe(module, chip, packed=packed), enable(module), power(module)


def stop(module: Module, chip: Chip) -> tuple[bytes, ...]:
    """Return the commands that stop acceleration or rotation, single and packed, in order."""
    return (
        power(module, on=False),
        enable(module, on=False),
        subscribe(module, chip, packed=False, on=False),
        subscribe(module, chip, packed=True, on=False),
    )


@dataclass(frozen=True, slots=True)
class MotionData:
    """One notification of acceleration or rotation: one sample, or three of them, oldest first."""

    module: Module
    """`ACCELEROMETER` or `GYROSCOPE`."""
    chip: Chip
    samples: tuple[Counts, ...]

    @classmethod
    def from_bytes(cls, data: bytes, chip: Chip) -> "MotionData":
        """Read 8 bytes, or 20 when packed; MalformedFrameError for other registers of this chip, or other lengths."""
        for (module, of_chip), (single, packed) in _DATA.items():
            if of_chip is not chip or data[:1] != bytes([module]):
                continue
            for register, count in ((single, 1), (packed, 3)):
                if data[1:2] == bytes([register]) and len(data) == 2 + 6 * count:
                    return cls(module, chip, tuple(triples(struct.unpack_from(f"<{3 * count}h", data, 2))))
        raise MalformedFrameError(f"no motion data of a {chip.name}", bytes(data))

    def __bytes__(self) -> bytes:
        register = _data_register(self.module, self.chip, packed=len(self.samples) > 1)
        counts = [count for sample in self.samples for count in sample]
        return bytes([self.module, register]) + struct.pack(f"<{len(counts)}h", *counts)

    def acc_g(self, range_g: int) -> tuple[Triple, ...]:
        """Return acceleration in units of gravity, for the range that was configured."""
        return tuple(scaled(sample, acc_per_count_g(range_g)) for sample in self.samples)

    def gyr_degps(self, range_degps: int) -> tuple[Triple, ...]:
        """Return rotation in degrees a second, for the range that was configured."""
        return tuple(scaled(sample, gyr_per_count_degps(range_degps)) for sample in self.samples)


def acc_per_count_g(range_g: int) -> float:
    """Return what a count of acceleration is; InvalidCommandError for a range that the clip does not have."""
    _code(ACC_RANGES_G[Chip.BMI160], range_g, "range", "g")
    return range_g / 32768


def gyr_per_count_degps(range_degps: int) -> float:
    """Return what a count of rotation is; InvalidCommandError for a range that the clip does not have."""
    _code(GYR_RANGES_DEGPS, range_degps, "range", "°/s")
    return 1 / GYR_COUNTS_PER_DEGPS[range_degps]


# ---- what else the accelerometer tells -----------------------------------------------------------------------------


class Orientation(IntEnum):
    """Coarse orientation of a BMI160, `03 11`."""

    FACE_UP_PORTRAIT_UPRIGHT = 0x01
    FACE_UP_PORTRAIT_UPSIDE_DOWN = 0x03
    FACE_UP_LANDSCAPE_LEFT = 0x05
    FACE_UP_LANDSCAPE_RIGHT = 0x07
    FACE_DOWN_PORTRAIT_UPRIGHT = 0x09
    FACE_DOWN_PORTRAIT_UPSIDE_DOWN = 0x0B
    FACE_DOWN_LANDSCAPE_LEFT = 0x0D
    FACE_DOWN_LANDSCAPE_RIGHT = 0x0F


def orientation(data: bytes) -> Orientation:
    """Read the three bytes of an orientation; MalformedFrameError for a code that is none."""
    expect(data, Module.ACCELEROMETER, 0x11)
    _, _, code = unpack(_ORIENTATION, data, "an orientation")
    try:
        return Orientation(code)
    except ValueError as error:
        raise MalformedFrameError(f"an orientation of {code:#04x}", bytes(data)) from error


READ_STEPS = bytes([Module.ACCELEROMETER, 0x80 | 0x1A])
"""BMI160 alone."""


@dataclass(frozen=True, slots=True)
class StepCount:
    """Reply to `READ_STEPS`."""

    steps: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "StepCount":
        """Read four bytes."""
        expect(data, Module.ACCELEROMETER, READ_STEPS[1])
        _, _, steps = unpack(_STEPS, data, "a count of steps")
        return cls(steps)

    def __bytes__(self) -> bytes:
        return _STEPS.pack(*READ_STEPS, self.steps)
