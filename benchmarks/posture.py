"""Posed slouching against posed sitting upright, judged by the product's own `step`.

    python -m benchmarks.posture ../shared/data/sitting_postures.npz [--loss 0.1] [--stalls]

Each person and placement is calibrated once, on the first upright trial (its first 3 s left out, as everywhere);
where the product refuses that (moving), the trial's 5-s parts are offered in turn, as a wearer would try again.
All other upright and slouched trials are judged second by second, also those recorded before the calibration.
A second that is not judged counts as not slouched. Posed postures of young people: an upper bound for daily life.

With `--loss` so large a share of the packets never arrives, at random; this clip sends one sample a packet, and
`--packet` tries others. With `--stalls` another 0.4 s is missing every ten seconds or so. Both are lost for calibrating,
too. `change` then says how far F1, sensitivity and specificity are from those without, at most.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks.report import arguments, report
from benchmarks.sitting_postures import PLACEMENTS, RATE_HZ, Label, Trial, people
from processing.calibration import Calibration, calibrate
from processing.errors import CalibrationRefusedError
from processing.outputs import Posture
from processing.settings import Settings
from processing.state import WearerState
from processing.step import finish, step
from sensor.samples import SampleBlock

SETTLE_S = 3
POSE_S = 5
WORST = 5
STALL_S, STALL_EVERY_S = 0.4, 10.0
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


@dataclass(frozen=True, slots=True)
class Air:
    """What is lost on the way: a share of the packets, and now and then a longer piece."""

    loss: float = 0.0
    stalls: bool = False
    packet: int = 1
    """Samples in a packet."""

    def arrived(self, trial: Trial) -> SampleBlock:
        """Return what is left of a trial; the same every time."""
        block = trial.block()
        rng = np.random.default_rng((trial.subject, trial.number, trial.label))
        packet = np.arange(len(block)) // self.packet
        keep = (rng.random(len(block) // self.packet + 1) >= self.loss)[packet]
        if self.stalls:
            for begin in np.arange(rng.uniform(0, STALL_EVERY_S), len(block) / RATE_HZ, STALL_EVERY_S):
                keep[round(begin * RATE_HZ) : round((begin + STALL_S) * RATE_HZ)] = False
        gyr = None if block.gyr_radps is None else block.gyr_radps[keep]
        return SampleBlock(block.time_ns[keep], block.acc_mps2[keep], gyr, block.rate_hz)


LOSSLESS = Air()


def judge(trial: Trial, settings: Settings, air: Air) -> list[Posture]:
    """Return the posture of each second after the first three."""
    state, first = step(WearerState(), air.arrived(trial), settings)
    _, last = finish(state, settings)
    return [epoch.posture for epoch in (*first.epochs, *last.epochs)][SETTLE_S:]


def calibrate_on(trial: Trial, air: Air = LOSSLESS) -> Calibration:
    """Calibrate on an upright trial; raise the last CalibrationRefusedError when no part of it will serve."""
    whole = air.arrived(trial)
    edges = np.searchsorted(
        whole.time_ns, np.arange(SETTLE_S, whole.time_ns[-1] / 1e9 + 1, POSE_S) * 1e9
    ).tolist()
    attempts = [whole[edges[0] :], *(whole[begin:end] for begin, end in pairwise(edges))]
    for attempt in attempts[:-1]:
        with suppress(CalibrationRefusedError):
            return calibrate(attempt)
    return calibrate(attempts[-1])


def score(trials: list[Trial], air: Air = LOSSLESS) -> Score:
    """Calibrate on the first upright trial and judge the others; raise CalibrationRefusedError."""
    reference = next(trial for trial in trials if trial.label is Label.UPRIGHT)
    settings = Settings(calibration=calibrate_on(reference, air))
    seconds: dict[Label, list[Posture]] = {Label.UPRIGHT: [], Label.SLOUCHED: []}
    for trial in trials:
        if trial is not reference and trial.label in seconds:
            seconds[trial.label] += judge(trial, settings, air)
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


def measure(path: Path, placement: str, air: Air = LOSSLESS) -> tuple[list[Score], list[tuple[int, str]]]:
    """Score every person; return the scores and who could not be calibrated, and why."""
    scores, refused = [], []
    for trials in people(path, placement):
        try:
            scores.append(score(trials, air))
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


def change(result: Mapping[str, object], whole: Mapping[str, object]) -> float:
    """Return the largest difference between two results."""
    return round(max(abs(float(str(result[key])) - float(str(whole[key]))) for key in COLUMNS[1:4]), 4)


def _worst(scores: list[Score]) -> list[Score]:
    return sorted(scores, key=lambda s: s.balanced_accuracy)[:WORST]


def main() -> None:
    """Print a table for people, then one JSON object."""
    parser = arguments(__doc__, "sitting_postures.npz")
    parser.add_argument("--loss", type=float, default=0.0, help="the share of packets that never arrives")
    parser.add_argument("--stalls", action="store_true", help="lose another 0.4 s every ten seconds")
    parser.add_argument("--packet", type=int, default=1, help="samples in a packet")
    asked = parser.parse_args()
    air = Air(asked.loss, asked.stalls, asked.packet)
    results: dict[str, object] = {}
    changes: dict[str, float] = {}
    table = Table("placement", *COLUMNS, "person (balanced accuracy), worst first")
    for placement in PLACEMENTS:
        scores, refused = measure(asked.recordings, placement, air)
        for subject, why in refused:
            print(f"{placement}: person {subject} could not be calibrated: {why}")
        if not scores:
            parser.error("too much is lost: nobody could be calibrated")
        result = results[placement] = summary(scores)
        if air != LOSSLESS:
            changes[placement] = change(result, summary(measure(asked.recordings, placement)[0]))
        table.add_row(
            placement,
            *(str(result[key]) for key in COLUMNS),
            ", ".join(f"{s.subject} ({s.balanced_accuracy:.3f})" for s in _worst(scores)),
        )
    report(table, results | ({"change": changes} if changes else {}))


if __name__ == "__main__":
    main()
