"""Random and spoiled packets into every parser of `firmware_protocol`.

    python -m benchmarks.fuzz_parsers --seconds 60
    python -m benchmarks.fuzz_parsers --inputs 1000000

One input in eight is random; the others are packets that the parser takes, spoiled: bits turned, bytes replaced, put in,
left out, doubled, cut, joined with another's; where there is a checksum, it is made right again every second time. What a
parser returns is asked everything: all its properties, and to be written back. An input is at most 512 bytes, as long as
Bluetooth lets a notification be.

`uncaught` counts what was raised and is no ProtocolError. Time is the process's own, so other processes do not count, but
interrupts on its behalf do: an input that took over a millisecond is tried three times more, and counts as `over_1_ms` when
it was slow each time, `over_1_ms_once` all the same. The garbage collector runs between inputs and not within them.
"""

import dataclasses
import gc
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import SupportsBytes

from rich.table import Table

from benchmarks.parsers import Parser, all_parsers
from benchmarks.report import arguments, report
from firmware_protocol.errors import ProtocolError

LONGEST = 512
LIMIT_NS = 10**6
AGAIN = 3
BATCH = 2000
INTERESTING = bytes(
    [
        0x00,
        0x01,
        0x02,
        0x03,
        0x09,
        0x0F,
        0x13,
        0x19,
        0x20,
        0x55,
        0x61,
        0x71,
        0x7F,
        0x80,
        0x8C,
        0xF0,
        0xFE,
        0xFF,
    ]
)
SHOWN = 5


@dataclass(slots=True)
class Tally:
    """What came of the inputs."""

    inputs: int = 0
    accepted: int = 0
    uncaught: int = 0
    over_once: int = 0
    over: int = 0
    max_ns: int = 0
    slowest: str = ""
    faults: list[str] = field(default_factory=list)
    accepted_by: Counter[str] = field(default_factory=Counter)
    over_by: Counter[str] = field(default_factory=Counter)


def ask_everything(told: object) -> None:
    """Read all properties of what a parser returned, and write it back where that can be done."""
    if isinstance(told, list | tuple):
        for each in told:
            ask_everything(each)
    elif dataclasses.is_dataclass(told) and not isinstance(told, type):
        for name, thing in vars(type(told)).items():
            if isinstance(thing, property):
                getattr(told, name)
        if isinstance(told, SupportsBytes):
            bytes(told)


def spoiled(packet: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Return the packet after one to four mishaps."""
    data = bytearray(packet)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        at = random.randrange(len(data) + 1)
        match random.randrange(8):
            case 0 if data:
                data[at % len(data)] ^= 1 << random.randrange(8)
            case 1 if data:
                data[at % len(data)] = random.choice(INTERESTING)
            case 2:
                data[at:at] = random.randbytes(random.randrange(1, 5))
            case 3:
                del data[at : at + random.randrange(1, 5)]
            case 4:
                del data[at:]
            case 5:
                data += data[at:]
            case 6:
                other = random.choice(others)
                data[at:] = other[random.randrange(len(other) + 1) :]
            case _:
                data[at : at + 4] = random.randbytes(4)
    return bytes(data[:LONGEST])


def inputs(parser: Parser, others: Sequence[bytes], random: Random) -> Iterator[bytes]:
    """Give inputs for a parser without end."""
    while True:
        if random.randrange(8) == 0:
            yield random.randbytes(random.randrange(random.choice((24, 64, LONGEST + 1))))
            continue
        data = spoiled(random.choice(parser.packets), others, random)
        yield parser.repair(data) if parser.repair and random.randrange(2) else data


def elapsed_ns(parser: Parser, data: bytes) -> int:
    """Return the process time that parsing took; what is raised is let through."""
    begin = time.process_time_ns()
    with suppress(ProtocolError):
        parser.parse(data)
    return time.process_time_ns() - begin


def try_one(parser: Parser, data: bytes, tally: Tally) -> None:
    """Give one input to a parser, and tally what came of it."""
    name = f"{parser.family}/{parser.name}"
    tally.inputs += 1
    begin = time.process_time_ns()
    try:
        told = parser.parse(data)
    except ProtocolError:
        took = time.process_time_ns() - begin
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        tally.uncaught += 1
        tally.faults.append(f"{name}: {error!r} from {data.hex()}")
        return
    else:
        took = time.process_time_ns() - begin
        tally.accepted += 1
        tally.accepted_by[name] += 1
        try:
            ask_everything(told)
        except Exception as error:  # noqa: BLE001
            tally.uncaught += 1
            tally.faults.append(f"{name}, asked everything: {error!r} from {data.hex()}")
    if took > LIMIT_NS:
        tally.over_once += 1
        took = min(took, *(elapsed_ns(parser, data) for _ in range(AGAIN)))
        if took > LIMIT_NS:
            tally.over += 1
            tally.over_by[name] += 1
    if took > tally.max_ns:
        tally.max_ns, tally.slowest = took, f"{name} {data.hex()}"


def fuzz(*, count: int | None, seconds: float | None, seed: int) -> Tally:
    """Try inputs in turn on all parsers, so many or for so long; both None is a mistake of the caller."""
    random = Random(seed)
    parsers = all_parsers()
    others = [packet for parser in parsers for packet in parser.packets]
    feeds = [(parser, inputs(parser, others, random)) for parser in parsers]
    tally = Tally()
    until = None if seconds is None else time.monotonic() + seconds
    gc.collect()
    gc.disable()
    try:
        for parser, feed in cycle(feeds):
            if tally.inputs == count:
                break
            if tally.inputs % BATCH == 0:
                gc.collect()
                if until is not None and time.monotonic() >= until:
                    break
            try_one(parser, next(feed), tally)
    finally:
        gc.enable()
    return tally


def summary(tally: Tally) -> dict[str, object]:
    """Put the tally in words for programs."""
    return {
        "inputs": tally.inputs,
        "accepted": tally.accepted,
        "uncaught": tally.uncaught,
        "over_1_ms": tally.over,
        "over_1_ms_by_parser": dict(tally.over_by),
        "over_1_ms_once": tally.over_once,
        "max_us": round(tally.max_ns / 1000, 1),
        "slowest": tally.slowest.partition(" ")[0],
        "parsers": len(all_parsers()),
    }


def main() -> None:
    """Print a table for people, then one JSON object; end with 1 when something was uncaught or slow."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, help="for so long (60 unless told)")
    parser.add_argument("--inputs", type=int, help="so many, however long it takes")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the random numbers: the same seed, the same inputs"
    )
    told = parser.parse_args()
    seconds = 60.0 if told.seconds is None and told.inputs is None else told.seconds
    begin = time.monotonic()
    tally = fuzz(count=told.inputs, seconds=seconds, seed=told.seed)
    table = Table("parser", "accepted")
    for each in all_parsers():
        name = f"{each.family}/{each.name}"
        table.add_row(name, str(tally.accepted_by[name]))
    for fault in tally.faults[:SHOWN]:
        print(fault)
    if tally.over:
        print(f"slowest: {tally.slowest}")
    report(table, {**summary(tally), "seconds": round(time.monotonic() - begin, 1), "seed": told.seed})
    sys.exit(1 if tally.uncaught or tally.over else 0)


if __name__ == "__main__":
    main()
