"""Asks an InfluxDB what Grafana would ask: queries of dashboards with macros and variables put in."""

from typing import Any

from dashboards.board import EVER
from dashboards.boards import boards
from dashboards.check import _begin_ms, filled
from storage.lines import STREAM_TAGS
from tests.storage.servers import Server

BESIDE = {"time", *STREAM_TAGS, "kind"}
NOON_NS = 1_767_268_800 * 10**9
"""2026-01-01T12:00:00Z, a Thursday."""


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


def target(uid: str, title: str, at: int = 0) -> tuple[str, dict[str, Any]]:
    """Return a query of a panel, and its dashboard."""
    board = next(board for board in boards() if board["uid"] == uid)
    panel = next(panel for panel in board["panels"] if panel["title"] == title)
    return panel["targets"][at]["query"], board
