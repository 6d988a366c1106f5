"""Messages → a buzz or a beep of the clip itself, for who looks at no screen."""

from collections.abc import Collection

from neckline.alerting.messages import Message, Urgency
from neckline.errors import ChannelError, MuteClipError
from sensor.errors import SensorError
from sensor.session import Family, Signal, SignalKind
from sensor.signals import Signals

FELT = (SignalKind.VIBRATION, SignalKind.SOUND)
"""What is noticed on one's own back."""
ALERT_MS = 500


def sign_of(family: Family, kinds: Collection[SignalKind] = tuple(SignalKind)) -> SignalKind:
    """Return how clips of a family make themselves noticed best, of these ways; MuteClipError if in none."""
    for kind in family.capabilities.signals:
        if kind in kinds:
            return kind
    raise MuteClipError(family.title)


class ClipSign:
    """The clip that streams, also as a channel. What can wait (a battery, a doubt) is not worth a buzz."""

    name = "clip"
    takes = frozenset({Urgency.NORMAL})

    def __init__(self, signals: Signals, family: Family) -> None:
        """Take what the clip's stream takes signs from, and what the clip is."""
        self._signals, self._family = signals, family

    async def give(self, duration_ms: int) -> None:
        """Return when the clip has taken a sign. Raises MuteClipError, a ClipError."""
        await self._signals.give(Signal(sign_of(self._family), duration_ms))

    async def check(self) -> None:
        """Raise ChannelError when clips of this family can do neither."""
        try:
            sign_of(self._family, FELT)
        except MuteClipError as error:
            raise ChannelError(self.name, str(error), "set alerts.clip = false") from error

    async def send(self, _message: Message) -> None:
        """Return when the clip has taken it; raise ChannelError when it is away, or refuses."""
        await self.check()
        try:
            await self.give(ALERT_MS)
        except SensorError as error:
            raise ChannelError(self.name, str(error), error.way_out) from error
