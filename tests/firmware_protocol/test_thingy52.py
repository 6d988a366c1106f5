"""Nordic Thingy:52: motion, button, speaker. Layout and scales are those of the firmware's headers."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import thingy52, thingy52_interface
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.thingy52 import (
    Euler,
    Gravity,
    Heading,
    MotionConfig,
    Orientation,
    Pedometer,
    Raw,
    Rotation,
    Side,
    Tap,
)
from firmware_protocol.thingy52_interface import SoundConfig, Tone
from tests.firmware_protocol.numbers import counts, i16, i32, percents, triples, u8, u16, u32


def test_the_firmwares_own_configuration() -> None:
    """Its factory setting, byte for byte; and 50 Hz with all else as it was."""
    told = MotionConfig.from_bytes(bytes.fromhex("e803f401f4010a0001"))

    assert told == MotionConfig(
        rate_hz=10, steps_ms=1000, temperature_ms=500, magnetometer_ms=500, wake_on_motion=True
    )
    assert bytes(MotionConfig()).hex() == "e803f401f4010a0001"
    assert thingy52.configure(50, steps_ms=100, wake=False).hex() == "6400f401f401320000"


def test_raw_counts_have_10_5_and_4_fractional_bits() -> None:
    """1 g is 1024, 1 °/s is 32 (not 256), 1 µT is 16."""
    told = Raw((1024, -512, 0), (32, -64, 16), (16, 800, -8))

    assert told.acc_g == (1.0, -0.5, 0.0)
    assert told.gyr_degps == (1.0, -2.0, 0.5)
    assert told.mag_ut == (1.0, 50.0, -0.5)
    assert bytes(told).hex() == "000400fe00002000c0ff100010002003f8ff"


def test_on_board_orientation() -> None:
    """30 and 16 fractional bits; gravity are floats in m/s² (built from the firmware's types)."""
    quaternion = Orientation.from_bytes(bytes.fromhex("0000004000000000000000e000000020"))
    euler = Euler.from_bytes(bytes.fromhex("0080f3ff00001e0000c0b300"))
    gravity = Gravity.from_bytes(bytes.fromhex("000000000ae89c408be20741"))

    assert quaternion.quaternion_wxyz == (1.0, 0.0, -0.5, 0.5)
    assert euler.angle_deg == (-12.5, 30.0, 179.75)
    assert Heading.from_bytes(bytes.fromhex("00400f01")).heading_deg == 271.25
    assert gravity.gravity_mps2 == pytest.approx((0.0, 4.90333, 8.49281), abs=1e-5)
    rotation = Rotation.from_bytes(bytes.fromhex("0040000000000000004000e0000000200040"))
    assert rotation.rows == ((1.0, 0.0, 0.0), (0.0, 1.0, -0.5), (0.0, 0.5, 1.0))


def test_taps_steps_sides_and_the_button() -> None:
    """Two bytes, eight, one, one; codes that are none are malformed."""
    assert Tap.from_bytes(b"\x05\x02") == Tap(5, 2)
    assert Pedometer.from_bytes(bytes.fromhex("0a000000e8030000")) == Pedometer(10, 1000)
    assert thingy52.side(b"\x02") is Side.REVERSE_PORTRAIT
    assert thingy52_interface.button(b"\x01")
    assert not thingy52_interface.button(b"\x00")
    for read, data in ((thingy52.side, b"\x04"), (thingy52_interface.button, b"\x02")):
        with pytest.raises(MalformedFrameError):
            read(data)


def test_a_beep() -> None:
    """1500 Hz for 200 ms at 60 %, once the speaker takes tones; outputs are all or nothing."""
    assert bytes(SoundConfig()).hex() == "0101"
    assert thingy52_interface.tone(1500, 200, 60).hex() == "dc05c8003c"
    assert Tone.from_bytes(bytes.fromhex("dc05c8003c")) == Tone(1500, 200, 60)
    assert thingy52_interface.drive_outputs((True, False, True, False)).hex() == "ff00ff00"


WRONG: list[Callable[[], object]] = [
    lambda: thingy52.configure(4),
    lambda: thingy52.configure(201),
    lambda: thingy52.configure(50, steps_ms=99),
    lambda: thingy52.configure(50, magnetometer_ms=1001),
    lambda: thingy52_interface.tone(99, 200),
    lambda: thingy52_interface.tone(1000, 0),
    lambda: thingy52_interface.tone(1000, 200, 101),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_commands_out_of_range_are_our_fault(wrong: Callable[[], object]) -> None:
    """Beyond what the firmware takes."""
    with pytest.raises(InvalidCommandError):
        wrong()


@given(
    st.builds(MotionConfig, u16, u16, u16, u16, st.booleans())
    | st.builds(Raw, counts, counts, counts)
    | st.builds(Orientation, st.tuples(i32, i32, i32, i32))
    | st.builds(Euler, st.tuples(i32, i32, i32))
    | st.builds(Heading, i32)
    | st.builds(Gravity, triples)
    | st.builds(Rotation, st.tuples(*[i16] * 9))
    | st.builds(Tap, u8, u8)
    | st.builds(Pedometer, u32, u32)
    | st.builds(SoundConfig, u8, u8)
    | st.builds(Tone, u16, u16, percents)
)
def test_they_come_back(thing: MotionConfig | Raw | Orientation | Euler | Heading | Gravity | Tone) -> None:
    """Bytes and back is the same."""
    assert type(thing).from_bytes(bytes(thing)) == thing


KINDS = (MotionConfig, Raw, Orientation, Euler, Heading, Gravity, Rotation, Tap, Pedometer, SoundConfig, Tone)


@given(st.binary(max_size=20))
def test_any_bytes_are_something_or_a_protocol_error(data: bytes) -> None:
    """Nothing else is raised, and what is read is written back as it was."""
    for kind in KINDS:
        with suppress(ProtocolError):
            assert bytes(kind.from_bytes(data)) == data
    for read in (thingy52.side, thingy52_interface.button):
        with suppress(ProtocolError):
            read(data)
