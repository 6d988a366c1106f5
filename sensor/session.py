"""What a family of clips brings along: how it is recognised, what it can do, and the script of one connection.

A `Session` is sans-IO: it tells what to ask of the clip next, bytes and times go in, readings come out. Characteristics
are named by the beginning of their UUID, in lower case; a session names each always in the same way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sensor.advertisement import Advertisement, Identity
from sensor.samples import BatteryReading, SampleBlock

# ---- what a session asks of the clip -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Have the characteristic's notifications, or indications, come to `Session.received`."""

    characteristic: str
    needed: bool = True
    """Without it there is no stream: a clip that refuses is given up. Otherwise it is passed over."""


@dataclass(frozen=True, slots=True)
class Write:
    """Write to a characteristic, and wait for the acknowledgement where it has one."""

    characteristic: str
    data: bytes
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Read:
    """Read a characteristic; what it holds comes to `Session.received` like a notification."""

    characteristic: str
    needed: bool = False


Request = Subscribe | Write | Read


class SignalKind(StrEnum):
    """How a clip can make itself felt, heard or seen."""

    VIBRATION = "vibration"
    SOUND = "sound"
    LIGHT = "light"


LONGEST_SIGNAL_MS = 60_000
"""Every family's command takes so many, and nobody wants more."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One short sign to the wearer. ValueError for none at all, or more than `LONGEST_SIGNAL_MS`."""

    kind: SignalKind
    duration_ms: int = 500

    def __post_init__(self) -> None:
        if not 1 <= self.duration_ms <= LONGEST_SIGNAL_MS:
            raise ValueError(f"a sign lasts 1 to {LONGEST_SIGNAL_MS} ms, not {self.duration_ms}")


# ---- what it tells -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """The clip answered a command that the stream needs with an error: the connection is of no use."""

    detail: str
    """A sentence for people: `it does not start its stream (charging)`."""
    way_out: str = ""
    """What to do, if it is not the usual."""


Told = SampleBlock | BatteryReading | Identity | Refusal


class Session(Protocol):
    """One connection: its script, reassembly, the clock of its samples.

    `received` must not depend on what was asked: a recording is read without anybody asking.
    """

    def requests_due(self, now_ns: int) -> list[Request]:
        """Return what to ask of the clip now, in order; all is set up on every connection."""

    @property
    def held_up(self) -> bool:
        """Whether the stream's start waits for the answer to a question that it does not need; given up in the end."""

    def passed_over(self, request: Request, now_ns: int) -> None:
        """Know that the clip refuses, or does not have, something that its stream does not need."""

    def received(self, characteristic: str, data: bytes, arrival_ns: int) -> list[Told]:
        """Take a notification, or what was read, and when it arrived; return what it completes. Never raises."""

    def flush(self) -> list[SampleBlock]:
        """Return the samples that are still held back, when the connection has ended."""

    def signal(self, signal: Signal) -> list[Request]:
        """Return what to ask so that the clip gives this sign: one of the family's `Capabilities.signals`."""


# ---- the entry in the registry -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What clips of a family can do, as far as neckline makes use of it."""

    gyroscope: bool = True
    device_clock: bool = False
    """Samples are stamped by the clip. Otherwise their times are reconstructed from arrivals."""
    loss_visible: bool = False
    """Lacking samples can be counted exactly. Otherwise they are estimated from the times of arrival."""
    battery: bool = True
    button: bool = False
    serial: bool = True
    """The clip tells in band who it is. Otherwise it is bound by its address alone."""
    signals: tuple[SignalKind, ...] = ()
    """The most noticeable first."""


@dataclass(frozen=True, slots=True)
class Family:
    """One family of clips."""

    name: str
    """As in configuration files."""
    title: str
    """As its maker calls it."""
    matches: Callable[[Advertisement], bool]
    rates_hz: tuple[float, ...]
    default_rate_hz: float
    data_characteristic: str
    """Where its samples come, as its session names it."""
    open_session: Callable[[float], Session]
    """Takes one of `rates_hz`."""
    capabilities: Capabilities
    count: tuple[float, float] | None = None
    """One raw count in m/s² and in rad/s, exactly as samples were multiplied by it; None where that is not one number."""

    def check_rate(self, rate_hz: float) -> None:
        """Raise ValueError for a rate that the family does not have."""
        if rate_hz not in self.rates_hz:
            known = ", ".join(f"{rate:g}" for rate in self.rates_hz)
            raise ValueError(f"a clip of the family {self.name} sends at {known} Hz, not at {rate_hz:g}")

    def check_signal(self, kind: SignalKind) -> None:
        """Raise ValueError for a sign that its clips cannot give."""
        if kind not in self.capabilities.signals:
            can = ", ".join(self.capabilities.signals) or "none"
            raise ValueError(f"a {self.title} cannot give a sign by {kind}; it can by: {can}")
