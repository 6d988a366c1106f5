"""Bluetooth, and the one module that imports bleak: scan, connect, subscribe, write, always disconnect.

Turns whatever bleak, D-Bus or the operating system raise into the errors of `sensor.errors`, each a sentence with
a way out. Knows nothing of what the bytes mean and keeps no link alive: that is `sensor.link`.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace

from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.args.bluez import BlueZScannerArgs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from sensor.adapters import adapter_of, claim
from sensor.advertisement import Advertisement
from sensor.errors import (
    BluetoothAbsentError,
    BluetoothBusyError,
    BluetoothForbiddenError,
    BluetoothOffError,
    ClipBusyError,
    ClipLostError,
    ClipRefusedError,
    ClipUnreachableError,
    SensorError,
    WrongClipError,
)

logger = logging.getLogger(__name__)

CONNECT_S = 12.0
"""Connecting and discovering the services of a clip at the edge of its range takes several seconds."""
DISCONNECT_S = 5.0
"""bluetoothd takes 1.9 to 2.7 s to end a live link (its own timer is 2 s), and 10 s when it has died."""
WRITE_S = 5.0
SCAN_START_S = 10.0
"""A Bluetooth service that takes longer to start and stop a scan hangs."""
SCAN_BEGUN_S = 2.0
"""How long a start that is cancelled is waited for, so that it can be undone, and then for that."""
CONNECTED_SERVICES = ["1801"]
"""GATT itself: what every connected Low Energy device has."""


@dataclass(frozen=True, slots=True)
class Backends:
    """The pair of classes that bleak takes as `backend=`: `sensor.virtual.backend` makes one."""

    scanner: type[BaseBleakScanner]
    client: type[BaseBleakClient]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Someone who can be connected to: what was heard of them, and the operating system's handle."""

    advertisement: Advertisement
    device: BLEDevice


