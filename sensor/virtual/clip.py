"""A virtual WitMotion clip on the virtual radio: advertisement, GATT, the stream, and everything that goes wrong.

The faults are what users meet: out of range for a moment or for good, a firmware that falls silent, bytes that
arrive damaged, notifications that the clip had no room for, switching itself off, another phone that holds it.
"""

import asyncio
import math
import random

import numpy as np
from bumble import hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from sensor.virtual.firmware import Firmware, bundle_of
from sensor.virtual.radio import Radio, VirtualController, virtual_device

SERVICE, NOTIFY, WRITE = (f"0000{short}-0000-1000-8000-00805f9a34fb" for short in ("ffe5", "ffe4", "ffe9"))
"""9a34fb, not the Bluetooth base: that is how the family is."""
ADVERTISING_MS = 60
ADVERTISEMENT_BYTES = 31
WHOLE_REPLY_S = 0.25
"""A reply goes out with the next frames; on its own, when those are further away."""
CATCH_UP_S = 1.0
"""A clip that was held up for longer (its computer slept) goes on from now and loses the time between."""


class VirtualClip:
    """One unit on the air. `create` switches it on, `close` stops all it does."""

    def __init__(
        self, radio: Radio, controller: VirtualController, device: Device, firmware: Firmware
    ) -> None:
        self.firmware = firmware
        self.played_out = asyncio.Event()
        """Set when the motion has come to its end; the clip is silent from then on."""
        self.motion_start_s: float | None = None
        """Loop time of the first subscription, when the motion began."""
        self.sent = 0
        """Notifications that went out."""
        self.room: int | None = None
        """How many packets the clip can hold that the air has not taken yet; None for as many as need be."""
        self.lost_for_room = 0
        self._radio = radio
        self._controller = controller
        self._device = device
        self._loop = asyncio.get_running_loop()
        self._switched_on_s = self._loop.time()
        self._streaming: asyncio.Task[None] | None = None
        self._advertising: asyncio.Task[None] | None = None
        """Begins to advertise. Done here: bumble's own restart cannot be awaited, nor cut without a fault."""
        self._off = False
        self._woken = asyncio.Event()
        self._replies: list[bytes] = []
        self._silent = False
        self._to_lose = 0
        self._to_corrupt = 0
        self._corruption = random.Random(1)  # noqa: S311 (faults, not secrets)
        self._notify = Characteristic(
            NOTIFY,
            Characteristic.Properties.NOTIFY | Characteristic.Properties.READ,
            Characteristic.READABLE,
            bytes(20),
        )
        self._notify.on(Characteristic.EVENT_SUBSCRIPTION, self._on_subscription)
        write: Characteristic[bytes] = Characteristic(
            WRITE,
            Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
            Characteristic.WRITEABLE,
            CharacteristicValue(write=self._on_write),
        )
        device.add_service(Service(SERVICE, [self._notify, write]))
        device.on(Device.EVENT_CONNECTION, self._on_connection)

    @classmethod
    async def create(
        cls,
        radio: Radio,
        firmware: Firmware,
        *,
        name: str = "WT901BLE",
        address: str | None = None,
        advertises_service: bool = True,
    ) -> "VirtualClip":
        """Switch a clip on; its Bluetooth address is its MAC unless told otherwise."""
        controller, device = await virtual_device(radio, name, address or firmware.mac)
        clip = cls(radio, controller, device, firmware)
        fields: list[tuple[int, bytes]] = [
            (AdvertisingData.Type.FLAGS, bytes([6])),
            (AdvertisingData.Type.COMPLETE_LOCAL_NAME, name.encode()),
        ]
        if advertises_service:
            services = AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS
            fields.append((services, UUID(SERVICE).to_bytes()))
        advertisement = bytes(AdvertisingData(fields))
        if len(advertisement) > ADVERTISEMENT_BYTES:
            raise ValueError(f"{name!r} does not fit into an advertisement beside the service: 8 bytes do")
        device.advertising_data = advertisement
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
        """Damage the next notifications: the header of every frame, and some bytes."""
        self._to_corrupt = notifications

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

    def _on_connection(self, connection: Connection) -> None:
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)

    def _on_disconnection(self, _reason: int) -> None:
        self._stop_streaming()
        if not self._off:
            self._advertise()

    def _on_subscription(self, bearer: Connection, notify: bool, _indicate: bool) -> None:
        self._stop_streaming()
        if (
            notify and bearer in self._device.connections.values()
        ):  # bumble tells of it late, even after the end
            if self.motion_start_s is None:
                self.motion_start_s = self._loop.time()
            self._streaming = self._loop.create_task(self._stream(bearer), name=f"stream of {self.address}")

    def _stop_streaming(self) -> None:
        self._replies.clear()
        self.firmware.unanswered = None
        if self._streaming:
            self._streaming.cancel()
            self._streaming = None

    def _on_write(self, _connection: Connection, data: bytes) -> None:
        reply = self.firmware.command(bytes(data), self._loop.time() - self._switched_on_s)
        if reply:
            self._replies.append(reply)
        self._woken.set()

    async def _stream(self, connection: Connection) -> None:
        """Send sample k of the motion at k / rate after it began, a bundle at a time."""
        rate_hz: float | None = None
        next_sample = 0
        while True:
            self._woken.clear()
            if self.firmware.rate_hz != rate_hz:
                rate_hz = self.firmware.rate_hz
                next_sample = self._sample_now(rate_hz)
            if rate_hz is None or self.played_out.is_set():
                await self._send(connection, [])
                await self._woken.wait()
                continue
            samples = next_sample + np.arange(bundle_of(rate_hz))
            due_s = (self.motion_start_s or 0.0) + samples[-1] / rate_hz
            try:
                async with asyncio.timeout_at(due_s):
                    await self._woken.wait()
            except TimeoutError:
                pass
            else:
                if due_s - self._loop.time() > WHOLE_REPLY_S:
                    await self._send(connection, [])
                continue
            if self._loop.time() - due_s > CATCH_UP_S:
                next_sample = self._sample_now(rate_hz)
                continue
            next_sample += len(samples)
            time_s = samples / rate_hz
            played = time_s < self.firmware.motion.duration_s - 0.5 / rate_hz
            await self._send(connection, self.firmware.frames(time_s[played]))
            if not played.all():
                self.played_out.set()

    def _sample_now(self, rate_hz: float | None) -> int:
        since_s = self._loop.time() - (self.motion_start_s or 0.0)
        return math.ceil(since_s * (rate_hz or 0.0) - 1e-6)

    async def _send(self, connection: Connection, frames: list[bytes]) -> None:
        replies, self._replies = self._replies, []
        if replies:
            self.firmware.unanswered = None
        data = b"".join([*frames[:1], *replies, *frames[1:]])
        if not data or self._silent:
            return
        if self._to_lose:
            self._to_lose -= 1
        elif self.room is not None and self._radio.waiting(self._controller) >= self.room:
            self.lost_for_room += 1
        else:
            if self._to_corrupt:
                self._to_corrupt -= 1
                data = self._damaged(data)
            await self._device.notify_subscriber(connection, self._notify, data)
            self.sent += 1

    def _damaged(self, data: bytes) -> bytes:
        damaged = bytearray(data)
        for header in range(0, len(data), 20):
            damaged[header] = damaged[header + 1] = self._corruption.randrange(0x80, 0x100)
        return bytes(damaged)
