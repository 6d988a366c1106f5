"""How far the times of samples are from when they were taken, over a day on one connection.

    python -m benchmarks.clocks

Clips with clocks that are 200 ppm fast or slow, and that warm and cool a little, send for 24 hours. A notification comes
2 ms after its last sample at the earliest, mostly 3 ms later, at the next connection event (30 ms apart), and in order; about
once a minute the radio fades for up to 1.9 s and all that was held up comes at once (bursts); once in five minutes the computer
is busy for up to half a second and takes nothing (stalls). Nothing is lost.

The residual is what remains of the given time when the true one and the least delay of 2 ms, which no receiver can know of,
are taken off; the first two minutes, in which the clocks learn, are told apart: until a packet has come with hardly any
delay none can know that the others had one, and with events every 30 ms that takes so long. `clockless_ms` and `device_ms` are the
largest residuals of any sample of a day after that, `clockless_settled_s` and `device_settled_s` how long after the connection
the last sample was further off than the target. Where a clip's packets and the connection events are in step but for the drift,
the least delay shows only as the two drift past each other: the slower that is, the later it is known.
"""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.report import arguments, report
from sensor.clock import SampleClock
from sensor.device_clock import DeviceClock, Stamp

Floats = NDArray[np.float64]

AIR_S, JITTER_S, EVENTS_S = 0.002, 0.003, 0.03
FADE_EVERY_S, FADE_S = 60.0, (0.1, 1.9)
STALL_EVERY_S, STALL_S = 300.0, (0.05, 0.5)
WANDER_PPM, WANDER_S = 5.0, 7200.0
"""A crystal that warms by some 15 °C and cools again."""
LEARNING_S = 120.0
START_NS = 1_767_225_600_000_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """How clips of a family send: their rate, samples a notification, and their counter if they have one."""

    name: str
    rate_hz: float
    count: int
    tick_s: float | None = None
    bits: int | None = None
    stamp_of: Stamp = Stamp.FIRST

    @property
    def target_ms(self) -> float:
        """What a sample may be off by."""
        return 20.0 if self.tick_s is None else 5.0


KINDS = (
    Kind("witmotion 50 Hz", 50.0, 2),
    Kind("witmotion 100 Hz", 100.0, 4),
    Kind("thingy 50 Hz", 50.0, 1),
    Kind("movella dot", 60.0, 1, 1e-6, 32),
    Kind("metamotion", 50.0, 1, 48 / 32768, 32),
    Kind("movesense", 52.0, 4, 1e-3, 32),
    Kind("polar", 52.0, 36, 1e-9, None, Stamp.LAST),
    Kind("capture2go", 50.0, 8, 1e-9, None),
    Kind("openearable", 50.0, 1, 1e-6, None),
)


@dataclass(frozen=True, slots=True)
class Residual:
    """What remained, in milliseconds."""

    kind: Kind
    drift_ppm: float
    most_ms: float
    p99_ms: float
    learning_ms: float
    """The most of the first minutes."""
    settled_s: float
    """When a sample was off by more than the target for the last time, since the connection."""


def held_up(
    arrival_s: Floats, random: np.random.Generator, every_s: float, for_s: tuple[float, float]
) -> Floats:
    """Return arrivals of which some are held up for a while, and then come at once."""
    n = int(arrival_s[-1] / every_s) + 1
    begins_s = np.sort(random.uniform(0, arrival_s[-1], n))
    ends_s = begins_s + random.uniform(*for_s, n)
    at = np.searchsorted(begins_s, arrival_s, side="right") - 1
    late_s = np.where(at >= 0, ends_s[at], 0.0)
    return np.maximum(arrival_s, late_s)


