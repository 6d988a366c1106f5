"""Recorded people over the radio, and the same recording replayed: the same episodes. In virtual time."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.posture import calibrate_on
from benchmarks.sitting_postures import (
    ACC_MPS2_PER_COUNT,
    GYR_RADPS_PER_COUNT,
    LOST,
    RATE_HZ,
    Label,
    Trial,
    people,
)
from processing.outputs import Episode, EpisodeEnd, EventKind, Outputs
from processing.settings import Settings
from processing.state import WearerState
from processing.step import finish, step
from sensor.capture import CaptureWriter
from sensor.recording import ACC_COLUMNS, GYR_COLUMNS, Recording
from sensor.samples import BatteryReading, LinkChange, Reading, SampleBlock
from sensor.virtual.firmware import NOMINAL_RATES_HZ, RATE, Firmware
from sensor.virtual.motion import RecordedMotion
from tests import virtual_time
from tests.sensor.worlds import BOUND, CODES, HAS_BUMBLE, STREAMING, WAITING, Listener, listening, radio

if HAS_BUMBLE:
    from sensor.virtual.clip import VirtualClip
    from sensor.virtual.world import virtual_world

pytestmark = [*radio, pytest.mark.recordings]

PLACES = (0, 2, 4, 21)
"""In the list of 29 people; of the third 596 samples were lost on the air. (All 29 agree: within 0.09 s where nothing
was lost but for one episode of the second, 0.3 s.)"""
HOLD_S = 8.0
"""A trial lasts 30 s: a slouch must be sustained long before its end."""
RECORDED_NS = 1_767_225_600_250_000_000
"""When the file's first sample is said to have been taken: not on a whole second, nor where the radio's is."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody who sits upright, slouches, sits upright, …; 30 s each, as raw counts with what was lost on the air."""

    acc_counts: NDArray[np.int16]
    gyr_counts: NDArray[np.int16]
    settings: Settings


def person(recordings: Path, place: int) -> Person:
    """Return a recorded person, calibrated on the first upright trial."""
    trials = list(people(recordings / "sitting_postures.npz", "t4"))[place]
    upright, slouched = (
        [trial for trial in trials if trial.label is label] for label in (Label.UPRIGHT, Label.SLOUCHED)
    )
    turns: list[Trial] = [trial for pair in zip(upright, slouched, strict=True) for trial in pair]
    turns.append(upright[0])
    return Person(
        np.vstack([trial.acc_counts for trial in turns]),
        np.vstack([trial.gyr_counts for trial in turns]),
        Settings(calibration=calibrate_on(upright[0]), hold_s=HOLD_S),
    )


def write_table(whom: Person, path: Path) -> None:
    """Write the samples that arrived as a table, to the last bit."""
    arrived = np.flatnonzero(~(whom.acc_counts == LOST).all(axis=1))
    times_ns = RECORDED_NS + arrived * round(1e9 / RATE_HZ)
    numbers = np.hstack(
        [
            whom.acc_counts[arrived] * ACC_MPS2_PER_COUNT,
            whom.gyr_counts[arrived] * GYR_RADPS_PER_COUNT,
        ]
    )
    rows = (
        f"{time_ns},{','.join(map(repr, row))}\n"
        for time_ns, row in zip(times_ns.tolist(), numbers.tolist(), strict=True)
    )
    path.write_text(f"{ACC_COLUMNS},{GYR_COLUMNS}\n" + "".join(rows))


async def nothing(_clip: "VirtualClip") -> None:
    """Let all go well."""


async def trouble(clip: "VirtualClip") -> None:
    """Let everything happen to a clip that may."""
    await asyncio.sleep(20)
    clip.vanish(0.5)
    await asyncio.sleep(10)
    clip.corrupt(3)
    await asyncio.sleep(10)
    clip.lose(12)
    await asyncio.sleep(10)
    await clip.say_goodbye()
    await asyncio.sleep(20)
    clip.vanish(15)
    await asyncio.sleep(40)
    clip.fall_silent()
    await asyncio.sleep(3)
    clip.speak_again()


