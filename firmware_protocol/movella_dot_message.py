"""A Movella DOT's messages: recording on the clip, synchronisation of several, and their answers.

A message is `id length data checksum`; all its bytes sum to zero. It is written to 0x7001, its acknowledgement is then
read from 0x7002 (padded with zeros, and overwritten by the next), and what takes time is notified on 0x7003. Source and
certainty as in `movella_dot` [H]. The specification's example of StartRecording and the acknowledgement beside it are
printed with wrong checksums (E0 and DD; right are E4 and E1); all its other examples are right.

To synchronise, send `start_sync` with the root's address to every clip, disconnect for 14 s, connect again and read the
acknowledgement. A number may mean one thing in a command and another in a notification (0x41: stop, stopped).
"""

from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import in_range
from firmware_protocol.movella_dot import uuid

SERVICE_UUID = uuid(0x7000)
CONTROL_UUID = uuid(0x7001)
ACKNOWLEDGEMENT_UUID = uuid(0x7002)
NOTIFICATION_UUID = uuid(0x7003)

MAX_DATA_LENGTH = 157
NO_TIMER_S = 0xFFFF


class Topic(IntEnum):
    """The message id."""

    RECORDING = 1
    SYNC = 2
    CONFIGURATION = 3
    """Since the specification's revision C. Its reply tells the address high byte first, unlike all else."""


class Recording(IntEnum):
    """Second number of a recording message."""

    ACKNOWLEDGEMENT = 0x01
    GET_STATE = 0x02
    FLASH_BUSY = 0x03
    ERASE_FLASH = 0x30
    """u32 seconds UTC."""
    STORE_FLASH_INFO_DONE = 0x33
    FLASH_FULL = 0x34
    INVALID_FLASH_FORMAT = 0x35
    START = 0x40
    """u32 seconds UTC, u16 seconds to record (`NO_TIMER_S`: until stopped)."""
    STOP = 0x41
    """And in a notification: stopped."""
    REQUEST_TIME = 0x42
    TIME = 0x43
    """u32 start UTC, u16 total and u16 remaining seconds."""
    REQUEST_FLASH_INFO = 0x50
    FLASH_INFO = 0x51
    FLASH_INFO_DONE = 0x52
    REQUEST_FILE_INFO = 0x60
    """u8 file, from 1."""
    FILE_INFO = 0x61
    FILE_INFO_DONE = 0x62
    NO_FILE = 0x63
    REQUEST_FILE_DATA = 0x70
    """u8 file, from 1."""
    FILE_DATA = 0x71
    """u32 number of the packet from 0, then the chosen quantities."""
    FILE_DATA_DONE = 0x72
    STOP_EXPORT = 0x73
    SELECT_EXPORT = 0x74
    RETRANSMIT = 0x75
    FILE_DATA_INVALID = 0x76


class Sync(IntEnum):
    """Second number of a synchronisation message."""

    START = 0x01
    """Address of the root, low byte first."""
    STOP = 0x02
    ACKNOWLEDGEMENT = 0x03
    GET_STATUS = 0x08
    STOP_RESULT = 0x50
    """u8: 0 is done, 1 failed."""
    STATUS = 0x51
    """u8: 4 is synchronised, 9 is not."""


class Configuration(IntEnum):
    """Second number of a configuration message."""

    FACTORY_RESET = 0x04


class RecordingResult(IntEnum):
    """Result of a recording message's acknowledgement: how it was taken, or what the clip is doing."""

    SUCCESS = 0x00
    INVALID_COMMAND = 0x02
    FLASH_BUSY = 0x03
    IDLE = 0x06
    ERASING = 0x30
    RECORDING = 0x40
    EXPORTING_FLASH_INFO = 0x50
    EXPORTING_FILE_INFO = 0x60
    EXPORTING_FILE_DATA = 0x70


class SyncResult(IntEnum):
    """Result of a synchronisation."""

    SUCCESS = 0x00
    TOO_FEW_SAMPLES = 0x05
    SKEW_TOO_LARGE = 0x07
    START_TIME_ERROR = 0x08
    NOT_STARTED = 0x09


