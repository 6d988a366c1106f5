"""`neckline run`: the wearer's clip, or a simulated one, until Ctrl-C."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path

from neckline.commands import machine
from neckline.commands.output import say
from neckline.configuration.config import Config
from neckline.screen.logs import Style
from neckline.watching.running import Summary, run, stopped_by_signals
from neckline.watching.seen import seen
from sensor import link
from sensor.capture import CaptureWriter
from sensor.link import ClipBinding
from sensor.samples import Reading


def run_clip(config: Config, journal_path: Path, *, style: Style | None, record: Path | None) -> None:
    """Run until Ctrl-C or SIGTERM; return when everything is durable.

    Raises NotPairedError, NoWearerError, StorageError, BluetoothError, WrongClipError, RecordingUnwritableError.
    """
    binding = config.binding()
    config.wearer_id()
    summary = machine.run(_run(config, binding, journal_path, style, record))
    say(f"neckline ran for {summary.say()}\nthe journal is {journal_path}")


async def _run(
    config: Config, binding: ClipBinding, journal_path: Path, style: Style | None, record: Path | None
) -> Summary:
    until = asyncio.Event()
    capture = None
    if record is not None:
        capture = CaptureWriter(
            record,
            family=binding.family,
            rate_hz=binding.rate_hz,
            placement=config.wearer.placement,
            software=f"neckline {version('neckline')}",
        )
    with capture or nullcontext(), stopped_by_signals(until):
        async with machine.bluetooth() as bluetooth:

            def source(after_ns: int) -> AsyncGenerator[Reading, None]:
                return link.stream(
                    bluetooth,
                    binding,
                    utc=machine.utc_ns,
                    after_ns=after_ns,
                    on_notification=capture.take if capture else None,
                )

            with seen(style) as view:
                return await run(
                    config,
                    journal_path=journal_path,
                    source=source,
                    view=view,
                    clip=binding.name,
                    until=until,
                    utc=machine.utc_ns,
                )
