"""What Grafana would ask, asked of a real InfluxDB."""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dashboards.board import EVER
from dashboards.boards import boards
from dashboards.check import _begin_ms, filled
from dashboards.queries import CHOSEN, WEARER, field
from dashboards.response import response_asks
from dashboards.rules import rules
from dashboards.source import Source
from storage.entries import Stream
from storage.lines import STREAM_TAGS
from storage.schema import EPISODE, Record
from tests.dashboards.seeding import (
    DAY_NS,
    MINUTE_NS,
    STILL,
    UNWORN,
    recorded,
    seeded,
    shifted,
    store,
    synthetic,
)
from tests.processing.people import START_NS, Held, run, samples, settings
from tests.storage.servers import Server

COUNTS = {"neckline-today": 17, "neckline-review": 23, "neckline-cohort": 6, "neckline-fleet": 12}
"""Queries of each dashboard: panels, choosers and annotations."""
BESIDE = {"time", *STREAM_TAGS, "kind"}
NOON_NS = 1_767_268_800 * 10**9
"""2026-01-01T12:00:00Z, a Thursday."""
PEOPLE = 4
"""Recorded people whose replay each query is asked about."""


def queries(board: dict[str, Any]) -> list[str]:
    """Return all queries of a dashboard: panels, annotations, choosers."""
    targets = [target["query"] for panel in board["panels"] for target in panel.get("targets", [])]
    marks = [mark["query"] for mark in board["annotations"]["list"]]
    choosers = [chooser["query"] for chooser in board["templating"]["list"] if chooser["type"] == "query"]
    return [*targets, *marks, *choosers]


