"""WitMotion frames, registers and commands: published packets as literal bytes, and round trips."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import witmotion
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.witmotion import Bandwidth, ImuFrame, Rate, Register, RegisterReply
from tests.firmware_protocol.frames import imu_frames, register_replies

# ---- frames --------------------------------------------------------------------------------------------------------

LEVEL = bytes.fromhex("5561f5ff2e000008feffffffffffd9ffb5000000")
"""A unit lying on a table, from gymodo's account of the protocol (a real capture)."""
TURNING = bytes.fromhex("556114055601de0516fd22009501da01e9f8b1c1")
"""One of four frames of a notification at 100 Hz, a clip in the hand (a real capture)."""


@pytest.mark.parametrize(
    ("data", "acc_counts", "gyr_counts", "angle_counts", "acc_g", "gyr_degps", "angle_deg"),
    [
        (
            LEVEL,
            (-11, 46, 2048),
            (-2, -1, -1),
            (-39, 181, 0),
            (-0.005371, 0.022461, 1.0),
            (-0.122070, -0.061035, -0.061035),
            (-0.214233, 0.994263, 0.0),
        ),
        (
            TURNING,
            (1300, 342, 1502),
            (-746, 34, 405),
            (474, -1815, -15951),
            (0.634766, 0.166992, 0.733398),
            (-45.532227, 2.075195, 24.719238),
            (2.603760, -9.970093, -87.621460),
        ),
    ],
)
def test_a_data_frame_means_what_its_source_says(
    data: bytes,
    acc_counts: tuple[int, ...],
    gyr_counts: tuple[int, ...],
    angle_counts: tuple[int, ...],
    acc_g: tuple[float, ...],
    gyr_degps: tuple[float, ...],
    angle_deg: tuple[float, ...],
) -> None:
    """Counts are signed little-endian words; full scale is 16 g, 2000 °/s and 180°."""
    frame = ImuFrame.from_bytes(data)

    assert (frame.acc_counts, frame.gyr_counts, frame.angle_counts) == (acc_counts, gyr_counts, angle_counts)
    assert frame.acc_g == pytest.approx(acc_g, abs=1e-6)
    assert frame.gyr_degps == pytest.approx(gyr_degps, abs=1e-6)
    assert frame.angle_deg == pytest.approx(angle_deg, abs=1e-6)
    assert bytes(frame) == data


def test_a_battery_reply_tells_the_address_too() -> None:
    """Eight registers from 0x64 on: 3.82 V and C4:A3:FC:76:9B:33 (gymodo, a real capture)."""
    reply = RegisterReply.from_bytes(bytes.fromhex("557164007e010000339b76fca3c400000000e803"))

    assert (reply.start, reply.words) == (0x64, (382, 0, -25805, -906, -15197, 0, 0, 1000))
    assert reply.battery_v == 3.82
    assert reply.mac == "C4:A3:FC:76:9B:33"
    assert (reply.version, reply.temperature_c, reply.quaternion_wxyz, reply.chip_time) == (None,) * 4


def test_a_battery_of_zero_is_no_reading() -> None:
    """For a moment after a save the register reads 0 (RGu0/WT901, seen on hardware)."""
    reply = RegisterReply.from_bytes(bytes.fromhex("557164000000000047111a9008fd000000000000"))

    assert reply.battery_v is None
    assert reply.mac == "FD:08:90:1A:11:47"


def test_a_version_reply_is_three_numbers() -> None:
    """With the top bit set 17, 6 and 8 bits (RGu0/WT901, a WT901BLE67); without it a plain number."""
    real = RegisterReply.from_bytes(bytes.fromhex("55712e001601d889000000000000000000000000"))
    plain = RegisterReply(Register.VERSION, (0x3039, 0x0001, 0, 0, 0, 0, 0, 0))

    assert (real.version, plain.version) == ("10080.1.22", "77881")


def test_a_quaternion_reply() -> None:
    """w, x, y, z over 32768 (SignalK plugin, a real capture)."""
    reply = RegisterReply.from_bytes(bytes.fromhex("55715100ef9f470346017fab0000000000000000"))

    assert reply.quaternion_wxyz == pytest.approx((-0.750519, 0.025604, 0.009949, -0.660187), abs=1e-6)


