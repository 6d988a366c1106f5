"""What goes wrong on the air and in the clip: every loss is told once and mended; in virtual time."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sensor.bluetooth import CONNECT_S, WRITE_S, Connection
from sensor.errors import ClipLostError, ClipUnprovenError, WrongClipError
from sensor.exchange import STALL_S
from sensor.link import identify, stream
from sensor.samples import SampleBlock
from sensor.virtual.firmware import Firmware
from sensor.virtual.motion import UPRIGHT, ScriptedPerson
from tests import virtual_time
from tests.sensor.conformance import CASES
from tests.sensor.worlds import (
    BOUND,
    CONNECTING,
    HAS_BUMBLE,
    MAC,
    OTHER_MAC,
    SEARCHING,
    STREAMING,
    WAITING,
    Listener,
    listening,
    numbered_firmware,
    others,
    radio,
)

if HAS_BUMBLE:
    from bumble.core import AdvertisingData

    from sensor.virtual.radio import CONNECTION_EVENT_S, virtual_device
    from sensor.virtual.world import virtual_world

pytestmark = radio

# ---- drops --------------------------------------------------------------------------------------------------------


def test_a_short_fade_is_a_delay_and_no_gap() -> None:
    """Out of range for less than the supervision timeout: a burst afterwards, nothing lost, nothing to tell."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60)) as world:
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(10)
                world.clip.vanish(0.5)
                await asyncio.sleep(10)

            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
            listener.assert_whole()
            arrivals_s = [at_s for at_s, reading in listener.heard if isinstance(reading, SampleBlock)]
            assert max(b - a for a, b in pairwise(arrivals_s)) > 0.45
            assert np.diff(listener.time_ns()).max() < 1.5e9 / 50

    virtual_time.run(main())


def test_a_clip_that_vanishes_is_told_and_recovered() -> None:
    """The loss is told once, the absence once, the return once; samples go on where the clip then is."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(600)) as world:
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(10)
                world.clip.vanish(300)
                await asyncio.sleep(310)
                back_s = asyncio.get_running_loop().time() - 10
                await asyncio.sleep(20)

            assert listener.states[2:] == [STREAMING, WAITING, WAITING, STREAMING]
            lost, absent, again = listener.changes[3:]
            assert lost[0] == pytest.approx(10.72, abs=0.1)
            assert "not found" in absent[1].reason
            assert all(word in absent[1].reason for word in ("phone", "nearer", "charge"))
            assert back_s < again[0] < back_s + 15 + 3
            rows = listener.rows()
            assert rows == sorted(set(rows))
            assert (np.diff(listener.time_ns()) > 0).all()
            gap = int(np.argmax(np.diff(rows)))
            missed_s = (listener.time_ns()[gap + 1] - listener.time_ns()[gap]) / 1e9
            assert missed_s == pytest.approx((rows[gap + 1] - rows[gap]) / 50, abs=0.2)

    virtual_time.run(main())


def test_a_goodbye_is_recovered_at_once() -> None:
    """A clip that ends the link itself is connected to again within a second or two."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60)) as world:
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(5)
                await world.clip.say_goodbye()
                await asyncio.sleep(5)

            assert listener.states[2:] == [STREAMING, WAITING, STREAMING]
            (gone_s, _), (back_s, _) = listener.changes[3:]
            assert back_s - gone_s < 2

    virtual_time.run(main())


def test_silence_counts_as_a_drop() -> None:
    """A clip that stays connected and sends nothing is dropped after two seconds, and streams again after."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60)) as world:
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(5)
                world.clip.fall_silent()
                await asyncio.sleep(STALL_S - 0.1)
                assert listener.states[-1] is STREAMING
                await asyncio.sleep(0.2)
                assert listener.states[-1] is WAITING
                await asyncio.sleep(0.1)
                assert not world.clip.connected
                world.clip.speak_again()
                await asyncio.sleep(5)

            assert listener.states[2:] == [STREAMING, WAITING, STREAMING]

    virtual_time.run(main())


def test_thirty_drops_leave_nothing_behind() -> None:
    """After thirty losses of every kind there are no more tasks than after one, and no sample came twice."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(600)) as world:
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(5)
                before = others()
                for drop in range(30):
                    if drop % 3 == 0:
                        await world.clip.say_goodbye()
                    elif drop % 3 == 1:
                        world.clip.vanish(1.5)
                    else:
                        world.clip.fall_silent()
                        await asyncio.sleep(STALL_S + 0.2)
                        world.clip.speak_again()
                    await asyncio.sleep(8)
                assert others() == before
                assert listener.states.count(STREAMING) == 31

            rows = listener.rows()
            assert rows == sorted(set(rows))
            assert (np.diff(listener.time_ns()) > 0).all()

    virtual_time.run(main())


