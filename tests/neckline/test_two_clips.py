"""A clip on the back and one on the head: each judged by itself, both as head-on-trunk flexion, one alert for each."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from neckline.configuration.config import Config
from neckline.watching.recalling import recall
from neckline.watching.running import run
from neckline.wearing.clips import Clips
from neckline.wearing.head import Head
from neckline.wearing.memory import Memory
from neckline.wearing.wearer import DAY_NS, Wearer
from processing.head import HEAD, HEAD_ON_TRUNK
from processing.outputs import Epoch, Event, EventKind, Posture, Stance
from processing.settings import Settings
from sensor.samples import Reading, SampleBlock
from storage.entries import Batch, Stream
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import EPOCH, EVENT, Record, StanceCalibration
from tests import virtual_time
from tests.neckline.services import HOLD_S, SETTINGS, STREAM, Seen, Told
from tests.processing.people import CALIBRATION, Held, samples

CLIP = {"family": "witmotion", "name": "WT901", "address": "C4:A3:FC:76:9B:33"}
CONFIG = Config.model_validate(
    {
        **SETTINGS,
        "alerts": {"refractory_s": 15},
        "clip": CLIP,
        "head_clip": {**CLIP, "name": "head", "address": "C4:A3:FC:76:9B:34"},
    }
)
BACK = [Held(20), Held(40), Held(40, 25.0), Held(40)]
"""Upright but for a slouch after a minute; …"""
BOWED = [Held(20), Held(40, 30.0), Held(40, 25.0), Held(40)]
"""… the head is bowed before that, and goes with the back in the slouch."""
ALERTS = {EventKind.SLOUCH_ALERT, EventKind.HEAD_FORWARD_ALERT}


def sent(
    poses: Sequence[Held], until_s: float = 1e9, fault: Exception | None = None
) -> Callable[[int], AsyncGenerator[Reading, None]]:
    """Return a clip's stream in tenths of a second, as time goes; silent after a while if asked, or ended by a fault."""
    whole = samples(poses, start_ns=virtual_time.START_NS)

    async def source(_after_ns: int) -> AsyncGenerator[Reading, None]:
        for begin in range(0, len(whole) - 4, 5):
            block: SampleBlock = whole[begin : begin + 5]
            await asyncio.sleep(0.1)
            if begin / 50 < until_s:
                yield block
            elif fault is not None:
                raise fault
        await asyncio.sleep(10)

    return source


def worn(
    journal: Path, head_until_s: float = 1e9, fault: Exception | None = None
) -> tuple[list[EventKind], dict[str, list[float | None]]]:
    """Wear both; return the alerts that were stored in order, and the angles of each stream's epochs."""
    streams = {place: Stream(STREAM.wearer, place) for place in (STREAM.placement, HEAD, HEAD_ON_TRUNK)}
    with Journal.open(journal, "test") as opened:
        captured = replace(CALIBRATION, captured_ns=virtual_time.START_NS - 10**11)
        reference = StanceCalibration(Stance.SITTING, captured)
        opened.commit([Batch(streams[place], (reference,)) for place in (STREAM.placement, HEAD)])

    async def main() -> None:
        until = asyncio.Event()
        asyncio.get_running_loop().call_later(142.0, until.set)
        await run(
            CONFIG,
            journal_path=journal,
            source=sent(BACK),
            view=Seen(),
            head_source=sent(BOWED, head_until_s, fault),
            channels=[Told()],
            until=until,
            utc=virtual_time.utc_ns,
        )

    virtual_time.run(main())
    with JournalReader.open(journal) as reader:
        assert reader.check() == []
        events = [event for stream in streams.values() for event in reader.read(EVENT, stream)]
        alerts = [e.kind for e in sorted(events, key=lambda e: e.time_ns) if e.kind in ALERTS]
        head = list(reader.read(EPOCH, streams[HEAD]))
        assert all(epoch.posture is Posture.UNKNOWN for epoch in head)
        return alerts, {
            place: [epoch.sagittal_deg for epoch in reader.read(EPOCH, stream)]
            for place, stream in streams.items()
        }


def test_one_bowed_head_and_one_slouch_are_one_alert_each(tmp_path: Path) -> None:
    """The head bowed above a quiet back is told as that; a slouch in which the head goes along is told as the back's."""
    alerts, angles = worn(tmp_path / "journal.db")
    assert alerts == [EventKind.HEAD_FORWARD_ALERT, EventKind.SLOUCH_ALERT]
    flexion = angles[HEAD_ON_TRUNK]
    bowed, slouched = flexion[30:55], flexion[70:95]
    assert all(deg is not None and abs(deg - 30) < 3 for deg in bowed)
    assert all(deg is not None and abs(deg) < 3 for deg in slouched)


@pytest.mark.parametrize("fault", [None, OSError(5, "of the radio"), ValueError("of neckline")])
def test_when_the_head_is_lost_the_back_goes_on(tmp_path: Path, fault: Exception | None) -> None:
    """The clip on the head falls silent before the hold is over, or whoever reads it stumbles: all else is as ever."""
    alerts, angles = worn(tmp_path / "journal.db", 20 + HOLD_S / 2, fault)
    assert alerts == [EventKind.SLOUCH_ALERT]
    assert len(angles[STREAM.placement]) >= 138
    assert not any(angles[HEAD_ON_TRUNK][40:])


