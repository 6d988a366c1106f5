"""The experimental families: eSense, SensorTag, BlueST, Nicla, as far as their facts are certain."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import bluest, esense, nicla, sensortag
from firmware_protocol.bluest import Advertised, Feature
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.nicla import Sensor, SensorPacket
from tests.firmware_protocol.numbers import addresses, counts, u8, u16, u32

# ---- eSense --------------------------------------------------------------------------------------------------------

ESENSE = bytes.fromhex("5507ab0c0042ff7d0000000010001bb6")


def test_esense_sends_high_bytes_first_and_a_checksum() -> None:
    """Rotation before acceleration, at 500 °/s and 4 g (built from open_earable_flutter)."""
    told = esense.Motion.from_bytes(ESENSE)

    assert (told.index, told.gyr_counts, told.acc_counts) == (7, (66, -131, 0), (0, 4096, 7094))
    assert told.gyr_degps(500) == pytest.approx((1.0076, -2.0, 0.0), abs=1e-4)
    assert told.acc_g(4) == pytest.approx((0.0, 0.5, 0.866), abs=1e-4)
    assert bytes(told) == ESENSE
    with pytest.raises(MalformedFrameError, match="checksum"):
        esense.Motion.from_bytes(ESENSE[:-1] + b"\xb7")


def test_esense_commands_and_ranges() -> None:
    """50 Hz, and off, by the maker's protocol; ranges stand in two of the chip's registers."""
    assert esense.start(50).hex() == "5335020132"
    assert esense.stop().hex() == "5302020000"
    assert esense.Ranges.from_bytes(bytes.fromhex("59200406080806")) == esense.Ranges(4, 500)
    with pytest.raises(MalformedFrameError):
        esense.Ranges.from_bytes(bytes.fromhex("592004060808"))
    with pytest.raises(MalformedFrameError):
        esense.Ranges.from_bytes(bytes.fromhex("59200406100806"))


# ---- SensorTag -----------------------------------------------------------------------------------------------------

TAG = bytes.fromhex("800000ff000000000008db0d640038ff2c01")


def test_a_tag_at_rest_tells_its_range() -> None:
    """1 g long at 8 g, whatever was asked for: the two libraries disagree on that (built from one of them)."""
    told = sensortag.Motion.from_bytes(TAG)

    assert told.gyr_degps == (1.0, -2.0, 0.0)
    assert (told.acc_counts, told.mag_counts) == ((0, 2048, 3547), (100, -200, 300))
    assert sensortag.range_at_rest(told.acc_counts) == 8
    assert told.acc_g(8) == pytest.approx((0.0, 0.5, 0.865967), abs=1e-6)


@pytest.mark.parametrize("range_g", sensortag.RANGES_G)
def test_every_range_is_told_by_gravity(range_g: int) -> None:
    """As long as the tag is at rest, give or take a tenth."""
    for length in (0.9, 1.0, 1.1):
        assert sensortag.range_at_rest((0, 0, round(32768 / range_g * length))) == range_g


def test_sensortag_commands() -> None:
    """All axes at 8 g, every 100 ms; off."""
    assert sensortag.configure(8).hex() == "7f02"
    assert sensortag.turn_off().hex() == "0000"
    assert sensortag.set_period(100).hex() == "0a"


# ---- BlueST --------------------------------------------------------------------------------------------------------


def test_features_are_named_by_the_characteristic() -> None:
    """High bit first behind a tick: acceleration, rotation in tenths, magnetic field (built from the SDK)."""
    data = bytes.fromhex("341205000cfe62030a00e7ff0000640038ff2c01")

    told = bluest.Motion.from_bytes(data, bluest.ALL_MOTION)

    assert (told.tick, told.acc_mg, told.mag_mgauss) == (0x1234, (5, -500, 866), (100, -200, 300))
    assert told.gyr_degps == pytest.approx((1.0, -2.5, 0.0))
    assert bluest.characteristic_of(bluest.ALL_MOTION) == "00e00000-0001-11e1-ac36-0002a5d5c51b"
    alone = bluest.Motion.from_bytes(data[:8], Feature.GYR)
    assert alone.acc_mg is None
    assert alone.gyr_counts == (5, -500, 866)
    with pytest.raises(MalformedFrameError):
        bluest.Motion.from_bytes(data, Feature.ACC)


def test_a_board_is_known_by_its_advertisement() -> None:
    """Version, board, mask with the high byte first, and an address in some."""
    told = Advertised.from_bytes(bytes.fromhex("010600e00000c08311223344"))

    assert told == Advertised(6, 0x00E00000, "C0:83:11:22:33:44")
    assert Advertised.from_bytes(bytes.fromhex("010600e00000")).address is None
    for data in ("020600e00000", "010600e0", "010600e00000c083"):
        with pytest.raises(MalformedFrameError):
            Advertised.from_bytes(bytes.fromhex(data))


# ---- Nicla ---------------------------------------------------------------------------------------------------------


def test_a_niclas_packet() -> None:
    """Sensor, size, ten bytes; a bundle is twenty of them (built from Arduino_BHY2, the scale from the chip)."""
    data = bytes.fromhex("250c0000000000206d370000")

    told = SensorPacket.from_bytes(data)

    assert told.sensor == Sensor.GAME_ROTATION_VECTOR
    assert told.quaternion_xyzw == pytest.approx((0.0, 0.0, 0.5, 0.866), abs=1e-4)
    assert nicla.packets(data * 20) == [told] * 20
    assert SensorPacket(4, 12, bytes.fromhex("00000008000800000000")).acc_g == (0.0, 0.5, 0.5)
    for wrong in (b"", data[:-1], data * 21):
        with pytest.raises(MalformedFrameError):
            nicla.packets(wrong)


def test_a_nicla_is_configured_by_sensor_and_rate() -> None:
    """Nine bytes: sensor, float32, milliseconds."""
    assert nicla.configure(Sensor.ACCELEROMETER, 50.0).hex() == "040000484200000000"


# ---- all -----------------------------------------------------------------------------------------------------------

WRONG: list[Callable[[], object]] = [
    lambda: esense.start(0),
    lambda: esense.start(201),
    lambda: esense.Motion.from_bytes(ESENSE).acc_g(3),
    lambda: esense.Motion.from_bytes(ESENSE).gyr_degps(125),
    lambda: sensortag.configure(3),
    lambda: sensortag.set_period(99),
    lambda: sensortag.Motion.from_bytes(TAG).acc_g(1),
    lambda: bluest.characteristic_of(Feature(0)),
    lambda: bluest.characteristic_of(Feature(1)),
    lambda: nicla.configure(Sensor.GRAVITY, float("nan")),
    lambda: nicla.configure(Sensor.GRAVITY, 50, 1 << 24),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_commands_out_of_range_are_our_fault(wrong: Callable[[], object]) -> None:
    """Refused before they are sent."""
    with pytest.raises(InvalidCommandError):
        wrong()


@given(
    st.builds(esense.Motion, u8, counts, counts)
    | st.builds(sensortag.Motion, counts, counts, counts)
    | st.builds(Advertised, u8, u32, st.none() | addresses)
    | st.builds(SensorPacket, u8, u8, st.binary(min_size=10, max_size=10))
)
def test_they_come_back(thing: esense.Motion | sensortag.Motion | Advertised | SensorPacket) -> None:
    """Bytes and back is the same."""
    assert type(thing).from_bytes(bytes(thing)) == thing


@given(u16, st.none() | counts, st.none() | counts, counts)
def test_blue_motion_comes_back(
    tick: int, acc: tuple[int, int, int] | None, gyr: tuple[int, int, int] | None, mag: tuple[int, int, int]
) -> None:
    """With the features that are in it."""
    features = Feature.MAG
    features |= Feature(0) if acc is None else Feature.ACC
    features |= Feature(0) if gyr is None else Feature.GYR
    told = bluest.Motion(tick, acc, gyr, mag)

    assert bluest.Motion.from_bytes(bytes(told), features) == told


@given(st.sampled_from([b"", b"\x55\x01", b"\x01"]), st.binary(max_size=24))
def test_any_bytes_are_something_or_a_protocol_error(head: bytes, rest: bytes) -> None:
    """Nothing else is raised, and what is read is written back as it was."""
    data = head + rest
    for kind in (esense.Motion, sensortag.Motion, Advertised, SensorPacket):
        with suppress(ProtocolError):
            assert bytes(kind.from_bytes(data)) == data
    for features in (bluest.ALL_MOTION, Feature.ACC):
        with suppress(ProtocolError):
            assert bytes(bluest.Motion.from_bytes(data, features)) == data
    for read in (nicla.packets, esense.Ranges.from_bytes):
        with suppress(ProtocolError):
            read(data)
