"""Messages → the wearer, over every channel at once; a channel that hangs or fails delays nobody but itself.

Each channel has a short queue and a task of its own. `tell` never waits and never raises. What has become old by the
time its channel is free is dropped: a reminder of a slouch that is long over only puzzles. Failures are logged once
for each new reason, and counted.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from neckline.alerting.messages import Message, Urgency
from neckline.errors import ChannelError
from neckline.screen.logs import happened
from neckline.wearing.status import ChannelStatus

QUEUE = 8
"""Messages that wait for one channel; the oldest gives way."""
SEND_S = 30.0
"""How long one message may take: push services try for some seconds."""
STALE_S = 90.0
"""A message that waited for longer is not sent any more."""
FAREWELL_S = 3.0
"""What a stop leaves to messages that are under way."""


class Channel(Protocol):
    """One way to reach the wearer."""

    name: str
    takes: frozenset[Urgency]
    """Messages of another urgency are not for it."""

    async def check(self) -> None:
        """Raise ChannelError when it is plain beforehand that nothing can be delivered. Sends nothing."""

    async def send(self, message: Message) -> None:
        """Deliver the message; raise ChannelError with the reason when that cannot be. May be cancelled."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    message: Message
    since_s: float


class _Line:
    """One channel, its queue, and how it fares."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.queue: asyncio.Queue[_Waiting] = asyncio.Queue(QUEUE)
        self.sent = self.failed = self.dropped = 0
        self.trouble = ""

    def put(self, message: Message) -> None:
        if self.queue.full():
            self.queue.get_nowait()
            self.queue.task_done()
            self.dropped += 1
        self.queue.put_nowait(_Waiting(message, asyncio.get_running_loop().time()))

    async def run(self) -> None:
        """Send what comes, one after the other, for ever."""
        if why := await _why_not(self.channel.check()):
            self._troubled(why, logging.INFO)
        while True:
            waiting = await self.queue.get()
            try:
                if asyncio.get_running_loop().time() - waiting.since_s > STALE_S:
                    self.dropped += 1
                else:
                    await self._send(waiting.message)
            finally:
                self.queue.task_done()

    async def _send(self, message: Message) -> None:
        name = self.channel.name
        if why := await _why_not(self.channel.send(message)):
            self.failed += 1
            self._troubled(why, logging.WARNING)
            return
        self.sent += 1
        if self.trouble:
            self.trouble = ""
            happened("channel_works", f"Alerts by {name} work again", channel=name)

    def _troubled(self, why: str, level: int) -> None:
        """Tell a new reason, once."""
        name = self.channel.name
        if why != self.trouble:
            happened("channel_fails", f"No alerts by {name}: {why}", level=level, channel=name, reason=why)
        self.trouble = why

    def status(self) -> ChannelStatus:
        return ChannelStatus(self.channel.name, self.sent, self.failed, self.dropped, self.trouble)


async def _why_not(attempt: Awaitable[None]) -> str:
    """Await what a channel does; return why it failed, empty when it did not."""
    try:
        async with asyncio.timeout(SEND_S):
            await attempt
    except TimeoutError:
        return f"no answer within {SEND_S:g} s: see whether what it needs is running"
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Not by a stop: what it waited for was.
        return "it was broken off: see whether what it needs is running"
    except ChannelError as error:
        return f"{error}: {error.way_out}"
    except Exception as error:  # noqa: BLE001 (a fault in one channel must not silence the others)
        return f"{type(error).__name__}: {error} (a fault of neckline's own)"
    return ""


class Alerts:
    """All channels of one wearer."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._lines = [_Line(channel) for channel in channels]

    def tell(self, message: Message) -> None:
        """Hand a message to every channel that takes such; returns at once."""
        for line in self._lines:
            if message.urgency in line.channel.takes:
                line.put(message)

    @property
    def status(self) -> tuple[ChannelStatus, ...]:
        """How each channel fares."""
        return tuple(line.status() for line in self._lines)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver as long as the block runs; at its end what is under way has a moment to get out."""
        tasks = [
            asyncio.create_task(line.run(), name=f"alerts by {line.channel.name}") for line in self._lines
        ]
        try:
            yield
        finally:
            farewells = [asyncio.create_task(line.queue.join()) for line in self._lines]
            if farewells:
                await asyncio.wait(farewells, timeout=FAREWELL_S)
            for task in (*farewells, *tasks):
                task.cancel()
            await asyncio.gather(*farewells, *tasks, return_exceptions=True)
