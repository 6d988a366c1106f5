"""Shared by the tests on the virtual radio: worlds, motions whose every row is unlike all others, a listener."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sensor.bluetooth import Bluetooth
from sensor.link import ClipBinding, stream
from sensor.samples import STANDARD_GRAVITY_MPS2, BatteryReading, LinkChange, LinkState, Reading, SampleBlock
from sensor.virtual.firmware import NOMINAL_RATES_HZ, RATE, Firmware
from sensor.virtual.motion import COUNTS_PER_DPS, COUNTS_PER_G, RecordedMotion
from tests import virtual_time

HAS_BUMBLE = find_spec("bumble") is not None
radio = [
    pytest.mark.radio,
    pytest.mark.skipif(not HAS_BUMBLE, reason="bumble is missing: install neckline with its extra `virtual`"),
]
"""The marks of a module that runs on the virtual radio."""

MAC = "C4:A3:FC:76:9B:33"
OTHER_MAC = "D7:11:22:33:44:55"
SEARCHING, CONNECTING, STREAMING, WAITING = (
    LinkState.SEARCHING,
    LinkState.CONNECTING,
    LinkState.STREAMING,
    LinkState.WAITING,
)
CODES = {10.0: 0x06, 20.0: 0x07, 50.0: 0x08, 100.0: 0x09, 200.0: 0x0B}
BOUND = ClipBinding(family="witmotion", address=MAC, name="WT901BLE", serial=MAC, rate_hz=50.0)


def numbered(rows: int) -> NDArray[np.int16]:
    """Return raw counts (rows, 6) in which row k says that it is k: ±1 g apart from that."""
    k = np.arange(rows)
    counts = np.zeros((rows, 6), np.int16)
    counts[:, 1] = 2048
    counts[:, 0], counts[:, 2], counts[:, 3] = k % 500, k // 500, -(k % 700)
    return counts


def others() -> set[str]:
    """Return the names of all tasks but this one."""
    return {task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def numbered_firmware(seconds: float, rate_hz: float = 50.0, mac: str = MAC) -> Firmware:
    """Return a unit that plays numbered rows at exactly this rate, to which it is set already."""
    counts = numbered(round(seconds * rate_hz))
    motion = RecordedMotion(counts[:, :3], counts[:, 3:], rate_hz)
    return Firmware(motion, mac=mac, rates_hz=NOMINAL_RATES_HZ, flash={RATE: CODES[rate_hz]})


@dataclass(slots=True)
class Listener:
    """What a stream yielded, and at which time of the loop."""

    heard: list[tuple[float, Reading]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever something is heard."""

    @property
    def blocks(self) -> list[SampleBlock]:
        """All samples."""
        return [reading for _, reading in self.heard if isinstance(reading, SampleBlock)]

    @property
    def batteries(self) -> list[BatteryReading]:
        """All battery readings."""
        return [reading for _, reading in self.heard if isinstance(reading, BatteryReading)]

    @property
    def changes(self) -> list[tuple[float, LinkChange]]:
        """All that was told of the link, and when."""
        return [(at_s, reading) for at_s, reading in self.heard if isinstance(reading, LinkChange)]

    @property
    def states(self) -> list[LinkState]:
        """The states that were told, in order."""
        return [change.state for _, change in self.changes]

    @property
    def reason(self) -> str:
        """What was last told of the link."""
        return self.changes[-1][1].reason

    def time_ns(self) -> NDArray[np.int64]:
        """Return the time of every sample."""
        return np.concatenate([np.empty(0, np.int64), *(block.time_ns for block in self.blocks)])

    def acc_counts(self) -> NDArray[np.float64]:
        """Return the raw acceleration counts (n, 3) that every sample came from; NaN where it was damaged."""
        acc_mps2 = np.concatenate([np.empty((0, 3)), *(block.acc_mps2 for block in self.blocks)])
        return np.rint(acc_mps2 / STANDARD_GRAVITY_MPS2 * COUNTS_PER_G)

    def rows(self) -> list[int]:
        """Return the numbers of the numbered rows that arrived, after checking that the gyroscope agrees."""
        acc_counts = self.acc_counts()
        rows = acc_counts[:, 2] * 500 + acc_counts[:, 0]
        gyr_radps = np.concatenate([np.empty((0, 3)), *(block.gyr_radps for block in self.blocks)])
        assert (np.rint(np.degrees(gyr_radps[:, 0]) * COUNTS_PER_DPS) == -(rows % 700)).all()
        return [int(row) for row in rows]

    def assert_whole(self) -> None:
        """Check that every row from the first to the last arrived once, in order, at times that only go forward."""
        rows = self.rows()
        assert rows == list(range(rows[0], rows[0] + len(rows)))
        assert (np.diff(self.time_ns()) > 0).all()


@asynccontextmanager
async def listening(
    bluetooth: Bluetooth,
    binding: ClipBinding = BOUND,
    *,
    utc: Callable[[], int] = virtual_time.utc_ns,
    **options: Any,
) -> AsyncIterator[Listener]:
    """Read from a stream in a task of its own, as long as the block runs; raise what the stream raised."""
    listener = Listener()

    async def listen() -> None:
        async with aclosing(stream(bluetooth, binding, utc=utc, **options)) as readings:
            async for reading in readings:
                listener.heard.append((asyncio.get_running_loop().time(), reading))
                listener.news.set()

    task = asyncio.create_task(listen(), name="listener")
    try:
        yield listener
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
