"""A process of its own, to be killed: `python -m tests.storage.ingest JOURNAL SEED [--checkpoint PAGES] [--to URL BUCKET]`.

Goes on where the saved state says, puts second after second of two streams as fast as the disk takes them, and says on
its standard output what is durable: `rows SEQ`, `cursor SEQ` of the sink ELSEWHERE, `delivered SEQ` of the one that
feeds an InfluxDB. `--checkpoint` has the write-ahead log written back so often that a kill is likely to fall into it.
"""

import argparse
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from storage import ledger
from storage.entries import Batch, DeadLetter, Stream
from storage.journal import Journal
from storage.schema import Record
from storage.writer import JournalWriter
from tests.storage.records import ANNA, BERT, battery, epoch, event, minute, state_after

MAX_WAITING = 40
STREAMS = (ANNA, BERT)
ELSEWHERE = "elsewhere"
SENT_ROWS, SAVED_ROWS = 20, 60
"""In one request, and before the cursor is made durable: few, so that a kill falls between them."""


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


class Cursors:
    """Moves the cursor of the forwarder, and says so."""

    def __init__(self, writer: JournalWriter) -> None:
        self._writer = writer

    def advance(self, sink: str, seq: int, dead: Sequence[DeadLetter] = ()) -> None:
        """Return when it is durable."""
        self._writer.advance(sink, seq, dead)
        say("delivered", seq)


@contextmanager
def forwarding(path: Path, writer: JournalWriter, to: Sequence[str]) -> Iterator[None]:
    """Feed an InfluxDB from the journal, if one is given."""
    if not to:
        writer.on_commit = lambda seq: say("rows", seq)
        yield
        return
    from storage.forwarder import Forwarder  # noqa: PLC0415 (the client is loaded by who needs it)
    from storage.influxdb import InfluxSettings, InfluxSink  # noqa: PLC0415

    ledger.SAVE_ROWS = SAVED_ROWS
    url, bucket = to
    sink = InfluxSink(InfluxSettings(url, bucket))
    forwarder = Forwarder(path, Cursors(writer), sink, batch_rows=SENT_ROWS)

    def on_commit(seq: int) -> None:
        say("rows", seq)
        forwarder.nudge()

    writer.on_commit = on_commit
    forwarder.start()
    try:
        yield
    finally:
        forwarder.close()


def main() -> None:
    """Ingest until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("journal", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("--checkpoint", type=int, default=1000)
    parser.add_argument("--to", nargs=2, default=())
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    say("starting", 0)
    with Journal.open(asked.journal, "ingest") as journal:
        journal._connection.execute(f"PRAGMA wal_autocheckpoint = {asked.checkpoint}").fetchall()
        nexts = [second_of(journal.state(stream)) + 1 for stream in STREAMS]
        writer = JournalWriter(journal, commit_every_s=rng.random() / 100)
        with forwarding(asked.journal, writer, asked.to):
            writer.start()
            while True:
                which = rng.randrange(len(STREAMS))
                writer.put(batch(nexts[which], STREAMS[which]), urgent=rng.random() < 0.3)
                nexts[which] += 1
                if writer.status.pending > MAX_WAITING:
                    writer.flush(60.0)
                if rng.random() < 0.05:
                    seq = writer.status.committed_seq
                    writer.advance(ELSEWHERE, seq)
                    say("cursor", seq)


if __name__ == "__main__":
    main()
