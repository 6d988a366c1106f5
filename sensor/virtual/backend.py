"""bleak's scanner and client on a bumble device: the code that talks to hardware reaches virtual clips unchanged.

`classes_on(device)` gives the pair of classes that bleak 3.1 takes as `backend=`. It copies how bleak's own
backends behave, in what they raise, too: services are gone after a drop, requests cut by it raise BleakError,
a connection that is not made in time raises TimeoutError.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar, TypeVar

from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakError,
    BleakGATTProtocolError,
)
from bleak.uuids import normalize_uuid_str
from bumble import att, core, gatt_client, hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt import Characteristic

T = TypeVar("T")

PREFERRED_MTU = 247
"""What desktop hosts and the clips of the WitMotion family settle on."""

SERVICE_LISTS = (
    AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.Type.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
)


def uuid_text(uuid: UUID) -> str:
    """Return a UUID as bleak writes it: lower case, 128 bits."""
    return normalize_uuid_str(uuid.to_hex_str("-"))


async def _uncut(command: Coroutine[Any, Any, T]) -> T:
    """Let an HCI command run to its end before a cancellation takes effect: bumble cannot take a late reply."""
    task = asyncio.create_task(command)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


class VirtualScanner(BaseBleakScanner):
    """bleak's scanner on a bumble device."""

    device: ClassVar[Device]
    powered: ClassVar[bool] = True
    """Whether Bluetooth is switched on."""

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        **_options: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode == "active"

    async def start(self) -> None:
        """Start scanning."""
        if not self.powered:
            raise BleakBluetoothNotAvailableError(
                "No powered Bluetooth adapters found.", BleakBluetoothNotAvailableReason.POWERED_OFF
            )
        self.seen_devices = {}
        self.device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        await _uncut(self.device.start_scanning(active=self._active))

    async def stop(self) -> None:
        """Stop scanning."""
        self.device.remove_listener(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        await _uncut(self.device.stop_scanning())

    def _on_advertisement(self, heard: Advertisement) -> None:
        lists = [heard.data.get(kind) for kind in SERVICE_LISTS]
        services = [
            uuid_text(uuid)
            for uuids in lists
            if isinstance(uuids, list)
            for uuid in uuids
            if isinstance(uuid, UUID)
        ]
        if not self.is_allowed_uuid(services):
            return
        company = heard.data.get(AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA)
        name = heard.data.get(AdvertisingData.Type.COMPLETE_LOCAL_NAME)
        address = heard.address.to_string(False)
        advertisement = AdvertisementData(
            local_name=name,
            manufacturer_data=dict([company]) if isinstance(company, tuple) else {},
            service_data={},
            service_uuids=services,
            tx_power=None,
            rssi=heard.rssi,
            platform_data=(heard,),
        )
        seen = self.create_or_update_device(address, address, name, heard.address, advertisement)
        self.call_detection_callbacks(seen, advertisement)


class VirtualClient(BaseBleakClient):
    """bleak's client on a bumble device."""

    device: ClassVar[Device]
    connecting: ClassVar[asyncio.Lock]
    """One pending connection a controller."""

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **_options: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._peer_address = hci.Address(self.address)
        if isinstance(address_or_ble_device, BLEDevice):
            self._peer_address = address_or_ble_device.details
        self._connection: Connection | None = None
        self._subscribers: dict[int, Callable[[bytes], Any]] = {}

    @property
    def name(self) -> str:
        """The address, as bleak writes it for devices without a name."""
        return self.address.replace(":", "-")

    @property
    def is_connected(self) -> bool:
        """Whether the link stands."""
        return self._connection is not None

    @property
    def mtu_size(self) -> int:
        """The negotiated ATT MTU."""
        return self._connection.att_mtu if self._connection else att.ATT_DEFAULT_MTU

    async def connect(self, pair: bool, **_options: Any) -> None:  # noqa: ARG002 (the clips know no pairing)
        """Connect, settle the MTU and discover all services, within the client's timeout."""
        if self._connection:
            raise BleakError("Client is already connected")
        async with asyncio.timeout(self._timeout), self.connecting:
            connection = self._connection = await self._create_connection()
            connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
            peer = Peer(connection)
            try:
                await self._answered(peer.request_mtu(PREFERRED_MTU))
                await self._answered(peer.discover_all())  # type: ignore[no-untyped-call]  # as above
            except BaseException:
                await self.disconnect()
                raise
            self.services = self._collect(peer.services)

    async def _create_connection(self) -> Connection:
        # Cancelling bumble's connect() leaves the HCI connection pending: shield it, and cancel it in the controller.
        pending = asyncio.create_task(
            self.device.connect(self._peer_address, core.PhysicalTransport.LE, timeout=None)
        )
        try:
            return await asyncio.shield(pending)
        except core.ConnectionError as error:
            raise BleakError(str(error)) from error
        except asyncio.CancelledError:
            await self.device.cancel_connection()  # type: ignore[no-untyped-call]  # bumble annotates most, not all
            try:
                late = await pending
            except core.ConnectionError:
                pass
            else:
                await late.disconnect()
            raise

    def _collect(self, found: list[gatt_client.ServiceProxy]) -> BleakGATTServiceCollection:
        collection = BleakGATTServiceCollection()
        for service in found:
            its_service = BleakGATTService(service, service.handle, uuid_text(service.uuid))
            collection.add_service(its_service)
            for characteristic in service.characteristics:
                properties: list[Any] = [
                    (flag.name or "").lower().replace("_", "-")
                    for flag in Characteristic.Properties
                    if flag in characteristic.properties
                ]
                its_characteristic = BleakGATTCharacteristic(
                    characteristic,
                    characteristic.handle,
                    uuid_text(characteristic.uuid),
                    properties,
                    lambda: self.mtu_size - 3,
                    its_service,
                )
                collection.add_characteristic(its_characteristic)
                for descriptor in characteristic.descriptors:
                    collection.add_descriptor(
                        BleakGATTDescriptor(
                            descriptor, descriptor.handle, uuid_text(descriptor.type), its_characteristic
                        )
                    )
        return collection

    def _on_disconnection(self, _reason: int) -> None:
        self._connection = self.services = None
        self._subscribers.clear()
        if self._disconnected_callback:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        """End the link, if it stands."""
        if self._connection:
            await _uncut(self._connection.disconnect())

    async def _answered(self, request: Awaitable[T]) -> T:
        """Await a GATT request; what ends it early is raised as bleak's own backends raise it."""
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        try:
            answer = await request
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except core.TimeoutError as error:
            raise TimeoutError("the peripheral did not answer") from error
        except asyncio.CancelledError:
            if self._connection is None and not (task and task.cancelling() > before):
                # bumble cancels pending requests when the link drops
                raise BleakError("disconnected") from None
            raise
        if task and task.cancelling() > before:
            # wait_for, as bumble uses it, loses a cancellation that comes with the answer (Python 3.11)
            raise asyncio.CancelledError
        return answer

    def _linked(self) -> None:
        if not self._connection:
            raise BleakError("Not connected")

    async def pair(self, *_args: Any, **_options: Any) -> None:
        """Not modelled: the clips know no pairing."""
        raise NotImplementedError("virtual clips know no pairing")

    async def unpair(self) -> None:
        """Not modelled: the clips know no pairing."""
        raise NotImplementedError("virtual clips know no pairing")

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_options: Any) -> bytearray:
        """Read a characteristic; nothing is ever cached."""
        self._linked()
        return bytearray(await self._answered(characteristic.obj.read_value()))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_options: Any) -> bytearray:
        """Read a descriptor; nothing is ever cached."""
        self._linked()
        return bytearray(await self._answered(descriptor.obj.read_value()))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Write a characteristic."""
        self._linked()
        await self._answered(characteristic.obj.write_value(bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor."""
        self._linked()
        await self._answered(descriptor.obj.write_value(bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_options: Any
    ) -> None:
        """Subscribe; notifications go to `callback` as they come."""
        self._linked()

        def on_value(value: bytes) -> None:
            callback(bytearray(value))

        self._subscribers[characteristic.handle] = on_value
        await self._answered(characteristic.obj.subscribe(on_value))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        self._linked()
        await self._answered(characteristic.obj.unsubscribe(self._subscribers.pop(characteristic.handle)))


def classes_on(device: Device) -> tuple[type[VirtualScanner], type[VirtualClient]]:
    """Return bleak's pair of backends bound to this bumble device: bleak takes classes, not objects."""
    return (
        type("VirtualScanner", (VirtualScanner,), {"device": device}),
        type("VirtualClient", (VirtualClient,), {"device": device, "connecting": asyncio.Lock()}),
    )
