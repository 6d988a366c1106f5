"""One suite for every family of clips, on the virtual radio: scan, pair, stream, battery, sign, drop, recover."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firmware_protocol import gatt
from sensor.capture import CaptureWriter
from sensor.errors import ClipLostError, ClipRefusedError, WrongClipError
from sensor.families import FAMILIES
from sensor.link import bind, identify, scan, signal
from sensor.recording import Recording
from sensor.samples import LinkState
from sensor.session import Signal, SignalKind
from sensor.signals import Signals
from tests import virtual_time
from tests.sensor.conformance import CASES, Case, damaged, grid, rows_of
from tests.sensor.worlds import (
    CONNECTING,
    HAS_BUMBLE,
    SEARCHING,
    STREAMING,
    WAITING,
    Listener,
    listening,
    radio,
)

if HAS_BUMBLE:
    from sensor.virtual.world import virtual_world

pytestmark = [*radio, pytest.mark.parametrize("case", CASES, ids=lambda case: case.name + case.variant)]

VISIBLE = [case for case in CASES if case.family.capabilities.loss_visible]
STRETCH_S = 0.06
"""Clockless families' grids may stray so far from the truth, after a second."""


def assert_whole(listener: Listener) -> None:
    """Check that every row from the first to the last came once, in order, at times that only go forward."""
    rows = rows_of(listener)
    assert rows.tolist() == list(range(rows[0], rows[0] + len(rows)))
    assert (np.diff(listener.time_ns()) > 0).all()


# ---- scan, pair ----------------------------------------------------------------------------------------------------


def test_scan_knows_the_family_and_the_clip_says_who_it_is(case: Case) -> None:
    """A scan tells its family from its advertisement; asked, it tells serial number, firmware and battery."""

    async def main() -> None:
        async with virtual_world(case.unit()) as world:
            (sighting,) = await scan(world.bluetooth, 2.0)
            assert sighting.family is case.family
            report = await identify(world.bluetooth, sighting, utc=virtual_time.utc_ns)
            assert (report.identity.serial, report.identity.firmware) == (case.serial, case.firmware)
            assert (report.battery is not None) == case.family.capabilities.battery
            binding = bind(sighting, report)
            assert binding.rate_hz == case.family.default_rate_hz
            assert binding.serial == (case.serial or None)

    virtual_time.run(main())


def test_every_family_has_a_unit_to_be_tested_with(case: Case) -> None:
    """None of the registry is left out; its entry agrees with itself."""
    assert {each.name for each in CASES} == set(FAMILIES)
    assert case.family.default_rate_hz in case.family.rates_hz
    assert case.rate_hz in case.family.rates_hz
    case.family.open_session(case.rate_hz)


# ---- stream --------------------------------------------------------------------------------------------------------


