"""A journal, its writer and a forwarder at work, as a service has them; and a sink that lets tests look on.

As a program it is a service that dies: `python -m tests.storage.forwarding JOURNAL URL BUCKET N` forwards what is in
the journal and kills itself with SIGKILL once N requests have been answered, before their rows are accounted for.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Event
from typing import Any

from storage.answer import Answer, Verdict
from storage.entries import DeadLetter
from storage.forwarder import Forwarder, Pace
from storage.influxdb import InfluxSettings, InfluxSink
from storage.journal import Journal
from storage.writer import JournalWriter

WAIT_S = 60.0
"""Longer than anything here takes; reached only when something is broken."""
QUICK = Pace(first_s=0.01, last_s=0.05, held_s=0.05)


class Watched:
    """An InfluxDB sink that remembers its answers, and lets others wait for them."""

    def __init__(self, settings: InfluxSettings) -> None:
        self.sink = InfluxSink(settings)
        self.answers: list[Answer] = []
        self.delivered: set[tuple[str, str]] = set()
        """The points that were acknowledged, by what makes a point one: its series and its time."""
        self.after_answer: Callable[[Answer], None] = lambda _: None
        self._changed = Condition()

    def write(self, lines: Sequence[str]) -> Answer:
        """Write, and let it be known."""
        answer = self.sink.write(lines)
        with self._changed:
            self.answers.append(answer)
            if answer.verdict is Verdict.DELIVERED:
                self.delivered.update((line.partition(" ")[0], line.rpartition(" ")[2]) for line in lines)
            self._changed.notify_all()
        self.after_answer(answer)
        return answer

    def wait_for_number(self, number: int) -> None:
        """Return once there are so many answers."""
        self.wait_for(lambda answers: len(answers) >= number)

    def wait_for_verdict(self, verdict: Verdict) -> None:
        """Return once the last answer is of a kind."""
        self.wait_for(lambda answers: answers[-1].verdict is verdict)

    def wait_for_all(self, points: int) -> None:
        """Return once so many different points have been acknowledged: nothing is left to a clean stop."""
        self.wait_for(lambda _: len(self.delivered) >= points)

    def ask(self) -> Answer:
        """Ask."""
        return self.sink.ask()

    def close(self) -> None:
        """Close."""
        self.sink.close()

    def wait_for(self, condition: Callable[[list[Answer]], object]) -> None:
        """Return once there are answers, and they fulfil a condition."""
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self.answers and condition(self.answers)), WAIT_S)


@dataclass(slots=True)
class Cursors:
    """Remembers how a cursor was moved, and has the writer move it."""

    writer: JournalWriter | None = None
    seqs: list[int] = field(default_factory=list)

    def advance(self, sink: str, seq: int, dead: Sequence[DeadLetter] = ()) -> None:
        """Move it."""
        self.seqs.append(seq)
        if self.writer is not None:
            self.writer.advance(sink, seq, dead)


@dataclass(slots=True)
class Work:
    """What is at work."""

    journal: Journal
    writer: JournalWriter
    cursors: Cursors
    forwarder: Forwarder


@contextmanager
def forwarding(path: Path, sink: Any, *, commit_every_s: float = 0.02, **options: Any) -> Iterator[Work]:
    """Run a journal's writer and a forwarder; at the end deliver all that is left, as a clean stop does."""
    with Journal.open(path, "a test") as journal:
        writer = JournalWriter(journal, commit_every_s=commit_every_s)
        cursors = Cursors(writer)
        forwarder = Forwarder(path, cursors, sink, **{"pace": QUICK, **options})
        writer.on_commit = forwarder.nudge
        writer.start()
        forwarder.start()
        try:
            yield Work(journal, writer, cursors, forwarder)
        finally:
            writer.flush(WAIT_S)
            forwarder.close(WAIT_S)
            writer.close(WAIT_S)


def main(path: str, url: str, bucket: str, requests: int) -> None:
    """Forward, and die."""
    sink = Watched(InfluxSettings(url, bucket))

    def die(_: Answer) -> None:
        if len(sink.answers) == requests:
            os.kill(os.getpid(), signal.SIGKILL)

    sink.after_answer = die
    with forwarding(Path(path), sink, batch_rows=100):
        Event().wait(WAIT_S)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
