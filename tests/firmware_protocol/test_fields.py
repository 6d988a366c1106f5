"""Reading and writing fields: lengths, ranges, stamps that wrap."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import finite, in_range, triples, unpack, unpack_beginning, unwrapped

PAIR = struct.Struct("<BH")


def test_a_length_is_exact_or_at_least() -> None:
    """What is too short, and where it must be exact too long, is malformed; the error says how long it should be."""
    assert unpack(PAIR, b"\x01\x02\x03", "a pair") == (1, 0x0302)
    assert unpack_beginning(PAIR, b"\x01\x02\x03\x04", "a pair") == (1, 0x0302)
    with pytest.raises(MalformedFrameError, match="a pair has 3 bytes, not 4") as caught:
        unpack(PAIR, b"\x01\x02\x03\x04", "a pair")
    assert caught.value.data == b"\x01\x02\x03\x04"
    with pytest.raises(MalformedFrameError, match="at least 3 bytes, not 2"):
        unpack_beginning(PAIR, b"\x01\x02", "a pair")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_malformed(number: float) -> None:
    """Not a number, or infinite: no measurement."""
    assert finite((1.0, -2.0), b"") == (1.0, -2.0)
    with pytest.raises(MalformedFrameError):
        finite((1.0, number), b"\x00")


def test_a_command_out_of_range_is_our_fault() -> None:
    """Both ends belong to the range."""
    assert [in_range(value, 1, 3, "it") for value in (1, 2, 3)] == [1, 2, 3]
    for value in (0, 4):
        with pytest.raises(InvalidCommandError, match=f"it is from 1 to 3, not {value}"):
            in_range(value, 1, 3, "it")


def test_triples_leave_the_rest_out() -> None:
    """x, y, z, and again."""
    assert list(triples((1, 2, 3, 4, 5, 6, 7))) == [(1, 2, 3), (4, 5, 6)]


def test_a_stamp_wraps() -> None:
    """16 667 µs pass over the end of 32 bits, as between two payloads of a DOT; and back, when packets come late."""
    assert unwrapped(16661, 32, 4294967290) == 4294967290 + 16667
    assert unwrapped(4294967290, 32, (1 << 32) + 16661) == 4294967290


@given(st.integers(0, 1 << 48), st.integers(4, 32), st.data())
def test_stamps_follow_steps_of_less_than_half(previous: int, bits: int, data: st.DataObject) -> None:
    """Whatever the step, forth or back, the stamp's last bits are enough to find the time again."""
    half = 1 << (bits - 1)
    time = previous + data.draw(st.integers(-half, half - 1))

    assert unwrapped(time & ((1 << bits) - 1), bits, previous) == time