def test_every_sample_comes_once_at_its_time(case: Case) -> None:
    """Row for row what the clip measured, in SI units, each stamped within milliseconds of when it was taken."""

    async def main() -> None:
        async with virtual_world(case.unit()) as world:
            binding = case.binding(world.clip.address, "mine")
            async with listening(world.bluetooth, binding) as listener:
                await asyncio.sleep(40)

            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
            assert_whole(listener)
            rows = rows_of(listener)
            assert len(rows) > 36 * case.rate_hz
            assert world.clip.motion_start_s is not None
            stream_hz = world.clip.firmware.stream_hz
            true_ns = virtual_time.START_NS + (world.clip.motion_start_s + rows / stream_hz) * 1e9
            late_s = (listener.time_ns() - true_ns)[len(rows) // 4 :] / 1e9
            assert late_s.min() > -0.005
            assert late_s.max() < (0.05 if case.family.capabilities.device_clock else 0.1)
            assert (listener.blocks[0].gyr_radps is not None) == case.family.capabilities.gyroscope

    virtual_time.run(main())


def test_the_rate_is_set_whatever_it_was(case: Case) -> None:
    """A clip that somebody else set to another rate streams at the wearer's."""

    async def main() -> None:
        unit = case.unit()
        async with virtual_world(unit) as world:
            other = case.binding(world.clip.address, "mine", rate_hz=case.other_hz)
            async with listening(world.bluetooth, other) as listener:
                await asyncio.sleep(6)
            slow = len(listener.time_ns())
            async with listening(world.bluetooth, case.binding(world.clip.address, "mine")) as listener:
                await asyncio.sleep(8)

            assert 0 < slow < 6.5 * case.other_hz
            steps_s = np.diff(listener.time_ns()[-100:]) / 1e9
            assert np.median(steps_s) == pytest.approx(1 / case.rate_hz, rel=0.02)

    virtual_time.run(main())


def test_the_battery_is_told_even_when_it_is_empty(case: Case) -> None:
    """It comes soon after connecting and about once a minute; 0 % is a charge like any other."""

    async def main() -> None:
        unit = case.unit(200)
        if hasattr(unit, "battery_percent"):
            unit.battery_percent = 0
        else:
            unit.battery_v = 3.35
        async with virtual_world(unit) as world:
            async with listening(world.bluetooth, case.binding(world.clip.address, "mine")) as listener:
                await asyncio.sleep(130)

            percents = [battery.percent for battery in listener.batteries]
            assert set(percents) == ({0.0} if case.family.capabilities.battery else set())
            assert len(percents) >= 2 or not case.family.capabilities.battery

    virtual_time.run(main())


def test_a_sign_reaches_the_wearer(case: Case) -> None:
    """Every kind that the family can give is given, by a link made for it alone; others are refused before."""

    async def main() -> None:
        unit = case.unit()
        async with virtual_world(unit) as world:
            binding = case.binding(world.clip.address, "mine")
            for kind in case.family.capabilities.signals:
                before = len(unit.signals)
                await signal(world.bluetooth, binding, Signal(kind), utc=virtual_time.utc_ns)
                assert len(unit.signals) > before
            for kind in set(SignalKind) - set(case.family.capabilities.signals):
                with pytest.raises(ValueError, match=f"cannot give a sign by {kind}"):
                    await signal(world.bluetooth, binding, Signal(kind), utc=virtual_time.utc_ns)

    virtual_time.run(main())


def test_a_sign_while_it_streams(case: Case) -> None:
    """The stream gives it and goes on; asked for while the clip is away it fails at once."""

    async def main() -> None:
        unit = case.unit()
        async with virtual_world(unit) as world:
            signals = Signals("mine", case.family)
            binding = case.binding(world.clip.address, "mine")
            async with listening(world.bluetooth, binding, signals=signals) as listener:
                await asyncio.sleep(5)
                for kind in case.family.capabilities.signals:
                    await signals.give(Signal(kind, 300))
                    assert unit.signals
                world.clip.vanish(5)
                await asyncio.sleep(3)
                for kind in case.family.capabilities.signals:
                    with pytest.raises(ClipLostError):
                        await signals.give(Signal(kind))
                await asyncio.sleep(6)
            assert listener.states == [SEARCHING, CONNECTING, STREAMING, WAITING, STREAMING]

    virtual_time.run(main())


def test_a_recording_of_it_is_the_day_again(case: Case, tmp_path: Path) -> None:
    """What came over the air, written down and read again, gives the very samples and battery that came live."""

    async def main() -> tuple[Listener, Path]:
        path = tmp_path / "day.jsonl"
        async with virtual_world(case.unit(120)) as world:
            with CaptureWriter(path, family=case.name, rate_hz=case.rate_hz) as capture:
                binding = case.binding(world.clip.address, "mine")
                async with listening(world.bluetooth, binding, on_notification=capture.take) as listener:
                    await asyncio.sleep(10)
                    world.clip.vanish(2.0)
                    await asyncio.sleep(8)
        return listener, path

    live, path = virtual_time.run(main())
    again = Listener([(0.0, reading) for reading in Recording.open(path).readings()])
    assert np.array_equal(again.time_ns(), live.time_ns())
    for part in ("acc_mps2", "gyr_radps"):
        if getattr(live.blocks[0], part) is not None:
            played, came = (
                np.concatenate([getattr(block, part) for block in each.blocks]) for each in (again, live)
            )
            assert np.array_equal(played, came, equal_nan=True)
    assert again.batteries == live.batteries


# ---- what goes wrong -----------------------------------------------------------------------------------------------


def test_it_comes_back_after_every_kind_of_drop(case: Case) -> None:
    """Out of range, switched off in order, hung, crashed: each ends in samples again, without a repeated one."""

    async def main() -> None:
        async with virtual_world(case.unit(200)) as world:
            clip = world.clip
            async with listening(world.bluetooth, case.binding(clip.address, "mine")) as listener:
                await asyncio.sleep(5)
                clip.vanish(3.0)
                await asyncio.sleep(10)
                await clip.say_goodbye()
                await asyncio.sleep(8)
                clip.fall_silent()
                await asyncio.sleep(4)
                clip.speak_again()
                await asyncio.sleep(8)
                await clip.reboot()
                await asyncio.sleep(12)
                before = len(listener.time_ns())
                await asyncio.sleep(2)

            assert len(listener.time_ns()) - before > 1.9 * case.rate_hz - clip.firmware.bundle
            assert [state for state in listener.states if state is STREAMING] == [STREAMING] * 5
            assert (np.diff(listener.time_ns()) > 0).all()
            rows = rows_of(listener)
            assert (np.diff(rows) > 0).all()

    virtual_time.run(main())


def test_the_balance_of_samples_through_fades(case: Case) -> None:
    """A tenth of the time out of reach, with a clip that can hold little: what came and what lacks is what there was.

    Exactly, where the family makes loss visible; within 2 % where it does not.
    """

    async def main() -> None:
        async with virtual_world(case.unit(240)) as world:
            clip = world.clip
            async with listening(world.bluetooth, case.binding(clip.address, "mine")) as listener:
                await asyncio.sleep(15)
                clip.room = case.room
                for k in range(40):
                    clip.vanish(0.25 + 0.3 * (k % 2))
                    await asyncio.sleep(4)
                clip.room = None
                await asyncio.sleep(5)

            assert clip.lost_for_room > 20
            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
            rows = rows_of(listener)
            there_were = rows[-1] - rows[0] + 1
            assert len(set(rows)) == len(rows) < 0.99 * there_were
            known = grid(listener, case.rate_hz)
            if case.family.capabilities.loss_visible:
                assert known == there_were
            else:
                assert known == pytest.approx(there_were, rel=0.02)

    virtual_time.run(main())


def test_damage_is_no_sample(case: Case) -> None:
    """Notifications that arrive damaged are missing or marked, never numbers that nobody measured."""

    async def main() -> None:
        async with virtual_world(case.unit()) as world:
            async with listening(world.bluetooth, case.binding(world.clip.address, "mine")) as listener:
                for _ in range(10):
                    await asyncio.sleep(2)
                    world.clip.corrupt(2)
                await asyncio.sleep(2)

            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
            rows = rows_of(listener)
            assert (np.diff(rows) > 0).all()
            there_were = rows[-1] - rows[0] + 1
            known = grid(listener, case.rate_hz)
            assert len(rows) + damaged(listener) <= there_were + 1
            assert known == pytest.approx(there_were, abs=1 if case.family.capabilities.loss_visible else 30)

    virtual_time.run(main())


def test_the_right_one_of_two_with_one_name(case: Case) -> None:
    """Two clips of one name: the bound address decides, and a clip that tells another serial number is refused."""

    async def main() -> None:
        async with virtual_world(case.unit(**case.same_id), name="neck") as world:
            mine = await world.add_clip(case.unit(), name="neck")
            async with listening(world.bluetooth, case.binding(mine.address, "neck")) as listener:
                await asyncio.sleep(4)
            assert len(rows_of(listener)) > 100
            assert world.clip.sent == 0
            if case.family.capabilities.serial:
                other = case.binding(
                    world.clip.address, "neck"
                )  # the address of one, the serial number of the other
                with pytest.raises(WrongClipError):
                    async with listening(world.bluetooth, other) as listener:
                        await asyncio.sleep(8)
                assert listener.blocks == []

    virtual_time.run(main())


def test_a_clip_left_streaming_by_another_host(case: Case) -> None:
    """What was left running is set aside, and the stream is as ever, at the wearer's rate."""

    async def main() -> None:
        unit = case.unit(120)
        async with virtual_world(unit) as world:
            binding = case.binding(world.clip.address, "mine")
            other = replace(binding, rate_hz=case.other_hz)
            async with listening(world.bluetooth, other):
                await asyncio.sleep(4)
                world.clip.vanish(2.0)  # its host never says goodbye
                await asyncio.sleep(1.5)
            await asyncio.sleep(5)
            async with listening(world.bluetooth, binding) as listener:
                await asyncio.sleep(6)
            assert LinkState.STREAMING in listener.states
            assert len(listener.time_ns()) > 4 * case.rate_hz
            assert (np.diff(listener.time_ns()) > 0).all()
            assert (np.diff(rows_of(listener)) >= 0).all()

    virtual_time.run(main())


def test_nothing_odd_disturbs_a_session(case: Case) -> None:
    """Empty, oversize and meaningless packets, on any characteristic, raise nothing and make no sample."""
    session = case.family.open_session(case.rate_hz)
    here = case.family.data_characteristic
    for odd in (b"", b"\0", b"\xff" * 3, bytes(range(200)), b"\x7e" * 512):
        for characteristic in (here, "0000abcd-0000-1000-8000-00805f9b34fb"):
            for told in session.received(characteristic, odd, virtual_time.START_NS):
                assert not hasattr(told, "acc_mps2") or np.isnan(told.acc_mps2).all()


def test_what_a_later_firmware_says_is_told_once(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """Messages of kinds that nobody knows yet are left alone, and each kind is told once; the samples are as ever.

    Where there is one kind of message on what is subscribed to, there is nothing to tell.
    """

    async def main() -> None:
        unit = case.unit()
        async with virtual_world(unit) as world:
            async with listening(world.bluetooth, case.binding(world.clip.address, "mine")) as listener:
                for _ in range(5):
                    await asyncio.sleep(2)
                    if case.strange:
                        unit.strange.append(case.strange)
                await asyncio.sleep(2)
            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
            assert_whole(listener)

    with caplog.at_level("WARNING"):
        virtual_time.run(main())
    told = sum("does not know" in record.message for record in caplog.records)
    assert told == bool(case.strange)


def test_a_link_with_the_smallest_packets(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """At an MTU of 23 a family whose samples fit goes on, and one whose samples do not is told apart from silence."""
    monkeypatch.setattr("sensor.virtual.backend.PREFERRED_MTU", 23)

    async def main() -> None:
        async with virtual_world(case.unit()) as world:
            async with listening(world.bluetooth, case.binding(world.clip.address, "mine")) as listener:
                await asyncio.sleep(8)
            if STREAMING in listener.states:
                assert len(rows_of(listener)) > 100
            else:
                assert listener.changes[-1][1].word == "clip_refused"

    virtual_time.run(main())


def test_a_command_answered_with_an_error(case: Case) -> None:
    """A clip that refuses what the stream needs is told as that, and tried again; it is no crash."""

    async def main() -> None:
        unit = case.unit()
        everything = {char.uuid for chars in unit.table.values() for char in chars}
        async with virtual_world(unit) as world:
            unit.refuses |= everything
            binding = case.binding(world.clip.address, "mine")
            async with listening(world.bluetooth, binding) as listener:
                await asyncio.sleep(6)
                assert listener.changes[-1][1].word == "clip_refused"
                unit.refuses.clear()
                await asyncio.sleep(30)
                assert listener.states[-1] is STREAMING
            unit.refuses |= everything
            for kind in case.family.capabilities.signals:
                with pytest.raises(ClipRefusedError):
                    await signal(world.bluetooth, binding, Signal(kind), utc=virtual_time.utc_ns)

    virtual_time.run(main())


def test_an_earlier_firmware_without_battery_and_information(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no standard service tells it lacks, and no more: it streams whole, bound by its address alone."""
    later = {gatt.BATTERY_SERVICE_UUID, gatt.DEVICE_INFORMATION_SERVICE_UUID}

    async def main() -> None:
        unit = case.unit()
        table = {service: chars for service, chars in unit.table.items() if service not in later}
        monkeypatch.setattr(type(unit), "table", property(lambda _: table))
        async with virtual_world(unit) as world:
            binding = case.binding(world.clip.address, "mine", serial=None)
            async with listening(world.bluetooth, binding) as listener:
                await asyncio.sleep(20)
            assert listener.states == [SEARCHING, CONNECTING, STREAMING]
            assert_whole(listener)

    virtual_time.run(main())
