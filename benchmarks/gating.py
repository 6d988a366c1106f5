"""Whether posture is judged only where it can be: daily activities at the chest, through the product's `step`.

    python -m benchmarks.gating ../shared/data/daily_activities_chest.npz

Each person is calibrated on 5 s of sitting and on 5 s of standing: the first 5 s that the product accepts, as a wearer
would try again. Then each activity runs as one unbroken stream. A second is gated when it is not `still`, for a reason
of its own: a missing calibration or missing samples count as judged. Standing begins after 30 s of the person's own
walking, since a walk is what tells the product that its wearer is on their feet; the 5 s that its measure of movement
looks back are not scored. `standing_judges_sitting` is the share of sitting that is judged with a standing calibration
alone, `sitting_judges_standing` the share of standing after a walk that is judged with a sitting calibration alone.
Recorded at the chest and not at the upper back; nobody sits down or gets up in these recordings.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import fmean

from rich.table import Table

from benchmarks.daily_activities import LYING, MOVING, QUIET, RATE_HZ, Doing, Stream, people
from benchmarks.report import arguments, report
from processing.calibration import Calibration, calibrate
from processing.errors import CalibrationRefusedError
from processing.outputs import Activity, Epoch
from processing.settings import Settings
from processing.state import WearerState
from processing.step import finish, step

POSE_S = 5
WALK_S = 30
SETTLE_S = 5
NO_REASON = frozenset({Activity.STILL, Activity.UNCALIBRATED, Activity.GAP})

Shares = dict[Doing, float]


def calibrate_on(stream: Stream) -> Calibration:
    """Calibrate on the first 5 s that will serve; raise the last CalibrationRefusedError when none will."""
    block, part = stream.block(), round(POSE_S * RATE_HZ)
    attempts = [block[begin : begin + part] for begin in range(0, len(block) - part + 1, part)]
    for attempt in attempts[:-1]:
        with suppress(CalibrationRefusedError):
            return calibrate(attempt, label_outward=False)
    return calibrate(attempts[-1], label_outward=False)


def watch(stream: Stream, settings: Settings) -> list[Epoch]:
    """Return the epochs of a stream."""
    state, first = step(WearerState(), stream.block(), settings)
    _, last = finish(state, settings)
    return [*first.epochs, *last.epochs]


def watch_standing(streams: dict[Doing, Stream], settings: Settings) -> list[Epoch]:
    """Return the epochs of standing that follow a walk."""
    walk = streams[Doing.WALKING_TREADMILL_FLAT].first(WALK_S)
    return watch(walk + streams[Doing.STANDING], settings)[WALK_S + SETTLE_S :]


def gated(epochs: Sequence[Epoch]) -> float:
    """Return the share of seconds that are not judged for a good reason."""
    return fmean(epoch.activity not in NO_REASON for epoch in epochs)


def judged(epochs: Sequence[Epoch]) -> float:
    """Return the share of seconds that are judged."""
    return fmean(epoch.activity is Activity.STILL for epoch in epochs)


def gated_by_activity(streams: dict[Doing, Stream], settings: Settings) -> Shares:
    """Return the gated share of each activity; of sitting and standing, all that is not judged."""
    shares = {doing: gated(watch(stream, settings)) for doing, stream in streams.items()}
    shares[Doing.SITTING] = 1 - judged(watch(streams[Doing.SITTING], settings))
    shares[Doing.STANDING] = 1 - judged(watch_standing(streams, settings))
    return shares


def measure(path: Path) -> tuple[dict[str, object], dict[int, Shares]]:
    """Return the results, and each person's gated shares."""
    persons: dict[int, Shares] = {}
    crossed = defaultdict(list)
    for subject, streams in people(path):
        sitting, standing = (calibrate_on(streams[doing]) for doing in QUIET)
        persons[subject] = gated_by_activity(streams, Settings(calibration=sitting, standing=standing))
        crossed["standing_judges_sitting"].append(
            judged(watch(streams[Doing.SITTING], Settings(standing=standing)))
        )
        crossed["sitting_judges_standing"].append(
            judged(watch_standing(streams, Settings(calibration=sitting)))
        )
    results: dict[str, object] = {
        "moving_gated": pooled(persons, MOVING),
        "lying_gated": pooled(persons, LYING),
        "quiet_gated": pooled(persons, QUIET),
        **{name: round(fmean(shares), 4) for name, shares in crossed.items()},
        "people": len(persons),
        "by_activity": {doing.name.lower(): pooled(persons, [doing]) for doing in Doing},
    }
    return results, persons


def pooled(persons: dict[int, Shares], doings: Iterable[Doing]) -> float:
    """Return the mean over people and activities (each lasts as long)."""
    return round(fmean(shares[doing] for shares in persons.values() for doing in doings), 4)


def main() -> None:
    """Print a table for people, then one JSON object."""
    results, persons = measure(arguments(__doc__, "daily_activities_chest.npz").parse_args().recordings)
    table = Table("gated", "all", *(f"person {subject}" for subject in persons))
    for name, doings in {"moving": MOVING, "lying": LYING, "quiet": QUIET}.items():
        by_person = (fmean(shares[doing] for doing in doings) for shares in persons.values())
        table.add_row(
            f"[bold]{name}", f"[bold]{results[f'{name}_gated']:.2%}", *map("{:.2%}".format, by_person)
        )
    for doing in Doing:
        shares = [shares[doing] for shares in persons.values()]
        table.add_row(doing.name.lower(), f"{fmean(shares):.2%}", *map("{:.2%}".format, shares))
    report(table, results)


if __name__ == "__main__":
    main()
