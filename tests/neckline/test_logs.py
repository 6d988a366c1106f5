"""Lines of log: whatever happens is one line, and reads back."""

import io
import json
import logging
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neckline.screen.logs import WAITING_LINES, Recent, Style, Value, happened, listening, plain

VALUES = st.dictionaries(
    st.from_regex(r"[a-df-z][a-df-z_]{1,8}", fullmatch=True).filter(
        lambda name: name not in {"say", "time", "level"}
    ),
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
)


def written(style: Style, say: str, values: dict[str, Value], level: int = logging.INFO) -> str:
    """Return what is written when something happens."""
    stream = io.StringIO()
    with plain(style, stream):
        happened("event_name", say, level=level, **values)
    return stream.getvalue()


@given(say=st.text(), values=VALUES)
def test_json_lines_parse(say: str, values: dict[str, Value]) -> None:
    """One object a line, with all that is known, and when."""
    text = written(Style.JSON, say, values)
    assert text.count("\n") == 1
    read = json.loads(text)
    assert datetime.fromisoformat(read.pop("time")).tzinfo is not None
    known = {name: value for name, value in values.items() if value is not None}
    assert read == {"level": "info", "event": "event_name", "say": say, **known}


@given(say=st.text(), values=VALUES)
def test_lines_for_grep_are_one_line_of_words(say: str, values: dict[str, Value]) -> None:
    """Time, level, event, `key=value`, for what is wrong the sentence too; what is odd is quoted as in JSON."""
    text = written(Style.LINES, say, values, logging.WARNING)
    assert text[-1] == "\n"
    assert text[:-1].isprintable()
    time, level, event, *rest = text[:-1].split(" ", 3)
    assert datetime.fromisoformat(time)
    assert (level, event) == ("WARNING", "event_name")
    told = {name: value for name, value in {**values, "say": say}.items() if value is not None}
    read: dict[str, Value] = {}
    left = rest[0] if rest else ""
    while left:
        name, _, left = left.partition("=")
        if left[0] == '"':
            value, end = json.JSONDecoder().raw_decode(left)
        else:
            end = left.find(" ") if " " in left else len(left)
            word = left[:end]
            value = word if isinstance(told[name], str) else json.loads(word)
        read[name], left = value, left[end + 1 :]
    assert read == told


@given(say=st.text())
def test_sentences_are_one_line_that_a_terminal_may_be_given(say: str) -> None:
    """No control characters, whatever a clip calls itself or a library says."""
    text = written(Style.SENTENCES, say, {})
    assert text[-1] == "\n"
    assert text[:-1].isprintable()


def test_what_libraries_say_is_a_line_too() -> None:
    """From warnings on, with the error if there is one; what they say for debugging is not."""
    stream = io.StringIO()
    with plain(Style.JSON, stream):
        library = logging.getLogger("some.library")
        library.info("nothing of note")
        library.error("it\nfailed", exc_info=OSError(5, "Input/output error"))
    (line,) = stream.getvalue().splitlines()
    read = json.loads(line)
    assert (read["level"], read["event"], read["logger"]) == ("error", "log", "some.library")
    assert read["say"] == "it failed (OSError: [Errno 5] Input/output error)"


def test_nothing_is_left_of_listening() -> None:
    """Neither a handler nor a level."""
    before = (list(logging.getLogger().handlers), logging.getLogger("neckline").level)
    with pytest.raises(ZeroDivisionError), plain(Style.LINES, io.StringIO()):
        raise ZeroDivisionError
    assert (list(logging.getLogger().handlers), logging.getLogger("neckline").level) == before


def test_the_last_few_are_kept_for_a_view() -> None:
    """Newest last, with level."""
    recent = Recent(3)
    with listening(recent):
        for number in range(5):
            happened(f"event_{number}", "It happened", level=logging.INFO + 10 * (number % 2))
    assert [(level, told.event) for _, level, told in recent] == [
        (logging.INFO, "event_2"),
        (logging.WARNING, "event_3"),
        (logging.INFO, "event_4"),
    ]


class Gone(io.StringIO):
    """A reader that goes away after a line."""

    def write(self, text: str) -> int:
        """Take one."""
        if self.getvalue():
            raise BrokenPipeError
        return super().write(text)


def test_a_reader_that_goes_away_is_nobodys_trouble() -> None:
    """It misses the rest, however much that is; nothing waits for it, at the end neither."""
    stream = Gone()
    with plain(Style.SENTENCES, stream) as writer:
        for number in range(3 * WAITING_LINES):
            happened("event", f"number {number}")
    assert stream.getvalue().endswith("number 0\n")
    assert writer.lost == 3 * WAITING_LINES - 2
