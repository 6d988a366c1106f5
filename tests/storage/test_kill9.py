"""`kill -9` at any moment of ingest: what was acknowledged is there, once, whole, and the next one can go on."""

import random
from pathlib import Path

from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import KINDS
from tests.storage.ingest import ELSEWHERE
from tests.storage.killing import ingesting, lost_and_surplus

ROUNDS = 20


def test_nothing_acknowledged_is_lost_and_nothing_is_doubled(tmp_path: Path) -> None:
    """Twenty kills of one journal, some of them while it is being opened."""
    path = tmp_path / "journal.db"
    rng = random.Random(9)
    rows_before = 0
    for k in range(ROUNDS):
        with ingesting(path, k) as killing:
            said = killing.kill(0 if k % 5 == 0 else rng.randrange(1, 60))
        with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
            assert (journal.damage, reader.check()) == ((), [])
            assert journal.last_seq >= max(said.get("rows", 0), rows_before)
            assert reader.backlog(ELSEWHERE).cursor >= said.get("cursor", 0)
            assert lost_and_surplus(journal, reader) == (0, 0)
            assert sum(reader.count(kind) for kind in KINDS) == journal.last_seq
            rows_before = journal.last_seq
    assert rows_before > ROUNDS * 10