class Connection:
    """A standing link to a clip, from `Bluetooth.connection`. Characteristics are named by UUID prefix."""

    def __init__(self, client: BleakClient, name: str) -> None:
        self._client = client
        self._name = name

    async def subscribe(self, prefix: str, on_data: Callable[[bytes], None]) -> None:
        """Have every notification handed to `on_data`, which must not block."""

        def on_notification(_characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
            on_data(bytes(data))

        characteristic = self._characteristic(prefix)
        with _told(self._name):
            async with asyncio.timeout(WRITE_S):
                await self._client.start_notify(characteristic, on_notification)

    async def read(self, prefix: str) -> bytes:
        """Read what a characteristic holds."""
        characteristic = self._characteristic(prefix)
        with _told(self._name):
            async with asyncio.timeout(WRITE_S):
                return bytes(await self._client.read_gatt_char(characteristic))

    async def write(self, prefix: str, data: bytes) -> None:
        """Write, and wait for the clip's acknowledgement where the characteristic has one."""
        characteristic = self._characteristic(prefix)
        with _told(self._name):
            async with asyncio.timeout(WRITE_S):
                await self._client.write_gatt_char(
                    characteristic, data, response="write" in characteristic.properties
                )

    def _characteristic(self, prefix: str) -> BleakGATTCharacteristic:
        with _told(self._name):
            services = self._client.services
        for characteristic in services.characteristics.values():
            if characteristic.uuid.lower().startswith(prefix):
                return characteristic
        if not services.characteristics:
            raise ClipLostError(self._name, "it was lost while it told what it offers")
        raise WrongClipError(self._name, f"it has no characteristic {prefix}…")


class Bluetooth:
    """The computer's Bluetooth. One object for all clips: an adapter scans or connects for one at a time.

    Adapters are named as the system names them, such as hci1; None is the system's first that is on.
    """

    def __init__(self, backends: Backends | None = None) -> None:
        self._backends = backends
        self._adapters: dict[str | None, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def scan(
        self,
        seconds: float,
        until: Callable[[Advertisement], bool] | None = None,
        *,
        adapter: str | None = None,
    ) -> list[Heard]:
        """Listen for advertisements; return everyone heard, at the latest word each, or stop early at `until`."""
        heard: dict[str, Heard] = {}
        enough = asyncio.Event()

        def on_advertisement(device: BLEDevice, data: AdvertisementData) -> None:
            before = heard.get(device.address)
            advertisement = _merged(before.advertisement if before else None, device, data)
            heard[device.address] = Heard(advertisement, device)
            if until and until(advertisement):
                enough.set()

        backend = self._backends.scanner if self._backends else None
        with _told(None):
            async with (
                self._adapters[adapter],
                asyncio.timeout(seconds + SCAN_START_S),
                _scanning(BleakScanner(on_advertisement, backend=backend, bluez=_on(adapter))),
            ):
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await enough.wait()
        return list(heard.values())

    async def connected_already(self, *, adapter: str | None = None) -> list[Heard]:
        """Return devices that this computer holds a link to: left by a process that died, they do not advertise."""
        if self._backends:
            return []
        with _told(None):
            try:
                its_adapter = await BleakAdapter.get(bluez=_on(adapter))
                devices = await its_adapter.get_connected_devices(CONNECTED_SERVICES)
            except NotImplementedError:
                return []
        return [Heard(Advertisement(each.address, each.name, (), None), each) for each in devices]

    @asynccontextmanager
    async def connection(
        self, heard: Heard, on_drop: Callable[[], None], *, adapter: str | None = None
    ) -> AsyncIterator[Connection]:
        """Connect; at the end, whatever happened, disconnect within `DISCONNECT_S`.

        The adapter is this process's own from then on; BluetoothTakenError if it is another's. The disconnect comes
        always, even after a drop: bleak keeps a D-Bus connection for each client until it is told, and bluetoothd its
        old notify session, so that notifications would come twice, three times, … after each reconnect.
        `on_drop` is called in the loop when the link ends.
        """
        name = heard.advertisement.name or heard.advertisement.address
        if heard_by := adapter_of(heard.device.details):
            claim(heard_by)
        client = BleakClient(
            heard.device,
            lambda _client: on_drop(),
            timeout=CONNECT_S,
            backend=self._backends.client if self._backends else None,
            # Windows remembers what a device offered, also when another firmware offers something else.
            winrt={"use_cached_services": False},
        )
        try:
            with _told(name, connecting=True):
                async with self._adapters[adapter], asyncio.timeout(CONNECT_S + DISCONNECT_S):
                    await client.connect()
            yield Connection(client, name)
        finally:
            await _disconnected(client)


def _on(adapter: str | None) -> BlueZScannerArgs:
    return {"adapter": adapter} if adapter else {}


@asynccontextmanager
async def _scanning(scanner: BleakScanner) -> AsyncIterator[None]:
    """Scan; one whose start is cancelled is ended, too: bluetoothd would go on with it, and refuse us every later one."""
    start = asyncio.create_task(scanner.start())
    try:
        await asyncio.shield(start)
    except asyncio.CancelledError:
        await asyncio.wait([start], timeout=SCAN_BEGUN_S)
        start.cancel()
        with suppress(Exception, asyncio.CancelledError):
            async with asyncio.timeout(SCAN_BEGUN_S):
                await start
                await scanner.stop()
        raise
    try:
        yield
    finally:
        await scanner.stop()


def _merged(before: Advertisement | None, device: BLEDevice, data: AdvertisementData) -> Advertisement:
    """Add what an advertisement or a scan response says to what was heard: each may lack the name or the services."""
    now = Advertisement(
        device.address,
        data.local_name or device.name,
        tuple(uuid.lower() for uuid in data.service_uuids),
        data.rssi,
        tuple(data.manufacturer_data),
    )
    if before is None:
        return now
    services = dict.fromkeys((*before.service_uuids, *now.service_uuids))
    companies = dict.fromkeys((*before.company_ids, *now.company_ids))
    return replace(
        now,
        name=now.name or before.name,
        service_uuids=tuple(services),
        company_ids=tuple(companies),
    )


async def _disconnected(client: BleakClient) -> None:
    try:
        async with asyncio.timeout(DISCONNECT_S):
            await client.disconnect()
    except Exception as error:  # noqa: BLE001 (of a link that is gone, any layer of bleak may fail; it is gone)
        logger.debug("disconnect: %r", error)


@contextmanager
def _told(clip: str | None, *, connecting: bool = False) -> Iterator[None]:
    """Turn all that calls into bleak raise into our errors; nothing but such calls belongs inside."""
    try:
        yield
    except SensorError:
        raise
    except Exception as error:
        logger.debug("bleak: %r", error)
        raise told(error, clip, connecting=connecting) from error


DENIED = {
    BleakBluetoothNotAvailableReason.DENIED_BY_USER,
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM,
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN,
}


WANT_PAIRING = {
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHORIZATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION_KEY_SIZE,
}
UNPAIRED = "it speaks only with computers that it is paired with"
PAIR_IT = "pair the clip with this computer in the Bluetooth settings of the system, and try again"


def told(error: Exception, clip: str | None, *, connecting: bool = False) -> SensorError:
    """Return our error for one of bleak's, of D-Bus or of the operating system.

    `clip` is the name of the clip that it was about, None for a scan. Sources: bleak 3.1's `exc.py` and BlueZ
    backend, BlueZ's `doc/org.bluez.*.rst`, and what private buses were seen to raise.
    """
    match error:
        case BleakBluetoothNotAvailableError():
            return _told_by_bleak(error)
        case PermissionError():
            return BluetoothForbiddenError(str(error))
        case FileNotFoundError() | ConnectionRefusedError():
            return BluetoothAbsentError("there is no D-Bus system bus, over which Linux programs reach it")
        case BleakGATTProtocolError() if clip is not None and error.args[0] in WANT_PAIRING:
            return ClipRefusedError(clip, UNPAIRED, PAIR_IT)
        case BleakGATTProtocolError() if clip is not None:
            return ClipRefusedError(clip, f"it answers with an error: {error.args[-1]}")
        case BleakDBusError() if known := _told_by_dbus(error, clip):
            return known
    if clip is None:
        hangs = isinstance(error, TimeoutError)
        return BluetoothAbsentError("the Bluetooth service does not answer" if hangs else _text(error))
    detail = _text(error)
    if isinstance(error, TimeoutError):
        detail = f"it did not answer within {CONNECT_S if connecting else WRITE_S:.0f} s"
    return ClipUnreachableError(clip, detail) if connecting else ClipLostError(clip, detail)


def _told_by_bleak(error: BleakBluetoothNotAvailableError) -> SensorError:
    if error.reason is BleakBluetoothNotAvailableReason.POWERED_OFF:
        return BluetoothOffError()
    if error.reason in DENIED:
        return BluetoothForbiddenError(str(error.args[0]))
    return BluetoothAbsentError(str(error.args[0]))


def _told_by_dbus(error: BleakDBusError, clip: str | None) -> SensorError | None:
    match error.dbus_error.rpartition(".")[2]:
        case "NotPermitted" | "AuthenticationFailed" | "AuthenticationRejected" if clip is not None:
            return ClipRefusedError(clip, UNPAIRED, PAIR_IT)
        case "AccessDenied" | "NotPermitted" | "NotAuthorized" | "AuthFailed":
            return BluetoothForbiddenError(_text(error))
        case "ServiceUnknown" | "NameHasNoOwner" | "NoReply" | "NoServer" | "Disconnected":
            return BluetoothAbsentError("the Bluetooth service, bluetoothd, is not running")
        case "NotReady":
            return BluetoothOffError()
        case "InProgress" | "Busy" | "LimitsExceeded" | "NoMemory":
            return BluetoothBusyError()
        case "AlreadyConnected" if clip is not None:
            return ClipBusyError(clip)
    return None


def _text(error: Exception) -> str:
    if isinstance(error, BleakDBusError):
        # Its own text stumbles over details that are none.
        name, *details = error.args
        return " ".join([f"[{name}]", *map(str, details)])
    return str(error) or type(error).__name__
