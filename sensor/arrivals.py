"""Notifications on their way from the Bluetooth callback to the reader, and the UTC times at which they came."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

ROOM = 1024
"""Notifications that may wait for a slow reader, about 40 s of them. When full the oldest is lost, and counted."""
POLL_S = 0.5
"""How often a reader gets to do other things while nothing arrives."""
LEAP_S = 2.0
"""A clock that ran ahead of the loop by so much: the computer slept, or its time was set."""
REPEAT_S = 0.005
"""What comes again within this time, byte for byte, is the same notification; a clip makes one in five times that."""
REPEAT_BYTES = 16
"""Shorter ones may well be alike: a battery, a button, three axes of a clip at rest."""
AHEAD_S = 900.0
"""Samples further ahead of the clock than this were stamped by a clock that was wrong."""


class Arrivals:
    """A bounded queue, each notification stamped with the loop's time as it came."""

    def __init__(self, room: int = ROOM) -> None:
        self._waiting: deque[tuple[float, str, bytes]] = deque(maxlen=room)
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.ended = False
        self.last_s = self._loop.time()
        """When something last came."""
        self.overflowed = 0
        self.repeated = 0
        """Notifications that came twice. bluetoothd tells all that listens to a clip as often as there are listeners."""
        self._before: tuple[float, str, bytes] = (0.0, "", b"")

    def put(self, characteristic: str, data: bytes) -> None:
        """Take a notification, or what was read; called by bleak, does nothing else."""
        self.last_s = self._loop.time()
        if not data:
            return  # a notification without bytes says nothing but that the clip is there
        before_s, *before = self._before
        self._before = (self.last_s, characteristic, data)
        if (
            len(data) >= REPEAT_BYTES
            and before == [characteristic, data]
            and self.last_s - before_s < REPEAT_S
        ):
            self.repeated += 1
            return
        if len(self._waiting) == self._waiting.maxlen:
            self.overflowed += 1
        self._waiting.append((self.last_s, characteristic, data))
        self._news.set()

    def drop(self) -> None:
        """Know that the link has ended."""
        self.ended = True
        self._news.set()

    async def get(self, wait_s: float) -> tuple[float, str, bytes] | None:
        """Return the oldest, when and of which characteristic it came, or None if nothing came in time (`POLL_S` at most) or ever will."""
        if not self._waiting and not self.ended:
            self._news.clear()
            # never so short that data which waits in a socket goes unseen after the loop was held up
            with suppress(TimeoutError):
                async with asyncio.timeout(min(POLL_S, max(0.05, wait_s))):
                    await self._news.wait()
        return self._waiting.popleft() if self._waiting else None

    def rest(self) -> list[tuple[float, str, bytes]]:
        """Return all that waits by now, oldest first: nobody will come back for more."""
        waiting = [*self._waiting]
        self._waiting.clear()
        return waiting


@dataclass(slots=True)
class Clock:
    """UTC for one connection: anchored when it is made, then the loop's own time, which never steps."""

    utc: Callable[[], int]
    floor_ns: int
    """Nothing before this: the last sample time already given."""
    _offset_ns: int = field(init=False)

    def __post_init__(self) -> None:
        self._offset_ns = max(self.utc(), self.floor_ns) - _loop_ns()

    def at(self, loop_s: float) -> int:
        """Return the UTC time of a time of the loop."""
        return self._offset_ns + round(loop_s * 1e9)

    def has_leapt(self) -> bool:
        """Tell whether UTC has run away from the loop, which stands still while a computer sleeps, or was set far back."""
        ahead_s = (self.utc() - self._offset_ns - _loop_ns()) / 1e9
        return ahead_s > LEAP_S or ahead_s < -AHEAD_S


def _loop_ns() -> int:
    return round(asyncio.get_running_loop().time() * 1e9)
