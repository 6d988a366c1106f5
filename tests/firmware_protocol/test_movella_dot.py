"""Movella DOT: identity, settings, measurements and messages, by the specification's own examples where it has them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import movella_dot
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.movella_dot import (
    Battery,
    DeviceControl,
    DeviceInfo,
    DeviceReport,
    Filter,
    Heading,
    MeasurementControl,
    ReportType,
)
from tests.firmware_protocol.numbers import addresses, percents, u8, u16, u32, u64

# ---- identity, settings, button, battery ---------------------------------------------------------------------------


def test_a_short_uuid_is_in_the_makers_base() -> None:
    """As the specification prints the base."""
    assert movella_dot.uuid(0x1001) == "15171001-4947-11e9-8646-d663bd873d93"


def test_device_info_is_read_by_the_specifications_table() -> None:
    """34 bytes, low byte first; the address, too. What a later firmware adds is kept (built from table 6)."""
    data = bytes.fromhex("3d69f16ecad4020400e70707010c1e0564000000efcdab8967452301") + b"XS-T02"

    info = DeviceInfo.from_bytes(data + b"new")

    assert info.address == "D4:CA:6E:F1:69:3D"
    assert (info.firmware, info.built) == ((2, 4, 0), (2023, 7, 1, 12, 30, 5))
    assert (info.softdevice, info.serial, info.product) == (100, 0x0123456789ABCDEF, "XS-T02")
    assert info.rest == b"new"
    assert bytes(info) == data + b"new"


WRITTEN = bytes.fromhex("100000000000000b4d6f76656c6c6120444f5400000000001400000000000000")
"""A real write, to 20 Hz (a gateway project)."""
READ = bytes.fromhex("0101020a001e00095873656e7320444f54000000000000003c00000000000000")
"""A real read (index file 5884276535)."""


def test_device_control_as_it_was_really_read_and_written() -> None:
    """Bit 4 of the first byte means the rate; the tag has its length before it."""
    written, read = DeviceControl.from_bytes(WRITTEN), DeviceControl.from_bytes(READ)

    assert (written.apply, written.tag, written.rate_hz) == (movella_dot.Apply.RATE, "Movella DOT", 20)
    assert (read.identify, read.power, read.tag) == (1, movella_dot.Power.ON_WITH_USB, "Xsens DOT")
    assert (read.advertising_timeout_min_s, read.connected_timeout_min_s) == ((10, 0), (30, 0))
    assert (read.rate_hz, read.filter) == (60, Filter.GENERAL)
    assert (bytes(written), bytes(read)) == (WRITTEN, READ)


def test_a_setting_is_changed_alone() -> None:
    """A write means one field; the others are written as they were read."""
    read = DeviceControl.from_bytes(READ)

    changed = {
        "rate": movella_dot.set_rate(read, 20),
        "filter": movella_dot.set_filter(read, Filter.DYNAMIC),
        "tag": movella_dot.set_tag(read, "back"),
        "timeouts": movella_dot.set_timeouts(read, (0, 0), (30, 60)),
        "identify": movella_dot.identify(read),
        "off": movella_dot.power_off(read),
    }

    assert {name: control.apply for name, control in changed.items()} == {
        "rate": 16,
        "filter": 32,
        "tag": 8,
        "timeouts": 4,
        "identify": 1,
        "off": 2,
    }
    assert (changed["rate"].rate_hz, changed["rate"].tag) == (20, "Xsens DOT")
    assert changed["filter"].filter == 1
    assert bytes(changed["tag"])[7:12] == b"\x04back"
    assert changed["timeouts"].connected_timeout_min_s == (30, 60)
    assert changed["off"].power == 3


@pytest.mark.parametrize("rate_hz", [0, 2, 50, 100, 121])
def test_a_rate_that_a_dot_does_not_have(rate_hz: int) -> None:
    """Is our fault; 50 Hz is none of its rates."""
    with pytest.raises(InvalidCommandError):
        movella_dot.set_rate(DeviceControl(), rate_hz)


@pytest.mark.parametrize("tag", ["", "a name of 17 byte", "äöüäöüäöü"])
def test_a_tag_has_up_to_16_bytes(tag: str) -> None:
    """Counted as they are sent."""
    with pytest.raises(InvalidCommandError):
        movella_dot.set_tag(DeviceControl(), tag)


@pytest.mark.parametrize("timeout", [(31, 0), (0, 61), (-1, 0)])
def test_a_timeout_is_up_to_half_an_hour(timeout: tuple[int, int]) -> None:
    """Minutes up to 30, seconds up to 60."""
    with pytest.raises(InvalidCommandError):
        movella_dot.set_timeouts(DeviceControl(), timeout, (30, 0))


def test_a_click_has_its_time() -> None:
    """Type, length, milliseconds on the clip's clock, padded to 36 bytes (built from table 11)."""
    click = DeviceReport.from_bytes(bytes.fromhex("05047d580200").ljust(36, b"\0"))

    assert click == DeviceReport(ReportType.SINGLE_CLICK, 153725)
    assert bytes(click) == bytes.fromhex("05047d580200").ljust(36, b"\0")
    assert DeviceReport.from_bytes(bytes.fromhex("0508ffffffffff000000")).time_ms == 0xFFFFFFFFFF
    assert DeviceReport.from_bytes(b"\x01".ljust(36, b"\0")) == DeviceReport(ReportType.POWER_OFF)
    assert DeviceReport.from_bytes(b"\x63\x04") == DeviceReport(0x63)


