"""Recordings as a source: the same samples as live, in bounded pieces, and where they are broken they say so."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from firmware_protocol.witmotion import ImuFrame, Register, RegisterReply
from sensor.capture import CaptureHeader, Notification
from sensor.errors import RecordingDamagedError, RecordingError, RecordingUnreadableError
from sensor.recording import ACC_COLUMNS, GYR_COLUMNS, UNTOLD_START_NS, Recording
from sensor.samples import BatteryReading, LinkChange, LinkState, Reading, SampleBlock

START_NS = 1_767_225_600_000_000_000
PERIOD_NS = 20_000_000
HEADER = CaptureHeader("witmotion", 50.0, START_NS, "t4")
FRAME = ImuFrame((1, 2048, 3), (4, 5, 6))
BATTERY = RegisterReply(Register.BATTERY, (382, 0, 0, 0, 0, 0, 0, 0))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a recording may be written; the name does not matter."""
    return tmp_path / "recording"


def capture(notifications: int, header: CaptureHeader | None = HEADER) -> bytes:
    """Return a capture at 50 Hz, two frames every 40 ms."""
    lines = [bytes(Notification(k * 40_000_000, bytes(FRAME) * 2)) for k in range(notifications)]
    return b"".join([bytes(header) if header else b"", *lines])


def table(rows: int, *, gyr: bool = True) -> bytes:
    """Return a table at 50 Hz whose row k says that it is k."""
    numbers = [f"{START_NS + k * PERIOD_NS},{k}.5,-9.80665,1e-3" + ",0.1,0.2,0.3" * gyr for k in range(rows)]
    return "\n".join([f"{ACC_COLUMNS},{GYR_COLUMNS}" if gyr else ACC_COLUMNS, *numbers, ""]).encode()


def blocks_of(readings: list[Reading]) -> list[SampleBlock]:
    """Return the samples alone."""
    return [reading for reading in readings if isinstance(reading, SampleBlock)]


def acc_of(readings: list[Reading]) -> NDArray[np.float64]:
    """Return all acceleration (n, 3)."""
    return np.concatenate([np.empty((0, 3)), *(block.acc_mps2 for block in blocks_of(readings))])


def until_broken(recording: Recording) -> tuple[list[Reading], RecordingDamagedError]:
    """Return what a recording gives before it breaks, and how it breaks."""
    readings: list[Reading] = []
    try:
        for reading in recording.readings():
            readings.append(reading)  # noqa: PERF402 (what came before the error counts)
    except RecordingDamagedError as error:
        return readings, error
    raise AssertionError("it did not break")


# ---- captures ------------------------------------------------------------------------------------------------------


def test_a_capture_gives_what_its_session_makes_of_it(file: Path) -> None:
    """Samples in blocks of a second, the battery in its place, the link's beginning; times are its start and on."""
    begin, rest = capture(50).splitlines(keepends=True)[:26], capture(75).splitlines(keepends=True)[26:]
    file.write_bytes(b"".join([*begin, bytes(Notification(980_000_000, bytes(BATTERY))), *rest]))

    recording = Recording.open(file)
    readings = list(recording.readings())

    assert (recording.rate_hz, recording.header) == (50.0, HEADER)
    assert [type(reading) for reading in readings] == [
        LinkChange,
        SampleBlock,
        BatteryReading,
        SampleBlock,
        SampleBlock,
    ]
    assert readings[0] == LinkChange(START_NS, LinkState.STREAMING)
    assert readings[2] == BatteryReading(START_NS + 980_000_000, 50.0, 3.82)
    assert sum(map(len, blocks_of(readings))) == 150
    assert blocks_of(readings)[-1].time_ns[-1] == pytest.approx(START_NS + 74 * 40_000_000, abs=10e6)


