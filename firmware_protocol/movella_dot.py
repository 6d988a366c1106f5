"""Movella DOT (Xsens DOT) clips: how to know, configure, start and stop one, its battery and its button.

This module, `movella_dot_measurement` and `movella_dot_message` are the specification. Source: Movella DOT BLE Services
Specification XD0506P, revision C (July 2023), and its edition for firmware 2.0.0 [H]. No raw capture of a stream was
found; packets in the tests are the specification's examples, real writes of open projects, and frames built from it.

Connecting
    Advertised as `Xsens DOT` up to firmware 2.4.0 and `Movella DOT` later, but the wearer can change the name: prefer the
    company id. There is no standard battery service and no pairing. A link with the smallest MTU cuts medium and long
    payloads to 20 bytes: ask for `MTU` or use a short mode. Notifications MUST be on before the measurement is started.
    A DOT that its host forgot may still be measuring: read the control, and stop it first.

Clock
    Every payload is stamped: microseconds since power-on in 32 bits, which wrap after 71.58 minutes. So loss shows.

Feedback
    Light only: `identify` blinks for 10 s. The button is told with its own time.

Dangers
    Rate and filter cannot change while it measures or is synchronised. Idle it goes to sleep (10 min advertising, 30 min
    connected), which ends the session; below 2 % it powers off.
"""

import struct
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag

from firmware_protocol.errors import InvalidCommandError, MalformedFrameError
from firmware_protocol.fields import in_range, percent, unpack_beginning

COMPANY_ID = 0x0886
NAME_PREFIXES = ("Xsens DOT", "Movella DOT")
ADDRESS_PREFIXES = ("D4:22:CD", "D4:CA:6E")
"""Newer and early units."""
MTU = 66
"""63 bytes of the long payload, and three of the attribute protocol."""


def uuid(short: int) -> str:
    """Return the full UUID of a DOT's short one."""
    return f"1517{short:04x}-4947-11e9-8646-d663bd873d93"


CONFIGURATION_SERVICE_UUID = uuid(0x1000)
DEVICE_INFO_UUID = uuid(0x1001)
DEVICE_CONTROL_UUID = uuid(0x1002)
DEVICE_REPORT_UUID = uuid(0x1004)
MEASUREMENT_SERVICE_UUID = uuid(0x2000)
MEASUREMENT_CONTROL_UUID = uuid(0x2001)
HEADING_CONTROL_UUID = uuid(0x2006)
HEADING_STATUS_UUID = uuid(0x2007)
BATTERY_UUID = uuid(0x3001)
"""Read and notify."""

_INFO = struct.Struct("<6s3BH5BIQ6s")
_CONTROL = struct.Struct("<BBB2B2BB16sHB5s")
_REPORT = struct.Struct("<B35s")
_MEASUREMENT = struct.Struct("<BBB")
_BATTERY = struct.Struct("<BB")
_HEADING = struct.Struct("<H")

