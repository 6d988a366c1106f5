"""MetaMotion: modules, identity, battery, button, vibration and light, by the vendor's own tests (MetaWear SDK)."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import metamotion
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.metamotion import Address, Battery, Color, Module, ModuleInfo, Packet, Switch
from tests.firmware_protocol.numbers import addresses, percents, u8, u16


@pytest.mark.parametrize(
    ("data", "info"),
    [
        ("03800101", ModuleInfo(Module.ACCELEROMETER, 1, 1)),
        ("03800400", ModuleInfo(Module.ACCELEROMETER, 4, 0)),
        ("1180000a0700", ModuleInfo(Module.SETTINGS, 0, 10, bytes([7, 0]))),
        ("1680", ModuleInfo(0x16, None, None)),
    ],
)
def test_a_module_is_there_or_not(data: str, info: ModuleInfo) -> None:
    """Implementation and revision, and what some tell more; two bytes alone: the board has none."""
    assert ModuleInfo.from_bytes(bytes.fromhex(data)) == info
    assert info.present == (len(data) > 4)
    assert bytes(info).hex() == data
    assert metamotion.ask_module(Module.HAPTIC).hex() == "0880"


@pytest.mark.parametrize("data", ["", "03", "0381", "038001", "0300"])
def test_no_module_info(data: str) -> None:
    """Cut, or of another register."""
    with pytest.raises(MalformedFrameError):
        ModuleInfo.from_bytes(bytes.fromhex(data))


def test_battery_address_and_button() -> None:
    """4148 mV are 99 %; the address has its low byte first; 1 is down."""
    assert Battery.from_bytes(bytes.fromhex("118c633410")) == Battery(99, 4148)
    assert Address.from_bytes(bytes.fromhex("118b01077b528fc9e8")).mac == "E8:C9:8F:52:7B:07"
    assert Switch.from_bytes(bytes.fromhex("010101")) == Switch(pressed=True)
    assert Switch.from_bytes(bytes.fromhex("010100")) == Switch(pressed=False)
    assert (metamotion.READ_BATTERY.hex(), metamotion.READ_ADDRESS.hex()) == ("118c", "118b")
    assert metamotion.SUBSCRIBE_SWITCH.hex() == "010101"


@pytest.mark.parametrize("data", ["118c653410", "118c6334", "110c633410", "128c633410"])
def test_no_battery(data: str) -> None:
    """Over 100 %, cut, not a reply, of another module."""
    with pytest.raises(MalformedFrameError):
        Battery.from_bytes(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("command", "data"),
    [
        (metamotion.vibrate(5000), "0801f8881300"),
        (metamotion.vibrate(500), "0801f8f40100"),
        (metamotion.vibrate(500, 50), "08017cf40100"),
        (metamotion.buzz(7500), "08017f4c1d01"),
        (metamotion.LED_PLAY, "020101"),
        (metamotion.LED_AUTOPLAY, "020102"),
        (metamotion.LED_PAUSE, "020100"),
        (metamotion.LED_STOP_AND_CLEAR, "020201"),
        (metamotion.LED_STOP, "020200"),
        (metamotion.led_blink(Color.GREEN, 10), "020300021f00000032000000f40100000a"),
        (metamotion.led_solid(Color.RED, 20), "020301021f1f0000f4010000e803000014"),
        (metamotion.led_pulse(Color.BLUE, 40), "020302021f00d502f401d502d007000028"),
        (
            metamotion.led_pattern(
                Color.BLUE,
                high=31,
                low=0,
                rise_ms=725,
                high_ms=500,
                fall_ms=725,
                period_ms=2000,
                delay_ms=12345,
                count=40,
            ),
            "020302021f00d502f401d502d007393028",
        ),
        (metamotion.connection_parameters(750, 1000, 128, 16384), "1109580220038000" + "6606"),
    ],
)
def test_commands_are_the_vendors(command: bytes, data: str) -> None:
    """As the SDK's tests expect them, byte for byte."""
    assert command.hex() == data


def test_commands_out_of_range_are_our_fault() -> None:
    """What the motor, the lights and the link cannot do is refused before it is sent."""
    wrongs: tuple[Callable[[], object], ...] = (
        lambda: metamotion.vibrate(0),
        lambda: metamotion.vibrate(0x10000),
        lambda: metamotion.vibrate(500, 101),
        lambda: metamotion.vibrate(500, 0),
        lambda: metamotion.buzz(0),
        lambda: metamotion.led_blink(Color.RED, 0),
        lambda: metamotion.led_pattern(
            Color.RED, high=32, low=0, rise_ms=0, high_ms=1, fall_ms=0, period_ms=1, count=1
        ),
        lambda: metamotion.connection_parameters(5, 1000, 0, 4000),
        lambda: metamotion.connection_parameters(50, 40, 0, 4000),
    )
    for wrong in wrongs:
        with pytest.raises(InvalidCommandError):
            wrong()


@given(
    st.builds(Battery, percents, u16)
    | st.builds(Address, addresses, u8)
    | st.builds(Switch, st.booleans())
    | st.builds(Packet, u8, u8, st.binary(max_size=18))
    | st.builds(ModuleInfo, u8, u8, u8, st.binary(max_size=8))
)
def test_they_come_back(thing: Battery | Address | Switch | Packet | ModuleInfo) -> None:
    """Bytes and back is the same."""
    assert type(thing).from_bytes(bytes(thing)) == thing


@given(st.binary(max_size=24))
def test_any_bytes_are_something_or_a_protocol_error(data: bytes) -> None:
    """Nothing else is raised, and what is read is written back as it was."""
    for kind in (ModuleInfo, Battery, Address, Switch, Packet):
        with suppress(ProtocolError):
            assert bytes(kind.from_bytes(data)) == data
