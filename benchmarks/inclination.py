"""Where up is, against optical truth: neckline's filter and others on a board turned and shaken by hand.

    python -m benchmarks.inclination ../shared/data/broad.npz

BROAD (Laidig et al., Data 2021, 6(7):72). The error is the angle between the true and the estimated vertical, its
root mean square over the movement phase of a trial, where the truth is known; then mean and worst of the trials.
Lower rates are made as an IMU's own chip makes them: each sample is the mean over its period and stands for the
middle of it. `live` is the product's filter in blocks of a second, `offline` the same filter run both ways in time.
ahrs' Madgwick is slow pure Python, so it is left out at the native rate. Motion by hand is far harsher than a back's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from vqf import offlineVQF

from benchmarks.peers import (
    Filter,
    Vectors,
    accelerometer,
    complementary,
    imufusion,
    installed,
    madgwick,
    unit,
    up_of,
)
from benchmarks.report import arguments, report
from processing.orientation import track
from processing.orientation import up_of as filtered_up

LOWER_RATES_HZ = (50.0, 25.0)


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One recorded motion at one rate."""

    rate_hz: float
    acc_mps2: Vectors
    gyr_radps: Vectors
    true_up: Vectors
    """(n, 3), sensor frame."""
    scored: NDArray[np.bool_]
    """(n,): moving, and the truth is known."""

    def at(self, rate_hz: float) -> "Trial":
        """Return the motion as a chip samples it at a lower rate."""
        period = self.rate_hz / rate_hz
        edges = np.arange(0, len(self.scored) + 1e-9, period)
        middles = np.clip(edges[:-1] + (period - 1) / 2, 0, len(self.scored) - 1)
        around = np.floor(middles).astype(int), np.ceil(middles).astype(int)
        share = (middles - around[0])[:, None]
        return Trial(
            rate_hz,
            _means(self.acc_mps2, edges),
            _means(self.gyr_radps, edges),
            unit((1 - share) * self.true_up[around[0]] + share * self.true_up[around[1]]),
            self.scored[around[0]] & self.scored[around[1]],
        )

    def rmse_deg(self, method: Filter) -> float:
        """Return the root mean square angle between the true up and a filter's."""
        up = method(self.acc_mps2, self.gyr_radps, self.rate_hz)
        cosine = (up * self.true_up).sum(axis=1)[self.scored]
        return float(np.sqrt(np.square(np.degrees(np.arccos(np.clip(cosine, -1, 1)))).mean()))


def _means(samples: Vectors, edges: NDArray[np.float64]) -> Vectors:
    """Return the mean between edges, given as sample numbers: differences of the running integral."""
    integral = np.vstack((np.zeros((1, 3)), np.cumsum(samples, axis=0)))
    at_edges = np.stack([np.interp(edges, np.arange(len(integral)), column) for column in integral.T], axis=1)
    means: Vectors = np.diff(at_edges, axis=0) / (edges[1] - edges[0])
    return means


def trials(path: Path) -> Iterator[Trial]:
    """Yield the recorded motions of a file."""
    with np.load(path) as data:
        rate_hz = float(data["sampling_rate_hz"])
        for name in sorted({key.split("/")[0] for key in data.files if "/" in key}):
            acc, gyr, truth = (
                np.array(data[f"{name}/{key}"], float, order="C")
                for key in ("acc_mps2", "gyr_radps", "opt_quat")
            )
            scored = data[f"{name}/movement"] & np.isfinite(truth).all(axis=1)
            yield Trial(rate_hz, acc, gyr, up_of(truth), scored)


def live(acc_mps2: Vectors, gyr_radps: Vectors, rate_hz: float) -> Vectors:
    """Run the product's filter as it runs on a stream: in blocks of a second."""
    state, parts, block = None, [], round(rate_hz)
    for begin in range(0, len(acc_mps2), block):
        rows = slice(begin, begin + block)
        state, quat = track(state, acc_mps2[rows], gyr_radps[rows], rate_hz)
        parts.append(filtered_up(quat.T).T)
    return np.concatenate(parts)


def offline(acc_mps2: Vectors, gyr_radps: Vectors, rate_hz: float) -> Vectors:
    """Run the filter forward and backward in time, as only a finished recording allows."""
    return up_of(offlineVQF(gyr_radps, acc_mps2, None, 1 / rate_hz)["quat6D"])


class Method(NamedTuple):
    """A filter, the library that it needs beside neckline's own, and whether the native rate would take minutes."""

    run: Filter
    library: str = ""
    slow: bool = False


METHODS = {
    "live": Method(live),
    "offline": Method(offline),
    "accelerometer": Method(accelerometer),
    "complementary": Method(complementary),
    "madgwick": Method(madgwick, "ahrs", slow=True),
    "imufusion": Method(imufusion, "imufusion"),
}


def measure(path: Path, names: Sequence[str] = tuple(METHODS)) -> dict[str, dict[str, float] | None]:
    """Return mean and worst error of each method at each rate; None where its library is missing."""
    errors_deg: dict[str, list[float]] = {}
    for native in trials(path):
        for trial in (native, *(native.at(rate_hz) for rate_hz in LOWER_RATES_HZ)):
            for name in names:
                method = METHODS[name]
                if method.slow and trial is native:
                    continue
                known = errors_deg.setdefault(f"{name}_{trial.rate_hz:.0f}hz", [])
                if installed(method.library):
                    known.append(trial.rmse_deg(method.run))
    return {
        key: {"mean_deg": round(fmean(deg), 2), "worst_deg": round(max(deg), 2)} if deg else None
        for key, deg in errors_deg.items()
    }


def main() -> None:
    """Print a table for people, then one JSON object."""
    results = measure(arguments(__doc__, "broad.npz").parse_args().recordings)
    rates = list(dict.fromkeys(key.rpartition("_")[2] for key in results))
    table = Table("error in degrees: mean (worst trial)", *rates)
    for name, method in METHODS.items():
        missing = "left out" if installed(method.library) else f"{method.library} is missing"
        cells = (results.get(f"{name}_{rate}") for rate in rates)
        table.add_row(
            name,
            *(f"{cell['mean_deg']:.2f} ({cell['worst_deg']:.2f})" if cell else missing for cell in cells),
        )
    report(table, results)


if __name__ == "__main__":
    main()
