# ruff: noqa: S608 (the names in the statements are our own)
"""Damage is told as a value, row by row, and what is damaged is never read as if it were whole."""

import random
import shutil
import sqlite3
import struct
from pathlib import Path
from typing import Any

import pytest

from storage.damage import Damage, Harm
from storage.entries import Batch, DeadLetter
from storage.errors import JournalError, JournalUnreadableError
from storage.journal import Journal
from storage.lock import beside
from storage.reader import JournalReader
from storage.schema import EPOCH, EVENT, KINDS, Type, kind_of
from tests.storage.records import ANNA, BERT, SECOND_NS, START_NS, epoch, event, one_of_each, second

SIDECARS = ("", "-wal", "-shm", ".seq")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a closed journal: of two streams, with every kind twice, a hole, a cursor and a dead letter."""
    path = tmp_path / "journal.db"
    with Journal.open(path, "test") as journal:
        for k in range(2):
            journal.commit([Batch(ANNA, one_of_each(k), b"state"), Batch(BERT, (epoch(k),), b"state too")])
        journal.commit([Batch(BERT, (epoch(1),))])
        journal.advance("influxdb", 3, [DeadLetter(3, "episode", "line", "reason", START_NS)])
    return path


def tamper(path: Path, *statements: str) -> None:
    """Change the file behind the journal's back, leaving no trace."""
    connection = sqlite3.connect(path, isolation_level=None)
    for kind in KINDS:
        connection.execute(f"DROP TRIGGER {kind.name}_gone")
    for statement in statements:
        connection.execute(statement)
    connection.close()


def contents(path: Path) -> list[Any]:
    """Return all that can be read."""
    with JournalReader.open(path) as reader:
        return [
            (stream, record)
            for kind in KINDS
            for stream in reader.streams()
            for record in reader.read(kind, stream)
        ]


def told(path: Path) -> list[Damage]:
    """Return what opening and a full check tell; both must tell of rows."""
    with Journal.open(path, "test") as journal:
        opening = journal.damage
        with JournalReader.open(path) as reader:
            full = reader.check()
    assert [damage for damage in full if damage.first_seq is not None] == [
        damage for damage in opening if damage.first_seq is not None
    ]
    return full


def test_a_whole_journal_tells_of_no_damage(path: Path) -> None:
    """Replaced rows are holes that it knows of."""
    assert told(path) == []
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT seq FROM hole").fetchall() == [(16,)]
    connection.close()


VALUES = [
    (kind.name, column)
    for kind in KINDS
    for column in ("seq", "stream", "crc", *(column.name for column in kind.columns))
]


@pytest.mark.parametrize(("table", "column"), VALUES, ids=[f"{table}.{column}" for table, column in VALUES])
def test_every_stored_value_is_watched(path: Path, table: str, column: str) -> None:
    """A change of any value of any row is reported with the row's number; all other rows are still read."""
    whole = contents(path)
    (types,) = (
        {
            **{each.name: each.type for each in kind.columns},
            "seq": Type.INT,
            "stream": Type.INT,
            "crc": Type.INT,
        }
        for kind in KINDS
        if kind.name == table
    )
    other = {
        Type.INT: f"ifnull({column}, 7) + 100",
        Type.FLOAT: f"ifnull({column}, 7.0) * 1.0000000000000002 + 1e-300",
        Type.TEXT: f"ifnull({column}, '') || 'x'",
    }[types[column]]
    with sqlite3.connect(path) as connection:
        (seq,) = connection.execute(f"SELECT max(seq) FROM {table}").fetchone()
    connection.close()
    tamper(path, f"UPDATE {table} SET {column} = {other} WHERE seq = {seq}")
    damage = told(path)
    assert (Harm.ALTERED, table) in {(each.harm, each.table) for each in damage}
    assert all(str(each) for each in damage)
    if column != "seq":
        assert [(seq, seq)] == [(each.first_seq, each.last_seq) for each in damage]
    left = contents(path)
    assert len(left) == len(whole) - 1
    assert all(each in whole for each in left)
    with JournalReader.open(path) as reader:
        assert seq not in [entry.seq for entry in reader.entries(0, 100)]
        assert reader.skipped == (0 if table == "calibration" else 1)


