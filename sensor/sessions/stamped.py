"""What connections to clips that stamp their packets have in common: oddities, and blocks by the clip's own clock."""

from collections.abc import Sequence

from sensor.blocks import StampedBlocks
from sensor.device_clock import DeviceClock
from sensor.oddities import Oddities
from sensor.samples import SampleBlock
from sensor.session import Request, Signal
from sensor.sessions.asking import AskingSession


class StampedSession(AskingSession):
    """To be completed by what is asked of the clip, and by `received`."""

    def __init__(self, title: str, clock: DeviceClock, rate_hz: float, scale: Sequence[float]) -> None:
        super().__init__()
        self._title = title
        self._blocks = StampedBlocks(clock, rate_hz, scale)
        self.oddities = Oddities(title)

    @property
    def lost(self) -> int:
        """Samples that the stamps show lacking."""
        return self._blocks.clock.lost

    def flush(self) -> list[SampleBlock]:
        """Return nothing: no sample is held back."""
        return []

    def signal(self, signal: Signal) -> list[Request]:
        """Raise ValueError: no command for a sign is known."""
        raise ValueError(f"{self._title} gives no {signal.kind}")
