"""What makes a virtual clip one of its family: its GATT table, and the firmware behind it. Bytes and times alone.

A `Unit` opens no radio and has no clock; `sensor.virtual.clip` puts it on the air. Times are seconds since its motion
began, which is when it first sent samples; before that they are 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

import numpy as np

from sensor.virtual.motion import LOST, Floats, Motion

Packet = tuple[str, bytes]
"""A notification: the UUID of its characteristic, and its value."""


class RefusedError(Exception):
    """The firmware answers a request with an error of the attribute protocol."""

    def __init__(self, code: int = 0x0E) -> None:
        super().__init__(code)
        self.code = code
        """0x0E is "unlikely error"."""


@dataclass(frozen=True, slots=True)
class Char:
    """One characteristic of a unit's GATT table: its UUID, and what can be done with it."""

    uuid: str
    read: bool = False
    write: bool = False
    notify: bool = False
    indicate: bool = False


@dataclass(frozen=True, slots=True)
class Advertised:
    """What fits into 31 bytes of advertisement."""

    name: str
    services: tuple[str, ...] = ()
    """UUIDs of 128 bits, or of 16 in their short form."""
    company: tuple[int, bytes] | None = None
    """Manufacturer data: whose, and what."""


class Unit(Protocol):
    """One unit of some family."""

    mac: str
    motion: Motion
    prompt: bool
    """Answers go out at once. Otherwise they ride along with the samples."""
    payload: int
    """Bytes that a notification of the standing link can carry; what is longer is cut."""

    @property
    def advertised(self) -> Advertised:
        """What it advertises unless told otherwise."""

    @property
    def table(self) -> Mapping[str, tuple[Char, ...]]:
        """Services and their characteristics."""

    @property
    def stream_hz(self) -> float | None:
        """Samples a second as they really come; None while it sends none."""

    @property
    def bundle(self) -> int:
        """How many samples go into one bundle of notifications."""

    def subscribed(self, characteristic: str, *, on: bool) -> None:
        """Know that notifications of a characteristic were switched."""

    def written(self, characteristic: str, data: bytes, now_s: float) -> None:
        """Take what was written. Raises RefusedError."""

    def read(self, characteristic: str, now_s: float) -> bytes:
        """Return what a characteristic holds. Raises RefusedError."""

    def notifications(self, time_s: Floats) -> list[Packet]:
        """Return the answers that wait, and the samples of these times; what was lost on the air gives none."""

    def damaged(self, data: bytes, random: Random) -> bytes:
        """Return a notification as it arrives damaged."""

    def disconnected(self) -> None:
        """Know that the connection ended, and with it all subscriptions."""

    def restart(self, now_s: float) -> None:
        """Switch off and on: whatever is not kept in flash is gone, and the clock begins anew."""


@dataclass(slots=True, kw_only=True)
class Board:
    """What most units have in common: one motion, a battery, a clock that runs a little wrong, a log of commands."""

    motion: Motion
    mac: str
    prompt: bool = True
    payload: int = 244
    battery_percent: int = 87
    firmware: str = "2.4.0"
    clock_start_s: float = 100.0
    """What its clock reads when the motion begins, on the first connection after it was switched on."""
    drift_ppm: float = 40.0
    """By how much its clock and its sample rate are fast."""
    refuses: set[str] = field(default_factory=set)
    """Characteristics whose every write is answered with an error."""
    commands: list[Packet] = field(init=False, default_factory=list)
    """Everything that was ever written to it."""
    signals: list[bytes] = field(init=False, default_factory=list)
    """What made it vibrate, beep or blink."""
    subscriptions: set[str] = field(init=False, default_factory=set)
    waiting: list[Packet] = field(init=False, default_factory=list)
    """Answers on their way."""
    strange: list[Packet] = field(init=False, default_factory=list)
    """What a later firmware sends besides: goes out with the next samples."""

    def subscribed(self, characteristic: str, *, on: bool) -> None:
        """Know that notifications of a characteristic were switched."""
        (self.subscriptions.add if on else self.subscriptions.discard)(characteristic)

    def disconnected(self) -> None:
        """Know that the connection ended, and with it all subscriptions."""
        self.subscriptions.clear()
        self.waiting.clear()

    def taken(self, characteristic: str, data: bytes) -> None:
        """Note what was written. Raises RefusedError where it refuses."""
        self.commands.append((characteristic, data))
        if characteristic in self.refuses:
            raise RefusedError

    def clock_s(self, time_s: float) -> float:
        """Return what the unit's own clock reads."""
        return self.clock_start_s + time_s * (1 + self.drift_ppm * 1e-6)

    def restart_clock(self, now_s: float) -> None:
        """Begin its clock anew, at a fraction of a second."""
        self.clock_start_s = 0.25 - now_s * (1 + self.drift_ppm * 1e-6)

    def damaged(self, data: bytes, random: Random) -> bytes:
        """Return a notification that was cut off somewhere."""
        return data[: random.randrange(1, len(data))]

    def answers(self) -> list[Packet]:
        """Return, once, the answers that wait."""
        packets = self.waiting + self.strange
        self.waiting, self.strange = [], []
        return packets

    def rows(self, time_s: Floats) -> tuple[Floats, Floats, Floats]:
        """Sample the motion: times, acceleration in g (n, 3) and rotation in degrees a second (n, 3)."""
        if not len(time_s):
            return time_s, np.empty((0, 3)), np.empty((0, 3))
        counts = self.motion.counts(time_s)
        there = ~(counts == LOST).any(axis=1)
        return time_s[there], counts[there, :3] / 2048.0, counts[there, 3:] / 16.384
