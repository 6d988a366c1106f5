"""Kills the process of `tests.storage.ingest` and says what became of what it had acknowledged."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import KINDS, kind_of
from tests.storage.ingest import STREAMS, batch, second_of

ROOT = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Killing:
    """One process that ingests, to be killed."""

    process: subprocess.Popen[bytes]
    begin_s: float = field(default_factory=time.monotonic)
    said: dict[str, int] = field(default_factory=dict)
    """The last acknowledgement of each kind, whenever it was said."""
    ready_s: float | None = None
    """From its start to the first row that it acknowledged."""

    def kill(self, acks: int, delay_s: float = 0.0) -> dict[str, int]:
        """Kill it so long after so many acknowledgements; return the last of each kind."""
        assert self.process.stdout is not None
        for _ in range(acks + 1):
            self._note(self.process.stdout.readline())
        time.sleep(delay_s)  # a random moment, not a wait for anything
        self.process.kill()
        for line in self.process.stdout:
            self._note(line)
        assert self.process.wait() == (1 if sys.platform == "win32" else -signal.SIGKILL)
        return self.said

    def _note(self, line: bytes) -> None:
        """Take a line down, if it is whole."""
        if line.endswith(b"\n"):
            what, seq = line.split()
            self.said[what.decode()] = int(seq)
            if what == b"rows" and self.ready_s is None:
                self.ready_s = time.monotonic() - self.begin_s


@contextmanager
def ingesting(path: Path, seed: int, *options: str) -> Iterator[Killing]:
    """Start `python -m tests.storage.ingest` on a journal; whatever happens, it is dead at the end."""
    command = [sys.executable, "-m", "tests.storage.ingest", str(path), str(seed), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            yield Killing(process)
        finally:
            process.kill()


def lost_and_surplus(journal: Journal, reader: JournalReader) -> tuple[int, int]:
    """Count rows that should be there and are not, and rows that should not be there.

    Each stream should hold every second up to the one that its state follows, and not one row more.
    """
    lost = surplus = 0
    for stream in STREAMS:
        seconds = range(second_of(journal.state(stream)) + 1)
        records = [record for k in seconds for record in batch(k, stream).records]
        expected = Counter((kind_of(record).name, kind_of(record).to_row(record)) for record in records)
        found = Counter((kind.name, row) for kind in KINDS for row in reader.rows(kind, stream))
        lost += (expected - found).total()
        surplus += (found - expected).total()
    return lost, surplus
