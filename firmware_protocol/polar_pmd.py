"""Polar sensors (Verity Sense, OH1, H10): Polar Measurement Data service; settings, commands and their answers.

This module and `polar_pmd_data` are the specification. Source: Polar's own SDK (2026-05; its unit tests hold the exact
bytes), its document on online measurement, and bleakheart [H].

Connecting
    Advertised as `Polar Sense XXXXXXXX`, `Polar H10 XXXXXXXX`. Verity Sense has acceleration, rotation and magnetic field
    and clips to a strap or a collar; H10 is a chest strap with acceleration. Standard battery service. Enable indications
    on the control point and notifications on the data, then write commands to the control point; each is answered.
    The MTU MUST be about 232 or more, else a start is answered with `INVALID_MTU`. A stream goes on until it is stopped.
    As a rule one host at a time [L].

Clock
    Frames are stamped in nanoseconds since `EPOCH_UNIX_NS` with the time of their *last* sample. The clock begins at
    2019-01-01 unless it has been set.

Dangers
    H10 drops the link about 45 s after it has left the skin.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import finite, in_range, unpack_beginning

NAME_PREFIX = "Polar "
SERVICE_UUID = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL_UUID = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
"""Read (`Features`), write, indicate."""
DATA_UUID = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
"""Notify."""
MTU = 232
EPOCH_UNIX_NS = 946_684_800 * 10**9
"""2000-01-01 UTC."""
_HEADER = struct.Struct("<BQB")
_FLOAT = struct.Struct("<f")


class MeasurementType(IntEnum):
    """What is measured; in frames the low six bits of the first byte."""

    ECG = 0
    PPG = 1
    ACC = 2
    PPI = 3
    GYRO = 5
    MAG = 6
    SKIN_TEMPERATURE = 7
    SDK = 9
    """No data: the mode that unlocks more rates and ranges (Verity Sense)."""
    LOCATION = 10
    PRESSURE = 11
    TEMPERATURE = 12
    OFFLINE_RECORDING = 13
    OFFLINE_HR = 14


class Operation(IntEnum):
    """First byte of a command, second of its response."""

    GET_SETTINGS = 1
    START = 2
    STOP = 3
    GET_SDK_SETTINGS = 4
    GET_STATUS = 5
    GET_SDK_STATUS = 6


class Status(IntEnum):
    """How a command was answered."""

    SUCCESS = 0
    INVALID_OPERATION = 1
    INVALID_TYPE = 2
    NOT_SUPPORTED = 3
    INVALID_LENGTH = 4
    INVALID_PARAMETER = 5
    ALREADY_IN_STATE = 6
    """Running already, or stopped already: as good as success."""
    INVALID_RESOLUTION = 7
    INVALID_RATE = 8
    INVALID_RANGE = 9
    INVALID_MTU = 10
    INVALID_CHANNELS = 11
    INVALID_STATE = 12
    IN_CHARGER = 13
    DISK_FULL = 14


class Setting(IntEnum):
    """Tag of a setting; a count and so many values follow, of the width told here."""

    RATE = 0
    """u16, Hz."""
    RESOLUTION = 1
    """u16, bits."""
    RANGE = 2
    """u16, ± g or °/s."""
    RANGE_MILLI = 3
    """u32, thousandths."""
    CHANNELS = 4
    """u8"""
    FACTOR = 5
    """float32, told by the answer to a start: what a count is worth."""


_WIDTHS: Mapping[int, int] = MappingProxyType({0: 2, 1: 2, 2: 2, 3: 4, 4: 1, 5: 4})


@dataclass(frozen=True, slots=True)
class Settings:
    """What a sensor offers, what a start asks for, or what its answer tells."""

    rates_hz: tuple[int, ...] = ()
    resolutions_bit: tuple[int, ...] = ()
    ranges: tuple[int, ...] = ()
    ranges_milli: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    factor: float | None = None
    """For `polar_pmd_data`; None is 1."""
    rest: bytes = b""
    """From a tag on whose width is not known."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "Settings":
        """Read tags, counts and values; MalformedFrameError when they are cut. One byte or none is no settings."""
        values: dict[int, tuple[int, ...]] = {}
        at, end = 0, len(data) if len(data) > 1 else 0
        while at < end and data[at] in _WIDTHS:
            tag, width = data[at], _WIDTHS[data[at]]
            until = at + 2 + data[at + 1] * width if at + 1 < end else end + 1
            if until > end:
                raise MalformedFrameError("settings are cut", bytes(data))
            values[tag] = tuple(
                int.from_bytes(data[begin : begin + width], "little") for begin in range(at + 2, until, width)
            )
            at = until
        factors = values.get(Setting.FACTOR, ())
        factor = _FLOAT.unpack(factors[0].to_bytes(4, "little"))[0] if factors else None
        return cls(
            rates_hz=values.get(Setting.RATE, ()),
            resolutions_bit=values.get(Setting.RESOLUTION, ()),
            ranges=values.get(Setting.RANGE, ()),
            ranges_milli=values.get(Setting.RANGE_MILLI, ()),
            channels=values.get(Setting.CHANNELS, ()),
            factor=None if factor is None else finite((factor,), data)[0],
            rest=bytes(data[at:]),
        )

    def __bytes__(self) -> bytes:
        parts = [
            (Setting.RATE, self.rates_hz),
            (Setting.RESOLUTION, self.resolutions_bit),
            (Setting.RANGE, self.ranges),
            (Setting.RANGE_MILLI, self.ranges_milli),
            (Setting.CHANNELS, self.channels),
        ]
        written = b"".join(_setting(tag, values) for tag, values in parts if values)
        if self.factor is not None:
            written += bytes([Setting.FACTOR, 1]) + _FLOAT.pack(self.factor)
        return written + self.rest