def test_each_connection_is_a_session_of_its_own(file: Path) -> None:
    """At an end what was held back is given, the end is told, and a frame cut there takes nothing from the next."""
    lines = capture(50).splitlines(keepends=True)
    # after a silence the clock holds samples back, to see whether some were lost
    torn = bytes(Notification(2_400_000_000, bytes(FRAME) * 2 + bytes(FRAME)[:11]))
    end = bytes(Notification(2_410_000_000, b""))
    again = [
        bytes(Notification(3_000_000_000 + k * 40_000_000, bytes(ImuFrame((7, 8, 9), (0, 0, 0))) * 2))
        for k in range(50)
    ]
    file.write_bytes(b"".join([*lines, torn, end, *again]))

    readings = list(Recording.open(file).readings())

    changes = [reading for reading in readings if isinstance(reading, LinkChange)]
    assert [change.state for change in changes] == [
        LinkState.STREAMING,
        LinkState.WAITING,
        LinkState.STREAMING,
    ]
    assert changes[1].reason
    assert len(acc_of(readings[: readings.index(changes[1])])) == 102
    assert len(acc_of(readings)) == 202
    assert not np.isnan(acc_of(readings)).any()
    first_again = next(block for block in blocks_of(readings) if block.time_ns[0] > START_NS + 2_500_000_000)
    assert first_again.time_ns[0] == pytest.approx(START_NS + 3_000_000_000 - PERIOD_NS, abs=1e6)


@pytest.mark.parametrize("header", [HEADER, None], ids=["with a header", "without"])
def test_a_connection_may_be_earlier_than_the_one_before(file: Path, header: CaptureHeader | None) -> None:
    """A clock that was 20 minutes fast was set right between the two: all is read, and inside each time goes forward."""
    lines = capture(50, header).splitlines(keepends=True)
    end = bytes(Notification(2_000_000_000, b""))
    again = [
        bytes(Notification(-1_200_000_000_000 + k * 40_000_000, bytes(ImuFrame((7, 8, 9), (0, 0, 0))) * 2))
        for k in range(50)
    ]
    file.write_bytes(b"".join([*lines, end, *again]))

    recording = Recording.open(file)
    readings = list(recording.readings())

    assert recording.rate_hz == 50.0
    assert len(acc_of(readings)) == 200
    steps_ns = np.diff(np.concatenate([block.time_ns for block in blocks_of(readings)]))
    (back,) = np.flatnonzero(steps_ns < 0)
    assert back == 99
    assert steps_ns[back] == pytest.approx(-1_202e9, abs=0.1e9)
    file.write_bytes(b"".join([*lines, *again]))
    _, error = until_broken(recording)
    assert error.line == len(lines) + 1


@pytest.mark.recordings
def test_the_real_capture_needs_no_header(recordings: Path) -> None:
    """Its rate is seen from how fast samples come; its date is told, or plainly no date."""
    path = recordings / "witmotion_100hz_capture.jsonl"

    recording = Recording.open(path)
    readings = list(recording.readings())

    assert recording.rate_hz == 100.0
    assert len(acc_of(readings)) == 288
    times_ns = np.concatenate([block.time_ns for block in blocks_of(readings)])
    assert (np.diff(times_ns) > 0).all()
    assert UNTOLD_START_NS - 1e9 < times_ns[0] < UNTOLD_START_NS + 1e9
    dated = list(Recording.open(path, start_ns=START_NS).readings())
    moved = np.concatenate([block.time_ns for block in blocks_of(dated)])
    assert np.array_equal(moved - START_NS, times_ns - UNTOLD_START_NS)


@pytest.mark.parametrize("rate_hz", [10.0, 20.0, 50.0, 100.0, 200.0])
def test_the_rate_of_a_capture_without_a_header_is_seen(file: Path, rate_hz: float) -> None:
    """Each setting of the family is told from its neighbours, though units are some per cent slow."""
    period_ns = 0.98 * 1e9 / rate_hz
    lines = [bytes(Notification(round(k * period_ns), bytes(FRAME))) for k in range(round(2 * rate_hz))]
    file.write_bytes(b"".join(lines))

    assert Recording.open(file).rate_hz == rate_hz


# ---- tables --------------------------------------------------------------------------------------------------------


def test_a_table_is_its_numbers(file: Path) -> None:
    """Row for row and to the last bit, in blocks of a second; the rate is what its times show."""
    file.write_bytes(table(125))

    recording = Recording.open(file)
    readings = list(recording.readings())

    assert recording.rate_hz == pytest.approx(50.0)
    assert readings[0] == LinkChange(START_NS, LinkState.STREAMING)
    blocks = blocks_of(readings)
    assert [len(block) for block in blocks] == [50, 50, 25]
    assert np.array_equal(
        np.concatenate([block.time_ns for block in blocks]), START_NS + np.arange(125) * PERIOD_NS
    )
    assert acc_of(readings).tolist() == [[k + 0.5, -9.80665, 0.001] for k in range(125)]
    assert all(block.gyr_radps is not None for block in blocks)
    assert blocks[0].gyr_radps is not None
    assert blocks[0].gyr_radps[0].tolist() == [0.1, 0.2, 0.3]


