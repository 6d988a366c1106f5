"""Signs for the wearer on their way to the clip that streams: from whoever asks to the link that has the connection."""

import asyncio
from collections import deque

from sensor.errors import ClipLostError, SensorError
from sensor.session import Family, Signal


class Signals:
    """What one stream's clip is asked to give. Nothing waits for a clip that is away: asking fails at once."""

    def __init__(self, clip: str, family: Family) -> None:
        """Take the clip's name, for people, and what it is."""
        self._clip = clip
        self._family = family
        self._asked: deque[tuple[Signal, asyncio.Future[None]]] = deque()
        self._connected = False

    async def give(self, signal: Signal) -> None:
        """Return when the clip has taken it. Raises ClipError, and ValueError for what its family cannot."""
        if not self._connected:
            raise ClipLostError(self._clip, "it is not connected just now")
        await self.ask(signal)

    # ---- what the link calls ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Know that the clip is connected, and is the right one."""
        self._connected = True

    def end(self, error: SensorError) -> None:
        """Know that the connection ended; what was asked and not taken fails with it, the one in hand too."""
        self._connected = False
        while self._asked:
            self.refused(error)

    def ask(self, signal: Signal) -> asyncio.Future[None]:
        """Queue a sign; the future is done when the clip has taken it."""
        self._family.check_signal(signal.kind)
        taken = asyncio.get_running_loop().create_future()
        # Whoever asked may have been told otherwise, or be gone: an error that nobody fetches is no fault.
        taken.add_done_callback(lambda told: told.cancelled() or told.exception())
        self._asked.append((signal, taken))
        return taken

    def next(self) -> Signal | None:
        """Return the oldest sign that somebody waits for; it is in hand until `taken`, `refused` or `end`."""
        while self._asked and self._asked[0][1].done():
            self._asked.popleft()
        return self._asked[0][0] if self._asked else None

    def taken(self) -> None:
        """Tell whoever waits that the clip has taken the one in hand."""
        _, taken = self._asked.popleft()
        if not taken.done():
            taken.set_result(None)

    def refused(self, error: SensorError) -> None:
        """Tell whoever waits that the one in hand will not be given."""
        _, taken = self._asked.popleft()
        if not taken.done():
            taken.set_exception(error)
