"""What all connections have in common: questions to the clip, one at a time."""

from sensor.dialogue import Dialogue
from sensor.session import Request


class AskingSession:
    """To be completed by what is asked of the clip, and by `received`."""

    def __init__(self) -> None:
        self._dialogue = Dialogue()

    def requests_due(self, now_ns: int) -> list[Request]:
        """Return what to ask now; at most one question is on its way."""
        return self._dialogue.due(now_ns)

    @property
    def held_up(self) -> bool:
        """Whether the start of the stream waits for an answer that may never come."""
        return self._dialogue.held_up

    def passed_over(self, request: Request, now_ns: int) -> None:
        """Know that the clip does not do this: nothing waits for the answer."""
        self._dialogue.passed_over(request, now_ns)
