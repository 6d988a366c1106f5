"""Capture2Go: packages, settings and samples, as the maker's SDK packs them."""

from collections.abc import Callable
from contextlib import suppress
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import capture2go, capture2go_data, capture2go_mode
from firmware_protocol.capture2go import DeviceInfo, Header, Package, SensorError, Status
from firmware_protocol.capture2go_data import Form, Samples, Trouble, content_of
from firmware_protocol.capture2go_mode import (
    AbsoluteTime,
    ClockRoundtrip,
    MeasurementMode,
    RealTimeMode,
    RealTimeStreaming,
)
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from tests.firmware_protocol.numbers import counts, i16, i64, percents, u8, u16, u64

TIME_NS = 1787161151527000000


@pytest.mark.parametrize(
    ("package", "data"),
    [
        (capture2go.GET_DEVICE_INFO, "02096be66e007000"),
        (capture2go.STOP_STREAMING, "02bf1d53be005201"),
        (capture2go.STOP_REAL_TIME_STREAMING, "020d1a0e78006301"),
        (capture2go.START_STREAMING, "023d7f658c005001"),
        (capture2go.STOP_STREAMING_AND_CLEAR_BUFFER, "0235f5bc44005801"),
        (capture2go.GET_STATUS, "02d373d7af000002"),
        (capture2go.SLEEP, "0238301c7c001001"),
        (capture2go_mode.start_real_time(RealTimeMode.QUATERNION), "026973bb020260010100"),
        (capture2go_mode.set_time(TIME_NS), "02f88216fa087001c01725399945cd18"),
        (
            capture2go_mode.set_packed(50),
            "02638c995b1e2001000000000000000000000300000001000000000000000000000000000001",
        ),
    ],
)
def test_commands_are_as_the_makers_sdk_packs_them(package: Package, data: str) -> None:
    """Start, CRC of what follows the size, size, header, payload."""
    assert bytes(package).hex() == data
    assert Package.from_bytes(bytes.fromhex(data)) == package


@pytest.mark.parametrize(
    "data",
    ["", "02096be66e0070", "02096be66e00700000", "03096be66e007000", "02096be66e007100", "02096be66f007000"],
)
def test_no_package(data: str) -> None:
    """Cut, followed by something, another start, or one bit wrong anywhere: the CRC tells."""
    with pytest.raises(MalformedFrameError):
        Package.from_bytes(bytes.fromhex(data))


def test_status_identity_and_errors() -> None:
    """Charging is added to the charge; an error tells which command it is of."""
    status = content_of(
        Package.from_bytes(bytes.fromhex("02fba340f3130102e803000000000000000000000000000000cd5a"))
    )
    error = content_of(Package.from_bytes(bytes.fromhex("0293c76ea603fffffb5001")))
    info = content_of(
        Package.from_bytes(
            bytes.fromhex(
                "02f4025be82f71000100313233346162312e3000000000003200000000000000"
                "322e312e3000000000000000323032362d30342d303100"
            )
        )
    )

    assert isinstance(status, Status)
    assert (status.time_ns, status.battery_percent, status.charging) == (1000, 77, True)
    assert status.free_storage_percent == 90
    assert error == SensorError(capture2go.ErrorCode.WRONG_STATE, Header.START_STREAMING)
    assert isinstance(info, DeviceInfo)
    assert (info.protocol, info.serial, info.firmware_version) == (1, b"1234ab", b"2.1.0".ljust(12, b"\0"))


def test_what_a_later_firmware_adds_is_kept() -> None:
    """Of identity and status."""
    info, status = bytes(47) + b"new", bytes(19) + b"new"

    assert (DeviceInfo.from_bytes(info).rest, bytes(DeviceInfo.from_bytes(info))) == (b"new", info)
    assert (Status.from_bytes(status).rest, bytes(Status.from_bytes(status))) == (b"new", status)


