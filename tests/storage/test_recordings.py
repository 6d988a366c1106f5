"""Recorded samples: what comes back is what came, to the last bit, whatever befell the files in between."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.sitting_postures import ACC_MPS2_PER_COUNT, GYR_RADPS_PER_COUNT, PLACEMENTS, RATE_HZ, people
from sensor.samples import BatteryReading, LinkChange, LinkState, Reading, SampleBlock, join
from storage.arrow.parquet import TableWriter
from storage.entries import Stream
from storage.errors import FileDamagedError
from storage.recordings import log, recorder
from storage.recordings.folder import RecordingsFolder, Segment
from storage.recordings.frames import About, Scale, decode, encode
from storage.recordings.log import AppendLog, Skipped
from storage.recordings.reading import contents, readings
from storage.recordings.sealing import seal

ANNA, BERT = Stream("w-7f3a9c21", "t4"), Stream("w-00c0ffee", "c7")
SCALE = Scale(16 * 9.80665 / 32768, float(np.radians(2000 / 32768)))
ABOUT = About(ANNA, 50.0, has_gyr=True, scale=SCALE, family="witmotion", software="neckline test")
START_NS = 1_760_000_000 * 10**9
STEP_NS = 20_000_000


def block(first: int, n: int = 50) -> SampleBlock:
    """Return samples of the clip's own integers, from a place of the grid on."""
    counts = np.random.default_rng(first).integers(-32768, 32768, (n, 6)).astype(np.float64)
    time_ns = START_NS + (first + np.arange(n)) * STEP_NS
    return SampleBlock(time_ns, counts[:, :3] * SCALE.acc_mps2, counts[:, 3:] * SCALE.gyr_radps, 50.0)


def recorded(tmp_path: Path, found: list[Reading], about: About = ABOUT) -> Segment:
    """Return a log of readings."""
    segment = RecordingsFolder(tmp_path / "recordings").begin(about.stream, START_NS)
    lines = AppendLog(segment.path)
    lines.append(encode(about))
    for each in found:
        lines.append(encode(each, about.scale))
    lines.sync()
    lines.close()
    return segment


def samples(found: list[Reading]) -> SampleBlock:
    """Return all samples among readings as one block."""
    return join([each for each in found if isinstance(each, SampleBlock)])


def assert_same(expected: list[Reading], actual: list[Reading]) -> None:
    """Hold samples equal bit for bit, and all else equal in its place among them."""
    one, other = samples(expected), samples(actual)
    assert one.time_ns.tolist() == other.time_ns.tolist()
    assert np.array_equal(one.acc_mps2, other.acc_mps2, equal_nan=True)
    assert (one.gyr_radps is None) is (other.gyr_radps is None)
    if one.gyr_radps is not None and other.gyr_radps is not None:
        assert np.array_equal(one.gyr_radps, other.gyr_radps, equal_nan=True)
    assert places(expected) == places(actual)


def places(found: list[Reading]) -> list[tuple[int, Reading]]:
    """Return what is no sample, and how many samples came before it."""
    rows = 0
    others: list[tuple[int, Reading]] = []
    for each in found:
        if isinstance(each, SampleBlock):
            rows += len(each)
        else:
            others.append((rows, each))
    return others


def spoiled() -> list[Reading]:
    """Return an hour's kinds of trouble: link changes, battery, a corrupt row, and a gap."""
    corrupt = block(50)
    corrupt.acc_mps2[7] = np.nan
    return [
        LinkChange(START_NS, LinkState.STREAMING),
        block(0),
        BatteryReading(START_NS + 5, 81.5, 3.91),
        corrupt,
        LinkChange(START_NS + 2 * 10**9, LinkState.WAITING, word="clip_lost"),
        block(150),
        LinkChange(START_NS + 9 * 10**9, LinkState.WAITING, word="clip_silent"),
    ]


