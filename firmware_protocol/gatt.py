"""Standard Bluetooth services that many clips have: battery and device information.

This module is the specification of them here: Battery Service 1.0, Device Information Service 1.1 (Bluetooth SIG) [H].
WitMotion and Movella DOT have neither; for the others `docs/clips.md` tells who has which.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import percent, unpack


def uuid(short: int) -> str:
    """Return the full UUID of a number that the Bluetooth SIG assigned."""
    if not 0 <= short <= 0xFFFF:
        raise InvalidCommandError(f"{short:#x} is no 16-bit UUID")
    return f"0000{short:04x}-0000-1000-8000-00805f9b34fb"


BATTERY_SERVICE_UUID = uuid(0x180F)
BATTERY_LEVEL_UUID = uuid(0x2A19)
"""Read, and nearly always notify."""
DEVICE_INFORMATION_SERVICE_UUID = uuid(0x180A)

_LEVEL = struct.Struct("<B")
_SYSTEM_ID = struct.Struct("<Q")


class DeviceInformation(IntEnum):
    """Characteristics of the device information service; all but the system id are text."""

    SYSTEM_ID = 0x2A23
    """Eight bytes, see `SystemId`."""
    MODEL_NUMBER = 0x2A24
    SERIAL_NUMBER = 0x2A25
    FIRMWARE_REVISION = 0x2A26
    HARDWARE_REVISION = 0x2A27
    SOFTWARE_REVISION = 0x2A28
    MANUFACTURER_NAME = 0x2A29


@dataclass(frozen=True, slots=True)
class BatteryLevel:
    """0x2A19: the charge in per cent; 0 is a charge like any other."""

    percent: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "BatteryLevel":
        """Read one byte; MalformedFrameError for more, for none, and over 100 %."""
        (level,) = unpack(_LEVEL, data, "a battery level")
        return cls(percent(level, data))

    def __bytes__(self) -> bytes:
        return _LEVEL.pack(self.percent)


@dataclass(frozen=True, slots=True)
class SystemId:
    """0x2A23: who made the device, and which one of theirs it is."""

    organization: int
    """24 bits, the maker's number at the IEEE."""
    number: int
    """40 bits."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "SystemId":
        """Read eight bytes."""
        (whole,) = unpack(_SYSTEM_ID, data, "a system id")
        return cls(whole >> 40, whole & 0xFF_FFFF_FFFF)

    def __bytes__(self) -> bytes:
        return _SYSTEM_ID.pack(self.organization << 40 | self.number)


def text(data: bytes) -> str:
    """Return what a text characteristic says. Some firmware sends the closing NUL along; it is left out."""
    try:
        return data.rstrip(b"\0").decode()
    except UnicodeDecodeError as error:
        raise MalformedFrameError("not UTF-8 text", bytes(data)) from error
