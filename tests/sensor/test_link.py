"""The link to a clip on the virtual radio: bleak's client, a GATT stack on both sides, faults; all in virtual time."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sensor.errors import ClipNotFoundError, WrongClipError
from sensor.link import (
    MOVES,
    STALL_S,
    Arrivals,
    Life,
    identify,
    retry_delay_s,
    scan,
    stream,
)
from sensor.samples import STANDARD_GRAVITY_MPS2, LinkState, SampleBlock
from sensor.virtual.firmware import BATTERY, RATE
from sensor.virtual.motion import COUNTS_PER_G, UPRIGHT, ScriptedPerson
from tests import virtual_time
from tests.sensor.worlds import (
    BOUND,
    CODES,
    HAS_BUMBLE,
    MAC,
    Listener,
    listening,
    numbered_firmware,
    numbers_of,
    radio,
)

if HAS_BUMBLE:
    from sensor.virtual.world import virtual_world

pytestmark = radio

SEARCHING, CONNECTING, STREAMING, WAITING = (
    LinkState.SEARCHING,
    LinkState.CONNECTING,
    LinkState.STREAMING,
    LinkState.WAITING,
)
OTHER_MAC = "D7:11:22:33:44:55"


def rows_heard(listener: Listener) -> list[int]:
    """Return the numbers of the rows that arrived, after checking that they kept their values."""
    return [int(number) for number in numbers_of(listener.counts())]


def assert_whole(listener: Listener) -> None:
    """Check that every row from the first to the last arrived once, in order, at times that only go forward."""
    rows = rows_heard(listener)
    assert rows == list(range(rows[0], rows[0] + len(rows)))
    assert (np.diff(listener.time_ns()) > 0).all()


def others() -> set[str]:
    """Return the names of all tasks but this one."""
    return {task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()}


# ---- scanning and identity ----------------------------------------------------------------------------------------


def test_scan_tells_clips_from_the_rest() -> None:
    """A clip is known by its service or its name; other devices, and the vibration sensors of the maker, are not clips."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60)) as world:
            await world.add_clip(
                numbered_firmware(60, mac=OTHER_MAC), name="WT901BLE68", advertises_service=False
            )
            await world.add_clip(numbered_firmware(60, mac="D7:11:22:33:44:66"), name="MyClip")
            await world.add_clip(
                numbered_firmware(60, mac="D7:11:22:33:44:77"), name="WTVB01", advertises_service=False
            )
            await world.add_clip(
                numbered_firmware(60, mac="D7:11:22:33:44:88"), name="Mouse", advertises_service=False
            )
            sightings = await scan(world.bluetooth, 2.0)

        found = {
            (each.advertisement.address, each.advertisement.name, each.family.name) for each in sightings
        }
        assert found == {
            (MAC, "WT901BLE", "witmotion"),
            (OTHER_MAC, "WT901BLE68", "witmotion"),
            ("D7:11:22:33:44:66", "MyClip", "witmotion"),
        }

    virtual_time.run(main())


def test_identify_asks_the_clip_itself() -> None:
    """A sighted clip tells its serial number, firmware and battery over the air, and is free again afterwards."""

    async def main() -> None:
        firmware = numbered_firmware(60)
        firmware.battery_v = 3.87
        async with virtual_world(firmware=firmware) as world:
            (sighting,) = await scan(world.bluetooth, 1.0)
            report = await identify(world.bluetooth, sighting, utc=virtual_time.utc_ns)
            await asyncio.sleep(0.1)

            assert (report.identity.serial, report.identity.firmware) == (MAC, "10080.1.22")
            assert report.battery is not None
            assert report.battery.volts == pytest.approx(3.87, abs=0.011)
            assert not world.clip.connected
            assert [each.advertisement.address for each in await scan(world.bluetooth, 1.0)] == [MAC]

    virtual_time.run(main())


