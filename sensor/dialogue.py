"""What a session has to ask of its clip, one question at a time: repeated when no answer comes, and given up in the end."""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

from sensor.session import Request

ANSWER_WITHIN_NS = 10**9
MAX_TRIES = 5
"""A clip that never answers a question is left in peace; its samples matter more."""
BATTERY_EVERY_NS = 60 * 10**9
"""WitMotion's vendor advises against asking more often, and a battery is not read faster elsewhere."""


@dataclass(frozen=True, slots=True)
class _Step:
    requests: tuple[Request, ...]
    topic: Hashable | None
    every_ns: int | None

    @property
    def needed(self) -> bool:
        return any(request.needed for request in self.requests)


class Dialogue:
    """A queue of requests and questions. A question holds up what comes after it until it is answered or given up."""

    def __init__(self) -> None:
        self._steps: deque[_Step] = deque()
        self._later: dict[Hashable, tuple[int, _Step]] = {}
        self._asked: _Step | None = None
        self._asked_ns = 0
        self._tries = 0
        self.unanswered = 0
        """Questions that were given up."""

    def tell(self, *requests: Request) -> None:
        """Ask for what needs no answer, or whose answer nothing waits for."""
        self._steps.append(_Step(requests, None, None))

    def ask(self, topic: Hashable, *requests: Request, every_ns: int | None = None) -> None:
        """Ask a question, to which `answered` tells the answer; again after `every_ns`, if given."""
        self._steps.append(_Step(requests, topic, every_ns))

    @property
    def topic(self) -> Hashable | None:
        """What is being asked just now."""
        return self._asked.topic if self._asked else None

    @property
    def held_up(self) -> bool:
        """Whether something needed waits for the answer to a question that is not; `MAX_TRIES` bound for how long."""
        return self._asked is not None and not self._asked.needed and any(step.needed for step in self._steps)

    def due(self, now_ns: int) -> list[Request]:
        """Return what to ask now: all up to the next question, if none is on its way."""
        for topic, (due_ns, step) in list(self._later.items()):
            if now_ns >= due_ns:
                del self._later[topic]
                self._steps.append(step)
        if self._asked and now_ns - self._asked_ns >= ANSWER_WITHIN_NS:
            self._repeat_or_give_up(now_ns)
        requests: list[Request] = []
        while self._steps and not self._asked:
            step = self._steps.popleft()
            requests += step.requests
            if step.topic is not None:
                self._asked, self._asked_ns = step, now_ns
        return requests

    def answered(self, topic: Hashable, now_ns: int) -> None:
        """Know that an answer came; one to a question that was not asked changes nothing."""
        if self._asked and self._asked.topic == topic:
            self._done(self._asked, now_ns)

    def passed_over(self, request: Request, now_ns: int) -> None:
        """Know that a request was refused: a question that it is part of has no answer."""
        if self._asked and request in self._asked.requests:
            self._done(self._asked, now_ns)

    def _done(self, step: _Step, now_ns: int) -> None:
        self._asked, self._tries = None, 0
        if step.every_ns is not None:
            self._later[step.topic] = now_ns + step.every_ns, step

    def _repeat_or_give_up(self, now_ns: int) -> None:
        step, self._asked = self._asked, None
        if step is None:
            return
        self._tries += 1
        if self._tries < MAX_TRIES:
            self._steps.appendleft(step)
        else:
            self.unanswered += 1
            self._done(step, now_ns)
