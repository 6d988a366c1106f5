"""What the product's `step` costs: over recordings, live for many wearers, and notification by notification.

    python -m benchmarks.throughput

Processor time, not the clock's; medians of interleaved rounds, so that a busy machine disturbs all alike. What is
compared is compared within one run. The wearers are generated (`benchmarks.people`): 50 Hz, mostly at the desk.

* offline: an hour in one block, through filter, gate, slouch machine, epochs and minutes; beside it VQF's own batch
  call alone on the same arrays, and two published filters (only filters: they judge nothing).
* live: a gateway of 200 wearers, a block of a second of each in every call of `step_many`; what is not urgent may wait
  for ten seconds (`Settings.patience_s`). Beside it the same with the default, one second, together and one by one.
* notification: one wearer with default settings, five samples at a time; each tenth ends a second and carries what
  waited for that.
"""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import process_time

from rich.table import Table
from vqf import VQF

from benchmarks.peers import Filter, imufusion, installed, madgwick
from benchmarks.people import CALIBRATE_S, RATE_HZ, Life, life
from benchmarks.report import arguments, report
from processing.calibration import calibrate
from processing.settings import Settings
from processing.state import WearerState
from processing.step import finish, step, step_many
from sensor.samples import SampleBlock

ROUNDS = 7
WEARERS = 200
GATEWAY_PATIENCE_S = 10.0
WARM_S, LIVE_S = 25, 20
NOTIFICATION = 5
NOTIFIED_S = 300
PEERS: dict[str, tuple[str, Filter, int]] = {
    "imufusion": ("imufusion", imufusion, 60_000),
    "ahrs_madgwick": ("ahrs", madgwick, 5_000),
}
"""Library, filter, and how many samples it is given: pure Python takes long."""

Work = Callable[[], object]


def seconds(work: Work) -> float:
    """Return the processor time that some work takes."""
    begin = process_time()
    work()
    return process_time() - begin


def settings_of(wearer: Life, patience_s: float = 1.0) -> Settings:
    """Return default settings with the wearer's own calibration."""
    return Settings(calibration=calibrate(wearer.samples(*CALIBRATE_S)), patience_s=patience_s)


def offline(block: SampleBlock, settings: Settings) -> None:
    """Run a whole recording."""
    state, _ = step(WearerState(), block, settings)
    finish(state, settings)


def bare_filter(block: SampleBlock) -> None:
    """Run VQF's batch call and nothing else."""
    if block.gyr_radps is not None:
        VQF(1 / block.rate_hz).updateBatch(block.gyr_radps, block.acc_mps2)


def filtered(block: SampleBlock, method: Filter) -> None:
    """Run another filter and nothing else."""
    if block.gyr_radps is not None:
        method(block.acc_mps2, block.gyr_radps, block.rate_hz)