def test_a_charge_over_100_is_malformed() -> None:
    """Also with the bit of charging."""
    payload = bytes(
        Status(0, 1, 2, (0, 0, 0), synchronised=False, battery=0x80 | 101, free_storage_percent=1)
    )

    with pytest.raises(MalformedFrameError):
        Status.from_bytes(payload)


def test_one_sample_without_magnetic_field() -> None:
    """2000 °/s, 16 times 9.81 m/s²; heading offset in 32768ths of π."""
    package = Package.from_bytes(
        bytes.fromhex("02daad0b401f5302c01725399945cd18640038ff2c0100002708d8f70000080080000008004000")
    )
    told = content_of(package)

    assert isinstance(told, Samples)
    assert (told.form, told.rate_hz, told.time_ns) == (Form.FIXED_SIX_AXIS, 50, TIME_NS)
    assert told.acc_mps2[0] == pytest.approx((0.0, 9.99681152, -10.00160156))
    assert told.gyr_degps[0] == pytest.approx((6.103516, -12.207031, 18.310547))
    assert told.quaternion_wxyz == pytest.approx((1.0, 6.7435e-07, 6.7435e-07, 6.7435e-07), rel=1e-4)
    assert told.heading_rad == pytest.approx(1.5707963)
    assert (told.at_rest, told.disturbed, told.trouble) == (False, False, 0)
    assert bytes(Package(told.header, bytes(told))) == bytes(package)


def test_eight_samples_in_a_package() -> None:
    """The form for posture, at 50 Hz: 20 ms apart, from the stamp on."""
    package = Package.from_bytes(
        bytes.fromhex(
            "0224864be8733302c01725399945cd18"
            "fefb1bfe3202e001ba0656fc41fbd7008afee5fb13060c04ee02bcfa01fd5d05c0ff9d0381fe9c073f06bff95cfaa8fb"
            "58f8560e31f4d7f0070efffe180e7c0ea3f9b4f9f408f8f019f4bdf2fcf13e01ce08520b740c95f864074bf2ac0f8200"
            "00000800800000a8000001"
        )
    )
    told = content_of(package)

    assert isinstance(told, Samples)
    assert len(told.acc_counts) == len(told.gyr_counts) == 8
    assert told.gyr_counts[0] == (-1026, -485, 562)
    assert told.acc_mps2[7] == pytest.approx((-16.80824707, 19.21763672, 0.62270508))
    assert told.quaternion_wxyz == pytest.approx((0.0, 0.0, 1.0, 0.0), abs=1e-5)
    assert told.disturbed
    assert Trouble(told.trouble) == Trouble.TIME_GAP


def test_an_orientation_over_the_real_time_channel() -> None:
    """Flags and components as the SDK decodes them; no rate."""
    told = content_of(
        Package.from_bytes(bytes.fromhex("02b3e2058c138702c01725399945cd182143e5cdab4523519cff05"))
    )

    assert isinstance(told, Samples)
    assert (told.rate_hz, told.acc_counts) == (None, ())
    assert told.quaternion_wxyz == pytest.approx((-0.24198720, 0.71762977, -0.60654093, 0.24198720), abs=1e-7)
    assert told.at_rest
    assert Trouble(told.trouble) == Trouble.TIME_GAP | Trouble.ACC_CLIPPING


def test_the_magnetic_field_is_in_sixteenths() -> None:
    """Of a microtesla."""
    told = content_of(
        Package.from_bytes(
            bytes.fromhex(
                "025fb73cda25470205000000000000000000000000000000000000001000e0ff08000000080080000008000000"
            )
        )
    )

    assert isinstance(told, Samples)
    assert told.mag_ut == ((1.0, -2.0, 0.5),)


def test_bits_that_are_no_orientation() -> None:
    """Components longer than 1 together: None, and no made-up quaternion."""
    assert capture2go_data.unpacked_quaternion(0x3000080000800008) is None


