"""A clip that slips, is bumped, or is put on anew: alerts stop and a calibration is asked for, nothing is re-zeroed."""

from dataclasses import replace

import numpy as np
import pytest

from processing.calibration import calibrate
from processing.outputs import Activity, EventKind, Outputs
from processing.state import WearerState
from processing.step import finish, step
from sensor.samples import SampleBlock
from tests.processing.people import START_NS, Held, run, samples, seconds_of, settings, together

TRACKING = replace(settings(), break_after_s=None)


def suspects(outputs: Outputs) -> list[float]:
    """Return when the calibration became suspect, in seconds."""
    return [seconds_of(e.time_ns) for e in outputs.events if e.kind is EventKind.CALIBRATION_SUSPECT]


def test_a_slip_to_the_side_is_noticed_and_alerts_stop() -> None:
    """Ten judged minutes 9° to the side: suspect, and then neither posture nor alerts until a new calibration."""
    stream = samples([Held(300), Held(900, 0.0, 9.0), Held(300, 20.0, 9.0)])
    outputs = run([stream], TRACKING)
    (at_s,) = suspects(outputs)
    assert 300 + 6 * 60 <= at_s <= 300 + 11 * 60  # the median of ten minutes is on the other side after six
    after = [e for e in outputs.epochs if seconds_of(e.start_ns) >= at_s]
    assert {e.activity for e in after} == {Activity.UNCALIBRATED}
    assert not [e for e in outputs.events if e.kind is EventKind.SLOUCH_ALERT]
    assert "to the right" in next(e.note for e in outputs.events)


def test_sitting_a_little_askew_or_slumping_all_day_is_no_slip() -> None:
    """A lean within what people do, and an hour of slumping, leave the calibration alone: the finding stands."""
    askew = samples([Held(1500, 0.0, 4.0)])
    slumped = samples([Held(60), Held(3600, 20.0)])
    assert not suspects(run([askew], TRACKING))
    outputs = run([slumped], TRACKING)
    assert not suspects(outputs)
    assert outputs.episodes[0].duration_s > 3500


def test_a_knock_that_turns_the_clip_is_a_slip_and_nobody_is_alerted() -> None:
    """Turned by 14° in a knock: no alert, though it looks like a slouch, and after a judged minute it is suspect."""
    turned = _knocked(samples([Held(300), Held(900, 14.0, move_s=0.9)]), 300.5)
    outputs = run([turned], TRACKING)
    (at_s,) = suspects(outputs)
    assert 360 <= at_s <= 380
    assert "since a knock" in next(e.note for e in outputs.events if e.kind is EventKind.CALIBRATION_SUSPECT)
    assert not [e for e in outputs.events if e.kind is EventKind.SLOUCH_ALERT]


def test_a_knock_that_costs_the_signal_as_well_is_watched_on() -> None:
    """The second in which a turned clip would show it is lost: it is known no less a minute later, with no alert before."""
    turned = _knocked(samples([Held(300), Held(900, 14.0, move_s=0.9)]), 300.5)
    heard = (turned.time_ns < START_NS + 303 * 10**9) | (turned.time_ns >= START_NS + 306 * 10**9)
    assert turned.gyr_radps is not None
    outputs = run(
        [SampleBlock(turned.time_ns[heard], turned.acc_mps2[heard], turned.gyr_radps[heard], turned.rate_hz)],
        TRACKING,
    )
    (at_s,) = suspects(outputs)
    assert 360 <= at_s <= 380
    assert not [e for e in outputs.events if e.kind is EventKind.SLOUCH_ALERT]


def test_a_knock_that_turns_nothing_is_no_slip() -> None:
    """Knocked and then slouched, or knocked while getting up: the alert comes as ever, and nothing is suspect."""
    knocked = _knocked(samples([Held(300), Held(15), Held(100, 20.0)]), 300.5)
    stood_up = _knocked(
        samples([Held(300), Held(20, 14.0, shake_g=0.2, move_s=0.9), Held(100, 20.0, move_s=0.9)]), 300.5
    )
    for stream in (knocked, stood_up):
        outputs = run([stream], TRACKING)
        assert not suspects(outputs)
        assert [e.kind for e in outputs.events if e.kind is EventKind.SLOUCH_ALERT] == [
            EventKind.SLOUCH_ALERT
        ]


