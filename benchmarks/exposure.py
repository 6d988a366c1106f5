"""Exposure of a month, timed, and how often the interval of a change is right.

    python -m benchmarks.exposure [--days 30] [--pairs 1000]

The month is one wearer's, generated, worn day and night without a break (more than anyone does): all figures of
`processing.exposure.summary.expose` at once. The intervals are those of two periods whose days come from the same
distribution (Beta(2, 5), as skewed as shares of slouched time are), so that there is no change: how many of the 95 %
intervals hold zero, neckline's own and the plain percentile bootstrap beside it.
"""

import time
from zoneinfo import ZoneInfo

import numpy as np
from rich.table import Table
from scipy import stats

from benchmarks.report import arguments, report
from processing.epochs import ACTIVITIES, POSTURES, SECOND_NS
from processing.exposure.change import LEVEL, RESAMPLES, interval
from processing.exposure.columns import EpochColumns
from processing.exposure.summary import expose
from processing.outputs import Activity, Posture

START_NS = 1_793_577_600 * SECOND_NS
DAY_S = 86400
DAYS_A_PERIOD = (3, 5, 7, 14)
ROUNDS = 3


def wearer(days: int, seed: int = 1) -> tuple[EpochColumns, list[int]]:
    """Return epochs day and night and the times of 20 alerts a day: spells of still and other time, some slouched."""
    rng = np.random.default_rng(seed)
    n = days * DAY_S
    lengths = rng.geometric(1 / 60, n // 30)
    spell = np.repeat(np.arange(len(lengths)), lengths)[:n]
    is_still = rng.random(len(lengths)) < 0.7
    others = [ACTIVITIES[kind] for kind in Activity if kind is not Activity.STILL]
    activity = np.where(is_still, ACTIVITIES[Activity.STILL], rng.choice(others, len(lengths)))[spell]
    is_slouched = (rng.random(len(lengths)) < 0.3)[spell]
    known = np.where(is_slouched, POSTURES[Posture.SLOUCHED], POSTURES[Posture.UPRIGHT])
    still = activity == ACTIVITIES[Activity.STILL]
    columns = EpochColumns(
        start_ns=START_NS + np.arange(n) * SECOND_NS,
        activity=activity.astype(np.uint8),
        posture=np.where(still, known, POSTURES[Posture.UNKNOWN]).astype(np.uint8),
        sagittal_deg=np.where(still, np.where(is_slouched, 22.0, 4.0) + rng.normal(0, 3, n), np.nan),
    )
    return columns, (START_NS + np.sort(rng.integers(0, n, 20 * days)) * SECOND_NS).tolist()


def month_s(days: int) -> float:
    """Return how long all figures take, the median of some rounds."""
    columns, alerts_ns = wearer(days)
    taken = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        expose(columns, alerts_ns, ZoneInfo("Europe/Berlin"))
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken))


def coverage(days: int, pairs: int) -> dict[str, float]:
    """Return the share of pairs of periods without a change whose interval holds zero, and that of the plain one."""
    rng = np.random.default_rng(days)
    own = plain = 0
    for _ in range(pairs):
        before, after = rng.beta(2, 5, (2, days))
        low, high = interval(before, after)
        own += low <= 0 <= high
        plain_low, plain_high = _plain(before, after)
        plain += plain_low <= 0 <= plain_high
    return {"own": round(own / pairs, 3), "plain": round(plain / pairs, 3)}


def _plain(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    found = stats.bootstrap(
        (before, after),
        lambda x, y, axis=-1: y.mean(axis=axis) - x.mean(axis=axis),
        vectorized=True,
        confidence_level=LEVEL,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def main() -> None:
    """Print tables for people, then one JSON object."""
    parser = arguments(__doc__)
    parser.add_argument("--days", type=int, default=30, help="of the month")
    parser.add_argument("--pairs", type=int, default=1000, help="of periods")
    asked = parser.parse_args()
    seconds = month_s(asked.days)
    covered = {str(days): coverage(days, asked.pairs) for days in DAYS_A_PERIOD}
    table = Table("what", "figure")
    table.add_row(
        f"{asked.days} days and nights, {asked.days * DAY_S:,} epochs, all figures", f"{seconds:.2f} s"
    )
    for days, found in covered.items():
        table.add_row(
            f"two periods of {days} days without a change: 95 % intervals that hold zero",
            f"{found['own']:.1%}, the plain bootstrap's {found['plain']:.1%}",
        )
    report(
        table,
        {
            "month_s": round(seconds, 3),
            "epochs_per_s": round(asked.days * DAY_S / seconds),
            "coverage": covered,
        },
    )


if __name__ == "__main__":
    main()