RATES_HZ = (1, 4, 10, 12, 15, 20, 30, 60)
"""Of a stream; 60 is the factory setting. (120 Hz can be recorded on the clip, not sent.)"""
RECORDING_RATE_HZ = 120
MAX_TAG_LENGTH = 16


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """0x1001, read: who the clip is."""

    address: str
    firmware: tuple[int, int, int]
    built: tuple[int, int, int, int, int, int]
    """Year, month, day, hour, minute, second."""
    softdevice: int
    serial: int
    product: str
    """`XS-T01` is the first generation, `XS-T02` the second."""
    rest: bytes = b""
    """What a later firmware says more."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "DeviceInfo":
        """Read 34 bytes and keep what follows; MalformedFrameError when they are fewer."""
        address, *numbers, softdevice, serial, product = unpack_beginning(_INFO, data, "a DOT's device info")
        return cls(
            address=address[::-1].hex(":").upper(),
            firmware=(numbers[0], numbers[1], numbers[2]),
            built=(numbers[3], numbers[4], numbers[5], numbers[6], numbers[7], numbers[8]),
            softdevice=softdevice,
            serial=serial,
            product=product.decode("ascii", "surrogateescape"),
            rest=bytes(data[_INFO.size :]),
        )

    def __bytes__(self) -> bytes:
        address = bytes.fromhex(self.address.replace(":", ""))[::-1]
        product = self.product.encode("ascii", "surrogateescape")
        head = _INFO.pack(address, *self.firmware, *self.built, self.softdevice, self.serial, product)
        return head + self.rest


class Apply(IntFlag):
    """Which fields of a `DeviceControl` a write means; the others are left as they are."""

    IDENTIFY = 1 << 0
    POWER = 1 << 1
    TIMEOUTS = 1 << 2
    TAG = 1 << 3
    RATE = 1 << 4
    FILTER = 1 << 5


class Power(IntFlag):
    """Options of power."""

    OFF = 1 << 0
    """Go off now; the other options are not looked at then."""
    ON_WITH_USB = 1 << 1
    """Second generation: plugging in turns it on."""


class Filter(IntEnum):
    """Profiles of the on-board orientation filter."""

    GENERAL = 0
    DYNAMIC = 1
    """Fast and jerky motion such as sprinting."""


@dataclass(frozen=True, slots=True)
class DeviceControl:
    """0x1002, read and write: the clip's settings. Read it, change it with the functions below, write it."""

    apply: int = 0
    """Bits of `Apply`; as read they tell nothing."""
    identify: int = 0
    """1 blinks for 10 s."""
    power: int = 0
    """Bits of `Power`."""
    advertising_timeout_min_s: tuple[int, int] = (10, 0)
    """Goes to sleep after so long without a connection; (0, 0) never."""
    connected_timeout_min_s: tuple[int, int] = (30, 0)
    """Goes to sleep after so long connected and idle; (0, 0) never."""
    tag: str = "Movella DOT"
    """The advertised name, up to 16 bytes."""
    rate_hz: int = 60
    filter: int = Filter.GENERAL
    reserved: bytes = bytes(5)
    rest: bytes = b""
    """What a later firmware says more."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "DeviceControl":
        """Read 32 bytes and keep what follows; MalformedFrameError when they are fewer, or a tag is longer than its field."""
        apply, identify, power, *timeouts, length, tag, rate_hz, profile, reserved = unpack_beginning(
            _CONTROL, data, "a DOT's device control"
        )
        if length > MAX_TAG_LENGTH:
            raise MalformedFrameError(f"a tag of {length} bytes in a field of 16", bytes(data))
        return cls(
            apply=apply,
            identify=identify,
            power=power,
            advertising_timeout_min_s=(timeouts[0], timeouts[1]),
            connected_timeout_min_s=(timeouts[2], timeouts[3]),
            tag=tag[:length].decode("utf-8", "surrogateescape"),
            rate_hz=rate_hz,
            filter=profile,
            reserved=reserved,
            rest=bytes(data[_CONTROL.size :]),
        )

    def __bytes__(self) -> bytes:
        tag = self.tag.encode("utf-8", "surrogateescape")
        head = _CONTROL.pack(
            self.apply,
            self.identify,
            self.power,
            *self.advertising_timeout_min_s,
            *self.connected_timeout_min_s,
            in_range(len(tag), 0, MAX_TAG_LENGTH, "the length of a tag"),
            tag,
            self.rate_hz,
            self.filter,
            self.reserved,
        )
        return head + self.rest


def identify(control: DeviceControl) -> DeviceControl:
    """Return what to write so that the clip blinks for 10 s."""
    return replace(control, apply=int(Apply.IDENTIFY), identify=1)


def power_off(control: DeviceControl) -> DeviceControl:
    """Return what to write so that the clip goes off."""
    return replace(control, apply=int(Apply.POWER), power=control.power | Power.OFF)


def set_rate(control: DeviceControl, rate_hz: int) -> DeviceControl:
    """Return what to write for another rate; InvalidCommandError for one that the family does not have."""
    if rate_hz not in {*RATES_HZ, RECORDING_RATE_HZ}:
        raise InvalidCommandError(f"a DOT has no rate of {rate_hz} Hz")
    return replace(control, apply=int(Apply.RATE), rate_hz=rate_hz)


def set_filter(control: DeviceControl, profile: Filter) -> DeviceControl:
    """Return what to write for another profile of the filter."""
    return replace(control, apply=int(Apply.FILTER), filter=profile)


def set_tag(control: DeviceControl, tag: str) -> DeviceControl:
    """Return what to write for another advertised name; InvalidCommandError beyond 16 bytes."""
    in_range(len(tag.encode()), 1, MAX_TAG_LENGTH, "the length of a tag")
    return replace(control, apply=int(Apply.TAG), tag=tag)


def set_timeouts(
    control: DeviceControl, advertising_min_s: tuple[int, int], connected_min_s: tuple[int, int]
) -> DeviceControl:
    """Return what to write for other times to sleep, minutes up to 30 and seconds up to 60; (0, 0) is never."""
    for minutes, seconds in (advertising_min_s, connected_min_s):
        in_range(minutes, 0, 30, "a timeout's minutes")
        in_range(seconds, 0, 60, "a timeout's seconds")
    return replace(
        control,
        apply=int(Apply.TIMEOUTS),
        advertising_timeout_min_s=advertising_min_s,
        connected_timeout_min_s=connected_min_s,
    )


class ReportType(IntEnum):
    """What a `DeviceReport` tells."""

    POWER_OFF = 1
    POWER_SAVING = 4
    SINGLE_CLICK = 5
    """A press of 30 to 1600 ms; firmware up to 2.0 knows this click only."""
    DOUBLE_CLICK = 6
    """Told 800 ms after the clicks, as is a single one by firmware that knows both."""
    TRIPLE_CLICK = 7


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """0x1004, notify: the clip went off, to sleep, or its button was pressed."""

    type: int
    """A `ReportType`, or one of a later firmware."""
    time_ms: int | None = None
    """When the button was pressed, on the clip's own clock."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "DeviceReport":
        """Read 36 bytes, or as many as are used; MalformedFrameError when a click's time is cut or of an odd size."""
        if not data:
            raise MalformedFrameError("an empty report", b"")
        if data[0] not in {ReportType.SINGLE_CLICK, ReportType.DOUBLE_CLICK, ReportType.TRIPLE_CLICK}:
            return cls(data[0])
        size = data[1] if len(data) > 1 else 0
        if size not in {4, 8} or len(data) < 2 + size:
            raise MalformedFrameError("a click without its time", bytes(data))
        return cls(data[0], int.from_bytes(data[2 : 2 + size], "little"))

    def __bytes__(self) -> bytes:
        if self.time_ms is None:
            return _REPORT.pack(self.type, b"")
        size = 4 if self.time_ms < 1 << 32 else 8
        return _REPORT.pack(self.type, bytes([size]) + self.time_ms.to_bytes(size, "little"))