def test_a_flipped_bit_in_each_row_of_the_file_is_reported(tmp_path: Path) -> None:
    """In the bytes as they lie on the disk, each float and note that was stored, one bit at a time."""
    path = tmp_path / "journal.db"
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(ANNA, one_of_each(1)), Batch(BERT, one_of_each(2))])
    original, whole, flips = path.read_bytes(), contents(path), 0
    for _, record in whole:
        kind = kind_of(record)
        for value in kind.to_row(record):
            stored = struct.pack(">d", value) if isinstance(value, float) else str(value).encode()
            if isinstance(value, int) or original.count(stored) != 1:
                continue
            at = original.index(stored)
            for bit in {0, 3, 8 * len(stored) - 1}:
                data = bytearray(original)
                data[at + bit // 8] ^= 1 << bit % 8
                path.write_bytes(data)
                assert [(each.harm, each.table) for each in told(path)] == [(Harm.ALTERED, kind.name)], value
                assert len(contents(path)) == len(whole) - 1
                flips += 1
    assert flips > 90


def lost(*spans: tuple[int, int]) -> list[tuple[Harm, int, int]]:
    """Return rows as lost."""
    return [(Harm.LOST, first, last) for first, last in spans]


def test_lost_rows_are_a_gap_with_its_time(path: Path) -> None:
    """What vanished with no trace is reported between the times around it."""
    with Journal.open(path, "test") as journal:
        for k in range(10, 20):
            journal.commit([second(k)])
    tamper(path, "DELETE FROM epoch WHERE seq BETWEEN 20 AND 22", "DELETE FROM epoch WHERE seq = 27")
    first, last = told(path)
    assert lost((20, 22), (27, 27)) == [(each.harm, each.first_seq, each.last_seq) for each in (first, last)]
    assert (first.after_ns, first.before_ns) == (START_NS + 11 * SECOND_NS, START_NS + 15 * SECOND_NS)
    assert (last.after_ns, last.before_ns) == (START_NS + 18 * SECOND_NS, None)
    assert [str(first), str(last)] == ["3 rows lost (numbers 20 to 22)", "1 row lost (number 27)"]


def test_deleting_with_a_trace_is_no_damage(path: Path) -> None:
    """What the journal itself lets go is known to be gone."""
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM epoch WHERE seq < 10")
    connection.close()
    assert told(path) == []


def test_the_small_tables_are_watched_too(path: Path) -> None:
    """A damaged state is none, a damaged cursor sends again: neither is believed, both are reported."""
    tamper(
        path,
        "UPDATE state SET state = X'0400' WHERE stream = 1",
        "UPDATE cursor SET seq = 12",
        "UPDATE dead_letter SET line = 'other'",
        "UPDATE journal SET created_ns = created_ns + 1",
    )
    with Journal.open(path, "test") as journal:
        assert (journal.state(ANNA), journal.state(BERT)) == (None, b"state too")
        assert [damage.table for damage in journal.damage] == ["journal"]
        assert journal.last_seq == 17
        with JournalReader.open(path) as reader:
            assert reader.backlog("influxdb").cursor == 0
            assert len(reader.check()) == 4
        journal.commit([second(5)])
        journal.advance("influxdb", 3)
        with JournalReader.open(path) as reader:
            assert [damage.table for damage in reader.check()] == ["journal", "dead_letter"]
            assert journal.state(ANNA) == second(5).state
            assert reader.backlog("influxdb").cursor == 3


def test_a_wearer_whose_name_is_damaged_loses_all_rows_and_gives_them_to_nobody(path: Path) -> None:
    """The checksum covers the name, so that nobody's posture becomes another's."""
    tamper(path, f"UPDATE stream SET wearer = 'w-other' WHERE wearer = '{ANNA.wearer}'")
    damaged = [each.last_seq - each.first_seq + 1 for each in told(path) if each.last_seq and each.first_seq]
    assert sum(damaged) == 14
    assert [epoch(0), epoch(1)] == [record for _, record in contents(path)]
    tamper_again = sqlite3.connect(path, isolation_level=None)
    tamper_again.execute("UPDATE stream SET wearer = X'ff00' WHERE wearer = 'w-other'")
    tamper_again.close()
    assert [epoch(0), epoch(1)] == [record for _, record in contents(path)]


# ---- the write-ahead log, and the witness beside it ----------------------------------------------------------------


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """Give a journal as a killed process leaves it: its last 40 commits lie in the write-ahead log alone."""
    path = tmp_path / "live" / "journal.db"
    copy = tmp_path / "killed" / "journal.db"
    copy.parent.mkdir()
    with Journal.open(path, "test") as journal:
        for k in range(40):
            journal.commit([second(k)])
        for suffix in SIDECARS:
            shutil.copy(beside(path, suffix), beside(copy, suffix))
    return copy


def test_a_killed_journal_is_whole(killed: Path) -> None:
    """All that was acknowledged is there."""
    assert told(killed) == []
    assert len(contents(killed)) == 40


def test_commits_cut_off_by_a_flipped_bit_in_the_log_are_reported(killed: Path) -> None:
    """SQLite drops all commits from there on without a word; the witness tells how many, and no number is used twice."""
    wal = bytearray(beside(killed, "-wal").read_bytes())
    wal[len(wal) // 2] ^= 4
    beside(killed, "-wal").write_bytes(wal)
    beside(killed, "-shm").unlink()
    kept = len(contents(killed))
    assert 0 < kept < 40
    with Journal.open(killed, "test") as journal:
        assert lost((kept + 1, 40)) == [(each.harm, each.first_seq, each.last_seq) for each in journal.damage]
        assert journal.damage[0].after_ns == START_NS + (kept - 1) * SECOND_NS
        assert journal.commit([second(50)]) == 41
    (damage,) = told(killed)
    assert (damage.first_seq, damage.last_seq, damage.before_ns) == (kept + 1, 40, START_NS + 50 * SECOND_NS)


def test_a_backup_put_back_tells_what_came_after_it(path: Path) -> None:
    """The journal is whole, and shorter than what was acknowledged."""
    shutil.copy(path, path.with_name("backup"))
    with Journal.open(path, "test") as journal:
        assert journal.commit([second(5), second(6)]) == 19
    shutil.copy(path.with_name("backup"), path)
    assert lost((18, 19)) == [(each.harm, each.first_seq, each.last_seq) for each in told(path)]


@pytest.mark.parametrize("witness", [b"", b"\0" * 44, b"garbage" * 100, None])
def test_a_witness_that_says_nothing_harms_nothing(path: Path, witness: bytes | None) -> None:
    """Torn, zeroed, of another journal or not there: the journal is taken as it is."""
    if witness is None:
        with Journal.open(path.with_name("other.db"), "test") as other:
            other.commit([second(k) for k in range(100)])
        witness = beside(path.with_name("other.db"), ".seq").read_bytes()
    beside(path, ".seq").write_bytes(witness)
    assert told(path) == []


# ---- anywhere in the file ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("where", ["", "-wal"])
def test_no_flipped_bit_gives_wrong_data(path: Path, killed: Path, where: str, seed: int) -> None:
    """Any bit of the file or of the log: refused, or reported, or everything reads as it was written."""
    target = killed if where else path
    files = {
        suffix: beside(target, suffix).read_bytes() for suffix in SIDECARS if beside(target, suffix).exists()
    }
    files.pop("-shm", None)
    before = contents(target)
    rng = random.Random(seed)
    for _ in range(40):
        bit = rng.randrange(8 * len(files[where]))
        for suffix in SIDECARS:
            beside(target, suffix).unlink(missing_ok=True)
        for suffix, data in files.items():
            changed = bytearray(data)
            if suffix == where:
                changed[bit // 8] ^= 1 << bit % 8
            beside(target, suffix).write_bytes(changed)
        try:
            damage = told_leniently(target)
            after = contents(target)
        except JournalError:
            continue
        assert all(each in before for each in after), bit
        assert damage or after == before, bit


def told_leniently(path: Path) -> list[Damage]:
    """Return all that opening and a full check tell."""
    with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
        return [*journal.damage, *reader.check()]


def garbled(path: Path, of: str, *, leaf: int) -> Path:
    """Make a journal of 500 epochs and 5 events, a leaf of a table or an index of which is noise."""
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(ANNA, tuple(epoch(k) for k in range(500)))])
        journal.commit([Batch(ANNA, tuple(event(k) for k in range(5)))])
        leaves = journal._connection.execute(
            "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path", (of,)
        ).fetchall()
    (page,) = leaves[leaf]
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = random.Random(1).randbytes(4096)
    path.write_bytes(data)
    return path


def test_a_garbled_page_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    """A leaf of the table of epochs overwritten with noise: its rows are lost, no other, and nothing raises."""
    path = garbled(tmp_path / "journal.db", "epoch", leaf=2)
    with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
        assert {Harm.UNREADABLE, Harm.LOST} == {damage.harm for damage in journal.damage}
        assert {Harm.UNREADABLE, Harm.LOST} == {damage.harm for damage in reader.check()}
        assert [event(k) for k in range(5)] == [*reader.read(EVENT, ANNA)]
        found = [*reader.read(EPOCH, ANNA)]
        lost = [k for k in range(500) if epoch(k) not in found]
        assert found == [epoch(k) for k in range(500) if k not in lost]
        assert 10 < len(lost) == lost[-1] - lost[0] + 1 < 60
        assert reader.skipped == len(lost)
        assert reader.count(EPOCH, ANNA) == 500


def test_with_a_garbled_newest_page_the_newest_that_can_be_read_is_the_last(tmp_path: Path) -> None:
    """What is under way is remembered by it."""
    with JournalReader.open(garbled(tmp_path / "journal.db", "epoch", leaf=-1)) as reader:
        found = [*reader.read(EPOCH, ANNA)]
        assert found == [epoch(k) for k in range(len(found))]
        assert 440 < len(found) < 500
        assert reader.last(EPOCH, ANNA) == found[-1]


def test_a_garbled_table_of_streams_is_told_as_damage(tmp_path: Path) -> None:
    """Of nobody's rows is then known whose they are: whoever delivers them waits."""
    with (
        JournalReader.open(garbled(tmp_path / "journal.db", "stream", leaf=0)) as reader,
        pytest.raises(JournalUnreadableError),
    ):
        reader.blocks(0, reader.last_seq)


def test_a_garbled_page_of_an_index_loses_no_row(tmp_path: Path) -> None:
    """What it said is in the rows themselves; that it is garbled is told."""
    with JournalReader.open(garbled(tmp_path / "journal.db", "epoch_key", leaf=1)) as reader:
        assert [*reader.read(EPOCH, ANNA)] == [epoch(k) for k in range(500)]
        assert reader.last(EPOCH, ANNA) == epoch(499)
        assert reader.count(EPOCH, ANNA) == 500
        assert {Harm.UNREADABLE} == {damage.harm for damage in reader.check()}


def test_a_ruin_is_not_listed_row_by_row(tmp_path: Path) -> None:
    """Rows side by side are one damage, and the list has an end."""
    path = tmp_path / "journal.db"
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(ANNA, tuple(epoch(k) for k in range(5000)))])
    tamper(path, "UPDATE epoch SET received = 7 WHERE seq BETWEEN 100 AND 200")
    assert [(each.first_seq, each.last_seq) for each in told(path)] == [(100, 200)]
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE epoch SET received = 7 WHERE seq % 2")
    connection.close()
    ruin = told_leniently(path)
    assert 1000 < len(ruin) < 2100
    assert "more" in ruin[-1].detail
