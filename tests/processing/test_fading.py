"""Alerts that become rarer as slouching does: from which weeks, how many, told in the evidence, the same in a replay."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from processing import fading
from processing.fading import COUNTS_S, STEPS, FadingState, fade
from processing.outputs import EventKind, Minute, Outputs
from processing.settings import Settings
from sensor.samples import SampleBlock
from tests.processing.people import START_NS, Held, run, samples, settings

WEEK_NS = 7 * 86400 * 10**9
MINUTE_NS = 60 * 10**9
MONDAY_NS = START_NS - START_NS % WEEK_NS + 4 * 86400 * 10**9
ALERT, ENDED = EventKind.SLOUCH_ALERT, EventKind.SLOUCH_ENDED


def after_weeks(*shares: float, judged_s: int = COUNTS_S, state: FadingState | None = None) -> FadingState:
    """Return the state in the first minute after weeks with these shares of slouching."""
    state = state or FadingState()
    for week, share in enumerate([*shares, None]):
        for minute in range(judged_s // 60 if share is not None else 1):
            slouched_s = 0 if share is None else round(60 * share)
            upright_s = 0 if share is None else 60 - slouched_s
            start_ns = MONDAY_NS + week * WEEK_NS + minute * MINUTE_NS
            state = fade(state, Minute(start_ns, 0, 0, 0, (), upright_s, slouched_s, 0, None, None))
    return state


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ((0.5,), (1, 1)),
        ((0.5, 0.45), (1, 1)),
        ((0.5, 0.4), (2, 3)),
        ((0.5, 0.4, 0.4), (1, 2)),
        ((0.5, 0.3, 0.3, 0.2, 0.2, 0.2), (1, 3)),
        ((0.5, 0.2, 0.3), (2, 3)),
        ((0.5, 0.2, 0.2, 0.35), (1, 1)),
        ((0.5, 0.2, 0.2, 0.35, 0.25), (2, 3)),
        ((0.0, 0.0, 0.0), (1, 2)),
    ],
)
def test_alerts_fade_with_progress_and_come_back_without(
    shares: tuple[float, ...], told: tuple[int, int]
) -> None:
    """A step for each week well below the first and not above the best; all again when it becomes much more."""
    assert after_weeks(*shares).told == told


def test_worse_is_noticed_within_the_week() -> None:
    """As soon as enough of the week was judged to say so: a bad week is not sat out with few alerts."""
    eased = after_weeks(0.5, 0.2, 0.2)
    assert eased.told == (1, 2)
    bad = [
        Minute(MONDAY_NS + 3 * WEEK_NS + k * MINUTE_NS, 0, 0, 0, (), 24, 36, 0, None, None)
        for k in range(COUNTS_S // 60)
    ]
    for minute in bad[:-1]:
        eased = fade(eased, minute)
    assert eased.told == (1, 2)
    assert fade(eased, bad[-1]).told == (1, 1)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_weeks_that_were_hardly_judged_say_nothing(shares: list[float]) -> None:
    """However they look, nothing fades by them."""
    assert after_weeks(*shares, judged_s=1800).told == (1, 1)


@given(st.sampled_from(range(len(STEPS))), st.integers(0, 1000))
def test_as_many_are_given_as_is_said(step: int, before: int) -> None:
    """So many of each round in a row, wherever it begins, and the first of a week always."""
    told, due = STEPS[step]
    given = [FadingState(step=step, due=before + k).gives_next for k in range(due)]
    assert sum(given) == told
    assert FadingState(step=step).gives_next


# ---- through the detector ------------------------------------------------------------------------------------------

QUICK = replace(settings(fading=True), hold_s=8.0, recovery_s=4.0, refractory_s=0.0, alerts_per_hour=60)
SHARES = ((40, 20), (15, 45), (12, 48), (12, 48))
"""Seconds slouched and upright in each of a week's rounds."""


def weeks(*rounds: tuple[int, int]) -> list[SampleBlock]:
    """Return six rounds of slouching and sitting up at the begin of each week."""
    return [
        samples(
            [Held(20), *(part for _ in range(6) for part in (Held(slouched, 20.0), Held(upright)))],
            start_ns=MONDAY_NS + week * WEEK_NS,
            seed=week,
        )
        for week, (slouched, upright) in enumerate(rounds)
    ]


def by_week(outputs: Outputs, kind: EventKind) -> list[int]:
    """Return how many events of a kind each week had."""
    found = [(e.time_ns - MONDAY_NS) // WEEK_NS for e in outputs.events if e.kind is kind]
    return [found.count(week) for week in range(len(SHARES))]


@pytest.fixture
def short_weeks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two judged minutes count as a week."""
    monkeypatch.setattr(fading, "COUNTS_S", 120)


@pytest.mark.usefixtures("short_weeks")
def test_the_detector_gives_fewer_and_says_so() -> None:
    """All slouches are episodes; of six alerts a week six, six, four, three are given; the others' ends say why not."""
    outputs = run(weeks(*SHARES), QUICK)
    assert by_week(outputs, ENDED) == [6, 6, 6, 6]
    assert by_week(outputs, ALERT) == [6, 6, 4, 3]
    told = [(e.evidence.told, e.evidence.due) for e in outputs.events if e.kind is ALERT and e.evidence]
    assert told == [(1, 1)] * 12 + [(2, 3)] * 4 + [(1, 2)] * 3
    notes = [e.note for e in outputs.events if e.kind is ENDED and e.note]
    assert (
        notes
        == ["not told: alerts fade, 2 of 3 are given"] * 2 + ["not told: alerts fade, 1 of 2 are given"] * 3
    )
    assert [episode.alerts for episode in outputs.episodes].count(0) == len(notes)


@pytest.mark.usefixtures("short_weeks")
def test_a_slouch_that_was_not_told_stays_untold() -> None:
    """However long it goes on, reminders or not: what is withheld does not come later."""
    blocks = weeks(*SHARES[:2])
    longer = samples(
        [Held(20), Held(12, 20.0), Held(40), Held(120, 20.0), Held(30)], start_ns=MONDAY_NS + 2 * WEEK_NS
    )
    outputs = run([*blocks, longer], replace(QUICK, reminder_s=20.0))
    assert [e.alerts for e in outputs.episodes][-2:] == [1, 0]


@pytest.mark.usefixtures("short_weeks")
@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_it_fades_alike_in_a_replay(data: st.DataObject) -> None:
    """However the samples are cut, and across saved states: to the last bit."""
    whole = weeks(*SHARES[:3])
    blocks = []
    for block in whole:
        cuts = sorted(data.draw(st.sets(st.integers(1, len(block) - 1), max_size=6)))
        blocks += [block[a:b] for a, b in pairwise([0, *cuts, len(block)])]
    saves = frozenset(data.draw(st.sets(st.integers(0, len(blocks)), max_size=4)))
    assert run(blocks, QUICK, save_after=saves) == run(whole, QUICK)


def test_nothing_fades_unless_asked() -> None:
    """It is opt-in."""
    assert not Settings().fading
    assert by_week(run(weeks(*SHARES), replace(QUICK, fading=False)), ALERT) == [6, 6, 6, 6]
