"""Thirty days of samples of one clip into files for researchers, and what a day of them takes where they are kept.

    pip install -e '.[bench]'
    python -m benchmarks.export [sitting_postures.npz] [--days 30] [--placement t4] [--folder FOLDER]

The days are the recorded people's samples over and over, one after another without a pause, kept as neckline keeps them: sealed
hours of the clip's own integers. `neckline export --samples` then makes Parquet and CSV of them, in units, with
checksums, each in a process of its own; its peak memory is that process's. CSV of 30 days takes 11 GB in FOLDER (by
default a temporary one), and is removed.

Beside it, from arrays of the same values that are in memory already, an hour as the csv module and pandas write it. The ratios
are of rows a second, neckline's with reading, checksums and the disk. `raw_mb_per_day` is of the people's own trials,
30 s each, one file a person.
"""

import csv
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.report import arguments, report
from benchmarks.sitting_postures import ACC_MPS2_PER_COUNT, GYR_RADPS_PER_COUNT, PLACEMENTS, RATE_HZ, people
from sensor.samples import SampleBlock
from storage.entries import Stream
from storage.exports.samples import fields, write_samples
from storage.exports.sharing import AS_IT_IS
from storage.recordings.folder import RecordingsFolder, Segment
from storage.recordings.frames import About, Scale, encode
from storage.recordings.log import AppendLog
from storage.recordings.sealing import seal

HOUR_ROWS = round(3600 * RATE_HZ)
STEP_NS = round(1e9 / RATE_HZ)
START_NS = 1_760_000_000 * 10**9
SCALE = Scale(ACC_MPS2_PER_COUNT, float(GYR_RADPS_PER_COUNT))
SECOND_ROWS = round(RATE_HZ)
UNITS = np.array([SCALE.acc_mps2] * 3 + [SCALE.gyr_radps] * 3)

