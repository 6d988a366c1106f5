"""A scripted org.bluez on a private D-Bus, with which bleak's own BlueZ backend talks: what only the real one shows.

It knows one adapter and one clip. `fail` makes a method answer with an error; everything is told over a real
dbus-daemon, so that leaks of bus connections and of notify sessions can be counted.
"""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from sensor.virtual.firmware import Firmware, bundle_of

ADAPTER, DEVICE, SERVICE, CHARACTERISTIC = (
    f"org.bluez.{name}1" for name in ("Adapter", "Device", "GattService", "GattCharacteristic")
)
UUIDS = {short: f"0000{short}-0000-1000-8000-00805f9a34fb" for short in ("ffe5", "ffe4", "ffe9")}
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"""


@contextmanager
def private_bus(folder: Path) -> Iterator[str]:
    """Run a dbus-daemon; give its address."""
    config = folder / "bus.conf"
    config.write_text(CONFIG.format(socket=folder / "bus"))
    command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        address = daemon.stdout.readline().decode().strip()  # written when it listens
        try:
            yield address
        finally:
            daemon.terminate()


class FakeBlueZ:
    """bluetoothd as far as neckline uses it, with one clip of the WitMotion family."""

    def __init__(self, firmware: Firmware, name: str = "WT901BLE") -> None:
        self.firmware = firmware
        self.fail: dict[str, list[tuple[str, str]]] = {}
        """Errors to answer with: name and text, by method, one a call."""
        self.hang: set[str] = set()
        """Methods that are never answered."""
        self.held: dict[str, tuple[asyncio.Event, asyncio.Event]] = {}
        """Methods that are answered with nothing else done: set when it is called, and what its answer waits for."""
        self.calls: list[str] = []
        self.sent = 0
        self.adapter = "/org/bluez/hci0"
        self.device = f"{self.adapter}/dev_{firmware.mac.replace(':', '_')}"
        self._service = f"{self.device}/service0010"
        self._notify, self._write = f"{self._service}/char0011", f"{self._service}/char0014"
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._ticks: asyncio.TimerHandle | None = None
        self._sample = 0
        self._objects: dict[str, dict[str, dict[str, Variant]]] = {
            self.adapter: {
                ADAPTER: {
                    "Address": Variant("s", "00:11:22:33:44:55"),
                    "Powered": Variant("b", True),
                    "Discovering": Variant("b", False),
                    "Roles": Variant("as", ["central"]),
                }
            }
        }

    async def start(self, address: str) -> None:
        """Take the name org.bluez on this bus."""
        self._bus = await MessageBus(bus_address=address).connect()
        self._bus.add_message_handler(self._on_message)
        await self._bus.request_name("org.bluez")

    def stop(self) -> None:
        """Leave the bus."""
        self._fall_silent()
        self._bus.disconnect()

    # ---- what happens to it -------------------------------------------------------------------------------

    def power(self, on: bool) -> None:
        """Switch the adapter off or on."""
        if not on and self.connected:
            self.drop()
        self._set(self.adapter, ADAPTER, Powered=Variant("b", on))

    def remove_adapter(self) -> None:
        """Unplug it."""
        self._remove(self.adapter)

    @property
    def connected(self) -> bool:
        """Whether the clip is connected."""
        return self.device in self._objects and bool(self._objects[self.device][DEVICE]["Connected"].value)

    def appear(self) -> None:
        """Let the clip be heard, unless it is connected: then it does not advertise."""
        if self.device not in self._objects:
            address = Variant("s", self.firmware.mac)
            self._add(
                self.device,
                DEVICE,
                Address=address,
                AddressType=Variant("s", "random"),
                Name=Variant("s", self._name),
                Alias=Variant("s", self._name),
                Paired=Variant("b", False),
                Connected=Variant("b", False),
                ServicesResolved=Variant("b", False),
                Adapter=Variant("o", self.adapter),
                UUIDs=Variant("as", [UUIDS["ffe5"], "00001801-0000-1000-8000-00805f9b34fb"]),
                RSSI=Variant("n", -50),
            )
        elif not self.connected:
            self._set(self.device, DEVICE, RSSI=Variant("n", -51))

    def connect(self) -> None:
        """Make the link and tell the services, as after a Connect."""
        self._set(self.device, DEVICE, Connected=Variant("b", True))
        self._add(
            self._service,
            SERVICE,
            UUID=Variant("s", UUIDS["ffe5"]),
            Primary=Variant("b", True),
            Device=Variant("o", self.device),
        )
        for path, short, flags in (
            (self._notify, "ffe4", ["notify"]),
            (self._write, "ffe9", ["write", "write-without-response"]),
        ):
            self._add(
                path,
                CHARACTERISTIC,
                UUID=Variant("s", UUIDS[short]),
                Service=Variant("o", self._service),
                Flags=Variant("as", flags),
                MTU=Variant("q", 247),
            )
        self._set(self.device, DEVICE, ServicesResolved=Variant("b", True))

    def drop(self) -> None:
        """Lose the link, as bluetoothd tells it after a supervision timeout."""
        self._fall_silent()
        self._set(self.device, DEVICE, ServicesResolved=Variant("b", False))
        self._set(self.device, DEVICE, Connected=Variant("b", False))
        for path in (self._notify, self._write, self._service):
            self._remove(path)

    # ---- the stream ---------------------------------------------------------------------------------------

    def _fall_silent(self) -> None:
        if self._ticks:
            self._ticks.cancel()
            self._ticks = None

    def _tick(self) -> None:
        rate_hz = self.firmware.rate_hz or 10.0
        bundle = bundle_of(rate_hz)
        samples = self._sample + np.arange(bundle)
        self._sample += bundle
        self._notify_value(b"".join(self.firmware.frames(samples / rate_hz)))
        self._ticks = self._loop.call_later(bundle / rate_hz, self._tick)

    def _notify_value(self, data: bytes) -> None:
        self.sent += 1
        self._set(self._notify, CHARACTERISTIC, Value=Variant("ay", data))

    # ---- signals and methods ------------------------------------------------------------------------------

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self._bus.send(
            Message(
                message_type=MessageType.SIGNAL,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=body,
            )
        )

    def _add(self, path: str, interface: str, **properties: Variant) -> None:
        self._objects.setdefault(path, {})[interface] = properties
        body = [path, {interface: properties}]
        self._signal("/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded", "oa{sa{sv}}", body)

    def _remove(self, path: str) -> None:
        if path in self._objects:
            body = [path, list(self._objects.pop(path))]
            self._signal("/", "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", "oas", body)

    def _set(self, path: str, interface: str, **properties: Variant) -> None:
        self._objects[path][interface].update(properties)
        body = [interface, properties, []]
        self._signal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", body)

    async def _answer_held(self, message: Message, called: asyncio.Event, may_answer: asyncio.Event) -> None:
        called.set()
        await may_answer.wait()
        self._bus.send(Message.new_method_return(message))

    def _on_message(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.member is None:
            return None
        self.calls.append(message.member)
        if errors := self.fail.get(message.member):
            return Message.new_error(message, *errors.pop(0))
        if message.member in self.hang:
            return True  # handled, they say
        if held := self.held.get(message.member):
            self._answering = self._loop.create_task(self._answer_held(message, *held))
            return True
        if message.member == "GetManagedObjects":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._objects])
        if message.path not in self._objects:
            return Message.new_error(
                message, "org.freedesktop.DBus.Error.UnknownObject", f"no {message.path}"
            )
        acts: dict[str, Callable[[], None]] = {
            "StartDiscovery": lambda: self._soon(self.appear),
            "Connect": self.connect,
            "Disconnect": lambda: self._soon(self.drop) if self.connected else None,
            "StartNotify": lambda: self._soon(self._tick),
            "StopNotify": self._fall_silent,
            "WriteValue": lambda: self._written(bytes(message.body[0])),
        }
        act = acts.get(message.member)
        if act:
            act()
        return Message.new_method_return(message)

    def _soon(self, act: Callable[[], None]) -> None:
        self._loop.call_soon(act)

    def _written(self, data: bytes) -> None:
        reply = self.firmware.command(data, 1.0)
        if reply:
            self.firmware.unanswered = None
            self._soon(lambda: self._notify_value(reply))


def open_files() -> int:
    """Return how many file descriptors this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))
