"""Rows → line protocol: right for every string and number, on a strict reader of the grammar and on a real server."""

import math
import re
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processing.outputs import Activity, Epoch, Event, EventKind, Posture
from storage.answer import Verdict
from storage.entries import Stream
from storage.influxdb import InfluxSink
from storage.lines import STREAM_TAGS, field_text, line_of, tag_text
from storage.schema import CALIBRATION, EPOCH, EVENT, KINDS, Kind, Row, Type, Value
from tests.storage.protocol import parse
from tests.storage.servers import Server

SENT = [kind for kind in KINDS if kind.measurement is not None]
NASTY = [
    "\\",
    "ends in a backslash\\",
    'two \\\\, a quote " and both \\"',
    '"',
    "comma, space = equals",
    "a line\nbreak and,field=1i 1\nposture_epoch received=1i 1",
    '" 1\nposture_epoch,wearer=w-0 received=99i 1\n',
    "\r\n\t\x00\x1b[31m",
    "#not a comment",
    "%5C and \\",
    "ÄÖ 日本 🙂 \u2028\x85",
    " leading and trailing ",
]
TIME_NS = 1_767_225_600_000_000_000


def values(type_: Type) -> st.SearchStrategy[Value]:
    """Return any value that a column may hold."""
    known: dict[Type, st.SearchStrategy[Any]] = {
        Type.INT: st.integers(-(2**63), 2**63 - 1),
        Type.FLOAT: st.floats(),
        Type.TEXT: st.text() | st.sampled_from(NASTY),
    }
    return st.none() | known[type_]


@st.composite
def rows(draw: st.DrawFn) -> tuple[Kind[Any], Row]:
    """Return any row of any kind that is sent."""
    kind = draw(st.sampled_from(SENT))
    time_ns = draw(st.integers(-(2**62), 2**62))
    return kind, (time_ns, *(draw(values(column.type)) for column in kind.columns[1:]))


def stream_of(wearer: str, placement: str = "t4") -> Stream:
    """Return a stream with any names, also those that `Stream` itself refuses."""
    return Mock(spec=Stream, wearer=wearer, placement=placement)


def carried(tag: str) -> str:
    """Return the tag value that arrives."""
    return re.sub(r"\\(.)", r"\1", tag_text(tag))


def expected_fields(kind: Kind[Any], row: Row) -> dict[str, Value]:
    """Return the fields that a row must become."""
    return {
        column.name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for column, value in zip(kind.columns[1:], row[1:], strict=True)
        if not column.tag
        and value is not None
        and not (isinstance(value, float) and not math.isfinite(value))
    }


@given(st.lists(rows(), min_size=1, max_size=4), st.text(min_size=1) | st.sampled_from(NASTY), st.text())
def test_no_string_and_no_number_can_change_what_a_line_says(
    several: list[tuple[Kind[Any], Row]], wearer: str, placement: str
) -> None:
    """Whatever the rows, wearers and placements hold, the lines read back as exactly those, in order."""
    stream = stream_of(wearer, placement)
    written = [(kind, row, line_of(kind, stream, row)) for kind, row in several]
    kept = [(kind, row) for kind, row, line in written if line is not None]
    assert [bool(expected_fields(kind, row)) for kind, row in several] == [
        line is not None for *_, line in written
    ]
    body = "\n".join(line for *_, line in written if line is not None)
    points = parse(body.encode("utf-8", "replace").decode())
    assert len(points) == len(kept)
    for point, (kind, row) in zip(points, kept, strict=True):
        names = [*STREAM_TAGS, *(column.name for column in kind.columns if column.tag)]
        tags = [wearer, placement, *(row[k] or "" for k, column in enumerate(kind.columns) if column.tag)]
        assert point.measurement == kind.measurement
        assert point.tags == tuple(
            (name, carried(str(tag))) for name, tag in zip(names, tags, strict=True) if tag
        )
        assert dict(point.fields) == expected_fields(kind, row)
        assert [type(value) for _, value in point.fields] == [
            type(value) for value in expected_fields(kind, row).values()
        ]
        assert point.time_ns == row[0]


@given(st.text(), st.text())
@example("\\", "%5C")
@example("\n", "%0A")
@example("a\\ ", "a\\\\ ")
def test_two_wearers_never_become_one(one: str, other: str) -> None:
    """Different tag values stay different, whatever line protocol cannot carry in them."""
    assert (tag_text(one) == tag_text(other)) == (one == other)


