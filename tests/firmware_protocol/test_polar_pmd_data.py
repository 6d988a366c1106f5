"""Polar's samples: raw, compressed, and their times, by the vendor's own unit tests (polar-ble-sdk)."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import polar_pmd_data as data
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.polar_pmd import DataFrame, MeasurementType
from tests.firmware_protocol.numbers import u8


def frame(text: str) -> DataFrame:
    """Return the frame of these bytes."""
    return DataFrame.from_bytes(bytes.fromhex(text))


def test_raw_acceleration_of_a_strap_at_rest() -> None:
    """The beginning of what looks like a real H10: whole thousandths of g, about 1 g long."""
    told = frame("02009435770000000001f7ffffffe703f8fffeffe503f9ffffffe503")

    assert (told.time_ns, told.compressed) == (2_000_000_000, False)
    assert data.acc_mg(told) == [(-9.0, -1.0, 999.0), (-8.0, -2.0, 997.0), (-7.0, -1.0, 997.0)]


@pytest.mark.parametrize(
    ("kind", "content", "sample"),
    [("00", "ff7f80", (-1.0, 127.0, -128.0)), ("02", "ffffffffff7f000080", (-1.0, 8388607.0, -8388608.0))],
)
def test_raw_samples_of_8_and_24_bits(kind: str, content: str, sample: tuple[float, ...]) -> None:
    """Signed, low byte first."""
    assert data.acc_mg(frame(f"020094357700000000{kind}{content}")) == [sample]


def test_compressed_acceleration() -> None:
    """One sample in full, then one difference of 6 bits for each axis."""
    told = frame("02650000000000000081f1ff1400f00306017b0f08")

    assert data.acc_mg(told) == [(-15.0, 20.0, 1008.0), (-20.0, 17.0, 1008.0)]
    assert data.times_since_ns(100, told.time_ns, 2) == [100, 101]


def test_compressed_acceleration_in_g() -> None:
    """Type 0 is in counts of Verity Sense's factor: 1905 of 2.44e-4 g, of which the SDK keeps 464."""
    told = frame("020094357700000000807107f06a9e8d0a01be5cbe3a")

    first, second = data.acc_mg(told, 2.44e-4)
    assert first == pytest.approx((464.82, 6679.74, -7144.81), abs=0.01)
    assert second == pytest.approx((511.18, 6654.12, -7165.55), abs=0.01)


def test_compressed_rotation_of_16_and_32_bits() -> None:
    """32 bits are floats, whose bit patterns are added modulo 2³²."""
    narrow = frame("05ffffffffffffff7f80eaff08000d000301df00")
    wide = frame("050094357700000000810000803f000020410000a0411c010000a001000008cdccec0d")

    assert data.gyr_degps(narrow) == [(-22.0, 8.0, 13.0), (-23.0, 11.0, 16.0)]
    assert data.gyr_degps(wide)[0] == (1.0, 10.0, 20.0)
    assert data.gyr_degps(wide)[1] == pytest.approx((10.0, 20.0, 1.1))
    assert data.gyr_degps(wide, 0.5)[1] == pytest.approx((5.0, 10.0, 0.55))


def test_compressed_magnetic_field() -> None:
    """Type 0 in gauss by the factor, type 1 in milligauss with a fourth channel that is no axis."""
    plain = frame("06009435770000000080e2e6fa15490a06017f20fc")
    calibrated = frame("0600943577000000008137ff51fd6cf600000301f802")

    assert data.mag_gauss(plain) == [(-6430.0, 5626.0, 2633.0), (-6431.0, 5627.0, 2635.0)]
    assert data.mag_gauss(calibrated)[0] == pytest.approx((-0.201, -0.687, -2.452))
    assert data.mag_gauss(calibrated, 1.1)[1] == pytest.approx((-0.2211, -0.7568, -2.6939))


def test_four_channels_of_reference() -> None:
    """Signed 16 bits, as many as asked for."""
    assert data.compressed_samples(bytes.fromhex("ffff0000ff7f0080"), 4, 16) == [(-1, 0, 32767, -32768)]


CUT = bytes.fromhex("5dff9800fd0f0601f2b0130c1406d0fef7affffcbffff43f0117f000011000f8dfff00")
"""After one block, another of 20 samples that ends in the fifth, as in a fixture of the SDK that no test of it uses."""


def test_samples_that_never_came_are_not_made_up() -> None:
    """A block that is cut is malformed, however much of it is there."""
    with pytest.raises(MalformedFrameError) as caught:
        data.compressed_samples(CUT, 3, 16)
    assert caught.value.data == CUT


@pytest.mark.parametrize(
    "content",
    ["", "0100020003", "01000200030006", "0100020003000601ff", "0100020003002101" + "00" * 13],
)
def test_content_that_is_none(content: str) -> None:
    """Cut anywhere, or with differences wider than 32 bits."""
    with pytest.raises(MalformedFrameError):
        data.compressed_samples(bytes.fromhex(content), 3, 16)


def test_content_without_end_is_refused() -> None:
    """Differences of no bits would be 255 samples in two bytes."""
    still = bytes(6) + b"\x00\xff"

    assert len(data.compressed_samples(still, 3, 16)) == 256
    with pytest.raises(MalformedFrameError):
        data.compressed_samples(still + b"\x00\xff", 3, 16)


