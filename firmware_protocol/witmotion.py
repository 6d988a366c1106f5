"""WitMotion BLE 5 clips (WT901BLE67/68, WT9011DCL-BT50 and kin): frames, registers and commands.

This module is the specification. Its facts agree between the vendor's examples, two open implementations and real
captures, unless marked otherwise; the tests hold the published packets.

Connecting
    Advertised name begins with `WT901BLE`, the vendor matches `WT`. `WTVB…` is a vibration sensor of another protocol
    with the same header (its 0x61 frame is 28 bytes): exclude it. The service is usually in the advertisement and was
    once absent: accept service or name. The UUID tail is 9a34fb, *not* Bluetooth's 9b34fb, and units with the latter
    were seen: match the first group. There is no battery service and no pairing. Streaming begins by itself once
    notifications are on. The rate survives power cycles, so it MUST be set on every connect.

Frames
    All are 20 bytes, little-endian, without checksum, counter or time; the notification carries whole frames as a rule
    (1 up to 20 Hz, 2 at 50, 4 at 100, 8 at 200 Hz) and register replies between them. Loss is invisible.

Axes
    Label toward you, USB end up: +x right, +y toward the USB end, +z out of the label; right-handed, and the gyroscope
    shares them. At rest the accelerometer reads +1 g on the axis that points up.

Dangers
    Register 0x02 (output mask) can silence the stream: there is no command for it here. `SAVE` wears the flash and
    makes the battery read 0 for 300 ms. Calibration followed by a save has spoiled units: calibrate on the host.
    The on-board angles were seen frozen for 2.7 s while the clip moved: do not use them.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError

NAME_PREFIX, FOREIGN_NAME_PREFIX = "WT", "WTVB"
SERVICE_UUID = "0000ffe5-0000-1000-8000-00805f9a34fb"
NOTIFY_UUID = "0000ffe4-0000-1000-8000-00805f9a34fb"
WRITE_UUID = "0000ffe9-0000-1000-8000-00805f9a34fb"
"""Write and write without response."""
UUID_PREFIX_LENGTH = len("0000ffe5-")

FRAME_LENGTH = 20
HEADER = 0x55
G_PER_COUNT = 16 / 32768
DEGPS_PER_COUNT = 2000 / 32768
DEG_PER_COUNT = 180 / 32768
MAX_PITCH_COUNTS = 16384
"""Pitch cannot exceed ±90°: a frame that says so is none."""

_IMU = struct.Struct("<BB3h3h3h")
_REPLY = struct.Struct("<BBH8h")
_COMMAND = struct.Struct("<BBBH")


class FrameType(IntEnum):
    """The second byte of a frame."""

    IMU = 0x61
    """Acceleration, rotation, on-board angles."""
    REGISTERS = 0x71
    """Reply to a register read: start register u16, then eight consecutive int16 registers."""


@dataclass(frozen=True, slots=True)
class ImuFrame:
    """0x61: raw counts of acceleration, rotation and the on-board angles (roll, pitch, yaw)."""

    acc_counts: tuple[int, int, int]
    gyr_counts: tuple[int, int, int]
    angle_counts: tuple[int, int, int] = (0, 0, 0)

    @classmethod
    def from_bytes(cls, data: bytes) -> "ImuFrame":
        """Read 20 bytes; raise MalformedFrameError for anything else, or for an impossible pitch."""
        if len(data) != FRAME_LENGTH or data[0] != HEADER or data[1] != FrameType.IMU:
            raise MalformedFrameError("not a 0x61 frame of 20 bytes", bytes(data))
        _, _, ax, ay, az, gx, gy, gz, roll, pitch, yaw = _IMU.unpack(data)
        if abs(pitch) > MAX_PITCH_COUNTS:
            raise MalformedFrameError("pitch beyond ±90°", bytes(data))
        return cls((ax, ay, az), (gx, gy, gz), (roll, pitch, yaw))

    def __bytes__(self) -> bytes:
        return _IMU.pack(HEADER, FrameType.IMU, *self.acc_counts, *self.gyr_counts, *self.angle_counts)

    @property
    def acc_g(self) -> tuple[float, float, float]:
        """Acceleration in units of gravity, ±16."""
        x, y, z = self.acc_counts
        return x * G_PER_COUNT, y * G_PER_COUNT, z * G_PER_COUNT

    @property
    def gyr_degps(self) -> tuple[float, float, float]:
        """Rotation in degrees a second, ±2000."""
        x, y, z = self.gyr_counts
        return x * DEGPS_PER_COUNT, y * DEGPS_PER_COUNT, z * DEGPS_PER_COUNT

    @property
    def angle_deg(self) -> tuple[float, float, float]:
        """On-board roll, pitch and yaw in degrees; see the module on why not to use them."""
        roll, pitch, yaw = self.angle_counts
        return roll * DEG_PER_COUNT, pitch * DEG_PER_COUNT, yaw * DEG_PER_COUNT


class Register(IntEnum):
    """Registers worth reading; a read returns eight from its start on."""

    RATE = 0x03
    BANDWIDTH = 0x1F
    VERSION = 0x2E
    """u32 over two registers."""
    CHIP_TIME = 0x30
    """Four registers: year and month, day and hour, minute and second, millisecond; low byte first."""
    ACC_RAW = 0x34
    GYR_RAW = 0x37
    MAG_RAW = 0x3A
    """The scale disagrees between the vendor's own sources: not for measuring."""
    ANGLES = 0x3D
    TEMPERATURE = 0x40
    """Hundredths of a degree Celsius."""
    QUATERNION = 0x51
    """w, x, y, z / 32768."""
    BATTERY = 0x64
    """Volts × 100; 0 is no reading: ask again."""
    MAC = 0x66
    """Six bytes over three registers, low byte first."""
    MAG_TYPE = 0x72
    SERIAL = 0x7F
    """Often zeros."""