def test_nothing_is_left_of_a_world() -> None:
    """After the stream and the world are closed there is no task and no timer."""

    async def main() -> None:
        async with virtual_world(Firmware(ScriptedPerson([(UPRIGHT, 60.0)]))) as world:
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(5)
            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
        assert others() == set()
        await asyncio.Event().wait()

    with pytest.raises(virtual_time.DeadlockError):
        virtual_time.run(main(), limit_s=None)


def test_a_world_that_closes_as_the_clip_hears_of_the_end_leaves_nothing() -> None:
    """Closed in any turn of the loop around that moment: no task is left, and no command is answered to nobody."""
    faults: list[dict[str, object]] = []

    async def main(turns: int) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        async with virtual_world(firmware=numbered_firmware(60)) as world:
            async with listening(world.bluetooth):
                await asyncio.sleep(3)
            await asyncio.sleep(CONNECTION_EVENT_S)
            for _ in range(turns):
                await asyncio.sleep(0)
        assert others() == set()

    for turns in range(12):
        virtual_time.run(main(turns))
    assert faults == []


@pytest.mark.parametrize("hold_s", [0.0, 5.0])
def test_cancelled_at_any_moment_it_leaves_a_free_clip(hold_s: float) -> None:
    """Cancelled while searching, connecting, streaming or waiting: no task is left, and the clip can be had again."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(6000)) as world:
            for step in range(60):
                if hold_s:
                    world.clip.vanish(hold_s)
                    await asyncio.sleep(1)
                async with listening(world.bluetooth):
                    await asyncio.sleep(hold_s + step * 0.021)
                assert others() <= {f"stream of {MAC}"}
                await asyncio.sleep(1.5)
                assert others() == set()
                assert not world.clip.connected
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(3)
            assert listener.states == [SEARCHING, CONNECTING, STREAMING]

    virtual_time.run(main())


def test_a_clip_that_vanishes_while_connecting_is_tried_again() -> None:
    """Wherever in connecting and discovery the link is lost, the next attempt succeeds."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(6000)) as world:
            for step in range(25):
                async with listening(world.bluetooth) as listener:
                    await asyncio.sleep(step * 0.03)
                    world.clip.vanish(2.0)
                    await asyncio.sleep(25)
                    assert listener.states[-1] is STREAMING
                await asyncio.sleep(1)

    virtual_time.run(main())


def test_a_clip_that_is_gone_before_it_answers_is_unreachable() -> None:
    """Heard, then out of range: connecting gives up in time, says so, and leaves the adapter free for the next try."""

    async def main() -> None:
        listener = Listener()
        async with (
            virtual_world(firmware=numbered_firmware(600)) as world,
            aclosing(stream(world.bluetooth, BOUND, utc=virtual_time.utc_ns)) as readings,
        ):
            async for reading in readings:
                listener.heard.append((asyncio.get_running_loop().time(), reading))
                if listener.states[-1] is CONNECTING:
                    world.clip.vanish(60)
                if listener.blocks:
                    break

        assert listener.states == [SEARCHING, CONNECTING, WAITING, WAITING, STREAMING]
        _, (connecting_s, _), (unreachable_s, unreachable), (_, absent), _ = listener.changes
        assert unreachable_s - connecting_s == pytest.approx(CONNECT_S, abs=0.1)
        assert "could not be reached" in unreachable.reason
        assert "not found" in absent.reason

    virtual_time.run(main())


