"""Kills a process that stores, with SIGKILL, at random moments; what it had acknowledged must be there, once.

    python -m benchmarks.kill9 --rounds 100

Every round starts a process on the journal as the kill before left it, and kills it: while it opens the journal, amid
rows, amid checkpoints (the log is written back every few commits), amid the upload to a real InfluxDB (Debian's influxd
and nginx, started here; without them that phase is left out, and the table shows 0). After each kill a copy of the
journal's files is opened and compared, value by value, with what should be in it; the server with what was said to be
delivered. Every now and then all is delivered, the server must hold exactly the journal's rows, and a new journal begins.

Exits with 1 when anything was lost, duplicated or damaged.

`lost` and `duplicated` count rows, in the journal and on the server; `damaged` what the journal's own check reports.
`ready_p99_s` is from the start of the process after a kill, Python and all, to the first row that it acknowledges.
"""

import random
import shutil
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.report import arguments, report
from storage.entries import INFLUXDB
from storage.influxdb import InfluxSink
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import KINDS
from tests.storage.forwarding import forwarding
from tests.storage.ingest import ELSEWHERE, STREAMS
from tests.storage.killing import ingesting, lost_and_surplus
from tests.storage.servers import BINARIES, OwnServer, find, own_server
from tests.storage.sittings import as_stored

PHASES = ("open", "ingest", "checkpoint", "upload")
LIFE_ROUNDS = 20
"""Kills of one journal."""
CHECKPOINT_PAGES = 4
MANY = 2**62
MAX_ACKS, MAX_DELAY_S = 40, 0.02
SENT = [kind for kind in KINDS if kind.measurement is not None]


@dataclass(slots=True)
class Tally:
    """What came of the rounds."""

    rounds: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    duplicated: int = 0
    damaged: int = 0
    rows: int = 0
    """In the journals at their ends."""
    ready_s: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Life:
    """One journal, from its making to its last kill."""

    path: Path
    server: OwnServer | None
    tally: Tally
    said: dict[str, int] = field(default_factory=dict)
    """The furthest acknowledgements so far."""

    def round(self, phase: str, seed: int, rng: random.Random) -> None:
        """Kill once, and look."""
        options: list[str] = []
        if phase == "checkpoint":
            options = ["--checkpoint", str(CHECKPOINT_PAGES)]
        elif phase == "upload" and self.server is not None:
            options = ["--to", self.server.url, self.server.bucket]
        acks = 0 if phase == "open" else rng.randrange(1, MAX_ACKS)
        is_first = not self.path.exists()
        with ingesting(self.path, seed, *options) as killing:
            said = killing.kill(acks, rng.random() * (0.1 if phase == "open" else MAX_DELAY_S))
        if killing.ready_s is not None and not is_first:
            self.tally.ready_s.append(killing.ready_s)
        self.said |= said
        self.tally.rounds[phase] += 1
        self.tally.acknowledged[phase] += said.get("rows", 0) > 0
        self.look()

    def look(self) -> None:
        """Compare a copy of the journal, and the server, with what was acknowledged."""
        if not self.path.exists():  # killed before it was made
            return
        with tempfile.TemporaryDirectory(dir=self.path.parent) as folder:
            for file in self.path.parent.glob(f"{self.path.name}*"):
                if not file.name.endswith((".lock", "-shm")):
                    shutil.copy(file, folder)
            copy = Path(folder) / self.path.name
            with Journal.open(copy, "kill9") as journal, JournalReader.open(copy) as reader:
                self.tally.damaged += len(journal.damage) + len(reader.check())
                self.tally.lost += max(0, self.said.get("rows", 0) - journal.last_seq)
                self.tally.lost += max(0, self.said.get("cursor", 0) - reader.backlog(ELSEWHERE).cursor)
                self.tally.lost += max(0, self.said.get("delivered", 0) - reader.backlog(INFLUXDB).cursor)
                lost, surplus = lost_and_surplus(journal, reader)
                self.tally.lost += lost
                self.tally.duplicated += surplus
                self.compare_server(reader, self.said.get("delivered", 0))

    def compare_server(self, reader: JournalReader, delivered_seq: int) -> None:
        """Compare the server with the journal: it has all up to a seq, and nothing that the journal has not."""
        if self.server is None:
            return
        stored = [row for kind in SENT for stream in STREAMS for row in self.server.rows(kind, stream)]
        there = {frozenset(row.items()) for row in stored}
        expected: dict[frozenset[tuple[str, Any]], int] = {}
        for entry in reader.entries(0, MANY):
            (row,) = as_stored(entry.kind, entry.stream, [entry.kind.from_row(entry.row)])
            expected[frozenset(row.items())] = entry.seq
        self.tally.lost += sum(seq <= delivered_seq and row not in there for row, seq in expected.items())
        self.tally.duplicated += sum(frozenset(row.items()) not in expected for row in stored)

    def end(self) -> None:
        """Deliver all that is left; now the two must be equal."""
        if self.server is not None:
            with forwarding(self.path, InfluxSink(self.server.settings())):
                pass
        with JournalReader.open(self.path) as reader:
            self.tally.rows += sum(reader.count(kind) for kind in KINDS)
            self.tally.lost += len(reader.dead_letters(INFLUXDB))
            self.compare_server(reader, MANY)


def measure(rounds: int, seed: int) -> Tally:
    """Kill so many times."""
    tally, rng = Tally(), random.Random(seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="neckline-kill9-")))
        server = None
        if all(find(name) for name in BINARIES):
            (folder / "server").mkdir()
            server = stack.enter_context(own_server(folder / "server"))
        phases = PHASES if server else PHASES[:-1]
        life: Life | None = None
        for k in range(rounds):
            if life is None:
                (home := folder / f"life-{k}").mkdir()
                life = Life(home / "journal.db", server.fresh_bucket() if server else None, tally)
                life.round("ingest", seed + k, rng)
            else:
                life.round(rng.choice(phases), seed + k, rng)
            if (k + 1) % LIFE_ROUNDS == 0 or k + 1 == rounds:
                life.end()
                life = None
    return tally


def main() -> None:
    """Print a table for people, then one JSON object."""
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=5)
    asked = parser.parse_args()
    tally = measure(asked.rounds, asked.seed)
    ready_s = np.array(tally.ready_s or [np.nan])
    table = Table("killed amid", "rounds", "of them after rows were acknowledged")
    for phase in PHASES:
        table.add_row(phase, str(tally.rounds[phase]), str(tally.acknowledged[phase]))
    table.caption = (
        f"{tally.rows} rows; lost {tally.lost}, duplicated {tally.duplicated}, damaged {tally.damaged}; "
        f"ready again: median {np.median(ready_s):.2f} s, p99 {np.quantile(ready_s, 0.99):.2f} s"
    )
    report(
        table,
        {
            "rounds": tally.rounds.total(),
            "lost": tally.lost,
            "duplicated": tally.duplicated,
            "damaged": tally.damaged,
            "ready_p99_s": round(float(np.quantile(ready_s, 0.99)), 2),
            "rows": tally.rows,
            "by_phase": {phase: tally.rounds[phase] for phase in PHASES},
        },
    )
    if tally.lost or tally.duplicated or tally.damaged:
        sys.exit(1)


if __name__ == "__main__":
    main()
