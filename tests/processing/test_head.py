"""A clip on the head and one on the back: flexion between them, its own episodes, and what a lost clip costs."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from processing.head import HeadOutputs, HeadState, head_step
from processing.outputs import Activity, EpisodeEnd, Epoch, EventKind, Posture
from tests.processing.people import CALIBRATION, START_NS, Held, run, samples, seconds_of, settings

TRUNK = run([samples([Held(30), Held(120, 8.0, move_s=4), Held(60, move_s=4)])], settings()).epochs
HEAD = run([samples([Held(30), Held(120, 38.0, move_s=4), Held(60, move_s=4)], seed=7)], settings()).epochs


def pair(head: tuple[Epoch, ...], trunk: tuple[Epoch, ...]) -> HeadOutputs:
    """Give both streams at once."""
    return head_step(HeadState(), head, trunk, settings(), last=True)[1]


def test_flexion_is_head_less_trunk_and_has_its_own_episode() -> None:
    """Thirty degrees between head and back, held for two minutes: one episode, one alert, by the head's threshold."""
    outputs = pair(HEAD, TRUNK)
    assert [e.flexion_deg for e in outputs.epochs[40:145]] == pytest.approx([30] * 105, abs=1)
    (episode,) = outputs.episodes
    assert seconds_of(episode.onset_ns) == pytest.approx(33, abs=2)
    assert seconds_of(episode.end_ns) == pytest.approx(153, abs=2)
    assert episode.end is EpisodeEnd.SEEN
    assert [e.kind for e in outputs.events] == [
        EventKind.HEAD_FORWARD_STARTED,
        EventKind.HEAD_FORWARD_ALERT,
        EventKind.HEAD_FORWARD_ENDED,
    ]


def test_a_back_that_bends_as_far_as_the_head_is_no_head_forward() -> None:
    """Leaning over with head and back together leaves the flexion where it was."""
    outputs = pair(run([samples([Held(30), Held(120, 38.0), Held(60)], seed=8)], settings()).epochs, HEAD)
    assert not outputs.episodes
    assert not outputs.events


@pytest.mark.parametrize("lost", ["head", "trunk"])
def test_a_lost_clip_makes_the_flexion_unknown(lost: str) -> None:
    """When one clip is lost nothing is judged between the two, and an open episode ends as censored."""
    lost_ns = START_NS + 120 * 10**9
    head, trunk = (
        tuple(e for e in stream if name != lost or e.start_ns < lost_ns)
        for name, stream in (("head", HEAD), ("trunk", TRUNK))
    )
    outputs = pair(head, trunk)
    after = [e for e in outputs.epochs if e.start_ns >= lost_ns]
    assert len(after) == 90
    assert {(e.activity, e.posture, e.flexion_deg) for e in after} == {(Activity.GAP, Posture.UNKNOWN, None)}
    (episode,) = outputs.episodes
    assert episode.end is EpisodeEnd.CENSORED


@hypothesis_settings(max_examples=40, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_the_same_however_the_streams_come(random: Random) -> None:
    """In any portions, one stream up to four seconds ahead of the other, the outputs are the same."""
    whole = pair(HEAD, TRUNK)
    state, parts = HeadState(), []
    head = trunk = 0
    while head < len(HEAD) or trunk < len(TRUNK):
        ahead = head - trunk
        if trunk == len(TRUNK) or (
            head < len(HEAD) and (ahead <= -4 or (ahead < 4 and random.random() < 0.5))
        ):
            new_head, new_trunk = HEAD[head : head + 1], TRUNK[:0]
        else:
            new_head, new_trunk = HEAD[:0], TRUNK[trunk : trunk + 1]
        head, trunk = head + len(new_head), trunk + len(new_trunk)
        state, outputs = head_step(state, new_head, new_trunk, settings())
        parts.append(outputs)
    parts.append(head_step(state, (), (), settings(), last=True)[1])
    assert tuple(e for part in parts for e in part.epochs) == whole.epochs
    assert tuple(e for part in parts for e in part.episodes) == whole.episodes
    assert tuple(e for part in parts for e in part.events) == whole.events


def test_without_the_heads_calibration_nothing_is_judged() -> None:
    """No calibration of the head clip, no flexion episode."""
    bare = replace(settings(), calibration=None)
    _, outputs = head_step(HeadState(), HEAD, TRUNK, bare, last=True)
    assert not outputs.episodes
    assert {e.posture for e in outputs.epochs} == {Posture.UNKNOWN}
    assert CALIBRATION.threshold_deg == 10.0
