"""What of a wearer's state goes into the journal with records: now and then all of it, else the samples that came since.

To write a state takes longer than all else that is done with a second of samples, and `step` is a function: a state and
the samples after it, with the settings that were in force, give the state that was, to the last bit.
"""

from processing.settings import Settings
from processing.state import WearerState
from sensor.samples import SampleBlock, join_alike

EVERY = 60
"""Times that samples are saved before a whole state is, in good time before the journal has no room for more of them."""
MOST_S = 30.0
"""Of samples at a time: when they were longer without records, the state is the smaller."""


class Saving:
    """Of one wearer, in one run."""

    def __init__(self) -> None:
        self._since: list[SampleBlock] = []
        self._left = 0
        """Times that samples may still be saved."""
        self._settings: Settings | None = None

    def heard(self, block: SampleBlock) -> None:
        """Remember samples that the state has taken."""
        if len(block):
            self._since.append(block)

    def forget(self) -> None:
        """Say that something else than samples has changed the state: the next time it is saved whole."""
        self._left = 0

    def due(self, state: WearerState, settings: Settings) -> tuple[bytes | None, SampleBlock | None]:
        """Return what is to be saved of a state: it, the samples since the last time, or neither if there were none."""
        joined = join_alike(self._since)
        rows = sum(map(len, self._since))
        self._since.clear()
        if (
            settings is not self._settings
            or len(joined) > 1
            or (joined and rows > MOST_S * joined[0].rate_hz)
        ):
            self._left = 0
        if self._left:
            self._left -= len(joined)
            return None, joined[0] if joined else None
        self._left, self._settings = EVERY, settings
        return state.to_bytes(), None
