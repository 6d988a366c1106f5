"""bleak's own BlueZ backend on a private D-Bus: leaks, leftovers and errors that only it has. In real time."""

import asyncio
import shutil
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from sensor.bluetooth import Bluetooth
from sensor.errors import (
    BluetoothAbsentError,
    BluetoothBusyError,
    BluetoothForbiddenError,
    BluetoothOffError,
    SensorError,
)
from sensor.link import identify, scan
from sensor.samples import SampleBlock
from tests.sensor.worlds import MAC, STREAMING, WAITING, Listener, listening, numbered_firmware

pytestmark = [
    pytest.mark.dbus,
    pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's Bluetooth"),
    pytest.mark.skipif(
        not shutil.which("dbus-daemon"), reason="dbus-daemon is missing: install the package dbus-daemon"
    ),
]
if sys.platform == "linux":
    from tests.sensor.bluez import FakeBlueZ, open_files, private_bus

DROPS = 30
Scenario = Callable[["FakeBlueZ"], Coroutine[None, None, None]]


@pytest.fixture
def on_bluez(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Scenario], None]:
    """Return what runs a scenario against a bluetoothd of its own."""

    def run(scenario: Scenario) -> None:
        async def main(address: str) -> None:
            bluez = FakeBlueZ(numbered_firmware(600))
            await bluez.start(address)
            try:
                await scenario(bluez)
            finally:
                bluez.stop()

        with private_bus(tmp_path) as address:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
            asyncio.run(main(address))

    return run


async def until(listener: Listener, condition: Callable[[Listener], bool]) -> None:
    """Wait for something to be heard, ten seconds at most."""
    async with asyncio.timeout(10):
        while not condition(listener):
            await listener.news.wait()
            listener.news.clear()


def streaming(times: int) -> Callable[[Listener], bool]:
    """Return the condition that samples have come after so many times of finding the clip."""
    return lambda listener: (
        listener.states.count(STREAMING) == times and isinstance(listener.heard[-1][1], SampleBlock)
    )


def test_drops_leak_nothing_and_double_nothing(on_bluez: Callable[[Scenario], None]) -> None:
    """After each of thirty drops there is one bus connection for the clip, as before, and every sample comes once."""

    async def scenario(bluez: FakeBlueZ) -> None:
        async with listening(Bluetooth(), utc=time.time_ns) as listener:
            files = []
            for drops in range(DROPS):
                await until(listener, streaming(times=drops + 1))
                files.append(open_files())
                bluez.drop()
            await until(listener, streaming(times=DROPS + 1))

        rows = listener.rows()
        assert rows == sorted(set(rows))
        assert files == files[:1] * DROPS
        assert bluez.calls.count("StartNotify") == DROPS + 1
        assert not bluez.connected

    on_bluez(scenario)


def test_a_clip_tells_who_it_is_over_bluez(on_bluez: Callable[[Scenario], None]) -> None:
    """Scanning, identity, firmware and battery work through bleak's BlueZ backend."""

    async def scenario(bluez: FakeBlueZ) -> None:
        bluetooth = Bluetooth()
        (sighting,) = await scan(bluetooth, 0.2)
        report = await identify(bluetooth, sighting)

        assert sighting.advertisement.name == "WT901BLE"
        assert (report.identity.serial, report.identity.firmware) == (MAC, "10080.1.22")
        assert report.battery is not None
        assert not bluez.connected

    on_bluez(scenario)


def test_a_link_left_by_a_killed_process_is_taken_over(
    on_bluez: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bluetoothd keeps a link whose program was killed, and the clip does not advertise: it is found all the same."""
    monkeypatch.setattr("sensor.link.SEARCH_S", 0.2)

    async def scenario(bluez: FakeBlueZ) -> None:
        bluez.appear()
        bluez.connect()
        async with listening(Bluetooth(), utc=time.time_ns) as listener:
            await until(listener, streaming(times=1))
        assert "Connect" not in bluez.calls

    on_bluez(scenario)


def test_a_failed_connect_and_a_power_cycle_are_mended(on_bluez: Callable[[Scenario], None]) -> None:
    """An input/output error on the first try and Bluetooth switched off in the middle are told and waited out."""

    async def scenario(bluez: FakeBlueZ) -> None:
        bluez.fail["Connect"] = [("org.bluez.Error.Failed", "Input/output error")]
        async with listening(Bluetooth(), utc=time.time_ns) as listener:
            await until(listener, streaming(times=1))
            assert "could not be reached" in listener.changes[-2][1].reason
            bluez.power(False)
            await until(listener, lambda listener: "switch Bluetooth on" in listener.reason)
            bluez.power(True)
            await until(listener, streaming(times=2))

        assert listener.states[-2:] == [WAITING, STREAMING]

    on_bluez(scenario)


def test_a_scan_that_is_cancelled_as_it_starts_is_ended(on_bluez: Callable[[Scenario], None]) -> None:
    """Bluetoothd refuses a second scan of one program: with the first left on, nobody would be found any more."""

    async def scenario(bluez: FakeBlueZ) -> None:
        called, may_answer = bluez.held["StartDiscovery"] = asyncio.Event(), asyncio.Event()
        scanning = asyncio.create_task(scan(Bluetooth(), 5))
        await called.wait()
        scanning.cancel()
        may_answer.set()
        with pytest.raises(asyncio.CancelledError):
            await scanning
        assert bluez.calls.count("StopDiscovery") == 1

    on_bluez(scenario)


def forbid(bluez: FakeBlueZ) -> None:
    """Have D-Bus refuse the scan."""
    bluez.fail["StartDiscovery"] = [("org.freedesktop.DBus.Error.AccessDenied", "Rejected send message")]


def occupy(bluez: FakeBlueZ) -> None:
    """Have another program scan."""
    bluez.fail["StartDiscovery"] = [("org.bluez.Error.InProgress", "Operation already in progress")]


def hang(bluez: FakeBlueZ) -> None:
    """Have bluetoothd hang."""
    bluez.hang = {"StartDiscovery", "StopDiscovery"}


def stop(bluez: FakeBlueZ) -> None:
    """Stop bluetoothd."""
    bluez.stop()


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (lambda bluez: bluez.power(False), BluetoothOffError),
        (lambda bluez: bluez.remove_adapter(), BluetoothAbsentError),
        (forbid, BluetoothForbiddenError),
        (occupy, BluetoothBusyError),
        (stop, BluetoothAbsentError),
        (hang, BluetoothAbsentError),
    ],
)
def test_trouble_with_bluez_is_named(
    on_bluez: Callable[[Scenario], None],
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[FakeBlueZ], None],
    kind: type[SensorError],
) -> None:
    """Off, unplugged, forbidden, busy, not running, hanging: each is an error of its kind."""
    monkeypatch.setattr("sensor.bluetooth.SCAN_START_S", 0.5)

    async def scenario(bluez: FakeBlueZ) -> None:
        trouble(bluez)
        with pytest.raises(kind) as caught:
            await scan(Bluetooth(), 0.1)
        assert type(caught.value) is kind

    on_bluez(scenario)
