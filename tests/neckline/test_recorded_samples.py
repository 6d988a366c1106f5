"""Samples that are kept beside what is made of them: the same as came over the air, read by replay and analyse, erased."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from neckline.exits import Exit
from sensor.recording import Recording
from sensor.samples import SampleBlock, join
from storage.entries import Batch, Stream
from storage.journal import Journal
from storage.reader import JournalReader
from storage.recordings import recorder
from storage.recordings.folder import RecordingsFolder
from storage.recordings.playback import Playback
from storage.schema import EPISODE
from tests.neckline.conftest import WEARER, Home, Said
from tests.neckline.services import ONE_SLOUCH, SETTINGS, STREAM, calibrated, ran, worn_clip
from tests.neckline.test_clip_commands import CLIP
from tests.sensor.worlds import radio
from tests.storage.records import epoch
from tests.storage.test_recorder import ran as recorded_by
from tests.storage.test_recordings import ANNA, block

Neckline = Callable[..., Said]


def on_radio(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test as one of the virtual radio."""
    for mark in radio:
        test = mark(test)
    return test


@on_radio
def test_what_is_kept_replays_to_the_same(tmp_path: Path, neckline: Neckline, home: Home) -> None:
    """To the last bit what a capture of the same run holds; replayed it gives the slouch that the journal holds."""
    folder, capture = tmp_path / "kept", tmp_path / "day.jsonl"
    wanted = {**SETTINGS, "clip": CLIP, "recordings": {"enabled": True, "path": str(folder)}}
    journal = calibrated(tmp_path / "journal.db")
    ran(journal, worn_clip(ONE_SLOUCH), settings=wanted, capture=capture)
    kept, came = (
        join([each for each in source.readings() if isinstance(each, SampleBlock)])
        for source in (Playback.open(folder), Recording.open(capture))
    )
    assert np.array_equal(kept.time_ns, came.time_ns)
    assert np.array_equal(kept.acc_mps2, came.acc_mps2, equal_nan=True)
    assert kept.gyr_radps is not None
    assert came.gyr_radps is not None
    assert np.array_equal(kept.gyr_radps, came.gyr_radps, equal_nan=True)

    home.set(detector=SETTINGS["detector"])
    (result,) = json.loads(neckline("replay", folder, "--journal", journal, "--json").out)
    with JournalReader.open(journal) as reader:
        (stored,) = reader.read(EPISODE, STREAM)
    (episode,) = result["episodes"]
    assert (episode["onset_ns"], episode["end_ns"], episode["peak_deg"]) == (
        stored.onset_ns,
        stored.end_ns,
        stored.peak_deg,
    )


@on_radio
def test_none_are_kept_unless_they_are_wanted(tmp_path: Path) -> None:
    """Opt-in: the default configuration makes no folder."""
    ran(calibrated(tmp_path / "journal.db"), worn_clip(ONE_SLOUCH), settings={**SETTINGS, "clip": CLIP})
    assert not list(tmp_path.rglob("*.log"))


def test_sealed_hours_and_the_open_one_are_one_recording(
    tmp_path: Path, neckline: Neckline, home: Home
) -> None:
    """Analyse reads a folder of both, and one file of them."""
    home.set()
    recorded_by(tmp_path, [block(first, 50) for first in range(0, 2000, 50)])
    recorder.main([str(each.path) for each in RecordingsFolder(tmp_path).segments(ANNA)])
    recorded_by(tmp_path, [block(first, 50) for first in range(2000, 3000, 50)])
    said = neckline("analyse", tmp_path, "--json")
    (found,) = json.loads(said.out)["recordings"]
    assert found["received"] == 3000
    sealed = RecordingsFolder(tmp_path).segments(ANNA)[0].path
    (found,) = json.loads(neckline("analyse", sealed, "--json").out)["recordings"]
    assert found["received"] == 2000


