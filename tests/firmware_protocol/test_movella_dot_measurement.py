"""Movella DOT's payloads: every mode by the specification's table, cut ones, the clock that wraps."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import movella_dot_measurement as dot
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.movella_dot_measurement import Clipping, Measurement, Mode
from tests.firmware_protocol.numbers import counts, quaternions, triples, u8, u16, u32

SPECIFIED_LENGTHS = {
    2: 36,
    3: 32,
    4: 16,
    5: 20,
    6: 16,
    7: 32,
    16: 28,
    18: 38,
    19: 32,
    20: 34,
    21: 28,
    22: 40,
    23: 34,
    24: 32,
    26: 44,
}
"""Tables 14 to 16, and revision C for mode 26."""


def test_modes_are_as_long_as_specified() -> None:
    """And are notified on the characteristic for their length."""
    assert {int(mode): dot.length_of(mode) for mode in Mode} == SPECIFIED_LENGTHS
    assert dot.characteristic_of(Mode.QUATERNION) == dot.SHORT_UUID
    assert dot.characteristic_of(Mode.CUSTOM_1) == dot.MEDIUM_UUID
    assert dot.characteristic_of(Mode.CUSTOM_5) == dot.LONG_UUID


def test_an_extended_quaternion() -> None:
    """Status 0x0012 is the specification's own example: clipped in acceleration's y and rotation's y."""
    data = bytes.fromhex("1b4100000000803f0000000000000000000000000000003f000000bf0000803e12000301")

    told = Measurement.from_bytes(data, Mode.EXTENDED_QUATERNION)

    assert told.time_us == 16667
    assert told.quaternion_wxyz == (1.0, 0.0, 0.0, 0.0)
    assert told.free_acc_mps2 == (0.5, -0.5, 0.25)
    assert told.status == (0x12, 3, 1)
    assert told.clipping == Clipping.ACC_Y | Clipping.GYR_Y
    assert told.acc_mps2 is None
    assert bytes(told) == data


def test_rate_quantities_with_the_magnetic_field() -> None:
    """Acceleration in m/s² with gravity; the field in 4096ths."""
    data = bytes.fromhex("80841e0000000000000000000ae81c41000000000000000000000000001000f80004")

    told = Measurement.from_bytes(data, Mode.RATE_MAG)

    assert told.time_us == 2_000_000
    assert told.acc_mps2 == pytest.approx((0.0, 0.0, 9.80665))
    assert told.gyr_degps == (0.0, 0.0, 0.0)
    assert told.mag_normalised == (1.0, -0.5, 0.25)


def test_custom_5_is_what_posture_wants() -> None:
    """Orientation, acceleration and rotation in 44 bytes; zeros up to 63 may follow."""
    data = bytes.fromhex(
        "c0c62d000000003f0000003f0000003f0000003f000000000000000000001c41000020410000a0410000f041"
    )

    told = Measurement.from_bytes(data.ljust(63, b"\0"), Mode.CUSTOM_5)

    assert told.quaternion_wxyz == (0.5, 0.5, 0.5, 0.5)
    assert (told.acc_mps2, told.gyr_degps) == ((0.0, 0.0, 9.75), (10.0, 20.0, 30.0))
    assert bytes(told) == data


def test_a_payload_cut_by_a_small_mtu_is_malformed() -> None:
    """20 of 32 bytes look like another mode; the mode that was asked for tells."""
    cut = bytes.fromhex("788bf702fdd0163eec3847bf6a7d18bf7eeb083e")

    with pytest.raises(MalformedFrameError, match="at least 32 bytes, not 20"):
        Measurement.from_bytes(cut, Mode.COMPLETE_QUATERNION)
    assert Measurement.from_bytes(cut, Mode.QUATERNION).quaternion_wxyz is not None


def test_commands_are_the_specifications() -> None:
    """Type, action, mode."""
    assert dot.start(Mode.CUSTOM_5).hex() == "01011a"
    assert dot.start(Mode.QUATERNION).hex() == "010105"
    assert dot.stop(Mode.EXTENDED_QUATERNION).hex() == "010002"


def test_time_goes_on_over_its_end() -> None:
    """71.58 minutes after power-on 32 bits are over: one period, and nothing lost."""
    before = dot.unwrapped_us(4294967290, 4294950623)
    after = dot.unwrapped_us(16661, before)

    assert after - before == 16667
    assert dot.lost_between(before, after, 60) == 0


@pytest.mark.parametrize(("periods", "lost"), [(1, 0), (1.4, 0), (1.6, 1), (2, 1), (3.1, 2), (61, 60)])
def test_a_gap_in_time_is_loss(periods: float, lost: int) -> None:
    """Beyond one and a half periods."""
    assert dot.lost_between(1_000_000, 1_000_000 + round(periods * 1e6 / 60), 60) == lost


def test_loss_wants_a_rate_and_time_that_goes_on() -> None:
    """Our fault the one, the clip's the other."""
    with pytest.raises(InvalidCommandError):
        dot.lost_between(0, 1, 0)
    with pytest.raises(MalformedFrameError):
        dot.lost_between(5, 5, 60)


numbers = {
    "quaternion_wxyz": quaternions,
    "euler_deg": triples,
    "free_acc_mps2": triples,
    "acc_mps2": triples,
    "gyr_degps": triples,
    "dq_wxyz": quaternions,
    "dv_mps": triples,
    "mag_counts": counts,
    "status": st.tuples(u16, u8, u8),
}


@given(st.sampled_from(Mode), u32, st.fixed_dictionaries(numbers))
def test_payloads_come_back(mode: Mode, time_us: int, values: dict[str, Any]) -> None:
    """What the mode carries is the same after bytes and back; the rest is None."""
    data = bytes(Measurement(mode, time_us, **values))

    told = Measurement.from_bytes(data, mode)

    assert len(data) == dot.length_of(mode)
    assert told.time_us == time_us
    carried = [name for name in numbers if getattr(told, name) is not None]
    assert carried
    assert {name: getattr(told, name) for name in carried} == {name: values[name] for name in carried}


def test_a_number_that_is_none_is_malformed() -> None:
    """A payload with a NaN is no measurement."""
    data = struct.pack("<I3f3f", 5, 0.0, float("nan"), 0.0, 0.0, 0.0, 0.0)

    with pytest.raises(MalformedFrameError, match="not a number"):
        Measurement.from_bytes(data, Mode.RATE)


@given(st.sampled_from(Mode), st.binary(max_size=64))
def test_any_bytes_are_a_payload_or_a_protocol_error(mode: Mode, data: bytes) -> None:
    """Nothing else is raised, and a payload is never read from fewer bytes than it has."""
    try:
        told = Measurement.from_bytes(data, mode)
    except ProtocolError:
        return
    assert len(data) >= dot.length_of(mode)
    assert bytes(told) == data[: dot.length_of(mode)]