@dataclass(frozen=True, slots=True)
class RegisterReply:
    """0x71: eight registers from `start` on, as signed words."""

    start: int
    words: tuple[int, ...]

    @classmethod
    def from_bytes(cls, data: bytes) -> "RegisterReply":
        """Read 20 bytes; raise MalformedFrameError for anything else."""
        if len(data) != FRAME_LENGTH or data[0] != HEADER or data[1] != FrameType.REGISTERS:
            raise MalformedFrameError("not a 0x71 frame of 20 bytes", bytes(data))
        _, _, start, *words = _REPLY.unpack(data)
        return cls(start, tuple(words))

    def __bytes__(self) -> bytes:
        return _REPLY.pack(HEADER, FrameType.REGISTERS, self.start, *self.words)

    def unsigned(self, register: int, count: int = 1) -> int | None:
        """Return `count` registers from one on as an unsigned number, low word first; None if they are not here."""
        at = register - self.start
        if at < 0 or at + count > len(self.words):
            return None
        return int.from_bytes(struct.pack(f"<{count}h", *self.words[at : at + count]), "little")

    @property
    def battery_v(self) -> float | None:
        """The cell's voltage; None when it is not in this reply or not known just now."""
        hundredths = self.unsigned(Register.BATTERY)
        return hundredths / 100 if hundredths else None

    @property
    def mac(self) -> str | None:
        """The address as it is printed, `C4:A3:FC:76:9B:33`."""
        number = self.unsigned(Register.MAC, 3)
        return None if number is None else number.to_bytes(6, "big").hex(":").upper()

    @property
    def version(self) -> str | None:
        """The firmware: with the top bit set 17, 6 and 8 bits of major, minor, patch; else a plain number."""
        number = self.unsigned(Register.VERSION, 2)
        if number is None:
            return None
        if number >> 31:
            return f"{number >> 14 & 0x1FFFF}.{number >> 8 & 0x3F}.{number & 0xFF}"
        return str(number)

    @property
    def quaternion_wxyz(self) -> tuple[float, float, float, float] | None:
        """The on-board orientation."""
        at = Register.QUATERNION - self.start
        if at < 0 or at + 4 > len(self.words):
            return None
        w, x, y, z = (word / 32768 for word in self.words[at : at + 4])
        return w, x, y, z

    @property
    def temperature_c(self) -> float | None:
        """The chip's temperature."""
        at = Register.TEMPERATURE - self.start
        return self.words[at] / 100 if 0 <= at < len(self.words) else None

    @property
    def chip_time(self) -> tuple[int, int, int, int, int, int, int] | None:
        """Year (of the century), month, day, hour, minute, second, millisecond."""
        number = self.unsigned(Register.CHIP_TIME, 4)
        if number is None:
            return None
        year, month, day, hour, minute, second, low, high = number.to_bytes(8, "little")
        return year, month, day, hour, minute, second, low | high << 8


