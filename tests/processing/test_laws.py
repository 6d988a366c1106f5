"""The laws of the house that `step` must carry: replay is live, unknown is never good, the balance closes."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.outputs import Activity, EventKind, Posture
from processing.settings import Settings
from sensor.samples import SampleBlock
from tests.processing.people import CALIBRATION, START_NS, Held, run, samples

QUICK = Settings(
    calibration=CALIBRATION,
    hold_s=8.0,
    recovery_s=3.0,
    refractory_s=5.0,
    session_break_s=60.0,
    break_after_s=15.0,
    not_worn_after_s=6,
    vehicle_after_s=4,
    bend_limit_s=5,
    standing_limit_s=10,
)
SLOUCH_EVENTS = {EventKind.SLOUCH_STARTED, EventKind.SLOUCH_ALERT, EventKind.SLOUCH_ENDED}
BOTH = replace(QUICK, standing=replace(CALIBRATION, calibration_id="c-standing", threshold_deg=12.0))


@st.composite
def damaged_streams(draw: st.DrawFn) -> SampleBlock:
    """Make a wearer's stream with stalls, losses, damaged rows, duplicates and a clock set back."""
    poses = draw(
        st.lists(
            st.builds(
                Held,
                seconds=st.floats(1.0, 15.0),
                sagittal_deg=st.sampled_from([0.0, 7.0, 12.0, 25.0, 80.0]),
                lateral_deg=st.sampled_from([0.0, 10.0]),
                shake_g=st.sampled_from([0.0, 0.0, 0.02, 0.1]),
                step_g=st.sampled_from([0.0, 0.0, 0.0, 0.15]),
            ),
            min_size=2,
            max_size=6,
        )
    )
    whole = samples(poses, start_ns=START_NS + draw(st.integers(0, 10**9)))
    n = len(whole)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    time_ns, acc = whole.time_ns.copy(), whole.acc_mps2.copy()
    for _ in range(draw(st.integers(0, 3))):
        # Stalls from shorter than a bridge to longer than a break between sessions.
        stall_s = draw(st.sampled_from([0.05, 0.4, 1.5, 4.0, 7.0, 61.0, 200.0]))
        time_ns[rng.integers(n) :] += round(stall_s * 1e9)
    keep = rng.random(n) >= draw(st.sampled_from([0.0, 0.1, 0.6]))
    acc[rng.random(n) < draw(st.sampled_from([0.0, 0.05]))] = np.nan
    if draw(st.booleans()):
        begin = rng.integers(n)
        acc[begin : begin + rng.integers(1, 120)] = np.inf
    if draw(st.booleans()):
        # Nobody wears the clip.
        begin = rng.integers(n)
        acc[begin : begin + 600] = acc[begin]
    if draw(st.booleans()):
        time_ns[rng.integers(n) : rng.integers(n)] -= rng.integers(0, 3 * 10**9)
    if not keep.any():
        keep[0] = True
    gyr = whole.gyr_radps
    assert gyr is not None
    return SampleBlock(time_ns[keep], acc[keep], gyr[keep], whole.rate_hz)


@settings(max_examples=150, deadline=None)
@given(stream=damaged_streams(), with_settings=st.sampled_from([QUICK, BOTH, Settings()]), data=st.data())
def test_replay_is_live(stream: SampleBlock, with_settings: Settings, data: st.DataObject) -> None:
    """The same samples give the same outputs to the last bit, however cut and wherever saved and restored."""
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(stream) - 1)), max_size=40)))
    bounds = [0, *cuts, len(stream)]
    blocks = [stream[a:b] for a, b in pairwise(bounds)]
    saves = frozenset(data.draw(st.sets(st.integers(0, len(blocks)), max_size=10)))
    assert run(blocks, with_settings, save_after=saves) == run([stream], with_settings)


def test_replay_is_live_for_single_samples() -> None:
    """One sample at a time, saved and restored after each, gives what the whole gives."""
    stream = samples([Held(4), Held(14, 20.0), Held(6)])
    blocks = [stream[i : i + 1] for i in range(len(stream))]
    assert run(blocks, QUICK, save_after=frozenset(range(len(blocks)))) == run([stream], QUICK)


