"""Rows into a real InfluxDB: neckline's way, and the two ways that influxdb-client offers, on one server in one run.

    pip install -e '.[bench]'
    python -m benchmarks.upload [--rows 60000] [--rounds 3] [--url URL --token TOKEN --org ORG --bucket BUCKET]

The rows are epochs of 30 wearers, with 10 fields. Each way sends all of them, 5000 at a time:

- `journal`: as `neckline run` does it: the forwarder reads a journal, checks each row, writes lines, and the cursor becomes
  durable. This is the whole way; the others begin with rows in memory.
- `memory`: the same lines and the same requests, as many at once, but from rows in memory.
- `prepared`: the same requests with lines that were made before the clock began: what no sender can be faster than on this
  server and these cores. `most_ratio_dataframe` and `most_ratio_batching` are its ratios.
- `DataFrame`: influxdb-client writes slices of a pandas DataFrame that is there already, SYNCHRONOUS.
- `batching`: influxdb-client's default, a `Point` a row into its batching WriteApi.

Ways take turns, and a way's figure is the median of its rounds; after each the server is asked whether it holds every
row. Without --url the server is Debian's influxd behind nginx, started here, on the same cores as all else. It then is what
takes most of the time, whoever sends: so `µs CPU/row` tells beside it what a way costs where it runs, the server left out.
`drain_30x24h_s` says how long 24 hours of 30 wearers would take at the rate of `journal`,
as epochs are nearly all of the rows.
"""

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write.point import Point
from influxdb_client.client.write_api import SYNCHRONOUS, WriteOptions
from rich.table import Table

from benchmarks.report import arguments, report
from processing.outputs import Activity, Epoch, Posture
from storage.answer import Verdict
from storage.entries import Batch, Block, Stream
from storage.forwarder import HELPERS, Forwarder
from storage.influxdb import InfluxSettings, InfluxSink
from storage.journal import Journal
from storage.ledger import BATCH_ROWS
from storage.lines import STREAM_TAGS, lines_of
from storage.schema import EPOCH
from storage.writer import JournalWriter
from tests.storage.servers import OwnServer, Server, own_server

WEARERS = 30
DAY_ROWS = WEARERS * 24 * 3600
SECOND_NS = 10**9
START_NS = 1_760_000_000 * SECOND_NS
PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Rows:
    """What is sent, in each shape."""

    streams: tuple[Stream, ...]
    epochs: tuple[tuple[Stream, Epoch], ...]
    journal: Path
    frame: pd.DataFrame


def epoch(k: int, wearer: int) -> Epoch:
    """Return a second as a day has them: angles and motion with all their digits."""
    sagittal_deg = 12 + 9 * math.sin(k / 97 + wearer)
    posture = Posture.SLOUCHED if sagittal_deg > 18 else Posture.UPRIGHT
    return Epoch(
        START_NS + k * SECOND_NS,
        received=50 - k % 3 % 2,
        missing=k % 3 % 2,
        corrupt=0,
        activity=Activity.WALKING if k % 10 == 0 else Activity.STILL,
        posture=Posture.UNKNOWN if k % 10 == 0 else posture,
        sagittal_deg=sagittal_deg,
        lateral_deg=3 * math.cos(k / 31 + wearer),
        motion_g=0.01 + k % 7 / 700,
        confidence=0.5 + k % 11 / 23,
        cadence_hz=1.5 + k % 5 / 13 if k % 10 == 0 else None,
    )


