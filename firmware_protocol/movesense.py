"""Movesense sensors: GATT SensorData Protocol (GSP); commands, and how they are answered.

This module and `movesense_data` are the specification. Source: movesense-commander (2026-08; captures from hardware),
movesense_bleak, and the maker's page on the protocol [H].

Connecting
    Advertised as `Movesense` and the serial number of twelve digits, with the services FDF3 and 180D: *not* with this
    service, so go by the name. Medical and Flash sensors have GSP in their firmware; HR+ and HR2 need the application
    gatt_sensordata. Enable notifications before the first command. A sensor that the system holds does not advertise.
    Then `hello`, `set_time`, `get` of `ENERGY_LEVEL`, `subscribe` to a measurement. About four subscriptions at a time.

Packets
    Code, reference, payload. The reference is chosen by the command and comes back in every answer to it: go by it, for
    answers interleave. What does not fit in one notification is continued in a second one (`DataPart.joined`).

Dangers
    Status 429: the pool of requests is empty, also for the next host, until `set_system_mode(..., RESTART)`. A request that
    is never answered takes a place in it: have at most two on their way, and never ask for `/Info`, which does not answer.
    Ranges cannot be set by this protocol. Erasing the log cannot be undone: there is no command for it here.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import in_range

NAME_PREFIX = "Movesense"
COMPANY_ID = 0x009F
SERVICE_UUID = "34802252-7185-4d5d-b431-630e7050e8f0"
WRITE_UUID = "34800001-7185-4d5d-b431-630e7050e8f0"
"""Write with response."""
NOTIFY_UUID = "34800002-7185-4d5d-b431-630e7050e8f0"

ENERGY_LEVEL = "/System/Energy/Level"
DETAILED_TIME = "/Time/Detailed"

_STATUS = struct.Struct("<H")
_TIME = struct.Struct("<Q")


class Command(IntEnum):
    """First byte of a request."""

    HELLO = 0
    """No payload; answered by `Hello`."""
    SUBSCRIBE = 1
    """A path; answered by a status, then data under the same reference."""
    UNSUBSCRIBE = 2
    """No payload; the reference is the subscription's."""
    FETCH_LOG = 3
    """u32 number of the log."""
    GET = 4
    """A path."""
    CLEAR_LOGBOOK = 5
    PUT_DATALOGGER_CONFIG = 6
    """Paths, one after another."""
    PUT_SYSTEMMODE = 7
    """u8, a `SystemMode`."""
    PUT_UTCTIME = 8
    """u64 microseconds since 1970."""
    PUT_DATALOGGER_STATE = 9
    """u8: 2 ready, 3 logging."""


class SystemMode(IntEnum):
    """What a sensor can be told to be."""

    OFF = 1
    RESTART = 5
    """Into its application; the link is lost, and the pool of requests full again."""
    FIRMWARE_UPDATE = 12


class Status(IntEnum):
    """How a command was answered, as in HTTP."""

    OK = 200
    ACCEPTED = 202
    """Of `PUT_SYSTEMMODE`."""
    NOT_ALLOWED = 401
    """A resource that can only be subscribed to."""
    NOT_FOUND = 404
    CONFLICT = 409
    TOO_MANY_REQUESTS = 429
    """Only a restart helps."""
    UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class Request:
    """A command as it is written."""

    command: int
    reference: int
    payload: bytes = b""

    @classmethod
    def from_bytes(cls, data: bytes) -> "Request":
        """Read two bytes and what follows."""
        if len(data) < 2:
            raise MalformedFrameError("a request has at least two bytes", bytes(data))
        return cls(data[0], data[1], bytes(data[2:]))

    def __bytes__(self) -> bytes:
        in_range(self.reference, 0, 0xFF, "a reference")
        return bytes([self.command, self.reference]) + self.payload


def hello(reference: int) -> Request:
    """Ask who the sensor is."""
    return Request(Command.HELLO, reference)


def subscribe(reference: int, path: str) -> Request:
    """Ask for a measurement (`movesense_data.path_of`) until further notice."""
    return Request(Command.SUBSCRIBE, reference, _path(path))


def unsubscribe(reference: int) -> Request:
    """End the subscription that was made under this reference."""
    return Request(Command.UNSUBSCRIBE, reference)


