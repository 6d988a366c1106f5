"""Notifications on a desktop's own D-Bus: shown, snoozed from, and told when there is no desktop."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from neckline.alerting.desktop import SNOOZE_S, Desktop
from neckline.alerting.messages import Message, Urgency
from neckline.errors import ChannelError

pytestmark = [
    pytest.mark.dbus,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems have no D-Bus"),
    pytest.mark.skipif(
        not shutil.which("dbus-daemon"), reason="dbus-daemon is missing: install the package dbus-daemon"
    ),
]
if sys.platform == "linux":
    from dbus_fast import Message as Called
    from dbus_fast.aio import MessageBus

    from tests.sensor.bluez import open_files, private_bus

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
INTERFACE = f"""<node><interface name="{NAME}">
<method name="GetServerInformation">{'<arg direction="out" type="s"/>' * 4}</method>
<method name="GetCapabilities"><arg direction="out" type="as"/></method>
<method name="Notify">{"".join(f'<arg direction="in" type="{each}"/>' for each in ["s", "u", "s", "s", "s", "as", "a{sv}", "i"])}
<arg direction="out" type="u"/></method>
<signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
<signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal>
</interface></node>"""
"""As the Desktop Notifications Specification 1.2 has it."""
ALERT = Message("You have been leaning forward for 1 min.", Urgency.NORMAL, offers_snooze=True)
NOTICE = Message("The clip's battery is at 19 %.", Urgency.LOW)


@dataclass
class Shown:
    """What a desktop shows."""

    title: str
    body: str
    buttons: dict[str, str]
    """Label by the key that pressing it sends."""
    urgency: int


@dataclass
class Screen:
    """A desktop as far as notifications go."""

    address: str
    has_buttons: bool = True
    shown: list[Shown] = field(default_factory=list)
    _bus: Any = None

    async def begin(self) -> None:
        """Log in."""
        self._bus = await MessageBus(bus_address=self.address).connect()
        self._bus.add_message_handler(self._on_message)
        await self._bus.request_name(NAME)

    def _on_message(self, call: "Called") -> "Called | None":
        match call.member:
            case "Introspect":
                return Called.new_method_return(call, "s", [INTERFACE])
            case "GetServerInformation":
                return Called.new_method_return(call, "ssss", ["test", "neckline", "1", "1.2"])
            case "GetCapabilities":
                return Called.new_method_return(call, "as", [["body"] + ["actions"] * self.has_buttons])
            case "Notify":
                _, _, _, title, body, actions, hints, _ = call.body
                buttons = dict(zip(actions[::2], actions[1::2], strict=True))
                buttons.pop("default", None)
                self.shown.append(Shown(title, body, buttons, hints["urgency"].value))
                return Called.new_method_return(call, "u", [len(self.shown)])
            case _:
                return None

    def end(self) -> None:
        """Log out."""
        self._bus.disconnect()

    def press(self, label: str) -> None:
        """Press a button of what was shown last."""
        (key,) = [key for key, its in self.shown[-1].buttons.items() if its == label]
        self._bus.send(Called.new_signal(PATH, NAME, "ActionInvoked", "us", [len(self.shown), key]))


Scenario = Callable[[Screen], Coroutine[None, None, None]]


@pytest.fixture
def on_desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Scenario], None]:
    """Return what runs a scenario on a session bus of its own, with nobody logged in yet."""

    def run(scenario: Scenario) -> None:
        with private_bus(tmp_path) as address:
            monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
            asyncio.run(scenario(Screen(address)))

    return run


async def never(_seconds: float) -> None:
    """Fail: nobody pressed anything."""
    pytest.fail("snoozed")


def test_a_message_is_shown_and_its_button_snoozes(on_desktop: Callable[[Scenario], None]) -> None:
    """As it is, never urgent; a notice has no button."""

    async def scenario(screen: Screen) -> None:
        snoozed: asyncio.Queue[float] = asyncio.Queue()
        desktop = Desktop(snoozed.put)
        await screen.begin()
        await desktop.check()
        assert screen.shown == []
        await desktop.send(NOTICE)
        await desktop.send(ALERT)
        assert [(each.title, each.body, each.urgency) for each in screen.shown] == [
            ("neckline", NOTICE.body, 0),
            ("neckline", ALERT.body, 1),
        ]
        assert [list(each.buttons.values()) for each in screen.shown] == [[], ["Snooze 30 min"]]
        screen.press("Snooze 30 min")
        async with asyncio.timeout(10):
            assert await snoozed.get() == SNOOZE_S
        desktop.close()
        screen.end()

    on_desktop(scenario)


def test_a_desktop_without_buttons_shows_the_words(on_desktop: Callable[[Scenario], None]) -> None:
    """And no key that nobody can press."""

    async def scenario(screen: Screen) -> None:
        screen.has_buttons = False
        await screen.begin()
        desktop = Desktop(never)
        await desktop.send(ALERT)
        desktop.close()
        assert [(each.body, each.buttons) for each in screen.shown] == [(ALERT.body, {})]
        screen.end()

    on_desktop(scenario)


def test_a_desktop_that_comes_and_goes(on_desktop: Callable[[Scenario], None]) -> None:
    """Without one each message is refused in a sentence; once it is there they are shown; and connections do not add up."""

    async def scenario(screen: Screen) -> None:
        desktop = Desktop(never)
        before = open_files()
        for _ in range(5):
            for attempt in (desktop.check(), desktop.send(ALERT)):
                with pytest.raises(ChannelError, match="no desktop shows notifications here") as caught:
                    await attempt
                assert "alerts.push_file" in caught.value.way_out
        assert open_files() <= before + 1  # the last one is being closed
        for _ in range(2):
            screen.shown.clear()
            await screen.begin()
            await desktop.send(ALERT)
            assert len(screen.shown) == 1
            screen.end()
            with pytest.raises(ChannelError):
                await desktop.send(ALERT)

    on_desktop(scenario)


def test_a_computer_without_a_bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server, a container: the same sentence, and nothing in any log of the library's own."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")

    async def main() -> None:
        desktop = Desktop(never)
        for attempt in (desktop.check(), desktop.send(ALERT)):
            with pytest.raises(ChannelError, match="no desktop shows notifications here"):
                await attempt

    asyncio.run(main())
