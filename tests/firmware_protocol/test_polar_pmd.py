"""Polar's settings, commands and frames, by the vendor's own unit tests (polar-ble-sdk) and its document."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import polar_pmd
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.polar_pmd import (
    ControlResponse,
    DataFrame,
    Features,
    MeasurementType,
    Operation,
    Settings,
    Status,
    Stopped,
)
from tests.firmware_protocol.numbers import f32, u8, u16, u32, u64

# ---- settings ------------------------------------------------------------------------------------------------------


def test_what_a_gyroscope_offers() -> None:
    """52 Hz, 16 bits, four ranges, three channels."""
    data = bytes.fromhex("00013400010110000204f500f401e803d007040103")

    told = Settings.from_bytes(data)

    assert told == Settings((52,), (16,), (245, 500, 1000, 2000), channels=(3,))
    assert bytes(told) == data


def test_ranges_in_thousandths_and_a_factor() -> None:
    """Four bytes each; a factor is a float (the SDK's factor of Verity Sense's acceleration)."""
    told = Settings.from_bytes(bytes.fromhex("0302ffffffffff000000" + "01010e00" + "05010ad77f39"))

    assert (told.ranges_milli, told.resolutions_bit) == ((0xFFFFFFFF, 0xFF), (14,))
    assert told.factor == pytest.approx(2.44e-4, rel=1e-3)


def test_a_tag_that_is_not_known_keeps_what_was_before_it() -> None:
    """Its width is not known, so all from there on is kept as it is."""
    told = Settings.from_bytes(bytes.fromhex("00013400" + "0701aabb"))

    assert (told.rates_hz, told.rest.hex()) == ((52,), "0701aabb")
    assert bytes(told).hex() == "000134000701aabb"


@pytest.mark.parametrize("data", ["0001", "000134", "00023400", "0501000080ff", "0501ff", "000134000102"])
def test_settings_that_are_cut(data: str) -> None:
    """Are malformed, as is a factor that is no number."""
    with pytest.raises(MalformedFrameError):
        Settings.from_bytes(bytes.fromhex("0501000080ff") if data == "0501000080ff" else bytes.fromhex(data))


# ---- commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "data"),
    [
        (
            polar_pmd.start(MeasurementType.ACC, rate_hz=200, full_scale=8),
            "02020001c8000101100002010800",
        ),
        (
            polar_pmd.start(MeasurementType.ACC, rate_hz=52, full_scale=8, channels=3),
            "0202000134000101100002010800040103",
        ),
        (polar_pmd.stop(MeasurementType.ACC), "0302"),
        (polar_pmd.start_sdk_mode(), "0209"),
        (polar_pmd.stop(MeasurementType.SDK), "0309"),
        (polar_pmd.get_settings(MeasurementType.GYRO), "0105"),
    ],
)
def test_commands_are_polars(command: bytes, data: str) -> None:
    """As Polar's document and bleakheart write them to the control point."""
    assert command.hex() == data


def test_commands_out_of_range_are_our_fault() -> None:
    """The SDK mode has no settings; numbers fit their fields."""
    wrongs: tuple[Callable[[], object], ...] = (
        lambda: polar_pmd.start(MeasurementType.SDK, rate_hz=52),
        lambda: polar_pmd.start(MeasurementType.ACC, rate_hz=0),
        lambda: polar_pmd.start(MeasurementType.ACC, rate_hz=52, resolution_bit=33),
        lambda: polar_pmd.start(MeasurementType.ACC, rate_hz=52, full_scale=0x10000),
        lambda: polar_pmd.start(MeasurementType.ACC, rate_hz=52, channels=256),
    )
    for wrong in wrongs:
        with pytest.raises(InvalidCommandError):
            wrong()


# ---- answers -------------------------------------------------------------------------------------------------------


def test_an_answer_tells_status_and_parameters() -> None:
    """F0, operation, measurement, status; parameters with a success alone."""
    good = ControlResponse.from_bytes(bytes.fromhex("f001020000ffffff"))
    bad = ControlResponse.from_bytes(bytes.fromhex("f001060700"))

    assert good == ControlResponse(
        Operation.GET_SETTINGS, MeasurementType.ACC, Status.SUCCESS, parameters=b"\xff" * 3
    )
    assert bad == ControlResponse(Operation.GET_SETTINGS, MeasurementType.MAG, Status.INVALID_RESOLUTION)
    with pytest.raises(MalformedFrameError):
        ControlResponse.from_bytes(bytes.fromhex("f00102"))


def test_the_answer_to_a_start_holds_the_factor() -> None:
    """As Verity Sense answers it."""
    told = ControlResponse.from_bytes(bytes.fromhex("f00202000005010ad77f39"))

    assert told.settings().factor == pytest.approx(2.44e-4, rel=1e-3)


def test_features_and_the_end_of_a_stream() -> None:
    """A bit for each measurement; the sensor itself may stop some."""
    features = Features.from_bytes(bytes.fromhex("0f6f02"))

    assert features.measurements == {
        *(MeasurementType.ECG, MeasurementType.PPG, MeasurementType.ACC, MeasurementType.PPI),
        *(MeasurementType.GYRO, MeasurementType.MAG, MeasurementType.SDK),
    }
    assert Stopped.from_bytes(bytes.fromhex("010205")).measurements == (2, 5)


# ---- round trips ---------------------------------------------------------------------------------------------------

settings = st.builds(
    Settings,
    st.lists(u16, max_size=4).map(tuple),
    st.lists(u16, max_size=2).map(tuple),
    st.lists(u16, max_size=4).map(tuple),
    st.lists(u32, max_size=2).map(tuple),
    st.lists(u8, max_size=2).map(tuple),
    st.none() | f32,
)
frames = st.builds(
    DataFrame, st.integers(0, 0x3F), u64, st.integers(0, 0x7F), st.booleans(), st.binary(max_size=20)
)
answers = st.builds(ControlResponse, u8, u8, st.just(0), st.booleans(), st.binary(max_size=20)) | st.builds(
    ControlResponse, u8, u8, st.integers(1, 0xFF)
)


@given(settings | frames | answers | st.builds(Stopped, st.tuples(st.integers(0, 0x3F))))
def test_they_come_back(thing: Settings | DataFrame | ControlResponse | Stopped) -> None:
    """Bytes and back is the same."""
    assert type(thing).from_bytes(bytes(thing)) == thing


@given(st.sampled_from([b"", b"\xf0", b"\x0f", b"\x01", b"\x00\x01"]), st.binary(max_size=24))
def test_any_bytes_are_something_or_a_protocol_error(head: bytes, rest: bytes) -> None:
    """Nothing else is raised."""
    for kind in (Settings, ControlResponse, Stopped, Features, DataFrame):
        with suppress(ProtocolError):
            thing = kind.from_bytes(head + rest)
            assert kind.from_bytes(bytes(thing)) == thing
            if isinstance(thing, ControlResponse):
                thing.settings()
