"""A clip and its wearer without hardware: what `neckline demo` and `neckline run --simulated` run on.

Everything above the air is real: bleak's client, GATT, L2CAP, HCI, and the clip's protocol. The air and the person are
not, and everything that shows or stores what comes of them says so: the wearer is `w-simulated`.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from neckline.configuration.config import Config, Wearer
from neckline.errors import NoVirtualRadioError
from neckline.screen.logs import Style, happened
from neckline.watching.running import Summary, run, stopped_by_signals
from neckline.watching.seen import seen
from neckline.watching.service import Service
from processing.outputs import Stance
from sensor import link
from sensor.bluetooth import Bluetooth
from sensor.link import ClipBinding, ClipReport
from sensor.samples import Reading
from sensor.virtual.motion import LEAN, SLOUCH, UPRIGHT, WALK, Pose, ScriptedPerson

WEARER_ID = "w-simulated"
SCAN_S = 2.0
POSES: Sequence[tuple[Pose, float]] = ((UPRIGHT, 9.0), (SLOUCH, 8.5))
"""What a calibration asks for from the first sample on: 3 s to get ready and 5 s tall, then the same slumped."""
HOUR: Sequence[tuple[Pose, float]] = (
    *((UPRIGHT, 300.0), (SLOUCH, 150.0), (UPRIGHT, 240.0), (LEAN, 20.0), (UPRIGHT, 120.0)),
    *((SLOUCH, 40.0), (UPRIGHT, 400.0), (WALK, 60.0), (UPRIGHT, 30.0), (SLOUCH, 5.0), (UPRIGHT, 535.0)),
    *((SLOUCH, 420.0), (UPRIGHT, 600.0), (WALK, 120.0), (UPRIGHT, 560.0)),
)
DAY_H = 12


@dataclass(frozen=True, slots=True)
class Simulation:
    """A clip that is worn and switched on."""

    bluetooth: Bluetooth
    binding: ClipBinding
    report: ClipReport

    def source(self, after_ns: int) -> AsyncGenerator[Reading, None]:
        """Open the clip's stream, as `neckline.watching.service.Source` wants it."""
        return link.stream(self.bluetooth, self.binding, after_ns=after_ns)


def ask_for_radio() -> None:
    """Raise NoVirtualRadioError without the extra `virtual`: before anything is made for a simulation."""
    if find_spec("bumble") is None:
        raise NoVirtualRadioError


@asynccontextmanager
async def simulation(script: Sequence[tuple[Pose, float]]) -> AsyncGenerator[Simulation, None]:
    """Switch a clip on, scan for it and ask who it is; its wearer begins the script when its stream is opened."""
    from sensor.virtual.firmware import Firmware  # noqa: PLC0415 (an extra)
    from sensor.virtual.world import virtual_world  # noqa: PLC0415

    async with virtual_world(Firmware(ScriptedPerson(script))) as world:
        happened("scanning", "Listening for clips (simulated)")
        (sighting,) = await link.scan(world.bluetooth, SCAN_S)
        seen_as = sighting.advertisement
        happened("heard", f"Heard {seen_as.name} at {seen_as.address}: asking who it is", clip=seen_as.name)
        report = await link.identify(world.bluetooth, sighting)
        binding = link.bind(sighting, report)
        battery = f", battery {report.battery.percent:.0f} %" if report.battery else ""
        happened(
            "identified", f"It is {report.identity.serial}, firmware {report.identity.firmware}{battery}"
        )
        world.clip.motion_start_s = None  # to be asked had set the wearer going
        yield Simulation(world.bluetooth, binding, report)


def as_simulated(config: Config) -> Config:
    """Return the configuration for the wearer who is none: never mixed with a real one."""
    return config.model_copy(update={"wearer": Wearer(id=WEARER_ID), "head_clip": None})


def temporary_journal(purpose: str) -> Path:
    """Return where the journal of a simulated wearer lies unless another place is named; it is kept."""
    return Path(tempfile.mkdtemp(prefix=f"neckline-{purpose}-")) / "journal.db"


async def calibrate_wearer(service: Service) -> bool:
    """Guide the simulated wearer through a calibration; tell whether it succeeded."""
    prompts = [prompt async for prompt in service.calibrate(slump=True, stance=Stance.SITTING)]
    return prompts[-1].done is not None


async def _calibrate_and_go_on(service: Service) -> None:
    await calibrate_wearer(service)
    await asyncio.Event().wait()


def run_simulated(config: Config, journal_path: Path | None, *, style: Style | None) -> Summary:
    """Run on a simulated clip until Ctrl-C or SIGTERM: a person at a desk who slouches now and then.

    Without a journal's path a temporary one is made, and kept. Raises NoVirtualRadioError, StorageError.
    """
    ask_for_radio()
    return asyncio.run(_run(as_simulated(config), journal_path or temporary_journal("simulated"), style))


async def _run(config: Config, journal_path: Path, style: Style | None) -> Summary:
    until = asyncio.Event()
    with stopped_by_signals(until), seen(style) as view:
        async with simulation((*POSES, *(tuple(HOUR) * DAY_H))) as clip:
            return await run(
                config,
                journal_path=journal_path,
                source=clip.source,
                view=view,
                clip=clip.binding.name,
                until=until,
                guide=_calibrate_and_go_on,
                simulated=True,
                utc=time.time_ns,
            )
