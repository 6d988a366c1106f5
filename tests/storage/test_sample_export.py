"""Kept samples as CSV and Parquet: in units, from which what the clip sent comes back; replayable; damage is named."""

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from sensor.recording import Recording
from sensor.samples import SampleBlock, join
from storage.entries import Batch
from storage.exports.export import CODEBOOK, PROVENANCE, SAMPLES, Export, Format, export_journal
from storage.exports.motion_bids import export_motion_bids
from storage.exports.sharing import AS_IT_IS, Sharing
from storage.journal import Journal
from storage.reader import JournalReader
from storage.recordings.folder import HOUR_NS, RecordingsFolder
from storage.recordings.frames import About
from storage.recordings.reading import contents
from storage.recordings.sealing import seal
from tests.storage.kept import samples_of
from tests.storage.records import epoch
from tests.storage.test_recordings import ANNA, BERT, SCALE, START_NS, block, recorded

UNIT = np.array([SCALE.acc_mps2] * 3 + [SCALE.gyr_radps] * 3)


def exported(
    kept: RecordingsFolder,
    folder: Path,
    file_format: Format = Format.CSV,
    sharing: Sharing = AS_IT_IS,
    span_ns: tuple[int | None, int | None] = (None, None),
    on_progress: Callable[[str, int, int], None] = lambda _what, _done, _of: None,
) -> Export:
    """Export the samples of Anna beside a journal of hers."""
    path = kept.path.parent / "journal.db"
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(ANNA, (epoch(0),))])
    with JournalReader.open(path) as reader:
        return export_journal(
            reader,
            [ANNA],
            folder,
            *span_ns,
            file_format=file_format,
            sharing=sharing,
            recordings=kept,
            on_progress=on_progress,
        )


def told(export: Export) -> dict[str, Any]:
    """Return what it says of its samples."""
    found: dict[str, Any] = json.loads((export.folder / PROVENANCE).read_text("utf-8"))["samples"]
    return found


def read_back(export: Export) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return times, and the six axes as doubles, NaN where there is none, of all files in order."""
    times, axes = [], []
    for each in told(export)["files"]:
        path = export.folder / SAMPLES / each["name"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == each["sha256"]
        if path.suffix == ".csv":
            with path.open(newline="") as file:
                rows = [*csv.DictReader(file)]
            names = [*rows[0]][1:]
            times.append(np.array([int(row["time_ns"]) for row in rows]))
            axes.append(np.array([[float(row[name] or "nan") for name in names] for row in rows]))
        else:
            table = pq.read_table(path)
            assert {field.metadata[b"unit"] for field in table.schema} <= {b"ns", b"m/s2", b"rad/s"}
            times.append(table["time_ns"].to_numpy())
            axes.append(np.column_stack([table[name].to_numpy() for name in table.column_names[1:]]))
        assert each["rows"] == len(times[-1])
    return np.concatenate(times), np.concatenate(axes)


def said(folder: Path) -> str:
    """Return all that can be read in a folder: the names of its files, and what is in them."""
    found = []
    for path in sorted(folder.rglob("*")):
        found.append(str(path.relative_to(folder)))
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            found += [str(table.schema), *(str(column.to_pylist()) for column in table.columns)]
        if path.is_file():
            found.append(path.read_bytes().decode("latin-1"))
    return "\n".join(found)


def counts(samples: SampleBlock) -> np.ndarray[Any, Any]:
    """Return what the clip counted."""
    assert samples.gyr_radps is not None
    found: np.ndarray[Any, Any] = np.rint(np.column_stack((samples.acc_mps2, samples.gyr_radps)) / UNIT)
    return found


@pytest.mark.parametrize("file_format", Format)
def test_what_the_clip_counted_comes_back(
    kept: RecordingsFolder, tmp_path: Path, file_format: Format
) -> None:
    """Each sample once, of sealed and open hours, time and integers exact; the damaged one, gaps and columns are told."""
    export = exported(kept, tmp_path / "out", file_format)
    whole = samples_of(kept)
    time_ns, axes = read_back(export)
    assert np.array_equal(time_ns, whole.time_ns)
    assert np.array_equal(np.rint(axes / UNIT), counts(whole), equal_nan=True)
    (file,) = told(export)["files"]
    assert (file["corrupt"], file["precision"], file["rate_hz"], file["family"]) == (
        1,
        "single",
        50.0,
        "witmotion",
    )
    assert [gap["missing"] for gap in file["gaps"]] == [50, HOUR_NS // 20_000_000 - 1650]
    assert (file["first_ns"], file["last_ns"]) == (time_ns[0], time_ns[-1])
    book = (export.folder / CODEBOOK).read_text("utf-8")
    assert book.count(f"{SAMPLES}/*.{file_format}") == 7
    assert [each.name for each in export.files if each.name.startswith(SAMPLES)] == [
        f"{SAMPLES}/{file['name']}"
    ]


def test_a_table_of_samples_replays(kept: RecordingsFolder, tmp_path: Path) -> None:
    """What was exported as CSV is a recording that neckline reads."""
    export = exported(kept, tmp_path / "out")
    (file,) = told(export)["files"]
    found = [*Recording.open(export.folder / SAMPLES / file["name"]).readings()]
    again = join([each for each in found if isinstance(each, SampleBlock)])
    assert np.array_equal(again.time_ns, samples_of(kept).time_ns)
    assert np.array_equal(counts(again), counts(samples_of(kept)), equal_nan=True)


@pytest.mark.parametrize("file_format", Format)
def test_floats_stay_the_same_doubles(tmp_path: Path, file_format: Format) -> None:
    """A family whose samples are no integers: to the last bit, and accelerations alone where there is no gyroscope."""
    random = np.random.default_rng(3)
    time_ns = START_NS + np.arange(500) * 20_000_000
    acc = random.normal(0, 10, (500, 3))
    acc[9] = np.nan
    segment = recorded(
        tmp_path, [SampleBlock(time_ns, acc, None, 50.0)], About(ANNA, 50.0, has_gyr=False, family="polar")
    )
    export = exported(RecordingsFolder(segment.path.parents[2]), tmp_path / "out", file_format)
    found_ns, axes = read_back(export)
    assert np.array_equal(found_ns, time_ns)
    assert np.array_equal(axes, acc, equal_nan=True)
    assert told(export)["files"][0]["precision"] == "double"


@pytest.mark.parametrize("file_format", Format)
def test_what_is_not_shared_says_who_and_when(
    kept: RecordingsFolder, tmp_path: Path, file_format: Format
) -> None:
    """Wearer and day are in each export that changes nothing: so the search for them finds them."""
    export = exported(kept, tmp_path / "out", file_format)
    assert [each in said(export.folder) for each in ("7f3a9c21", "2025-10-09", str(START_NS))] == [True] * 3


def test_a_period_is_chosen_and_shared(kept: RecordingsFolder, tmp_path: Path) -> None:
    """Of a second its samples, a year earlier and of somebody else; another wearer's are not in it."""
    recorded(kept.path.parent / "other", [block(0)], About(BERT, 50.0, has_gyr=True))
    until_ns = START_NS + 10**9
    sharing = Sharing(-365, {ANNA.wearer: "p01"})
    export = exported(kept, tmp_path / "out", sharing=sharing, span_ns=(START_NS, until_ns))
    time_ns, _ = read_back(export)
    assert time_ns.tolist() == [START_NS + sharing.shift_ns + k * 20_000_000 for k in range(50)]
    assert [file["name"] for file in told(export)["files"]] == ["p01_t4_2024-10-09.csv"]
    assert ANNA.wearer not in (export.folder / PROVENANCE).read_text("utf-8")


