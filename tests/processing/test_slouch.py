"""Sustained slouches of synthetic wearers: onset, hold, alert, recovery, dips, and what was not seen."""

from dataclasses import replace

import numpy as np
import pytest

from processing.outputs import EpisodeEnd, EventKind, Posture
from processing.settings import Settings
from processing.slouch import EPISODE_OPEN, TRANSITIONS, Phase, Signal
from processing.state import WearerState
from processing.step import finish, step
from sensor.samples import SampleBlock
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


def without(block: SampleBlock, from_s: float, to_s: float) -> SampleBlock:
    """Return the block without the samples of a time: they never arrived."""
    at_s = (block.time_ns - START_NS) / 1e9
    keep = (at_s < from_s) | (at_s >= to_s)
    assert block.gyr_radps is not None
    return SampleBlock(block.time_ns[keep], block.acc_mps2[keep], block.gyr_radps[keep], block.rate_hz)


def test_one_long_slouch_is_one_episode_with_one_alert() -> None:
    """Ten minutes of slouching: one start, one alert one minute after the onset, one end where the wearer sat up."""
    outputs = run([samples([Held(20), Held(600, 20.0), Held(30)])], settings())
    (episode,) = outputs.episodes
    assert seconds_of(episode.onset_ns) == pytest.approx(20.75, abs=0.3)  # half way up a 20° tilt of 1.5 s
    assert seconds_of(episode.end_ns) == pytest.approx(620.9, abs=0.4)  # below 6° on the way back
    assert (episode.end, episode.alerts) == (EpisodeEnd.SEEN, 1)
    assert episode.peak_deg == pytest.approx(20, abs=0.5)
    assert episode.mean_deg == pytest.approx(20, abs=0.5)
    started, alert, ended = outputs.events
    assert (started.kind, alert.kind, ended.kind) == (
        EventKind.SLOUCH_STARTED,
        EventKind.SLOUCH_ALERT,
        EventKind.SLOUCH_ENDED,
    )
    assert alert.time_ns - episode.onset_ns == pytest.approx(
        60e9, abs=0.02e9
    )  # the hold is right to one sample
    assert ended.end_ns == episode.end_ns


@pytest.mark.parametrize(
    ("poses", "episodes"),
    [
        ([Held(20), Held(50, 20.0), Held(30)], 0),  # shorter than the hold
        (
            [Held(20), Held(40, 20.0), Held(2, 0.0, move_s=0.4), Held(40, 20.0), Held(30)],
            1,
        ),  # a dip is no rest
        ([Held(20), Held(40, 20.0), Held(8), Held(40, 20.0), Held(30)], 0),  # eight seconds upright are
        (
            [Held(20), Held(90, 20.0), Held(6), Held(90, 20.0), Held(30)],
            1,
        ),  # too short to end an open episode
        ([Held(20), Held(90, 20.0), Held(20), Held(90, 20.0), Held(30)], 2),
        ([Held(20), Held(300, 8.0), Held(30)], 0),  # below the threshold
        ([Held(20), Held(5, 14.0), Held(120, 8.0), Held(30)], 1),  # between off and on: still slouched
        ([Held(20), Held(300, 0.0, 25.0), Held(30)], 0),  # leaning to the side is no slouch
        ([Held(20), Held(300, -25.0), Held(30)], 0),  # nor is leaning back
    ],
)
def test_what_counts_as_one_sustained_slouch(poses: list[Held], episodes: int) -> None:
    """Dips shorter than 3 s and recoveries shorter than 10 s do not cut a slouch; hysteresis holds it."""
    outputs = run([samples(poses)], settings())
    assert len(outputs.episodes) == episodes
    assert sum(e.kind is EventKind.SLOUCH_ALERT for e in outputs.events) == episodes


def test_a_short_gap_freezes_the_hold_and_a_long_one_censors() -> None:
    """Two seconds without samples cost the hold their time; ten end the episode where it was last seen."""
    whole = samples([Held(20), Held(200, 20.0), Held(30)])
    (plain,) = run([whole], settings()).episodes
    short = run([without(whole, 40.2, 42.2)], settings())
    (episode,) = short.episodes
    alert = next(e for e in short.events if e.kind is EventKind.SLOUCH_ALERT)
    # Frozen from the last sample until the wearer is judged still again: the gap and the seconds it spoils.
    assert 62e9 <= alert.time_ns - plain.onset_ns <= 65e9
    assert episode.end is EpisodeEnd.SEEN
    long = run([without(whole, 120, 130)], settings())
    first = long.episodes[0]
    assert first.end is EpisodeEnd.CENSORED
    assert seconds_of(first.end_ns) == pytest.approx(120, abs=0.05)
    assert first.alerts == 1


def test_a_gap_while_recovering_does_not_move_the_end() -> None:
    """The wearer sat up when they sat up, however much of the time after it is not known."""
    whole = samples([Held(30), Held(90, 20.0), Held(60)])
    (plain,) = run([whole], settings()).episodes
    (episode,) = run([without(whole, 125, 130)], settings()).episodes
    assert episode.end is EpisodeEnd.SEEN
    assert episode.end_ns == plain.end_ns


