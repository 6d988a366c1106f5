"""Capture2Go IMU clips: packages, commands without payload, identity, status, errors.

This module, `capture2go_mode`, `capture2go_data` and `capture2go_stream` are the specification. Source: the maker's Capture2Go Communication
Protocol and Python SDK (MIT, 2026-04); packages in the tests were packed by that SDK [H].

Connecting
    Advertised as `IMU_<id>` with the service. Status comes by itself after connecting. Each write is one whole package, each
    notification is not: see `capture2go_stream`. Set the time, set the measurement mode, `START_STREAMING`; or, for the
    freshest orientation only, `start_real_time`. A sensor that streams or records already goes on doing so: its status
    tells; `STOP_STREAMING_AND_CLEAR_BUFFER` ends it, and part of a package may then come before the answer.

Clock
    Samples are stamped in nanoseconds, on the time that was set (Unix time is meant). Every package has a CRC. Streamed
    packages wait in a buffer while the link is bad, and lack nothing as long as it lasts.

Feedback
    Light only.
"""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.errors import MalformedFrameError
from firmware_protocol.fields import Counts, in_range, percent, unpack, unpack_beginning

NAME_PREFIX = "IMU_"
SERVICE_UUID = "80030001-e629-4c98-9324-aa7fc0c66de7"
WRITE_UUID = "80030002-e629-4c98-9324-aa7fc0c66de7"
NOTIFY_UUID = "80030003-e629-4c98-9324-aa7fc0c66de7"

START = 0x02
MAX_PAYLOAD = 236
OVERHEAD = 8
"""Start, checksum, size, header."""
RATES_HZ = (200, 100, 50, 25, 10, 1)
"""In the order of their codes from 1 on."""
GYR_BIAS_DEGPS_PER_COUNT = 2 / 32768

_FRAME = struct.Struct("<BIBH")
_HEADER = struct.Struct("<H")
_INFO = struct.Struct("<H6s8s8s12s11s")
_STATUS = struct.Struct("<qBB3h?BB")
_ERROR = struct.Struct("<BH")


class Header(IntEnum):
    """What a package is, and with what payload (below, or none). Those of samples are in `capture2go_data`."""

    GET_DEVICE_INFO = 0x0070
    DEVICE_INFO = 0x0071
    SLEEP = 0x0110
    SLEEP_ACKNOWLEDGED = 0x0111
    SET_MEASUREMENT_MODE = 0x0120
    GET_MEASUREMENT_MODE = 0x0121
    MEASUREMENT_MODE = 0x0122
    START_STREAMING = 0x0150
    START_STREAMING_ACKNOWLEDGED = 0x0151
    STOP_STREAMING = 0x0152
    STOP_STREAMING_ACKNOWLEDGED = 0x0153
    START_RECORDING = 0x0154
    START_RECORDING_ACKNOWLEDGED = 0x0155
    STOP_RECORDING = 0x0156
    STOP_RECORDING_ACKNOWLEDGED = 0x0157
    STOP_STREAMING_AND_CLEAR_BUFFER = 0x0158
    STOP_STREAMING_AND_CLEAR_BUFFER_ACKNOWLEDGED = 0x0159
    START_REAL_TIME_STREAMING = 0x0160
    GET_REAL_TIME_STREAMING_MODE = 0x0161
    REAL_TIME_STREAMING_MODE = 0x0162
    STOP_REAL_TIME_STREAMING = 0x0163
    STOP_REAL_TIME_STREAMING_ACKNOWLEDGED = 0x0164
    SET_ABSOLUTE_TIME = 0x0170
    ABSOLUTE_TIME = 0x0171
    CLOCK_ROUNDTRIP = 0x0172
    GET_STATUS = 0x0200
    STATUS = 0x0201
    ERROR = 0xFFFF


