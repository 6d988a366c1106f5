"""Seconds written down as a line of letters, one each, and hypothesis' way to write such lines."""

from hypothesis import strategies as st

from processing.exposure.columns import EpochColumns
from processing.outputs import Activity, Epoch, Posture

MONDAY_NS = 1_793_577_600_000_000_000  # 2026-11-02 00:00 UTC
SECOND_NS = 10**9

STILL = {"u": 2.0, "v": 8.0, "s": 15.0, "S": 30.0, "b": -4.0}
"""Letters of judged seconds, and their angles: upright, slouched, backward."""
OTHERS = {
    "m": Activity.MOVING,
    "w": Activity.WALKING,
    "t": Activity.TRANSITION,
    "l": Activity.LYING,
    "g": Activity.GAP,
    "n": Activity.NOT_WORN,
    "c": Activity.UNCALIBRATED,
}
ABSENT = "_"
"""A second that nobody stored."""
LETTERS = "".join((*STILL, *OTHERS, ABSENT))


def epochs(line: str, begin_ns: int = MONDAY_NS) -> list[Epoch]:
    """Return the epochs that a line writes down."""
    return [
        _epoch(begin_ns + second * SECOND_NS, letter)
        for second, letter in enumerate(line)
        if letter != ABSENT
    ]


def _epoch(start_ns: int, letter: str) -> Epoch:
    if letter in STILL:
        posture = Posture.SLOUCHED if letter in "sS" else Posture.UPRIGHT
        return Epoch(start_ns, 50, 0, 0, Activity.STILL, posture, STILL[letter], 0.0, 0.004)
    # Angles of what is not judged are often known, and must count for nothing.
    angle = None if letter in "gc" else 70.0
    return Epoch(start_ns, 50, 0, 0, OTHERS[letter], Posture.UNKNOWN, angle, angle, 0.004)


def written(line: str, begin_ns: int = MONDAY_NS) -> EpochColumns:
    """Return columns of the epochs that a line writes down."""
    return EpochColumns.of_epochs(epochs(line, begin_ns))


def lines(max_size: int = 60) -> st.SearchStrategy[str]:
    """Return lines of runs of letters: long ones, too."""
    run = st.tuples(st.sampled_from(LETTERS), st.integers(1, 40)).map(lambda run: run[0] * run[1])
    return st.lists(run, max_size=max_size).map("".join)