# ---- without a service -----------------------------------------------------------------------------------------------

PLACES = (STREAM.placement, HEAD, HEAD_ON_TRUNK)


def both(back: Sequence[Held], head: Sequence[Held], rows: int = 25) -> list[tuple[str, SampleBlock]]:
    """Return the blocks of both clips, as they come in turn."""
    of = {STREAM.placement: samples(back), HEAD: samples(head, seed=7)}
    begins = range(0, len(of[HEAD]) - rows, rows)
    return [(place, whole[begin : begin + rows]) for begin in begins for place, whole in of.items()]


def clips(**settings: float) -> Clips:
    """Return a wearer of two clips, both calibrated."""
    memory = Memory(calibration=CALIBRATION)
    back = Wearer(Settings(hold_s=HOLD_S, **settings), memory)  # type: ignore[arg-type]
    return Clips(STREAM.placement, back, Head(back, memory))


def heard(worn: Clips, blocks: Sequence[tuple[str, SampleBlock]]) -> list[tuple[str, Record]]:
    """Return all that the blocks give, each with its placement."""
    return [
        (place, each) for where, block in blocks for place, found in worn.hear(where, block) for each in found
    ]


def alerts_of(records: Sequence[tuple[str, Record]]) -> list[Event]:
    """Return the alerts among records."""
    return [each for _, each in records if isinstance(each, Event) and each.kind in ALERTS]


def test_what_the_wearer_is_told_of_the_head_silences_the_back_too() -> None:
    """The head forward, and soon after it the back: one alert, and the next when the silence after it is over.

    The same however far one stream is ahead of the other, short of what counts as lost.
    """
    blocks = both([Held(40), Held(140, 20.0)], [Held(10), Held(30, 32.0), Held(140, 52.0)])
    first, second = alerts_of(heard(clips(refractory_s=60.0), blocks))
    assert (first.kind, second.kind) == (EventKind.HEAD_FORWARD_ALERT, EventKind.SLOUCH_ALERT)
    assert 60 <= (second.time_ns - first.time_ns) / 1e9 < 60.1
    (only,) = alerts_of(heard(clips(alerts_per_hour=1), blocks))
    assert only == first
    for late_s, late in ((4.0, HEAD), (4.0, STREAM.placement)):
        order = sorted(blocks, key=lambda each: int(each[1].time_ns[-1]) + (each[0] == late) * late_s * 1e9)
        assert alerts_of(heard(clips(refractory_s=60.0), order)) == [first, second]


@pytest.mark.parametrize("away", [HEAD, STREAM.placement])
def test_a_clip_that_was_away_when_the_clock_was_set_back_is_paired_again(away: str) -> None:
    """The second that it had begun by the old clock and ends on its return keeps no second of the new one apart."""
    worn, last = clips(), []
    for place, block in both([Held(100)], [Held(100, 30.0)]):
        time_s = (int(block.time_ns[0]) - samples([Held(1)]).time_ns[0]) / 1e9
        if place == away and 30.6 < time_s < 50.6:
            continue
        moved = replace(block, time_ns=block.time_ns - DAY_NS) if time_s > 40 else block
        found = heard(worn, [(place, moved)])
        last += [e for at, e in found if at == HEAD_ON_TRUNK and isinstance(e, Epoch) and time_s > 60]
    assert len(last) > 35
    assert all(epoch.sagittal_deg is not None for epoch in last)


def test_a_process_that_is_killed_loses_no_second_of_both(tmp_path: Path) -> None:
    """Whatever has been taken of one clip and not of the other: what goes on gives what one run had given."""
    blocks = both([Held(20), Held(16, 20.0)], [Held(20, 5.0), Held(16, 45.0)])
    whole = [e for _, e in heard(clips(), blocks) if isinstance(e, Epoch)]
    for killed in range(56, 64):
        with Journal.open(tmp_path / f"{killed}.db", "test") as journal:
            reference = StanceCalibration(Stance.SITTING, CALIBRATION)
            journal.commit([Batch(Stream(STREAM.wearer, place), (reference,)) for place in PLACES[:2]])
            for taken in (blocks[:killed], blocks):
                now_ns = int(taken[-1][1].time_ns[-1])
                back, head, _ = recall(CONFIG, journal, now_ns, ZoneInfo("UTC"))
                assert head is not None
                known_ns = {STREAM.placement: back.state.last_ns or 0, HEAD: head.clip.state.last_ns or 0}
                worn = Clips(STREAM.placement, back, head)
                for where, block in taken:
                    if block.time_ns[0] <= known_ns[where]:
                        continue
                    for place, records in worn.hear(where, block):
                        if records:
                            stream = Stream(STREAM.wearer, place)
                            journal.commit([Batch(stream, records, *worn.to_save(place))])
        with JournalReader.open(journal.path) as reader:
            found = [e for place in PLACES for e in reader.read(EPOCH, Stream(STREAM.wearer, place))]
        assert sorted(found, key=repr) == sorted(whole, key=repr)
