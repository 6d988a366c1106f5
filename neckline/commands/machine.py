"""What commands meet outside of the program: Bluetooth, an event loop, the time of day. Tests put their own here."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sensor.bluetooth import Bluetooth

T = TypeVar("T")


@asynccontextmanager
async def _this_computers() -> AsyncGenerator["Bluetooth", None]:
    from sensor.bluetooth import Bluetooth  # noqa: PLC0415 (bleak; most commands have no use for it)

    yield Bluetooth()


bluetooth: Callable[[], AbstractAsyncContextManager["Bluetooth"]] = _this_computers
utc_ns: Callable[[], int] = time.time_ns


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end; Ctrl-C cancels it, lets it clean up, and raises KeyboardInterrupt."""
    return asyncio.run(main)
