"""Motion-BIDS: valid for the community's own validator and for what it does not look at; read back, what was recorded."""

import csv
import hashlib
import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.sitting_postures import ACC_MPS2_PER_COUNT, GYR_RADPS_PER_COUNT, RATE_HZ, people
from processing.outputs import Activity
from sensor.samples import SampleBlock, join
from storage.entries import Batch, Stream
from storage.errors import ExportError
from storage.exports.bids import CHECKSUMS, NOT_KNOWN
from storage.exports.motion_bids import DERIVATIVES, Dataset, export_motion_bids
from storage.exports.motion_bids_derived import CODES
from storage.exports.sharing import Sharing
from storage.journal import Journal
from storage.reader import JournalReader
from storage.recordings.folder import RecordingsFolder
from storage.recordings.frames import About, Scale
from storage.recordings.recorder import Recorder
from storage.recordings.sealing import seal
from storage.schema import CALIBRATION, EPISODE, EPOCH, EVENT
from tests.processing.people import START_NS as SITTING_NS
from tests.storage.kept import samples_of
from tests.storage.records import epoch
from tests.storage.sittings import SECONDS, sitting
from tests.storage.test_recordings import ANNA, START_NS, block, recorded

VALIDATOR = Path(sys.executable).parent / "bids-validator-deno"
UNITS = {"LATENCY": "s", "ACCEL": "m/s^2", "GYRO": "rad/s"}


def wrong_with(dataset: Path) -> list[str]:
    """Return what is wrong beyond what the validator sees: files that lack, headers, cells that are no numbers."""
    wrong: list[str] = []
    for motion in dataset.rglob("*_motion.tsv"):
        stem = motion.name.removesuffix("_motion.tsv")
        beside = {
            name: motion.with_name(f"{stem}_{name}")
            for name in ("channels.tsv", "channels.json", "motion.json")
        }
        wrong += [f"{path.name} lacks" for path in beside.values() if not path.is_file()]
        if wrong:
            continue
        with beside["channels.tsv"].open(newline="") as file:
            channels = list(csv.DictReader(file, delimiter="\t"))
        names = ["name", "component", "type", "tracked_point", "units"]
        wrong += [] if list(channels[0])[:5] == names else ["columns of the channels"]
        wrong += [
            each["name"] for each in channels if UNITS.get(each["type"], each["units"]) != each["units"]
        ]
        told = json.loads(beside["motion.json"].read_text())
        counted = sum(told.get(f"{kind}ChannelCount", 0) for kind in (*UNITS, "MISC"))
        wrong += [] if counted == len(channels) == told["MotionChannelCount"] + 1 else ["counts of channels"]
        with motion.open(newline="") as file:
            for number, row in enumerate(csv.reader(file, delimiter="\t"), 1):
                if len(row) != len(channels):
                    wrong.append(f"{motion.name}:{number} has {len(row)} cells")
                for cell in row:
                    try:
                        is_number = cell == NOT_KNOWN or math.isfinite(float(cell))
                    except ValueError:
                        is_number = False
                    wrong += [] if is_number else [f"{motion.name}:{number} has the cell {cell!r}"]
    listed = [line.split("  ", 1) for line in (dataset / CHECKSUMS).read_text().splitlines()]
    wrong += [
        f"{name} was changed"
        for digest, name in listed
        if not (dataset / name).is_file()
        or hashlib.sha256((dataset / name).read_bytes()).hexdigest() != digest
    ]
    files = {path.relative_to(dataset).as_posix() for path in dataset.rglob("*") if path.is_file()}
    return wrong + sorted(files ^ {*(name for _, name in listed), CHECKSUMS})