class Gateway:
    """Some wearers and their blocks of a second, as they would arrive: no two on the same millisecond."""

    def __init__(self, wearers: int, patience_s: float) -> None:
        lives = [life(1000 + number, seconds=60.0) for number in range(wearers)]
        self.settings = [settings_of(of, patience_s) for of in lives]
        self.rounds: list[list[SampleBlock]] = []
        streams = [of.samples(0, WARM_S + LIVE_S + 1) for of in lives]
        rows = round(RATE_HZ)
        for second in range(WARM_S + LIVE_S):
            begins = [second * rows + number % rows for number in range(wearers)]
            self.rounds.append([of[begin : begin + rows] for of, begin in zip(streams, begins, strict=True)])
        self.warm = [WearerState() for _ in lives]
        for number, blocks in enumerate(self.rounds[:WARM_S]):
            # They come one after another, so that their patience does not end at once.
            here = range(wearers * (number + 1) // WARM_S)
            states = self.together(self.warm[: here.stop], blocks[: here.stop])
            self.warm[: here.stop] = states

    def together(self, states: list[WearerState], blocks: list[SampleBlock]) -> list[WearerState]:
        """Take a block of each at once."""
        return [state for state, _ in step_many(zip(states, blocks, self.settings, strict=False))]

    def alone(self, states: list[WearerState], blocks: list[SampleBlock]) -> list[WearerState]:
        """Take a block of each, one after another."""
        return [step(*turn)[0] for turn in zip(states, blocks, self.settings, strict=True)]

    def live(self, take: Callable[[list[WearerState], list[SampleBlock]], list[WearerState]]) -> None:
        """Live through the seconds after the warm ones."""
        states = self.warm
        for blocks in self.rounds[WARM_S:]:
            states = take(states, blocks)


def notified(blocks: list[SampleBlock], settings: Settings) -> None:
    """Take notifications one by one."""
    state = WearerState()
    for block in blocks:
        state, _ = step(state, block, settings)


def measure(rounds: int = ROUNDS, wearers: int = WEARERS, hours: float = 1.0) -> dict[str, object]:
    """Return the results; two of them, for the table alone, are not among the keys of the last line."""
    wearer = life(1)
    block, settings = wearer.samples(0, hours * 3600), settings_of(wearer)
    gateway, at_once = Gateway(wearers, GATEWAY_PATIENCE_S), Gateway(wearers, 1.0)
    notifications = [
        block[begin : begin + NOTIFICATION]
        for begin in range(0, min(len(block), round(NOTIFIED_S * RATE_HZ)), NOTIFICATION)
    ]
    works: dict[str, Work] = {
        "vqf": lambda: bare_filter(block),
        "offline": lambda: offline(block, settings),
        "live": lambda: gateway.live(gateway.together),
        "at_once": lambda: at_once.live(at_once.together),
        "alone": lambda: at_once.live(at_once.alone),
        "notified": lambda: notified(notifications, settings),
    }
    peers = {name: peer for name, peer in PEERS.items() if installed(peer[0])}
    for name, (_, method, samples) in peers.items():
        works[name] = partial(filtered, block[:samples], method)
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(seconds(work))
    wearer_seconds = wearers * LIVE_S
    return {
        "offline_vs_vqf": round(
            median(bare / full for bare, full in zip(taken["vqf"], taken["offline"], strict=True)), 3
        ),
        "offline_samples_per_s": round(len(block) / median(taken["offline"])),
        "live_us_per_wearer_s": round(median(taken["live"]) / wearer_seconds * 1e6, 1),
        "notification_us": round(median(taken["notified"]) / len(notifications) * 1e6, 1),
        "peers_samples_per_s": {
            "vqf": round(len(block) / median(taken["vqf"])),
            **{
                name: round(min(samples, len(block)) / median(taken[name])) if name in taken else None
                for name, (_, _, samples) in PEERS.items()
            },
        },
        "at_once_us_per_wearer_s": round(median(taken["at_once"]) / wearer_seconds * 1e6, 1),
        "alone_us_per_wearer_s": round(median(taken["alone"]) / wearer_seconds * 1e6, 1),
    }


def main() -> None:
    """Print a table for people, then one JSON object."""
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    results = measure(parser.parse_args().rounds)
    at_once, alone = results.pop("at_once_us_per_wearer_s"), results.pop("alone_us_per_wearer_s")
    table = Table("what", "measured", "target")
    table.add_row("offline, of VQF's own batch speed", f"{results['offline_vs_vqf']:.1%}", "85 %")
    table.add_row("offline, samples a second", f"{results['offline_samples_per_s']:,}", "")
    for name, speed in results["peers_samples_per_s"].items():  # type: ignore[attr-defined]
        table.add_row(f"  {name} alone", "not installed" if speed is None else f"{speed:,}", "")
    table.add_row(
        f"live, {WEARERS} wearers at once, a wearer's second",
        f"{results['live_us_per_wearer_s']} µs",
        "35 µs",
    )
    table.add_row("  with no more patience than a second", f"{at_once} µs", "")
    table.add_row("  and one by one", f"{alone} µs", "")
    table.add_row(f"a notification of {NOTIFICATION} samples", f"{results['notification_us']} µs", "20 µs")
    report(table, results)


if __name__ == "__main__":
    main()
