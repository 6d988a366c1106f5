"""The laws of the house that `step` must carry: replay is live, unknown is never good, the balance closes."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.outputs import Activity, EventKind, Outputs, Posture
from processing.settings import Settings
from processing.state import WearerState
from processing.step import finish, step, step_many
from sensor.samples import STANDARD_GRAVITY_MPS2, SampleBlock
from tests.processing.people import CALIBRATION, START_NS, Held, run, samples, together

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
BESIDE = replace(QUICK, told_beside_ns=tuple(START_NS + s * 10**9 for s in (1, 9, 14, 31)))
BOTH = replace(QUICK, standing=replace(CALIBRATION, calibration_id="c-standing", threshold_deg=12.0))


def damaged(whole: SampleBlock, draw: st.DrawFn) -> SampleBlock:
    """Return a block with stalls, losses, damaged and swapped rows, a clock set back, a clip at its limits or dead."""
    n, rng = len(whole), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    time_ns, acc = whole.time_ns.copy(), whole.acc_mps2.copy()
    gyr = None if whole.gyr_radps is None else whole.gyr_radps.copy()
    for _ in range(draw(st.integers(0, 3))):
        # Stalls from shorter than a bridge to longer than a break between sessions.
        stall_s = draw(st.sampled_from([0.05, 0.4, 1.5, 4.0, 7.0, 61.0, 200.0]))
        time_ns[rng.integers(n) :] += round(stall_s * 1e9)
    keep = rng.random(n) >= draw(st.sampled_from([0.0, 0.1, 0.6]))
    acc[rng.random(n) < draw(st.sampled_from([0.0, 0.05]))] = np.nan
    begin = rng.integers(n)
    match draw(st.sampled_from(["whole", "whole", "broken", "stuck", "dead axis", "saturated"])):
        case "broken":
            acc[begin : begin + rng.integers(1, 120)] = np.inf
        case "stuck":
            acc[begin : begin + 600] = acc[begin]
            if gyr is not None:
                gyr[begin : begin + 600] = 0
        case "dead axis":
            acc[:, rng.integers(3)] = draw(st.sampled_from([0.0, 2 * STANDARD_GRAVITY_MPS2]))
        case "saturated":
            acc[begin : begin + 300] *= 3
            np.clip(acc, -2 * STANDARD_GRAVITY_MPS2, 2 * STANDARD_GRAVITY_MPS2, out=acc)
        case _:
            pass
    if draw(st.booleans()):
        time_ns[rng.integers(n) : rng.integers(n)] -= rng.integers(0, 3 * 10**9)
    order = np.arange(n)
    if draw(st.booleans()):
        # Rows come late, by up to eight places.
        order = np.argsort(order + rng.integers(0, 9, n) * (rng.random(n) < 0.1), kind="stable")
    rows = order[keep[order]] if keep.any() else order[:1]
    return SampleBlock(time_ns[rows], acc[rows], None if gyr is None else gyr[rows], whole.rate_hz)


@st.composite
def streams(draw: st.DrawFn) -> list[SampleBlock]:
    """Make a wearer's stream, damaged; its rate may change, and the gyroscope may be missing."""
    blocks = []
    start_ns = START_NS + draw(st.integers(0, 10**9))
    for rate_hz in draw(
        st.sampled_from([[50.0], [50.0], [10.0], [50.0, 100.0], [25.0, 800.0], [50.0, 10.0, 50.0]])
    ):
        poses = draw(
            st.lists(
                st.builds(
                    Held,
                    seconds=st.floats(1.0, 15.0 if rate_hz < 400 else 2.0),
                    sagittal_deg=st.sampled_from([0.0, 7.0, 12.0, 25.0, 80.0]),
                    lateral_deg=st.sampled_from([0.0, 10.0]),
                    shake_g=st.sampled_from([0.0, 0.0, 0.02, 0.1]),
                    step_g=st.sampled_from([0.0, 0.0, 0.0, 0.15]),
                ),
                min_size=2,
                max_size=6,
            )
        )
        whole = samples(poses, start_ns=start_ns, rate_hz=rate_hz)
        start_ns = int(whole.time_ns[-1]) + round(1e9 / rate_hz)
        if draw(st.sampled_from([False, False, False, True])):
            whole = replace(whole, gyr_radps=None)
        blocks.append(damaged(whole, draw))
    return blocks


@st.composite
def cut(draw: st.DrawFn, stream: list[SampleBlock]) -> list[SampleBlock]:
    """Cut a stream anywhere."""
    blocks = []
    for whole in stream:
        cuts = sorted(draw(st.sets(st.integers(1, max(1, len(whole) - 1)), max_size=40)))
        blocks += [whole[a:b] for a, b in pairwise([0, *cuts, len(whole)])]
    return blocks


ANY_SETTINGS = st.sampled_from([QUICK, BOTH, BESIDE, Settings()])


@settings(max_examples=150, deadline=None)
@given(
    stream=streams(),
    with_settings=ANY_SETTINGS,
    patience_s=st.sampled_from([1.0, 1.0, 3.0, 7.0, 60.0]),
    data=st.data(),
)
def test_replay_is_live(
    stream: list[SampleBlock], with_settings: Settings, patience_s: float, data: st.DataObject
) -> None:
    """The same samples give the same outputs to the last bit: however cut, saved and restored, with any patience."""
    blocks = data.draw(cut(stream))
    saves = frozenset(data.draw(st.sets(st.integers(0, len(blocks)), max_size=10)))
    patient = replace(with_settings, patience_s=patience_s)
    assert run(blocks, patient, save_after=saves) == run(stream, with_settings)


