"""Every published packet through the product's modules, and that a wrong answer would be seen."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.vectors import __main__ as vectors
from benchmarks.vectors.table import READERS, reader_of
from benchmarks.vectors.vector import NoWordError, Outcome, Said, Vector, agrees, judge, load
from firmware_protocol.errors import MalformedFrameError

EXPERIMENTAL = {"esense", "sensortag", "bluest", "nicla_bhy2"}


@pytest.mark.recordings
def test_every_published_packet_is_read_and_written(recordings: Path) -> None:
    """None fails; what is unsupported is of an experimental family; all families are there."""
    results = [judge(vector, reader_of(vector)) for vector in load(recordings / "packet_vectors.jsonl")]

    assert len(results) >= 138
    assert {result.vector.dev for result in results} == set(READERS)
    assert [(each.vector.id, each.why) for each in results if each.outcome is Outcome.FAILED] == []
    unsupported = {each.vector.dev for each in results if each.outcome is Outcome.UNSUPPORTED}
    assert unsupported <= EXPERIMENTAL


@pytest.mark.recordings
def test_packets_that_the_specification_prints_wrong_are_refused(recordings: Path) -> None:
    """By their checksum, and by nothing else."""
    printed = [
        vector
        for vector in load(recordings / "packet_vectors.jsonl")
        if vector.expect.get("checksum_ok") is False
    ]

    assert printed
    for vector in printed:
        reader = reader_of(vector)
        assert reader is not None
        with pytest.raises(MalformedFrameError, match="checksum"):
            reader(vector)


@pytest.mark.recordings
def test_bits_that_are_wrong_are_seen(recordings: Path) -> None:
    """Of all that are turned in a packet's first and last bytes most are, and of every packet some.

    (Not all: a float's last bits are below what is compared, and a file tells the first and last of many samples.)
    """
    turned = seen = 0
    for vector in load(recordings / "packet_vectors.jsonl"):
        if vector.is_wrong or vector.kind == "foreign61":
            # Of these the file says that they mean nothing.
            continue
        ends = {*range(len(vector.data))[:6], *range(len(vector.data))[-6:]}
        outcomes = [judge(spoiled(vector, at), reader_of(vector)).outcome for at in ends]
        assert not outcomes or set(outcomes) != {Outcome.PASSED}, vector.id
        turned += len(outcomes)
        seen += len(outcomes) - outcomes.count(Outcome.PASSED)
    assert seen / turned > 0.9, seen / turned


def spoiled(vector: Vector, at: int) -> Vector:
    """Return the vector with a high bit of one byte turned."""
    data = bytearray(vector.data)
    data[at] ^= 0x40
    return Vector(vector.id, vector.dev, vector.kind, bytes(data), vector.ctx, vector.expect)


@pytest.mark.recordings
def test_the_command_ends_with_one_object(
    recordings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table for people; then counts, of all and by kind, that add up."""
    monkeypatch.setattr(sys, "argv", ["vectors", str(recordings / "packet_vectors.jsonl")])

    vectors.main()

    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told) == {"passed", "failed", "unsupported", "by_kind"}
    for outcome in Outcome:
        assert told[outcome.value] == sum(kind[outcome.value] for kind in told["by_kind"].values())


def vector(**expect: object) -> Vector:
    """Return a vector that expects this of two bytes."""
    return Vector("x-1", "dev", "kind", b"\x01\x02", {}, expect)


def test_outcomes() -> None:
    """What agrees passes, what differs fails; no reader or no word is unsupported; what is wrong must be refused."""

    def told(_: Vector) -> Said:
        return Said({"a": 1, "b": (0.5, 2.0)}, b"\x01\x02")

    def refused(_: Vector) -> Said:
        raise MalformedFrameError("no", b"")

    def wordless(_: Vector) -> Said:
        raise NoWordError("no such command")

    def fallen(_: Vector) -> Said:
        raise KeyError("range_g")

    assert judge(vector(a=1, b=[0.5, 2]), told).outcome is Outcome.PASSED
    assert judge(vector(a=2), told).outcome is Outcome.FAILED
    assert judge(vector(a=1, c=3), told).outcome is Outcome.UNSUPPORTED
    assert judge(vector(a=2, c=3), told).outcome is Outcome.FAILED
    assert judge(vector(a=1), None).outcome is Outcome.UNSUPPORTED
    assert judge(vector(a=1), wordless).outcome is Outcome.UNSUPPORTED
    assert judge(vector(a=1), fallen).outcome is Outcome.FAILED
    assert judge(vector(a=1), refused).outcome is Outcome.FAILED
    assert judge(vector(a=1, checksum_ok=False), refused).outcome is Outcome.PASSED
    assert judge(vector(a=1, checksum_ok=False), told).outcome is Outcome.FAILED
    assert judge(vector(a=1), lambda _: Said({"a": 1}, b"\x01\x03")).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("said", "expected", "same"),
    [
        (0.86603, 0.866, True),
        (0.8672, 0.866, False),
        (-0.0023041, -0.002304, True),
        (1000.05, 1000, True),
        (1000.2, 1000, False),
        (1, True, False),
        (None, None, True),
        (None, 0.0, False),
        ("ab", "ab", True),
        ((1, 2), [1, 2, 3], False),
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"b": 2}, {"a": 1}, False),
    ],
)
def test_numbers_agree_to_a_ten_thousandth_or_the_last_digit_printed(
    said: object, expected: object, same: bool
) -> None:
    """And all else exactly."""
    assert agrees(said, expected) is same
