"""Clocks that step, readers that are slow, streams that go on where another ended; in virtual time."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sensor.arrivals import AHEAD_S
from sensor.capture import CaptureWriter
from sensor.link import stream
from sensor.recording import Recording
from tests import virtual_time
from tests.sensor.worlds import (
    BOUND,
    CONNECTING,
    HAS_BUMBLE,
    SEARCHING,
    STREAMING,
    WAITING,
    Listener,
    listening,
    numbered_firmware,
    radio,
)

if HAS_BUMBLE:
    from sensor.virtual.world import virtual_world

pytestmark = radio


def test_a_computer_that_slept_comes_back_at_the_right_time() -> None:
    """UTC leaps ahead of the loop while a computer sleeps: the link is made anew, and later samples have UTC again."""

    async def main() -> None:
        slept_ns = 0

        def utc() -> int:
            return virtual_time.utc_ns() + slept_ns

        async with virtual_world(firmware=numbered_firmware(60)) as world:
            async with listening(world.bluetooth, utc=utc) as listener:
                await asyncio.sleep(10)
                slept_ns = 3600 * 10**9
                await asyncio.sleep(10)

                assert listener.states[2:] == [STREAMING, WAITING, STREAMING]
                assert utc() - listener.time_ns()[-1] < 0.2e9
            assert np.diff(listener.time_ns()).max() > 3590e9

    virtual_time.run(main())


def test_a_clock_set_back_never_sets_samples_back() -> None:
    """UTC may step back a little between two connections; sample times only go forward."""

    async def main() -> None:
        stepped_ns = 0

        def utc() -> int:
            return virtual_time.utc_ns() - stepped_ns

        async with virtual_world(firmware=numbered_firmware(60)) as world:
            async with listening(world.bluetooth, utc=utc) as listener:
                await asyncio.sleep(10)
                stepped_ns = 600 * 10**9
                await world.clip.say_goodbye()
                await asyncio.sleep(10)

            assert listener.states[2:] == [STREAMING, WAITING, STREAMING]
            assert (np.diff(listener.time_ns()) > 0).all()
            told_ns = [change.time_ns for _, change in listener.changes]
            assert told_ns == sorted(told_ns)

    virtual_time.run(main())


def test_a_clock_set_far_back_is_believed() -> None:
    """It was wrong before: the connection ends by itself, and the next one's samples are stamped by the new clock."""

    async def main() -> None:
        stepped_ns = 0

        def utc() -> int:
            return virtual_time.utc_ns() - stepped_ns

        async with (
            virtual_world(firmware=numbered_firmware(60)) as world,
            listening(world.bluetooth, utc=utc) as listener,
        ):
            await asyncio.sleep(10)
            stepped_ns = 2 * 3600 * 10**9
            await asyncio.sleep(10)

            assert listener.states[2:] == [STREAMING, WAITING, STREAMING]
            assert abs(int(listener.time_ns()[-1]) - utc()) < 10**9

    virtual_time.run(main())


def test_what_was_recorded_while_the_clock_was_set_far_back_is_read_again(tmp_path: Path) -> None:
    """The next connection is 20 minutes earlier: replay gives the very samples of both, at the times they had live."""

    async def main() -> Listener:
        stepped_ns = 0

        def utc() -> int:
            return virtual_time.utc_ns() - stepped_ns

        async with virtual_world(firmware=numbered_firmware(60)) as world:
            with CaptureWriter(tmp_path / "day.jsonl", family="witmotion", rate_hz=50.0) as capture:
                async with listening(world.bluetooth, utc=utc, on_notification=capture.take) as listener:
                    await asyncio.sleep(10)
                    stepped_ns = 1200 * 10**9
                    await asyncio.sleep(10)
        return listener

    live = virtual_time.run(main())
    again = Listener([(0.0, reading) for reading in Recording.open(tmp_path / "day.jsonl").readings()])

    assert live.states[2:] == [STREAMING, WAITING, STREAMING]
    assert (np.diff(live.time_ns()) < -1100e9).sum() == 1
    assert again.rows() == live.rows()
    assert np.array_equal(again.time_ns(), live.time_ns())
    assert again.states == [STREAMING, WAITING, STREAMING]


def test_a_slow_reader_loses_nothing() -> None:
    """A reader that is busy for ten seconds finds everything waiting, with the times at which it came."""

    async def main() -> None:
        listener = Listener()
        async with (
            virtual_world(firmware=numbered_firmware(60)) as world,
            aclosing(stream(world.bluetooth, BOUND, utc=virtual_time.utc_ns)) as readings,
        ):
            async for reading in readings:
                listener.heard.append((0.0, reading))
                if len(listener.blocks) == 50:
                    await asyncio.sleep(10)
                if len(listener.blocks) == 400:
                    break

        assert listener.states == [SEARCHING, CONNECTING, STREAMING]
        listener.assert_whole()

    virtual_time.run(main())


# ---- from one stream to the next ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [10.0, 50.0, 200.0])
@pytest.mark.parametrize("ahead_s", [-3600.0, -0.01, 0.0, 5.0, AHEAD_S - 1])
def test_a_new_stream_never_goes_behind_what_is_known(rate_hz: float, ahead_s: float) -> None:
    """After a restart with the clock set back meanwhile, the first sample is later than the last one known."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60, rate_hz)) as world:
            after_ns = virtual_time.utc_ns() + round(ahead_s * 1e9)
            binding = replace(BOUND, rate_hz=rate_hz)
            async with listening(world.bluetooth, binding, after_ns=after_ns) as listener:
                await asyncio.sleep(5)

            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
            assert listener.time_ns()[0] > after_ns
            assert listener.time_ns()[0] - max(after_ns, virtual_time.START_NS) < 1e9
            assert all(change.time_ns >= after_ns for _, change in listener.changes)

    virtual_time.run(main())


def test_what_a_wrong_clock_left_behind_is_not_followed() -> None:
    """Samples known from further ahead than a quarter of an hour were stamped wrong: the clock of today counts."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60)) as world:
            after_ns = virtual_time.utc_ns() + round((AHEAD_S + 1) * 1e9)
            async with listening(world.bluetooth, after_ns=after_ns) as listener:
                await asyncio.sleep(5)

            assert abs(virtual_time.utc_ns() - listener.time_ns()[-1]) < 0.2e9

    virtual_time.run(main())


def test_raw_notifications_and_the_ends_of_connections_are_handed_on() -> None:
    """Who records gets every byte with its time, and nothing at all, once, where a connection ended."""

    async def main() -> None:
        raw: list[tuple[bytes, int]] = []
        async with virtual_world(firmware=numbered_firmware(60)) as world:
            async with listening(
                world.bluetooth, on_notification=lambda _char, data, time_ns: raw.append((data, time_ns))
            ) as listener:
                await asyncio.sleep(5)
                await world.clip.say_goodbye()
                await asyncio.sleep(5)

            sizes = [len(data) for data, _ in raw]
            times_ns = [time_ns for _, time_ns in raw]
            assert sizes.count(0) == 1
            assert sum(sizes) // 20 >= len(listener.rows())
            assert times_ns == sorted(times_ns)
            end = sizes.index(0)
            assert times_ns[end] == pytest.approx(virtual_time.START_NS + 5e9, abs=0.1e9)
            assert 0 < end < len(sizes) - 1

    virtual_time.run(main())