def test_a_log_that_is_sealed_while_others_read_is_read_all_the_same(tmp_path: Path) -> None:
    """Whoever listed the log finds its samples under the name that they have now; what is gone for good is told."""
    found = spoiled()
    segment = recorded(tmp_path, found)
    before = contents(segment.path)
    seal(segment)
    assert not segment.path.exists()
    assert_same(found, list(readings(segment.path)))
    assert contents(segment.path).rows == before.rows
    segment.sealed().unlink()
    with pytest.raises(FileDamagedError):
        list(readings(segment.path))


@pytest.mark.parametrize("rows", [1, 33, 1 << 14])
def test_a_sealed_hour_is_what_came(tmp_path: Path, rows: int) -> None:
    """Samples bit for bit, everything else at its place, read in batches of any size; the log is gone."""
    segment = recorded(tmp_path, spoiled())
    assert_same(spoiled(), list(readings(segment.path)))
    held = seal(segment)
    assert held is not None
    assert not segment.path.exists()
    assert_same(spoiled(), list(readings(segment.sealed(), rows=rows)))
    assert contents(segment.sealed()) == held
    assert (held.about, held.rows, held.corrupt, held.damaged_bytes) == (ABOUT, 150, 1, 0)
    assert [(gap.missing, (gap.since_ns - START_NS) // STEP_NS) for gap in held.gaps] == [(50, 99)]


def test_samples_that_are_no_integers_come_back_too(tmp_path: Path) -> None:
    """Any floats, infinite ones as well, and clips without a gyroscope."""
    acc = np.array([[0.1, -0.0, np.inf], [np.nan, 1e-300, -5.0]])
    odd = SampleBlock(START_NS + np.arange(2) * STEP_NS, acc, None, 50.0)
    segment = recorded(tmp_path, [odd], About(ANNA, 50.0, has_gyr=False, scale=SCALE))
    seal(segment)
    assert_same([odd], list(readings(segment.sealed())))


@given(parts=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=12), data=st.data())
def test_a_torn_tail_costs_the_last_message_alone(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], data: st.DataObject
) -> None:
    """Cut anywhere, opened to go on and added to: all whole messages, then the new one."""
    path = tmp_path_factory.mktemp("log") / "log"
    framed = [log.frame(part) for part in parts]
    cut = data.draw(st.integers(0, sum(map(len, framed))))
    path.write_bytes(b"".join(framed)[:cut])
    whole = [part for k, part in enumerate(parts) if sum(map(len, framed[: k + 1])) <= cut]
    lines = AppendLog(path)
    lines.append(b"afterwards")
    lines.close()
    assert list(log.read(path)) == [*whole, b"afterwards"]