@dataclass(frozen=True, slots=True)
class Package:
    """The frame around everything, either way."""

    header: int
    """A `Header`, one of `capture2go_data`, or one of a later firmware."""
    payload: bytes = b""

    @classmethod
    def from_bytes(cls, data: bytes) -> "Package":
        """Read one whole package; MalformedFrameError when it is cut, followed by something, or its checksum is wrong."""
        if len(data) < OVERHEAD or data[0] != START or len(data) != OVERHEAD + data[5]:
            raise MalformedFrameError("not one whole package", bytes(data))
        _, checksum, size, header = _FRAME.unpack_from(data)
        if size > MAX_PAYLOAD or checksum != zlib.crc32(data[6:]):
            raise MalformedFrameError(f"a package with checksum {checksum:#010x} of other bytes", bytes(data))
        return cls(header, bytes(data[OVERHEAD:]))

    def __bytes__(self) -> bytes:
        size = in_range(len(self.payload), 0, MAX_PAYLOAD, "the length of a payload")
        body = _HEADER.pack(self.header) + self.payload
        return bytes([START]) + zlib.crc32(body).to_bytes(4, "little") + bytes([size]) + body


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """Answer to `GET_DEVICE_INFO`. Texts are as sent, closing NULs included."""

    protocol: int
    """1; from 0x8000 on an application of its own."""
    serial: bytes
    hardware: bytes
    firmware: bytes
    firmware_version: bytes
    firmware_date: bytes
    rest: bytes = b""
    """What a later firmware says more."""

    @classmethod
    def from_bytes(cls, payload: bytes) -> "DeviceInfo":
        """Read 47 bytes and keep what follows."""
        fields = *unpack_beginning(_INFO, payload, "device information"), bytes(payload[_INFO.size :])
        return cls(*fields)

    def __bytes__(self) -> bytes:
        texts = (self.serial, self.hardware, self.firmware, self.firmware_version, self.firmware_date)
        return _INFO.pack(self.protocol, *texts) + self.rest


class SensorState(IntEnum):
    """What the sensor is doing."""

    OFF = 0
    IDLE = 1
    STREAMING = 2
    RECORDING = 3


class ConnectionState(IntEnum):
    """How it is connected."""

    OFFLINE = 0
    ADVERTISING = 1
    BLUETOOTH = 2
    USB = 3


CHARGING = 0x80


@dataclass(frozen=True, slots=True)
class Status:
    """Sent by itself as often as the measurement mode says, and answer to `GET_STATUS`."""

    time_ns: int
    sensor_state: int
    """A `SensorState`."""
    connection_state: int
    """A `ConnectionState`."""
    gyr_bias_counts: Counts
    """Already taken off the rotation; in `GYR_BIAS_DEGPS_PER_COUNT`."""
    synchronised: bool
    battery: int
    """Per cent, and `CHARGING` added when it charges."""
    free_storage_percent: int
    rest: bytes = b""
    """What a later firmware says more."""

    @property
    def battery_percent(self) -> int:
        """The charge."""
        return self.battery & ~CHARGING

    @property
    def charging(self) -> bool:
        """Whether it charges."""
        return bool(self.battery & CHARGING)

    @classmethod
    def from_bytes(cls, payload: bytes) -> "Status":
        """Read 19 bytes and keep what follows; MalformedFrameError over 100 %."""
        time_ns, sensor, connection, x, y, z, synchronised, battery, free = unpack_beginning(
            _STATUS, payload, "a status"
        )
        percent(battery & ~CHARGING, payload)
        rest = bytes(payload[_STATUS.size :])
        return cls(time_ns, sensor, connection, (x, y, z), synchronised, battery, free, rest)

    def __bytes__(self) -> bytes:
        states = (self.sensor_state, self.connection_state)
        last = (self.synchronised, self.battery, self.free_storage_percent)
        return _STATUS.pack(self.time_ns, *states, *self.gyr_bias_counts, *last) + self.rest


class ErrorCode(IntEnum):
    """Why a command failed."""

    NO_ERROR = 0x00
    CALIBRATION_FLASH = 0xFA
    WRONG_STATE = 0xFB
    UNREADABLE_PACKAGE = 0xFC
    UNKNOWN_COMMAND = 0xFD
    SEND_BUFFER_FULL = 0xFE
    UNKNOWN = 0xFF


@dataclass(frozen=True, slots=True)
class SensorError:
    """A command failed."""

    code: int
    """An `ErrorCode`; 0xF0 to 0xF9 are of files."""
    command: int
    """The header of the command, or `ERROR`."""

    @classmethod
    def from_bytes(cls, payload: bytes) -> "SensorError":
        """Read three bytes."""
        return cls(*unpack(_ERROR, payload, "an error"))

    def __bytes__(self) -> bytes:
        return _ERROR.pack(self.code, self.command)


GET_DEVICE_INFO = Package(Header.GET_DEVICE_INFO)
GET_STATUS = Package(Header.GET_STATUS)
GET_MEASUREMENT_MODE = Package(Header.GET_MEASUREMENT_MODE)
START_STREAMING = Package(Header.START_STREAMING)
STOP_STREAMING = Package(Header.STOP_STREAMING)
STOP_STREAMING_AND_CLEAR_BUFFER = Package(Header.STOP_STREAMING_AND_CLEAR_BUFFER)
STOP_RECORDING = Package(Header.STOP_RECORDING)
STOP_REAL_TIME_STREAMING = Package(Header.STOP_REAL_TIME_STREAMING)
SLEEP = Package(Header.SLEEP)
