"""One connection to a Movesense: packets that need more than one notification, refusals, what other hosts left."""

import itertools

import pytest

from firmware_protocol.movesense import NOTIFY_UUID, WRITE_UUID, DataPart, Response, Status, unsubscribe
from firmware_protocol.movesense_data import MotionData
from sensor.families import family_named
from sensor.samples import SampleBlock
from sensor.session import Told, Write
from sensor.sessions.movesense import EXHAUSTED

START_NS = 1_767_225_600_000_000_000
PERIOD_NS = 77_000_000
SAMPLES = 16
"""In a packet at 208 Hz: 388 bytes."""


def parts(k: int, length: int) -> list[bytes]:
    """Return packet k, cut into notifications of so many bytes of it; acceleration tells the sample, rotation the packet."""
    acc = tuple((float(each), 9.75, float(k)) for each in range(SAMPLES))
    data = bytes(MotionData(1000 + 77 * k, acc, ((0.0, 0.0, float(k)),) * SAMPLES))
    chunks = [data[at : at + length] for at in range(0, len(data), length)]
    return [bytes(DataPart(3, chunk, continues=at > 0)) for at, chunk in enumerate(chunks)]


@pytest.mark.parametrize("length", [59, 95, 180, 242, 512])
def test_a_packet_in_parts_is_one(length: int) -> None:
    """As the link's MTU has it: every sample comes, at its place."""
    session = family_named("movesense").open_session(208.0)

    for k in range(20):
        told = [
            each
            for part in parts(k, length)
            for each in session.received(NOTIFY_UUID, part, START_NS + k * PERIOD_NS)
        ]
        (block,) = told
        assert isinstance(block, SampleBlock)
        assert block.acc_mps2[:, 0].tolist() == list(range(SAMPLES))


def test_a_packet_too_long_spoils_none_after_it() -> None:
    """Of three packets' parts one was made whose length is right by chance: those that follow are read as ever."""
    session = family_named("movesense").open_session(208.0)
    one, other = parts(0, 192), parts(1, 192)
    for part in (*one[:2], *other[1:]):
        session.received(NOTIFY_UUID, part, START_NS)

    told = []
    for k in range(2, 12):
        for part in parts(k, 192):
            told += session.received(NOTIFY_UUID, part, START_NS + k * PERIOD_NS)

    assert [len(block) for block in told if isinstance(block, SampleBlock)] == [SAMPLES] * 10


@pytest.mark.parametrize("length", [180, 242])
def test_parts_of_several_packets_are_no_sample(length: int) -> None:
    """Whichever of two packets' parts are lost: no number comes to stand where another one belongs."""
    count = len(parts(0, length))
    for there in itertools.product([True, False], repeat=2 * count):
        session = family_named("movesense").open_session(208.0)
        sent = [part for k in range(3) for part in parts(k, length)]
        for part, arrives in zip(sent, (*(True,) * count, *there), strict=True):
            if arrives:
                for told in session.received(NOTIFY_UUID, part, START_NS):
                    assert isinstance(told, SampleBlock)
                    assert told.acc_mps2[:, 0].tolist() == list(range(SAMPLES))
                    assert told.acc_mps2[:, 1].tolist() == [9.75] * SAMPLES


# ---- what else comes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "told"), [(Status.UNAVAILABLE, []), (Status.TOO_MANY_REQUESTS, [EXHAUSTED])]
)
def test_a_greeting_that_is_refused_is_no_serial_number(status: Status, told: list[Told]) -> None:
    """A status of two bytes: nobody takes the sensor for another one, and the script goes on."""
    session = family_named("movesense").open_session(52.0)
    session.requests_due(START_NS)

    assert session.received(NOTIFY_UUID, bytes(Response(1, status)), START_NS) == told


def test_another_hosts_subscription_is_ended_once() -> None:
    """Under whatever reference it was made, but for those of questions."""
    session = family_named("movesense").open_session(52.0)
    for second in range(30):
        session.requests_due(START_NS + second * 10**9)
    for _ in range(3):
        for reference in (99, 1):
            assert session.received(NOTIFY_UUID, bytes(DataPart(reference, bytes(148))), START_NS) == []

    asked = session.requests_due(START_NS + 30 * 10**9)
    assert asked == [Write(WRITE_UUID, bytes(unsubscribe(99)), needed=False)]
