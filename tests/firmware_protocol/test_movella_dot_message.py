"""Movella DOT's messages: the specification's examples, two of which are printed with wrong checksums."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import movella_dot_message as dot
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.movella_dot_message import (
    Acknowledgement,
    Message,
    Recording,
    RecordingResult,
    Sync,
    Topic,
)
from tests.firmware_protocol.numbers import u8


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (dot.get_recording_state(), "010102fc"),
        (dot.stop_recording(), "010141bd"),
        (dot.request_file_info(1), "010260019c"),
        (dot.request_file_data(7), "0102700786"),
        (dot.get_sync_status(), "020108f5"),
        (dot.start_sync("D4:CA:6E:F1:69:3D"), "0207013d69f16ecad453"),
        (dot.start_sync("DB:F0:3F:28:7A:C9"), "020701c97a283ff0db81"),
        (dot.stop_sync(), "020102fb"),
        (dot.FACTORY_RESET, "030104f8"),
    ],
)
def test_commands_are_the_specifications_examples(message: Message, data: str) -> None:
    """Topic, length, number, data, and a byte that makes the sum zero."""
    assert bytes(message).hex() == data
    assert Message.from_bytes(bytes.fromhex(data)) == message


PRINTED = bytes.fromhex("010740df503b5b0807e0")
PRINTED_ANSWER = bytes.fromhex("0109010040df503b5b0807dd")


def test_the_two_examples_that_are_printed_wrong_are_refused() -> None:
    """By the specification's own rule their last bytes would be E4 and E1; all before is what we write."""
    for data, right in ((PRINTED, 0xE4), (PRINTED_ANSWER, 0xE1)):
        with pytest.raises(MalformedFrameError, match=f"not 0x{right:x}") as caught:
            Message.from_bytes(data)
        assert caught.value.data == data

    start = dot.start_recording(1530613983, 30 * 60)
    assert bytes(start) == PRINTED[:-1] + b"\xe4"
    answer = Acknowledgement.from_message(Message.from_bytes(PRINTED_ANSWER[:-1] + b"\xe1"))
    assert answer == Acknowledgement(RecordingResult.SUCCESS, start)


def test_an_acknowledgement_is_padded_with_zeros() -> None:
    """As the specification shows it: idle, in answer to GetState."""
    data = bytes.fromhex("0103010602f3").ljust(160, b"\0")

    answer = Acknowledgement.from_message(Message.from_bytes(data))

    assert answer == Acknowledgement(RecordingResult.IDLE, dot.get_recording_state())


def test_a_synchronisations_acknowledgement_leaves_the_command_out() -> None:
    """`02 02 03 00 F9` in the specification."""
    answer = Acknowledgement.from_message(Message.from_bytes(bytes.fromhex("02020300f9")))

    assert answer == Acknowledgement(0, None)
    status = Message.from_bytes(bytes.fromhex("02025104a7"))
    assert (status.id, status.data) == (Sync.STATUS, bytes([dot.SYNCHRONISED]))


@pytest.mark.parametrize("data", ["", "010102", "0100fe", "010502fc", "010102fc01", "010102fd", "01ff02fc"])
def test_no_message(data: str) -> None:
    """Cut, without a number, followed by something, with a wrong sum."""
    with pytest.raises(MalformedFrameError):
        Message.from_bytes(bytes.fromhex(data))


@pytest.mark.parametrize("message", [Message(1, 2), Message(1, 1), Message(9, 1, b"\0")])
def test_no_acknowledgement(message: Message) -> None:
    """Of another number, without a result, of another topic."""
    with pytest.raises(MalformedFrameError):
        Acknowledgement.from_message(message)


def test_commands_out_of_range_are_our_fault() -> None:
    """Files count from 1 to 254, a timed recording ends after 88 minutes, an address has six bytes."""
    wrongs: tuple[Callable[[], object], ...] = (
        lambda: dot.request_file_info(0),
        lambda: dot.request_file_data(0xFF),
        lambda: dot.start_recording(0, 88 * 60 + 1),
        lambda: dot.start_recording(-1),
        lambda: dot.start_sync("D4:CA:6E:F1:69"),
        lambda: dot.start_sync("no address"),
        lambda: bytes(Message(1, 2, bytes(157))),
    )
    for wrong in wrongs:
        with pytest.raises(InvalidCommandError):
            wrong()
    assert bytes(dot.start_recording(0))[-3:-1] == b"\xff\xff"


@given(u8, u8, st.binary(max_size=156), st.integers(0, 20))
def test_messages_come_back(topic: int, number: int, data: bytes, padding: int) -> None:
    """Also of topics that are not known, and with zeros behind."""
    message = Message(topic, number, data)

    assert sum(bytes(message)) % 256 == 0
    assert Message.from_bytes(bytes(message) + bytes(padding)) == message


@given(st.binary(max_size=12), st.booleans())
def test_any_bytes_are_a_message_or_a_protocol_error(data: bytes, repaired: bool) -> None:
    """Nothing else is raised, not for right checksums either."""
    if repaired and len(data) > 3:
        data = data[:1] + bytes([len(data) - 3]) + data[2:-1]
        data += bytes([-sum(data) & 0xFF])
    try:
        message = Message.from_bytes(data)
    except ProtocolError:
        assert not repaired or len(data) < 4
        return
    assert bytes(message) == data[: len(bytes(message))]
    try:
        answer = Acknowledgement.from_message(message)
    except ProtocolError:
        return
    assert message.topic in {Topic.RECORDING, Topic.SYNC}
    assert message.id in {Recording.ACKNOWLEDGEMENT, Sync.ACKNOWLEDGEMENT}
    assert answer.result == message.data[0]
