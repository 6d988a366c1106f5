"""neckline on the real Linux stack: bleak, D-Bus, bluetoothd and the kernel, with a virtual clip on the other side."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.sensor.worlds import MAC, OTHER_MAC, numbered_firmware

if sys.platform == "linux" and find_spec("bumble") is not None:
    from bumble.device import Connection

    from sensor.virtual.clip import VirtualClip
    from sensor.virtual.world import VirtualWorld, virtual_world
    from tests.sensor.linux.machine import Machine, lacking, machine

    MISSING = lacking()
else:
    MISSING = "Linux, or bumble"

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(bool(MISSING), reason=f"for a virtual machine there is missing: {MISSING}"),
]
logger = logging.getLogger(__name__)

BOOT_S, NEWS_S, RECOVER_S = 90, 30, 5
"""How long the machine may take to start, whatever is expected to be told, and samples once all is well again; the last
without the time for which other programs kept it from the processors."""
MINUTE, SECOND = 60 * 50, 50
"""In samples."""


@dataclass(slots=True)
class Day:
    """What the guest has told so far."""

    machine: "Machine"
    rows: dict[str, list[int]] = field(default_factory=lambda: {MAC: [], OTHER_MAC: []})
    time_ns: dict[str, list[int]] = field(default_factory=lambda: {MAC: [], OTHER_MAC: []})
    files: list[int] = field(default_factory=list)
    """How many files the guest's program held, each time when one clip streamed."""
    took_s: dict[str, float] = field(default_factory=dict)

    async def until(self, condition: Callable[[dict[str, Any]], bool], within_s: float) -> dict[str, Any]:
        """Listen until something is told that was waited for; return it."""
        async with asyncio.timeout(within_s):
            while True:
                told = await self.machine.told.get()
                if rows := told.get("rows"):
                    self.rows[told["clip"]] += rows
                    self.time_ns[told["clip"]] += told["time_ns"]
                if condition(told):
                    return told

    async def do(self, what: str, **how: Any) -> dict[str, Any]:
        """Give an order, and wait until it is carried out."""
        self.machine.do(what, **how)
        return await self.until(lambda told: told.get("done") == {"do": what, **how}, NEWS_S)

    async def trouble(self, *words: str) -> None:
        """Wait until one of these is told to be wrong with a link; any, if none is named."""
        await self.until(
            lambda told: told.get("word", "") in words if words else bool(told.get("word")), NEWS_S
        )

    async def recovers(self, after: str, *, clip: str = MAC, within_s: float = RECOVER_S) -> None:
        """Wait for the link to stream again; then listen for a second."""
        begin_s, waits_s = time.monotonic(), self.machine.waits_s()
        await self.until(lambda told: told.get("clip") == clip and told.get("state") == "streaming", NEWS_S)
        self.took_s[after] = round(time.monotonic() - begin_s - self.machine.kept_s(waits_s), 2)
        assert self.took_s[after] <= within_s, self.took_s
        await self.samples(SECOND, clip)

    async def samples(self, count: int, *clips: str) -> None:
        """Wait for so many samples more of each of these clips."""
        enough = {clip: len(self.rows[clip]) + count for clip in clips}
        await self.until(
            lambda _: all(len(self.rows[clip]) >= enough[clip] for clip in clips), NEWS_S + count / 50
        )

    async def count_files(self) -> None:
        """Note how many files the guest's program holds."""
        self.files.append((await self.do("count files"))["files"])


@asynccontextmanager
async def a_day(folder: Path) -> AsyncIterator[tuple[Day, "VirtualWorld"]]:
    """Start the machine and bluetoothd in it, with a clip in range."""
    async with (
        virtual_world(firmware=numbered_firmware(600)) as world,
        machine(world.radio, folder) as guest,
    ):
        day = Day(guest)
        await day.until(lambda told: "ready" in told, BOOT_S)
        await day.do("start bluetoothd")
        await day.do("await bluetooth")
        yield day, world


async def until_free(clip: "VirtualClip") -> None:
    """Wait until nobody is connected to a clip."""
    async with asyncio.timeout(NEWS_S):
        for connection in list(clip._device.connections.values()):
            ended = asyncio.Event()
            connection.on(Connection.EVENT_DISCONNECTION, lambda _reason, ended=ended: ended.set())
            await ended.wait()


async def first_minute(day: Day, _world: "VirtualWorld") -> None:
    """Connect, and stream for a minute, of which nothing may be lacking."""
    await day.do("stream", address=MAC, serial=MAC)
    await day.recovers("first connect", within_s=NEWS_S)
    await day.samples(MINUTE, MAC)
    rows = day.rows[MAC]
    assert rows == list(range(rows[0], rows[0] + len(rows)))


async def clip_vanishes(day: Day, world: "VirtualWorld") -> None:
    """Walk out of range, for longer than a search takes, and come back."""
    world.clip.vanish()
    await day.trouble("clip_lost")
    await day.trouble("clip_not_found")
    world.clip.come_back()
    await day.recovers("clip back in range")


async def bluetoothd_is_killed(day: Day, _world: "VirtualWorld") -> None:
    """Kill bluetoothd and start it at once, as systemd does; then have it away for longer than it takes to notice."""
    await day.do("kill bluetoothd")
    await day.do("start bluetoothd")
    await day.recovers("bluetoothd restarted at once")
    await day.count_files()
    await day.do("kill bluetoothd")
    await day.trouble("bluetooth_absent")
    await day.do("start bluetoothd")
    await day.recovers("bluetoothd restarted later")


async def adapter_is_switched_off(day: Day, _world: "VirtualWorld") -> None:
    """Switch the adapter off, and on again."""
    await day.do("power", on=False)
    await day.trouble("bluetooth_off")
    await day.do("power", on=True)
    await day.recovers("adapter switched on")


async def second_clip(day: Day, world: "VirtualWorld") -> None:
    """Stream from two clips at once, then end it all."""
    await world.add_clip(numbered_firmware(600, mac=OTHER_MAC))
    await day.do("stream", address=OTHER_MAC, serial=OTHER_MAC)
    await day.recovers("second clip", clip=OTHER_MAC)
    await day.samples(2 * SECOND, MAC, OTHER_MAC)
    await day.do("stop")
    for clip in world.clips:
        await until_free(clip)


def test_a_day_on_the_real_stack(tmp_path: Path) -> None:
    """A clip out of range, bluetoothd killed, the adapter off: samples within 5 s after each, once each; nothing leaks."""

    async def main() -> None:
        async with a_day(tmp_path) as (day, world):
            for chapter in (first_minute, clip_vanishes, bluetoothd_is_killed, adapter_is_switched_off):
                await chapter(day, world)
                await day.count_files()
            await second_clip(day, world)
        logger.info("seconds until samples came: %s", day.took_s)
        for clip in (MAC, OTHER_MAC):
            assert day.rows[clip] == sorted(set(day.rows[clip]))
            assert day.time_ns[clip] == sorted(set(day.time_ns[clip]))
        assert day.files == day.files[:1] * 5

    asyncio.run(main())
