"""What Grafana would ask, asked of a real InfluxDB."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from dashboards.boards import WEARER, boards, field
from dashboards.files import files, write
from dashboards.rules import CHARGE_PERCENT, DOSE_S, rules
from dashboards.source import Source
from processing.outputs import Event, EventKind, Minute
from sensor.samples import BatteryReading
from storage.answer import Verdict
from storage.entries import Stream
from storage.influxdb import InfluxSink
from storage.lines import STREAM_TAGS, line_of
from storage.schema import EPISODE, Record, kind_of
from tests.processing.people import START_NS
from tests.storage.servers import Server
from tests.storage.sittings import SECONDS, sitting

COUNTS = {"neckline-today": 6, "neckline-review": 5, "neckline-cohort": 4, "neckline-fleet": 3}
MINUTE_NS = 60 * 10**9
BESIDE = {"time", *STREAM_TAGS, "kind"}


def store(server: Server, stream: Stream, records: list[Record]) -> None:
    """Write records as the forwarder does."""
    lines = [line_of(kind_of(each), stream, kind_of(each).to_row(each)) for each in records]
    answer = InfluxSink(server.settings()).write([line for line in lines if line])
    assert answer.verdict is Verdict.DELIVERED, answer


def asked(query: str, wearer: str) -> str:
    """Put in what Grafana puts in for its macros."""
    span = f"time >= {START_NS - MINUTE_NS} AND time <= {START_NS + SECONDS * 10**9 + MINUTE_NS}"
    whole = query.replace("$timeFilter", span).replace("$__interval", "10s").replace("$wearer", wearer)
    assert "$" not in whole
    return whole


def fires(server: Server, rule: dict[str, Any], wearer: str) -> bool:
    """Evaluate a rule as its JSON says, for one wearer: query, reduce, threshold, and no data is what it says."""
    query, reduce, threshold = (step["model"] for step in rule["data"])
    assert (reduce["reducer"], reduce["expression"], threshold["expression"]) == ("last", "A", "B")
    assert rule["condition"] == threshold["refId"]
    values = [
        value
        for row in server.query(query["query"])
        if row[WEARER] == wearer
        for name, value in row.items()
        if name not in BESIDE and value is not None
    ]
    if not values:
        assert rule["noDataState"] == "OK"
        return False
    evaluator = threshold["conditions"][0]["evaluator"]
    limit = evaluator["params"][0]
    return bool(values[-1] > limit if evaluator["type"] == "gt" else values[-1] < limit)


@pytest.mark.influxdb
@pytest.mark.parametrize("board", boards(), ids=lambda board: str(board["uid"]))
def test_every_query_of_a_dashboard_returns_rows(server: Server, board: dict[str, Any]) -> None:
    """Each query and chooser finds what `step` made of a sitting; asked for a stranger, it finds nothing and no error."""
    stream = server.stream()
    store(server, stream, [record for batch in sitting(stream) for record in batch.records])
    queries = [target["query"] for panel in board["panels"] for target in panel["targets"]]
    for query in queries:
        rows = server.query(asked(query, stream.wearer))
        assert any(value is not None for row in rows for name, value in row.items() if name not in BESIDE), (
            query
        )
        if "$wearer" in query:
            assert not server.query(asked(query, "nobody")), query
    for chooser in board["templating"]["list"]:
        assert stream.wearer in {row["value"] for row in server.query(chooser["query"])}
    assert len(queries) == COUNTS[board["uid"]]


@pytest.mark.influxdb
def test_rules_fire_for_a_bad_day_alone(server: Server) -> None:
    """Each rule fires for a day beyond its limit, and for neither a good day nor a clip that nobody wore."""
    now_ns = time.time_ns() // MINUTE_NS * MINUTE_NS
    bad, good, unworn = (server.stream() for _ in range(3))
    for stream, slouched_s, percent in ((bad, 60, CHARGE_PERCENT - 1.0), (good, 6, 80.0)):
        minutes: list[Record] = [
            Minute(now_ns - at * MINUTE_NS, 3000, 0, 0, (), 60 - slouched_s, slouched_s, 0, 10.0, 20.0)
            for at in range(1, DOSE_S // 60 + 10)
        ]
        store(server, stream, [*minutes, BatteryReading(now_ns - MINUTE_NS, percent)])
    suspect = Event(now_ns - MINUTE_NS, EventKind.CALIBRATION_SUSPECT, None, None, None, "slipped")
    store(server, bad, [suspect])
    for rule in rules():
        told = [fires(server, rule, stream.wearer) for stream in (bad, good, unworn)]
        assert told == [True, False, False], rule["uid"]


def test_panels_explain_themselves() -> None:
    """No panel lacks a title, a unit or a description; uids and places are unique."""
    for board in boards():
        for panel in board["panels"]:
            assert panel["title"]
            assert panel["description"]
            assert panel["fieldConfig"]["defaults"]["unit"]
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
        assert len(set(places)) == len(places)
    assert len({board["uid"] for board in boards()}) == len(COUNTS)


def test_names_come_from_the_schema() -> None:
    """A field that the schema does not have cannot be asked for."""
    with pytest.raises(ValueError, match="no peak_degrees"):
        field(EPISODE, "peak_degrees")


def test_files_load_back_unchanged(tmp_path: Path) -> None:
    """What is written is what was meant, twice alike, and the rules hold no `$` that Grafana would take for its own."""
    first = write(tmp_path, Source())
    assert write(tmp_path, Source()) == first
    for path in first:
        name = path.relative_to(tmp_path).as_posix()
        assert json.loads(path.read_text(encoding="utf-8")) == files(Source())[name]
    assert "$" not in (tmp_path / "provisioning/alerting/neckline.yaml").read_text(encoding="utf-8")
