"""History: read from a real InfluxDB it is what the journal holds, for whoever asks through the one interface."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from processing.outputs import Event, EventKind
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
from storage.schema import CALIBRATION, EPOCH, EVENT
from tests.processing.people import START_NS
from tests.storage.forwarding import forwarding
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