def test_identify_refuses_another_clip() -> None:
    """A bound clip that tells another serial number is a wrong clip; one that is not there is not found."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60)) as world:
            with pytest.raises(WrongClipError):
                await identify(world.bluetooth, replace(BOUND, serial=OTHER_MAC), utc=virtual_time.utc_ns)
            with pytest.raises(ClipNotFoundError) as caught:
                await identify(world.bluetooth, replace(BOUND, address=OTHER_MAC), utc=virtual_time.utc_ns)
            assert caught.value.way_out

    virtual_time.run(main())


# ---- streaming ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [10.0, 20.0, 50.0, 100.0, 200.0])
def test_every_sample_arrives_once_in_order(rate_hz: float) -> None:
    """Row for row, from the first one on, what the clip measured comes out at each rate and bundle size."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(30, rate_hz)) as world:
            async with listening(world.bluetooth, replace(BOUND, rate_hz=rate_hz)) as listener:
                await asyncio.sleep(12)

            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
            assert_whole(listener)
            rows = rows_heard(listener)
            assert rows[0] == 0
            assert len(rows) >= 10 * rate_hz
            steps_s = np.diff(listener.time_ns()) / 1e9
            assert steps_s[len(steps_s) // 2 :] == pytest.approx(1 / rate_hz, rel=0.1)
            assert all(block.rate_hz == pytest.approx(rate_hz, rel=0.02) for block in listener.blocks)

    virtual_time.run(main())


def test_the_rate_is_set_on_every_connect() -> None:
    """A clip that somebody set to another rate, or that forgot it, streams at the wearer's rate again."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(100)) as world:
            async with listening(world.bluetooth) as listener:
                for _ in range(3):
                    await asyncio.sleep(5)
                    world.clip.firmware.registers[RATE] = CODES[10.0]
                    await world.clip.say_goodbye()
                await asyncio.sleep(5)

            assert listener.states[3:] == [WAITING, STREAMING] * 3
            assert world.clip.firmware.commands.count(bytes.fromhex("ffaa030800")) == 4
            assert world.clip.firmware.registers[RATE] == CODES[50.0]
            last_s = listener.time_ns()[-100:] / 1e9
            assert (last_s[-1] - last_s[0]) / 99 == pytest.approx(1 / 50, rel=0.02)

    virtual_time.run(main())


def test_the_battery_is_asked_for_once_a_minute() -> None:
    """Battery readings come soon after connecting and then about every minute, with the volts of the clip."""

    async def main() -> None:
        firmware = numbered_firmware(400)
        firmware.battery_h = 0.5
        async with virtual_world(firmware=firmware) as world:
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(200)

            batteries = listener.batteries
            assert 3 <= len(batteries) <= 5
            volts = [battery.volts or 0.0 for battery in batteries]
            assert volts == sorted(volts, reverse=True)
            assert (
                volts[0]
                > volts[-1]
                == pytest.approx(firmware.volts(batteries[-1].time_ns / 1e9 % 1000), abs=0.3)
            )
            asked = [command for command in firmware.commands if command[2] == 0x27 and command[3] == BATTERY]
            assert len(asked) == len(batteries)

    virtual_time.run(main())


def test_the_right_one_of_several_clips_is_chosen() -> None:
    """Among clips of one name the bound address decides; the others are not even connected to."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60, mac="D7:00:00:00:00:01")) as world:
            mine = await world.add_clip(numbered_firmware(60))
            await world.add_clip(numbered_firmware(60, mac="D7:00:00:00:00:02"))
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(5)

            assert mine.sent > 0
            assert len(listener.blocks) > 0
            assert [clip.firmware.commands for clip in world.clips if clip is not mine] == [[], []]

    virtual_time.run(main())


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
            assert_whole(listener)
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
            rows = rows_heard(listener)
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

            rows = rows_heard(listener)
            assert rows == sorted(set(rows))
            assert (np.diff(listener.time_ns()) > 0).all()

    virtual_time.run(main())


def test_nothing_is_left_of_a_world() -> None:
    """After the stream and the world are closed there is no task and no timer."""

    async def main() -> None:
        async with virtual_world(ScriptedPerson([(UPRIGHT, 60.0)])) as world:
            async with listening(world.bluetooth) as listener:
                await asyncio.sleep(5)
            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
        assert others() == set()
        await asyncio.Event().wait()

    with pytest.raises(virtual_time.DeadlockError):
        virtual_time.run(main(), limit_s=None)


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
            for step in range(40):
                async with listening(world.bluetooth) as listener:
                    await asyncio.sleep(step * 0.02)
                    world.clip.vanish(2.0)
                    await asyncio.sleep(25)
                    assert listener.states[-1] is STREAMING
                await asyncio.sleep(1)

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
                    world.bluetooth, on_notification=lambda data, _: raw.append(data)
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
            acc = np.concatenate([block.acc_mps2 for block in listener.blocks])
            corrupt = np.flatnonzero(np.isnan(acc).any(axis=1))
            assert len(corrupt) == 3 * 2
            counts = np.rint(np.nan_to_num(acc[:, [0, 2]]) / STANDARD_GRAVITY_MPS2 * COUNTS_PER_G).astype(int)
            rows = counts[:, 1] * 500 + counts[:, 0]
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
            rows = rows_heard(listener)
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

            rows = rows_heard(listener)
            lost = rows[-1] - rows[0] + 1 - len(rows)
            assert lost == 4 * world.clip.lost_for_room > 0
            grid = np.rint(np.diff(listener.time_ns()) / 1e9 * 100).astype(int)
            assert int((grid - 1).sum()) == pytest.approx(lost, abs=3)

    virtual_time.run(main())


# ---- clocks -------------------------------------------------------------------------------------------------------


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
    """UTC may step back between two connections; sample times only go forward."""

    async def main() -> None:
        stepped_ns = 0

        def utc() -> int:
            return virtual_time.utc_ns() - stepped_ns

        async with virtual_world(firmware=numbered_firmware(60)) as world:
            async with listening(world.bluetooth, utc=utc) as listener:
                await asyncio.sleep(10)
                stepped_ns = 3600 * 10**9
                await world.clip.say_goodbye()
                await asyncio.sleep(10)

            assert listener.states[2:] == [STREAMING, WAITING, STREAMING]
            assert (np.diff(listener.time_ns()) > 0).all()
            told_ns = [change.time_ns for _, change in listener.changes]
            assert told_ns == sorted(told_ns)

    virtual_time.run(main())


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
        assert_whole(listener)

    virtual_time.run(main())


# ---- the parts ----------------------------------------------------------------------------------------------------


def test_pauses_double_to_their_limit() -> None:
    """The pause is 0.3 s at first, doubles with each failure in a row, and never exceeds 15 s."""
    assert [retry_delay_s(failures) for failures in range(8)] == pytest.approx(
        [0.3, 0.6, 1.2, 2.4, 4.8, 9.6, 15, 15]
    )
    assert retry_delay_s(10_000) == 15


@pytest.mark.parametrize("start", MOVES)
@pytest.mark.parametrize("to", LinkState)
def test_the_link_moves_by_its_table(start: LinkState, to: LinkState) -> None:
    """What the table allows is done, what it does not is an error."""
    life = Life()
    life.state = start
    if to in MOVES[start]:
        life.move(to, 0, "reason")
        assert life.state is to
    else:
        with pytest.raises(RuntimeError, match="cannot go"):
            life.move(to, 0, "reason")
        assert life.state is start


def test_only_news_is_told() -> None:
    """The first failure and every new reason are told, repeats are not; a recovery starts afresh."""
    life = Life()
    told = []
    for state, reason in [
        (SEARCHING, ""),
        (WAITING, "not found"),
        (SEARCHING, ""),
        (WAITING, "not found"),
        (SEARCHING, ""),
        (CONNECTING, ""),
        (WAITING, "unreachable"),
        (SEARCHING, ""),
        (CONNECTING, ""),
        (STREAMING, ""),
        (WAITING, "not found"),
    ]:
        told += [(change.state, change.reason) for change in life.move(state, 0, reason)]

    assert told == [
        (SEARCHING, ""),
        (WAITING, "not found"),
        (WAITING, "unreachable"),
        (STREAMING, ""),
        (WAITING, "not found"),
    ]


def test_a_full_queue_loses_the_oldest_and_counts() -> None:
    """Arrivals hold a bounded number of notifications; more push out the oldest, and the count says how many."""

    async def main() -> None:
        arrivals = Arrivals(room=3)
        for number in range(5):
            arrivals.put(bytes([number]))
        arrivals.drop()

        got = [await arrivals.get(1.0) for _ in range(4)]

        assert [item[1] if item else None for item in got] == [b"\x02", b"\x03", b"\x04", None]
        assert arrivals.overflowed == 2
        assert arrivals.ended

    virtual_time.run(main())
