"""The lines of a capture, and the writer that loses a second at most."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor import capture as capture_module
from sensor.capture import CaptureHeader, CaptureWriter, Notification
from sensor.errors import RecordingUnwritableError
from sensor.sessions import witmotion

START_NS = 1_767_225_600_000_000_000
HEADER = CaptureHeader("witmotion", 50.0, START_NS, "t4", "neckline 0.1.0")
DAYS_26_NS = 26 * 86_400 * 10**9


def writer(path: Path) -> CaptureWriter:
    """Return a writer of a new capture."""
    return CaptureWriter(path, family="witmotion", rate_hz=50.0, placement="t4", software="neckline 0.1.0")


# ---- lines ---------------------------------------------------------------------------------------------------------


def test_the_first_line() -> None:
    """It says of what clip, at what rate, from when on, worn where, written by what; and comes back."""
    assert json.loads(bytes(HEADER)) == {
        "neckline_capture": 1,
        "family": "witmotion",
        "rate_hz": 50.0,
        "start_ns": START_NS,
        "placement": "t4",
        "software": "neckline 0.1.0",
    }
    assert CaptureHeader.from_bytes(bytes(HEADER)) == HEADER


@pytest.mark.recordings
def test_a_line_is_written_as_in_the_real_capture(recordings: Path) -> None:
    """Every line of it is read and written back to the same bytes."""
    with (recordings / "witmotion_100hz_capture.jsonl").open("rb") as lines:
        for line in lines:
            assert bytes(Notification.from_bytes(line)) == line


@given(st.integers(-DAYS_26_NS, DAYS_26_NS), st.binary(max_size=244))
def test_a_notification_comes_back(since_start_ns: int, data: bytes) -> None:
    """Its bytes, and its time to the nanosecond, through 26 days."""
    notification = Notification(since_start_ns, data)

    assert Notification.from_bytes(bytes(notification)) == notification


@given(
    st.binary(max_size=60)
    | st.sampled_from(
        [
            b'{"t": 1, "hex": "5"}',
            b'{"t": NaN, "hex": ""}',
            b'{"t": 1e300, "hex": ""}',
            b'{"t": 1e11, "hex": ""}',
            b'{"t": [], "hex": ""}',
            b'{"t": 1, "hex": 5}',
            b'{"hex": "55"}',
            b"[" * 60_000,
            b"3",
            b"null",
        ]
    )
)
def test_what_is_no_line_is_a_value_error(line: bytes) -> None:
    """Whatever the bytes are, nothing else is raised, and the sentence is short."""
    for kind in (CaptureHeader, Notification):
        with pytest.raises(ValueError, match=r"^.{5,120}$") as caught:
            kind.from_bytes(line)
        assert type(caught.value) is ValueError


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"neckline_capture": 2}, "version 2"),
        ({"family": "fitbit"}, "known: witmotion"),
        ({"rate_hz": 60}, "not at 60"),
        ({"rate_hz": "fast"}, "rate_hz"),
        ({"start_ns": -1}, "no time"),
        ({"start_ns": None}, "start_ns"),
    ],
)
def test_a_first_line_that_cannot_be_is_told(changes: dict[str, Any], why: str) -> None:
    """Of a newer version, an unknown family, a rate that there is not, no start: the sentence names it."""
    line = json.dumps(json.loads(bytes(HEADER)) | changes).encode()

    with pytest.raises(ValueError, match=why):
        CaptureHeader.from_bytes(line)


# ---- the writer ----------------------------------------------------------------------------------------------------


def test_a_capture_begins_with_its_first_notification(tmp_path: Path) -> None:
    """The header has the time of the first one, which has the time 0; an end of a connection has no bytes."""
    with writer(tmp_path / "new.jsonl") as capture:
        capture.take(witmotion.FAMILY.data_characteristic, b"\x55\x61", START_NS)
        capture.take(witmotion.FAMILY.data_characteristic, b"\x01", START_NS + 40_000_000)
        capture.take(witmotion.FAMILY.data_characteristic, b"", START_NS + 50_000_000)

    assert (tmp_path / "new.jsonl").read_bytes() == bytes(HEADER) + (
        b'{"t": 0.0, "hex": "5561"}\n{"t": 0.04, "hex": "01"}\n{"t": 0.05, "hex": ""}\n'
    )


def test_a_kill_loses_a_second_at_most(tmp_path: Path) -> None:
    """What is older than a second lies in the file before anybody closes it."""
    capture = writer(tmp_path / "new.jsonl")
    for k in range(100):
        capture.take(witmotion.FAMILY.data_characteristic, bytes([k]), START_NS + k * 40_000_000)

    in_the_file = (tmp_path / "new.jsonl").read_bytes().count(b"\n") - 1
    capture.close()

    assert 100 - in_the_file <= 25


def test_a_kill_after_the_clock_was_set_back_loses_a_second_at_most(tmp_path: Path) -> None:
    """The next connection is 20 minutes earlier: what it brings is not held back until the old time is there again."""
    capture = writer(tmp_path / "new.jsonl")
    first_ns = START_NS + 1200 * 10**9
    capture.take(witmotion.FAMILY.data_characteristic, bytes(40), first_ns)
    capture.take(witmotion.FAMILY.data_characteristic, b"", first_ns + 40_000_000)
    for k in range(100):
        capture.take(witmotion.FAMILY.data_characteristic, bytes([k]), START_NS + k * 40_000_000)

    in_the_file = (tmp_path / "new.jsonl").read_bytes().count(b"\n") - 3
    capture.close()

    assert 100 - in_the_file <= 25


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    """A file that is there, or a folder that is not, is told at once."""
    (tmp_path / "there.jsonl").write_text("mine")

    for path in (tmp_path / "there.jsonl", tmp_path / "nowhere" / "new.jsonl"):
        with pytest.raises(RecordingUnwritableError):
            writer(path)
    assert (tmp_path / "there.jsonl").read_text() == "mine"


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="/dev/full, a disk that is always full, is Linux's"
)
def test_a_full_disk_stops_the_recording_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer says why, once, and takes whatever comes after; neither taking nor closing raises."""
    full = Path("/dev/full").open("wb")  # noqa: SIM115 (the writer closes it)
    monkeypatch.setattr(capture_module, "open", lambda *_args, **_options: full, raising=False)
    capture = writer(tmp_path / "new.jsonl")

    for k in range(100):
        capture.take(witmotion.FAMILY.data_characteristic, bytes(40), START_NS + k * 40_000_000)
    capture.close()

    assert capture.trouble is not None
    assert str(tmp_path / "new.jsonl") in str(capture.trouble)
    assert "No space left" in str(capture.trouble)


@pytest.mark.skipif(os.name != "posix", reason="file modes are those of POSIX")
def test_a_capture_is_its_owners_alone(tmp_path: Path) -> None:
    """Posture is health data: nobody else on the computer may read what came over the air."""
    writer(tmp_path / "new.jsonl").close()
    assert stat.S_IMODE((tmp_path / "new.jsonl").stat().st_mode) == 0o600
