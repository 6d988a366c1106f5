"""Signs that are asked for as the stream ends: whoever waits for one is told; on the virtual radio, in virtual time."""

import asyncio
import gc
from contextlib import aclosing

import pytest

from firmware_protocol.thingy52 import MOTION_CONFIG_UUID
from firmware_protocol.thingy52_interface import SOUND_CONFIG_UUID
from sensor.errors import ClipLostError, ClipRefusedError
from sensor.link import signal, stream
from sensor.samples import SampleBlock
from sensor.session import Signal, SignalKind
from sensor.signals import Signals
from sensor.virtual.thingy52 import Thingy
from tests import virtual_time
from tests.sensor.conformance import CASES
from tests.sensor.worlds import HAS_BUMBLE, listening, radio

if HAS_BUMBLE:
    from sensor.virtual.world import virtual_world

pytestmark = radio

THINGY = next(case for case in CASES if case.name == "thingy52")
BEEP = Signal(SignalKind.SOUND)


def asked_of(signals: Signals, count: int) -> list[asyncio.Task[None]]:
    """Return so many who wait for a beep."""
    return [asyncio.create_task(signals.give(BEEP)) for _ in range(count)]


async def assert_told(waiting: list[asyncio.Task[None]], signals: Signals) -> None:
    """Check that all have been told, at once, that the clip is gone; so is whoever asks later."""
    outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 0.01)
    assert [type(outcome) for outcome in outcomes] == [ClipLostError] * len(waiting)
    with pytest.raises(ClipLostError, match="not connected just now"):
        await asyncio.wait_for(signals.give(BEEP), 0.01)


def test_a_cancelled_stream_leaves_nobody_waiting() -> None:
    """With one sign on its way to a clip that does not answer, and others behind it: all fail, and do not hang."""

    async def main() -> None:
        signals = Signals("mine", THINGY.family)
        async with virtual_world(THINGY.unit()) as world:
            async with listening(
                world.bluetooth, THINGY.binding(world.clip.address, "mine"), signals=signals
            ):
                await asyncio.sleep(5)
                world.clip.vanish()
                waiting = asked_of(signals, 3)
                await asyncio.sleep(0.6)
                assert not any(task.done() for task in waiting)
            await assert_told(waiting, signals)
            assert world.clip.firmware.signals == []

    virtual_time.run(main())


def test_a_closed_stream_leaves_nobody_waiting() -> None:
    """Closed between two readings, before it came to the signs."""

    async def main() -> None:
        signals = Signals("mine", THINGY.family)
        async with virtual_world(THINGY.unit()) as world:
            binding = THINGY.binding(world.clip.address, "mine")
            async with aclosing(
                stream(world.bluetooth, binding, utc=virtual_time.utc_ns, signals=signals)
            ) as readings:
                async for reading in readings:
                    if isinstance(reading, SampleBlock):
                        waiting = asked_of(signals, 3)
                        await asyncio.sleep(0)
                        break
            await assert_told(waiting, signals)

    virtual_time.run(main())


def test_a_link_that_is_lost_over_a_sign_fails_it_with_the_reason() -> None:
    """Those who waited hear what ended it; when the clip is back, signs are given again."""

    async def main() -> None:
        signals = Signals("mine", THINGY.family)
        async with virtual_world(THINGY.unit()) as world:
            async with listening(
                world.bluetooth, THINGY.binding(world.clip.address, "mine"), signals=signals
            ):
                await asyncio.sleep(5)
                world.clip.vanish(3)
                for waiting in asked_of(signals, 2):
                    with pytest.raises(ClipLostError, match="disconnected"):
                        await waiting
                await asyncio.sleep(8)
                await signals.give(BEEP)
            assert len(world.clip.firmware.signals) == 1

    virtual_time.run(main())


def test_a_link_made_for_a_sign_that_is_lost_over_it_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked gets the error; it is not reported once more as one that nobody took."""
    left_over: list[dict[str, object]] = []
    take = Thingy.written

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: left_over.append(fault))
        async with virtual_world(THINGY.unit()) as world:

            def written(unit: Thingy, characteristic: str, data: bytes, now_s: float) -> None:
                if characteristic == SOUND_CONFIG_UUID:
                    world.clip.vanish()
                take(unit, characteristic, data, now_s)

            monkeypatch.setattr(Thingy, "written", written)
            binding = THINGY.binding(world.clip.address, "mine")
            with pytest.raises(ClipLostError):
                await signal(world.bluetooth, binding, BEEP, utc=virtual_time.utc_ns)
            assert world.clip.firmware.signals == []

    virtual_time.run(main())
    gc.collect()
    assert left_over == []


def test_a_sign_that_is_refused_before_it_is_asked_for_is_told_once() -> None:
    """A clip that says no to its very start ends the connection before anything came."""
    left_over: list[dict[str, object]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: left_over.append(fault))
        async with virtual_world(THINGY.unit(refuses={MOTION_CONFIG_UUID})) as world:
            binding = THINGY.binding(world.clip.address, "mine")
            with pytest.raises(ClipRefusedError):
                await signal(world.bluetooth, binding, BEEP, utc=virtual_time.utc_ns)

    virtual_time.run(main())
    gc.collect()
    assert left_over == []


def test_whoever_no_longer_waits_for_a_sign_leaves_no_error_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled with the sign on its way to a clip that does not answer."""
    left_over: list[dict[str, object]] = []
    take = Thingy.written

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: left_over.append(fault))
        on_its_way = asyncio.Event()
        async with virtual_world(THINGY.unit()) as world:

            def written(unit: Thingy, characteristic: str, data: bytes, now_s: float) -> None:
                if characteristic == SOUND_CONFIG_UUID:
                    world.clip.vanish()
                    on_its_way.set()
                take(unit, characteristic, data, now_s)

            monkeypatch.setattr(Thingy, "written", written)
            binding = THINGY.binding(world.clip.address, "mine")
            asking = asyncio.create_task(signal(world.bluetooth, binding, BEEP, utc=virtual_time.utc_ns))
            await on_its_way.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    virtual_time.run(main())
    gc.collect()
    assert left_over == []