def test_another_calibration_ends_an_open_slouch() -> None:
    """Other zeros, other angles: what was open ends as not seen, and what follows is judged by the new one alone."""
    stream = samples([Held(20), Held(300, 20.0), Held(30)])
    state, first = step(WearerState(), stream[: 100 * 50], settings())
    moved = replace(settings(), calibration=replace(CALIBRATION, calibration_id="c-new"))
    state, second = step(state, stream[100 * 50 :], moved)
    outputs = together([first, second, finish(state, moved)[1]])
    one, other = outputs.episodes
    assert one.end is EpisodeEnd.CENSORED
    assert seconds_of(one.end_ns) == pytest.approx(99)  # the last second was not judged yet
    assert (one.calibration_id, other.calibration_id) == (CALIBRATION.calibration_id, "c-new")
    assert other.onset_ns >= one.end_ns
    alerts = [e.evidence.calibration_id for e in outputs.events if e.evidence]
    assert alerts == [CALIBRATION.calibration_id, "c-new"]


def test_quiet_while_moving_lying_and_uncalibrated() -> None:
    """No alert and no known posture while walking bent, lying down, or without a calibration."""
    walking = samples([Held(20), Held(120, 20.0, shake_g=0.12), Held(20)])
    lying = samples([Held(20), Held(120, 85.0), Held(20)])
    for outputs in (run([walking], settings()), run([lying], settings()), run([walking], Settings())):
        assert not outputs.events
        assert all(e.posture is Posture.UNKNOWN for e in outputs.epochs[30:130])


def test_snooze_holds_alerts_back_and_ends_by_itself() -> None:
    """While snoozed an episode is recorded and nobody is told; a slouch that outlasts the snooze is told once."""
    stream = samples([Held(20), Held(200, 20.0), Held(30)])
    until_ns = START_NS + 150 * 10**9
    outputs = run([stream], settings(snoozed_until_ns=until_ns))
    (alert,) = [e for e in outputs.events if e.kind is EventKind.SLOUCH_ALERT]
    assert alert.time_ns == pytest.approx(until_ns, abs=0.02e9)
    snoozed = run([stream], settings(snoozed_until_ns=START_NS + 3600 * 10**9))
    assert [e.kind for e in snoozed.events] == [EventKind.SLOUCH_STARTED, EventKind.SLOUCH_ENDED]
    assert len(snoozed.episodes) == 1


def test_refractory_time_and_reminder() -> None:
    """A second slouch soon after an alert waits for the refractory time; a reminder repeats within one episode."""
    twice = samples([Held(20), Held(65, 20.0), Held(15), Held(120, 20.0), Held(30)])
    first, second = [e for e in run([twice], settings()).events if e.kind is EventKind.SLOUCH_ALERT]
    assert second.time_ns - first.time_ns == pytest.approx(120e9, abs=0.02e9)
    long = samples([Held(20), Held(400, 20.0), Held(30)])
    alerts = [e for e in run([long], settings(reminder_s=150.0)).events if e.kind is EventKind.SLOUCH_ALERT]
    assert np.diff([e.time_ns for e in alerts]) == pytest.approx([150e9] * 2, abs=0.02e9)


def test_an_open_episode_ends_with_the_samples() -> None:
    """A recording that stops in the middle of a slouch leaves a censored episode, not a lost one."""
    outputs = run([samples([Held(20), Held(100, 20.0)])], settings())
    (episode,) = outputs.episodes
    assert episode.end is EpisodeEnd.CENSORED
    assert seconds_of(episode.end_ns) == pytest.approx(120, abs=0.05)


def test_a_break_between_sessions_ends_everything() -> None:
    """A night without the clip leaves no gap epochs, and what was open ended the evening before."""
    evening = samples([Held(20), Held(100, 20.0)])
    morning = samples([Held(60)], start_ns=START_NS + 9 * 3600 * 10**9)
    outputs = run([evening, morning], settings())
    assert len(outputs.epochs) == 120 + 60
    assert outputs.episodes[0].end is EpisodeEnd.CENSORED
    assert run([evening], settings()).episodes == outputs.episodes


def test_the_table_is_whole() -> None:
    """Every phase can be entered and left, and what leads out of an open episode goes through its end."""
    for phase in Phase:
        assert any(after is phase for after in TRANSITIONS.values())
        assert any(before is phase for before, _ in TRANSITIONS)
    closing = {s for (p, s), after in TRANSITIONS.items() if p in EPISODE_OPEN and after not in EPISODE_OPEN}
    assert closing == {Signal.UPRIGHT_LONG, Signal.LOST}


def test_an_override_of_the_threshold_wins() -> None:
    """A threshold set by the wearer takes the place of the calibrated one."""
    stream = samples([Held(20), Held(120, 12.0), Held(30)])
    assert len(run([stream], settings()).episodes) == 1
    assert not run([stream], settings(threshold_deg=15.0)).episodes
    wide = Settings(calibration=replace(CALIBRATION, threshold_deg=15.0))
    assert not run([stream], wide).episodes
