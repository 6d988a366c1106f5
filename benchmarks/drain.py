"""A backlog on its way into a real InfluxDB, while life goes on: how long it takes, and how long live rows wait.

    python -m benchmarks.drain [--hours 24] [--wearers 30] [--url URL --token TOKEN --org ORG --bucket BUCKET]

The journal holds the epochs of so many wearers over so many hours, none of them delivered, as after an outage. Then
`neckline run`'s own parts go on as ever: a writer that commits every second, and a forwarder. Every second each wearer
has a new epoch. `live_lag` is from the moment the writer gets it to the server's answer, the wait for the group commit
(up to 1 s) included. At the end the server is asked whether it holds every row, and no more.

Without --url the server is Debian's influxd behind nginx, started here, on the same cores as all else.
"""

import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks.report import arguments, report
from benchmarks.upload import SECOND_NS, START_NS, epoch, forget_wearers, stored_rows
from storage.answer import Answer, Verdict
from storage.entries import Batch, Stream
from storage.forwarder import Forwarder
from storage.influxdb import InfluxSettings, InfluxSink
from storage.journal import Journal
from storage.writer import JournalWriter
from tests.storage.servers import OwnServer, Server, own_server

PATIENCE_S = 1800.0
LIVE_AFTER_S = 5
"""Live seconds measured at least, however fast the backlog goes."""
COMMIT_ROWS = 20_000


@dataclass(slots=True)
class Timed:
    """An InfluxDB that notes how long live rows took to arrive."""

    sink: InfluxSink
    live_from_ns: int
    put_s: dict[int, float] = field(default_factory=dict)
    """When the writer got the rows of a second."""
    lags_s: list[float] = field(default_factory=list)

    def write(self, lines: Sequence[str]) -> Answer:
        """Write, and see what of it was live."""
        answer = self.sink.write(lines)
        if answer.verdict is Verdict.DELIVERED:
            now_s = time.monotonic()
            last_ns = int(lines[-1].rpartition(" ")[2])
            if last_ns >= self.live_from_ns:
                arrived = {int(line.rpartition(" ")[2]) for line in lines}
                self.lags_s += [now_s - self.put_s[at] for at in arrived if at >= self.live_from_ns]
        return answer

    def ask(self) -> Answer:
        """Ask."""
        return self.sink.ask()

    def close(self) -> None:
        """Close."""
        self.sink.close()


def fill(path: Path, streams: Sequence[Stream], seconds: int) -> None:
    """Write the backlog."""
    with Journal.open(path, "drain") as journal:
        per_commit = max(1, COMMIT_ROWS // len(streams))
        for begin in range(0, seconds, per_commit):
            span = range(begin, min(seconds, begin + per_commit))
            journal.commit(
                [Batch(stream, (epoch(k, number),)) for k in span for number, stream in enumerate(streams)]
            )


def drain(
    path: Path, streams: Sequence[Stream], seconds: int, settings: InfluxSettings
) -> tuple[float, Timed, int]:
    """Return how long the backlog took, what the sink noted, and how many live seconds there were."""
    sink = Timed(InfluxSink(settings), START_NS + seconds * SECOND_NS)
    over, k = threading.Event(), 0
    with Journal.open(path, "drain") as journal:
        last_seq = journal.last_seq
        writer = JournalWriter(journal)
        forwarder = Forwarder(path, writer, sink)
        writer.on_commit = forwarder.nudge
        writer.start()
        begin_s = time.monotonic()
        forwarder.start()
        drained_s = 0.0
        while not (drained_s and k >= LIVE_AFTER_S) and k < PATIENCE_S:
            second = seconds + k
            sink.put_s[START_NS + second * SECOND_NS] = time.monotonic()
            for number, stream in enumerate(streams):
                writer.put(Batch(stream, (epoch(second, number),)))
            k += 1
            due_s = begin_s + k
            while (left_s := due_s - time.monotonic()) > 0:
                if not drained_s and forwarder.status.cursor >= last_seq:
                    drained_s = time.monotonic() - begin_s
                over.wait(min(left_s, 0.05))
        writer.flush(PATIENCE_S)
        forwarder.close(PATIENCE_S)
        writer.close()
    return drained_s, sink, k


def main() -> None:
    """Print a table for people, then one JSON object."""
    parser = arguments(__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--wearers", type=int, default=30)
    for name in ("url", "token", "org", "bucket"):
        parser.add_argument(f"--{name}", default="")
    asked = parser.parse_args()
    streams = [Stream(f"w-bench{number:03}", "t4") for number in range(asked.wearers)]
    seconds = round(asked.hours * 3600)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="neckline-drain-")))
        if asked.url:
            server = Server(asked.url, asked.org, asked.token, asked.bucket)
        else:
            (folder / "server").mkdir()
            server = stack.enter_context(own_server(folder / "server")).fresh_bucket()
        fill(folder / "journal.db", streams, seconds)
        drained_s, sink, live = drain(folder / "journal.db", streams, seconds, server.settings())
        expected = len(streams) * (seconds + live)
        if (found := stored_rows(server, streams)) != expected:
            raise RuntimeError(f"{found} of {expected} rows are there")
        if not isinstance(server, OwnServer):
            forget_wearers(server, streams)
    lags_s = np.array(sink.lags_s)
    table = Table("what", "measured", "target")
    table.add_row(f"{seconds * len(streams):,} rows drained", f"{drained_s:.1f} s", "60 s for 24 h × 30")
    table.add_row("live rows, median", f"{np.median(lags_s):.2f} s", "")
    table.add_row("live rows, the slowest", f"{lags_s.max():.2f} s", "2 s")
    report(
        table,
        {
            "rows": seconds * len(streams),
            "drain_s": round(drained_s, 1),
            "rows_per_s": round(seconds * len(streams) / drained_s),
            "live_lag_median_s": round(float(np.median(lags_s)), 2),
            "live_lag_max_s": round(float(lags_s.max()), 2),
            "live_seconds": live,
        },
    )


if __name__ == "__main__":
    main()