class Rate(IntEnum):
    """Codes of the return rate, register 0x03; measured frames a second beside them."""

    HZ_0_2 = 0x01
    HZ_0_5 = 0x02
    HZ_1 = 0x03
    HZ_2 = 0x04
    HZ_5 = 0x05
    HZ_10 = 0x06
    """10.05; the factory setting."""
    HZ_20 = 0x07
    """19.86"""
    HZ_50 = 0x08
    """49.45"""
    HZ_100 = 0x09
    """99.26; code 0x0A behaves alike, though a table says 125."""
    HZ_200 = 0x0B
    """198.43"""
    SINGLE = 0x0C
    NONE = 0x0D


class Bandwidth(IntEnum):
    """Codes of the low-pass, register 0x1F."""

    HZ_256 = 0
    HZ_188 = 1
    HZ_98 = 2
    HZ_42 = 3
    HZ_20 = 4
    """The factory setting."""
    HZ_10 = 5
    HZ_5 = 6


def write_register(register: int, value: int) -> bytes:
    """Return the command that writes one register; InvalidCommandError beyond its range, or for register 0x02."""
    if not 0 <= register <= 0xFF or not 0 <= value <= 0xFFFF:
        raise InvalidCommandError(f"register {register:#x} = {value:#x} is out of range")
    if register == 0x02:
        raise InvalidCommandError("register 0x02 can silence the clip for good")
    return _COMMAND.pack(0xFF, 0xAA, register, value)


def read_registers(start: int) -> bytes:
    """Return the command that reads eight registers. One read at a time: overlapping reads can hang the clip."""
    if not 0 <= start <= 0xFF:
        raise InvalidCommandError(f"register {start:#x} is out of range")
    return _COMMAND.pack(0xFF, 0xAA, 0x27, start)


def set_rate(rate: Rate) -> bytes:
    """Return the command that sets the rate. Acts without unlocking."""
    return write_register(Register.RATE, rate)


def set_bandwidth(bandwidth: Bandwidth) -> bytes:
    """Return the command that sets the low-pass; wants `UNLOCK` before."""
    return write_register(Register.BANDWIDTH, bandwidth)


def set_vertical(vertical: bool) -> bytes:
    """Return the command that sets the mounting (of the on-board angles)."""
    return write_register(0x23, int(vertical))


def set_six_axis(six_axis: bool) -> bytes:
    """Return the command that leaves the magnetometer out of the on-board angles, or takes it in."""
    return write_register(0x24, int(six_axis))


UNLOCK = write_register(0x69, 0xB588)
"""Opens the persistent registers for about 10 s: unlock, 100 ms, write, 100 ms, save, 500 ms of quiet."""
SAVE = write_register(0x00, 0)
FACTORY_RESET = write_register(0x00, 1)
"""From the generic manual; not tried on this family."""
CALIBRATE_ACCELEROMETER = write_register(0x01, 1)
"""Level and still. See the dangers."""
CALIBRATE_MAGNETOMETER = write_register(0x01, 7)
FINISH_CALIBRATION = write_register(0x01, 0)
ZERO_YAW = write_register(0x01, 4)
ZERO_ANGLES = write_register(0x01, 8)

BATTERY_CURVE = (
    (3.40, 0.0),
    (3.50, 5.0),
    (3.68, 10.0),
    (3.70, 15.0),
    (3.73, 20.0),
    (3.77, 30.0),
    (3.79, 40.0),
    (3.82, 50.0),
    (3.87, 60.0),
    (3.93, 75.0),
    (3.96, 90.0),
    (3.99, 100.0),
)
"""Volts and per cent, straight lines between, as in the vendor's Android example. (Its C# example uses steps and is up
to 15 % higher. A voltage is the fact: store that.)"""


def battery_percent(volts: float) -> float:
    """Return the charge by `BATTERY_CURVE`."""
    if volts <= BATTERY_CURVE[0][0]:
        return 0.0
    for (low_v, low), (high_v, high) in pairwise(BATTERY_CURVE):
        if volts <= high_v:
            return low + (volts - low_v) / (high_v - low_v) * (high - low)
    return 100.0