def errors_of(dataset: Path) -> list[Any]:
    """Return what the community's validator calls an error, of every row."""
    if not VALIDATOR.is_file():
        pytest.skip("bids-validator-deno is not installed: it is one of the development tools")
    done = subprocess.run(
        [str(VALIDATOR), "--format", "json", "--max-rows", "-1", "--recursive", str(dataset)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    issues = json.loads(done.stdout)["issues"]["issues"]
    return [issue for issue in issues if issue["severity"] == "error"]


def read_back(dataset: Path) -> SampleBlock:
    """Return all samples of a dataset, in order."""
    blocks = []
    for motion in sorted(dataset.rglob("*_motion.tsv")):
        told = json.loads(motion.with_name(motion.name.replace("_motion.tsv", "_motion.json")).read_text())
        with motion.open(newline="") as file:
            rows = [
                [math.nan if cell == NOT_KNOWN else float(cell) for cell in row]
                for row in csv.reader(file, delimiter="\t")
            ]
        table = np.array(rows)
        time_ns = told["FirstSampleTimeNs"] + np.rint(table[:, 0] * 1e9).astype(np.int64)
        blocks.append(SampleBlock(time_ns, table[:, 1:4], table[:, 4:7], told["SamplingFrequency"]))
    return join(blocks)


def assert_equal(one: SampleBlock, other: SampleBlock) -> None:
    """Hold two blocks equal bit for bit."""
    assert np.array_equal(one.time_ns, other.time_ns)
    assert np.array_equal(one.acc_mps2, other.acc_mps2, equal_nan=True)
    assert one.gyr_radps is not None
    assert other.gyr_radps is not None
    assert np.array_equal(one.gyr_radps, other.gyr_radps, equal_nan=True)


def test_it_is_valid_and_reads_back(kept: RecordingsFolder, tmp_path: Path) -> None:
    """No error of the validator's and none of ours; times, values, gaps and damage are those of the recording."""
    written = export_motion_bids(kept, tmp_path / "bids")
    assert written == Dataset(tmp_path / "bids", 1, 2, 2100, 0)
    assert wrong_with(written.folder) == []
    assert errors_of(written.folder) == []
    assert_equal(read_back(written.folder), samples_of(kept))
    (first, _) = sorted(written.folder.rglob("*_motion.json"))
    told = json.loads(first.read_text())
    assert [gap["MissingSamples"] for gap in told["Gaps"]] == [50]
    assert told["FirstSampleTimeNs"] == START_NS


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda motion: motion.with_name(motion.name.replace("motion.tsv", "channels.tsv")).unlink(),
            "lacks",
        ),
        (lambda motion: motion.write_text("latency\tacc_x\n" + motion.read_text()), "cells"),
        (lambda motion: motion.write_text(motion.read_text().replace("n/a", "abc", 1)), "'abc'"),
    ],
)
def test_what_the_validator_misses_is_found(
    kept: RecordingsFolder, tmp_path: Path, spoil: Any, says: str
) -> None:
    """A file of channels that lacks, a header, a cell that is no number: our own test sees each."""
    dataset = export_motion_bids(kept, tmp_path / "bids").folder
    spoil(min(dataset.rglob("*_motion.tsv")))
    assert any(says in each for each in wrong_with(dataset))