@pytest.mark.parametrize("data", ["", "05", "0504", "05047d5802", "05037d5802", "0508ffffffff"])
def test_a_click_that_is_cut(data: str) -> None:
    """Is malformed."""
    with pytest.raises(MalformedFrameError):
        DeviceReport.from_bytes(bytes.fromhex(data))


def test_a_heading_is_reset_or_reverted() -> None:
    """The specification's two commands; its third value is only read."""
    assert movella_dot.set_heading(Heading.RESET).hex() == "0100"
    assert movella_dot.set_heading(Heading.REVERT).hex() == "0700"
    with pytest.raises(InvalidCommandError):
        movella_dot.set_heading(Heading.DEFAULT)


@pytest.mark.parametrize("data", ["6500", "5702", "57"])
def test_no_battery(data: str) -> None:
    """Over 100 %, charging neither yes nor no, too short."""
    with pytest.raises(MalformedFrameError):
        Battery.from_bytes(bytes.fromhex(data))


def test_what_a_later_firmware_adds_is_kept() -> None:
    """Of settings, measurement and battery; and written back as it was read."""
    control = movella_dot.set_rate(DeviceControl.from_bytes(READ + b"new"), 20)

    assert (control.rate_hz, control.rest, bytes(control)[-3:]) == (20, b"new", b"new")
    assert MeasurementControl.from_bytes(b"\1\1\x1a\7") == MeasurementControl(True, 26, b"\7")
    assert Battery.from_bytes(b"\0\1\7") == Battery(0, True, b"\7")


# ---- round trips ---------------------------------------------------------------------------------------------------

infos = st.builds(
    DeviceInfo,
    addresses,
    st.tuples(u8, u8, u8),
    st.tuples(u16, u8, u8, u8, u8, u8),
    u32,
    u64,
    st.just("XS-T01"),
    st.binary(max_size=4),
)
pairs = st.tuples(u8, u8)
controls = st.builds(
    DeviceControl,
    u8,
    u8,
    u8,
    pairs,
    pairs,
    st.text("aäß€ \\/", max_size=5).filter(lambda tag: len(tag.encode()) <= 16),
    u16,
    u8,
    st.binary(min_size=5, max_size=5),
)
reports = st.builds(DeviceReport, st.sampled_from([5, 6, 7]), u64) | st.builds(
    DeviceReport, u8.filter(lambda kind: kind not in {5, 6, 7})
)
batteries = st.builds(Battery, percents, st.booleans())
running = st.builds(MeasurementControl, st.booleans(), u8)


@given(infos | controls | reports | batteries | running)
def test_they_come_back(
    thing: DeviceInfo | DeviceControl | DeviceReport | Battery | MeasurementControl,
) -> None:
    """Bytes and back is the same."""
    assert type(thing).from_bytes(bytes(thing)) == thing


@given(st.binary(max_size=40) | st.binary(min_size=32, max_size=34))
def test_any_bytes_are_something_or_a_protocol_error(data: bytes) -> None:
    """Nothing else is raised; what is read can be written, and reads the same again."""
    for kind in (DeviceInfo, DeviceControl, DeviceReport, Battery, MeasurementControl):
        with suppress(ProtocolError):
            thing = kind.from_bytes(data)
            assert kind.from_bytes(bytes(thing)) == thing
