"""A world without hardware: an air, a computer with Bluetooth on it, and clips to be worn."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Generic

from bumble import core
from bumble.device import Connection, Device

from sensor.bluetooth import Backends, Bluetooth
from sensor.virtual.backend import classes_on
from sensor.virtual.clip import U, VirtualClip
from sensor.virtual.radio import Radio, virtual_device

COMPUTER_ADDRESS = "C0:00:00:00:00:01"
PHONE_ADDRESS = "C0:00:00:00:00:02"


class VirtualWorld(Generic[U]):
    """What `virtual_world` gives: `bluetooth` for the code under test, `clip` to make things happen to."""

    def __init__(self, radio: Radio, computer: Device, clip: VirtualClip[U]) -> None:
        self.radio = radio
        self.clip = clip
        self.clips = [clip]
        self._computer = computer
        self._scanner, self.client = classes_on(computer)
        self.bluetooth = Bluetooth(Backends(self._scanner, self.client))

    async def add_clip(self, firmware: U, **options: Any) -> VirtualClip[U]:
        """Switch on one more clip in the same room; options as for `VirtualClip.create`."""
        clip = await VirtualClip.create(self.radio, firmware, **options)
        self.clips.append(clip)
        return clip

    async def seize(self, clip: VirtualClip[U]) -> Connection:
        """Let somebody's phone connect to the clip, which then no longer advertises; `disconnect()` frees it."""
        _, phone = await virtual_device(self.radio, "phone", PHONE_ADDRESS)
        return await phone.connect(clip.address, core.PhysicalTransport.LE, timeout=None)

    async def switch_bluetooth_off(self) -> None:
        """Switch the computer's Bluetooth off: links end, and scanning raises what bleak raises then."""
        self._scanner.powered = False
        for connection in list(self._computer.connections.values()):
            await connection.disconnect()

    def switch_bluetooth_on(self) -> None:
        """Switch it on again."""
        self._scanner.powered = True


@asynccontextmanager
async def virtual_world(
    firmware: U,
    *,
    name: str | None = None,
    address: str | None = None,
    advertises_service: bool = True,
    radio: Radio | None = None,
) -> AsyncIterator[VirtualWorld[U]]:
    """Open a world with one clip, of whatever family its firmware is; nothing is left of it after.

    Runs on any asyncio loop: on a real one for people, on a virtual one (discrete events) for tests.
    """
    radio = radio or Radio()
    _, computer = await virtual_device(radio, "computer", COMPUTER_ADDRESS)
    clip = await VirtualClip.create(
        radio, firmware, name=name, address=address, advertises_service=advertises_service
    )
    world = VirtualWorld(radio, computer, clip)
    try:
        yield world
    finally:
        for each in world.clips:
            await each.close()
        radio.close()
