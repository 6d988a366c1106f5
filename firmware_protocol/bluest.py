"""STMicroelectronics boards with BlueST firmware (SensorTile, SensorTile.box): motion. EXPERIMENTAL.

Source: BlueSTSDK_Python (2022) [M]; no capture from hardware was found, and newer kits send other formats (PnP-L) that are
not read here.

Known by its advertisement, which has no company id: a version, the board and a mask of features where that would be. So a
Bluetooth library shows it as data of the company `1 + 256 * board`. Each feature is a characteristic whose UUID begins with
its mask; features notified together have their masks joined. A packet is a tick of 16 bits and then its features, highest
bit first. A tick shows loss when packets come one a tick; its unit depends on the firmware.
"""

import struct
from dataclasses import dataclass
from enum import IntFlag

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import Counts, Triple, scaled

VERSION = 1
TICK_BITS = 16
DEGPS_PER_COUNT = 0.1
_TICK = struct.Struct("<H")
_TRIPLE = struct.Struct("<3h")


class Feature(IntFlag):
    """Bits of the mask, those that are read here; each is three words."""

    MAG = 0x0020_0000
    """Milligauss."""
    GYR = 0x0040_0000
    """Tenths of a degree a second."""
    ACC = 0x0080_0000
    """Thousandths of gravity."""


ALL_MOTION = Feature.ACC | Feature.GYR | Feature.MAG


def characteristic_of(features: Feature) -> str:
    """Return the UUID on which these features are notified together."""
    if not features or features & ~ALL_MOTION:
        raise InvalidCommandError(f"{features:#010x} are no features of motion")
    return f"{features:08x}-0001-11e1-ac36-0002a5d5c51b"


@dataclass(frozen=True, slots=True)
class Advertised:
    """The maker's data of an advertisement, from the version on."""

    board: int
    features: int
    """All bits, also of features that are not read here."""
    address: str | None = None

    @classmethod
    def from_bytes(cls, data: bytes) -> "Advertised":
        """Read 6 bytes, or 12 with an address; MalformedFrameError for others, or another version."""
        if len(data) not in {6, 12} or data[0] != VERSION:
            raise MalformedFrameError("not a BlueST advertisement", bytes(data))
        address = data[6:].hex(":").upper() or None
        return cls(data[1], int.from_bytes(data[2:6], "big"), address)

    def __bytes__(self) -> bytes:
        address = bytes.fromhex((self.address or "").replace(":", ""))
        return bytes([VERSION, self.board]) + self.features.to_bytes(4, "big") + address


@dataclass(frozen=True, slots=True)
class Motion:
    """One packet of features that are notified together; those that are not in it are None."""

    tick: int
    acc_mg: Counts | None = None
    gyr_counts: Counts | None = None
    mag_mgauss: Counts | None = None

    @property
    def gyr_degps(self) -> Triple | None:
        """Rotation in degrees a second."""
        return None if self.gyr_counts is None else scaled(self.gyr_counts, DEGPS_PER_COUNT)

    @classmethod
    def from_bytes(cls, data: bytes, features: Feature) -> "Motion":
        """Read a tick and the features of the characteristic; MalformedFrameError when there are not just these."""
        wanted = [feature for feature in (Feature.ACC, Feature.GYR, Feature.MAG) if feature & features]
        if len(data) != _TICK.size + _TRIPLE.size * len(wanted) or not wanted:
            raise MalformedFrameError("not just these features", bytes(data))
        values: dict[Feature, Counts] = {}
        for at, feature in enumerate(wanted):
            x, y, z = _TRIPLE.unpack_from(data, _TICK.size + _TRIPLE.size * at)
            values[feature] = (x, y, z)
        (tick,) = _TICK.unpack_from(data)
        return cls(tick, values.get(Feature.ACC), values.get(Feature.GYR), values.get(Feature.MAG))

    def __bytes__(self) -> bytes:
        values = (self.acc_mg, self.gyr_counts, self.mag_mgauss)
        return _TICK.pack(self.tick) + b"".join(_TRIPLE.pack(*value) for value in values if value is not None)
