"""A guided capture, fed by hand: the same whatever the blocks, told second by second, refused in words."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neckline.wearing.calibrating import (
    POSE_S,
    READY_S,
    Capture,
    Mount,
    PoseName,
    Prompt,
    calibrating,
    parts_of,
)
from processing.calibration import MAX_TURN_DEGPS
from processing.head import HEAD
from processing.outputs import Stance
from sensor.samples import LinkChange, LinkState, Reading, SampleBlock
from sensor.virtual.motion import COUNTS_PER_DPS, COUNTS_PER_G, SLOUCH, UPRIGHT, WALK, Pose, ScriptedPerson
from tests.neckline.services import RATE_HZ

G = 9.80665
BOTH: Sequence[tuple[Pose, float]] = ((UPRIGHT, READY_S + POSE_S), (SLOUCH, READY_S + POSE_S + 1))


def samples(script: Sequence[tuple[Pose, float]], rate_hz: float = RATE_HZ) -> SampleBlock:
    """Return what the clip measures of a script."""
    time_s = np.arange(round(sum(seconds for _, seconds in script) * rate_hz)) / rate_hz
    counts = ScriptedPerson(script).counts(time_s)
    return SampleBlock(
        10**18 + np.rint(time_s * 1e9).astype(np.int64),
        counts[:, :3] / COUNTS_PER_G * G,
        np.radians(counts[:, 3:] / COUNTS_PER_DPS),
        rate_hz,
    )


def told(readings: Sequence[Reading], *, slump: bool = True, stance: Stance = Stance.SITTING) -> list[Prompt]:
    """Return what the wearer is told."""
    capture = Capture(slump=slump, stance=stance, mount=Mount())
    prompts = [prompt for reading in readings for prompt in capture.hear(reading)]
    assert capture.over == bool(prompts and (prompts[-1].done or prompts[-1].refused))
    return prompts


def cut(block: SampleBlock, edges: Sequence[int]) -> list[SampleBlock]:
    """Cut a block into pieces, some of them empty."""
    places = [0, *sorted(edge % (len(block) + 1) for edge in edges), len(block)]
    return [block[a:b] for a, b in pairwise(places)]


WHOLE = samples(BOTH)


@given(st.lists(st.integers(0, 10**6), max_size=40))
def test_it_does_not_matter_how_the_samples_come(edges: list[int]) -> None:
    """In blocks of any size: the very same calibration, and the same parts in the same order, each counted down."""
    prompts = told(cut(WHOLE, edges))
    done = prompts[-1].done
    assert done is not None
    assert done == told([WHOLE])[-1].done
    assert done.threshold_deg == pytest.approx(SLOUCH.sagittal_deg / 2, abs=1)
    parts = [(part.say, part.pose, part.hold) for part in parts_of(Stance.SITTING, slump=True)]
    said = [(prompt.say, prompt.pose, prompt.hold) for prompt in prompts[:-1]]
    assert sorted(said, key=parts.index) == said
    for part in parts:
        left_s = [
            prompt.remaining_s for prompt in prompts[:-1] if (prompt.say, prompt.pose, prompt.hold) == part
        ]
        assert sorted(left_s, reverse=True) == left_s
        assert len(set(left_s)) == len(left_s)


def test_each_second_is_counted_down_once() -> None:
    """3, 2, 1 to get ready, 5, 4, 3, 2, 1 to hold; for each pose."""
    prompts = told([WHOLE[k : k + 5] for k in range(0, len(WHOLE), 5)])
    countdown = [*range(round(READY_S), 0, -1), *range(round(POSE_S), 0, -1)]
    assert [prompt.remaining_s for prompt in prompts[:-1]] == [*countdown, *countdown]
    assert [prompt.pose for prompt in prompts[:-1]] == [PoseName.UPRIGHT] * 8 + [PoseName.SLUMP] * 8


def test_upright_alone_and_standing() -> None:
    """It ends after the one pose, with the default threshold; standing is asked for in its word."""
    prompts = told([WHOLE], slump=False, stance=Stance.STANDING)
    done = prompts[-1].done
    assert done is not None
    assert done.slump_deg is None
    assert prompts[0].say.startswith("Stand ")
    assert {prompt.pose for prompt in prompts[:-1]} == {PoseName.UPRIGHT}
    assert done.captured_ns == pytest.approx(int(WHOLE.time_ns[0]) + (READY_S + POSE_S) * 1e9, abs=3e7)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ([(UPRIGHT, 4.0), (WALK, 20.0)], "the clip was moving"),
        ([(UPRIGHT, 20.0)], "slump as on a tired afternoon"),
    ],
)
def test_a_pose_that_cannot_serve_is_told_as_it_ends(script: Sequence[tuple[Pose, float]], why: str) -> None:
    """Why, and what to do; nothing more is said, whatever comes."""
    prompts = told([samples(script)])
    assert prompts[-1].done is None
    assert why in prompts[-1].refused
    assert [prompt for prompt in prompts if prompt.refused] == [prompts[-1]]


def test_a_clip_that_is_lost_or_leaves_a_gap() -> None:
    """Lost: refused at once. A gap over a whole pose: refused, and not taken for a pose that was held."""
    lost = LinkChange(0, LinkState.WAITING, "it is gone")
    prompts = told([WHOLE[:200], lost])
    assert "the clip was lost (it is gone)" in prompts[-1].refused
    late = replace(WHOLE, time_ns=WHOLE.time_ns + 7 * 10**9)
    assert "only 25% of the samples arrived" in told([WHOLE[:160], late])[-1].refused
    much_later = replace(WHOLE, time_ns=WHOLE.time_ns + 60 * 10**9)
    assert told([WHOLE[:140], much_later])[-1].refused == (
        "no samples came while the pose was held: try again"
    )


def test_until_the_clip_is_found_the_link_is_told() -> None:
    """Before the first sample; a source that ends says that it did."""

    async def readings() -> AsyncIterator[tuple[str, Reading]]:
        yield "t4", LinkChange(0, LinkState.SEARCHING)
        yield "t4", LinkChange(0, LinkState.WAITING, "it is not heard: switch it on")
        yield HEAD, LinkChange(0, LinkState.STREAMING)
        yield "t4", LinkChange(0, LinkState.STREAMING)
        yield "t4", WHOLE[:100]

    async def main() -> list[str]:
        guided = calibrating(readings(), slump=True, stance=Stance.SITTING, mount=Mount())
        return [prompt.refused or prompt.say async for prompt in guided]

    said = asyncio.run(main())
    assert said[:3] == ["Searching …", "it is not heard: switch it on", "Streaming …"]
    assert said[-1] == "the samples ended before the pose had been held: try again"


# ---- how good it is --------------------------------------------------------------------------------------------------


def test_what_is_done_says_how_good_it_is() -> None:
    """Stillness, how far the poses are apart, and by how much upright will differ from zero."""
    found = told([WHOLE])[-1].quality
    assert found is not None
    assert found.separation_deg == pytest.approx(SLOUCH.sagittal_deg, abs=2)
    assert 0 < (found.turn_degps or 0) < MAX_TURN_DEGPS
    assert found.received == pytest.approx(1)
    assert 3 < found.expected_error_deg < 8
    assert found.remark == ""
    alone = told([WHOLE], slump=False)[-1].quality
    assert alone is not None
    assert alone.separation_deg is None


# ---- with a clip on the head -----------------------------------------------------------------------------------------

NOD = Pose(sagittal_deg=35.0)
PART_S = READY_S + POSE_S
BACK = samples([(UPRIGHT, PART_S), (SLOUCH, PART_S), (UPRIGHT, PART_S + 1)])
ON_HEAD = samples([(UPRIGHT, 2 * PART_S), (NOD, PART_S + 1)])
BOTH_CLIPS = Mount(head_outward=True)


def both(
    back: SampleBlock, head: SampleBlock, mount: Mount = BOTH_CLIPS, *, slump: bool = True
) -> list[Prompt]:
    """Return what is told of two clips whose samples come in turn."""
    capture = Capture(slump=slump, stance=Stance.SITTING, mount=mount)
    prompts = []
    for k in range(0, max(len(back), len(head)), 5):
        capture.hear_head(head[k : k + 5])
        prompts += capture.hear(back[k : k + 5])
    return prompts


def test_both_clips_are_captured_in_one_and_the_same_pose() -> None:
    """The head's reference is of the very upright pose of the back's; looking down shows its forward."""
    prompts = both(BACK, ON_HEAD)
    poses = [
        pose
        for pose, before in pairwise([prompt.pose for prompt in prompts] + [PoseName.NONE])
        if pose != before
    ]
    assert poses == [PoseName.UPRIGHT, PoseName.SLUMP, PoseName.NOD]
    last = prompts[-1]
    assert last.done == told([WHOLE])[-1].done
    assert last.done is not None
    assert last.head is not None
    assert last.head_quality is not None
    assert last.head.slump_deg == pytest.approx(NOD.sagittal_deg, abs=1.5)
    assert last.head.up_sensor == pytest.approx(last.done.up_sensor, abs=0.01)  # it hangs alike in this test
    assert last.head.forward_sensor == pytest.approx(last.done.forward_sensor, abs=0.05)


def test_without_a_slump_neither_clip_is_asked_for_another_pose() -> None:
    """The label says where forward is, for each."""
    last = both(BACK, ON_HEAD, Mount(head_outward=False), slump=False)[-1]
    assert last.done is not None
    assert last.head is not None
    assert last.head.slump_deg is None
    assert np.dot(last.head.forward_sensor, last.done.forward_sensor) == pytest.approx(-1, abs=0.01)


def test_a_clip_on_the_head_that_is_not_heard_costs_nothing() -> None:
    """The back is calibrated, and it is said that the head was not."""
    last = both(BACK, ON_HEAD[:0])[-1]
    assert last.done is not None
    assert last.head is None
    assert last.head_missed


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ([(WALK, 3 * PART_S)], "the clip on the head: the clip was moving"),
        ([(UPRIGHT, 3 * PART_S + 1)], "the clip on the head: its poses are much the same"),
    ],
)
def test_a_head_that_does_not_hold_still_is_told(script: Sequence[tuple[Pose, float]], why: str) -> None:
    """Nothing is half done: neither clip is calibrated then."""
    prompts = both(BACK, samples(script))
    assert why in prompts[-1].refused
    assert prompts[-1].done is None
