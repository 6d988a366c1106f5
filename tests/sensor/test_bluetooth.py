"""What bleak, D-Bus and the operating system raise becomes one sentence with a way out."""

import asyncio
import sys
from typing import Any

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from dbus_fast.constants import ErrorType

from sensor.bluetooth import Bluetooth, told
from sensor.errors import (
    BluetoothAbsentError,
    BluetoothBusyError,
    BluetoothError,
    BluetoothForbiddenError,
    BluetoothOffError,
    ClipBusyError,
    ClipError,
    ClipLostError,
    ClipRefusedError,
    ClipUnreachableError,
    SensorError,
)
from sensor.link import scan
from tests import virtual_time
from tests.sensor.worlds import HAS_BUMBLE, SEARCHING, STREAMING, WAITING, listening, numbered_firmware, radio

if HAS_BUMBLE:
    from sensor.virtual.world import virtual_world

Reason = BleakBluetoothNotAvailableReason


def unavailable(reason: Reason) -> BleakBluetoothNotAvailableError:
    """Return what bleak raises when Bluetooth is not available."""
    return BleakBluetoothNotAvailableError("not available", reason)


def dbus(name: str, *details: str) -> BleakDBusError:
    """Return what bleak raises for a D-Bus error."""
    return BleakDBusError(name, list(details))


SCANNING: list[tuple[Exception, type[SensorError]]] = [
    (unavailable(Reason.NO_BLUETOOTH), BluetoothAbsentError),
    (unavailable(Reason.NO_BLE_CENTRAL_ROLE), BluetoothAbsentError),
    (unavailable(Reason.POWERED_OFF), BluetoothOffError),
    (unavailable(Reason.DENIED_BY_USER), BluetoothForbiddenError),
    (unavailable(Reason.DENIED_BY_SYSTEM), BluetoothForbiddenError),
    (unavailable(Reason.DENIED_BY_UNKNOWN), BluetoothForbiddenError),
    (unavailable(Reason.UNKNOWN), BluetoothAbsentError),
    (dbus("org.freedesktop.DBus.Error.AccessDenied", "Rejected send message"), BluetoothForbiddenError),
    (dbus("org.freedesktop.DBus.Error.ServiceUnknown", "org.bluez was not provided"), BluetoothAbsentError),
    (dbus("org.bluez.Error.NotReady", "Resource Not Ready"), BluetoothOffError),
    (dbus("org.bluez.Error.InProgress", "Operation already in progress"), BluetoothBusyError),
    (dbus("org.bluez.Error.Failed", "Input/output error"), BluetoothAbsentError),
    (FileNotFoundError(2, "No such file or directory"), BluetoothAbsentError),
    (ConnectionRefusedError(111, "Connection refused"), BluetoothAbsentError),
    (PermissionError(13, "Permission denied"), BluetoothForbiddenError),
    (BleakError("adapter 'hci0' not found"), BluetoothAbsentError),
    (EOFError(), BluetoothAbsentError),
]
CONNECTING_TO: list[tuple[Exception, type[SensorError]]] = [
    (TimeoutError(), ClipUnreachableError),
    (BleakDeviceNotFoundError("C4:A3:FC:76:9B:33", "was not found"), ClipUnreachableError),
    (BleakError("device 'dev_C4_A3_FC_76_9B_33' not found"), ClipUnreachableError),
    (BleakError("failed to discover services, device disconnected"), ClipUnreachableError),
    (dbus("org.bluez.Error.Failed", "Input/output error"), ClipUnreachableError),
    (dbus("org.bluez.Error.Failed", "le-connection-abort-by-local"), ClipUnreachableError),
    (dbus("org.bluez.Error.InProgress", "In Progress"), BluetoothBusyError),
    (dbus("org.bluez.Error.AlreadyConnected", "Already Connected"), ClipBusyError),
    (dbus("org.bluez.Error.NotReady", "Resource Not Ready"), BluetoothOffError),
    (unavailable(Reason.POWERED_OFF), BluetoothOffError),
    (KeyError("org.bluez.Device1"), ClipUnreachableError),
]
TALKING_TO: list[tuple[Exception, type[SensorError]]] = [
    (TimeoutError(), ClipLostError),
    (BleakError("Service Discovery has not been performed yet"), ClipLostError),
    (BleakError("Not connected"), ClipLostError),
    (BleakGATTProtocolError(0x0E), ClipRefusedError),
    (dbus("org.bluez.Error.Failed", "Not connected"), ClipLostError),
    (dbus("org.freedesktop.DBus.Error.UnknownObject", "no such object"), ClipLostError),
    (AttributeError("'NoneType' object has no attribute 'call'"), ClipLostError),
    (EOFError(), ClipLostError),
]


