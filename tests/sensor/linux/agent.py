"""In the guest: neckline's own link on the real bluetoothd, doing what the host says and telling it what it hears.

One JSON object a line, both ways, over the serial port `agent`. The host says `{"do": …}`; the agent tells
`{"clip": …, "rows": […]}` for samples, `{"clip": …, "state": …, "reason": …}` for changes of a link, and
`{"done": …}` after each order.
"""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import numpy as np

from sensor.bluetooth import Bluetooth
from sensor.errors import BluetoothError
from sensor.link import ClipBinding, stream
from sensor.samples import STANDARD_GRAVITY_MPS2, LinkChange, SampleBlock
from tests.sensor.linux.hci_bridge import port

BLUETOOTHD = "/usr/libexec/bluetooth/bluetoothd"
COUNTS_PER_G, NUMBERED = 2048, 500
"""As `tests.sensor.worlds.numbered` numbers its rows; that module is too large for a slow machine."""


def open_files() -> int:
    """Return how many file descriptors this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


class Agent:
    """Carries out orders; `tell` writes a line to the host."""

    def __init__(self, to_host: int) -> None:
        self._to_host = to_host
        self._bluetooth = Bluetooth()
        self._streams: dict[str, asyncio.Task[None]] = {}
        self._bluetoothd: subprocess.Popen[bytes] | None = None

    def tell(self, **what: Any) -> None:
        """Write a line to the host."""
        os.write(self._to_host, json.dumps(what).encode() + b"\n")

    async def obey(self, order: dict[str, Any]) -> None:
        """Carry out an order."""
        match order:
            case {"do": "stream", "address": address, "serial": serial}:
                self._streams[address] = asyncio.create_task(self._stream(address, serial))
            case {"do": "stop"}:
                for task in self._streams.values():
                    task.cancel()
                await asyncio.wait(self._streams.values())
                self._streams.clear()
            case {"do": "start bluetoothd"}:
                self._bluetoothd = subprocess.Popen([BLUETOOTHD, "-n"])  # noqa: ASYNC220 (returns at once)
            case {"do": "kill bluetoothd"} if self._bluetoothd:
                self._bluetoothd.kill()
                self._bluetoothd.wait()
            case {"do": "power", "on": on}:
                await self._manage("power", "on" if on else "off")
            case {"do": "await bluetooth"}:
                await self._bluetooth_works()
            case {"do": "count files"}:
                pass
            case _:
                raise ValueError(f"what is {order}?")
        self.tell(done=order, files=open_files())

    async def _manage(self, *words: str) -> None:
        manager = await asyncio.create_subprocess_exec(
            "btmgmt", "--index", "0", *words, stdin=subprocess.DEVNULL, stdout=sys.stderr
        )
        await manager.wait()

    async def _bluetooth_works(self) -> None:
        """Wait until the adapter is there and on; the host does not wait for ever."""
        while True:
            with suppress(BluetoothError):
                await self._bluetooth.scan(0.1)
                return
            await asyncio.sleep(0.2)

    async def _stream(self, address: str, serial: str) -> None:
        binding = ClipBinding("witmotion", address, "WT901BLE", serial, 50.0)
        async with aclosing(stream(self._bluetooth, binding)) as readings:
            async for reading in readings:
                if isinstance(reading, SampleBlock):
                    counts = np.rint(reading.acc_mps2 / STANDARD_GRAVITY_MPS2 * COUNTS_PER_G)
                    rows = (counts[:, 2] * NUMBERED + counts[:, 0]).astype(int).tolist()
                    self.tell(clip=address, rows=rows, time_ns=reading.time_ns.tolist())
                elif isinstance(reading, LinkChange):
                    self.tell(clip=address, state=reading.state, word=reading.word, reason=reading.reason)


async def main() -> None:
    """Obey until the host has no more to say."""
    line = os.open(port("agent"), os.O_RDWR)
    agent = Agent(line)
    agent.tell(ready=True)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(line, "rb", 0))
    while order := await reader.readline():
        await agent.obey(json.loads(order))


if __name__ == "__main__":
    asyncio.run(main())
