"""The registry of clip families: how each is recognised, what it can do, and the script of one connection.

A `Session` is sans-IO: bytes and times go in, commands to write and readings come out. A family joins neckline by
one entry in `FAMILIES`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from sensor import witmotion
from sensor.advertisement import Advertisement, Identity
from sensor.samples import BatteryReading, SampleBlock

__all__ = ["FAMILIES", "Advertisement", "Family", "Identity", "Session", "family_named", "family_of"]


class Session(Protocol):
    """One connection: reassembly, the sample clock, and register reads on their way."""

    def writes_due(self, now_ns: int) -> list[bytes]:
        """Return the commands to write now: the rate first, on every connection."""

    def received(self, data: bytes, arrival_ns: int) -> list[SampleBlock | BatteryReading | Identity]:
        """Take a notification and the time at which it arrived; return what it completes."""

    def flush(self) -> list[SampleBlock]:
        """Return the samples that are still held back, when the connection has ended."""


@dataclass(frozen=True, slots=True)
class Family:
    """One family of clips. Characteristics are matched by the beginning of their UUID."""

    name: str
    matches: Callable[[Advertisement], bool]
    service_prefix: str
    notify_prefix: str
    write_prefix: str
    rates_hz: tuple[float, ...]
    default_rate_hz: float
    open_session: Callable[[float], Session]
    """Takes one of `rates_hz`."""

    def check_rate(self, rate_hz: float) -> None:
        """Raise ValueError for a rate that the family does not have."""
        if rate_hz not in self.rates_hz:
            known = ", ".join(f"{rate:g}" for rate in self.rates_hz)
            raise ValueError(f"a clip of the family {self.name} sends at {known} Hz, not at {rate_hz:g}")


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "witmotion": Family(
            name="witmotion",
            matches=witmotion.matches,
            service_prefix=witmotion.SERVICE_PREFIX,
            notify_prefix=witmotion.NOTIFY_PREFIX,
            write_prefix=witmotion.WRITE_PREFIX,
            rates_hz=tuple(witmotion.MEASURED_RATES_HZ),
            default_rate_hz=50.0,
            open_session=witmotion.WitMotionSession,
        ),
    }
)


def family_named(name: str) -> Family:
    """Return the family of this name; ValueError if there is none."""
    if name not in FAMILIES:
        raise ValueError(f"{name!r} is no family of clips; known: {', '.join(FAMILIES)}")
    return FAMILIES[name]


def family_of(advertisement: Advertisement) -> Family | None:
    """Return the family that an advertisement belongs to, if it is one of ours."""
    return next((family for family in FAMILIES.values() if family.matches(advertisement)), None)
