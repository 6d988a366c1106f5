"""When the wearer is told, and what an alert rests on."""

from dataclasses import replace

import pytest

from processing.outputs import EventKind, Outputs, Stance
from processing.settings import Mode
from tests.processing.people import CALIBRATION, START_NS, Held, run, samples, seconds_of, settings

SLOUCHES = [part for _ in range(10) for part in (Held(90, 20.0), Held(60))]


def alerts(outputs: Outputs) -> list[float]:
    """Return the alerts' times in seconds since the start."""
    return [seconds_of(e.time_ns) for e in outputs.events if e.kind is EventKind.SLOUCH_ALERT]


@pytest.mark.parametrize("mode", [Mode.TRACK, Mode.OFF])
def test_who_wants_no_alerts_is_recorded_all_the_same(mode: Mode) -> None:
    """Tracked, or with alerts off: all is as it is with them, to the last bit, but alerts and breaks."""
    whole = [samples([Held(20), *SLOUCHES, Held(1300)])]
    outputs, told = (run(whole, replace(settings(), mode=each)) for each in (mode, Mode.COACH))
    assert {e.kind for e in told.events} - {e.kind for e in outputs.events} == {
        EventKind.SLOUCH_ALERT,
        EventKind.BREAK_PROMPT,
    }
    assert outputs.events == tuple(e for e in told.events if e.kind in {e.kind for e in outputs.events})
    assert outputs.epochs == told.epochs
    assert [replace(episode, alerts=0) for episode in told.episodes] == list(outputs.episodes)
    assert len(outputs.episodes) == 10


def test_no_more_alerts_than_the_cap_in_any_hour() -> None:
    """Thirty slouches in 75 minutes with a cap of four: four alerts an hour, the fifth an hour after the first."""
    outputs = run(
        [samples([Held(20), *SLOUCHES, *SLOUCHES, *SLOUCHES])], replace(settings(), alerts_per_hour=4)
    )
    times = alerts(outputs)
    assert len(outputs.episodes) == 30
    for first, fifth in zip(times, times[4:], strict=False):
        assert fifth - first >= 3600
    assert len(times) == 8


def test_alerts_only_in_the_scheduled_hours() -> None:
    """Outside the windows nothing is told; a slouch that lasts into one is told at its beginning."""
    windows = ((START_NS + 200 * 10**9, START_NS + 300 * 10**9),)
    outputs = run(
        [samples([Held(20), Held(500, 20.0), Held(20)])], replace(settings(), alert_windows_ns=windows)
    )
    assert alerts(outputs) == pytest.approx([200], abs=0.05)
    late = run(
        [samples([Held(320), Held(500, 20.0), Held(20)])], replace(settings(), alert_windows_ns=windows)
    )
    assert not alerts(late)
    assert len(late.episodes) == 1


def test_a_snooze_ends_as_another_alert_is_heard_of_and_cuts_do_not_matter() -> None:
    """At 90.5 s the snooze is over, at 90.3 s the head's alert of 82.3 s was heard of: two minutes of silence follow."""
    stream = samples([Held(20), Held(220, 22.0)])
    snoozed = replace(
        settings(),
        snoozed_until_ns=START_NS + 90_500_000_000,
        told_beside_ns=(START_NS + 82_300_000_000,),
    )
    for rows in (1, 5, len(stream)):
        blocks = [stream[begin : begin + rows] for begin in range(0, len(stream), rows)]
        assert alerts(run(blocks, snoozed)) == pytest.approx([202.3], abs=0.05)


def test_a_break_is_prompted_after_long_stillness_of_any_posture() -> None:
    """Fifty minutes of sitting well still ask for a break; a short walk in between starts the count anew."""
    outputs = run([samples([Held(3000)])], settings())
    assert [e.kind for e in outputs.events] == [EventKind.BREAK_PROMPT]
    assert seconds_of(outputs.events[0].time_ns) == pytest.approx(2700, abs=2)
    walked = samples([Held(2000), Held(40, step_g=0.15), Held(1, 25.0, move_s=1), Held(1500, move_s=1)])
    assert not run([walked], settings()).events


def test_an_alert_says_what_it_rests_on() -> None:
    """Threshold, hold, angles, judged and unknown time, completeness, and the calibration with its age."""
    outputs = run([samples([Held(20), Held(100, 20.0), Held(20)])], settings())
    (evidence,) = [e.evidence for e in outputs.events if e.evidence]
    assert (evidence.threshold_deg, evidence.hold_s, evidence.stance) == (10.0, 60.0, Stance.SITTING)
    assert evidence.mean_deg == pytest.approx(20, abs=0.5)
    assert evidence.peak_deg == pytest.approx(20, abs=0.7)
    assert evidence.judged_s == pytest.approx(60, abs=1)
    assert (evidence.unknown_s, evidence.received) == (0, 1)
    assert evidence.calibration_id == CALIBRATION.calibration_id
    assert evidence.calibration_age_s == pytest.approx(20 + 61 + 55, abs=1)