def test_a_sample_of_which_the_rotation_alone_is_damaged_counts(tmp_path: Path) -> None:
    """As it does where it was recorded."""
    spoiled = block(0)
    assert spoiled.gyr_radps is not None
    spoiled.gyr_radps[3, 1] = np.nan
    segment = recorded(tmp_path, [spoiled])
    seal(segment)
    export = exported(RecordingsFolder(tmp_path / "recordings"), tmp_path / "out")
    (file,) = told(export)["files"]
    assert file["corrupt"] == contents(segment.sealed()).corrupt == 1


def log_hit_in(folder: Path, *seconds: int) -> RecordingsFolder:
    """Return recordings with a log of four seconds, some of them damaged."""
    segment = recorded(folder, [block(50 * k) for k in range(4)])
    held = bytearray(segment.path.read_bytes())
    for k in seconds:
        held[held.index(block(50 * k).time_ns.tobytes())] ^= 1
    segment.path.write_bytes(held)
    return RecordingsFolder(folder / "recordings")


def test_what_of_a_log_could_not_be_read_is_counted(tmp_path: Path) -> None:
    """The rest of it is there; what was hit lacks as a gap."""
    kept = log_hit_in(tmp_path, 1)
    (file,) = told(exported(kept, tmp_path / "out"))["files"]
    dataset = export_motion_bids(kept, tmp_path / "bids").folder
    (sidecar,) = [json.loads(each.read_text()) for each in dataset.rglob("*_motion.json")]
    assert file["damaged_bytes"] == sidecar["DamagedBytes"] > 50 * 8
    assert [gap["missing"] for gap in file["gaps"]] == [50]
    assert [gap["MissingSamples"] for gap in sidecar["Gaps"]] == [50]


def test_a_log_of_which_nothing_can_be_read_is_named_as_broken(tmp_path: Path) -> None:
    """Or it would lack without a word."""
    kept = log_hit_in(tmp_path, 0, 1, 2, 3)
    export = exported(kept, tmp_path / "out")
    assert (told(export)["files"], len(told(export)["broken"]), len(export.broken)) == ([], 1, 1)


def truncated(path: Path) -> None:
    """Cut a file off."""
    path.write_bytes(path.read_bytes()[:-100])


def misnamed(path: Path) -> None:
    """Hit the pseudonym that a file tells."""
    path.write_bytes(path.read_bytes().replace(b'"w-7f3a9c21"', b'"w 7f3a9c21"'))


def gone(path: Path) -> None:
    """Remove a file, as a recorder does whose folder is too large, after it was listed."""
    path.unlink()


@pytest.mark.parametrize("harm", [truncated, misnamed, gone])
@pytest.mark.parametrize("file_format", Format)
def test_a_broken_hour_is_named_and_names_nobody(
    kept: RecordingsFolder, tmp_path: Path, file_format: Format, harm: Callable[[Path], None]
) -> None:
    """It costs its own samples alone; in what is shared neither wearer, day nor folder is to be found, only in what is said here."""
    sealed, still_open = kept.segments(ANNA)
    export = exported(
        kept,
        tmp_path / "out",
        file_format,
        Sharing(-400, {ANNA.wearer: "p01"}),
        on_progress=lambda what, done, _of: harm(sealed.path) if (what, done) == ("samples", 0) else None,
    )
    assert len(read_back(export)[0]) == 500
    (broken,) = told(export)["broken"]
    why = broken.pop("why")
    assert broken == {"wearer": "p01", "placement": "t4", "day": "2024-09-04", "name": sealed.path.name}
    assert export.broken == (f"{sealed.path} cannot be read: {why}",)
    assert still_open.path.exists()
    real = ["7f3a9c21", "2025-10-09", str(START_NS), str(kept.path)]
    assert [each for each in real if each in said(export.folder)] == []
