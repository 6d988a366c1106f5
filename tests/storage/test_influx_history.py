"""History: read from a real InfluxDB it is what the journal holds, for whoever asks through the one interface."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from processing.outputs import Event, EventKind
from storage.answer import Verdict
from storage.entries import Batch, Stream
from storage.errors import (
    InfluxBucketError,
    InfluxError,
    InfluxForeignError,
    InfluxQueryError,
    InfluxTokenError,
)
from storage.exports.export import export_journal
from storage.history import History
from storage.influx_history import InfluxHistory
from storage.influxdb import InfluxSettings, InfluxSink, Reply
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import CALIBRATION, EPISODE, EPOCH, EVENT, MINUTE, Kind
from tests.processing.people import START_NS
from tests.storage.forwarding import forwarding
from tests.storage.records import ANNA, one_of_each
from tests.storage.servers import Server
from tests.storage.sittings import SENT, sitting

SECOND_NS = 10**9


@pytest.fixture
def both(server: Server, tmp_path: Path) -> Iterator[tuple[JournalReader, InfluxHistory, Stream]]:
    """Give ten minutes of a wearer twice, as the journal and an InfluxDB have them."""
    stream, path = server.stream(), tmp_path / "j.db"
    with Journal.open(path, "a test") as journal:
        # Two events of one moment are told apart by their tag.
        same = [Event(START_NS + SECOND_NS, kind) for kind in (EventKind.VISIT, EventKind.SNOOZED)]
        journal.commit(
            [*sitting(stream), Batch(stream, tuple(same)), Batch(replace(stream, placement="head"), ())]
        )
    with forwarding(path, InfluxSink(server.settings())):
        pass
    with (
        JournalReader.open(path) as reader,
        InfluxHistory(replace(server.settings(), url=server.query_url)) as history,
    ):
        yield reader, history, stream


@pytest.mark.influxdb
@pytest.mark.parametrize("page", [1, 2, 7, 1500])
def test_it_is_what_the_journal_holds(
    both: tuple[JournalReader, InfluxHistory, Stream], page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind that is delivered: row by row to the last bit, whole or a period, whatever fits into an answer."""
    monkeypatch.setattr("storage.influx_history.PAGE_ROWS", page)
    reader, history, stream = both
    assert stream in history.streams()
    span = START_NS + 100 * SECOND_NS, START_NS + 300 * SECOND_NS
    for kind in SENT:
        for since_ns, until_ns in ((None, None), span) if page > 1 else (span,):
            expected = sorted(reader.rows(kind, stream, since_ns, until_ns), key=repr)
            if page == 1 and kind is EVENT:
                continue  # of one moment there may not be more than fit
            assert sorted(history.rows(kind, stream, since_ns, until_ns), key=repr) == expected
            assert history.count(kind, stream, since_ns, until_ns) == len(expected)
    assert [*history.read(EPOCH, stream, *span)] == [*reader.read(EPOCH, stream, *span)]
    assert [*history.rows(CALIBRATION, stream)] == []


@pytest.mark.influxdb
def test_an_export_is_the_same_from_either(
    both: tuple[JournalReader, InfluxHistory, Stream], tmp_path: Path
) -> None:
    """Of epochs, minutes, episodes and events the very same bytes; where it is from is told."""
    reader, history, stream = both
    sources: tuple[History, History] = (reader, history)
    one, other = (
        export_journal(source, [stream], tmp_path / str(number)) for number, source in enumerate(sources)
    )
    for kind in SENT:
        lines = [
            sorted((each.folder / f"{kind.name}.csv").read_text("utf-8").splitlines())
            for each in (one, other)
        ]
        assert lines[0] == lines[1]
    assert not (other.folder / "calibration.csv").exists()
    told = (other.folder / "provenance.json").read_text("utf-8")
    assert history.settings.bucket in told
    assert reader.journal_id not in told