def test_one_clip_away_does_not_keep_another_down() -> None:
    """Two clips on one adapter: while one is searched for in vain, the other drops and comes back."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(600)) as world:
            head = await world.add_clip(numbered_firmware(600, mac=OTHER_MAC))
            bound_head = replace(BOUND, address=OTHER_MAC, serial=OTHER_MAC)
            async with listening(world.bluetooth) as back, listening(world.bluetooth, bound_head) as on_head:
                await asyncio.sleep(10)
                head.vanish()
                await asyncio.sleep(60)
                await world.clip.say_goodbye()
                await asyncio.sleep(20)

            assert on_head.states == [SEARCHING, CONNECTING, STREAMING, WAITING, WAITING]
            assert back.states == [SEARCHING, CONNECTING, STREAMING, WAITING, STREAMING]
            (gone_s, _), (back_s, _) = back.changes[-2:]
            assert back_s - gone_s < 10
            rows = back.rows()
            assert rows == sorted(set(rows))

    virtual_time.run(main())


# ---- wrong, busy, damaged -----------------------------------------------------------------------------------------


def test_a_foreign_clip_at_the_bound_address_is_refused() -> None:
    """A clip that tells another serial number ends the stream; not one of its samples or bytes gets through."""

    async def main() -> None:
        foreign = numbered_firmware(60, mac=OTHER_MAC)
        raw: list[bytes] = []
        async with virtual_world(firmware=foreign, address=MAC) as world:
            with pytest.raises(WrongClipError) as caught:
                async with listening(
                    world.bluetooth, on_notification=lambda _char, data, _: raw.append(data)
                ) as listener:
                    await asyncio.sleep(10)

            assert OTHER_MAC in str(caught.value)
            assert caught.value.way_out
            assert world.clip.sent > 0
            assert listener.blocks == []
            assert raw == []
            assert listener.states == [SEARCHING, CONNECTING, WAITING]
            assert OTHER_MAC in listener.reason
            await asyncio.sleep(1)
            assert not world.clip.connected

    virtual_time.run(main())


def test_a_foreign_clip_of_the_same_name_is_left_alone() -> None:
    """While the wearer's clip is away, another of its name nearby is named, but not touched."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60)) as world:
            stranger = await world.add_clip(numbered_firmware(60, mac=OTHER_MAC))
            world.clip.vanish(30)
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(20)
                assert OTHER_MAC in listener.reason
                await asyncio.sleep(40)

            assert listener.states == [SEARCHING, WAITING, STREAMING]
            assert stranger.firmware.commands == []

    virtual_time.run(main())


def test_a_clip_that_a_phone_holds_is_waited_for() -> None:
    """A clip connected to somebody's phone does not advertise: that is said, and when it is freed it streams."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(100)) as world:
            phone = await world.seize(world.clip)
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(20)
                assert "phone" in listener.reason
                await phone.disconnect()
                await asyncio.sleep(20)

            assert listener.states == [SEARCHING, WAITING, STREAMING]

    virtual_time.run(main())


def test_a_clip_that_never_tells_who_it_is_is_not_believed() -> None:
    """Bound by a serial number, a clip that tells none is not listened to, however well it streams."""

    async def main() -> None:
        firmware = numbered_firmware(100)
        firmware.answers = False
        async with virtual_world(firmware=firmware) as world:
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(30)

            assert world.clip.sent > 100
            assert listener.blocks == []
            assert "serial" in listener.reason
            with pytest.raises(ClipUnprovenError):
                await identify(world.bluetooth, BOUND, utc=virtual_time.utc_ns)

    virtual_time.run(main())


def test_what_arrives_while_a_request_fails_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip that streams on and never acknowledges a question is lost in the end; until then every sample counts."""
    write = Connection.write
    hangs = False

    async def written(connection: Connection, prefix: str, data: bytes) -> None:
        if hangs:
            await asyncio.sleep(WRITE_S)
            raise ClipLostError(BOUND.name, "it did not answer")
        await write(connection, prefix, data)

    monkeypatch.setattr(Connection, "write", written)

    async def main() -> None:
        nonlocal hangs
        async with virtual_world(firmware=numbered_firmware(120)) as world:
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(30)
                hangs = True
                await asyncio.sleep(38)
                assert listener.states == [SEARCHING, CONNECTING, STREAMING, WAITING]
                lost_s, _ = listener.changes[-1]

            newest_s = (
                listener.time_ns()[-1] - virtual_time.utc_ns()
            ) / 1e9 + asyncio.get_running_loop().time()
            assert newest_s == pytest.approx(lost_s, abs=0.2)
            listener.assert_whole()

    virtual_time.run(main())