def get(reference: int, path: str) -> Request:
    """Ask for a resource once."""
    if path.rstrip("/") == "/Info":
        raise InvalidCommandError("/Info is never answered, and the question takes a place in the pool")
    return Request(Command.GET, reference, _path(path))


def set_system_mode(reference: int, mode: SystemMode) -> Request:
    """Turn the sensor off, or restart it; the link is lost."""
    return Request(Command.PUT_SYSTEMMODE, reference, bytes([mode]))


def set_time(reference: int, utc_us: int) -> Request:
    """Set the sensor's clock, microseconds since 1970."""
    return Request(Command.PUT_UTCTIME, reference, _TIME.pack(in_range(utc_us, 0, 2**63 - 1, "a time in µs")))


def _path(path: str) -> bytes:
    if not path.startswith("/") or not path.isascii() or not path.isprintable():
        raise InvalidCommandError(f"{path!r} is no path of a resource")
    return path.encode() + b"\0"


class Answer(IntEnum):
    """First byte of a notification."""

    RESPONSE = 1
    DATA = 2
    CONTINUATION = 3
    """Goes on with the data last sent under the same reference."""


@dataclass(frozen=True, slots=True)
class Response:
    """How a command was answered (all but `HELLO`)."""

    reference: int
    status: int
    """A `Status`, or another of HTTP's numbers."""
    data: bytes = b""

    @classmethod
    def from_bytes(cls, data: bytes) -> "Response":
        """Read four bytes and what follows."""
        if len(data) < 4 or data[0] != Answer.RESPONSE:
            raise MalformedFrameError("not the response to a command", bytes(data))
        (status,) = _STATUS.unpack_from(data, 2)
        return cls(data[1], status, bytes(data[4:]))

    def __bytes__(self) -> bytes:
        return bytes([Answer.RESPONSE, self.reference]) + _STATUS.pack(self.status) + self.data


@dataclass(frozen=True, slots=True)
class Hello:
    """The response to `hello`: it alone has no status, so go by the reference; of four bytes it is a `Response` all the same."""

    reference: int
    protocol: int
    """Its version."""
    texts: tuple[str, ...]
    """Serial number, product, address for updates, application, its version; later firmware may tell more."""

    @property
    def serial(self) -> str:
        """The serial number, as in the advertised name."""
        return self.texts[0]

    @classmethod
    def from_bytes(cls, data: bytes) -> "Hello":
        """Read three bytes and texts that end with NUL, the last of them perhaps without; the first of them is not empty."""
        if len(data) < 3 or data[0] != Answer.RESPONSE:
            raise MalformedFrameError("not the response to a greeting", bytes(data))
        body = bytes(data[3:-1] if data[-1] == 0 else data[3:])
        if body[:1] in {b"", b"\0"}:
            raise MalformedFrameError("a greeting without a serial number", bytes(data))
        try:
            return cls(data[1], data[2], tuple(body.decode().split("\0")))
        except UnicodeDecodeError as error:
            raise MalformedFrameError("not UTF-8 text", bytes(data)) from error

    def __bytes__(self) -> bytes:
        head = bytes([Answer.RESPONSE, self.reference, self.protocol])
        return head + b"".join(text.encode() + b"\0" for text in self.texts)


@dataclass(frozen=True, slots=True)
class DataPart:
    """Data of a subscription, or its continuation."""

    reference: int
    data: bytes
    continues: bool = False
    """It goes on with the part before of the same reference."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "DataPart":
        """Read two bytes and what follows."""
        if len(data) < 2 or data[0] not in {Answer.DATA, Answer.CONTINUATION}:
            raise MalformedFrameError("not the data of a subscription", bytes(data))
        return cls(data[1], bytes(data[2:]), data[0] == Answer.CONTINUATION)

    def __bytes__(self) -> bytes:
        code = Answer.CONTINUATION if self.continues else Answer.DATA
        return bytes([code, self.reference]) + self.data

    def joined(self, after: "DataPart") -> "DataPart":
        """Return this part and its continuation as one; MalformedFrameError when the other one does not continue it.

        Nothing tells in advance that data will be continued, and cut data may look whole: know how many samples a
        measurement has, or use an MTU that needs no second part (161 for IMU9 at 52 Hz).
        """
        if not after.continues or after.reference != self.reference:
            raise MalformedFrameError("the other part does not go on with this one", bytes(after))
        return DataPart(self.reference, self.data + after.data, self.continues)
