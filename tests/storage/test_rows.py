"""Records → rows → SQLite → records, to the last bit; what a column cannot hold is refused before it can do harm."""

import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor.samples import BatteryReading
from storage.entries import Batch, Block, Stream
from storage.errors import RecordRefusedError
from storage.journal import Journal
from storage.reader import JournalReader
from storage.rows import PACKING, pack
from storage.schema import BATTERY, EPOCH, EVENT, KINDS, kind_of
from tests.storage.records import ANNA, START_NS, epoch, event, one_of_each, records, streams


def bits(value: object) -> object:
    """Make floats comparable by their bits."""
    return struct.pack("<d", value) if isinstance(value, float) else value


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give one journal for many examples."""
    with Journal.open(tmp_path_factory.mktemp("rows") / "journal.db", "test") as journal:
        yield journal


@given(stream=streams, record=records)
@settings(max_examples=400, deadline=None)
def test_every_record_comes_back_bit_for_bit(journal: Journal, stream: Stream, record: Any) -> None:
    """Whatever a record of any kind holds, the journal gives it back to the last bit, None as None."""
    kind = kind_of(record)
    journal.commit([Batch(stream, (record,))])
    with JournalReader.open(journal.path) as reader:
        time_ns = kind.to_row(record)[0]
        assert isinstance(time_ns, int)
        found = [
            again
            for again in reader.read(kind, stream, time_ns)
            if kind.to_row(again)[0] == time_ns and kind.to_row(again)[1] == kind.to_row(record)[1]
        ]
        assert reader.skipped == 0
    assert [record] == found
    assert [*map(bits, kind.to_row(record))] == [*map(bits, kind.to_row(found[0]))]


def test_what_sqlite_does_not_keep_is_made_plain_before(tmp_path: Path) -> None:
    """NaN is not known, -0.0 is 0.0, an int in a float's place is a float, and numpy's numbers are numbers."""
    odd = replace(
        epoch(0),
        sagittal_deg=math.nan,
        lateral_deg=-0.0,
        motion_g=1,
        received=np.int64(50),  # type: ignore[arg-type]
        confidence=np.float64(0.5),
    )
    with Journal.open(tmp_path / "journal.db", "test") as journal:
        journal.commit([Batch(ANNA, (odd,))])
        with JournalReader.open(journal.path) as reader:
            (found,) = reader.read(EPOCH, ANNA)
    assert found.sagittal_deg is None
    assert [repr(v) for v in (0.0, 1.0, 50, 0.5)] == [
        repr(v) for v in (found.lateral_deg, found.motion_g, found.received, found.confidence)
    ]


@pytest.mark.parametrize(
    "record",
    [
        replace(epoch(0), received=2**63),
        replace(epoch(0), received=1.5),  # type: ignore[arg-type]
        replace(epoch(0), sagittal_deg="12"),  # type: ignore[arg-type]
        replace(epoch(0), start_ns=None),  # type: ignore[arg-type]
        replace(event(0), note=b"bytes"),  # type: ignore[arg-type]
        replace(event(0), note="\ud800"),
    ],
    ids=["too large", "no int", "no float", "no time", "no text", "half a character"],
)
def test_a_record_that_cannot_be_stored_is_refused(tmp_path: Path, record: Any) -> None:
    """It is named, and nothing of its commit is taken."""
    with Journal.open(tmp_path / "journal.db", "test") as journal:
        with pytest.raises(
            RecordRefusedError, match=f"this {kind_of(record).name} cannot be stored"
        ) as refused:
            journal.commit([Batch(ANNA, (epoch(1), record))])
        assert refused.value.way_out
        assert journal.last_seq == 0


@pytest.mark.parametrize(
    "name", ["", "a b", "a,b", "a=b", "a\\", "-x", "=cmd", "é", "x" * 65, "a\n", "../x", "a\0"]
)
def test_a_name_that_not_every_store_can_hold_is_refused(name: str) -> None:
    """No escape in line protocol, no formula in a spreadsheet, no way out of a folder."""
    with pytest.raises(ValueError, match="is no name"):
        Stream(name, "t4")
    with pytest.raises(ValueError, match="is no name"):
        Stream("w-1", name)


@given(record=records, seq=st.integers(1, 2**62), data=st.data())
@settings(deadline=None)
def test_the_checksum_covers_every_value_and_its_place(record: Any, seq: int, data: st.DataObject) -> None:
    """Another value, another type, another seq, wearer or placement: each makes the checksum wrong."""
    kind = kind_of(record)
    (packed,) = pack(Batch(ANNA, (record,)))
    packing, checksum = PACKING[kind.name], packed.seal(seq)
    assert packing.is_whole(seq, ANNA, packed.row, checksum)
    assert not packing.is_whole(seq + 1, ANNA, packed.row, checksum)
    assert not packing.is_whole(seq, Stream(ANNA.wearer, "c7"), packed.row, checksum)
    assert not packing.is_whole(seq, Stream("w-other", ANNA.placement), packed.row, checksum)
    k = data.draw(st.integers(0, len(packed.row) - 1))
    others: list[Any] = [None, 0, 1, 0.5, "", "x", b"", b"x", packed.row[k]]
    other = data.draw(st.sampled_from(others))
    changed = (*packed.row[:k], other, *packed.row[k + 1 :])
    same = other == packed.row[k] and (other is None) == (packed.row[k] is None)
    assert packing.is_whole(seq, ANNA, changed, checksum) == same


@given(data=st.data(), each=st.sampled_from(KINDS), known=st.lists(streams, min_size=1, max_size=3))
@settings(deadline=None)
def test_many_rows_are_checked_as_each_of_them(data: st.DataObject, each: Any, known: list[Stream]) -> None:
    """Column by column the same rows are found whole, also among damaged ones and values of other types."""
    found = [record for record in data.draw(st.lists(records, max_size=20)) if kind_of(record) is each]
    rows: list[tuple[Any, ...]] = []
    checksums: list[int] = []
    of: list[Stream] = []
    for seq, record in enumerate(found):
        stream = data.draw(st.sampled_from(known))
        (packed,) = pack(Batch(stream, (record,)))
        row: tuple[Any, ...] = packed.row
        checksum = packed.seal(seq)
        if data.draw(st.booleans()):
            k = data.draw(st.integers(0, len(row) - 1))
            row = (*row[:k], data.draw(st.sampled_from([None, 0, 0.5, "x", b"x"])), *row[k + 1 :])
        rows.append(row)
        checksums.append(checksum)
        of.append(stream)
    packing = PACKING[each.name]
    columns = tuple(zip(*rows, strict=True)) or tuple(() for _ in each.columns)
    block = Block(each, tuple(range(len(rows))), tuple(of), columns)
    assert packing.whole(block, checksums) == [
        packing.is_whole(seq, stream, row, checksum)
        for seq, (stream, row, checksum) in enumerate(zip(of, rows, checksums, strict=True))
    ]


def test_every_kind_is_tested_here() -> None:
    """A new kind needs a strategy in tests/storage/records.py."""
    assert {kind.name for kind in KINDS} == {kind_of(record).name for record in one_of_each(0)}
    assert isinstance(one_of_each(0)[4], BATTERY.record)
    assert BATTERY.record is BatteryReading
    assert EVENT.to_row(event(0))[0] == START_NS
