"""Seconds that are more of the same take the quick way, and nothing else does."""

from dataclasses import replace
from itertools import pairwise

import pytest

import processing.work
from processing.activity import Facts, GateState, Verdict, decide
from processing.outputs import EventKind, Outputs
from processing.settings import Settings
from processing.state import WearerState
from processing.step import step
from sensor.samples import SampleBlock
from tests.processing.people import Held, run, samples, settings

DAY = [
    Held(70, 3.0),
    Held(100, 22.0),
    Held(40, 2.0),
    Held(30, 2.0, shake_g=0.1),
    Held(60, 5.0, lateral_deg=9.0),
    Held(20, 70.0),
    Held(90, 19.0),
    Held(200, 1.0),
    Held(700, 1.0, lateral_deg=8.0),
]
"""Upright, slouched past the hold, moving, aside, bent, slouched again, still for long, and a clip that slipped."""


def long_way(stream: list[SampleBlock], of: Settings, monkeypatch: pytest.MonkeyPatch) -> Outputs:
    """Run with every second judged by itself."""
    with monkeypatch.context() as patch:
        patch.setattr(processing.work, "LEAST", 10**9)
        return run(stream, of)


@pytest.mark.parametrize("changes", [{}, {"reminder_s": 30.0, "refractory_s": 5.0}, {"break_after_s": 95.0}])
def test_both_ways_give_the_same_to_the_last_bit(
    changes: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An eventful day is told alike by the quick way and the long one, and the quick way is the usual one."""
    stream, of = [samples(DAY)], settings(**changes)
    slow = long_way(stream, of, monkeypatch)
    decided: list[Facts] = []

    def counting(gate: GateState, facts: Facts, settings: Settings) -> Verdict:
        decided.append(facts)
        return decide(gate, facts, settings)

    monkeypatch.setattr("processing.work.decide", counting)
    assert run(stream, of) == slow
    assert len(decided) < 0.5 * len(slow.epochs)
    kinds = {event.kind for event in slow.events}
    assert {EventKind.SLOUCH_ALERT, EventKind.SLOUCH_ENDED, EventKind.CALIBRATION_SUSPECT} <= kinds


def test_patience_makes_no_alert_late() -> None:
    """Notifications of five samples: with patience the alert comes with the very notification that it comes with else."""
    stream = samples([Held(30, 3.0), Held(100, 22.0), Held(60, 2.0)])
    blocks = [stream[a:b] for a, b in pairwise(range(0, len(stream) + 1, 5))]

    def alerted_by(of: Settings) -> int:
        state = WearerState()
        for number, block in enumerate(blocks):
            state, outputs = step(state, block, of)
            if any(event.kind is EventKind.SLOUCH_ALERT for event in outputs.events):
                return number
        raise AssertionError("no alert")

    hasty, patient = settings(), replace(settings(), patience_s=10.0)
    assert alerted_by(hasty) == alerted_by(patient)