@dataclass(frozen=True, slots=True)
class MeasurementControl:
    """0x2001, read and write: whether the clip measures, and what it sends then (`movella_dot_measurement.Mode`)."""

    running: bool
    mode: int
    rest: bytes = b""
    """What a later firmware says more."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "MeasurementControl":
        """Read three bytes, keep what follows; MalformedFrameError for another type than measurement, or an unknown action."""
        kind, action, mode = unpack_beginning(_MEASUREMENT, data, "a DOT's measurement control")
        if kind != 1 or action not in {0, 1}:
            raise MalformedFrameError("not the control of a measurement", bytes(data))
        return cls(bool(action), mode, bytes(data[_MEASUREMENT.size :]))

    def __bytes__(self) -> bytes:
        return _MEASUREMENT.pack(1, self.running, self.mode) + self.rest


class Heading(IntEnum):
    """Values of 0x2006, read and write while measuring. Lost on reboot, and nothing to inclination."""

    RESET = 1
    REVERT = 7
    """Needed before another reset."""
    DEFAULT = 8
    """Read, after neither."""


def set_heading(heading: Heading) -> bytes:
    """Return the command for 0x2006; InvalidCommandError for a value that is only read."""
    if heading == Heading.DEFAULT:
        raise InvalidCommandError("a heading is reset or reverted; the default is only read")
    return _HEADING.pack(heading)


@dataclass(frozen=True, slots=True)
class Battery:
    """0x3001, read and notify."""

    percent: int
    charging: bool
    rest: bytes = b""
    """What a later firmware says more."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "Battery":
        """Read two bytes, keep what follows; MalformedFrameError over 100 %, or when charging is neither yes nor no."""
        level, charging = unpack_beginning(_BATTERY, data, "a DOT's battery")
        if charging > 1:
            raise MalformedFrameError(f"charging is {charging}", bytes(data))
        return cls(percent(level, data), bool(charging), bytes(data[_BATTERY.size :]))

    def __bytes__(self) -> bytes:
        return _BATTERY.pack(self.percent, self.charging) + self.rest
