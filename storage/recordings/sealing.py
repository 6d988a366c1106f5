"""A log of readings → one Parquet file.

Samples are the rows; whole steps of the clip's scale are int16 columns, and what is none (corrupt) is null. What else
came (link changes, battery) is in the file's metadata with the row before which it came, as are the gaps.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import numpy as np

from sensor.samples import BatteryReading, LinkChange, SampleBlock
from storage.arrow.parquet import Cell, Field, TableWriter
from storage.errors import FileDamagedError
from storage.recordings.contents import Contents
from storage.recordings.folder import PART, Segment, sync_folders
from storage.recordings.frames import About, block_counts, columns_of, plain_reading
from storage.recordings.reading import CRC, META, OTHERS, axes_of, crcs_of, damaged_bytes, of_log, sums_of


def seal(segment: Segment) -> Contents | None:
    """Turn a log into a Parquet file: written aside, synced, renamed, and only then the log goes. Raises OSError.

    A log without a sample leaves nothing, and None; but one of which something cannot be read stays as it is, for better
    means than ours: FileDamagedError. A kill at any moment loses nothing, and it may be done again.
    """
    if segment.is_sealed:
        return None
    target = segment.sealed()
    contents = None if target.exists() else _write(segment.path, target)
    sync_folders([segment.path.parent])
    segment.path.unlink(missing_ok=True)
    return contents


def _write(path: Path, target: Path) -> Contents | None:
    found = of_log(path)
    blocks = [each for each in found if isinstance(each, SampleBlock)]
    if not blocks:
        if damaged := damaged_bytes(found):
            raise FileDamagedError(path, f"no sample of it can be read, and {damaged} bytes are damaged")
        return None
    sums = sums_of(found)
    about, held = sums.about, sums.contents(damaged_bytes(found))
    counts = [block_counts(block, about.scale) for block in blocks]
    are_counts = all(each is not None for each in counts)
    columns = counts if are_counts else [columns_of(block) for block in blocks]
    others, row = [], 0
    for each in found:
        if isinstance(each, SampleBlock):
            row += len(each)
        elif isinstance(each, LinkChange | BatteryReading):
            others.append([row, *plain_reading(each)])
    # Of this process alone: another may be at the same log, from a service that was stopped just now.
    part = target.parent / f".{target.name}-{os.getpid()}{PART}"
    fields = [
        Field("time_ns", Cell.INT, "ns", "when the sample was taken, UTC"),
        *(_field(name, about, are_counts=are_counts) for name in axes_of(about)),
    ]
    values = np.concatenate(columns)  # type: ignore[arg-type]  # none of them is None here
    rows = [np.concatenate([block.time_ns for block in blocks]), *np.ascontiguousarray(values.T)]
    told = json.dumps(held.plain() | {OTHERS: others, CRC: crcs_of(rows)}, sort_keys=True)
    try:
        with TableWriter(part, fields, {META: told, CRC: str(crc32(told.encode()))}) as table:
            table.write(rows)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        for left in target.parent.glob(f".{target.name}-*{PART}"):  # also by those that were killed
            with suppress(OSError):
                left.unlink()
    return held


def _field(name: str, about: About, *, are_counts: bool) -> Field:
    unit, what = ("m/s2", "acceleration with gravity") if name.startswith("acc") else ("rad/s", "rotation")
    meaning = f"{what}, axis {name[-1]} of the clip"
    if not are_counts or about.scale is None:
        return Field(name, Cell.DOUBLE, unit, meaning)
    step = about.scale.acc_mps2 if name.startswith("acc") else about.scale.gyr_radps
    return Field(name, Cell.COUNT, "1", f"{meaning}: times {step!r} it is {unit}")