def test_temperature_and_chip_time() -> None:
    """Hundredths of a degree; year and month, day and hour, minute and second, millisecond, low byte first."""
    assert RegisterReply(Register.TEMPERATURE, (2650, *(0,) * 7)).temperature_c == 26.5
    time = RegisterReply(Register.CHIP_TIME, (0x0A19, 0x0809, 0x1435, 789, *(0,) * 4))
    assert time.chip_time == (25, 10, 9, 8, 53, 20, 789)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        LEVEL[:-1],
        LEVEL + b"\x00",
        b"\x54" + LEVEL[1:],
        b"\x55\x51" + LEVEL[2:],
        LEVEL[:16] + b"\x01\x40" + LEVEL[18:],
        LEVEL[:16] + b"\x00\x80" + LEVEL[18:],
    ],
)
def test_what_is_no_data_frame_is_malformed(data: bytes) -> None:
    """Of another length, header, type, or with a pitch beyond ±90°: an error that holds the bytes."""
    with pytest.raises(MalformedFrameError) as caught:
        ImuFrame.from_bytes(data)
    assert caught.value.data == data


@given(imu_frames())
def test_data_frames_come_back(frame: ImuFrame) -> None:
    """Bytes and back is the same frame."""
    assert ImuFrame.from_bytes(bytes(frame)) == frame
    assert len(bytes(frame)) == 20


@given(register_replies())
def test_replies_come_back(reply: RegisterReply) -> None:
    """Bytes and back is the same reply, and every question asked of it has an answer or none."""
    again = RegisterReply.from_bytes(bytes(reply))

    assert again == reply
    for answer in (again.mac, again.version, again.battery_v, again.chip_time, again.quaternion_wxyz):
        assert answer is None or answer


@given(st.binary(max_size=24) | st.binary(min_size=18, max_size=18).map(lambda rest: b"\x55\x61" + rest))
def test_any_bytes_are_a_frame_or_a_protocol_error(data: bytes) -> None:
    """Nothing else is raised, and what is read is written back as it was."""
    for kind in (ImuFrame, RegisterReply):
        with suppress(ProtocolError):
            assert bytes(kind.from_bytes(data)) == data


# ---- commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "data"),
    [
        (witmotion.UNLOCK, "ffaa6988b5"),
        (witmotion.SAVE, "ffaa000000"),
        (witmotion.FACTORY_RESET, "ffaa000100"),
        (witmotion.CALIBRATE_ACCELEROMETER, "ffaa010100"),
        (witmotion.CALIBRATE_MAGNETOMETER, "ffaa010700"),
        (witmotion.FINISH_CALIBRATION, "ffaa010000"),
        (witmotion.ZERO_YAW, "ffaa010400"),
        (witmotion.ZERO_ANGLES, "ffaa010800"),
        (witmotion.set_rate(Rate.HZ_10), "ffaa030600"),
        (witmotion.set_rate(Rate.HZ_50), "ffaa030800"),
        (witmotion.set_rate(Rate.HZ_200), "ffaa030b00"),
        (witmotion.set_bandwidth(Bandwidth.HZ_20), "ffaa1f0400"),
        (witmotion.set_vertical(True), "ffaa230100"),
        (witmotion.set_six_axis(True), "ffaa240100"),
        (witmotion.read_registers(Register.BATTERY), "ffaa276400"),
        (witmotion.read_registers(Register.MAC), "ffaa276600"),
        (witmotion.read_registers(Register.VERSION), "ffaa272e00"),
    ],
)
def test_a_command_is_five_bytes(command: bytes, data: str) -> None:
    """As the vendor's examples write them to ffe9: FF AA, the register, its word low byte first."""
    assert command.hex() == data


@given(st.integers(-5, 0x10005), st.integers(-5, 0x10005))
def test_only_possible_registers_are_written(register: int, value: int) -> None:
    """Beyond the range of a register or a word, and for the one that silences the clip, it is our fault, at once."""
    if register in range(0x100) and register != 0x02 and value in range(0x10000):
        command = witmotion.write_register(register, value)
        assert (command[:3], int.from_bytes(command[3:], "little")) == (bytes([0xFF, 0xAA, register]), value)
    else:
        with pytest.raises(InvalidCommandError):
            witmotion.write_register(register, value)
    if register not in range(0x100):
        with pytest.raises(InvalidCommandError):
            witmotion.read_registers(register)


# ---- battery -------------------------------------------------------------------------------------------------------


def test_the_battery_curve_goes_through_the_vendors_points() -> None:
    """Empty up to 3.40 V, full from 3.99 V on, half at 3.82 V, straight lines between."""
    volts = [0.0, 3.40, 3.45, 3.68, 3.82, 3.87, 3.96, 3.99, 4.20]

    percents = [witmotion.battery_percent(each) for each in volts]

    assert percents == pytest.approx([0, 0, 2.5, 10, 50, 60, 90, 100, 100])
    assert all(low <= high for low, high in pairwise(percents))
