"""MetaMotion clips (MbientLab MetaMotion R, RL, S): modules, identity, battery, button, light and vibration.

This module, `metamotion_imu`, `metamotion_clock` and `metamotion_fusion` are the specification. Source: the vendor's MetaWear SDK (its tests
of 2023 hold the exact bytes), and packets that users published [H]; what is less sure is marked.

Connecting
    Advertised as `MetaWear` by default, and the wearer can change it; the service is advertised. No pairing, no MTU: a
    notification holds at most 18 bytes of data. Streams that an earlier host started go on: write the stop commands of
    the streams and `TEARDOWN` first. A macro that starts things by itself survives until erased.

Packets
    Module, register, data. A read has bit 7 of the register set, and its reply does too. Modules answer `ask_module` with
    implementation and revision, or with nothing when absent. Everything else depends on these.

Feedback
    Light on every board. The haptic module answers "present" on every board, too, but only the MMR+ has a motor fitted;
    on R, RL and S its pin is free for one that is soldered on. Whether there is one cannot be asked.

Dangers
    A link that was cut badly can lock the board; `RESET` helps.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.errors import MalformedFrameError
from firmware_protocol.fields import in_range, percent, unpack

NAME = "MetaWear"
SERVICE_UUID = "326a9000-85cb-9195-d9dd-464cfbbae75a"
COMMAND_UUID = "326a9001-85cb-9195-d9dd-464cfbbae75a"
"""Write and write without response."""
NOTIFY_UUID = "326a9006-85cb-9195-d9dd-464cfbbae75a"
MODEL_NUMBERS = {"5": "MetaMotion R or RL", "8": "MetaMotion S"}
"""Model number of the device information service, which every unit has. (The standard battery service should be there
too [M]; `read_battery` always is.)"""

READ = 0x80
"""The bit of a register that reads it."""
LONGEST_DATA = 18

_BATTERY = struct.Struct("<BBBH")
_ADDRESS = struct.Struct("<BBB6s")
_SWITCH = struct.Struct("<BBB")
_HAPTIC = struct.Struct("<BBBHB")
_LED = struct.Struct("<BBBBBBHHHHHB")
_CONNECTION = struct.Struct("<BBHHHH")


class Module(IntEnum):
    """What the board is made of; the first byte of a packet."""

    SWITCH = 0x01
    LED = 0x02
    ACCELEROMETER = 0x03
    TEMPERATURE = 0x04
    GPIO = 0x05
    HAPTIC = 0x08
    PROCESSOR = 0x09
    EVENT = 0x0A
    LOG = 0x0B
    TIMER = 0x0C
    I2C = 0x0D
    MACRO = 0x0F
    SETTINGS = 0x11
    BAROMETER = 0x12
    GYROSCOPE = 0x13
    LIGHT = 0x14
    MAGNETOMETER = 0x15
    FUSION = 0x19
    DEBUG = 0xFE


@dataclass(frozen=True, slots=True)
class Packet:
    """Any packet, either way; for those that no other class here reads."""

    module: int
    register: int
    """Bit 7 set: a read, or the reply to one."""
    data: bytes = b""

    @classmethod
    def from_bytes(cls, data: bytes) -> "Packet":
        """Read at least two bytes, and at most 20."""
        if not 2 <= len(data) <= 2 + LONGEST_DATA:
            raise MalformedFrameError("a MetaMotion's packet has 2 to 20 bytes", bytes(data))
        return cls(data[0], data[1], bytes(data[2:]))

    def __bytes__(self) -> bytes:
        return bytes([self.module, self.register]) + self.data


def expect(data: bytes, module: Module, register: int) -> None:
    """Raise MalformedFrameError when a packet is of another module or register."""
    if bytes(data[:2]) != bytes([module, register]):
        raise MalformedFrameError(f"not of module {module:#04x}, register {register:#04x}", bytes(data))


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """Reply to `ask_module`."""

    module: int
    implementation: int | None
    """None: the board does not have this module."""
    revision: int | None
    extra: bytes = b""

    @property
    def present(self) -> bool:
        """Whether the board has it."""
        return self.implementation is not None

    @classmethod
    def from_bytes(cls, data: bytes) -> "ModuleInfo":
        """Read two bytes (absent), or four and more."""
        packet = Packet.from_bytes(data)
        if packet.register != READ or len(packet.data) == 1:
            raise MalformedFrameError("not the information of a module", bytes(data))
        if not packet.data:
            return cls(packet.module, None, None)
        return cls(packet.module, packet.data[0], packet.data[1], packet.data[2:])

    def __bytes__(self) -> bytes:
        if self.implementation is None or self.revision is None:
            return bytes([self.module, READ])
        return bytes([self.module, READ, self.implementation, self.revision]) + self.extra


def ask_module(module: Module) -> bytes:
    """Return the command that asks for a module's implementation and revision."""
    return bytes([module, READ])