def test_replay_is_live_for_single_samples() -> None:
    """One sample at a time, saved and restored after each, gives what the whole gives."""
    stream = samples([Held(4), Held(14, 20.0), Held(6)])
    blocks = [stream[i : i + 1] for i in range(len(stream))]
    assert run(blocks, QUICK, save_after=frozenset(range(len(blocks)))) == run([stream], QUICK)


@settings(max_examples=40, deadline=None)
@given(wearers=st.lists(st.tuples(streams(), ANY_SETTINGS), min_size=1, max_size=4), data=st.data())
def test_many_wearers_at_once_are_as_each_alone(
    wearers: list[tuple[list[SampleBlock], Settings]], data: st.DataObject
) -> None:
    """A round of blocks of several wearers gives each what it would have got alone."""
    queues = [data.draw(cut(stream)) for stream, _ in wearers]
    alone = [run(blocks, with_settings) for blocks, (_, with_settings) in zip(queues, wearers, strict=True)]
    states = [WearerState() for _ in wearers]
    parts: list[list[Outputs]] = [[] for _ in wearers]
    for number in range(max(map(len, queues))):
        busy = [n for n, blocks in enumerate(queues) if number < len(blocks)]
        answers = step_many([(states[n], queues[n][number], wearers[n][1]) for n in busy])
        for n, (state, outputs) in zip(busy, answers, strict=True):
            states[n] = state
            parts[n].append(outputs)
    for of, state, (_, with_settings) in zip(parts, states, wearers, strict=True):
        of.append(finish(state, with_settings)[1])
    assert [together(of) for of in parts] == alone


@settings(max_examples=30, deadline=None)
@given(stream=streams(), with_settings=ANY_SETTINGS, data=st.data())
def test_a_state_is_a_value(stream: list[SampleBlock], with_settings: Settings, data: st.DataObject) -> None:
    """A step leaves the state it is given as it was, so that it can be taken again."""
    state = WearerState()
    for block in data.draw(cut(stream)):
        before = state.to_bytes()
        after, outputs = step(state, block, with_settings)
        assert state.to_bytes() == before
        again, same = step(state, block, with_settings)
        assert (again.to_bytes(), same) == (after.to_bytes(), outputs)
        assert after.now(with_settings).time_ns == (after.last_ns or 0)
        state = after


@settings(max_examples=150, deadline=None)
@given(stream=streams())
def test_unknown_is_never_good_and_the_balance_closes(stream: list[SampleBlock]) -> None:
    """Posture is known exactly when the wearer is still, every second has one epoch, and all samples are counted."""
    outputs = run(stream, QUICK)
    for epoch in outputs.epochs:
        assert (epoch.posture is Posture.UNKNOWN) == (epoch.activity is not Activity.STILL)
        assert 0 <= epoch.confidence <= 1
        if epoch.activity in {Activity.STILL, Activity.GAP, Activity.UNCALIBRATED}:
            assert (epoch.sagittal_deg is None) == (epoch.activity is not Activity.STILL)
    time_ns = np.concatenate([block.time_ns for block in stream])
    rate_hz = np.concatenate([np.full(len(block), block.rate_hz) for block in stream])
    ahead = time_ns > np.maximum.accumulate(np.concatenate(([-1], time_ns[:-1])))
    good = np.concatenate([np.isfinite(block.acc_mps2).all(axis=1) for block in stream])
    assert sum(e.received for e in outputs.epochs) == (ahead & good).sum()
    assert sum(e.corrupt for e in outputs.epochs) == (ahead & ~good).sum()
    steps_ns = np.diff(time_ns[ahead])
    within = steps_ns <= QUICK.session_break_s * 1e9
    # Half a period more or less is anyone's guess: rounded as the product rounds.
    lost = np.maximum(0, np.rint(steps_ns * (rate_hz[ahead][1:] / 1e9)).astype(int) - 1)[within].sum()
    assert sum(e.missing for e in outputs.epochs) == lost
    starts = np.array([e.start_ns for e in outputs.epochs]) // 10**9
    assert (np.diff(starts) >= 1).all()
    assert (np.diff(starts) > 1).sum() == (~within).sum()
    for total in ("received", "missing", "corrupt"):
        assert sum(getattr(m, total) for m in outputs.minutes) == sum(
            getattr(e, total) for e in outputs.epochs
        )
    assert sum(m.upright_s + m.slouched_s + m.unknown_s for m in outputs.minutes) == len(outputs.epochs)
    assert sum(n for m in outputs.minutes for _, n in m.activity_s) == len(outputs.epochs)


@settings(max_examples=150, deadline=None)
@given(stream=streams())
def test_one_slouch_is_one_episode_and_at_most_one_alert(stream: list[SampleBlock]) -> None:
    """Episodes never overlap, last for the hold at least, and each has one start, one end and at most one alert."""
    outputs = run(stream, QUICK)
    kinds = [(e.kind, e.onset_ns) for e in outputs.events if e.kind in SLOUCH_EVENTS]
    for episode in outputs.episodes:
        assert episode.end_ns >= episode.onset_ns
        assert episode.alerts == kinds.count((EventKind.SLOUCH_ALERT, episode.onset_ns)) <= 1
        assert kinds.count((EventKind.SLOUCH_STARTED, episode.onset_ns)) == 1
        assert kinds.count((EventKind.SLOUCH_ENDED, episode.onset_ns)) == 1
        started = next(
            e for e in outputs.events if (e.kind, e.onset_ns) == (EventKind.SLOUCH_STARTED, episode.onset_ns)
        )
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