Counts = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Exported:
    """One way, its time and the most memory it took."""

    rows: int
    seconds: float
    peak_mb: float
    bytes: int

    @property
    def rows_per_s(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


def counts_of(path: Path, placement: str) -> Iterator[Counts]:
    """Yield each person's samples as the clip counted them, those that were lost left out."""
    for trials in people(path, placement):
        counts = [np.hstack((trial.acc_counts, trial.gyr_counts)) for trial in trials]
        whole = np.concatenate(counts)
        yield whole[(whole != np.iinfo(np.int16).min).any(axis=1)]


def keep(folder: Path, stream: Stream, number: int, counts: Counts) -> Segment:
    """Keep samples as one sealed file, in notifications of a second."""
    time_ns = START_NS + (number * HOUR_ROWS + np.arange(len(counts))) * STEP_NS
    segment = RecordingsFolder(folder).begin(stream, int(time_ns[0]))
    lines = AppendLog(segment.path)
    lines.append(encode(About(stream, RATE_HZ, has_gyr=True, scale=SCALE, family="witmotion")))
    for begin in range(0, len(counts), SECOND_ROWS):
        rows = slice(begin, begin + SECOND_ROWS)
        units = counts[rows] * UNITS
        lines.append(encode(SampleBlock(time_ns[rows], units[:, :3], units[:, 3:], RATE_HZ), SCALE))
    lines.sync()
    lines.close()
    seal(segment)
    return Segment(segment.sealed(), stream, segment.number)


def keep_hours(folder: Path, counts: Counts, hours: Sequence[int]) -> None:
    """Keep these hours of samples that go round and round."""
    for hour in hours:
        rows = (np.arange(HOUR_ROWS) + hour * HOUR_ROWS) % len(counts)
        keep(folder, Stream(f"w-day{hour // 24:02d}", "t4"), hour, counts[rows])


def export(kept: Path, folder: Path, *, as_csv: bool) -> Exported:
    """Export all that is kept, as `neckline export --samples` does."""
    segments = RecordingsFolder(kept).segments()
    begin_s = time.perf_counter()
    written = write_samples(
        folder, segments, (None, None), AS_IT_IS, as_csv=as_csv, on_progress=lambda _done, _of: None
    )
    seconds = time.perf_counter() - begin_s
    sizes = [path.stat().st_size for path in folder.iterdir()]
    for path in folder.iterdir():
        path.unlink()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Exported(sum(file.rows for file in written.files), seconds, peak_mb, sum(sizes))


def by_csv_module(path: Path, time_ns: NDArray[np.int64], values: NDArray[np.float32]) -> None:
    """Write rows as Python's own csv does."""
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow([each.name for each in fields()])
        lines.writerows(
            [first, *others] for first, others in zip(time_ns.tolist(), values.tolist(), strict=True)
        )


def by_pandas(path: Path, time_ns: NDArray[np.int64], values: NDArray[np.float32]) -> None:
    """Write rows as pandas does."""
    import pandas as pd  # noqa: PLC0415 (100 MB, which the exports are not to be blamed for)

    frame = pd.DataFrame(values, columns=[each.name for each in fields()][1:])
    frame.insert(0, "time_ns", time_ns)
    frame.to_csv(path, index=False)


def timed(
    write: Callable[[Path, NDArray[np.int64], NDArray[np.float32]], None], path: Path, counts: Counts
) -> float:
    """Return rows a second of one of the others."""
    time_ns = START_NS + np.arange(len(counts)) * STEP_NS
    values = (counts * UNITS).astype(np.float32)
    begin_s = time.perf_counter()
    write(path, time_ns, values)
    seconds = time.perf_counter() - begin_s
    path.unlink()
    return len(counts) / seconds


def main() -> None:
    """Print a table for people, then one JSON object."""
    parser = arguments(__doc__, "sitting_postures.npz")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--placement", choices=PLACEMENTS, default="t4")
    parser.add_argument("--folder", type=Path, help="where there is room")
    told = parser.parse_args()
    persons = list(counts_of(told.recordings, told.placement))
    with tempfile.TemporaryDirectory(dir=told.folder, prefix="neckline-export-") as name:
        room = Path(name)
        own = [
            keep(room / "people", Stream(f"w-person{k}", told.placement), 0, counts)
            for k, counts in enumerate(persons)
        ]
        rows = sum(map(len, persons))
        raw_mb_per_day = sum(each.path.stat().st_size for each in own) / rows * RATE_HZ * 86_400 / 1e6
        counts = np.concatenate(persons)
        days = [range(24 * day, 24 * (day + 1)) for day in range(told.days)]
        with ProcessPoolExecutor(cpu_count(), mp_context=get_context("spawn")) as pool:
            kept = [pool.submit(keep_hours, room / "kept", counts, day) for day in days]
            for each in track(kept, "keeping days", console=Console(stderr=True), transient=True):
                each.result()
        ways = {}
        for way in ("parquet", "csv"):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                ways[way] = pool.submit(export, room / "kept", room / way, as_csv=way == "csv").result()
        hour = counts[np.arange(HOUR_ROWS) % len(counts)]
        peers = {
            name: timed(write, room / "peer.csv", hour)
            for name, write in (("csv module", by_csv_module), ("pandas", by_pandas))
        }
    table = Table("way", "rows", "seconds", "million rows/s", "GB", "peak memory")
    for way, done in ways.items():
        cells = f"{done.rows / 1e6:.1f} M", f"{done.seconds:.1f}", f"{done.rows_per_s / 1e6:.2f}"
        table.add_row(f"neckline, {way}", *cells, f"{done.bytes / 1e9:.2f}", f"{done.peak_mb:.0f} MB")
    for way, rows_per_s in peers.items():
        table.add_row(
            f"{way}, from memory",
            f"{HOUR_ROWS / 1e6:.1f} M",
            f"{HOUR_ROWS / rows_per_s:.1f}",
            f"{rows_per_s / 1e6:.2f}",
        )
    report(
        table,
        {
            "parquet_s": round(ways["parquet"].seconds, 1),
            "csv_s": round(ways["csv"].seconds, 1),
            "peak_mb": round(max(done.peak_mb for done in ways.values())),
            "raw_mb_per_day": round(raw_mb_per_day, 2),
            "ratio_csv_module": round(ways["csv"].rows_per_s / peers["csv module"], 1),
            "ratio_pandas": round(ways["csv"].rows_per_s / peers["pandas"], 1),
            "days": told.days,
        },
    )


if __name__ == "__main__":
    main()
