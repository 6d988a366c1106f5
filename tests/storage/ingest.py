"""A process of its own, to be killed: `python -m tests.storage.ingest JOURNAL SEED`.

Goes on where the saved state says, puts second after second of two streams as fast as the disk takes them, and says on
its standard output what is durable: `rows SEQ`, `cursor SEQ`.
"""

import os
import random
import sys
from pathlib import Path

from storage.entries import Batch, Stream
from storage.journal import Journal
from storage.schema import Record
from storage.writer import JournalWriter
from tests.storage.records import ANNA, BERT, battery, epoch, event, minute, state_after

MAX_WAITING = 40
STREAMS = (ANNA, BERT)


def batch(k: int, stream: Stream) -> Batch:
    """Return what second k gives."""
    records: list[Record] = [epoch(k)]
    if k % 3 == 0:
        records.append(event(k))
    if k % 10 == 0:
        records += [minute(k), battery(k)]
    return Batch(stream, tuple(records), state_after(k))


def second_of(state: bytes | None) -> int:
    """Return the second after which a state was saved, -1 for none."""
    return -1 if state is None else int(state[len("state ") : state.index(b";")])


def say(what: str, seq: int) -> None:
    """Acknowledge, in one write."""
    os.write(1, f"{what} {seq}\n".encode())


def main(path: Path, seed: int) -> None:
    """Ingest until killed."""
    rng = random.Random(seed)
    say("starting", 0)
    with Journal.open(path, "ingest") as journal:
        nexts = [second_of(journal.state(stream)) + 1 for stream in STREAMS]
        writer = JournalWriter(
            journal, commit_every_s=rng.random() / 100, on_commit=lambda seq: say("rows", seq)
        )
        writer.start()
        while True:
            which = rng.randrange(len(STREAMS))
            writer.put(batch(nexts[which], STREAMS[which]), urgent=rng.random() < 0.3)
            nexts[which] += 1
            if writer.status.pending > MAX_WAITING:
                writer.flush(60.0)
            if rng.random() < 0.05:
                seq = writer.status.committed_seq
                writer.advance("influxdb", seq)
                say("cursor", seq)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
