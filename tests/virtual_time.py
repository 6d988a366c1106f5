"""Virtual time for asyncio: a loop whose clock jumps to the next timer as soon as nothing is ready.

Minutes of radio run in the real time that their events cost, in an order that never varies, with no sleep as
synchronisation. (looptime does this inside pytest-asyncio's fixtures, which this project does not use;
async-solipsism is GPL.) It does not touch `time.time()`: give the code under test a clock, for example `utc_ns`.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

START_NS = 1_760_000_000_000_000_000
"""2025-10-09T08:53:20Z: what `utc_ns` reads when a virtual loop starts."""


class DeadlockError(RuntimeError):
    """Nothing is ready, no timer is set and no thread is at work: the tasks named would wait for ever."""


class _JumpingSelector(selectors.SelectSelector):
    """A selector that moves the loop's clock on instead of waiting."""

    def __init__(self, loop: "VirtualTimeLoop") -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self._loop.threads_at_work:
            return super().select(None)  # virtual time stands still until a thread wakes the loop
        if timeout is None:
            tasks = "\n".join(f"  {task!r}" for task in asyncio.all_tasks(self._loop))
            raise DeadlockError(f"at {self._loop.time():.3f} s of virtual time, waiting for ever:\n{tasks}")
        self._loop.now_s += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time; work handed to threads holds the clock until it is done."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.threads_at_work = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Return the virtual time in seconds since the loop was made."""
        return self.now_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Hand work to a thread; the clock stands still until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self.threads_at_work += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _future: asyncio.Future[Any]) -> None:
        self.threads_at_work -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 (signature of the base)
        """Wait for the threads to end, in real time."""
        self.threads_at_work += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self.threads_at_work -= 1


def run(main: Coroutine[Any, Any, T], *, limit_s: float | None = 7200.0) -> T:
    """Run to the end on a virtual clock; TimeoutError after `limit_s` of virtual time (None: never), DeadlockError when stuck."""

    async def bounded() -> T:
        async with asyncio.timeout(limit_s):
            return await main

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(bounded())


def utc_ns() -> int:
    """Return the UTC time of the running virtual loop."""
    return START_NS + round(asyncio.get_running_loop().time() * 1e9)