def over_the_air(
    whom: Person,
    capture_path: Path,
    happens: "Callable[[VirtualClip], Coroutine[None, None, None]]" = nothing,
) -> Listener:
    """Let a clip play the person to bleak's client, write down what comes over the air, and return what was heard."""
    motion = RecordedMotion(whom.acc_counts, whom.gyr_counts, RATE_HZ)
    firmware = Firmware(motion, rates_hz=NOMINAL_RATES_HZ, flash={RATE: CODES[RATE_HZ]})

    async def main() -> Listener:
        with CaptureWriter(
            capture_path, family=BOUND.family, rate_hz=BOUND.rate_hz, placement="t4"
        ) as capture:
            async with (
                virtual_world(firmware=firmware) as world,
                listening(world.bluetooth, on_notification=capture.take) as listener,
            ):
                await happens(world.clip)
                await world.clip.played_out.wait()
                await asyncio.sleep(1)
        return listener

    return virtual_time.run(main())


def judged(readings: Iterable[Reading], settings: Settings) -> tuple[int, Outputs]:
    """Return the time of the first sample, and what the product's own `step` finds."""
    state, first_ns = WearerState(), 0
    parts: list[Outputs] = []
    for reading in readings:
        if isinstance(reading, SampleBlock):
            first_ns = first_ns or int(reading.time_ns[0])
            state, outputs = step(state, reading, settings)
            parts.append(outputs)
    _, outputs = finish(state, settings)
    parts.append(outputs)
    return first_ns, Outputs(
        episodes=tuple(episode for part in parts for episode in part.episodes),
        events=tuple(event for part in parts for event in part.events),
    )


@pytest.mark.parametrize("place", PLACES)
def test_a_person_over_the_radio_has_the_episodes_of_the_recording(
    recordings: Path, tmp_path: Path, place: int
) -> None:
    """As notifications through the radio, bleak and the sample clock: as many episodes and alerts, each within 1 s."""
    whom = person(recordings, place)
    write_table(whom, tmp_path / "file.csv")
    replay_ns, replay = judged(Recording.open(tmp_path / "file.csv").readings(), whom.settings)

    listener = over_the_air(whom, tmp_path / "air.jsonl")
    live_ns, live = judged((reading for _, reading in listener.heard), whom.settings)

    assert len(replay.episodes) == 3
    assert {episode.end for episode in replay.episodes} <= set(EpisodeEnd)
    assert sum(event.kind is EventKind.SLOUCH_ALERT for event in replay.events) >= 1
    assert [event.kind for event in live.events] == [event.kind for event in replay.events]
    assert [episode.end for episode in live.episodes] == [episode.end for episode in replay.episodes]
    for mine, theirs in zip(live.episodes, replay.episodes, strict=True):
        assert since(mine, live_ns) == pytest.approx(since(theirs, replay_ns), abs=1.0)
        assert mine.alerts == theirs.alerts
        assert mine.duration_s > HOLD_S


def since(episode: Episode, start_ns: int) -> tuple[float, float]:
    """Return onset and end in seconds since a moment."""
    return (episode.onset_ns - start_ns) / 1e9, (episode.end_ns - start_ns) / 1e9


def test_a_capture_replays_to_the_very_samples_that_were_live(recordings: Path, tmp_path: Path) -> None:
    """Through fades, damage, losses and four connections: times, values, battery and outputs again, bit for bit."""
    whom = person(recordings, PLACES[0])
    listener = over_the_air(whom, tmp_path / "air.jsonl", trouble)

    recording = Recording.open(tmp_path / "air.jsonl")
    readings = list(recording.readings())

    assert recording.header is not None
    assert recording.header.placement == "t4"
    replayed = [reading for reading in readings if isinstance(reading, SampleBlock)]
    live = listener.blocks
    assert sum(map(len, live)) > 150 * RATE_HZ
    for name in ("time_ns", "acc_mps2", "gyr_radps"):
        was, again = (
            np.concatenate([getattr(block, name) for block in blocks]) for blocks in (live, replayed)
        )
        assert was.tobytes() == again.tobytes()
    assert np.isnan(np.concatenate([block.acc_mps2 for block in live])).any()
    assert {block.rate_hz for block in replayed} == {block.rate_hz for block in live}
    assert [reading for reading in readings if isinstance(reading, BatteryReading)] == listener.batteries
    ends = [change.state for _, change in listener.changes if change.state in {STREAMING, WAITING}]
    assert ends.count(STREAMING) == 4
    told = [reading.state for reading in readings if isinstance(reading, LinkChange)]
    assert told == [state for state, before in zip(ends, [None, *ends], strict=False) if state is not before]
    assert judged(readings, whom.settings) == judged((heard for _, heard in listener.heard), whom.settings)
