"""eSense earbuds (left bud): the head's motion. EXPERIMENTAL.

Not sold any more. Source: the maker's protocol as open_earable_flutter implements it [M]; neither a capture from hardware
nor a second implementation was at hand. Frames carry an index of one byte, so loss shows modulo 256, and no time.

Advertised as `eSense-dddd`. Start with `start`; ranges are read from `RANGES_UUID` and needed to tell what a count is.
"""

import struct
from dataclasses import dataclass

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import Counts, Triple, in_range, scaled
from firmware_protocol.gatt import uuid

NAME_PREFIX = "eSense-"
SERVICE_UUID = uuid(0xFF06)
CONFIG_UUID = uuid(0xFF07)
DATA_UUID = uuid(0xFF08)
BUTTON_UUID = uuid(0xFF09)
BATTERY_UUID = uuid(0xFF0A)
RANGES_UUID = uuid(0xFF0E)

COMMAND, DATA, RANGES = 0x53, 0x55, 0x59
INDEX_BITS = 8
ACC_COUNTS_PER_G = {2: 16384.0, 4: 8192.0, 8: 4096.0, 16: 2048.0}
GYR_COUNTS_PER_DEGPS = {250: 131.0, 500: 65.5, 1000: 32.8, 2000: 16.4}
_MOTION = struct.Struct(">3h3h")


def _sum(body: bytes) -> int:
    return (len(body) + sum(body)) & 0xFF


def start(rate_hz: int) -> bytes:
    """Return the command that streams motion at 1 to 200 Hz."""
    return _command(bytes([1, in_range(rate_hz, 1, 200, "a rate")]))


def stop() -> bytes:
    """Return the command that stops motion."""
    return _command(bytes([0, 0]))


def _command(body: bytes) -> bytes:
    return bytes([COMMAND, _sum(body), len(body)]) + body


@dataclass(frozen=True, slots=True)
class Motion:
    """One sample. The only family that sends high bytes first."""

    index: int
    """Of the packet, modulo 256."""
    gyr_counts: Counts
    acc_counts: Counts

    @classmethod
    def from_bytes(cls, data: bytes) -> "Motion":
        """Read 16 bytes; MalformedFrameError for others, or when the checksum is wrong."""
        if len(data) != 16 or data[0] != DATA or data[3] != _MOTION.size:
            raise MalformedFrameError("not an eSense's motion", bytes(data))
        if data[2] != _sum(data[4:]):
            raise MalformedFrameError(f"checksum {data[2]:#04x}, not {_sum(data[4:]):#04x}", bytes(data))
        gx, gy, gz, ax, ay, az = _MOTION.unpack_from(data, 4)
        return cls(data[1], (gx, gy, gz), (ax, ay, az))

    def __bytes__(self) -> bytes:
        body = _MOTION.pack(*self.gyr_counts, *self.acc_counts)
        return bytes([DATA, self.index, _sum(body), len(body)]) + body

    def acc_g(self, range_g: int) -> Triple:
        """Return acceleration in units of gravity, for the range in force."""
        if range_g not in ACC_COUNTS_PER_G:
            raise InvalidCommandError(f"an eSense has no range of {range_g} g")
        return scaled(self.acc_counts, 1 / ACC_COUNTS_PER_G[range_g])

    def gyr_degps(self, range_degps: int) -> Triple:
        """Return rotation in degrees a second, for the range in force."""
        if range_degps not in GYR_COUNTS_PER_DEGPS:
            raise InvalidCommandError(f"an eSense has no range of {range_degps} °/s")
        return scaled(self.gyr_counts, 1 / GYR_COUNTS_PER_DEGPS[range_degps])


@dataclass(frozen=True, slots=True)
class Ranges:
    """The ranges in force: read. Only the bytes that say so are kept; the chip's filters are beside them."""

    acc_g: int
    gyr_degps: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "Ranges":
        """Read seven bytes; MalformedFrameError for others, or when the checksum is wrong."""
        if len(data) != 7 or data[0] != RANGES or data[2] != 4 or data[1] != _sum(data[3:]):
            raise MalformedFrameError("not an eSense's ranges", bytes(data))
        return cls(list(ACC_COUNTS_PER_G)[data[5] >> 3 & 3], list(GYR_COUNTS_PER_DEGPS)[data[4] >> 3 & 3])
