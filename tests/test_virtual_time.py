"""The virtual clock itself: it jumps, keeps order, waits for threads, and names a deadlock."""

import asyncio
import threading

import pytest

from tests import virtual_time


def test_a_day_passes_in_an_instant_and_in_order() -> None:
    """Timers fire at exactly their own time, however far away, without waiting for it."""

    async def main() -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []

        async def at(name: str, delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            seen.append((name, asyncio.get_running_loop().time()))

        await asyncio.gather(at("day", 86_400.0), at("soon", 0.001), at("hour", 3_600.0))
        return seen

    seen = virtual_time.run(main(), limit_s=1e6)

    assert [name for name, _ in seen] == ["soon", "hour", "day"]
    assert [now_s for _, now_s in seen] == pytest.approx([0.001, 3_600.0, 86_400.0])


def test_a_thread_holds_the_clock() -> None:
    """Work in a thread takes no virtual time, so a timeout around it never fires early."""

    async def main() -> tuple[int, float]:
        async with asyncio.timeout(0.001):
            ident = await asyncio.to_thread(threading.get_ident)
        return ident, asyncio.get_running_loop().time()

    ident, now_s = virtual_time.run(main())

    assert ident != threading.get_ident()
    assert now_s == 0.0


def test_a_deadlock_is_named() -> None:
    """A coroutine that nothing will ever wake fails at once and names itself."""

    async def waits_for_ever() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        await asyncio.gather(asyncio.create_task(waits_for_ever(), name="the stuck one"))

    loop = virtual_time.VirtualTimeLoop()
    task = loop.create_task(main())
    with pytest.raises(virtual_time.DeadlockError, match="the stuck one"):
        loop.run_until_complete(task)
    for pending in asyncio.all_tasks(loop):
        pending.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


def test_an_endless_simulation_ends_at_its_limit() -> None:
    """A world whose timers go on for ever is stopped at the limit of virtual time."""

    async def main() -> None:
        ticking = asyncio.get_running_loop()

        def tick() -> None:
            ticking.call_later(1.0, tick)

        tick()
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        virtual_time.run(main(), limit_s=60.0)
