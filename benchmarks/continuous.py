"""Unbroken daily life with an accelerometer alone: how quiet neckline is, and whether every second is accounted for.

    python -m benchmarks.continuous ../shared/data/continuous_chest.npz

Default settings, no gyroscope; each person is calibrated on the first 5 s at the computer that the product accepts.
What the labels can show: they name activities, coarsely, and say nothing of posture. So an alert at the computer may be
right or wrong; only their number is told. An alert while walking is wrong. There is no standing reference, so standing
after a walk is not judged at all, nor is the sitting after it until the product sees it (`computer_judged` tells how
much of the computer work was). The chest is not the upper back, and the sensor's gain is an estimate.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.continuous_chest import RATE_HZ, Label, Recording, recordings
from benchmarks.report import arguments, report
from processing.calibration import Calibration, calibrate
from processing.errors import CalibrationRefusedError
from processing.outputs import Activity, Epoch, EventKind, Minute
from processing.settings import Settings
from processing.state import WearerState
from processing.step import finish, step

POSE_S = 5
GROUPS = {
    "computer": (Label.COMPUTER,),
    "walking": (Label.UP_WALKING_STAIRS, Label.WALKING, Label.STAIRS, Label.WALKING_AND_TALKING),
    "standing": (Label.STANDING, Label.STANDING_AND_TALKING),
}


@dataclass(frozen=True, slots=True)
class Score:
    """What came of one person's stream."""

    person: str
    seconds: Counter[Label]
    judged: Counter[Label]
    """Seconds judged, by label."""
    alerts: Counter[Label]
    balance_error_s: float


def calibrate_on(recording: Recording) -> Calibration:
    """Calibrate on the first quiet 5 s at the computer; raise the last CalibrationRefusedError."""
    block, part = recording.block(), round(POSE_S * RATE_HZ)
    end = int(np.argmax(recording.labels != Label.COMPUTER))
    attempts = [block[begin : begin + part] for begin in range(0, end - part + 1, part)]
    for attempt in attempts[:-1]:
        with suppress(CalibrationRefusedError):
            return calibrate(attempt)
    return calibrate(attempts[-1])


def balance_error_s(epochs: Sequence[Epoch], minutes: Sequence[Minute], samples: int) -> float:
    """Return by how many seconds the worst of the ledgers is off the length of the stream."""
    expected = int(np.ceil(samples / RATE_HZ))
    kinds = sum(seconds for minute in minutes for _, seconds in minute.activity_s)
    postures = sum(minute.upright_s + minute.slouched_s + minute.unknown_s for minute in minutes)
    accounted = sum(epoch.received + epoch.missing + epoch.corrupt for epoch in epochs)
    off = (
        *(abs(ledger - expected) for ledger in (len(epochs), kinds, postures)),
        abs(accounted - samples) / RATE_HZ,
    )
    return float(max(off))


def score(recording: Recording) -> Score:
    """Run a person's whole stream; raise CalibrationRefusedError."""
    settings = Settings(calibration=calibrate_on(recording))
    state, first = step(WearerState(), recording.block(), settings)
    _, last = finish(state, settings)
    epochs, minutes = (*first.epochs, *last.epochs), (*first.minutes, *last.minutes)
    labels = _label_of(recording.labels, np.array([epoch.start_ns for epoch in epochs]))
    alerts_ns = [event.time_ns for event in first.events if event.kind is EventKind.SLOUCH_ALERT]
    return Score(
        person=recording.person,
        seconds=Counter(labels),
        judged=Counter(
            label for label, epoch in zip(labels, epochs, strict=True) if epoch.activity is Activity.STILL
        ),
        alerts=Counter(_label_of(recording.labels, np.array(alerts_ns))),
        balance_error_s=balance_error_s(epochs, minutes, len(recording.labels)),
    )


def _label_of(labels: NDArray[np.int16], time_ns: NDArray[np.int64]) -> list[Label]:
    return [Label(label) for label in labels[(time_ns / 1e9 * RATE_HZ).astype(int)].tolist()]


def summary(scores: Sequence[Score]) -> dict[str, object]:
    """Pool all people."""
    seconds, judged, alerts = (
        sum((getattr(score, name) for score in scores), Counter[Label]())
        for name in ("seconds", "judged", "alerts")
    )
    computer_s = seconds[Label.COMPUTER]
    return {
        "computer_alerts_per_h": round(alerts[Label.COMPUTER] * 3600 / computer_s, 2),
        "walking_alerts": sum(alerts[label] for label in GROUPS["walking"]),
        "balance_error_s": max(score.balance_error_s for score in scores),
        "hours": round(seconds.total() / 3600, 2),
        "computer_hours": round(computer_s / 3600, 2),
        "computer_judged": round(judged[Label.COMPUTER] / computer_s, 3),
        "people": len(scores),
        "accelerometer_only": True,
    }


def main() -> None:
    """Print a table for people, then one JSON object."""
    path = arguments(__doc__, "continuous_chest.npz").parse_args().recordings
    scores = [score(recording) for recording in recordings(path)]
    table = Table("person", *(f"{name}: min, judged, alerts" for name in GROUPS))
    for of in scores:
        cells = []
        for labels in GROUPS.values():
            seconds, judged, alerts = (
                sum(counter[label] for label in labels) for counter in (of.seconds, of.judged, of.alerts)
            )
            cells.append(f"{seconds / 60:.0f} min, {judged / max(1, seconds):.0%}, {alerts}")
        table.add_row(of.person, *cells)
    report(table, summary(scores))


if __name__ == "__main__":
    main()