@pytest.mark.parametrize(
    ("error", "kind", "clip", "connecting"),
    [
        *((error, kind, None, False) for error, kind in SCANNING),
        *((error, kind, "WT901BLE", True) for error, kind in CONNECTING_TO),
        *((error, kind, "WT901BLE", False) for error, kind in TALKING_TO),
    ],
)
def test_every_error_becomes_one_of_ours(
    error: Exception, kind: type[SensorError], clip: str | None, connecting: bool
) -> None:
    """It is of the right kind, and says in one line what is wrong and what to do."""
    ours = told(error, clip, connecting=connecting)

    assert type(ours) is kind
    for sentence in (str(ours), ours.way_out):
        assert sentence
        assert "\n" not in sentence


BLUEZ = (
    "Failed", "InvalidArguments", "InProgress", "AlreadyConnected", "AlreadyExists", "DoesNotExist", "NotConnected",
    "NotReady", "NotSupported", "NotPermitted", "NotAuthorized", "NotAvailable", "NotAcquired", "InvalidLength",
    "InvalidOffset", "InvalidValueLength", "ImproperlyConfigured", "AuthenticationFailed", "AuthenticationCanceled",
    "AuthenticationRejected", "AuthenticationTimeout", "ConnectionAttemptFailed", "Rejected", "Canceled", "Blocked",
)  # fmt: skip
"""What BlueZ's own documents and source name (doc/org.bluez.*.rst, src/error.c)."""
NAMES = [*(f"org.bluez.Error.{name}" for name in BLUEZ), *(kind.value for kind in ErrorType), "no.Name", ""]
BODIES: tuple[list[Any], ...] = (
    [],
    ["le-connection-abort-by-local"],
    ["ATT error: 0x0e"],
    ["ATT error: 0xzz"],
    [5],
)


@pytest.mark.parametrize("name", NAMES)
def test_every_error_of_dbus_and_bluez_becomes_one_of_ours(name: str) -> None:
    """Scanning, connecting, talking; whatever its body is: one of ours, of whoever's fault it is, with a way out."""
    for body in BODIES:
        for clip, connecting in ((None, False), ("WT901BLE", True), ("WT901BLE", False)):
            ours = told(BleakDBusError(name, body), clip, connecting=connecting)
            assert isinstance(ours, BluetoothError | (ClipError if clip else BluetoothError))
            assert str(ours)
            assert ours.way_out


@pytest.mark.skipif(sys.platform != "linux", reason="D-Bus is how Linux programs reach Bluetooth")
@pytest.mark.parametrize("missing", ["unix:path=/nowhere/bus", "unix:path=/dev/null"])
def test_a_computer_without_bluetooth_is_told_so(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bleak's own backend, with no system bus to talk to: no Bluetooth, and no traceback of theirs."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", missing)

    with pytest.raises(BluetoothAbsentError):
        asyncio.run(scan(Bluetooth(), 0.1))


class TestOnTheVirtualRadio:
    """Bluetooth that is switched off and on, on the virtual radio."""

    pytestmark = radio

    def test_switched_off_at_the_start_is_an_error(self) -> None:
        """Whoever starts with Bluetooth off is told so at once: scanning and streaming raise."""

        async def main() -> None:
            async with virtual_world(firmware=numbered_firmware(60)) as world:
                await world.switch_bluetooth_off()
                with pytest.raises(BluetoothOffError):
                    await scan(world.bluetooth, 1.0)
                with pytest.raises(BluetoothOffError):
                    async with listening(world.bluetooth) as listener:
                        await asyncio.sleep(10)
                assert listener.states == [SEARCHING, WAITING]

        virtual_time.run(main())

    def test_switched_off_later_is_waited_out(self) -> None:
        """Switched off in the middle it is told, with the reason, and mended when it is on again."""

        async def main() -> None:
            async with virtual_world(firmware=numbered_firmware(600)) as world:
                async with listening(world.bluetooth) as listener:
                    await asyncio.sleep(10)
                    await world.switch_bluetooth_off()
                    await asyncio.sleep(60)
                    assert "switch Bluetooth on" in listener.reason
                    world.switch_bluetooth_on()
                    await asyncio.sleep(20)

                assert listener.states[2:] == [STREAMING, WAITING, WAITING, STREAMING]

        virtual_time.run(main())
