"""Messages → notifications on this computer's screen; the one module that imports desktop_notifier.

Urgency is never above normal, so the system's do-not-disturb holds. Where the desktop shows buttons, one snoozes.
A computer without a desktop is no error: the reason is told once and stands in the status.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from desktop_notifier import Button, Capability, DesktopNotifier
from desktop_notifier import Urgency as TheirUrgency

from neckline.alerting.messages import ALL, TITLE, Message, Urgency
from neckline.errors import ChannelError

logger = logging.getLogger(__name__)

SNOOZE_S = 30 * 60.0
URGENCIES = {Urgency.LOW: TheirUrgency.Low, Urgency.NORMAL: TheirUrgency.Normal}


class _LastFailure(logging.Handler):
    """desktop_notifier logs why a notification failed, and raises nothing."""

    why = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self.why = _reason(record.exc_info[1])


class Desktop:
    """The desktop's notifications as a channel."""

    name = "desktop"
    takes = ALL

    def __init__(self, on_snooze: Callable[[float], Awaitable[None]]) -> None:
        """Take what to call with the seconds to snooze when the wearer presses the button."""
        self._on_snooze = on_snooze
        self._notifier: DesktopNotifier | None = None
        self._snoozing: set[asyncio.Task[None]] = set()
        self._failure = _LastFailure()
        library = logging.getLogger("desktop_notifier")
        library.addHandler(self._failure)
        library.propagate = False

    async def check(self) -> None:
        """Raise ChannelError when no desktop is there."""
        await self._capabilities()

    async def send(self, message: Message) -> None:
        """Show the message; raise ChannelError when the desktop does not take it."""
        capabilities = await self._capabilities()
        buttons = []
        if message.offers_snooze and Capability.BUTTONS in capabilities:
            buttons.append(Button(f"Snooze {SNOOZE_S / 60:.0f} min", on_pressed=self._pressed))
        dispatched: list[bool] = []
        self._failure.why = ""
        await self._open().send(
            message.title or TITLE,
            message.body,
            urgency=URGENCIES[message.urgency],
            buttons=buttons,
            on_dispatched=lambda: dispatched.append(True),
        )
        if not dispatched:
            self.close()  # its connection does not come back: begin anew next time
            raise _no_desktop(self._failure.why or "it was not taken")

    def close(self) -> None:
        """End the connection to the desktop; the next message makes a new one. The library itself never ends one."""
        bus = getattr(getattr(self._notifier, "_backend", None), "bus", None)
        if bus is not None:
            bus.disconnect()
        self._notifier = None

    def _open(self) -> DesktopNotifier:
        if self._notifier is None:
            self._notifier = DesktopNotifier(app_name=TITLE, app_icon=None)
        return self._notifier

    async def _capabilities(self) -> frozenset[Capability]:
        try:
            return await self._open().get_capabilities()
        except Exception as error:
            self.close()
            raise _no_desktop(_reason(error)) from error

    def _pressed(self) -> None:
        async def snooze() -> None:
            await self._on_snooze(SNOOZE_S)

        task = asyncio.get_running_loop().create_task(snooze(), name="snooze from the desktop")
        self._snoozing.add(task)
        task.add_done_callback(self._snoozing.discard)


def _no_desktop(detail: str) -> ChannelError:
    logger.debug("no desktop: %s", detail)
    return ChannelError(
        Desktop.name,
        "no desktop shows notifications here",
        "log in to a desktop, or set alerts.desktop = false and alerts.push_file in the configuration",
    )


def _reason(error: BaseException) -> str:
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
