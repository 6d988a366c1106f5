"""`neckline feedback`: the clip buzzes, beeps or blinks, so that one knows how an alert feels, or where the clip lies."""

from dataclasses import dataclass
from pathlib import Path

from neckline.alerting.clip import sign_of
from neckline.commands import machine
from neckline.commands.output import give_json, say
from neckline.configuration.config import Config
from neckline.control.client import Client
from sensor import link
from sensor.families import family_named
from sensor.link import ClipBinding
from sensor.session import Signal, SignalKind

WORDS = {SignalKind.VIBRATION: "buzzed", SignalKind.SOUND: "beeped", SignalKind.LIGHT: "blinked"}


@dataclass(frozen=True, slots=True)
class Felt:
    """What `--json` gives."""

    clip: str
    sign: SignalKind
    duration_ms: int


def feedback(config: Config, journal_path: Path, duration_ms: int, *, as_json: bool) -> None:
    """Have the paired clip give a sign, through the running service if there is one.

    Raises NotPairedError, MuteClipError, ControlError, BluetoothError, a ClipError.
    """
    binding = config.binding()
    kind = sign_of(family_named(binding.family))
    if client := Client.connect(journal_path):
        client.feedback(duration_ms)
    else:
        machine.run(_alone(binding, Signal(kind, duration_ms)))
    if as_json:
        give_json(Felt(binding.name, kind, duration_ms))
    else:
        say(f"{binding.name} {WORDS[kind]}")


async def _alone(binding: ClipBinding, sign: Signal) -> None:
    async with machine.bluetooth() as bluetooth:
        await link.signal(bluetooth, binding, sign, utc=machine.utc_ns)