@dataclass(frozen=True, slots=True)
class Battery:
    """Reply to `READ_BATTERY`."""

    percent: int
    millivolts: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "Battery":
        """Read five bytes; MalformedFrameError over 100 %."""
        expect(data, Module.SETTINGS, READ | 0x0C)
        _, _, charge, millivolts = unpack(_BATTERY, data, "a MetaMotion's battery")
        return cls(percent(charge, data), millivolts)

    def __bytes__(self) -> bytes:
        return _BATTERY.pack(Module.SETTINGS, READ | 0x0C, self.percent, self.millivolts)


@dataclass(frozen=True, slots=True)
class Address:
    """Reply to `READ_ADDRESS`."""

    mac: str
    """As it is printed, `E8:C9:8F:52:7B:07`."""
    kind: int = 1
    """Of the address: 1 is a random static one."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "Address":
        """Read nine bytes."""
        expect(data, Module.SETTINGS, READ | 0x0B)
        _, _, kind, address = unpack(_ADDRESS, data, "a MetaMotion's address")
        return cls(address[::-1].hex(":").upper(), kind)

    def __bytes__(self) -> bytes:
        address = bytes.fromhex(self.mac.replace(":", ""))[::-1]
        return _ADDRESS.pack(Module.SETTINGS, READ | 0x0B, self.kind, address)


@dataclass(frozen=True, slots=True)
class Switch:
    """The button went down or up."""

    pressed: bool

    @classmethod
    def from_bytes(cls, data: bytes) -> "Switch":
        """Read three bytes."""
        expect(data, Module.SWITCH, 0x01)
        _, _, pressed = unpack(_SWITCH, data, "a MetaMotion's switch")
        if pressed > 1:
            raise MalformedFrameError(f"a switch is {pressed}", bytes(data))
        return cls(bool(pressed))

    def __bytes__(self) -> bytes:
        return _SWITCH.pack(Module.SWITCH, 0x01, self.pressed)


READ_BATTERY = bytes([Module.SETTINGS, READ | 0x0C])
"""From revision 3 of the settings on."""
READ_ADDRESS = bytes([Module.SETTINGS, READ | 0x0B])
SUBSCRIBE_SWITCH = bytes([Module.SWITCH, 0x01, 1])
UNSUBSCRIBE_SWITCH = bytes([Module.SWITCH, 0x01, 0])

RESET = bytes([Module.DEBUG, 0x01])
RESET_WHEN_IDLE = bytes([Module.DEBUG, 0x05])
"""After the garbage of the log has been collected."""
DISCONNECT = bytes([Module.DEBUG, 0x06])
TEARDOWN = (bytes([Module.PROCESSOR, 0x08]), bytes([Module.EVENT, 0x05]), bytes([Module.LOG, 0x0A]))
"""Removes what an earlier host set up: processors, events, loggers."""


def connection_parameters(min_ms: float, max_ms: float, latency: int, timeout_ms: int) -> bytes:
    """Return the command that asks for another rhythm of the link: intervals 7.5 to 4000 ms, timeout up to 32 s."""
    shortest = in_range(round(min_ms / 1.25), 6, 3200, "the shortest interval in 1.25 ms")
    longest = in_range(round(max_ms / 1.25), shortest, 3200, "the longest interval in 1.25 ms")
    in_range(latency, 0, 499, "the latency")
    timeout = in_range(round(timeout_ms / 10), 10, 3200, "the timeout in 10 ms")
    return _CONNECTION.pack(Module.SETTINGS, 0x09, shortest, longest, latency, timeout)


# ---- feedback ------------------------------------------------------------------------------------------------------

FULL_DUTY = 248
BUZZER_DUTY = 127


def vibrate(duration_ms: int, strength_percent: int = 100) -> bytes:
    """Return the command that runs the motor, if there is one, for up to 65 s."""
    in_range(duration_ms, 1, 0xFFFF, "a vibration's milliseconds")
    in_range(strength_percent, 1, 100, "a vibration's strength")
    return _HAPTIC.pack(Module.HAPTIC, 0x01, strength_percent * FULL_DUTY // 100, duration_ms, 0)


def buzz(duration_ms: int) -> bytes:
    """Return the command that sounds a buzzer, if one is soldered on, for up to 65 s."""
    in_range(duration_ms, 1, 0xFFFF, "a buzz's milliseconds")
    return _HAPTIC.pack(Module.HAPTIC, 0x01, BUZZER_DUTY, duration_ms, 1)


class Color(IntEnum):
    """The three lights; each has its own pattern, and they play together."""

    GREEN = 0
    RED = 1
    BLUE = 2


FOREVER = 0xFF
BRIGHTEST = 31


def led_pattern(
    color: Color,
    *,
    high: int,
    low: int,
    rise_ms: int,
    high_ms: int,
    fall_ms: int,
    period_ms: int,
    count: int,
    delay_ms: int = 0,
) -> bytes:
    """Return the command that writes a light's pattern; `LED_PLAY` plays it. Brightness is up to 31.

    Boards whose LED module is of revision 0 know no delay.
    """
    for brightness in (high, low):
        in_range(brightness, 0, BRIGHTEST, "a brightness")
    for milliseconds in (rise_ms, high_ms, fall_ms, period_ms, delay_ms):
        in_range(milliseconds, 0, 0xFFFF, "a pattern's milliseconds")
    in_range(count, 1, FOREVER, "a pattern's count")
    return _LED.pack(
        Module.LED, 0x03, color, 2, high, low, rise_ms, high_ms, fall_ms, period_ms, delay_ms, count
    )


def led_blink(color: Color, count: int) -> bytes:
    """Return the pattern of a flash of 50 ms, twice a second."""
    return led_pattern(
        color, high=BRIGHTEST, low=0, rise_ms=0, high_ms=50, fall_ms=0, period_ms=500, count=count
    )


def led_solid(color: Color, count: int) -> bytes:
    """Return the pattern of steady light, `count` seconds long."""
    return led_pattern(
        color, high=BRIGHTEST, low=BRIGHTEST, rise_ms=0, high_ms=500, fall_ms=0, period_ms=1000, count=count
    )


def led_pulse(color: Color, count: int) -> bytes:
    """Return the pattern of light that swells and ebbs every 2 s."""
    return led_pattern(
        color, high=BRIGHTEST, low=0, rise_ms=725, high_ms=500, fall_ms=725, period_ms=2000, count=count
    )


LED_PLAY = bytes([Module.LED, 0x01, 1])
LED_AUTOPLAY = bytes([Module.LED, 0x01, 2])
"""Play whatever pattern is written next."""
LED_PAUSE = bytes([Module.LED, 0x01, 0])
LED_STOP = bytes([Module.LED, 0x02, 0])
LED_STOP_AND_CLEAR = bytes([Module.LED, 0x02, 1])