def test_a_line_as_it_is_written_out() -> None:
    """One epoch: ints with their i, floats to the last bit, words in quotes, the unknown left out, time in ns."""
    epoch = Epoch(TIME_NS, 50, 1, 0, Activity.STILL, Posture.UPRIGHT, 0.1 + 0.2, -0.0, None, 1e-05, math.inf)
    assert line_of(EPOCH, Stream("w-7f3a", "t4"), EPOCH.to_row(epoch)) == (
        "posture_epoch,wearer=w-7f3a,placement=t4 "
        'received=50i,missing=1i,corrupt=0i,activity="still",posture="upright",'
        "sagittal_deg=0.30000000000000004,lateral_deg=-0.0,confidence=0.00001 1767225600000000000"
    )
    event = Event(TIME_NS, EventKind.SNOOZED, end_ns=TIME_NS + 5, note='say "when"')
    assert line_of(EVENT, Stream("w-7f3a", "t4"), EVENT.to_row(event)) == (
        'posture_event,wearer=w-7f3a,placement=t4,kind=snoozed end_ns=1767225600000000005i,note="say \\"when\\"" '
        "1767225600000000000"
    )


def test_what_has_no_measurement_stays_at_home() -> None:
    """A calibration is no line."""
    assert line_of(CALIBRATION, Stream("w-7f3a", "t4"), (TIME_NS, "sitting", *[None] * 9)) is None


def test_names_need_no_escape_and_mean_one_thing() -> None:
    """Measurements and columns are plain words, none is reserved, and no tag has the name of a field."""
    for kind in SENT:
        tags = [*STREAM_TAGS, *(column.name for column in kind.columns if column.tag)]
        fields = [column.name for column in kind.columns[1:] if not column.tag]
        for name in (kind.measurement or "", *tags, *fields):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
            assert name not in {"time", "_time", "_field", "_measurement"}
        assert len({*tags, *fields}) == len(tags) + len(fields)
        assert fields


def test_a_value_of_the_wrong_type_is_an_error() -> None:
    """A text or a fraction where a count belongs, and a text where a number belongs, are not written as something."""
    good = EPOCH.to_row(Epoch(TIME_NS, 50, 0, 0, Activity.STILL, Posture.UPRIGHT, 1.0, 1.0, 1.0))
    for k, wrong in ((1, "50i"), (1, 50.5), (6, "1,received=9i")):
        with pytest.raises((TypeError, ValueError)):
            line_of(EPOCH, Stream("w-7f3a", "t4"), (*good[:k], wrong, *good[k + 1 :]))


@pytest.mark.influxdb
def test_a_real_server_reads_what_was_written(server: Server) -> None:
    """Texts, floats to the last bit, great ints and tags come back from the server as they were sent."""
    stream = server.stream()
    numbers = [5e-324, 1.7976931348623157e308, 0.1 + 0.2, -1 / 3, 1e16, 123456789.123456789, 7.0, -2.5e-10]
    base = Event(TIME_NS, EventKind.SLOUCH_ALERT, onset_ns=2**63 - 1, end_ns=-(2**63))
    events = [
        replace(base, time_ns=TIME_NS + k, note=note, value=number)
        for k, (note, number) in enumerate(zip(NASTY, numbers * 2, strict=False))
    ]
    lines = [line_of(EVENT, stream, EVENT.to_row(event)) for event in events]
    # Wearers such as `Stream` refuses: here they show that nothing is let through.
    others = [stream_of(f"{stream.wearer}{name}") for name in NASTY]
    lines += [line_of(EVENT, other, EVENT.to_row(base)) for other in others]
    answer = InfluxSink(server.settings()).write([line for line in lines if line is not None])
    assert answer.verdict is Verdict.DELIVERED

    found = server.rows(EVENT, stream)
    assert [(row["note"], row["value"]) for row in found] == [(event.note, event.value) for event in events]
    assert {(row["kind"], row["onset_ns"], row["end_ns"]) for row in found} == {
        ("slouch_alert", 2**63 - 1, -(2**63))
    }
    series = server.query(
        f'SHOW TAG VALUES FROM "posture_event" WITH KEY = "wearer" WHERE "wearer" =~ /^{stream.wearer}./'
    )
    assert {row["value"] for row in series} == {carried(other.wearer) for other in others}


def test_texts_are_quoted_as_the_grammar_says() -> None:
    """Quotes and backslashes get a backslash, and nothing else does."""
    assert field_text('a"b\\c\nd,e=f g') == '"a\\"b\\\\c\nd,e=f g"'
