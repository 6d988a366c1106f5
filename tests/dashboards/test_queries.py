"""What Grafana would ask, asked of a real InfluxDB."""

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from dashboards.boards import boards
from dashboards.check import filled
from dashboards.queries import WEARER, field
from dashboards.rules import rules
from dashboards.source import Source
from storage.schema import EPISODE, Record
from tests.dashboards.asking import NOON_NS, asked, queries, rows
from tests.dashboards.seeding import recorded, seeded, synthetic
from tests.storage.servers import Server

COUNTS = {"neckline-today": 17, "neckline-review": 23, "neckline-cohort": 6, "neckline-fleet": 12}
"""Queries of each dashboard: panels, choosers and annotations."""
PEOPLE = 4
"""Recorded people whose replay each query is asked about."""


@pytest.mark.influxdb
@pytest.mark.recordings
@pytest.mark.parametrize("person", range(PEOPLE))
def test_every_query_returns_rows_of_a_recorded_person(server: Server, recordings: Path, person: int) -> None:
    """A person's replay on fifteen days: no query of any dashboard is empty; asked for a stranger, all are, without error."""
    every_query_returns_rows(server, recorded(recordings / "sitting_postures.npz", person))


@pytest.mark.influxdb
def test_every_query_returns_rows_of_a_synthetic_wearer(server: Server) -> None:
    """The same with no recordings at hand."""
    every_query_returns_rows(server, synthetic())


def every_query_returns_rows(server: Server, day: Sequence[Record]) -> None:
    """Seed a bucket and ask."""
    stream = seeded(server, NOON_NS, day)
    counted = {}
    for board in boards():
        found = {query: rows(server, asked(query, board, stream.wearer)) for query in queries(board)}
        assert not [query for query, number in found.items() if not number]
        for query in queries(board):
            if "${wearer:raw}" in query:
                assert not rows(server, asked(query, board, "w-nobody")), query
        counted[board["uid"]] = len(queries(board))
    assert counted == COUNTS


@pytest.mark.influxdb
def test_a_visit_that_is_chosen_bounds_what_is_shown(server: Server) -> None:
    """Choosers offer both visits by their time, and between them lies one week of two."""
    stream = seeded(server, NOON_NS)
    review = next(board for board in boards() if board["uid"] == "neckline-review")
    choosers = [chooser for chooser in review["templating"]["list"] if chooser["name"] in {"since", "until"}]
    for chooser in choosers:
        offered = [row["note"] for row in server.query(asked(chooser["query"], review, stream.wearer))]
        assert offered == ["2025-12-20T12:00:00Z", "2025-12-27T12:00:00Z"]
    (days,) = (panel for panel in review["panels"] if panel["title"] == "Time worn a day")
    worn = days["targets"][0]["query"]
    between = filled(worn, {"since": offered[0], "until": offered[1]})
    assert rows(server, asked(worn, review, stream.wearer)) == 15
    assert rows(server, asked(between, review, stream.wearer)) == 7


@pytest.mark.influxdb
@pytest.mark.parametrize(("zone", "midnight"), [("UTC", "T00:00:00Z"), ("Asia/Kolkata", "T18:30:00Z")])
def test_days_begin_at_the_wearers_midnight(server: Server, zone: str, midnight: str) -> None:
    """In the zone that the dashboard names."""
    stream = seeded(server, NOON_NS)
    review = next(board for board in boards() if board["uid"] == "neckline-review")
    by_day = [panel for panel in review["panels"] if panel["type"] == "timeseries"]
    assert len(by_day) == 6
    for panel in by_day:
        for row in server.query(asked(panel["targets"][0]["query"], review, stream.wearer, zone)):
            at = time.strftime("T%H:%M:%SZ", time.gmtime(row["time"] // 10**9))
            assert at == midnight, panel["title"]


def test_panels_explain_themselves() -> None:
    """None lacks a title, a unit, thresholds or a description that says when it is empty; none overlaps another."""
    for board in boards():
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            defaults = panel["fieldConfig"]["defaults"]
            assert panel["title"]
            assert len(panel["description"]) > 80
            assert "Empty when" in panel["description"]
            assert defaults["unit"]
            assert defaults["thresholds"]["steps"][0]["value"] is None
            assert defaults["noValue"]
            if panel["type"] == "timeseries":
                assert defaults["custom"]["axisLabel"], panel["title"]
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, panel["title"]
            assert max(x for x, _ in cells) < 24
            taken |= cells
        deepest = max(y for _, y in taken)
        last = next(panel["gridPos"] for panel in board["panels"][::-1])
        holes = {(x, y) for x in range(24) for y in range(last["y"]) if (x, y) not in taken}
        assert not holes, f"{board['title']}: panels beside each other are of one height"
        assert deepest == last["y"] + last["h"] - 1
        assert len({panel["title"] for panel in board["panels"]}) == len(board["panels"])


def test_nothing_depends_on_numbers_that_grafana_gives() -> None:
    """Dashboards, data source and rules are named by uids of ours, short enough for Grafana, and by no id."""
    uids = [thing["uid"] for thing in (*boards(), *rules())]
    assert len(set(uids)) == len(uids)
    assert all(uid.startswith("neckline-") and len(uid) <= 40 for uid in uids)
    text = json.dumps([boards(), rules()])
    assert '"datasourceId"' not in text
    assert '"dashboardId"' not in text
    assert not any("id" in board for board in boards())


def test_states_have_words_and_series_one_colour() -> None:
    """Every stored word that a panel shows is written out for people; one name has one colour everywhere."""
    from dashboards.panels import PAINTS, WORDS  # noqa: PLC0415
    from processing.outputs import Activity, EpisodeEnd, EventKind, Posture  # noqa: PLC0415
    from sensor.samples import LinkState  # noqa: PLC0415

    assert {
        word.value for kind in (Activity, Posture, EpisodeEnd, LinkState, EventKind) for word in kind
    } == {str(word) for word in WORDS}
    for board in boards():
        for panel in board["panels"]:
            fixed = {
                each["matcher"]["options"]: prop["value"]["fixedColor"]
                for each in panel["fieldConfig"]["overrides"]
                for prop in each["properties"]
                if prop["id"] == "color"
            }
            assert fixed == PAINTS


def test_no_variable_is_escaped_as_in_a_regular_expression() -> None:
    """Each stands in a query as it was chosen, whatever Grafana would take the query for."""
    for board in boards():
        names = {chooser["name"] for chooser in board["templating"]["list"]}
        for query in queries(board):
            found = set(re.findall(r"\$\{?(\w+:?\w*)", query)) - {"timeFilter", "__interval"}
            assert found <= {f"{name}:raw" for name in names}, query


def test_names_come_from_the_schema() -> None:
    """A field that the schema does not have cannot be asked for."""
    with pytest.raises(ValueError, match="no peak_degrees"):
        field(EPISODE, "peak_degrees")


def test_a_retention_policy_stands_in_every_query() -> None:
    """Also in those of rules, annotations and choosers."""
    for policy in ("", "year"):
        for query in (
            *(query for board in boards(policy) for query in queries(board)),
            *(rule["data"][0]["model"]["query"] for rule in rules(policy)),
        ):
            assert (f'"{policy or "year"}"."' in query) == bool(policy), query
    assert Source(bucket="posture/year").policy == "year"
    assert WEARER == "wearer"