def test_a_clip_whose_serial_number_cannot_be_read_is_waited_for() -> None:
    """Firmware without the number proves nothing, and is no other clip's: the stream goes on as soon as it tells."""
    (case,) = (case for case in CASES if case.name == "polar_h10")

    async def main() -> None:
        unit = case.unit()
        serial, unit.serial = unit.serial, ""
        async with virtual_world(unit) as world:
            binding = case.binding(world.clip.address, "mine", serial=serial)
            async with listening(world.bluetooth, binding) as listener:
                await asyncio.sleep(20)
                assert listener.blocks == []
                assert listener.changes[-1][1].word == "clip_unproven"
                unit.serial = serial
                await asyncio.sleep(20)
                assert listener.states[-1] is STREAMING

    virtual_time.run(main())


def test_a_device_that_is_no_clip_at_the_bound_address_is_refused() -> None:
    """Something else that answers there, whatever its name, is told by what it lacks, and let go."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60, mac=OTHER_MAC)) as world:
            _, impostor = await virtual_device(world.radio, BOUND.name, MAC)
            name = bytes(AdvertisingData([(AdvertisingData.Type.COMPLETE_LOCAL_NAME, BOUND.name.encode())]))
            await impostor.start_advertising(advertising_data=name, auto_restart=True)
            with pytest.raises(WrongClipError) as caught:
                async with listening(world.bluetooth) as listener:
                    await asyncio.sleep(10)
            await asyncio.sleep(1)

            assert "no characteristic" in str(caught.value)
            assert "neckline pair" in caught.value.way_out
            assert listener.states == [SEARCHING, CONNECTING, WAITING]
            assert not impostor.connections
            await impostor.stop_advertising()

    virtual_time.run(main())


def test_damaged_notifications_are_corrupt_samples_and_the_rest_goes_on() -> None:
    """Frames whose header is damaged come as rows of NaN in their place; nothing else is touched or lost."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60)) as world:
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(10)
                world.clip.corrupt(3)
                await asyncio.sleep(10)

            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
            acc_counts = listener.acc_counts()
            corrupt = np.flatnonzero(np.isnan(acc_counts).any(axis=1))
            assert len(corrupt) == 3 * 2
            rows = acc_counts[:, 2] * 500 + acc_counts[:, 0]
            whole = np.delete(np.arange(len(rows)), corrupt)
            assert (rows[whole] == whole).all()
            assert np.diff(listener.time_ns()).max() < 1.5e9 / 50

    virtual_time.run(main())


def test_notifications_lost_inside_the_clip_do_not_stop_it() -> None:
    """What the clip never sent is missing, everything else arrives as it was."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60)) as world:
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(10)
                world.clip.lose(10)
                await asyncio.sleep(10)

            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
            rows = listener.rows()
            steps = np.diff(rows)
            assert steps.max() == 1 + 10 * 2
            assert (np.delete(steps, np.argmax(steps)) == 1).all()
            gaps = np.rint(np.diff(listener.time_ns()) / 1e9 * 50).astype(int) - 1
            assert gaps.sum() == pytest.approx(20, abs=2)

    virtual_time.run(main())


def test_what_a_full_clip_throws_away_is_a_gap_of_that_length() -> None:
    """A clip that has room for three notifications loses the rest in a fade; the grid shows how many samples."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60, 100.0)) as world:
            world.clip.room = 3
            async with listening(world.bluetooth, replace(BOUND, rate_hz=100.0)) as listener:
                await asyncio.sleep(20)
                world.clip.vanish(0.5)
                await asyncio.sleep(20)

            rows = listener.rows()
            lost = rows[-1] - rows[0] + 1 - len(rows)
            assert lost == 4 * world.clip.lost_for_room > 0
            grid = np.rint(np.diff(listener.time_ns()) / 1e9 * 100).astype(int)
            assert int((grid - 1).sum()) == pytest.approx(lost, abs=3)

    virtual_time.run(main())