def taken_and_arrived(kind: Kind, drift_ppm: float, hours: float, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return the device's time of each sample (n, count), when it was truly taken (n, count), and each arrival (n,)."""
    random = np.random.default_rng(seed)
    n = int(hours * 3600 * kind.rate_hz / kind.count)
    device_s = np.arange(n * kind.count, dtype=np.float64).reshape(n, kind.count) / kind.rate_hz
    turns = device_s * (2 * np.pi / WANDER_S)
    wandered_s = (1 - np.cos(turns)) * (WANDER_PPM * 1e-6 * WANDER_S / (2 * np.pi))
    taken_s = device_s * (1 + drift_ppm * 1e-6) + wandered_s
    sent_s = taken_s[:, -1] + AIR_S + random.exponential(JITTER_S, n)
    phase_s = random.uniform(0, EVENTS_S)
    event_s = np.ceil((sent_s - phase_s) / EVENTS_S) * EVENTS_S + phase_s
    faded_s = held_up(event_s, random, FADE_EVERY_S, FADE_S)
    stalled_s = held_up(faded_s, random, STALL_EVERY_S, STALL_S)
    return device_s, taken_s, np.maximum.accumulate(stalled_s)


def asked(kind: Kind, device_s: Floats) -> Callable[[int, int], NDArray[np.int64]]:
    """Return what tells the times of notification k that came at a time: the product's clock for this kind."""
    if kind.tick_s is None:
        clock = SampleClock(kind.rate_hz)
        return lambda _, arrival_ns: clock.arrived(arrival_ns, kind.count)
    stamped_s = device_s[:, 0] if kind.stamp_of is Stamp.FIRST else device_s[:, -1]
    ticks = np.floor(stamped_s / kind.tick_s + 1e-6).astype(np.int64).tolist()
    device = DeviceClock(tick_s=kind.tick_s, rate_hz=kind.rate_hz, bits=kind.bits, stamp_of=kind.stamp_of)
    wrap = 1 << (kind.bits or 64)
    return lambda k, arrival_ns: device.arrived(ticks[k] % wrap, kind.count, arrival_ns)


def measure(kind: Kind, drift_ppm: float, hours: float, seed: int = 1) -> Residual:
    """Send for so many hours; return what remained."""
    device_s, taken_s, arrival_s = taken_and_arrived(kind, drift_ppm, hours, seed)
    times_of = asked(kind, device_s)
    arrivals_ns = (START_NS + np.rint(arrival_s * 1e9).astype(np.int64)).tolist()
    time_ns = np.concatenate([times_of(k, arrival_ns) for k, arrival_ns in enumerate(arrivals_ns)])
    # A clock that steers may still hold the last samples back.
    true_s = taken_s.ravel()[: len(time_ns)]
    residual_ms = np.abs((time_ns - START_NS) / 1e9 - true_s - AIR_S) * 1e3
    learnt = residual_ms[true_s > LEARNING_S]
    off_s = true_s[residual_ms > kind.target_ms]
    return Residual(
        kind,
        drift_ppm,
        round(float(learnt.max()), 2),
        round(float(np.percentile(learnt, 99)), 2),
        round(float(residual_ms.max()), 1),
        round(float(off_s[-1]), 1) if len(off_s) else 0.0,
    )


def main() -> None:
    """Print a table for people, then one JSON object."""
    parser = arguments(__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    runs = [(kind, drift_ppm) for kind in KINDS for drift_ppm in (-200.0, 200.0)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = list(
            pool.map(measure, *zip(*runs, strict=True), [told.hours] * len(runs), [told.seed] * len(runs))
        )
    table = Table(
        "clip", "drift", "residual at most", "99 in 100 within", "while learning", "target", "within it from"
    )
    for each in found:
        cells = (f"{ms:g} ms" for ms in (each.most_ms, each.p99_ms, each.learning_ms))
        table.add_row(
            each.kind.name,
            f"{each.drift_ppm:+g} ppm",
            *cells,
            f"{each.kind.target_ms:g} ms",
            f"{each.settled_s:g} s on",
        )
    figures = {}
    for word, clockless in (("clockless", True), ("device", False)):
        group = [each for each in found if (each.kind.tick_s is None) is clockless]
        figures[f"{word}_ms"] = max(each.most_ms for each in group)
        figures[f"{word}_settled_s"] = max(each.settled_s for each in group)
    report(table, {**figures, "hours": told.hours})


if __name__ == "__main__":
    main()