WRONG: list[Callable[[], object]] = [
    lambda: capture2go_mode.set_packed(60),
    lambda: capture2go_mode.set_measurement_mode(MeasurementMode(packed=7)),
    lambda: capture2go_mode.set_measurement_mode(MeasurementMode(status_s=256)),
    lambda: capture2go_mode.set_time(-1),
    lambda: capture2go_mode.start_real_time(RealTimeMode.FULL, 256),
    lambda: bytes(Package(Header.STATUS, bytes(237))),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_commands_out_of_range_are_our_fault(wrong: Callable[[], object]) -> None:
    """60 Hz is none of its rates; numbers fit their fields, payloads the package."""
    with pytest.raises(InvalidCommandError):
        wrong()


@pytest.mark.parametrize("header", [0x0220, 0x0228, 0x0261, 0x0150])
def test_headers_that_are_no_samples(header: int) -> None:
    """Without a rate, beyond the rates, of another form."""
    assert not capture2go_data.is_samples(header)
    with pytest.raises(MalformedFrameError):
        Samples.from_bytes(bytes(115), header)


# ---- round trips ---------------------------------------------------------------------------------------------------


@st.composite
def samples(draw: st.DrawFn) -> Samples:
    """Return a package of any form."""
    form = draw(st.sampled_from(Form))
    rows = st.lists(counts, min_size=form.samples, max_size=form.samples).map(tuple)
    mag = draw(rows) if form.has_mag else ()
    return Samples(
        form, draw(st.integers(1, 7)), draw(i64), draw(rows), draw(rows), mag, draw(u64), draw(i16), draw(u8)
    )


@given(samples())
def test_samples_come_back(told: Samples) -> None:
    """Through their package."""
    assert content_of(Package.from_bytes(bytes(Package(told.header, bytes(told))))) == told


@given(
    st.builds(
        Status, i64, u8, u8, counts, st.booleans(), percents | percents.map(lambda each: each | 0x80), u8
    )
    | st.builds(AbsoluteTime, i64)
    | st.builds(ClockRoundtrip, i64, i64, i64, i64)
    | st.builds(RealTimeStreaming, u8, u8)
    | st.builds(SensorError, u8, u16)
    | st.builds(
        MeasurementMode,
        i64,
        st.booleans(),
        *[u8] * 7,
        u16,
        u8,
        u64,
        st.booleans(),
        st.booleans(),
        st.booleans(),
    )
)
def test_they_come_back(
    thing: Status | AbsoluteTime | ClockRoundtrip | RealTimeStreaming | SensorError,
) -> None:
    """Bytes and back is the same."""
    assert type(thing).from_bytes(bytes(thing)) == thing


unit = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: sum(each * each for each in q) > 0.01)


@given(unit, st.booleans(), st.booleans())
def test_orientations_come_back(quaternion: tuple[float, ...], rest: bool, disturbed: bool) -> None:
    """To a millionth; the other sign is the same orientation."""
    length = sqrt(sum(each * each for each in quaternion))
    w, x, y, z = (each / length for each in quaternion)

    packed = capture2go_data.packed_quaternion((w, x, y, z), at_rest=rest, disturbed=disturbed)
    told = capture2go_data.unpacked_quaternion(packed)

    assert told is not None
    assert abs(sum(a * b for a, b in zip(told, (w, x, y, z), strict=True))) == pytest.approx(1, abs=1e-6)
    assert (bool(packed >> 62 & 1), bool(packed >> 63)) == (rest, disturbed)


@given(
    st.binary(max_size=40),
    st.sampled_from([0x0071, 0x0122, 0x0162, 0x0171, 0x0172, 0x0201, 0x0253, 0x0287, 0xFFFF]),
)
def test_any_bytes_are_something_or_a_protocol_error(data: bytes, header: int) -> None:
    """Nothing else is raised, in a package or without."""
    with suppress(ProtocolError):
        Package.from_bytes(data)
    with suppress(ProtocolError):
        content_of(Package(header, data))
