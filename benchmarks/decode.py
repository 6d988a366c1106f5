"""What it costs to make samples of bytes: packets a second of each family, and a wearer-second of a WitMotion clip.

    python -m benchmarks.decode

A packet is one notification with samples, as the family sends them; its parser in `firmware_protocol` alone is measured.
For the WitMotion clip (50 Hz, two frames a notification, 25 notifications a second) it is the whole way that the product goes:
reassembly, the steered clock, blocks of samples in m/s² and rad/s. The floor is what Python and numpy take for the same result
with nothing checked: one `struct` call, three small arrays and one SampleBlock a notification. All is the process's own
time, the median of many runs.
"""

import struct
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from rich.table import Table

from benchmarks.parsers import all_parsers
from benchmarks.report import arguments, report
from firmware_protocol.witmotion import ImuFrame
from firmware_protocol.witmotion_stream import WitMotionStream
from sensor.samples import SampleBlock
from sensor.sessions.witmotion import ACC_MPS2_PER_COUNT, GYR_RADPS_PER_COUNT, NOTIFY_PREFIX, WitMotionSession

RATE_HZ, FRAMES, NOTIFICATIONS_PER_S = 50.0, 2, 25
START_NS = 1_767_225_600_000_000_000
DATA_PARSERS = {
    "movella_dot": "mode_26",
    "metamotion": "motion_160",
    "polar_pmd": "frame_2_1",
    "movesense": "imu6",
    "thingy52": "raw",
    "capture2go": "stream",
    "openearable": "motion",
    "esense": "motion",
    "sensortag": "motion",
    "bluest": "motion_00e00000",
    "nicla": "packets",
}
"""Which of a family's parsers is that of its samples."""
COUNTS = struct.Struct("<2x6h6x2x6h6x")


def notifications(seconds: int, seed: int = 1) -> list[tuple[bytes, int]]:
    """Return what a clip sends in so many seconds, with the times of arrival."""
    random = np.random.default_rng(seed)
    sent = []
    for k in range(seconds * NOTIFICATIONS_PER_S):
        counts = random.normal((0, 2048, 0, 0, 0, 0, 0, 0, 0), 30, (FRAMES, 9)).astype(int).tolist()
        frames = [ImuFrame(tuple(c[:3]), tuple(c[3:6]), tuple(c[6:])) for c in counts]
        arrival_ns = START_NS + k * 40_000_000 + int(random.uniform(0, 30_000_000))
        sent.append((b"".join(map(bytes, frames)), arrival_ns))
    return sent


def took_us(act: Callable[[], object], repeats: int) -> float:
    """Return the median process time of doing something, in microseconds."""
    times_ns = []
    for _ in range(repeats):
        begin_ns = time.process_time_ns()
        act()
        times_ns.append(time.process_time_ns() - begin_ns)
    return median(times_ns) / 1e3


def through_the_session(sent: list[tuple[bytes, int]]) -> int:
    """Go the product's whole way; return how many samples came of it."""
    session = WitMotionSession(RATE_HZ)
    told = [told for data, time_ns in sent for told in session.received(NOTIFY_PREFIX, data, time_ns)]
    return sum(len(each) for each in told if isinstance(each, SampleBlock))


def through_the_floor(sent: list[tuple[bytes, int]]) -> int:
    """Make the same blocks with nothing checked and no clock."""
    scale = np.tile((ACC_MPS2_PER_COUNT,) * 3 + (GYR_RADPS_PER_COUNT,) * 3, (FRAMES, 1))
    blocks = []
    for data, time_ns in sent:
        counts = COUNTS.unpack(data)
        rows = np.array((counts[:6], counts[6:]), np.float64) * scale
        times_ns = np.array((time_ns - 20_000_000, time_ns), np.int64)
        blocks.append(SampleBlock(times_ns, rows[:, :3], rows[:, 3:], RATE_HZ))
    return sum(map(len, blocks))


def wearer_second_us(way: Callable[[list[tuple[bytes, int]]], int], seconds: int, repeats: int) -> float:
    """Return what a second of one wearer costs on this way, in microseconds of processor time."""
    sent = notifications(seconds)
    if way(sent) != len(sent) * FRAMES:
        raise RuntimeError("not all samples came out")
    return round(took_us(lambda: way(sent), repeats) / seconds, 1)


def packets_per_s(repeats: int, calls: int = 2000) -> dict[str, int]:
    """Return how many packets with samples each family's parser takes a second."""
    stream, (data, _) = WitMotionStream(), notifications(1)[0]
    stream.feed(data)
    ways: dict[str, Callable[[bytes], object]] = {"witmotion": stream.feed}
    packets = {"witmotion": data}
    for parser in all_parsers():
        if DATA_PARSERS.get(parser.family) == parser.name:
            ways[parser.family], packets[parser.family] = parser.parse, parser.packets[0]
    found = {}
    for family, parse in ways.items():
        packet = packets[family]

        def many(parse: Callable[[bytes], object] = parse, packet: bytes = packet) -> None:
            for _ in range(calls):
                parse(packet)

        found[family] = round(calls / took_us(many, repeats) * 1e6)
    return found


def main() -> None:
    """Print a table for people, then one JSON object."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=25)
    repeats = parser.parse_args().repeats
    per_s = packets_per_s(repeats)
    whole_us = wearer_second_us(through_the_session, 60, repeats)
    floor_us = wearer_second_us(through_the_floor, 60, repeats)
    table = Table("family", "packets a second")
    for family, count in per_s.items():
        table.add_row(family, f"{count:,}")
    table.add_section()
    table.add_row("a wearer-second of WitMotion, bytes to samples", f"{whole_us} µs (target 200)")
    table.add_row("the floor of it", f"{floor_us} µs")
    report(
        table,
        {
            "witmotion_us_per_wearer_s": whole_us,
            "floor_us_per_wearer_s": floor_us,
            "packets_per_s": per_s,
        },
    )


if __name__ == "__main__":
    main()