def _setting(tag: Setting, values: tuple[int, ...]) -> bytes:
    width = _WIDTHS[tag]
    for value in values:
        in_range(value, 0, (1 << 8 * width) - 1, f"a {tag.name.lower()}")
    return bytes([tag, len(values)]) + b"".join(value.to_bytes(width, "little") for value in values)


def get_settings(measurement: MeasurementType) -> bytes:
    """Return the command that asks what the sensor offers; `ControlResponse.settings` is the answer."""
    return bytes([Operation.GET_SETTINGS, measurement])


def start(
    measurement: MeasurementType,
    *,
    rate_hz: int,
    resolution_bit: int = 16,
    full_scale: int | None = None,
    channels: int | None = None,
) -> bytes:
    """Return the command that starts a stream; `full_scale` is ± g or °/s. The answer's settings hold the factor: keep it.

    H10 has 25 to 200 Hz and 2 to 8 g, and knows no channels. Verity Sense has 52 Hz and 8 g or 2000 °/s, more in the SDK
    mode, and wants its 3 channels told.
    """
    if measurement is MeasurementType.SDK:
        raise InvalidCommandError("the SDK mode has no settings: start_sdk_mode")
    settings = Settings(
        rates_hz=(in_range(rate_hz, 1, 0xFFFF, "a rate"),),
        resolutions_bit=(in_range(resolution_bit, 1, 32, "a resolution"),),
        ranges=() if full_scale is None else (full_scale,),
        channels=() if channels is None else (channels,),
    )
    return bytes([Operation.START, measurement]) + bytes(settings)


def stop(measurement: MeasurementType) -> bytes:
    """Return the command that stops a stream, or leaves the SDK mode."""
    return bytes([Operation.STOP, measurement])


def start_sdk_mode() -> bytes:
    """Return the command that enters the mode with more rates and ranges; no stream may run (Verity Sense)."""
    return bytes([Operation.START, MeasurementType.SDK])


@dataclass(frozen=True, slots=True)
class ControlResponse:
    """The answer to a command, indicated by the control point."""

    operation: int
    measurement: int
    status: int
    """A `Status`, or one of a later firmware."""
    more: bool = False
    """Another response goes on with the parameters."""
    parameters: bytes = b""

    @classmethod
    def from_bytes(cls, data: bytes) -> "ControlResponse":
        """Read four bytes and more; MalformedFrameError when it begins otherwise than a response."""
        if len(data) < 4 or data[0] != 0xF0:
            raise MalformedFrameError("not the response of a Polar's control point", bytes(data))
        if data[3] != Status.SUCCESS:
            return cls(data[1], data[2], data[3])
        return cls(data[1], data[2], data[3], len(data) > 4 and data[4] != 0, bytes(data[5:]))

    def __bytes__(self) -> bytes:
        return bytes([0xF0, self.operation, self.measurement, self.status, self.more]) + self.parameters

    def settings(self) -> Settings:
        """Read the parameters as settings; MalformedFrameError when they are none."""
        return Settings.from_bytes(self.parameters)


@dataclass(frozen=True, slots=True)
class Stopped:
    """The sensor itself stopped these streams, indicated by the control point."""

    measurements: tuple[int, ...]

    @classmethod
    def from_bytes(cls, data: bytes) -> "Stopped":
        """Read two bytes and more."""
        if len(data) < 2 or data[0] != 0x01:
            raise MalformedFrameError("not the end of a Polar's stream", bytes(data))
        return cls(tuple(byte & 0x3F for byte in data[1:]))

    def __bytes__(self) -> bytes:
        return bytes([0x01, *self.measurements])


@dataclass(frozen=True, slots=True)
class Features:
    """What the sensor can measure: the control point, read."""

    mask: int
    """A bit for each `MeasurementType`."""
    length: int = 2
    """Bytes of the mask."""

    @property
    def measurements(self) -> frozenset[MeasurementType]:
        """Those that are known here."""
        return frozenset(kind for kind in MeasurementType if self.mask >> kind & 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Features":
        """Read two bytes and more."""
        if len(data) < 2 or data[0] != 0x0F:
            raise MalformedFrameError("not the features of a Polar", bytes(data))
        return cls(int.from_bytes(data[1:], "little"), len(data) - 1)

    def __bytes__(self) -> bytes:
        return b"\x0f" + self.mask.to_bytes(self.length, "little")


@dataclass(frozen=True, slots=True)
class DataFrame:
    """One notification of data; `polar_pmd_data` reads its content."""

    measurement: int
    time_ns: int
    """Of the last sample, since `EPOCH_UNIX_NS`."""
    type: int
    """How samples are laid out, by measurement."""
    compressed: bool
    """Differences rather than samples."""
    content: bytes

    @classmethod
    def from_bytes(cls, data: bytes) -> "DataFrame":
        """Read ten bytes and what follows."""
        measurement, time_ns, kind = unpack_beginning(_HEADER, data, "a Polar's data")
        return cls(measurement & 0x3F, time_ns, kind & 0x7F, kind > 0x7F, bytes(data[_HEADER.size :]))

    def __bytes__(self) -> bytes:
        kind = self.type | (0x80 if self.compressed else 0)
        return _HEADER.pack(self.measurement, self.time_ns, kind) + self.content
