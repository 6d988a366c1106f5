"""Random and spoiled packets raise nothing but protocol errors; the tally sees what it should."""

import os

import pytest

from benchmarks.fuzz_parsers import Tally, fuzz, summary, try_one
from benchmarks.parsers import Parser, all_parsers
from firmware_protocol.errors import MalformedFrameError

INPUTS = int(os.environ.get("NECKLINE_FUZZ_INPUTS", "20000"))
"""CI tries a million."""


def test_parsers_take_their_own_packets() -> None:
    """Each is there once, and what it is given to be spoiled is whole before."""
    parsers = all_parsers()

    assert len({(parser.family, parser.name) for parser in parsers}) == len(parsers) >= 90
    for parser in parsers:
        for packet in parser.packets:
            parser.parse(packet)


def test_inputs_without_end_raise_nothing_else() -> None:
    """And every parser accepted some of them: it was not only ever refused."""
    tally = fuzz(count=INPUTS, seconds=None, seed=1)

    assert tally.inputs == INPUTS
    assert tally.faults == []
    assert tally.uncaught == 0
    assert set(tally.accepted_by) == {f"{parser.family}/{parser.name}" for parser in all_parsers()}


def test_the_same_seed_gives_the_same_inputs() -> None:
    """So that what was found can be found again."""
    first, second, other = (fuzz(count=2_000, seconds=None, seed=seed) for seed in (7, 7, 8))

    assert first.accepted_by == second.accepted_by
    assert first.accepted_by != other.accepted_by


def falls(data: bytes) -> object:
    """Refuse some bytes as a parser should, and fall over others."""
    if data.startswith(b"\x00"):
        raise MalformedFrameError("no", data)
    return data[100]


@pytest.mark.parametrize(("data", "uncaught"), [(b"\x00", 0), (b"\x01", 1), (b"\x01" * 200, 0)])
def test_a_parser_that_falls_is_seen(data: bytes, uncaught: int) -> None:
    """With the bytes that made it fall."""
    tally = Tally()

    try_one(Parser("x", "falls", falls, ()), data, tally)

    assert summary(tally)["uncaught"] == uncaught
    assert all(data.hex() in fault for fault in tally.faults)
