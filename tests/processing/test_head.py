"""A clip on the head and one on the back: flexion between them, its own episodes, and what a lost clip costs."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from processing.errors import StateError
from processing.head import HeadState, alone, head_finish, head_step
from processing.outputs import Activity, EpisodeEnd, Epoch, EventKind, Outputs, Posture
from processing.settings import Settings
from tests.processing.people import (
    CALIBRATION,
    START_NS,
    Held,
    run,
    samples,
    seconds_of,
    settings,
    together,
)

TRUNK = run([samples([Held(30), Held(120, 8.0, move_s=4), Held(60, move_s=4)])], settings()).epochs
TOLD_NS = START_NS + 85 * 10**9 + 5
"""When the wearer was told of the back: the head's alert would fall due in the silence after it."""
HEAD = run([samples([Held(30), Held(120, 38.0, move_s=4), Held(60, move_s=4)], seed=7)], settings()).epochs


def pair(
    head: tuple[Epoch, ...],
    trunk: tuple[Epoch, ...],
    with_settings: Settings | None = None,
    told_ns: tuple[int, ...] = (),
) -> Outputs:
    """Give both streams at once."""
    by = with_settings or settings()
    state, first = head_step(HeadState(), head, trunk, by, told_ns=told_ns)
    return together([first, head_finish(state, by)[1]])


def test_flexion_is_head_less_trunk_and_has_its_own_episode() -> None:
    """Thirty degrees between head and back, held for two minutes: one episode, one alert, by the head's threshold."""
    outputs = pair(HEAD, TRUNK)
    assert [e.sagittal_deg for e in outputs.epochs[40:145]] == pytest.approx([30] * 105, abs=1)
    (episode,) = outputs.episodes
    assert seconds_of(episode.onset_ns) == pytest.approx(33, abs=2)
    assert seconds_of(episode.end_ns) == pytest.approx(153, abs=2)
    assert episode.end is EpisodeEnd.SEEN
    assert [e.kind for e in outputs.events] == [
        EventKind.HEAD_FORWARD_STARTED,
        EventKind.HEAD_FORWARD_ALERT,
        EventKind.HEAD_FORWARD_ENDED,
    ]


def test_another_calibration_of_the_head_ends_what_is_open() -> None:
    """As for one clip: an episode has one reference."""
    moved = replace(settings(), calibration=replace(CALIBRATION, calibration_id="c-new"))
    state, first = head_step(HeadState(), HEAD[:110], TRUNK[:110], settings())
    state, second = head_step(state, HEAD[110:], TRUNK[110:], moved)
    outputs = together([first, second, head_finish(state, moved)[1]])
    assert outputs.episodes[0].end is EpisodeEnd.CENSORED
    assert seconds_of(outputs.episodes[0].end_ns) == pytest.approx(110)


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
    assert {(e.activity, e.posture, e.sagittal_deg) for e in after} == {(Activity.GAP, Posture.UNKNOWN, None)}
    (episode,) = outputs.episodes
    assert episode.end is EpisodeEnd.CENSORED


@hypothesis_settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), begins_late=st.integers(0, 20))
def test_the_same_however_the_streams_come(seed: int, begins_late: int) -> None:
    """In any portions, one stream up to four seconds ahead of the other, across saved states: the same outputs."""
    heads, random = HEAD[begins_late:], Random(seed)
    whole = pair(heads, TRUNK, told_ns=(TOLD_NS,))
    state, parts = HeadState(), []
    head = trunk = 0
    while head < len(heads) or trunk < len(TRUNK):
        next_head = heads[head].start_ns if head < len(heads) else TRUNK[-1].start_ns
        ahead = (next_head - TRUNK[min(trunk, len(TRUNK) - 1)].start_ns) // 10**9
        if trunk == len(TRUNK) or (
            head < len(heads) and (ahead <= -4 or (ahead < 4 and random.random() < 0.5))
        ):
            new_head, new_trunk = heads[head : head + 1], TRUNK[:0]
        else:
            new_head, new_trunk = HEAD[:0], TRUNK[trunk : trunk + 1]
        head, trunk = head + len(new_head), trunk + len(new_trunk)
        told_ns = [TOLD_NS] if any(e.start_ns <= TOLD_NS < e.start_ns + 10**9 for e in new_trunk) else []
        state, outputs = head_step(state, new_head, new_trunk, settings(), told_ns=told_ns)
        parts.append(outputs)
        if random.random() < 0.1:
            state = HeadState.from_bytes(state.to_bytes())
    parts.append(head_finish(state, settings())[1])
    assert together(parts) == whole


