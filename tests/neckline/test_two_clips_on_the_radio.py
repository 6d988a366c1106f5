"""Two virtual clips on one radio: captured in one pose, one lost and back, one alert for each; replayed alike."""

import asyncio
import functools
import heapq
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

from neckline.configuration.config import Config
from neckline.watching.running import run
from neckline.watching.service import Service, Source
from neckline.wearing.clips import Clips
from neckline.wearing.head import Head
from neckline.wearing.memory import Memory
from neckline.wearing.wearer import Wearer
from processing.head import HEAD, HEAD_ON_TRUNK
from processing.outputs import Activity, Episode, Epoch, Event, EventKind, Posture, Stance
from sensor import link
from sensor.capture import CaptureWriter
from sensor.link import ClipBinding
from sensor.recording import Recording
from sensor.samples import Reading, SampleBlock
from sensor.virtual.firmware import Firmware
from sensor.virtual.motion import SLOUCH, UPRIGHT, Pose
from storage.entries import Stream
from storage.reader import JournalReader
from storage.schema import CALIBRATION, EPISODE, EPOCH, EVENT, Kind, Record, StanceCalibration
from tests import virtual_time
from tests.neckline.services import SETTINGS, STREAM, Seen, Told, played, until_s, worn_clip
from tests.sensor.worlds import BOUND, HAS_BUMBLE, MAC, OTHER_MAC, radio

if HAS_BUMBLE:
    from sensor.virtual.world import virtual_world

pytestmark = radio
ON_HEAD = replace(BOUND, address=OTHER_MAC, serial=OTHER_MAC, name="HEAD")
BOWED = Pose(sagittal_deg=30.0)
BACK = (
    (UPRIGHT, 9.0),
    (SLOUCH, 8.5),
    (UPRIGHT, 48.5),
    (SLOUCH, 25.0),
    (UPRIGHT, 60.0),
    (SLOUCH, 25.0),
    (UPRIGHT, 15.0),
)
NODS = ((UPRIGHT, 17.5), (BOWED, 8.5), (UPRIGHT, 10.0), (BOWED, 25.0), (UPRIGHT, 5.0), *BACK[3:])
"""The pose of both, the back's slump, the head's nod; a bowed head, a slouch; the head is lost; a slouch again."""
CONFIG = Config.model_validate(
    {
        **SETTINGS,
        "alerts": {"refractory_s": 0},
        "clip": {"family": "witmotion", "name": "WT901BLE", "address": MAC},
        "head_clip": {"family": "witmotion", "name": "HEAD", "address": OTHER_MAC},
    }
)
ALERTS = (EventKind.SLOUCH_ALERT, EventKind.HEAD_FORWARD_ALERT)


def readings(file: Path, place: str) -> Iterator[tuple[int, str, Reading]]:
    """Yield what was written down of a clip, with its time and place."""
    for reading in Recording.open(file).readings(block_s=0.1):
        yield int(reading.time_ns[0]) if isinstance(reading, SampleBlock) else reading.time_ns, place, reading


def worn(journal: Path, files: dict[str, Path]) -> tuple[list[Event], Told]:
    """Wear both, calibrate both at once, lose the head for half a minute; write down what came over the air."""
    told, events = Told(), list[Event]()

    async def main() -> None:
        async with virtual_world(firmware=worn_clip(BACK)) as world:
            other = await world.add_clip(Firmware(played(NODS), mac=OTHER_MAC), name="HEAD")

            def source(binding: ClipBinding, capture: CaptureWriter) -> Source:
                def opened(after_ns: int) -> AsyncGenerator[Reading, None]:
                    return link.stream(
                        world.bluetooth,
                        binding,
                        utc=virtual_time.utc_ns,
                        after_ns=after_ns,
                        on_notification=capture.take,
                    )

                return opened

            async def guide(service: Service) -> None:
                service.on_event = events.append
                prompts = [each async for each in service.calibrate(slump=True, stance=Stance.SITTING)]
                assert prompts[-1].head is not None
                await until_s(100, world.clip)
                other.vanish(30)
                await world.clip.played_out.wait()
                await asyncio.sleep(1)

            with (
                CaptureWriter(files["t4"], family=BOUND.family, rate_hz=BOUND.rate_hz) as back,
                CaptureWriter(files[HEAD], family=BOUND.family, rate_hz=BOUND.rate_hz) as head,
            ):
                await run(
                    CONFIG,
                    journal_path=journal,
                    source=source(BOUND, back),
                    view=Seen(),
                    head_source=source(ON_HEAD, head),
                    head_clip=ON_HEAD.name,
                    channels=[told],
                    guide=guide,
                    utc=virtual_time.utc_ns,
                    zone=UTC,
                )

    virtual_time.run(main())
    return events, told


