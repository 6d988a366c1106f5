"""Movesense: commands and answers, and what resources say, by captures from hardware (movesense-commander)."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import movesense, movesense_data
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.movesense import DataPart, Hello, Request, Response, SystemMode
from firmware_protocol.movesense_data import (
    DetailedTime,
    EnergyLevel,
    HeartRate,
    ImuInfo,
    Measurement,
    MotionData,
    SensorInfo,
    Temperature,
)
from tests.firmware_protocol.numbers import f32, percents, triples, u8, u16, u32, u64

# ---- commands and answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "data"),
    [
        (movesense.hello(1), "0001"),
        (movesense.unsubscribe(2), "0202"),
        (movesense.set_system_mode(4, SystemMode.RESTART), "070405"),
        (movesense.subscribe(3, "/Meas/IMU6/52"), "0103" + b"/Meas/IMU6/52\0".hex()),
        (movesense.get(6, movesense.ENERGY_LEVEL), "0406" + b"/System/Energy/Level\0".hex()),
        (movesense.set_time(5, 1787161151527000), "080558d897e169590600"),
    ],
)
def test_a_command_is_code_reference_payload(request_: Request, data: str) -> None:
    """Paths end with NUL, numbers have their low byte first (built from the maker's account)."""
    assert bytes(request_).hex() == data
    assert Request.from_bytes(bytes.fromhex(data)) == request_


WRONG: list[Callable[[], object]] = [
    lambda: movesense.subscribe(1, "Meas/Acc/52"),
    lambda: movesense.subscribe(1, "/Meas/Ácc/52"),
    lambda: movesense.subscribe(1, "/Meas\0/Acc"),
    lambda: movesense.get(1, "/Info"),
    lambda: movesense.get(1, ""),
    lambda: movesense.set_time(1, -1),
    lambda: bytes(movesense.hello(256)),
    lambda: movesense_data.path_of(Measurement.ACC, 50),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_commands_that_the_sensor_cannot_take_are_our_fault(wrong: Callable[[], object]) -> None:
    """No path, a reference of more than a byte, 50 Hz; and `/Info`, which is never answered and takes a place."""
    with pytest.raises(InvalidCommandError):
        wrong()


def test_paths_name_measurement_and_rate() -> None:
    """52 Hz and not 50."""
    assert movesense_data.path_of(Measurement.IMU9, 52) == "/Meas/IMU9/52"


def test_answers() -> None:
    """404 to the command with reference 5; a greeting has no status, and names the sensor."""
    assert Response.from_bytes(bytes.fromhex("01059401")) == Response(5, 404)
    texts = ("250230002214", "Movesense Flash", "74:92:BA:10:F7:D3", "gatt_sensordata", "2.3.1")
    sent = b"\x01\x07\x01" + b"\0".join(text.encode() for text in texts)

    for data in (sent, sent + b"\0"):
        hello = Hello.from_bytes(data)
        assert (hello.reference, hello.protocol, hello.texts) == (7, 1, texts)
        assert hello.serial == "250230002214"
    for nobody in (b"\x01\x07\x01", b"\x01\x07\x01\0Movesense\0"):
        with pytest.raises(MalformedFrameError):
            Hello.from_bytes(nobody)


def test_data_that_is_cut_goes_on_in_a_second_part() -> None:
    """Under the same reference, and as its continuation; anything else is not its second part."""
    first, second = DataPart.from_bytes(b"\x02\x09abc"), DataPart.from_bytes(b"\x03\x09def")

    assert first.joined(second) == DataPart(9, b"abcdef")
    for other in (DataPart(8, b"def", continues=True), DataPart(9, b"def")):
        with pytest.raises(MalformedFrameError):
            first.joined(other)


# ---- what resources say --------------------------------------------------------------------------------------------

IMU9 = bytes.fromhex(
    "159e0100"
    "5c6e61bd56d29cbd8c2a1dc1ee54e6bdccd5febc8c2a1dc1c987dcbd310513bd273e1dc1ccd5febdec0644bdf7a91dc1"
    "48e1fa3f8fc225c0c3f5683f66660640cdcc1cc03e0a573f85eb0140cdcc1cc03e0a573f66660640ae4721c0b81e453f"
    "52a86f42817bb0c272e85a431b6e6a42f053acc24add5a4377706d4204ecb1c2db61594335906f420b7eb0c2d2345a43"
)
"""A packet of /Meas/IMU9/52 from a sensor at rest."""


def test_a_real_packet_of_nine_axes() -> None:
    """148 bytes without a count: four samples, all acceleration first; gravity is on acceleration's z."""
    told = MotionData.from_bytes(IMU9, Measurement.IMU9)

    assert told.time_ms == 106005
    assert len(told.acc_mps2) == len(told.gyr_degps) == len(told.mag_ut) == 4
    assert told.acc_mps2[0] == pytest.approx((-0.05504, -0.07657, -9.82289), abs=1e-4)
    assert told.gyr_degps[0] == pytest.approx((1.96, -2.59, 0.91), abs=1e-4)
    assert told.mag_ut[3] == pytest.approx((59.8908, -88.246, 218.206), abs=1e-3)
    assert bytes(told) == IMU9


@pytest.mark.parametrize("length", [0, 3, 4, 147, 112])
def test_a_packet_that_is_cut(length: int) -> None:
    """Is malformed; 112 bytes are three samples of nine axes, and are read as such: know how many there should be."""
    if length == 112:
        assert len(MotionData.from_bytes(IMU9[:length], Measurement.IMU9).acc_mps2) == 3
    else:
        with pytest.raises(MalformedFrameError):
            MotionData.from_bytes(IMU9[:length], Measurement.IMU9)


RATES = (13, 26, 52, 104, 208, 416, 833, 1666)


@pytest.mark.parametrize(
    ("data", "width", "ranges"),
    [
        ("080d001a0034006800d000a001410382060402040810", 1, (2, 4, 8, 16)),
        ("080d001a0034006800d000a00141038206057d00f500f401e803d007", 2, (125, 245, 500, 1000, 2000)),
        ("080d001a0034006800d000a0014103820601" + "8813", 2, (5000,)),
    ],
)
def test_real_info_of_sensors(data: str, width: int, ranges: tuple[int, ...]) -> None:
    """Arrays with a count before them; ranges of acceleration have one byte, of the others two."""
    told = SensorInfo.from_bytes(bytes.fromhex(data), width)

    assert (told.rates_hz, told.ranges) == (RATES, ranges)
    assert bytes(told).hex() == data


def test_real_info_of_all_sensors() -> None:
    """Four arrays."""
    data = "080d001a0034006800d000a001410382060402040810057d00f500f401e803d007018813"

    told = ImuInfo.from_bytes(bytes.fromhex(data))

    assert told == ImuInfo(RATES, (2, 4, 8, 16), (125, 245, 500, 1000, 2000), (5000,))
    assert bytes(told).hex() == data


@pytest.mark.parametrize("data", ["", "08", "020d00", "010d00010203"])
def test_info_that_is_cut_or_goes_on(data: str) -> None:
    """Is malformed."""
    with pytest.raises(MalformedFrameError):
        SensorInfo.from_bytes(bytes.fromhex(data), 1)


def test_real_time_temperature_heart_rate_and_charge() -> None:
    """The time of day beside the clock of the stamps, in milliseconds; kelvin; beats; per cent."""
    time = DetailedTime.from_bytes(bytes.fromhex("58d897e169590600d08924000004000014000000"))
    temperature = Temperature.from_bytes(bytes.fromhex("8e61020033c39543"))
    heart = HeartRate.from_bytes(bytes.fromhex("83c813439601"))

    assert time == DetailedTime(1787161151527000, 2394576, 1024, 20)
    assert temperature.time_ms == 156046
    assert temperature.kelvin == pytest.approx(299.525, abs=1e-3)
    assert heart.average_bpm == pytest.approx(147.783, abs=1e-3)
    assert heart.rr_ms == (406,)
    assert EnergyLevel.from_bytes(b"\x57") == EnergyLevel(87)
    with pytest.raises(MalformedFrameError):
        EnergyLevel.from_bytes(b"\x65")


def test_the_clock_wraps_after_49_days() -> None:
    """And goes on."""
    assert movesense_data.unwrapped_ms(60, (1 << 32) - 17) == (1 << 32) + 60


# ---- round trips ---------------------------------------------------------------------------------------------------

motion = st.integers(1, 4).flatmap(
    lambda n: st.builds(
        MotionData, u32, *[st.lists(triples, min_size=n, max_size=n).map(tuple) for _ in range(3)]
    )
)
arrays16, arrays8 = (st.lists(each, max_size=5).map(tuple) for each in (u16, u8))


@given(motion)
def test_motion_comes_back(told: MotionData) -> None:
    """Nine axes, and fewer of them."""
    assert MotionData.from_bytes(bytes(told), Measurement.IMU9) == told
    six = MotionData(told.time_ms, told.acc_mps2, told.gyr_degps)
    assert MotionData.from_bytes(bytes(six), Measurement.IMU6) == six
    rotation = MotionData(told.time_ms, gyr_degps=told.gyr_degps)
    assert MotionData.from_bytes(bytes(rotation), Measurement.GYRO) == rotation


@given(
    st.builds(Request, u8, u8, st.binary(max_size=8))
    | st.builds(Response, u8, u16, st.binary(max_size=8))
    | st.builds(DataPart, u8, st.binary(max_size=8), st.booleans())
    | st.builds(Hello, u8, u8, st.lists(st.text("aB2.ß", min_size=1), min_size=1, max_size=6).map(tuple))
    | st.builds(ImuInfo, arrays16, arrays8, arrays16, arrays16)
    | st.builds(DetailedTime, u64, u32, u32, u32)
    | st.builds(Temperature, u32, f32)
    | st.builds(HeartRate, f32, arrays16)
    | st.builds(EnergyLevel, percents)
)
def test_they_come_back(thing: Request | Response | DataPart | Hello | ImuInfo | EnergyLevel) -> None:
    """Bytes and back is the same."""
    assert type(thing).from_bytes(bytes(thing)) == thing


@given(st.sampled_from([b"", b"\x01\x05", b"\x02\x05", bytes(4), b"\x01\x05\x00"]), st.binary(max_size=40))
def test_any_bytes_are_something_or_a_protocol_error(head: bytes, rest: bytes) -> None:
    """Nothing else is raised, and what is read is written back as it was."""
    data = head + rest
    for kind in (Request, Response, DataPart, ImuInfo, DetailedTime, Temperature, HeartRate, EnergyLevel):
        with suppress(ProtocolError):
            assert bytes(kind.from_bytes(data)) == data
    with suppress(ProtocolError):
        assert Hello.from_bytes(data).serial is not None
    for measurement in Measurement:
        with suppress(ProtocolError):
            assert bytes(MotionData.from_bytes(data, measurement)) == data
    for width in (1, 2):
        with suppress(ProtocolError):
            assert bytes(SensorInfo.from_bytes(data, width)) == data