def test_a_table_without_a_gyroscope(file: Path) -> None:
    """Four columns make blocks with no rotation."""
    file.write_bytes(table(60, gyr=False))

    blocks = blocks_of(list(Recording.open(file).readings()))

    assert sum(map(len, blocks)) == 60
    assert all(block.gyr_radps is None for block in blocks)


def test_the_rate_of_a_table_is_seen_through_gaps_and_jitter(file: Path) -> None:
    """A third of the samples missing and times that jitter by a tenth of a period: still the rate of the grid."""
    random = np.random.default_rng(3)
    k = np.flatnonzero(random.random(900) > 1 / 3)
    times_ns = START_NS + np.rint((k + random.uniform(-0.05, 0.05, len(k))) * 1e9 / 52).astype(int)
    rows = "".join(f"{time_ns},0,9.8,0\n" for time_ns in times_ns)
    file.write_text(f"{ACC_COLUMNS}\n{rows}")

    assert Recording.open(file).rate_hz == pytest.approx(52, rel=0.002)
    assert Recording.open(file, rate_hz=50.0).rate_hz == 50.0


def test_numbers_that_are_none_are_corrupt_samples(file: Path) -> None:
    """NaN, in whatever case, and empty fields are rows that arrived damaged; they are kept, and nothing stops there."""
    lines = table(60).splitlines(keepends=True)
    for number, text in ((10, b"nan"), (20, b"NaN"), (30, b""), (40, b" ")):
        fields = lines[number].split(b",")
        lines[number] = b",".join([*fields[:2], text, *fields[3:]])
    fields = lines[50].rstrip().split(b",")
    lines[50] = b",".join([*fields[:-1], b"\n"])
    file.write_bytes(b"".join(lines))

    blocks = blocks_of(list(Recording.open(file).readings()))

    acc = np.concatenate([block.acc_mps2 for block in blocks])
    gyr = np.concatenate([block.gyr_radps for block in blocks if block.gyr_radps is not None])
    assert np.flatnonzero(np.isnan(acc).any(axis=1)).tolist() == [9, 19, 29, 39]
    assert np.flatnonzero(np.isnan(gyr).any(axis=1)).tolist() == [49]
    assert len(acc) == 60


def test_a_table_from_windows(file: Path) -> None:
    """A byte-order mark and carriage returns change nothing."""
    file.write_bytes(b"\xef\xbb\xbf" + table(60).replace(b"\n", b"\r\n"))

    assert len(acc_of(list(Recording.open(file).readings()))) == 60


# ---- broken and cut ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [capture(100), table(200)], ids=["capture", "table"])
@pytest.mark.parametrize("line", [30, 77, 101])
@pytest.mark.parametrize(
    "broken", [b"\n", b"what?\n", b"\x00\xff\xfe\n", b"1,2,3,4,5,6,7,8,9\n", b"{}\n", b"9" * 100_000]
)
def test_a_broken_line_is_named_and_what_came_before_is_given(
    file: Path, whole: bytes, line: int, broken: bytes
) -> None:
    """The error says which line, and every sample of the lines before it has come; none of those behind it."""
    lines = whole.splitlines(keepends=True)
    file.write_bytes(b"".join(lines[: line - 1]))
    before = list(Recording.open(file).readings())
    lines[line - 1] = broken
    file.write_bytes(b"".join(lines))

    readings, error = until_broken(Recording.open(file))

    assert (error.line, error.path) == (line, file)
    assert f"line {line}" in str(error)
    assert "cut the file there" in error.way_out
    assert np.array_equal(acc_of(readings), acc_of(before))