def test_what_was_made_of_the_samples_is_a_derivative(kept: RecordingsFolder, tmp_path: Path) -> None:
    """Beside the samples or alone: valid; every second, event and episode as the journal holds it, and the calibrations."""
    sharing = Sharing(-1000, {ANNA.wearer: "p01"})
    with Journal.open(tmp_path / "journal.db", "test") as journal:
        journal.commit(sitting(ANNA))
        last_ns = SITTING_NS + SECONDS * 10**9
        journal.commit([Batch(ANNA, (replace(epoch(0, Activity.GAP), start_ns=last_ns + 5 * 10**9),))])
    with JournalReader.open(tmp_path / "journal.db") as reader:
        beside = export_motion_bids(kept, tmp_path / "bids", history=reader, sharing=sharing).folder
        alone = export_motion_bids(RecordingsFolder(tmp_path / "no"), tmp_path / "one", history=reader)
        epochs, episodes, events = (
            [*reader.read(EPOCH, ANNA)],
            [*reader.read(EPISODE, ANNA)],
            [*reader.read(EVENT, ANNA)],
        )
        (calibrated,) = reader.read(CALIBRATION, ANNA)
    assert (alone.runs, alone.samples, alone.seconds, alone.participants) == (0, 0, len(epochs), 1)
    for dataset, top, shift_ns in (
        (beside / DERIVATIVES, beside, sharing.shift_ns),
        (alone.folder, alone.folder, 0),
    ):
        assert errors_of(top) == []
        assert wrong_with(dataset) == []
        (motion,) = dataset.rglob("*_motion.tsv")
        told = json.loads(motion.with_suffix(".json").read_text())
        first_ns = told["FirstSampleTimeNs"] - shift_ns
        with motion.open(newline="") as file:
            rows = [
                (
                    first_ns + round(float(latency) * 10**9),
                    *map(int, counts),
                    CODES["activity"][int(activity)],
                    CODES["posture"][int(posture)],
                    *(None if cell == NOT_KNOWN else float(cell) for cell in figures),
                )
                for latency, *counts, activity, posture, a, b, c, d, e in csv.reader(file, delimiter="\t")
                for figures in [(a, b, c, d, e)]
            ]
        assert rows == [EPOCH.to_row(each) for each in epochs]
        with motion.with_name(motion.name.replace("motion", "events")).open(newline="") as file:
            lines = [*csv.DictReader(file, delimiter="\t")]
        assert sorted(
            (round(float(row["onset"]) * 1e9) + first_ns, row["trial_type"]) for row in lines
        ) == sorted(
            [(each.onset_ns, "episode") for each in episodes]
            + [(each.time_ns, each.kind.value) for each in events]
        )
        assert [(gap["Why"], gap["UntilSeconds"] - gap["SinceSeconds"]) for gap in told["Gaps"]] == [
            ("not_recorded", 5),
            ("no_signal", 1),
        ]
        (calibration,) = told["Calibrations"]
        assert calibration["calibration_id"] == calibrated.calibration.calibration_id
        assert calibration["captured_ns"] == calibrated.calibration.captured_ns + shift_ns
        assert json.loads((dataset / "dataset_description.json").read_text())["DatasetType"] == "derivative"
    whole = "".join(path.read_text() for path in beside.rglob("*") if path.is_file())
    assert ANNA.wearer.removeprefix("w-") not in whole + " ".join(map(str, beside.rglob("*")))


def test_for_sharing_dates_move_and_pseudonyms_change(kept: RecordingsFolder, tmp_path: Path) -> None:
    """All dates by the same days, so that what lies between stays; nothing in the dataset names the wearer."""
    day_ns = 86_400 * 10**9
    dataset = export_motion_bids(kept, tmp_path / "bids", sharing=Sharing(-1000, {ANNA.wearer: "p01"})).folder
    moved, original = read_back(dataset), samples_of(kept)
    assert (original.time_ns - moved.time_ns == 1000 * day_ns).all()
    whole = "".join(path.read_text() for path in dataset.rglob("*") if path.is_file())
    names = " ".join(str(path) for path in dataset.rglob("*"))
    assert ANNA.wearer.removeprefix("w-") not in whole + names
    assert "sub-p01" in names
    assert errors_of(dataset) == []


def test_placements_that_bids_writes_the_same_have_runs_of_their_own(tmp_path: Path) -> None:
    """BIDS knows letters and digits alone; no file is written over."""
    streams = [Stream(ANNA.wearer, placement) for placement in ("t4", "t-4")]
    with Journal.open(tmp_path / "journal.db", "test") as journal:
        journal.commit([Batch(stream, (epoch(k),)) for k, stream in enumerate(streams)])
    with JournalReader.open(tmp_path / "journal.db") as reader:
        written = export_motion_bids(RecordingsFolder(tmp_path / "no"), tmp_path / "bids", history=reader)
    assert (written.seconds, len([*written.folder.rglob("*_motion.tsv")])) == (2, 2)
    assert wrong_with(written.folder) == []


def test_a_truncated_hour_is_told_and_names_nobody_in_what_is_shared(
    kept: RecordingsFolder, tmp_path: Path
) -> None:
    """It costs its own samples alone; neither wearer, day nor folder is in any file of the dataset."""
    sealed, _ = kept.segments(ANNA)
    sealed.path.write_bytes(sealed.path.read_bytes()[:-100])
    written = export_motion_bids(kept, tmp_path / "bids", sharing=Sharing(-400, {ANNA.wearer: "p01"}))
    assert (written.runs, written.samples) == (1, 500)
    assert [str(sealed.path) in each for each in written.broken] == [True]
    files = [path for path in written.folder.rglob("*") if path.is_file()]
    whole = "".join(f"{path.relative_to(written.folder)}\n{path.read_text()}" for path in files)
    real = [ANNA.wearer.removeprefix("w-"), sealed.day, str(START_NS), str(kept.path)]
    assert [each for each in real if each in whole] == []