def test_a_lost_clip_that_comes_back_is_judged_again() -> None:
    """Its late seconds of nothing change nothing; after them flexion is judged as before."""
    gone = [e for e in HEAD if not 40 <= seconds_of(e.start_ns) < 70]
    late = [replace(e, activity=Activity.GAP, received=0) for e in HEAD if 40 <= seconds_of(e.start_ns) < 70]
    state, parts = HeadState(), []
    for trunk in TRUNK:
        back = seconds_of(trunk.start_ns) == 72
        new = [e for e in gone if e.start_ns == trunk.start_ns]
        state, outputs = head_step(state, [*late, *new] if back else new, [trunk], settings())
        parts.append(outputs)
    parts.append(head_finish(state, settings())[1])
    outputs = together(parts)
    assert [seconds_of(e.start_ns) for e in outputs.epochs] == list(range(210))
    lost = [e for e in outputs.epochs if e.activity is Activity.GAP]
    assert [seconds_of(e.start_ns) for e in lost] == list(range(40, 70))
    assert {(e.posture, e.received) for e in lost} == {(Posture.UNKNOWN, 0)}
    (episode,) = outputs.episodes
    assert seconds_of(episode.onset_ns) == pytest.approx(71, abs=2)


def test_a_break_of_both_clips_ends_what_was_open() -> None:
    """Nothing is known of the time between, and what goes on after it begins anew."""
    cut_ns, later_ns = START_NS + 120 * 10**9, 3600 * 10**9
    head, trunk = (
        tuple(e if e.start_ns < cut_ns else replace(e, start_ns=e.start_ns + later_ns) for e in stream)
        for stream in (HEAD, TRUNK)
    )
    outputs = pair(head, trunk)
    assert len(outputs.epochs) == 210
    (first,) = outputs.episodes
    assert first.end is EpisodeEnd.CENSORED
    assert first.end_ns == cut_ns


def test_the_back_s_alert_silences_the_heads_for_a_while() -> None:
    """Told of the back a moment ago, the wearer is told of the head when the silence after an alert is over."""
    (alone_ns,) = [e.time_ns for e in pair(HEAD, TRUNK).events if e.kind is EventKind.HEAD_FORWARD_ALERT]
    by = settings(refractory_s=30.0)
    told_ns = alone_ns - 20 * 10**9
    (after_ns,) = [
        e.time_ns for e in pair(HEAD, TRUNK, by, (told_ns,)).events if e.kind is EventKind.HEAD_FORWARD_ALERT
    ]
    assert after_ns - told_ns == pytest.approx(30e9, abs=1e9)
    (episode,) = pair(HEAD, TRUNK, settings(), (TOLD_NS,)).episodes
    assert episode.alerts == 0


def test_without_the_heads_calibration_nothing_is_judged() -> None:
    """No calibration of the head clip, no flexion episode; what was quiet is uncalibrated, never good."""
    outputs = pair(HEAD, TRUNK, replace(settings(), calibration=None))
    assert not outputs.episodes
    assert {e.posture for e in outputs.epochs} == {Posture.UNKNOWN}
    assert Activity.UNCALIBRATED in {e.activity for e in outputs.epochs}
    assert CALIBRATION.threshold_deg == 10.0


def test_the_clip_on_the_head_alone_judges_nothing() -> None:
    """Its own epochs have the angle and no posture; nothing is told of a head that is bent for long."""
    by = alone(settings(), CALIBRATION, None)
    bent = run([samples([Held(30), Held(1500, 30.0, 8.0), Held(60)])], by)
    assert {e.posture for e in bent.epochs} == {Posture.UNKNOWN}
    assert [e.sagittal_deg for e in bent.epochs[60:1500]] == pytest.approx([30] * 1440, abs=1)
    assert (bent.events, bent.episodes) == ((), ())


@given(st.binary(max_size=60) | st.just(b'{"neckline_head_state":9}') | st.just(b'{"neckline_head_state":1}'))
def test_what_is_no_saved_state_is_refused(data: bytes) -> None:
    """And never half read."""
    with pytest.raises(StateError):
        HeadState.from_bytes(data)


@pytest.mark.parametrize("turned", [Held(700, -25.0), Held(700, 0.0, 12.0)], ids=["backward", "aside"])
def test_a_clip_on_the_head_that_turns_makes_the_flexion_unknown(turned: Held) -> None:
    """Ten minutes that no head is held for: suspect, and neither flexion nor an alert until the next calibration."""
    by = alone(settings(), CALIBRATION, None)
    worn = run([samples([Held(300), turned, Held(300, 45.0, turned.lateral_deg)])], by)
    (doubt,) = worn.events
    assert doubt.kind is EventKind.CALIBRATION_SUSPECT
    trunk = run([samples([Held(1300)], seed=3)], settings()).epochs
    outputs = pair(worn.epochs, trunk)
    assert not outputs.events
    after = [e for e in outputs.epochs if e.start_ns >= doubt.time_ns]
    assert len(after) >= 300
    assert {(e.activity, e.posture) for e in after} == {(Activity.UNCALIBRATED, Posture.UNKNOWN)}


def test_a_head_that_turns_quickly_or_is_bowed_for_long_has_not_slipped() -> None:
    """Quick turns look like knocks, and a bowed head is what the wearer is to be told of: neither is the clip's."""
    by = alone(settings(), CALIBRATION, None)
    glances = [Held(20, 8.0 * (k % 3), 8.0 * (k % 2), move_s=0.25) for k in range(60)]
    assert not run([samples([*glances, Held(900, 35.0), Held(900, -12.0, 6.0)])], by).events
