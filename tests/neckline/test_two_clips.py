"""A clip on the back and one on the head: each judged by itself, both as head-on-trunk flexion, one alert for each."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from neckline.configuration.config import Config
from neckline.watching.running import run
from processing.head import HEAD, HEAD_ON_TRUNK
from processing.outputs import EventKind, Posture, Stance
from sensor.samples import Reading, SampleBlock
from storage.entries import Batch, Stream
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import EPOCH, EVENT, StanceCalibration
from tests import virtual_time
from tests.neckline.services import HOLD_S, SETTINGS, STREAM, Seen, Told
from tests.processing.people import CALIBRATION, Held, samples

CLIP = {"family": "witmotion", "name": "WT901", "address": "C4:A3:FC:76:9B:33"}
CONFIG = Config.model_validate(
    {**SETTINGS, "clip": CLIP, "head_clip": {**CLIP, "name": "head", "address": "C4:A3:FC:76:9B:34"}}
)
BACK = [Held(20), Held(40), Held(40, 25.0), Held(40)]
"""Upright but for a slouch after a minute; …"""
BOWED = [Held(20), Held(40, 30.0), Held(40, 25.0), Held(40)]
"""… the head is bowed before that, and goes with the back in the slouch."""
ALERTS = {EventKind.SLOUCH_ALERT, EventKind.HEAD_FORWARD_ALERT}


def sent(poses: Sequence[Held], until_s: float = 1e9) -> Callable[[int], AsyncGenerator[Reading, None]]:
    """Return a clip's stream in tenths of a second, as time goes; silent after a while if asked."""
    whole = samples(poses, start_ns=virtual_time.START_NS)

    async def source(_after_ns: int) -> AsyncGenerator[Reading, None]:
        for begin in range(0, len(whole) - 4, 5):
            block: SampleBlock = whole[begin : begin + 5]
            await asyncio.sleep(0.1)
            if begin / 50 < until_s:
                yield block
        await asyncio.sleep(10)

    return source


def worn(journal: Path, head_until_s: float = 1e9) -> tuple[list[EventKind], dict[str, list[float | None]]]:
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
            head_source=sent(BOWED, head_until_s),
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


def test_when_the_head_is_lost_the_back_goes_on(tmp_path: Path) -> None:
    """The clip on the head falls silent before the hold is over: nothing is told of it, and the slouch as ever."""
    alerts, angles = worn(tmp_path / "journal.db", head_until_s=20 + HOLD_S / 2)
    assert alerts == [EventKind.SLOUCH_ALERT]
    assert len(angles[STREAM.placement]) >= 138
    assert not any(angles[HEAD_ON_TRUNK][40:])
