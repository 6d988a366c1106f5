"""A virtual clip on the virtual radio: advertisement, GATT, the stream, and everything that goes wrong.

The faults are what users meet: out of range for a moment or for good, a firmware that falls silent, bytes that
arrive damaged, notifications that the clip had no room for, switching itself off, another phone that holds it.
What makes it one of its family is its `sensor.virtual.unit.Unit`.
"""

import asyncio
import math
import random
from collections.abc import Callable
from typing import Generic

import numpy as np
from bumble import att, hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from typing_extensions import TypeVar

from sensor.virtual.firmware import Firmware
from sensor.virtual.motion import Floats
from sensor.virtual.radio import Radio, VirtualController, virtual_device
from sensor.virtual.unit import Advertised, Char, RefusedError, Unit

ADVERTISING_MS = 60
ADVERTISEMENT_BYTES = 31
WHOLE_REPLY_S = 0.25
"""A reply goes out with the next frames; on its own, when those are further away."""
ATT_HEADER = 3
CATCH_UP_S = 1.0
"""A clip that was held up for longer (its computer slept) goes on from now and loses the time between."""

NO_TIMES: Floats = np.empty(0)

T = TypeVar("T")
U = TypeVar("U", bound=Unit, default=Firmware)


class VirtualClip(Generic[U]):
    """One unit on the air. `create` switches it on, `close` stops all it does."""

    def __init__(self, radio: Radio, controller: VirtualController, device: Device, firmware: U) -> None:
        self.firmware = firmware
        self.played_out = asyncio.Event()
        """Set when the motion has come to its end; the clip is silent from then on."""
        self.motion_start_s: float | None = None
        """Loop time of the first sample, when the motion began."""
        self.sent = 0
        """Notifications that went out."""
        self.room: int | None = None
        """How many packets the clip can hold that the air has not taken yet; None for as many as need be."""
        self.lost_for_room = 0
        self._radio = radio
        self._controller = controller
        self._device = device
        self._loop = asyncio.get_running_loop()
        self._streaming: asyncio.Task[None] | None = None
        self._advertising: asyncio.Task[None] | None = None
        """Begins to advertise. Done here: bumble's own restart cannot be awaited, nor cut without a fault."""
        self._off = False
        self._woken = asyncio.Event()
        self._silent = False
        self._to_lose = 0
        self._to_corrupt = 0
        self._corruption = random.Random(1)  # noqa: S311 (faults, not secrets)
        self._switched_on_s = self._loop.time()
        self._characteristics: dict[str, Characteristic[bytes]] = {}
        for service, chars in firmware.table.items():
            device.add_service(Service(service, [self._characteristic(char) for char in chars]))
        device.on(Device.EVENT_CONNECTION, self._on_connection)

    @classmethod
    async def create(
        cls,
        radio: Radio,
        firmware: U,
        *,
        name: str | None = None,
        address: str | None = None,
        advertises_service: bool = True,
    ) -> "VirtualClip[U]":
        """Switch a clip on; name and Bluetooth address are the unit's own unless told otherwise."""
        told = firmware.advertised
        services = told.services if advertises_service else ()
        told = Advertised(name or told.name, services, told.company)
        controller, device = await virtual_device(radio, told.name, address or firmware.mac)
        clip = cls(radio, controller, device, firmware)
        device.advertising_data = _advertisement(told)
        await clip._advertise()
        return clip

    @property
    def address(self) -> str:
        """The Bluetooth address."""
        return self._device.random_address.to_string(False)

    @property
    def connected(self) -> bool:
        """Whether someone is connected."""
        return bool(self._device.connections)

    async def close(self) -> None:
        """Switch off for good: no timer and no task is left."""
        self._off = True
        self._stop_streaming()
        if self._advertising:
            await asyncio.wait([self._advertising])
        await self._device.stop_advertising()

    # ---- what goes wrong ----------------------------------------------------------------------------------

    def vanish(self, seconds: float | None = None) -> None:
        """Walk out of range, for a while or until `come_back`; the link ends after the supervision timeout."""
        self._radio.leave(self._controller)
        if seconds is not None:
            self._radio.later(seconds, self.come_back)

    def come_back(self) -> None:
        """Be in range again."""
        self._radio.come_back(self._controller)

    def fall_silent(self) -> None:
        """Send nothing more, but stay connected: a firmware that hangs."""
        self._silent = True

    def speak_again(self) -> None:
        """End the silence."""
        self._silent = False

    def lose(self, notifications: int) -> None:
        """Let the next notifications get lost inside the clip."""
        self._to_lose = notifications

    def corrupt(self, notifications: int) -> None:
        """Damage the next notifications, in such a way as the family's firmware might."""
        self._to_corrupt = notifications

    async def reboot(self, seconds: float = 2.0) -> None:
        """Crash: the link dies without a word, and so long after the unit is there again, started anew."""
        self.vanish()
        await asyncio.sleep(seconds)
        self.firmware.restart(self._now_s())
        self.come_back()

    async def say_goodbye(self) -> None:
        """Switch itself off as clips do: an orderly end of the link, with the reason."""
        for connection in list(self._device.connections.values()):
            await connection.disconnect(
                hci.HCI_ErrorCode.REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR
            )

    # ---- what it does -------------------------------------------------------------------------------------

    def _advertise(self) -> asyncio.Task[None]:
        start = self._device.start_advertising(
            advertising_interval_min=ADVERTISING_MS, advertising_interval_max=ADVERTISING_MS
        )
        self._advertising = self._loop.create_task(start, name=f"advertising of {self.address}")
        return self._advertising

    def _characteristic(self, char: Char) -> Characteristic[bytes]:
        kinds = Characteristic.Properties
        properties = kinds(0)
        for has, kind in (
            (char.read, kinds.READ),
            (char.write, kinds.WRITE | kinds.WRITE_WITHOUT_RESPONSE),
            (char.notify, kinds.NOTIFY),
            (char.indicate, kinds.INDICATE),
        ):
            if has:
                properties |= kind

        def read(_connection: Connection) -> bytes:
            return self._refusing(lambda: self.firmware.read(char.uuid, self._now_s()))

        def write(_connection: Connection, data: bytes) -> None:
            try:
                self._refusing(lambda: self.firmware.written(char.uuid, bytes(data), self._now_s()))
            finally:
                self._woken.set()

        value: CharacteristicValue[bytes] = CharacteristicValue(read=read, write=write)
        characteristic: Characteristic[bytes] = Characteristic(
            char.uuid, properties, Characteristic.READABLE | Characteristic.WRITEABLE, value
        )
        characteristic.on(
            Characteristic.EVENT_SUBSCRIPTION,
            lambda bearer, notify, indicate: self._on_subscription(char.uuid, bearer, notify or indicate),
        )
        self._characteristics[char.uuid] = characteristic
        return characteristic

    def _refusing(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except RefusedError as error:
            raise att.ATT_Error(att.ErrorCode(error.code)) from error

    def _on_connection(self, connection: Connection) -> None:
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        self._streaming = self._loop.create_task(self._stream(connection), name=f"stream of {self.address}")

    def _on_disconnection(self, _reason: int) -> None:
        self._stop_streaming()
        self.firmware.disconnected()
        if not self._off:
            self._advertise()

    def _on_subscription(self, uuid: str, bearer: Connection, on: bool) -> None:
        if bearer in self._device.connections.values():  # bumble tells of it late, even after the end
            self.firmware.subscribed(uuid, on=on)
            self._woken.set()

    def _stop_streaming(self) -> None:
        if self._streaming:
            self._streaming.cancel()
            self._streaming = None

    def _now_s(self) -> float:
        """Return the time since the motion began; 0 before."""
        return 0.0 if self.motion_start_s is None else self._loop.time() - self.motion_start_s

    async def _stream(self, connection: Connection) -> None:
        """Send sample k of the motion at k / rate after it began, a bundle at a time."""
        rate_hz: float | None = None
        next_sample = 0
        # Cancelling is not enough: one that meets the confirmation of an indication is lost in Python 3.11's wait_for.
        while self._streaming is asyncio.current_task():
            self._woken.clear()
            if self.firmware.stream_hz != rate_hz:
                rate_hz = self.firmware.stream_hz
                if self.motion_start_s is None and rate_hz:
                    self.motion_start_s = self._loop.time()
                next_sample = self._sample_now(rate_hz)
            if rate_hz is None or self.played_out.is_set():
                await self._send(connection, NO_TIMES)
                await self._woken.wait()
                continue
            samples = next_sample + np.arange(self.firmware.bundle)
            due_s = (self.motion_start_s or 0.0) + samples[-1] / rate_hz
            try:
                async with asyncio.timeout_at(due_s):
                    await self._woken.wait()
            except TimeoutError:
                pass
            else:
                if self.firmware.prompt or due_s - self._loop.time() > WHOLE_REPLY_S:
                    await self._send(connection, NO_TIMES)
                continue
            if self._loop.time() - due_s > CATCH_UP_S:
                next_sample = self._sample_now(rate_hz)
                continue
            next_sample += len(samples)
            time_s = samples / rate_hz
            played = time_s < self.firmware.motion.duration_s - 0.5 / rate_hz
            await self._send(connection, time_s[played])
            if not played.all():
                self.played_out.set()

    def _sample_now(self, rate_hz: float | None) -> int:
        return math.ceil(self._now_s() * (rate_hz or 0.0) - 1e-6)

    async def _send(self, connection: Connection, time_s: Floats) -> None:
        self.firmware.payload = connection.att_mtu - ATT_HEADER
        for uuid, data in self.firmware.notifications(time_s):
            if not self._silent:
                await self._notify(connection, uuid, data)

    async def _notify(self, connection: Connection, uuid: str, data: bytes) -> None:
        if self._to_lose:
            self._to_lose -= 1
        elif self.room is not None and self._radio.waiting(self._controller) >= self.room:
            self.lost_for_room += 1
        else:
            if self._to_corrupt:
                self._to_corrupt -= 1
                data = self.firmware.damaged(data, self._corruption)
            characteristic = self._characteristics[uuid]
            if characteristic.properties & Characteristic.Properties.NOTIFY:
                await self._device.notify_subscriber(connection, characteristic, data)
            else:
                await self._device.indicate_subscriber(connection, characteristic, data)
            self.sent += 1


def _advertisement(told: Advertised) -> bytes:
    kinds = AdvertisingData.Type
    fields: list[tuple[int, bytes]] = [
        (kinds.FLAGS, bytes([6])),
        (kinds.COMPLETE_LOCAL_NAME, told.name.encode()),
    ]
    for uuid in map(UUID, told.services):
        short = len(uuid.to_bytes()) == 2
        fields.append(
            (
                kinds.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
                if short
                else kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
                uuid.to_bytes(),
            )
        )
    if told.company:
        company, data = told.company
        fields.append((kinds.MANUFACTURER_SPECIFIC_DATA, company.to_bytes(2, "little") + data))
    advertisement = bytes(AdvertisingData(fields))
    if len(advertisement) > ADVERTISEMENT_BYTES:
        raise ValueError(f"{told.name!r} does not fit into an advertisement beside the service")
    return advertisement
