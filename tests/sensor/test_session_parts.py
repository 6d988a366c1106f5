"""What sessions are made of: questions and answers, what cannot be read, pairing what comes apart."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.errors import MalformedFrameError
from sensor.dialogue import ANSWER_WITHIN_NS, MAX_TRIES, Dialogue
from sensor.families import FAMILIES
from sensor.oddities import CUT, CUT_LENGTH, CUT_PACKETS, UNREADABLE, UNREADABLE_PACKETS, Oddities
from sensor.pairing import MAX_WAITING, Pairing, Waiting
from sensor.samples import SampleBlock
from sensor.session import LONGEST_SIGNAL_MS, Family, Read, Signal, Write

S = 10**9
A, B, C = Write("a", b"1"), Read("b"), Write("c", b"3")

# ---- questions and answers -----------------------------------------------------------------------------------------


def test_a_question_holds_up_what_comes_after_it() -> None:
    """All up to the first question goes out at once, the rest when it has been answered."""
    dialogue = Dialogue()
    dialogue.tell(A)
    dialogue.ask("b", B)
    dialogue.tell(C)

    assert dialogue.due(0) == [A, B]
    assert dialogue.due(1) == []
    dialogue.answered("something else", 2)
    assert dialogue.due(2) == []
    dialogue.answered("b", 3)
    assert dialogue.due(3) == [C]


def test_a_question_is_repeated_and_given_up() -> None:
    """Once a second, five times; then the next one is asked, and the count says so."""
    dialogue = Dialogue()
    dialogue.ask("b", B)
    dialogue.tell(C)

    asked = [dialogue.due(k * ANSWER_WITHIN_NS) for k in range(MAX_TRIES + 2)]

    assert asked == [[B]] * MAX_TRIES + [[C], []]
    assert dialogue.unanswered == 1


def test_a_stream_is_held_up_by_what_it_does_not_need() -> None:
    """While such a question is open and something needed waits behind it: no longer than until it is given up."""
    dialogue = Dialogue()
    dialogue.ask("b", B)
    dialogue.tell(C)
    dialogue.ask("c", C)
    dialogue.ask("b again", B)

    held_up = [dialogue.held_up]
    for k in range(MAX_TRIES + 1):
        dialogue.due(k * ANSWER_WITHIN_NS)
        held_up.append(dialogue.held_up)
    dialogue.answered("c", MAX_TRIES * ANSWER_WITHIN_NS)
    dialogue.due(MAX_TRIES * ANSWER_WITHIN_NS)

    assert held_up == [False] + [True] * MAX_TRIES + [False]
    assert dialogue.topic == "b again"
    assert not dialogue.held_up


@given(st.integers(1, 10**12), st.booleans())
def test_what_is_asked_now_and_then_comes_again(every_ns: int, answered: bool) -> None:
    """After its time, whether it was answered or given up; never before."""
    dialogue = Dialogue()
    dialogue.ask("b", B, every_ns=every_ns)
    now_ns = 0
    assert dialogue.due(now_ns) == [B]
    if answered:
        dialogue.answered("b", now_ns)
    else:
        for now_ns in range(ANSWER_WITHIN_NS, (MAX_TRIES + 1) * ANSWER_WITHIN_NS, ANSWER_WITHIN_NS):
            dialogue.due(now_ns)

    assert dialogue.due(now_ns + every_ns - 1) == []
    assert dialogue.due(now_ns + every_ns) == [B]


# ---- what cannot be read -------------------------------------------------------------------------------------------


def test_a_link_that_cuts_everything_is_told_from_a_damaged_packet() -> None:
    """Ten packets cut to what the smallest link carries, and not one whole: no such verdict once a packet was whole."""
    error = MalformedFrameError("cut")
    cut, mixed = Oddities("clip"), Oddities("clip")
    mixed.read()

    told = [cut.unreadable(bytes(CUT_LENGTH), error) for _ in range(CUT_PACKETS)]
    assert told == [[]] * (CUT_PACKETS - 1) + [[CUT]]
    assert not any(mixed.unreadable(bytes(CUT_LENGTH), error) for _ in range(100))
    assert (cut.malformed, mixed.malformed) == (CUT_PACKETS, 100)


def test_a_clip_of_which_nothing_can_be_read_is_given_up() -> None:
    """A newer firmware may send what nobody knows: that is no stream, and nobody waits for ever; damage is another thing."""
    error = MalformedFrameError("of another length")
    newer, damaged = Oddities("clip"), Oddities("clip")
    damaged.read()

    told = [newer.unreadable(bytes(50), error) for _ in range(UNREADABLE_PACKETS)]
    assert told == [[]] * (UNREADABLE_PACKETS - 1) + [[UNREADABLE]]
    assert not any(damaged.unreadable(bytes(50), error) for _ in range(1000))


# ---- what comes apart ----------------------------------------------------------------------------------------------


def packets(samples: int, size: int, first: int = 0) -> list[np.ndarray]:
    """Return the numbers of samples, packet by packet."""
    numbers = np.arange(first, samples)
    return [numbers[at : at + size] for at in range(0, len(numbers), size)]


@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(0, 3),
    st.sets(st.integers(0, 40), max_size=4),
    st.randoms(use_true_random=False),
)
def test_rotation_finds_its_acceleration(
    acc_size: int, gyr_size: int, gyr_first: int, lost: set[int], random: Random
) -> None:
    """Whatever the packets' sizes: every row is paired with the rotation of its own time, or marked where that was lost."""
    rate_hz, samples = 50.0, 200
    pairing = Pairing(rate_hz)
    acc = [(k[-1], 0, k) for k in packets(samples, acc_size)]
    gyr = [(k[-1], 1, k) for n, k in enumerate(packets(samples, gyr_size, gyr_first)) if n not in lost]
    gone = {int(k) for n, each in enumerate(packets(samples, gyr_size, gyr_first)) if n in lost for k in each}
    found = []
    for _, kind, k in sorted([*acc, *gyr], key=lambda each: (each[0], random.random())):
        if kind:
            found += pairing.rotation(k / rate_hz, np.stack([k, -k, 2 * k], axis=1).astype(float))
        else:
            values = np.stack([k, k, k], axis=1).astype(float)
            found += pairing.acceleration(Waiting(k / rate_hz, k.astype(np.int64), values))
    found += pairing.flush()

    rows = np.concatenate([packet.time_ns for packet, _ in found]) if found else np.empty(0, np.int64)
    gyrs = np.concatenate([each for _, each in found]) if found else np.empty((0, 3))
    assert (np.diff(rows) > 0).all()
    there = ~np.isnan(gyrs).any(axis=1)
    assert gyrs[there] == pytest.approx(
        np.stack([rows, -rows, 2 * rows], axis=1)[there].astype(float), abs=1e-6
    )
    if not lost and max(acc_size, gyr_size) <= MAX_WAITING * min(acc_size, gyr_size):
        assert there.all()
        assert rows.tolist() == list(range(gyr_first, samples))
    assert not there[np.isin(rows, list(gone))].any() or gyr_size == 1


