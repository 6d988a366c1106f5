"""A Capture2Go's notifications, cut and spoiled anyhow, are packages in order and counted damage."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import capture2go
from firmware_protocol.capture2go import Package
from firmware_protocol.capture2go_stream import Capture2GoStream, Damage, Item
from tests.firmware_protocol.numbers import u16

packages = st.builds(Package, u16, st.binary(max_size=60) | st.just(b"\x02" * 40))
cuts = st.lists(st.integers(0, 400), max_size=8)


def fed(data: bytes, at: list[int]) -> tuple[Capture2GoStream, list[Item]]:
    """Feed a stream of bytes in notifications cut at these places, without real-time packages."""
    stream = Capture2GoStream()
    edges = sorted({0, *(cut for cut in at if cut < len(data)), len(data)})
    items = [item for begin, end in pairwise(edges) for item in stream.feed(b"\xff" + data[begin:end])]
    return stream, items


@given(st.lists(packages, min_size=1, max_size=6), cuts)
def test_packages_come_whole_however_they_are_cut(sent: list[Package], at: list[int]) -> None:
    """What was sent is what comes, once, in order, with nothing damaged; a start inside a payload begins nothing."""
    stream, items = fed(b"".join(map(bytes, sent)), at)

    assert items == sent
    assert (stream.packages, stream.damaged_bytes) == (len(sent), 0)


@given(st.lists(packages, max_size=3), st.lists(packages, min_size=1, max_size=4))
def test_real_time_packages_come_at_once_and_apart(urgent: list[Package], sent: list[Package]) -> None:
    """They stand whole before a piece of the stream, and do not disturb it."""
    stream = Capture2GoStream()
    data = b"".join(map(bytes, sent))
    half = len(data) // 2

    first = stream.feed(bytes([0xFF - len(urgent)]) + b"".join(map(bytes, urgent)) + data[:half])
    rest = stream.feed(b"\xff" + data[half:])

    assert first[: len(urgent)] == urgent
    assert [*first[len(urgent) :], *rest] == sent


garbage = st.binary(min_size=1, max_size=30).map(lambda data: data.replace(b"\x02", b"\x03"))


@given(st.lists(st.tuples(garbage, packages), min_size=1, max_size=4), cuts)
def test_garbage_between_packages_is_counted_and_skipped(
    parts: list[tuple[bytes, Package]], at: list[int]
) -> None:
    """Every package comes all the same, and as many bytes are damaged as there were."""
    stream, items = fed(b"".join(junk + bytes(package) for junk, package in parts), at)

    assert [item for item in items if isinstance(item, Package)] == [package for _, package in parts]
    assert stream.damaged_bytes == sum(len(junk) for junk, _ in parts)
    assert sum(item.length for item in items if isinstance(item, Damage)) == stream.damaged_bytes


def test_a_package_that_lost_bytes_takes_no_other_with_it() -> None:
    """Its CRC tells; the search goes on inside it, and finds the next one."""
    package = capture2go.Status(5, 1, 2, (0, 0, 0), synchronised=True, battery=50, free_storage_percent=9)
    whole = bytes(Package(capture2go.Header.STATUS, bytes(package)))

    stream, items = fed(whole[:-3] + whole * 2 + whole, [])

    assert [item for item in items if isinstance(item, Package)] == [Package.from_bytes(whole)] * 3
    assert stream.damaged_bytes == len(whole) - 3


def test_a_spoiled_real_time_package_spoils_its_notification() -> None:
    """Where the stream goes on behind it is not known; the next notification is read as ever."""
    stream, whole = Capture2GoStream(), bytes(capture2go.GET_STATUS)

    assert stream.feed(b"\xfe" + whole[:-1] + b"\x01" + whole) == [Damage(2 * len(whole))]
    assert stream.feed(b"\xfe" + whole) == [capture2go.GET_STATUS]
    assert stream.feed(b"") == []


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_notifications_are_packages_and_counted_damage(notifications: list[bytes]) -> None:
    """Nothing is raised, less than a package is kept, and every byte is a package's, damaged, or kept."""
    stream = Capture2GoStream()

    items = [item for data in notifications for item in stream.feed(data)]

    assert len(stream._rest) < 8 + capture2go.MAX_PAYLOAD
    whole = sum(len(bytes(item)) for item in items if isinstance(item, Package))
    heads = sum(1 for data in notifications if data)
    assert heads + whole + stream.damaged_bytes + len(stream._rest) == sum(map(len, notifications))
