"""Posed slouching against posed sitting upright, judged by the product's own `step`.

    python -m benchmarks.posture ../shared/data/sitting_postures.npz

Each person and placement is calibrated once, on the first upright trial (its first 3 s left out, as everywhere);
where the product refuses that (moving), the trial's 5-s parts are offered in turn, as a wearer would try again.
All other upright and slouched trials are judged second by second, also those recorded before the calibration.
A second that is not judged counts as not slouched. Posed postures of young people: an upper bound for daily life.
"""

import argparse
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.sitting_postures import PLACEMENTS, RATE_HZ, Label, Trial, people
from processing.calibration import Calibration, calibrate
from processing.errors import CalibrationRefusedError
from processing.outputs import Posture
from processing.settings import Settings
from processing.state import WearerState
from processing.step import finish, step

SETTLE_S = 3
POSE_S = 5
WORST = 5
COLUMNS = ("people", "f1", "sensitivity", "specificity", "unjudged_s")


@dataclass(frozen=True, slots=True)
class Score:
    """Seconds of one person: slouched trials found and missed, upright trials found slouched and not."""

    subject: int
    hits: int
    misses: int
    false_alarms: int
    correct_rejections: int
    unjudged: int

    @property
    def sensitivity(self) -> float:
        """Return the part of slouched seconds that were found."""
        return self.hits / (self.hits + self.misses)

    @property
    def specificity(self) -> float:
        """Return the part of upright seconds that were left alone."""
        return self.correct_rejections / (self.correct_rejections + self.false_alarms)

    @property
    def balanced_accuracy(self) -> float:
        """Return the mean of sensitivity and specificity."""
        return (self.sensitivity + self.specificity) / 2


def judge(trial: Trial, settings: Settings) -> list[Posture]:
    """Return the posture of each second after the first three."""
    state, first = step(WearerState(), trial.block(), settings)
    _, last = finish(state, settings)
    return [epoch.posture for epoch in (*first.epochs, *last.epochs)][SETTLE_S:]


def calibrate_on(trial: Trial) -> Calibration:
    """Calibrate on an upright trial; raise the last CalibrationRefusedError when no part of it will serve."""
    pose = trial.block()[round(SETTLE_S * RATE_HZ) :]
    part = round(POSE_S * RATE_HZ)
    attempts = [pose, *(pose[begin : begin + part] for begin in range(0, len(pose) - part + 1, part))]
    for attempt in attempts[:-1]:
        with suppress(CalibrationRefusedError):
            return calibrate(attempt)
    return calibrate(attempts[-1])


def score(trials: list[Trial]) -> Score:
    """Calibrate on the first upright trial and judge the others; raise CalibrationRefusedError."""
    reference = next(trial for trial in trials if trial.label is Label.UPRIGHT)
    settings = Settings(calibration=calibrate_on(reference))
    seconds: dict[Label, list[Posture]] = {Label.UPRIGHT: [], Label.SLOUCHED: []}
    for trial in trials:
        if trial is not reference and trial.label in seconds:
            seconds[trial.label] += judge(trial, settings)
    hits = seconds[Label.SLOUCHED].count(Posture.SLOUCHED)
    false_alarms = seconds[Label.UPRIGHT].count(Posture.SLOUCHED)
    return Score(
        subject=reference.subject,
        hits=hits,
        misses=len(seconds[Label.SLOUCHED]) - hits,
        false_alarms=false_alarms,
        correct_rejections=len(seconds[Label.UPRIGHT]) - false_alarms,
        unjudged=sum(judged.count(Posture.UNKNOWN) for judged in seconds.values()),
    )


def measure(path: Path, placement: str) -> tuple[list[Score], list[tuple[int, str]]]:
    """Score every person; return the scores and who could not be calibrated, and why."""
    scores, refused = [], []
    for trials in people(path, placement):
        try:
            scores.append(score(trials))
        except CalibrationRefusedError as refusal:
            refused.append((trials[0].subject, str(refusal)))
    return scores, refused


def summary(scores: list[Score]) -> dict[str, object]:
    """Pool the seconds of all people."""
    hits, misses, false_alarms, correct_rejections, unjudged = (
        sum(column)
        for column in zip(
            *((s.hits, s.misses, s.false_alarms, s.correct_rejections, s.unjudged) for s in scores),
            strict=True,
        )
    )
    pooled = Score(0, hits, misses, false_alarms, correct_rejections, unjudged)
    return {
        "f1": round(2 * pooled.hits / (2 * pooled.hits + pooled.misses + pooled.false_alarms), 4),
        "sensitivity": round(pooled.sensitivity, 4),
        "specificity": round(pooled.specificity, 4),
        "people": len(scores),
        "unjudged_s": pooled.unjudged,
        "worst": [[s.subject, round(s.balanced_accuracy, 4)] for s in _worst(scores)],
    }


def _worst(scores: list[Score]) -> list[Score]:
    return sorted(scores, key=lambda s: s.balanced_accuracy)[:WORST]


def main() -> None:
    """Print a table for people, then one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recordings", type=Path, help="an .npz in the format of sitting_postures.npz")
    path = parser.parse_args().recordings
    results = {}
    table = Table("placement", *COLUMNS, "person (balanced accuracy), worst first")
    for placement in PLACEMENTS:
        scores, refused = measure(path, placement)
        result = results[placement] = summary(scores)
        for subject, why in refused:
            print(f"{placement}: person {subject} could not be calibrated: {why}")
        table.add_row(
            placement,
            *(str(result[key]) for key in COLUMNS),
            ", ".join(f"{s.subject} ({s.balanced_accuracy:.3f})" for s in _worst(scores)),
        )
    Console(width=max(Console().width, 110)).print(table)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