def make_rows(folder: Path, number: int) -> Rows:
    """Make the rows, second by second over all wearers, as they come."""
    streams = tuple(Stream(f"w-bench{wearer:03}", "t4") for wearer in range(WEARERS))
    epochs = tuple((streams[k % WEARERS], epoch(k // WEARERS, k % WEARERS)) for k in range(number))
    path = folder / "journal.db"
    with Journal.open(path, "upload") as journal:
        for begin in range(0, number, 10_000):
            journal.commit([Batch(stream, (each,)) for stream, each in epochs[begin : begin + 10_000]])
    names = [column.name for column in EPOCH.columns]
    table = [(*EPOCH.to_row(each), stream.wearer, stream.placement) for stream, each in epochs]
    frame = pd.DataFrame(table, columns=[*names, *STREAM_TAGS])
    frame.index = pd.DatetimeIndex(pd.to_datetime(frame.pop("start_ns"), utc=True))
    return Rows(streams, epochs, path, frame)


def by_journal(rows: Rows, settings: InfluxSettings, sink_name: str) -> None:
    """Forward all that is in the journal; return when the cursor is durable."""
    with Journal.open(rows.journal, "upload") as journal:
        writer = JournalWriter(journal)
        writer.start()
        forwarder = Forwarder(rows.journal, writer, InfluxSink(settings), name=sink_name)
        forwarder.start()
        forwarder.close(PATIENCE_S)
        writer.close()


def lines_from(rows: Rows, begin: int) -> list[str]:
    """Return the lines of the rows of one request."""
    batch = rows.epochs[begin : begin + BATCH_ROWS]
    streams, epochs = zip(*batch, strict=True)
    columns = tuple(zip(*map(EPOCH.to_row, epochs), strict=True))
    block = Block(EPOCH, tuple(range(len(batch))), streams, columns)
    return [line for line in lines_of(block) if line is not None]


def by_lines(rows: Rows, settings: InfluxSettings, lines: Callable[[int], list[str]]) -> None:
    """Write lines, with as many requests under way as the forwarder has."""
    sink = InfluxSink(settings)

    def send(begin: int) -> None:
        answer = sink.write(lines(begin))
        if answer.verdict is not Verdict.DELIVERED:
            raise RuntimeError(answer.reason)

    with ThreadPoolExecutor(HELPERS) as senders:
        list(senders.map(send, range(0, len(rows.epochs), BATCH_ROWS)))
    sink.close()


def client_of(settings: InfluxSettings) -> InfluxDBClient:
    """Return influxdb-client's client."""
    return InfluxDBClient(settings.url, token=settings.token, org=settings.org, timeout=60_000)


def by_frame(rows: Rows, settings: InfluxSettings) -> None:
    """Let influxdb-client write the DataFrame."""
    with client_of(settings) as client, client.write_api(write_options=SYNCHRONOUS) as api:
        for begin in range(0, len(rows.frame), BATCH_ROWS):
            api.write(
                settings.bucket,
                record=rows.frame.iloc[begin : begin + BATCH_ROWS],
                data_frame_measurement_name=EPOCH.measurement,
                data_frame_tag_columns=list(STREAM_TAGS),
            )


def by_batching(rows: Rows, settings: InfluxSettings) -> None:
    """Let influxdb-client batch Points."""
    options = WriteOptions(batch_size=BATCH_ROWS)
    names = [column.name for column in EPOCH.columns[1:]]
    make: Any = Point
    with client_of(settings) as client, client.write_api(write_options=options) as api:
        for stream, each in rows.epochs:
            time_ns, *values = EPOCH.to_row(each)
            point = make(EPOCH.measurement).tag("wearer", stream.wearer).tag("placement", stream.placement)
            for name, value in zip(names, values, strict=True):
                if value is not None:
                    point.field(name, value)
            api.write(settings.bucket, record=point.time(time_ns))


def stored_rows(server: Server, streams: Sequence[Stream]) -> int:
    """Return how many rows of these wearers the server holds."""
    wearers = f'"wearer" =~ /^{streams[0].wearer[:-3]}/'
    counts = server.query(f'SELECT count("received") FROM "{EPOCH.measurement}" WHERE {wearers}')  # noqa: S608
    return sum(int(row["count"]) for row in counts)


def forget_wearers(server: Server, streams: Sequence[Stream]) -> None:
    """Remove the rows from a server that is not ours alone."""
    with client_of(server.settings()) as client:
        for stream in streams:
            client.delete_api().delete(
                "1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z", f'wearer="{stream.wearer}"', server.bucket
            )


@dataclass(frozen=True, slots=True)
class Cost:
    """What one row costs by one way."""

    wall_us: float
    cpu_us: float
    """Of this process, all threads."""


def measure(server: Server, rows: Rows, rounds: int) -> dict[str, Cost]:
    """Return what a row costs by each way; raise RuntimeError when a way lost rows."""
    taken: dict[str, list[tuple[float, float]]] = {}
    ready = {begin: lines_from(rows, begin) for begin in range(0, len(rows.epochs), BATCH_ROWS)}
    for k in range(rounds):
        ways: dict[str, Callable[[InfluxSettings], None]] = {
            "journal": lambda settings, k=k: by_journal(rows, settings, f"influxdb-{k}"),  # type: ignore[misc]
            "memory": lambda settings: by_lines(rows, settings, partial(lines_from, rows)),
            "prepared": lambda settings: by_lines(rows, settings, ready.__getitem__),
            "DataFrame": lambda settings: by_frame(rows, settings),
            "batching": lambda settings: by_batching(rows, settings),
        }
        names: Sequence[str] = [*ways] if k % 2 == 0 else [*ways][::-1]
        for name in names:
            fresh = server.fresh_bucket() if isinstance(server, OwnServer) else server
            begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
            ways[name](fresh.settings())
            spent = time.perf_counter() - begin_s, time.process_time() - begin_cpu_s
            taken.setdefault(name, []).append(spent)
            if (found := stored_rows(fresh, rows.streams)) != len(rows.epochs):
                raise RuntimeError(f"{name}: {found} of {len(rows.epochs)} rows are there")
            if isinstance(fresh, OwnServer):
                fresh.query(f"DROP DATABASE {fresh.bucket}")
            else:
                forget_wearers(fresh, rows.streams)
    return {
        name: Cost(
            *(statistics.median(column) / len(rows.epochs) * 1e6 for column in zip(*each, strict=True))
        )
        for name, each in taken.items()
    }


def main() -> None:
    """Print a table for people, then one JSON object."""
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    for name in ("url", "token", "org", "bucket"):
        parser.add_argument(f"--{name}", default="")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="neckline-upload-")))
        if asked.url:
            server = Server(asked.url, asked.org, asked.token, asked.bucket)
        else:
            (folder / "server").mkdir()
            server = stack.enter_context(own_server(folder / "server"))
        costs = measure(server, make_rows(folder, asked.rows), asked.rounds)
    frame, batching, journal, memory, prepared = (
        costs[name] for name in ("DataFrame", "batching", "journal", "memory", "prepared")
    )
    table = Table("way", "rows/s", "× DataFrame", "× batching", "µs CPU/row", "× DataFrame", "× batching")
    for name, cost in costs.items():
        table.add_row(
            name,
            f"{1e6 / cost.wall_us:.0f}",
            f"{frame.wall_us / cost.wall_us:.2f}",
            f"{batching.wall_us / cost.wall_us:.2f}",
            f"{cost.cpu_us:.1f}",
            f"{frame.cpu_us / cost.cpu_us:.2f}",
            f"{batching.cpu_us / cost.cpu_us:.2f}",
        )
    report(
        table,
        {
            "ratio_dataframe": round(frame.wall_us / memory.wall_us, 2),
            "ratio_batching": round(batching.wall_us / memory.wall_us, 2),
            "points_per_s": round(1e6 / memory.wall_us),
            "most_ratio_dataframe": round(frame.wall_us / prepared.wall_us, 2),
            "most_ratio_batching": round(batching.wall_us / prepared.wall_us, 2),
            "cpu_ratio_dataframe": round(frame.cpu_us / memory.cpu_us, 2),
            "cpu_ratio_batching": round(batching.cpu_us / memory.cpu_us, 2),
            "from_journal": {
                "ratio_dataframe": round(frame.wall_us / journal.wall_us, 2),
                "ratio_batching": round(batching.wall_us / journal.wall_us, 2),
                "points_per_s": round(1e6 / journal.wall_us),
                "drain_30x24h_s": round(DAY_ROWS * journal.wall_us / 1e6, 1),
            },
        },
    )


if __name__ == "__main__":
    main()
