"""A guided capture, fed by hand: the same whatever the blocks, told second by second, refused in words."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neckline.wearing.calibrating import POSE_S, READY_S, Capture, PoseName, Prompt, calibrating, parts_of
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
    capture = Capture(slump=slump, stance=stance, label_outward=True)
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

    async def readings() -> AsyncIterator[Reading]:
        yield LinkChange(0, LinkState.SEARCHING)
        yield LinkChange(0, LinkState.WAITING, "it is not heard: switch it on")
        yield LinkChange(0, LinkState.STREAMING)
        yield WHOLE[:100]

    async def main() -> list[str]:
        return [prompt.refused or prompt.say async for prompt in calibrating(readings(), slump=True)]

    said = asyncio.run(main())
    assert said[:3] == ["Searching …", "it is not heard: switch it on", "Streaming …"]
    assert said[-1] == "the samples ended before the pose had been held: try again"