def test_put_on_anew_and_otherwise_than_calibrated() -> None:
    """The morning after, one judged minute is enough to see that the clip sits elsewhere; as before is fine."""
    evening = samples([Held(120)])
    for lateral_deg, expected in ((9.0, 1), (2.0, 0)):
        morning = samples([Held(180, 0.0, lateral_deg)], start_ns=START_NS + 10 * 3600 * 10**9)
        assert len(suspects(run([evening, morning], TRACKING))) == expected


def test_what_lay_on_the_desk_says_nothing_of_how_the_clip_was_put_on_anew() -> None:
    """Not worn for eleven minutes and put on 9° aside: a minute tells, whatever was counted before and on the desk."""
    aside = [Held(5, 0.0, 30.0, shake_g=0.2), Held(180, 0.0, 9.0)]
    for worn_s in (60, 80, 108):
        outputs = run([samples([Held(worn_s), Held(670, still_clip=True), *aside])], TRACKING)
        assert [e.kind for e in outputs.events] == [EventKind.NOT_WORN, EventKind.CALIBRATION_SUSPECT]
        assert suspects(outputs)[0] == pytest.approx(worn_s + 670 + 5 + 66, abs=6)


def recalibrated(
    before: SampleBlock, after: SampleBlock, *, before_that: SampleBlock | None = None
) -> Outputs:
    """Return what is found when another calibration, of how `after` sits, is in force from its first sample on."""
    state, parts = WearerState(), []
    renewed = replace(TRACKING, calibration=calibrate(after[: 5 * 50]))
    blocks = [(before, TRACKING), (after, renewed)]
    for block, by in [(before_that, TRACKING), *blocks] if before_that is not None else blocks:
        state, outputs = step(state, block, by)
        parts.append(outputs)
    return together([*parts, finish(state, renewed)[1]])


def test_a_new_calibration_is_trusted_again() -> None:
    """After a suspect calibration, judging goes on as soon as another one is in force."""
    outputs = recalibrated(samples([Held(1000, 0.0, 9.0)]), later(samples([Held(60, 0.0, 9.0)]), 1000))
    assert len(suspects(outputs)) == 1
    assert outputs.epochs[998].activity is Activity.UNCALIBRATED
    assert outputs.epochs[-1].activity is Activity.STILL


def test_a_new_calibration_is_not_doubted_for_the_angles_of_the_old_one() -> None:
    """Put on anew and calibrated within the first minute, or calibrated before a slip was noticed: it is trusted."""
    evening, day = samples([Held(120)]), 24 * 3600
    for so_far_s in (20, 35, 50):
        morning = later(samples([Held(so_far_s, 0.0, 14.0)]), day)
        renewed = later(samples([Held(1200, 0.0, 14.0)]), day + so_far_s)
        assert not suspects(recalibrated(morning, renewed, before_that=evening))
    slipped = samples([Held(300), Held(325, 0.0, 9.0)])
    assert not suspects(recalibrated(slipped, later(samples([Held(1200, 0.0, 9.0)]), 625)))


def later(block: SampleBlock, seconds: float) -> SampleBlock:
    """Return the block so much later."""
    return replace(block, time_ns=block.time_ns + round(seconds * 1e9))


def _knocked(block: SampleBlock, at_s: float) -> SampleBlock:
    """Return the block with a knock of 2 g for 40 ms."""
    acc = block.acc_mps2.copy()
    row = int(np.searchsorted(block.time_ns, START_NS + round(at_s * 1e9)))
    acc[row : row + 2] *= 2.0
    return SampleBlock(block.time_ns, acc, block.gyr_radps, block.rate_hz)