@pytest.mark.influxdb
@pytest.mark.parametrize("page", [2, 1500])
def test_what_others_wrote_is_passed_over(
    both: tuple[JournalReader, InfluxHistory, Stream],
    server: Server,
    page: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Rows of another program in our measurement, and a wearer with a name: counted, told once; ours are all there."""
    monkeypatch.setattr("storage.influx_history.PAGE_ROWS", page)
    reader, history, stream = both
    head = f"posture_epoch,wearer={stream.wearer},placement={stream.placement}"
    named = f"Anna\\ Müller\\ {stream.wearer}"
    foreign = [
        f"{head} received=50i {START_NS + 7}",
        f'{head} activity="still",posture="upright" {START_NS + 8}',
        f'{head} received=1i,missing=0i,corrupt=0i,activity="asleep",posture="upright" {START_NS + 9}',
        f"posture_epoch,wearer={named},placement=t4 received=50i {START_NS}",
    ]
    sink = InfluxSink(server.settings())
    assert sink.write(foreign).verdict is Verdict.DELIVERED
    sink.close()
    span = START_NS, START_NS + 20 * SECOND_NS
    assert [*history.read(EPOCH, stream, *span)] == [*reader.read(EPOCH, stream, *span)]
    assert history.skipped == 3
    streams = history.streams()
    assert stream in streams
    assert not any("Anna" in each.wearer for each in streams)
    assert history.skipped >= 4  # a server that is shared may hold others of them
    told = [each.getMessage() for each in caplog.records if each.name == "storage.influx_history"]
    assert len(told) == 1
    assert history.settings.bucket in told[0]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (EPOCH, {"activity": "asleep"}),
        (EPOCH, {"activity": None}),
        (EPOCH, {"received": None}),
        (EPOCH, {"received": 49.5}),
        (EPOCH, {"received": True}),
        (EPOCH, {"received": 2**64}),
        (EPOCH, {"sagittal_deg": "much"}),
        (MINUTE, {"upright_s": None}),
        (EPISODE, {"end": 7}),
        (EPISODE, {"end_ns": "later"}),
        (EVENT, {"kind": "sneezed"}),
        (EVENT, {"kind": None}),
        (EVENT, {"note": None}),
    ],
)
def test_a_row_of_ours_is_told_from_others(
    kind: Kind[Any], changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two rows the whole one is read and the one with a value that none of ours has is counted. A mock answers."""
    (record,) = (each for each in one_of_each(1) if isinstance(each, kind.record))
    names = ["time", *(column.name for column in kind.columns[1:]), "theirs"]
    ours = dict(zip(names, (*kind.to_row(record), 1), strict=True))
    rows = [list(each.values()) for each in (ours, ours | changes)]
    answer = {"results": [{"series": [{"columns": names, "values": rows}]}]}
    monkeypatch.setattr(InfluxSink, "call", lambda *_: Reply(200, json.dumps(answer).encode()))
    with InfluxHistory(InfluxSettings("http://localhost:1", "b")) as history:
        assert [*history.read(kind, ANNA)] == [record]
        assert history.skipped == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(401, b'{"error":"authorization failed"}'), InfluxTokenError),
        (Reply(401, b""), InfluxTokenError),
        (Reply(403, b'{"error":"not authorized"}'), InfluxQueryError),
        (Reply(404, b'{"code":"not found","message":"database not found"}'), InfluxBucketError),
        (Reply(200, b'{"results":[{"error":"database not found: b"}]}'), InfluxBucketError),
        (Reply(200, b'{"results":[{"error":"no dbrp"}]}'), InfluxQueryError),
        (Reply(200, b"<html>welcome</html>"), InfluxForeignError),
        (Reply(200, b'{"results":[{"series":[{"columns":["time"],"values":[[1,2]]}]}]}'), InfluxForeignError),
        (Reply(200, b'{"results":[{"series":[{"values":[[1,2]]}]}]}'), InfluxForeignError),
        (Reply(500, b'{"error":"internal"}'), InfluxQueryError),
    ],
)
def test_an_answer_that_is_none_is_told(
    reply: Reply, error: type[InfluxError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with a way out: token, bucket, permission or mapping, another server. A mock, for 2.x and for none."""
    monkeypatch.setattr(InfluxSink, "call", lambda *_: reply)
    with InfluxHistory(InfluxSettings("http://localhost:1", "b")) as history, pytest.raises(error) as told:
        history.streams()
    assert told.value.way_out
