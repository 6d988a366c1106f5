"""`kill -9` at any moment of ingest: what was acknowledged is there, once, whole, and the next one can go on."""

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import KINDS
from tests.storage.ingest import STREAMS, batch, second_of

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 20


def acknowledged(process: subprocess.Popen[bytes], acks: int) -> dict[str, int]:
    """Kill a process after so many acknowledgements; return the last of each kind, whenever it was said."""
    said: dict[str, int] = {}
    assert process.stdout is not None
    for _ in range(acks + 1):
        note(process.stdout.readline(), said)
    process.kill()
    for line in process.stdout:
        note(line, said)
    process.wait()
    return said


def note(line: bytes, said: dict[str, int]) -> None:
    """Take a line down, if it is whole."""
    if line.endswith(b"\n"):
        what, seq = line.split()
        said[what.decode()] = int(seq)


def test_nothing_acknowledged_is_lost_and_nothing_is_doubled(tmp_path: Path) -> None:
    """Twenty kills of one journal, some of them while it is being opened."""
    path = tmp_path / "journal.db"
    rng = random.Random(9)
    rows_before = 0
    for k in range(ROUNDS):
        command = [sys.executable, "-m", "tests.storage.ingest", str(path), str(k)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
            said = acknowledged(process, 0 if k % 5 == 0 else rng.randrange(1, 60))
            assert process.returncode == (1 if sys.platform == "win32" else -signal.SIGKILL)
        with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
            assert (journal.damage, reader.check()) == ((), [])
            assert journal.last_seq >= max(said.get("rows", 0), rows_before)
            assert reader.backlog("influxdb").cursor >= said.get("cursor", 0)
            rows_before = journal.last_seq
            assert_whole(journal, reader)
    assert rows_before > ROUNDS * 10


def assert_whole(journal: Journal, reader: JournalReader) -> None:
    """Check that each stream holds every second up to the one that its state follows, and not one row more."""
    rows = 0
    for stream in STREAMS:
        expected: dict[str, list[Any]] = {kind.name: [] for kind in KINDS}
        for k in range(second_of(journal.state(stream)) + 1):
            for record in batch(k, stream).records:
                kind = next(kind for kind in KINDS if isinstance(record, kind.record))
                expected[kind.name].append(record)
        found = {kind.name: [*reader.read(kind, stream)] for kind in KINDS}
        assert expected == found
        rows += sum(map(len, found.values()))
    assert rows == journal.last_seq