def test_a_period_and_a_wearer_are_chosen(kept: RecordingsFolder, tmp_path: Path) -> None:
    """From a time on and before another; of nobody else."""
    other = Stream("w-00c0ffee", "t4")
    writing = Recorder(kept, lambda found: About(other, 50.0, found.gyr_radps is not None))
    writing.start()
    writing.put(block(0, 50))
    writing.close(30)
    since_ns, until_ns = START_NS + 10 * 10**9, START_NS + 20 * 10**9
    written = export_motion_bids(
        kept, tmp_path / "bids", wearers=[ANNA.wearer], since_ns=since_ns, until_ns=until_ns
    )
    assert (written.participants, written.samples) == (1, 500)
    back = read_back(written.folder)
    assert since_ns <= back.time_ns[0] <= back.time_ns[-1] < until_ns
    assert export_motion_bids(kept, tmp_path / "all").participants == 2


def test_of_a_clock_that_was_set_back_the_period_is_chosen_too(tmp_path: Path) -> None:
    """Sample by sample: times of one file need not grow; how long it took is never less than nothing."""
    seal(recorded(tmp_path, [block(2000), block(0), block(100)]))
    written = export_motion_bids(
        RecordingsFolder(tmp_path / "recordings"),
        tmp_path / "bids",
        since_ns=START_NS,
        until_ns=START_NS + 10 * 10**9,
    )
    assert written.samples == 100
    everything = export_motion_bids(RecordingsFolder(tmp_path / "recordings"), tmp_path / "all").folder
    (sidecar,) = everything.rglob("*_motion.json")
    assert json.loads(sidecar.read_text())["RecordingDuration"] == 2049 / 50
    assert_equal(read_back(everything), samples_of(RecordingsFolder(tmp_path / "recordings")))


def test_what_cannot_be_written_is_told(kept: RecordingsFolder, tmp_path: Path) -> None:
    """A folder that is there, nothing recorded, two wearers with one label: nothing half done is left."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").write_text("")
    with pytest.raises(ExportError, match="there already"):
        export_motion_bids(kept, tmp_path / "there")
    with pytest.raises(ExportError, match="nothing of this kind"):
        export_motion_bids(RecordingsFolder(tmp_path / "nothing"), tmp_path / "bids")
    with pytest.raises(ExportError, match="no label"):
        export_motion_bids(kept, tmp_path / "bids", sharing=Sharing(labels={ANNA.wearer: "w-"}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "there"]


@pytest.mark.recordings
def test_recorded_people_are_exported_to_the_last_bit(tmp_path: Path, recordings: Path) -> None:
    """Some minutes of three recorded people as a clip would have sent them: valid, and what was recorded."""
    folder = RecordingsFolder(tmp_path / "kept")
    scale = Scale(ACC_MPS2_PER_COUNT, GYR_RADPS_PER_COUNT)
    for number, trials in enumerate(list(people(recordings / "sitting_postures.npz", "t4"))[:3]):
        stream = Stream(f"w-person{number}", "t4")
        writing = Recorder(folder, lambda _, stream=stream: About(stream, RATE_HZ, True, scale, "witmotion"))  # type: ignore[misc]
        writing.start()
        for place, trial in enumerate(trials):
            writing.put(trial.block(START_NS + place * 60 * 10**9))
        writing.close(60)
    written = export_motion_bids(folder, tmp_path / "bids")
    assert written.participants == 3
    assert wrong_with(written.folder) == []
    assert errors_of(written.folder) == []
    for number in range(3):
        one = RecordingsFolder(tmp_path / f"of{number}")
        shutil.copytree(folder.path / f"wearer=w-person{number}", one.path / f"wearer=w-person{number}")
        assert_equal(read_back(written.folder / f"sub-person{number}"), samples_of(one))
