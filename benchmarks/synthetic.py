"""Generated wearers whose every slouch is known: whether all are found, when, and nobody is alerted for nothing.

    python -m benchmarks.synthetic --hours 100

Each wearer (`benchmarks.people`) calibrates once on five upright seconds and then lives an hour with default settings.
A sustained slouch counts as found when an episode begins within it; its onset is off by the time between the episode's
and the moment at which the upper back itself crossed the threshold. An alert is false when no true slouch had lasted
for the hold time then. In one life in five the clip is knocked out of its place, turned by 8° to 16° about any axis: a
turn about the vertical shows nothing and harms nothing. Slouches after a slip are not scored, alerts are; `noticed`
tells how many slips the product named within the rest of the hour.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.progress import track
from rich.table import Table

from benchmarks.people import CALIBRATE_S, Life, life
from benchmarks.report import arguments, report
from processing.calibration import calibrate
from processing.outputs import Episode, Event, EventKind
from processing.settings import Settings
from processing.state import WearerState
from processing.step import finish, step

BLOCK_S = 60.0
GRACE_S = 1.0
"""An alert may come this long after the end of a slouch: its own second had to be over."""


@dataclass(frozen=True, slots=True)
class Score:
    """What came of one life."""

    seconds: float
    slouches: int
    onset_errors_s: tuple[float, ...]
    """Of the slouches that were found; later than the truth is positive."""
    alerts: int
    false_alerts: int
    slipped: bool
    noticed_min: float | None
    """Minutes from the slip to the event that says so."""
    false_suspects: int
    """Events that say so where there was no slip."""


def run(of: Life, settings: Settings) -> tuple[list[Episode], list[Event]]:
    """Feed a life through `step`."""
    state = WearerState()
    episodes: list[Episode] = []
    events: list[Event] = []
    for block in of.blocks(BLOCK_S):
        state, outputs = step(state, block, settings)
        episodes += outputs.episodes
        events += outputs.events
    _, outputs = finish(state, settings)
    return [*episodes, *outputs.episodes], [*events, *outputs.events]


def score(of: Life) -> Score:
    """Calibrate, live, and compare with the truth."""
    settings = Settings(calibration=calibrate(of.samples(*CALIBRATE_S)))
    threshold_deg = settings.on_deg()
    if threshold_deg is None:
        raise RuntimeError("a calibration has a threshold")
    episodes, events = run(of, settings)
    end_s = of.seconds if of.slip_s is None else of.slip_s
    truths = [(of.crossed_s(slouch, threshold_deg), slouch.until_s) for slouch in of.slouches]
    within = [(begin_s, until_s) for begin_s, until_s in truths if until_s < end_s]
    alerts_s = [event.time_ns / 1e9 for event in events if event.kind is EventKind.SLOUCH_ALERT]
    false_s = [
        at_s
        for at_s in alerts_s
        if not any(
            begin_s + settings.hold_s - GRACE_S <= at_s <= until_s + GRACE_S for begin_s, until_s in truths
        )
    ]
    suspect_s = [event.time_ns / 1e9 for event in events if event.kind is EventKind.CALIBRATION_SUSPECT]
    noticed_s = next((at_s for at_s in suspect_s if at_s >= end_s), None)
    return Score(
        seconds=of.seconds,
        slouches=len(within),
        onset_errors_s=tuple(_onset_errors_s(within, episodes)),
        alerts=len(alerts_s),
        false_alerts=len(false_s),
        slipped=of.slip_s is not None,
        noticed_min=None if noticed_s is None else (noticed_s - end_s) / 60,
        false_suspects=sum(at_s < end_s for at_s in suspect_s),
    )


def _onset_errors_s(truths: Sequence[tuple[float, float]], episodes: Iterable[Episode]) -> Iterable[float]:
    onsets_s = [episode.onset_ns / 1e9 for episode in episodes]
    for begin_s, until_s in truths:
        found_s = [onset_s for onset_s in onsets_s if begin_s - 5 <= onset_s <= until_s]
        if found_s:
            yield min(found_s) - begin_s


def summary(scores: Sequence[Score]) -> dict[str, float | int | None]:
    """Pool all lives."""
    errors_s = [error for score in scores for error in score.onset_errors_s]
    noticed_min = [score.noticed_min for score in scores if score.noticed_min is not None]
    slouches = sum(score.slouches for score in scores)
    return {
        "hours": round(sum(score.seconds for score in scores) / 3600, 2),
        "slouches": slouches,
        "missed": slouches - len(errors_s),
        "onset_error_p50_s": round(median(map(abs, errors_s)), 3),
        "onset_error_max_s": round(max(map(abs, errors_s)), 3),
        "alerts": sum(score.alerts for score in scores),
        "false_alerts": sum(score.false_alerts for score in scores),
        "slips": sum(score.slipped for score in scores),
        "slips_noticed": len(noticed_min),
        "slip_noticed_p50_min": round(median(noticed_min), 1) if noticed_min else None,
        "false_suspects": sum(score.false_suspects for score in scores),
    }


def lives(hours: float, seed: int = 0) -> Iterable[Life]:
    """Yield wearers until their hours add up."""
    lived_s, number = 0.0, seed
    while lived_s < hours * 3600:
        of = life(number)
        lived_s += of.seconds
        number += 1
        yield of


def main() -> None:
    """Print a table for people, then one JSON object."""
    parser = arguments(__doc__)
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0, help="the first wearer's number")
    asked = parser.parse_args()
    wearers = track(lives(asked.hours, asked.seed), "wearers", total=asked.hours, transient=True)
    results = summary([score(of) for of in wearers])
    table = Table("figure", "value")
    for name, value in results.items():
        table.add_row(name, str(value))
    report(table, results)


if __name__ == "__main__":
    main()