@functools.cache
def rows_of(journal: Path, place: str) -> dict[str, list[Any]]:
    """Return all that is stored of a place, by kind."""
    kinds: tuple[Kind[Any], ...] = (EPOCH, EPISODE, EVENT, CALIBRATION)
    with JournalReader.open(journal) as reader:
        assert reader.check() == []
        return {kind.name: list(reader.read(kind, Stream(STREAM.wearer, place))) for kind in kinds}


def replayed(files: dict[str, Path], sitting: StanceCalibration, nodded: StanceCalibration) -> list[Record]:
    """Take what was written down of both, in order of time, through the same wearer, calibrated when it was."""
    wearer = Wearer(CONFIG.settings(), Memory(), zone=UTC)
    head = Head(wearer, Memory())
    clips = Clips(STREAM.placement, wearer, head)
    found: list[Record] = []
    done = False
    for time_ns, place, reading in heapq.merge(
        *(readings(file, place) for place, file in files.items()), key=lambda each: each[0]
    ):
        if not done and time_ns > nodded.calibration.captured_ns:
            wearer.calibrated(sitting.calibration, Stance.SITTING)
            head.calibrated(nodded.calibration, Stance.SITTING, None)
            done = True
        found += dict(clips.hear(place, reading))[HEAD_ON_TRUNK]
    return [*found, *dict(clips.finish())[HEAD_ON_TRUNK]]


def test_two_clips_on_the_radio(tmp_path: Path) -> None:
    """One alert each; the head lost: flexion unknown, the back judged; what was written down replays to the same rows."""
    files = {place: tmp_path / f"{place}.jsonl" for place in (STREAM.placement, HEAD)}
    events, told = worn(tmp_path / "journal.db", files)
    back, head, pair = (rows_of(tmp_path / "journal.db", place) for place in (*files, HEAD_ON_TRUNK))

    alerts = [event.kind for event in events if event.kind in ALERTS]
    assert alerts == [EventKind.HEAD_FORWARD_ALERT, EventKind.SLOUCH_ALERT, EventKind.SLOUCH_ALERT]
    assert len(told.messages) == 3
    (lost,) = [event for event in events if event.kind is EventKind.SIGNAL_LOST]
    (back_again,) = [event for event in events if event.kind is EventKind.SIGNAL_RETURNED]
    gone = [epoch for epoch in pair["epoch"] if lost.time_ns < epoch.start_ns < back_again.time_ns - 10**9]
    assert len(gone) > 20
    assert {(e.activity, e.posture, e.sagittal_deg) for e in gone} == {(Activity.GAP, Posture.UNKNOWN, None)}
    meanwhile = [e for e in back["epoch"] if lost.time_ns < e.start_ns < back_again.time_ns]
    assert {e.activity for e in meanwhile} == {Activity.STILL}
    assert {e.posture for e in head["epoch"]} == {Posture.UNKNOWN}

    (sitting,), (nodded,) = back["calibration"], head["calibration"]
    found = replayed(files, sitting, nodded)
    assert [each for each in found if isinstance(each, Episode)] == pair["episode"]
    told_of = [each for each in found if isinstance(each, Event)]
    assert sorted(told_of, key=lambda each: (each.time_ns, each.kind)) == pair["event"]
    after_ns = nodded.calibration.captured_ns + 2 * 10**9
    epochs = [each for each in found if isinstance(each, Epoch) and each.start_ns > after_ns]
    assert epochs == [each for each in pair["epoch"] if each.start_ns > after_ns]