@pytest.mark.parametrize("whole", [capture(100), table(200)], ids=["capture", "table"])
def test_cut_anywhere_it_gives_what_came_before(file: Path, whole: bytes) -> None:
    """As after a kill: whole lines are used, a torn last one is told as such; a table's last number is not trusted."""
    acc = {}
    for lines in range(95, 102):
        file.write_bytes(b"".join(whole.splitlines(keepends=True)[:lines]))
        acc[lines] = acc_of(list(Recording.open(file).readings()))
    edges = [0, *np.cumsum([len(line) for line in whole.splitlines(keepends=True)])]

    for at in range(edges[96], edges[98] + 1):
        file.write_bytes(whole[:at])
        lines = int(np.searchsorted(edges, at, side="right")) - 1
        # A capture's line is whole without its line end: the bracket is there.
        unended = at + 1 == edges[lines + 1] and whole.startswith(b"{")
        if at in edges or unended:
            assert np.array_equal(acc_of(list(Recording.open(file).readings())), acc[lines + unended])
            continue
        readings, error = until_broken(Recording.open(file))
        assert error.line == lines + 1
        assert "cut off" in str(error)
        assert np.array_equal(acc_of(readings), acc[lines])


@pytest.mark.parametrize("whole", [capture(60), table(120)], ids=["capture", "table"])
def test_time_that_goes_back_is_damage(file: Path, whole: bytes) -> None:
    """Lines out of order are named: to sort them is not for us."""
    lines = whole.splitlines(keepends=True)
    lines[40], lines[41] = lines[41], lines[40]
    file.write_bytes(b"".join(lines))

    _, error = until_broken(Recording.open(file))

    assert error.line == 42
    assert "line before" in str(error)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\n\n", "first line"),
        (b"hello", "first line"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "first line"),
        (b"time,x,y,z\n1,2,3,4\n", "time_ns,acc_x_mps2"),
        (ACC_COLUMNS.encode() + b"\n", "fewer than two"),
        (ACC_COLUMNS.encode() + b"\n1,2,3,4\n", "fewer than two"),
        (ACC_COLUMNS.encode() + b"\n1000,1,1,1\n1020,1,1,1\n1040,1,1,1\n", "nanoseconds"),
        (b'{"neckline_capture": 7}\n', "version 7"),
        (b'{"neckline_capture": 1, "family": "fitbit", "rate_hz": 50, "start_ns": 0}\n', "fitbit"),
    ],
)
def test_what_is_no_recording_is_told(file: Path, data: bytes, why: str) -> None:
    """Empty, something else, no samples, times in another unit, of the future: one sentence says so."""
    file.write_bytes(data)

    with pytest.raises(RecordingUnreadableError) as caught:
        Recording.open(file)
    assert why in str(caught.value)
    assert str(file) in str(caught.value)
    assert "docs/recordings.md" in caught.value.way_out


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Absent, or a folder: the operating system's reason in our sentence."""
    for path, why in ((tmp_path / "absent.csv", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(RecordingUnreadableError, match=why):
            Recording.open(path)


@given(st.lists(st.binary(max_size=80) | st.sampled_from(capture(4).splitlines() + table(4).splitlines())))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    """Whatever is in it, nothing but a RecordingError comes of it."""
    file = tmp_path_factory.getbasetemp() / "any"
    file.write_bytes(b"\n".join(lines))

    with suppress(RecordingError):
        for reading in Recording.open(file).readings():
            assert not isinstance(reading, SampleBlock) or len(reading)


# ---- in pieces -----------------------------------------------------------------------------------------------------


def test_a_recording_is_read_a_line_at_a_time(file: Path) -> None:
    """The first second is there when the file has hardly been looked into: memory does not grow with its length."""
    file.write_bytes(table(60) + b"broken\n" * 100_000)
    readings: Iterator[Reading] = Recording.open(file).readings()

    assert isinstance(next(readings), LinkChange)
    first = next(readings)

    assert isinstance(first, SampleBlock)
    assert len(first) == 50


def test_blocks_may_be_shorter(file: Path) -> None:
    """For a lively view a block may last a fifth of a second; the samples are the same."""
    file.write_bytes(capture(100))
    recording = Recording.open(file)

    short = blocks_of(list(recording.readings(block_s=0.2)))

    assert max(map(len, short)) <= 12
    assert np.array_equal(
        np.concatenate([block.time_ns for block in short]),
        np.concatenate([block.time_ns for block in blocks_of(list(recording.readings()))]),
    )
