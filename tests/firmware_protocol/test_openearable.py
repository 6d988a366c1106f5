"""OpenEarable 2: configuration and packets of motion, built from its firmware and its application's library."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import openearable
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.openearable import Destination, Motion, MotionPacket, Sensor, SensorConfig
from tests.firmware_protocol.numbers import triples, u8, u16, u64


def test_motion_is_streamed_at_50_hz() -> None:
    """Sensor 0, second rate, to the radio and not to the card."""
    assert openearable.start_imu(50).hex() == "000101"
    assert openearable.stop_imu().hex() == "000000"
    told = SensorConfig.from_bytes(bytes.fromhex("000101"))
    assert (told.sensor, told.rate_hz, told.destination) == (Sensor.IMU, 50, Destination.STREAM)
    assert SensorConfig(Sensor.PPG, 1, 1).rate_hz is None
    assert SensorConfig(Sensor.IMU, 6, 1).rate_hz is None


@pytest.mark.parametrize("rate_hz", [0, 60, 200])
def test_rates_that_the_radio_does_not_have(rate_hz: int) -> None:
    """200 Hz and more are for the card."""
    with pytest.raises(InvalidCommandError):
        openearable.start_imu(rate_hz)


HEAD = struct.pack("<BBQ", 0, 36, 5_000_000)
SAMPLE = struct.pack("<9f", 0.0, 4.9, 8.5, 1.5, -2.5, 0.0, 20.0, -30.0, 40.0)


def test_one_sample_in_a_packet() -> None:
    """46 bytes: acceleration, rotation, magnetic field."""
    told = MotionPacket.from_bytes(HEAD + SAMPLE)

    assert told.time_us == 5_000_000
    assert told.step_us is None
    (sample,) = told.samples
    assert sample.acc_mps2 == pytest.approx((0.0, 4.9, 8.5))
    assert sample.gyr_degps == (1.5, -2.5, 0.0)
    assert sample.mag_ut == (20.0, -30.0, 40.0)


def test_several_samples_in_a_packet() -> None:
    """Their step of time stands at the end, in microseconds."""
    told = MotionPacket.from_bytes(HEAD + SAMPLE * 3 + struct.pack("<H", 20000))

    assert (len(told.samples), told.step_us) == (3, 20000)


@pytest.mark.parametrize(
    "data",
    [b"", HEAD, HEAD + SAMPLE[:-1], HEAD + SAMPLE + b"\0", HEAD + SAMPLE * 2, b"\x07" + HEAD[1:] + SAMPLE],
)
def test_no_packet_of_motion(data: bytes) -> None:
    """Cut, several samples without a step, another sensor's."""
    with pytest.raises(MalformedFrameError):
        MotionPacket.from_bytes(data)


motion = st.builds(Motion, triples, triples, triples)


@given(
    st.builds(MotionPacket, u64, st.tuples(motion), st.none() | u16, u8)
    | st.builds(MotionPacket, u64, st.lists(motion, min_size=2, max_size=4).map(tuple), u16, u8)
    | st.builds(SensorConfig, u8, u8, u8)
)
def test_they_come_back(thing: MotionPacket | SensorConfig) -> None:
    """Bytes and back is the same."""
    assert type(thing).from_bytes(bytes(thing)) == thing


@given(st.sampled_from([b"", HEAD, HEAD + SAMPLE]), st.binary(max_size=48))
def test_any_bytes_are_something_or_a_protocol_error(head: bytes, rest: bytes) -> None:
    """Nothing else is raised, and what is read is written back as it was."""
    for kind in (MotionPacket, SensorConfig):
        with suppress(ProtocolError):
            assert bytes(kind.from_bytes(head + rest)) == head + rest