@settings(max_examples=150, deadline=None)
@given(stream=damaged_streams())
def test_unknown_is_never_good_and_the_balance_closes(stream: SampleBlock) -> None:
    """Posture is known exactly when the wearer is still, every second has one epoch, and all samples are counted."""
    outputs = run([stream], QUICK)
    for epoch in outputs.epochs:
        assert (epoch.posture is Posture.UNKNOWN) == (epoch.activity is not Activity.STILL)
        assert 0 <= epoch.confidence <= 1
        if epoch.activity in {Activity.STILL, Activity.GAP, Activity.UNCALIBRATED}:
            assert (epoch.sagittal_deg is None) == (epoch.activity is not Activity.STILL)
    ahead = stream.time_ns > np.maximum.accumulate(np.concatenate(([-1], stream.time_ns[:-1])))
    good = np.isfinite(stream.acc_mps2).all(axis=1)
    assert sum(e.received for e in outputs.epochs) == (ahead & good).sum()
    assert sum(e.corrupt for e in outputs.epochs) == (ahead & ~good).sum()
    times = stream.time_ns[ahead]
    steps_s = np.diff(times) / 1e9
    within = steps_s[steps_s <= QUICK.session_break_s]
    lost = np.maximum(0, np.rint(within * stream.rate_hz).astype(int) - 1).sum()
    assert sum(e.missing for e in outputs.epochs) == lost
    starts = np.array([e.start_ns for e in outputs.epochs]) // 10**9
    breaks = (steps_s > QUICK.session_break_s).sum()
    assert (np.diff(starts) >= 1).all()
    assert (np.diff(starts) > 1).sum() == breaks
    for total in ("received", "missing", "corrupt"):
        assert sum(getattr(m, total) for m in outputs.minutes) == sum(
            getattr(e, total) for e in outputs.epochs
        )
    assert sum(m.upright_s + m.slouched_s + m.unknown_s for m in outputs.minutes) == len(outputs.epochs)
    assert sum(n for m in outputs.minutes for _, n in m.activity_s) == len(outputs.epochs)


@settings(max_examples=150, deadline=None)
@given(stream=damaged_streams())
def test_one_slouch_is_one_episode_and_at_most_one_alert(stream: SampleBlock) -> None:
    """Episodes never overlap, last for the hold at least, and each has one start, one end and at most one alert."""
    outputs = run([stream], QUICK)
    kinds = [(e.kind, e.onset_ns) for e in outputs.events if e.kind in SLOUCH_EVENTS]
    for episode in outputs.episodes:
        assert episode.end_ns >= episode.onset_ns
        assert episode.alerts == kinds.count((EventKind.SLOUCH_ALERT, episode.onset_ns)) <= 1
        assert kinds.count((EventKind.SLOUCH_STARTED, episode.onset_ns)) == 1
        assert kinds.count((EventKind.SLOUCH_ENDED, episode.onset_ns)) == 1
        started = next(e for e in outputs.events if e.onset_ns == episode.onset_ns)
        assert started.time_ns - episode.onset_ns >= QUICK.hold_s * 1e9
    assert len(kinds) == sum(2 + e.alerts for e in outputs.episodes)
    for before, after in pairwise(outputs.episodes):
        assert before.end_ns <= after.onset_ns


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(
        st.tuples(
            st.integers(-(2**61), 2**61),
            st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=6, max_size=6),
        ),
        max_size=30,
    ),
    rate_hz=st.sampled_from([10.0, 50.0, 800.0]),
    calibrated=st.booleans(),
)
def test_rubbish_never_raises(
    values: list[tuple[int, list[float]]], rate_hz: float, calibrated: bool
) -> None:
    """Whatever a clip sends, `step` gives an answer, and none of it is called upright for lack of knowledge."""
    block = SampleBlock(
        np.array([t for t, _ in values], np.int64),
        np.array([v[:3] for _, v in values], float).reshape(-1, 3),
        np.array([v[3:] for _, v in values], float).reshape(-1, 3),
        rate_hz,
    )
    outputs = run([block], Settings(calibration=CALIBRATION if calibrated else None))
    for epoch in outputs.epochs:
        assert epoch.posture is Posture.UNKNOWN or epoch.activity is Activity.STILL