SYNCHRONISED = 4


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `topic` and `id` are of the enums above, or numbers of a later firmware."""

    topic: int
    id: int
    data: bytes = b""

    @classmethod
    def from_bytes(cls, data: bytes) -> "Message":
        """Read a message; zeros may follow it. MalformedFrameError when it is cut or its checksum is wrong."""
        if len(data) < 4 or not 1 <= data[1] <= MAX_DATA_LENGTH or len(data) < data[1] + 3:
            raise MalformedFrameError("a DOT's message is cut, or has no length", bytes(data))
        end = data[1] + 2
        if data[end] != _checksum(data[:end]):
            raise MalformedFrameError(
                f"a DOT's message with checksum {data[end]:#04x}, not {_checksum(data[:end]):#04x}",
                bytes(data),
            )
        if any(data[end + 1 :]):
            raise MalformedFrameError("something follows a DOT's message", bytes(data))
        return cls(data[0], data[2], bytes(data[3:end]))

    def __bytes__(self) -> bytes:
        length = in_range(len(self.data) + 1, 1, MAX_DATA_LENGTH, "the length of a message")
        message = bytes([self.topic, length, self.id]) + self.data
        return message + bytes([_checksum(message)])


def _checksum(message: bytes) -> int:
    return -sum(message) & 0xFF


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the clip made of a command: 0x7002, read."""

    result: int
    """A `RecordingResult` or `SyncResult`, by the topic."""
    command: Message | None
    """The command it answers; a synchronisation's answer leaves it out."""

    @classmethod
    def from_message(cls, message: Message) -> "Acknowledgement":
        """Read it from its message; MalformedFrameError when that is none."""
        kinds: dict[int, int] = {
            Topic.RECORDING: Recording.ACKNOWLEDGEMENT,
            Topic.SYNC: Sync.ACKNOWLEDGEMENT,
        }
        if message.id != kinds.get(message.topic) or not message.data:
            raise MalformedFrameError("not an acknowledgement", bytes(message))
        result, answered = message.data[0], message.data[1:]
        return cls(result, Message(message.topic, answered[0], answered[1:]) if answered else None)


def get_recording_state() -> Message:
    """Ask what the clip is doing; the acknowledgement's result tells."""
    return Message(Topic.RECORDING, Recording.GET_STATE)


def start_recording(start_utc_s: int, duration_s: int = NO_TIMER_S) -> Message:
    """Record on the clip for up to 88 min, or without `duration_s` until stopped."""
    in_range(start_utc_s, 0, 0xFFFFFFFF, "a start")
    if duration_s != NO_TIMER_S:
        in_range(duration_s, 1, 88 * 60, "a recording's seconds")
    data = start_utc_s.to_bytes(4, "little") + duration_s.to_bytes(2, "little")
    return Message(Topic.RECORDING, Recording.START, data)


def stop_recording() -> Message:
    """Stop recording on the clip."""
    return Message(Topic.RECORDING, Recording.STOP)


def request_file_info(file: int) -> Message:
    """Ask for what is known of a recorded file, counted from 1."""
    return Message(Topic.RECORDING, Recording.REQUEST_FILE_INFO, bytes([in_range(file, 1, 0xFE, "a file")]))


def request_file_data(file: int) -> Message:
    """Ask for a recorded file, counted from 1."""
    return Message(Topic.RECORDING, Recording.REQUEST_FILE_DATA, bytes([in_range(file, 1, 0xFE, "a file")]))


def start_sync(root_address: str) -> Message:
    """Synchronise to the clip with this address, `D4:CA:6E:F1:69:3D`."""
    try:
        address = bytes.fromhex(root_address.replace(":", ""))
    except ValueError as error:
        raise InvalidCommandError(f"{root_address!r} is no address") from error
    if len(address) != 6:
        raise InvalidCommandError(f"{root_address!r} is no address")
    return Message(Topic.SYNC, Sync.START, address[::-1])


def stop_sync() -> Message:
    """Run on the clip's own clock again."""
    return Message(Topic.SYNC, Sync.STOP)


def get_sync_status() -> Message:
    """Ask whether the clip is synchronised; a notification tells."""
    return Message(Topic.SYNC, Sync.GET_STATUS)


FACTORY_RESET = Message(Topic.CONFIGURATION, Configuration.FACTORY_RESET)
