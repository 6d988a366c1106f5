"""The link to a clip on the virtual radio: bleak's client, a GATT stack on both sides, faults; all in virtual time."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sensor.arrivals import Arrivals
from sensor.errors import ClipNotFoundError, ClipUnreachableError, WrongClipError
from sensor.link import (
    MOVES,
    Life,
    bind,
    identify,
    retry_delay_s,
    scan,
)
from sensor.samples import LinkState
from sensor.virtual.firmware import BATTERY, NOMINAL_RATES_HZ, RATE, Firmware
from sensor.virtual.motion import LOST, RecordedMotion
from tests import virtual_time
from tests.sensor.worlds import (
    BOUND,
    CODES,
    CONNECTING,
    HAS_BUMBLE,
    MAC,
    OTHER_MAC,
    SEARCHING,
    STREAMING,
    WAITING,
    listening,
    numbered_firmware,
    radio,
)

if HAS_BUMBLE:
    from sensor.virtual.world import virtual_world

pytestmark = radio

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


def test_what_was_seen_and_told_is_a_binding() -> None:
    """A sighting and the clip's own report bind it; the binding streams, and one that cannot be is refused at once."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(60)) as world:
            (sighting,) = await scan(world.bluetooth, 1.0)
            binding = bind(sighting, await identify(world.bluetooth, sighting, utc=virtual_time.utc_ns))
            assert binding == BOUND
            async with listening(world.bluetooth, binding) as listener:
                await asyncio.sleep(3)
            assert listener.states == [SEARCHING, CONNECTING, STREAMING]

    virtual_time.run(main())
    with pytest.raises(ValueError, match="10, 20, 50, 100, 200 Hz, not at 60"):
        replace(BOUND, rate_hz=60.0)
    with pytest.raises(ValueError, match="'fitbit' is no family of clips; known: witmotion"):
        replace(BOUND, family="fitbit")


# ---- streaming ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [10.0, 20.0, 50.0, 100.0, 200.0])
def test_every_sample_arrives_once_in_order(rate_hz: float) -> None:
    """Row for row, from the first one on, what the clip measured comes out at each rate and bundle size."""

    async def main() -> None:
        async with virtual_world(firmware=numbered_firmware(30, rate_hz)) as world:
            async with listening(world.bluetooth, replace(BOUND, rate_hz=rate_hz)) as listener:
                await asyncio.sleep(12)

            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
            listener.assert_whole()
            rows = listener.rows()
            assert rows[0] == 0
            assert len(rows) >= 10 * rate_hz
            steps_s = np.diff(listener.time_ns()) / 1e9
            assert steps_s[len(steps_s) // 2 :] == pytest.approx(1 / rate_hz, rel=0.1)
            assert all(block.rate_hz == pytest.approx(rate_hz, rel=0.02) for block in listener.blocks)

    virtual_time.run(main())


@pytest.mark.recordings
@pytest.mark.parametrize("start", [134_500, 313_000, 574_500])
def test_a_recorded_person_comes_through_unchanged(recordings: Path, start: int) -> None:
    """Raw counts of a real sitting, played by the clip, arrive bit for bit; rows lost on the air are missing again."""
    with np.load(recordings / "sitting_postures.npz") as people:
        acc, gyr = (people[f"t4_{part}"][start : start + 3000] for part in ("acc", "gyr"))
    lost = (acc == LOST).any(axis=1)
    motion = RecordedMotion(acc, gyr, 50.0)
    firmware = Firmware(motion, rates_hz=NOMINAL_RATES_HZ, flash={RATE: CODES[50.0]})

    async def main() -> None:
        async with virtual_world(firmware=firmware) as world:
            async with listening(world.bluetooth) as listener:
                await world.clip.played_out.wait()
                await asyncio.sleep(1)

            assert lost.any()
            assert np.array_equal(listener.acc_counts(), acc[~lost])
            # the first sample is the recording's first, so the grid tells where rows are lacking
            at_s = (listener.time_ns() - listener.time_ns()[0]) / 1e9
            assert at_s == pytest.approx(np.flatnonzero(~lost) / 50.0, abs=0.1)

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


# ---- the parts ----------------------------------------------------------------------------------------------------


def test_pauses_double_to_their_limit() -> None:
    """The pause is 0.3 s at first, doubles with each failure in a row, and never exceeds 3 s."""
    assert [retry_delay_s(failures) for failures in range(8)] == pytest.approx(
        [0.3, 0.6, 1.2, 2.4, 3, 3, 3, 3]
    )
    assert retry_delay_s(10_000) == 3


@pytest.mark.parametrize("start", MOVES)
@pytest.mark.parametrize("to", LinkState)
def test_the_link_moves_by_its_table(start: LinkState, to: LinkState) -> None:
    """What the table allows is done, what it does not is an error."""
    life = Life()
    life.state = start
    if to in MOVES[start]:
        life.move(to, 0)
        assert life.state is to
    else:
        with pytest.raises(RuntimeError, match="cannot go"):
            life.move(to, 0)
        assert life.state is start


def test_only_news_is_told() -> None:
    """The first failure and every new kind of it are told, repeats are not; a recovery starts afresh."""
    life = Life()
    away = ClipNotFoundError("mine", MAC)
    away_too = ClipNotFoundError("mine", MAC, [OTHER_MAC])
    mute = ClipUnreachableError("mine", "no answer")
    told = []
    for state, error in [
        (SEARCHING, None),
        (WAITING, away),
        (SEARCHING, None),
        (WAITING, away_too),
        (SEARCHING, None),
        (CONNECTING, None),
        (WAITING, mute),
        (SEARCHING, None),
        (CONNECTING, None),
        (STREAMING, None),
        (WAITING, away),
    ]:
        told += [(change.state, change.reason) for change in life.move(state, 0, error)]

    assert [(state, reason.partition(":")[0] if reason else "") for state, reason in told] == [
        (SEARCHING, ""),
        (WAITING, str(away).partition(":")[0]),
        (WAITING, str(mute)),
        (STREAMING, ""),
        (WAITING, str(away).partition(":")[0]),
    ]
    assert all(change[1].endswith(away.way_out) for change in (told[1], told[4]))


def test_a_full_queue_loses_the_oldest_and_counts() -> None:
    """Arrivals hold a bounded number of notifications; more push out the oldest, and the count says how many."""

    async def main() -> None:
        arrivals = Arrivals(room=3)
        for number in range(5):
            arrivals.put("ffe4", bytes([number]))
        arrivals.drop()

        got = [await arrivals.get(1.0) for _ in range(4)]

        assert [item[2] if item else None for item in got] == [b"\x02", b"\x03", b"\x04", None]
        assert arrivals.overflowed == 2
        assert arrivals.ended

    virtual_time.run(main())
