"""A service for one wearer, for `benchmarks.live` to weigh: `python -m benchmarks.daemon FOLDER SECONDS`.

All that `neckline run` loads and does with a clip, but for the radio: its samples come from here, five at a time, as
fast as they would. Says on standard output when so much time has passed, and ends when its standard input does.
"""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import bleak  # noqa: F401 (the real one has it, too)
import numpy as np

import neckline.commands.run  # noqa: F401 (likewise)
from neckline.configuration.config import Alerts, Config, Wearer
from neckline.screen.logs import Style
from neckline.watching.running import run
from neckline.watching.seen import seen
from processing.calibration import Calibration
from processing.outputs import Stance
from sensor.samples import STANDARD_GRAVITY_MPS2, Reading, SampleBlock
from storage.entries import Batch, Stream
from storage.journal import Journal
from storage.schema import StanceCalibration

RATE_HZ, NOTIFICATION = 50.0, 5


async def samples(seconds: float) -> AsyncGenerator[Reading, None]:
    """Yield what a clip feels of somebody who sways and breathes."""
    rng, begin_ns, k = np.random.default_rng(1), time.time_ns(), 0
    while k < seconds * RATE_HZ:
        at = np.arange(k, k + NOTIFICATION)
        tilt_rad = np.deg2rad(8 + 6 * np.sin(at / RATE_HZ / 7))
        acc = STANDARD_GRAVITY_MPS2 * np.stack(
            [np.sin(tilt_rad), np.zeros(NOTIFICATION), np.cos(tilt_rad)], 1
        )
        gyr = rng.normal(0.0, 0.002, (NOTIFICATION, 3))
        time_ns = begin_ns + np.round(at / RATE_HZ * 1e9).astype(np.int64)
        yield SampleBlock(time_ns, acc + rng.normal(0.0, 0.02, acc.shape), gyr, RATE_HZ)
        k += NOTIFICATION
        await asyncio.sleep(max(0.0, (begin_ns + k / RATE_HZ * 1e9 - time.time_ns()) / 1e9))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Run until standard input ends."""
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    config = Config(wearer=Wearer(id="w-live0000"), alerts=Alerts(desktop=False))
    calibration = Calibration("c-1", time.time_ns(), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), 15.0, None)
    with Journal.open(folder / "daemon.db", "benchmarks.daemon") as journal:
        captured = StanceCalibration(Stance.SITTING, calibration)
        journal.commit([Batch(Stream("w-live0000", "t4"), (captured,))])

    with seen(Style.LINES) as view:
        asyncio.run(
            run(
                config,
                journal_path=folder / "daemon.db",
                source=lambda _after_ns: samples(seconds),
                view=view,
            )
        )


if __name__ == "__main__":
    main()