@pytest.mark.parametrize(
    "text",
    [
        "05009435770000000001f7ffffffe703",
        "02009435770000000003f7ffffffe703",
        "02009435770000000001f7ffffffe7",
        "02009435770000000001",
        "02009435770000000082f1ff1400f003",
    ],
)
def test_frames_that_are_no_acceleration(text: str) -> None:
    """Of another measurement, of a type that is not known, cut, empty."""
    with pytest.raises(MalformedFrameError):
        data.acc_mg(frame(text))


def test_frames_of_types_that_are_not_known() -> None:
    """Rotation and magnetic field are compressed, and of type 0 or 1."""
    with pytest.raises(MalformedFrameError):
        data.gyr_degps(frame("05009435770000000001f7ffffffe703"))
    with pytest.raises(MalformedFrameError):
        data.mag_gauss(frame("06009435770000000082f7ffffffe703"))


# ---- times ---------------------------------------------------------------------------------------------------------


def test_times_of_a_first_frame_go_back_by_the_rate() -> None:
    """Ten samples a second apart end at the frame's own time."""
    assert data.times_back_ns(10 * 10**9, 10, 1) == [second * 10**9 for second in range(1, 11)]
    assert data.times_back_ns(10**9, 1, 1) == [10**9]


def test_times_since_the_frame_before_are_even() -> None:
    """To the nearest nanosecond, as the SDK rounds."""
    assert data.times_since_ns(100, 2 * 10**9, 3) == [666666733, 1333333367, 2 * 10**9]
    assert data.times_since_ns(10**9, 11 * 10**9, 10) == [second * 10**9 for second in range(2, 12)]


def test_times_that_cannot_be() -> None:
    """Before the clock began, or without going on: the clip's fault. Without a rate: ours."""
    wrongs: tuple[Callable[[], object], ...] = (
        lambda: data.times_back_ns(100_000, 100, 52),
        lambda: data.times_since_ns(5, 5, 1),
        lambda: data.times_since_ns(5, 4, 1),
        lambda: data.times_since_ns(5, 6, 0),
        lambda: data.times_back_ns(10**9, 0, 52),
    )
    for wrong in wrongs:
        with pytest.raises(MalformedFrameError):
            wrong()
    with pytest.raises(InvalidCommandError):
        data.times_back_ns(10**9, 1, 0)


@given(st.integers(1, 1 << 62), st.integers(1, 1 << 40), st.integers(1, 80))
def test_times_never_go_back(previous_ns: int, span_ns: int, count: int) -> None:
    """They are as many as samples, and end with the frame's."""
    times = data.times_since_ns(previous_ns, previous_ns + span_ns, count)

    assert len(times) == count
    assert times == sorted(times)
    assert previous_ns <= times[0]
    assert times[-1] == previous_ns + span_ns


# ---- round trips ---------------------------------------------------------------------------------------------------

widths = st.sampled_from(
    [(8, -128, 127), (16, -0x8000, 0x7FFF), (24, -(1 << 23), (1 << 23) - 1), (32, 0, (1 << 32) - 1)]
)


@st.composite
def columns(draw: st.DrawFn) -> tuple[int, list[tuple[int, ...]]]:
    """Return a resolution, and samples of one to four channels."""
    bits, low, high = draw(widths)
    channels = draw(st.integers(1, 4))
    numbers = st.integers(low, high) | st.sampled_from([low, high])
    return bits, draw(st.lists(st.tuples(*[numbers] * channels), min_size=1, max_size=12))


@given(columns())
def test_compressed_samples_come_back(told: tuple[int, list[tuple[int, ...]]]) -> None:
    """Whatever they are: compressed and back is the same."""
    bits, samples = told

    assert data.compressed_samples(data.compressed_content(samples, bits), len(samples[0]), bits) == samples


def test_long_content_has_several_blocks() -> None:
    """A block holds 255 differences."""
    samples = [(each % 3, -each) for each in range(300)]

    assert data.compressed_samples(data.compressed_content(samples, 16), 2, 16) == samples


def test_samples_that_cannot_be_compressed_are_our_fault() -> None:
    """None, too many, too large, of no resolution."""
    wrongs: tuple[Callable[[], object], ...] = (
        lambda: data.compressed_content([], 16),
        lambda: data.compressed_content([(0,)] * (data.MAX_SAMPLES + 1), 16),
        lambda: data.compressed_content([(40000,)], 16),
        lambda: data.compressed_content([(0,)], 33),
        lambda: data.compressed_samples(bytes(6), 3, 0),
    )
    for wrong in wrongs:
        with pytest.raises(InvalidCommandError):
            wrong()


@given(
    st.sampled_from([MeasurementType.ACC, MeasurementType.GYRO, MeasurementType.MAG]),
    st.integers(0, 3),
    st.booleans(),
    st.binary(max_size=60)
    | st.lists(st.tuples(u8, u8), max_size=4).map(lambda blocks: bytes(8) + bytes(sum(blocks, ()))),
)
def test_any_content_is_samples_or_a_protocol_error(
    measurement: MeasurementType, kind: int, compressed: bool, content: bytes
) -> None:
    """Nothing else is raised, and never more samples than a notification can hold."""
    told = DataFrame(measurement, 10**18, kind, compressed, content)
    read = {
        MeasurementType.ACC: data.acc_mg,
        MeasurementType.GYRO: data.gyr_degps,
        MeasurementType.MAG: data.mag_gauss,
    }[measurement]
    try:
        samples = read(told, struct.unpack("<f", b"\x0a\xd7\x7f\x39")[0])
    except ProtocolError:
        return
    assert 1 <= len(samples) <= data.MAX_SAMPLES + 1
