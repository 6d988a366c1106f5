"""What happens → one line each: for people, for grep (`key=value`), or as JSON; and the last few for the live view.

`happened` says it once; who listens decides how it looks. Lines are written by a thread of their own: a terminal that
is stopped with Ctrl-S, a full pipe or a reader that went away hold up neither samples nor alerts. Nothing personal is
said but the wearer's pseudonym, and never a secret.
"""

import json
import logging
import queue
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import TextIO

logger = logging.getLogger("neckline")

WAITING_LINES = 1000
"""Lines that wait for a slow reader; newer ones are lost, and counted."""
CLOSE_S = 2.0
"""What a stop leaves to lines that wait."""

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: a name for machines, a sentence for people, and its numbers."""

    event: str
    say: str
    values: tuple[tuple[str, Value], ...] = ()


class Style(Enum):
    """How lines look."""

    LINES = auto()
    """Time, level, event, key=value."""
    JSON = auto()
    """One object a line."""
    SENTENCES = auto()
    """Local time and a sentence."""


def happened(event: str, say: str, *, level: int = logging.INFO, **values: Value) -> None:
    """Tell that something happened."""
    logger.log(level, "%s", say, extra={"happening": Happening(event, say, tuple(values.items()))})


def happening_of(record: logging.LogRecord) -> Happening:
    """Return what a record tells; what was logged plainly, here or elsewhere, becomes the event `log`."""
    told = getattr(record, "happening", None)
    if isinstance(told, Happening):
        return told
    said = record.getMessage()
    if record.exc_info and record.exc_info[1]:
        said += f" ({type(record.exc_info[1]).__name__}: {record.exc_info[1]})"
    said = " ".join(said.split())
    return Happening("log", said, (("logger", record.name), ("message", said)))


class _Formatter(logging.Formatter):
    def __init__(self, style: Style) -> None:
        super().__init__()
        self._look = style

    def format(self, record: logging.LogRecord) -> str:
        told = happening_of(record)
        local = datetime.fromtimestamp(record.created).astimezone()
        if self._look is Style.SENTENCES:
            mark = {logging.INFO: " "}.get(record.levelno, "!")
            # What a clip calls itself, or a library says, may hold what would command a terminal.
            say = "".join(letter if letter.isprintable() else " " for letter in told.say)
            return f"{local:%H:%M:%S} {mark} {say}"
        time, level = local.isoformat(timespec="milliseconds"), record.levelname
        values = {key: value for key, value in told.values if value is not None}
        if self._look is Style.JSON:
            head = {"time": time, "level": level.lower(), "event": told.event, "say": told.say}
            return json.dumps({**head, **values})
        if record.levelno > logging.INFO:
            values["say"] = told.say  # what is wrong, and the way out
        return " ".join([time, level, told.event, *(f"{key}={_plain(v)}" for key, v in values.items())])


def _plain(value: Value) -> str:
    if isinstance(value, bool) or not isinstance(value, str):
        return json.dumps(value)
    simple = value and all(character.isalnum() or character in "-_.:/+%°" for character in value)
    return value if simple else json.dumps(value, ensure_ascii=not value.isprintable())


class LineWriter(logging.Handler):
    """Writes lines to a stream from a thread; whoever logs never waits."""

    def __init__(self, stream: TextIO, style: Style) -> None:
        super().__init__(logging.INFO)
        self.lost = 0
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(WAITING_LINES)
        self.setFormatter(_Formatter(style))
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line."""
        self.put(self.format(record))

    def put(self, line: str) -> None:
        """Queue a line that is ready."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.lost += 1

    def close(self) -> None:
        """Write what waits, within reason."""
        try:
            self._lines.put(None, timeout=CLOSE_S)
            self._thread.join(CLOSE_S)
        except queue.Full:
            pass  # nobody reads
        super().close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                break
        else:
            return
        while self._lines.get() is not None:  # the reader went away: it misses the rest
            self.lost += 1


class Recent(logging.Handler):
    """Keeps the last happenings, newest last, for a view to show."""

    def __init__(self, count: int) -> None:
        super().__init__(logging.INFO)
        self._kept: deque[tuple[float, int, Happening]] = deque(maxlen=count)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self._kept.append((record.created, record.levelno, happening_of(record)))

    def __iter__(self) -> Iterator[tuple[float, int, Happening]]:
        """Give time (s), level and happening of each."""
        return iter(tuple(self._kept))


@contextmanager
def listening(handler: logging.Handler) -> Iterator[None]:
    """Hand the handler all that happens while the block runs, from the rooms and, from warnings on, from libraries."""
    root = logging.getLogger()
    rooms = [logging.getLogger(room) for room in ("neckline", "sensor", "storage")]
    levels = [room.level for room in rooms]
    for room in rooms:
        room.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for room, level in zip(rooms, levels, strict=True):
            room.setLevel(level)
        handler.close()


@contextmanager
def plain(style: Style, stream: TextIO | None = None) -> Iterator[LineWriter]:
    """Write all that happens to a stream (standard output) while the block runs."""
    writer = LineWriter(stream or sys.stdout, style)
    with listening(writer):
        yield writer
