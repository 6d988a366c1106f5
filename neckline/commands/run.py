"""`neckline run`: the wearer's clip, or a simulated one, until Ctrl-C."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from neckline.alerting.clip import ClipSign
from neckline.commands import machine
from neckline.commands.output import say
from neckline.configuration.config import Config
from neckline.screen.logs import Style
from neckline.watching.running import Summary, run, stopped_by_signals
from neckline.watching.seen import seen
from neckline.watching.service import Source
from processing.head import HEAD
from sensor import link
from sensor.bluetooth import Bluetooth
from sensor.capture import CaptureWriter
from sensor.families import family_named
from sensor.link import ClipBinding
from sensor.samples import Reading
from sensor.signals import Signals


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
    until, head = asyncio.Event(), config.head_binding()
    family = family_named(binding.family)
    signals = Signals(binding.name, family)
    with ExitStack() as stack:
        capture = stack.enter_context(_capture(record, binding, config.wearer.placement)) if record else None
        head_capture = stack.enter_context(_capture(beside(record), head, HEAD)) if record and head else None
        stack.enter_context(stopped_by_signals(until))
        async with machine.bluetooth() as bluetooth:
            view = stack.enter_context(seen(style))
            return await run(
                config,
                journal_path=journal_path,
                source=_source(bluetooth, binding, capture, signals),
                view=view,
                clip=binding.name,
                head_source=_source(bluetooth, head, head_capture) if head else None,
                head_clip=head.name if head else "",
                sign=ClipSign(signals, family),
                until=until,
                utc=machine.utc_ns,
            )


def beside(record: Path) -> Path:
    """Return where the clip on the head is written down: `day.jsonl` → `day.head.jsonl`."""
    return record.with_name(f"{record.stem}.{HEAD}{record.suffix}")


def _capture(record: Path, binding: ClipBinding, placement: str) -> CaptureWriter:
    return CaptureWriter(
        record,
        family=binding.family,
        rate_hz=binding.rate_hz,
        placement=placement,
        software=f"neckline {version('neckline')}",
    )


def _source(
    bluetooth: Bluetooth,
    binding: ClipBinding,
    capture: CaptureWriter | None,
    signals: Signals | None = None,
) -> Source:
    def source(after_ns: int) -> AsyncGenerator[Reading, None]:
        return link.stream(
            bluetooth,
            binding,
            utc=machine.utc_ns,
            after_ns=after_ns,
            on_notification=capture.take if capture else None,
            signals=signals,
        )

    return source
