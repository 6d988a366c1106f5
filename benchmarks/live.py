"""What a second of a wearer costs, from the samples to the disk, and what a service for one wearer takes of memory.

    python -m benchmarks.live [--wearers 200] [--seconds 120]

Processor time of the process, all threads, with the journal on disk, synced at every commit (one a second). Samples of
generated wearers (`benchmarks.people`) at 50 Hz go through `step_many`, as a gateway's would; records go to the
journal's writer with what goes there of the state (`neckline.wearing.saving`). Two ways of coming: a second's block at a
time, where what is not urgent may wait for ten seconds (`Settings.patience_s`, a gateway's; alerts do not wait, rows are
durable that much later) or for none; and notifications of five samples. `of_it_storage_us` is what is left when the same
is done without a journal.

`daemon_rss_mb` is a service for one wearer as `neckline run` has it, with no web page (`benchmarks.daemon`), after some time.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.table import Table

from benchmarks.people import CALIBRATE_S, RATE_HZ, life
from benchmarks.report import arguments, report
from neckline.wearing.saving import Saving
from processing.calibration import calibrate
from processing.outputs import Outputs
from processing.settings import Settings
from processing.state import WearerState
from processing.step import step_many
from sensor.samples import SampleBlock
from storage.entries import Batch, Stream
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import EPOCH, Record
from storage.writer import JournalWriter

WARM_S = 10
"""Of samples that are not measured: filters settle, the journal is made."""
NOTIFICATION = 5
FLUSH_S = 60.0
GATEWAY_PATIENCE_S = 10.0
WAYS = {
    "": ("blocks of a second, 10 s of patience", round(RATE_HZ), GATEWAY_PATIENCE_S, "50 µs"),
    "_at_once": ("blocks of a second, none", round(RATE_HZ), 1.0, ""),
    "_notifications": ("notifications", NOTIFICATION, 1.0, "150 µs"),
}
"""By the end of their keys: what it is, samples a block, patience, target."""


@dataclass(slots=True)
class Worn:
    """One wearer of many."""

    stream: Stream
    settings: Settings
    samples: SampleBlock
    state: WearerState = field(default_factory=WearerState)
    saving: Saving = field(default_factory=Saving)


def wearers(number: int, seconds: int) -> list[Worn]:
    """Return wearers, each calibrated, none like another."""
    lives = [life(1000 + k, seconds=60.0) for k in range(number)]
    return [
        Worn(
            Stream(f"w-live{k:04}", "t4"),
            Settings(calibration=calibrate(of.samples(*CALIBRATE_S))),
            of.samples(0, WARM_S + seconds),
        )
        for k, of in enumerate(lives)
    ]


def rounds(worn: list[Worn], rows: int) -> list[list[SampleBlock]]:
    """Return the blocks of each wearer as they come: to make them is the sensor's work (`benchmarks.decode`)."""
    most = min(len(each.samples) for each in worn) // rows * rows
    return [[each.samples[begin : begin + rows] for each in worn] for begin in range(0, most, rows)]


def take(worn: list[Worn], blocks: list[SampleBlock], writer: JournalWriter | None) -> None:
    """Take a block of each wearer, and store what it gives."""
    turns = ((each.state, block, each.settings) for each, block in zip(worn, blocks, strict=True))
    for each, block, (state, outputs) in zip(worn, blocks, step_many(turns), strict=True):
        each.state = state
        if writer is not None:
            each.saving.heard(block)
            if records := records_of(outputs):
                writer.put(Batch(each.stream, records, *each.saving.due(state, each.settings)))


def records_of(outputs: Outputs) -> tuple[Record, ...]:
    """Return what is stored of outputs."""
    return (*outputs.epochs, *outputs.minutes, *outputs.episodes, *outputs.events)


def cost_us(worn: list[Worn], rows: int, seconds: int, path: Path | None, patience_s: float = 1.0) -> float:
    """Return the processor time of a wearer's second; with a path, with a journal there."""
    for each in worn:
        each.state, each.saving = WearerState(), Saving()
        each.settings = replace(each.settings, patience_s=patience_s)
    journal = None if path is None else Journal.open(path, "live")
    writer = None if journal is None else JournalWriter(journal, commit_every_s=3600.0)
    if writer is not None:
        writer.start()
    per_s, begin_s, coming = round(RATE_HZ) // rows, 0.0, rounds(worn, rows)
    for number, blocks in enumerate(coming):
        if number == WARM_S * per_s:
            begin_s = time.process_time()
        take(worn, blocks, writer)
        if writer is not None and (number + 1) % per_s == 0 and not writer.flush(FLUSH_S):
            raise RuntimeError("the journal takes no rows")
    spent_s = time.process_time() - begin_s
    if journal is not None and writer is not None:
        writer.close()
        journal.close()
        with JournalReader.open(journal.path) as reader:
            stored = reader.count(EPOCH)
            if stored < len(worn) * (WARM_S + seconds - 1 - patience_s):
                raise RuntimeError(f"{stored} epochs are there")
    return spent_s / seconds / len(worn) * 1e6


def daemon_rss_mb(folder: Path, seconds: float) -> float:
    """Return the memory of a service for one wearer after so long."""
    command = [sys.executable, "-m", "benchmarks.daemon", str(folder), str(seconds)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None  # noqa: S101 (a pipe was asked for)
        for line in process.stdout:
            if line.strip() == b"ready":
                break
        status = Path(f"/proc/{process.pid}/status").read_text() if process.poll() is None else ""
        _, said = process.communicate()
    if process.returncode or not status:
        raise RuntimeError(said.decode())
    (resident,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(resident.split()[1]) / 1024


def main() -> None:
    """Print a table for people, then one JSON object."""
    parser = arguments(__doc__)
    parser.add_argument("--wearers", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--daemon-s", type=float, default=30.0)
    asked = parser.parse_args()
    worn = wearers(asked.wearers, asked.seconds)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="neckline-live-") as folder:
        for name, (_, rows, patience_s, _) in WAYS.items():
            for way in ("journal", "nothing"):
                path = Path(folder) / f"live{name}.db" if way == "journal" else None
                figures[way + name] = cost_us(worn, rows, asked.seconds, path, patience_s)
        rss_mb = daemon_rss_mb(Path(folder), asked.daemon_s)
    table = Table("what", "measured", "of it storage", "target")
    for name, (words, _, _, target) in WAYS.items():
        whole, bare = figures["journal" + name], figures["nothing" + name]
        table.add_row(f"a wearer's second, {words}", f"{whole:.1f} µs", f"{whole - bare:.1f} µs", target)
    table.add_row("a service for one wearer", f"{rss_mb:.0f} MB", "", "80 MB")
    report(
        table,
        {
            "us_per_wearer_s": round(figures["journal"], 1),
            "us_per_wearer_s_at_once": round(figures["journal_at_once"], 1),
            "us_per_wearer_s_notifications": round(figures["journal_notifications"], 1),
            "daemon_rss_mb": round(rss_mb, 1),
            "of_it_storage_us": round(figures["journal"] - figures["nothing"], 1),
            "of_it_storage_us_notifications": round(
                figures["journal_notifications"] - figures["nothing_notifications"], 1
            ),
        },
    )


if __name__ == "__main__":
    main()
