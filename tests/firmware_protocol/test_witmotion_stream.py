"""A stream of bytes, cut and bundled anyhow, is frames in order and counted damage."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firmware_protocol.witmotion import ImuFrame, RegisterReply
from firmware_protocol.witmotion_stream import Damage, Item, WitMotionStream
from tests.firmware_protocol.frames import imu_frames, register_replies

Frame = ImuFrame | RegisterReply

MIMIC = ImuFrame((0x6155, 0, 2048), (0, 0x6155, 0), (0, 0, 0))
"""A data frame with `55 61` twice in its payload."""
PLAIN = ImuFrame((1, 2, 2048), (4, 5, 6), (7, 8, 9))
REPLY = RegisterReply(0x64, (382, 0, -25805, -906, -15197, 0, 0, 1000))

frames_of_all_kinds = st.lists(imu_frames() | register_replies(), min_size=1, max_size=12)
cuts = st.lists(st.integers(0, 300), max_size=12)


def fed(data: bytes, at: list[int]) -> tuple[WitMotionStream, list[Item]]:
    """Feed the bytes in pieces cut at these places."""
    stream = WitMotionStream()
    edges = sorted({0, *(cut for cut in at if cut < len(data)), len(data)})
    items = [item for begin, end in pairwise(edges) for item in stream.feed(data[begin:end])]
    return stream, items


@given(frames_of_all_kinds, cuts)
@example([MIMIC] * 3, [2])
@example([PLAIN, MIMIC, REPLY, MIMIC, PLAIN], list(range(100)))
def test_frames_come_whole_however_they_are_split_or_bundled(frames: list[Frame], at: list[int]) -> None:
    """What was sent is what comes, once, in order, with nothing damaged; `55 61` inside a payload begins nothing."""
    stream, items = fed(b"".join(map(bytes, frames)), at)

    assert items == frames
    assert (stream.frames, stream.damaged_bytes) == (len(frames), 0)


@given(frames_of_all_kinds)
def test_byte_by_byte_is_whole(frames: list[Frame]) -> None:
    """One byte at a time gives the same frames as all at once."""
    data = b"".join(map(bytes, frames))

    assert fed(data, list(range(len(data))))[1] == fed(data, [])[1] == frames


@given(st.binary(max_size=200) | st.text("\x55\x61\x71\x00", max_size=200).map(str.encode), cuts)
def test_any_bytes_are_frames_and_counted_damage(data: bytes, at: list[int]) -> None:
    """Nothing is raised, fewer than 20 bytes are kept, and every byte is a frame's, damaged, or kept."""
    stream, items = fed(data, at)

    frames = sum(not isinstance(item, Damage) for item in items)
    assert frames == stream.frames
    assert sum(item.length for item in items if isinstance(item, Damage)) <= stream.damaged_bytes
    assert len(stream._rest) < 20
    assert 20 * frames + stream.damaged_bytes + len(stream._rest) == len(data)


quiet = st.integers(0, 0x50).map(lambda word: word | word << 8)
"""Words whose bytes never look like a header."""
quiet_frames = st.builds(
    ImuFrame,
    st.tuples(quiet, quiet, quiet),
    st.tuples(quiet, quiet, quiet),
    st.tuples(quiet, st.integers(0, 0x3F).map(lambda word: word << 8), quiet),
)
garbage = st.binary(min_size=1, max_size=30).map(lambda data: data.replace(b"\x55", b"\x54"))


@given(st.lists(st.tuples(garbage, quiet_frames), min_size=1, max_size=8), cuts)
def test_garbage_between_frames_is_counted_and_skipped(
    parts: list[tuple[bytes, ImuFrame]], at: list[int]
) -> None:
    """Every frame comes, and between them as many damaged bytes as there were; cut anyhow, nothing is made up."""
    data = b"".join(junk + bytes(frame) for junk, frame in parts)
    frames = [frame for _, frame in parts]

    stream, items = fed(data, [])
    _, in_pieces = fed(data, at)

    assert items == [thing for junk, frame in parts for thing in (Damage(len(junk)), frame)]
    assert stream.damaged_bytes == sum(len(junk) for junk, _ in parts)
    rest = iter(frames)
    assert all(frame in rest for frame in in_pieces if isinstance(frame, ImuFrame))


@given(st.lists(quiet_frames, min_size=6, max_size=6), st.integers(1, 19))
def test_a_frame_that_lost_bytes_takes_no_other_with_it(frames: list[ImuFrame], lost: int) -> None:
    """Bytes lost inside one frame damage that frame alone; the run that begins inside it is believed."""
    data = bytearray(b"".join(map(bytes, frames)))
    del data[60 + 20 - lost : 60 + 20]

    _, items = fed(bytes(data), [])

    assert items == [*frames[:3], Damage(20 - lost), *frames[4:]]


def test_a_header_that_is_not_finished_is_waited_for() -> None:
    """A lone 55 at the end of what arrived may begin a frame: it is kept, and is no damage."""
    stream = WitMotionStream()

    assert stream.feed(bytes(PLAIN) + b"\x55") == [PLAIN]
    assert stream.feed(bytes(PLAIN)[1:]) == [PLAIN]
    assert stream.damaged_bytes == 0


def test_damage_ends_with_the_notification() -> None:
    """A damaged notification is told at once, as so many frames, and the next one is read as ever."""
    stream = WitMotionStream()

    assert stream.feed(bytes(PLAIN) * 2) == [PLAIN, PLAIN]
    (damage,) = stream.feed(b"\x00" * 40)
    assert isinstance(damage, Damage)
    assert (damage.length, damage.frames) == (40, 2)
    assert stream.feed(bytes(MIMIC) * 2) == [MIMIC, MIMIC]


@pytest.mark.parametrize("angle", [0x4001, -0x4001, 0x7FFF, -0x8000])
def test_an_impossible_pitch_is_damage(angle: int) -> None:
    """With register 0x96 set the same frame type carries something else: it shows as pitch beyond ±90°."""
    stream = WitMotionStream()
    stream.feed(bytes(PLAIN))
    impossible = bytes(ImuFrame((0, 0, 2048), (0, 0, 0), (0, angle, 0)))

    assert stream.feed(impossible) == [Damage(20)]
    assert stream.feed(bytes(PLAIN)) == [PLAIN]