def test_every_flipped_bit_costs_one_message(tmp_path: Path) -> None:
    """Each single bit of a small log: it is noticed, and only the message that holds it is gone."""
    parts = [b"first", b"second", b"third"]
    whole = b"".join(map(log.frame, parts))
    edges = np.cumsum([len(log.frame(part)) for part in parts])
    for bit in range(8 * len(whole)):
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        (tmp_path / "log").write_bytes(broken)
        found = list(log.read(tmp_path / "log"))
        hit = int(np.searchsorted(edges, bit // 8, side="right"))
        assert [each for each in found if isinstance(each, bytes)] == [
            p for k, p in enumerate(parts) if k != hit
        ]
        assert [each.length for each in found if isinstance(each, Skipped)] == [len(log.frame(parts[hit]))]


def test_a_tail_of_zeros_is_no_message(tmp_path: Path) -> None:
    """What a file system leaves after a power cut."""
    (tmp_path / "log").write_bytes(log.frame(b"a") + bytes(4096))
    assert list(log.read(tmp_path / "log")) == [b"a", Skipped(len(log.frame(b"a")), 4096)]


def test_damage_in_a_log_is_counted_when_it_is_sealed(tmp_path: Path) -> None:
    """A block that was hit is a gap; what came before and after is there."""
    segment = recorded(tmp_path, [block(0), block(50), block(100)])
    broken = bytearray(segment.path.read_bytes())
    broken[len(broken) // 2] ^= 1
    segment.path.write_bytes(broken)
    held = seal(segment)
    assert held is not None
    assert held.rows == 100
    assert held.damaged_bytes > 1000
    assert [gap.missing for gap in held.gaps] == [50]
    assert_same([block(0), block(100)], list(readings(segment.sealed())))


def test_a_log_of_which_no_sample_can_be_read_is_kept(tmp_path: Path) -> None:
    """Each message hit, or each but the one that says what it is of: told, and left for better means than ours."""
    messages = [encode(ABOUT), encode(block(0), SCALE), encode(block(50), SCALE)]
    for spared in (0, 1):
        segment = recorded(tmp_path, [block(0), block(50)])
        whole, at = bytearray(segment.path.read_bytes()), 0
        for k, framed in enumerate(map(log.frame, messages)):
            whole[at + len(framed) // 2] ^= k >= spared
            at += len(framed)
        segment.path.write_bytes(whole)
        with pytest.raises(FileDamagedError):
            seal(segment)
        recorder.main([str(segment.path)])
        assert segment.path.read_bytes() == whole
        assert not segment.sealed().exists()


def test_an_empty_log_is_told_and_goes(tmp_path: Path) -> None:
    """Begun, and nothing more: it holds no reading, what it is of is an error, and it is not kept."""
    segment = RecordingsFolder(tmp_path).begin(ANNA, START_NS)
    segment.path.touch()
    assert list(readings(segment.path)) == []
    with pytest.raises(FileDamagedError, match="empty"):
        contents(segment.path)
    assert seal(segment) is None
    assert not segment.path.exists()


def test_a_parquet_that_was_cut_off_or_hit_is_told(tmp_path: Path) -> None:
    """Shorter by any tenth, empty, or with a bit turned among its samples: one clear error that names the file."""
    segment = recorded(tmp_path, [block(50 * k) for k in range(20)])
    seal(segment)
    path = segment.sealed()
    whole = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises(FileDamagedError, match="cut off") as error:
            list(readings(path))
        assert (error.value.path, bool(error.value.way_out)) == (path, True)
    broken = bytearray(whole)
    broken[len(whole) // 3] ^= 4
    path.write_bytes(broken)
    with pytest.raises(FileDamagedError, match="cannot be read"):
        list(readings(path))


def test_no_flipped_bit_of_a_sealed_hour_gives_other_samples(tmp_path: Path) -> None:
    """Nor in what the file says of them: rate, scale, gaps, types, places. It harms nothing or is told."""
    segment = recorded(tmp_path, spoiled())
    seal(segment)
    path = segment.sealed()
    whole, held = path.read_bytes(), contents(path)
    told = 8 * whole.index(b'"corrupt"')
    rng = np.random.default_rng(1)
    for bit in [*rng.integers(0, told, 400), *rng.integers(told - 8000, 8 * len(whole), 800)]:
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        path.write_bytes(broken)
        try:
            found, said = list(readings(path)), contents(path)
        except FileDamagedError:
            continue
        assert_same(spoiled(), found)
        assert said == held


def test_an_hour_that_was_sealed_without_checksums_of_its_own_is_read(tmp_path: Path) -> None:
    """As those of before are."""
    segment = recorded(tmp_path, spoiled())
    seal(segment)
    path = segment.sealed()
    table = pq.read_table(path)
    told = json.loads(table.schema.metadata[b"neckline"])
    del told["crc"]
    pq.write_table(table.replace_schema_metadata({"neckline": json.dumps(told)}), path)
    assert_same(spoiled(), list(readings(path)))


def test_a_kill_between_sealing_and_removing_the_log_doubles_nothing(tmp_path: Path) -> None:
    """Both files are there: the sealed one counts; sealing again removes the log."""
    segment = recorded(tmp_path, [block(0)])
    before = segment.path.read_bytes()
    seal(segment)
    segment.path.write_bytes(before)
    folder = RecordingsFolder(tmp_path / "recordings")
    assert [each.path for each in folder.segments(ANNA)] == [segment.sealed()]
    seal(segment)
    assert not segment.path.exists()
    assert_same([block(0)], list(readings(segment.sealed())))


DIES = """
import os, sys
from storage.arrow.parquet import TableWriter
from storage.recordings import recorder
TableWriter.write = lambda *_: os._exit(9)
recorder.main(sys.argv[1:])
"""


def test_a_second_process_that_seals_the_same_hour_and_dies_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that is started again may find its last sealing still at work; and nothing of either is left."""
    segment = recorded(tmp_path, spoiled())
    fsync, others = os.fsync, iter([[sys.executable, "-c", DIES, str(segment.path)]])

    def meanwhile(descriptor: int) -> None:
        for other in others:
            assert subprocess.run(other, check=False).returncode == 9
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", meanwhile)
    seal(segment)
    assert_same(spoiled(), list(readings(segment.sealed())))
    assert [*segment.path.parent.iterdir()] == [segment.sealed()]


def test_a_disk_that_is_full_when_an_hour_is_sealed_leaves_the_log_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try would leave a piece, and take what room there is."""
    segment = recorded(tmp_path, spoiled())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as little:
        little.setattr(TableWriter, "write", full)
        with pytest.raises(OSError, match="no space"):
            seal(segment)
    assert [*segment.path.parent.iterdir()] == [segment.path]
    seal(segment)
    assert_same(spoiled(), list(readings(segment.sealed())))


def test_the_oldest_go_first_and_are_counted(tmp_path: Path) -> None:
    """Over its quota a folder loses sealed files from the oldest on, and never one that is written to."""
    folder = RecordingsFolder(tmp_path / "recordings")
    seal(recorded(tmp_path, [block(0)]))
    second = recorded(tmp_path, [block(50)])
    seal(second)
    live = recorded(tmp_path, [block(100)])
    size = second.sealed().stat().st_size + live.path.stat().st_size
    removed = folder.shrink(size)
    assert removed.files == 1
    assert [each.number for each in folder.segments()] == [second.number, live.number]
    assert folder.shrink(0).files == 1
    assert [each.path for each in folder.segments()] == [live.path]


def test_an_erased_wearer_leaves_nothing(tmp_path: Path) -> None:
    """All files of one wearer go, sealed or not; those of others stay."""
    folder = RecordingsFolder(tmp_path / "recordings")
    seal(recorded(tmp_path, [block(0)]))
    recorded(tmp_path, [block(50)])
    recorded(tmp_path, [block(0)], About(BERT, 50.0, has_gyr=True, scale=SCALE))
    assert folder.streams() == [BERT, ANNA]
    assert folder.erase(ANNA.wearer).files == 2
    assert folder.streams() == [BERT]
    assert ANNA.wearer not in str(sorted((tmp_path / "recordings").rglob("*")))


def test_messages_name_neither_clip_nor_computer() -> None:
    """A link's reason, which is for screens, is not kept; its word is."""
    change = LinkChange(START_NS, LinkState.WAITING, "the clip WT901 (C4:A3) was lost", "clip_lost")
    assert decode(encode(change), ABOUT) == LinkChange(START_NS, LinkState.WAITING, "", "clip_lost")


@pytest.mark.recordings
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_day_of_a_recorded_person_fits_its_bound(tmp_path: Path, recordings: Path, placement: str) -> None:
    """All recorded people, sealed: to the last bit what was recorded, and at most 35 MB a day."""
    scale = Scale(ACC_MPS2_PER_COUNT, float(GYR_RADPS_PER_COUNT))
    rows = taken = 0
    for person, trials in enumerate(people(recordings / "sitting_postures.npz", placement)):
        about = About(Stream(f"w-person{person}", placement), RATE_HZ, has_gyr=True, scale=scale)
        found: list[Reading] = [
            trial.block(START_NS + k * 40 * 10**9) for k, trial in enumerate(trials) if len(trial.block())
        ]
        segment = recorded(tmp_path, found, about)
        seal(segment)
        assert_same(found, list(readings(segment.sealed())))
        rows += len(samples(found))
        taken += segment.sealed().stat().st_size
    assert rows > 500_000
    assert taken / rows * 86_400 * RATE_HZ <= 35e6, f"{taken / rows * 86_400 * RATE_HZ / 1e6:.1f} MB"