def test_what_cannot_be_read_is_told(tmp_path: Path, neckline: Neckline, home: Home) -> None:
    """An empty folder, one of two clips, a Parquet file that was cut off or is another's: a sentence and a code."""
    home.set()
    assert neckline("replay", tmp_path).code == Exit.RECORDING
    recorded_by(tmp_path, [block(first, 50) for first in range(0, 200, 50)])
    other = tmp_path / "wearer=w-other" / "date=2026-01-01"
    other.mkdir(parents=True)
    log = next(tmp_path.rglob("*.log"))
    (other / log.name).write_bytes(log.read_bytes())
    said = neckline("replay", tmp_path)
    assert (said.code, "samples of several clips" in said.err) == (Exit.RECORDING, True)
    recorder.main([str(each.path) for each in RecordingsFolder(tmp_path).segments(ANNA)])
    sealed = next(tmp_path.rglob("*.parquet"))
    sealed.write_bytes(sealed.read_bytes()[:-100])
    said = neckline("replay", sealed)
    assert (said.code, "cannot be read" in said.err) == (Exit.RECORDING, True)
    sealed.write_bytes(b"PAR1")
    assert neckline("replay", sealed).code == Exit.RECORDING


def test_erase_takes_them_too(tmp_path: Path, neckline: Neckline, home: Home) -> None:
    """Files of the wearer alone, named beforehand and in the receipt."""
    home.set(recordings={"path": str(tmp_path / "kept")})
    recorded_by(tmp_path / "kept", [block(first, 50) for first in range(0, 200, 50)])
    stranger = tmp_path / "kept" / "wearer=w-other" / "date=2026-01-01" / "t4-00000001.parquet"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"")
    calibrated(home.journal)
    assert ANNA.wearer == WEARER
    said = neckline("erase", WEARER)
    assert "1 file of samples" in said.err
    done = json.loads(neckline("erase", WEARER, "--yes", "--json").out)
    assert done["recordings"] == 1
    assert [each.stream for each in RecordingsFolder(tmp_path / "kept").segments()] == [
        Stream("w-other", "t4")
    ]


def test_status_says_what_is_kept(tmp_path: Path, neckline: Neckline, home: Home) -> None:
    """Where, how much, in how many files; and when none are kept any more. Without any, nothing."""
    home.set()
    calibrated(home.journal)
    assert "samples " not in neckline("status").out
    home.set(recordings={"path": str(tmp_path / "kept")})
    recorded_by(tmp_path / "kept", [block(first, 50) for first in range(0, 500, 50)])
    said = neckline("status").out
    assert f"{tmp_path / 'kept'}, 0.0 MB in 1 file; none are kept now" in said
    home.set(recordings={"enabled": True, "path": str(tmp_path / "kept")})
    assert "in 1 file\n" in neckline("status").out
    assert json.loads(neckline("status", "--json").out)["journal"]["samples"]["files"] == 1


def test_samples_are_exported_for_researchers(tmp_path: Path, neckline: Neckline, home: Home) -> None:
    """As Motion-BIDS, with other dates and pseudonyms where that is asked for; what goes with nothing else is said."""
    home.set(recordings={"path": str(tmp_path / "kept")})
    recorded_by(tmp_path / "kept", [block(first, 50) for first in range(0, 500, 50)])
    words = ("export", "--format", "motion-bids", "--shift-days", "-7", "--label", f"{WEARER}=p01")
    said = neckline(*words, tmp_path / "out", "--json")
    assert (said.code, json.loads(said.out)["samples"]) == (Exit.OK, 500)
    assert (tmp_path / "out" / "sub-p01").is_dir()
    again = neckline(*words, tmp_path / "out")
    assert (again.code, "there already" in again.err) == (Exit.EXPORT, True)
    assert neckline("export", tmp_path / "other", "--shift-days", 1_000_000).code == Exit.USAGE
    assert (
        neckline("export", tmp_path / "other", "--format", "motion-bids", "--label", "x").code == Exit.USAGE
    )
    with Journal.open(home.journal, "test") as journal:
        journal.commit([Batch(Stream(WEARER, "t4"), (epoch(0),))])
    said = neckline("export", tmp_path / "table", "--samples", "--label", f"{WEARER}=p01")
    assert (said.code, "samples/p01_t4_2025-10-09.csv" in said.out) == (Exit.OK, True)
    home.set(recordings={"path": str(tmp_path / "nothing")})
    assert (
        neckline("export", tmp_path / "other", "--format", "motion-bids", "--since", "2030-01-01").code
        == Exit.EXPORT
    )