def asked(
    query: str, board: dict[str, Any], wearer: str, zone: str = "Europe/Berlin", now_ns: int = NOON_NS
) -> str:
    """Put in what Grafana puts in for macros and variables."""
    begin_ms = _begin_ms(board["time"]["from"], now_ns // 10**6)
    span = f"time >= {begin_ms}ms and time <= {now_ns // 10**6}ms"
    whole = filled(query, {"wearer": wearer, "zone": zone, "since": EVER[0], "until": EVER[1]})
    whole = whole.replace("$timeFilter", span).replace("$__interval", "10s")
    assert "$" not in whole, whole
    return whole


def rows(server: Server, query: str) -> int:
    """Return how many rows tell anything beside time and tags."""
    found = server.query(query)
    named = [{**row, "time": None} if "time" in row else row for row in found]
    return sum(any(value is not None for name, value in row.items() if name not in BESIDE) for row in named)


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


def target(uid: str, title: str, at: int = 0) -> tuple[str, dict[str, Any]]:
    """Return a query of a panel, and its dashboard."""
    board = next(board for board in boards() if board["uid"] == uid)
    panel = next(panel for panel in board["panels"] if panel["title"] == title)
    return panel["targets"][at]["query"], board


@pytest.mark.influxdb
@pytest.mark.parametrize(
    ("zone", "worn_h"), [("UTC", {"02": 1.0}), ("Asia/Kolkata", {"02": 0.5, "03": 0.5}), ("America/New_York", {"02": 1.0})]
)  # fmt: skip
def test_a_day_is_summed_from_the_wearers_midnight_on(
    server: Server, zone: str, worn_h: dict[str, float]
) -> None:
    """An hour across midnight in Kolkata is half of either day there, in the time worn and in what is little."""
    stream, evening_ns = server.stream(), NOON_NS + DAY_NS + 6 * 3600 * 10**9
    store(server, stream, [replace(STILL, start_ns=evening_ns + at * MINUTE_NS) for at in range(60)])
    for at, wanted in ((0, worn_h), (1, dict.fromkeys(worn_h, 1 / 3600))):
        query, board = target("neckline-review", "Time worn a day", at)
        later = NOON_NS + 5 * DAY_NS
        days = {
            time.strftime("%d", time.gmtime((row["time"] + 12 * 3600 * 10**9) // 10**9)): value / 3600
            for row in server.query(asked(query, board, stream.wearer, zone, later))
            for name, value in row.items()
            if name not in BESIDE
        }
        assert days == wanted


@pytest.mark.influxdb
def test_what_was_not_judged_has_no_share(server: Server) -> None:
    """Neither a day, nor a week, nor a wearer of whom nothing was judged is shown as slouching for none of the time."""
    for now_ns, minute, share in ((NOON_NS, UNWORN, []), (NOON_NS - DAY_NS, STILL, [50.0])):
        stream = server.stream()
        store(server, stream, [replace(minute, start_ns=now_ns - at * MINUTE_NS) for at in range(1, 60)])
        for uid, title in (
            ("neckline-today", "Slouched share of judged time"),
            ("neckline-review", "Slouched share between the visits"),
            ("neckline-review", "Slouched share of judged time a day"),
            ("neckline-cohort", "Slouched share of each wearer"),
        ):
            query, board = target(uid, title)
            found = server.query(asked(query, board, stream.wearer, now_ns=now_ns))
            shares = [row["slouched"] for row in found if row.get("wearer", stream.wearer) == stream.wearer]
            assert [known for known in shares if known is not None] == share, title


@pytest.mark.influxdb
def test_a_week_that_was_not_judged_is_no_change(server: Server) -> None:
    """Of three weeks the middle one was not worn: the last is compared with the first."""
    stream = server.stream()
    for back, minute in ((14, STILL), (7, UNWORN), (0, replace(STILL, upright_s=45, slouched_s=15))):
        store(server, stream, [replace(minute, start_ns=NOON_NS - back * DAY_NS - MINUTE_NS)])
    query, board = target("neckline-cohort", "Who changed: slouched share from week to week")
    found = server.query(asked(query, board, stream.wearer))
    assert [row["change"] for row in found if row["wearer"] == stream.wearer] == [-25.0]


@pytest.mark.influxdb
def test_samples_are_lost_of_all_of_the_grid(server: Server) -> None:
    """Damaged ones are of the grid, too; what two clips give together has no samples of its own."""
    wearer = server.stream().wearer
    minute = replace(STILL, start_ns=NOON_NS - MINUTE_NS, received=50, missing=25, corrupt=25)
    for placement in ("t4", "head", "head-on-trunk"):
        store(server, Stream(wearer, placement), [minute])
    query, board = target("neckline-fleet", "Samples lost")
    found = {
        row["placement"]: row["lost"]
        for row in server.query(asked(query, board, wearer))
        if row["wearer"] == wearer and row["lost"] is not None
    }
    assert found == {"t4": 25.0, "head": 25.0}


@pytest.mark.influxdb
def test_alerts_are_told_at_their_own_time(server: Server) -> None:
    """However much of the slouch before was a dip, or not judged; in milliseconds, as Grafana subtracts."""
    stream, begin_s = Stream("w-dips", "t4"), (NOON_NS - START_NS) // 10**9 - 600
    outputs = run([samples([Held(20), Held(30, 20.0), Held(2), Held(60, 20.0), Held(30)])], settings())
    (alert,) = (event for event in outputs.events if event.evidence)
    store(server, stream, shifted(outputs.events, begin_s * 10**9))
    today = next(board for board in boards() if board["uid"] == "neckline-today")
    told, _ = (asked(each.query, today, stream.wearer) for each in response_asks(CHOSEN))
    (row,) = server.query(told)
    assert row["told"] == pytest.approx(alert.time_ns / 1e6 + begin_s * 1e3, abs=1)


@pytest.mark.influxdb
def test_the_head_is_not_added_to_the_back(server: Server) -> None:
    """A second clip's stream changes no sum of a wearer."""
    stream = seeded(server, NOON_NS)
    worn = next(board for board in boards() if board["uid"] == "neckline-today")["panels"][0]
    query = asked(worn["targets"][0]["query"], boards()[0], stream.wearer)
    before = server.query(query)
    for placement in ("head", "head-on-trunk"):
        store(server, Stream(stream.wearer, placement), synthetic())
    assert server.query(query) == before


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
