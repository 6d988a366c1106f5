"""Messages → the wearer's telephone or chat by apprise; the one module that imports it.

Each URL is a channel of its own, so that one that hangs delays no other. The URLs are secrets: they hold tokens. No
text of them reaches a log, a status or an error; apprise's own log, which names topics, is kept silent.
"""

import asyncio
import logging
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyType

from neckline.alerting.messages import ALL, Message
from neckline.errors import ChannelError

T = TypeVar("T")

_HTTP = re.compile(r"error=(\d{3})\b")


class _Reasons(logging.Handler):
    """Reads from apprise's log, by thread, why a message failed: the HTTP status, and nothing that could be secret."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.by_thread: dict[int, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        found = _HTTP.search(record.getMessage())
        if record.thread is not None:
            self.by_thread[record.thread] = f"HTTP {found[1]}" if found else ""


_reasons = _Reasons()


class Push:
    """One apprise URL as a channel."""

    takes = ALL

    def __init__(self, name: str, service: NotifyBase | None) -> None:
        self.name = name
        self._service = service
        self._busy = False

    async def check(self) -> None:
        """Raise ChannelError when apprise cannot make anything of the URL."""
        if self._service is None:
            raise ChannelError(
                self.name,
                "its URL is none that apprise knows",
                "correct it (https://appriseit.com lists them); its lines are counted without comments",
            )

    async def send(self, message: Message) -> None:
        """Send the message from a thread; raise ChannelError when it was not taken."""
        await self.check()
        if self._busy:
            raise ChannelError(self.name, "the message before is still on its way", "see to the network")

        def deliver() -> str | None:
            service, thread = self._service, threading.get_ident()
            try:
                sent = service is not None and service.notify(
                    body=message.body, title=message.title, notify_type=NotifyType.INFO
                )
                return None if sent else _reasons.by_thread.get(thread, "")
            finally:
                self._busy = False
                _reasons.by_thread.pop(thread, None)

        self._busy = True
        try:
            why = await _in_daemon_thread(deliver, self.name)
        except RuntimeError:
            self._busy = False  # the system had no thread left: nothing is on its way
            raise
        if why is not None:
            raise ChannelError(
                self.name,
                "the service did not take the message" + (f" ({why})" if why else ""),
                "see to the network, and whether the URL is still right",
            )


def push_channels(urls: Sequence[str]) -> list[Push]:
    """Return a channel for each URL, named by number and service; one that is wrong says so when it is checked."""
    library = logging.getLogger("apprise")
    library.propagate = False
    if _reasons not in library.handlers:
        library.addHandler(_reasons)
    asset = AppriseAsset(
        app_id="neckline", app_desc="neckline", app_url="", image_url_mask="", image_url_logo=""
    )
    channels = []
    for number, url in enumerate(urls, 1):
        service = Apprise.instantiate(url, asset=asset)
        kind = f" ({service.service_name})" if service is not None else ""
        channels.append(Push(f"push {number}{kind}", service))
    return channels


async def _in_daemon_thread(call: Callable[[], T], name: str) -> T:
    """Await a call in a thread that the end of the program does not wait for, as it does for an executor's."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # one of the two is given

    def work() -> None:
        result, failure = None, None
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 (handed to whoever awaits)
            failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await future
