"""The sample balance on the grid: what never came is counted in the second in which it was due."""

from collections import Counter
from dataclasses import replace

from tests.processing.people import START_NS, Held, run, samples, settings


def test_hours_without_a_sample_are_missing_second_by_second() -> None:
    """Nearly two hours of a fast clip, within one session: each second lacks its 800 samples, no more and no fewer."""
    whole = [samples([Held(3)], rate_hz=800.0, start_ns=START_NS + s * 10**9) for s in (0, 7000)]
    outputs = run(whole, replace(settings(), session_break_s=7200.0))
    assert Counter((e.received, e.missing, e.corrupt) for e in outputs.epochs) == {
        (800, 0, 0): 6,
        (0, 800, 0): 6997,
    }


def test_a_minute_with_a_break_of_session_in_it_is_one_minute() -> None:
    """Twelve seconds lost where ten are a break: the minute has what came before and after, and is told once."""
    whole = [samples([Held(20)]), samples([Held(100)], start_ns=START_NS + 32 * 10**9)]
    outputs = run(whole, replace(settings(), session_break_s=10.0))
    assert len(outputs.epochs) == 120
    assert [(m.start_ns - START_NS, m.received) for m in outputs.minutes] == [
        (0, 48 * 50),
        (60 * 10**9, 60 * 50),
        (120 * 10**9, 12 * 50),
    ]