# ---- every family --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
@given(data=st.lists(st.binary(max_size=64), max_size=30), known=st.booleans())
def test_no_bytes_break_a_session(family: Family, data: list[bytes], known: bool) -> None:
    """Whatever comes, on whatever characteristic: no error, and rows whose times go forward."""
    session = family.open_session(family.default_rate_hz)
    asked = session.requests_due(0)
    elsewhere = asked[0].characteristic
    last_ns = 0
    for k, each in enumerate(data):
        now_ns = (k + 1) * S // 10
        for told in session.received(family.data_characteristic if known else elsewhere, each, now_ns):
            if not isinstance(told, SampleBlock):
                continue
            assert told.time_ns[0] > last_ns or last_ns == 0
            last_ns = int(told.time_ns[-1])
        session.requests_due(now_ns)
    session.flush()


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_a_sign_of_any_length_is_a_command(family: Family) -> None:
    """The shortest and the longest that there are; others are refused to whoever asks, and never reach a stream."""
    session = family.open_session(family.default_rate_hz)

    for kind in family.capabilities.signals:
        for duration_ms in (1, LONGEST_SIGNAL_MS):
            assert session.signal(Signal(kind, duration_ms))
        for duration_ms in (0, LONGEST_SIGNAL_MS + 1):
            with pytest.raises(ValueError, match=f"not {duration_ms}"):
                Signal(kind, duration_ms)
