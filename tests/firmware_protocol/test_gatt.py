"""Standard battery and device information."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import gatt
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.gatt import BatteryLevel, DeviceInformation, SystemId
from tests.firmware_protocol.numbers import percents


def test_uuids_are_bluetooths() -> None:
    """A short number in Bluetooth's base; beyond 16 bits there is none."""
    assert gatt.BATTERY_LEVEL_UUID == "00002a19-0000-1000-8000-00805f9b34fb"
    assert gatt.uuid(DeviceInformation.MODEL_NUMBER) == "00002a24-0000-1000-8000-00805f9b34fb"
    with pytest.raises(InvalidCommandError):
        gatt.uuid(0x10000)


@given(percents)
def test_a_level_is_one_byte(percent: int) -> None:
    """0 to 100 %; 0 is a charge, too."""
    assert BatteryLevel.from_bytes(bytes([percent])) == BatteryLevel(percent)
    assert bytes(BatteryLevel(percent)) == bytes([percent])


@pytest.mark.parametrize("data", ["", "65", "ff", "5700"])
def test_no_level(data: str) -> None:
    """None, more than 100 %, or more than one byte."""
    with pytest.raises(MalformedFrameError):
        BatteryLevel.from_bytes(bytes.fromhex(data))


def test_a_system_id_has_two_numbers() -> None:
    """The address 12:34:56:9A:BC:DE as the characteristic's definition makes an id of it."""
    system = SystemId.from_bytes(bytes.fromhex("debc9afeff563412"))

    assert (system.organization, system.number) == (0x123456, 0xFFFE9ABCDE)
    assert bytes(system).hex() == "debc9afeff563412"


def test_text_loses_its_closing_nul() -> None:
    """As some firmware sends it; what is not UTF-8 is malformed."""
    assert gatt.text(b"2.4.1\0") == gatt.text(b"2.4.1") == "2.4.1"
    assert gatt.text(b"") == ""
    with pytest.raises(MalformedFrameError):
        gatt.text(b"\xff\xfe")


@given(st.binary(max_size=12))
def test_any_bytes_are_something_or_a_protocol_error(data: bytes) -> None:
    """Nothing else is raised, and what is read is written back as it was."""
    for kind in (BatteryLevel, SystemId):
        with suppress(ProtocolError):
            assert bytes(kind.from_bytes(data)) == data
    with suppress(ProtocolError):
        gatt.text(data)
