"""What commands say: data to standard output, talk to standard error, and how an error is told."""

import codecs
import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO, cast

from neckline.exits import Exit, exit_of, way_out_of
from neckline.paths import PRIVATE_FILE, log_path, private_folder

NON_TERMINAL_WIDTH = 160
PLAIN = {"→": "->", "…": "...", "–": "-", "−": "-", "·": "-", "≤": "<=", "±": "+-", "°": " deg", "’": "'"}
"""Letters for terminals and files that know few: what neckline says stays readable."""


class _Heeded:
    """Standard output that knows its own broken pipe, or full disk, from that of a socket or of another file."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.broken: OSError | None = None

    def write(self, text: str) -> int:
        """Write; OSError, kept as `broken`."""
        with self._keeping():
            return self._stream.write(text)

    def flush(self) -> None:
        """Write what is buffered; OSError, kept as `broken`."""
        with self._keeping():
            self._stream.flush()

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.broken = error
            _abandon(self._stream)
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def heed_the_reader() -> None:
    """Watch standard output from now on, whoever writes to it: print, typer and rich alike."""
    sys.stdout = cast("TextIO", _Heeded(sys.stdout))


def is_reader_gone(error: BaseException) -> bool:
    """Tell whether an error means that whoever read standard output has seen enough (`neckline … | head`)."""
    return isinstance(_own(error), BrokenPipeError)


def output_lost(error: BaseException) -> OSError | None:
    """Return why standard output cannot be written, where an error means that: it is a file, and its disk is full."""
    return _own(error)


def _own(error: BaseException) -> OSError | None:
    """Return standard output's own error, if this is it."""
    stream: object = sys.stdout
    if not isinstance(stream, _Heeded) or stream.broken not in {error, error.__context__}:
        return None  # rich makes a SystemExit of a broken pipe
    return stream.broken


def in_few_letters() -> str:
    """Return how a stream is to give letters that it does not have: by others, or by a question mark."""

    def plain(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeEncodeError):
            raise error
        lacking = error.object[error.start : error.end]
        return "".join(PLAIN.get(letter, "?") for letter in lacking), error.end

    codecs.register_error("neckline.plain", plain)
    return "neckline.plain"


def _abandon(stream: TextIO) -> None:
    """Let what is still buffered, and all that follows, go nowhere: the interpreter flushes once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def say(text: str = "", *, end: str = "\n") -> None:
    """Say something to the person; no data. If nobody listens any more, the work goes on."""
    try:
        print(text, end=end, file=sys.stderr, flush=True)  # noqa: T201 (the one place that does)
    except BrokenPipeError:
        _abandon(sys.stderr)


def give(text: str) -> None:
    """Give data."""
    print(text)  # noqa: T201 (the one place that does)


def give_json(value: Any) -> None:
    """Give a value (dataclasses, enums, paths) as one JSON document with sorted keys."""
    from pydantic_core import to_jsonable_python  # noqa: PLC0415 (many commands give no JSON)

    give(json.dumps(to_jsonable_python(value), indent=2, sort_keys=True, ensure_ascii=False))


def give_table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Give a table."""
    from rich import console, table, text  # noqa: PLC0415 (many commands give no table)

    drawn = table.Table(*heads, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        drawn.add_row(*(text.Text(cell) for cell in row))
    screen = console.Console()
    screen.width = screen.width if screen.is_terminal else NON_TERMINAL_WIDTH
    screen.print(drawn)


def tell(error: Exception) -> Exit:
    """Say what went wrong and the way out; return the exit code. Never a traceback: that goes to the log."""
    known = _known(error)
    if known is not None:
        say(f"neckline: {known}")
        if way_out := way_out_of(known):
            say(f"→ {way_out}")
        return exit_of(known)
    say(f"neckline: this should not have happened: {type(error).__name__}: {error}")
    try:
        where = log_path()
        private_folder(where.parent)
        descriptor = os.open(where, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
        with os.fdopen(descriptor, "a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat()} {sys.argv[1:2]}\n")
            log.writelines(traceback.format_exception(error))
        say(f"→ the details are in {where}; please report them")
    except OSError as unwritable:
        say(f"→ the details could not be written ({unwritable}); please report it")
    return Exit.UNEXPECTED


def _known(error: BaseException) -> Exception | None:
    """Return the product's own error, also one that comes out of a group of tasks."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_known, error.exceptions)), None)
    return error if isinstance(error, Exception) and way_out_of(error) is not None else None
