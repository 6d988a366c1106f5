"""Asks a running Grafana what people would see: does its data source answer, and has each panel rows.

The dashboards are taken as they stand in Grafana, changed by hand or not, and their queries go the way that Grafana's
own pages send them, so that a wrong bucket, token or mapping shows here and not as an empty page.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dashboards.errors import DataSourceError, GrafanaAwayError, GrafanaError, GrafanaMissingError
from dashboards.grafana import Grafana
from dashboards.source import UID

Json = dict[str, Any]

POINTS = 500
"""How many points a panel asks for: about its width on a screen."""
HOUR_S = 3600
UNITS_S = {"m": 60, "h": HOUR_S, "d": 24 * HOUR_S, "w": 7 * 24 * HOUR_S}
SPAN_S = 24 * HOUR_S
"""For a dashboard whose span is of another form."""
TAGS = re.compile(r"SHOW\s+TAG\s+VALUES", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a panel gets."""

    board: str
    panel: str
    rows: int
    trouble: str = ""
    """Why a query of it failed; empty when none did."""


def data_source(grafana: Grafana) -> str:
    """Return what Grafana says of its data source; raise DataSourceError or another GrafanaError if it is not well."""
    what = f"data source with the uid {UID}"
    if grafana.get("/datasources/uid", UID, what=what) is None:
        raise GrafanaMissingError(grafana.url, what, "HTTP 404")
    try:
        health = grafana.get("/datasources/uid", UID, "health", what=what) or {}
        said = str(health.get("message", "it does not say how it is"))
    except GrafanaAwayError:
        raise
    except GrafanaError as error:  # it says 400 for a database that does not answer
        raise source_trouble(grafana.url, error.detail) from error
    if health.get("status") != "OK":
        raise source_trouble(grafana.url, said)
    return said


def source_trouble(url: str, said: str) -> DataSourceError:
    """Return what an answer of InfluxDB through Grafana means, and the way out."""
    low = said.lower()
    if "database not found" in low or "dbrp" in low or "retention policy not found" in low:
        way_out = (
            "InfluxDB answers InfluxQL only for a bucket that has a database of its name: `neckline influx setup` makes "
            "what is lacking (the mapping of 2.x, the database of 1.x)"
        )
    elif (
        "unauthorized" in low or "401" in low or "authentication" in low or "forbidden" in low or "403" in low
    ):
        way_out = (
            "give Grafana a token that may read the bucket: put it into the file that grafana.read_token_file names, or "
            "into NECKLINE_INFLUXDB_READ_TOKEN, then `neckline grafana push --force`"
        )
    elif any(word in low for word in ("refused", "no such host", "timeout", "deadline", "unreachable")):
        way_out = (
            "Grafana cannot reach InfluxDB: grafana.influxdb_url is its address as seen from Grafana, which for a container "
            "is not localhost; correct it, then push"
        )
    elif "html" in low or "invalid character '<'" in low:
        way_out = "what answers Grafana there is no InfluxDB: correct grafana.influxdb_url, then push"
    else:
        way_out = "open the data source in Grafana (Connections, Data sources, neckline) and press Save & test: it says more"
    return DataSourceError(url, said, way_out)


def wearers(grafana: Grafana, query: str, now_ms: int) -> list[str]:
    """Return what the chooser of wearers offers."""
    found = _ask(grafana, [(query, "table")], now_ms - SPAN_S * 1000, now_ms)
    return sorted(
        {str(value) for frame in found.frames for value in (frame or [[]])[-1] if value is not None}
    )


def panels(grafana: Grafana, uids: list[str], wearer: str | None = None, *, now_ms: int) -> Iterator[Answer]:
    """Yield what each panel of each dashboard gets; a dashboard that is not there raises GrafanaMissingError.

    `wearer` None asks for the first that the dashboard's chooser offers.
    """
    for uid in uids:
        stored = grafana.get("/dashboards/uid", uid, what=f"dashboard {uid}")
        if stored is None:
            raise GrafanaMissingError(grafana.url, f"dashboard {uid}", "HTTP 404")
        board = stored["dashboard"]
        begin_ms = _begin_ms(board.get("time", {}).get("from", ""), now_ms)
        chosen = {"wearer": wearer or ""}
        for variable in board.get("templating", {}).get("list", []):
            query = variable.get("query", "")
            if (
                variable.get("name") == "wearer"
                and not wearer
                and isinstance(query, str)
                and TAGS.match(query)
            ):
                chosen["wearer"] = next(iter(wearers(grafana, query, now_ms)), "")
            elif variable.get("name") != "wearer":
                chosen[variable["name"]] = _value(variable)
        for panel in board.get("panels", []):
            targets = [
                (filled(target["query"], chosen), target.get("resultFormat", "time_series"))
                for target in panel.get("targets", [])
                if target.get("query")
            ]
            if targets:
                found = _ask(grafana, targets, begin_ms, now_ms)
                yield Answer(board["title"], panel.get("title", ""), found.rows, found.trouble)


def _value(variable: dict[str, Any]) -> str:
    """Return what Grafana puts in for a variable that nobody has chosen anything for."""
    value = (variable.get("current") or {}).get("value") or variable.get("query", "")
    return str(variable.get("allValue", "")) if value == "$__all" else str(value)


def filled(query: str, chosen: dict[str, str]) -> str:
    """Return a query with the dashboard's variables put in, as Grafana's pages do; its own macros stay for Grafana."""
    for name, value in chosen.items():
        query = re.sub(rf"\$\{{{name}(:\w+)?\}}|\${name}\b", value.replace("\\", r"\\"), query)
    return query


@dataclass(frozen=True, slots=True)
class _Found:
    frames: list[list[list[Any]]]
    """Of each frame its columns."""
    trouble: str

    @property
    def rows(self) -> int:
        """Rows in which anything beside the time is known."""
        return sum(
            any(value is not None for value in row[1:] or row)
            for frame in self.frames
            for row in zip(*frame, strict=False)
        )


def _ask(grafana: Grafana, targets: list[tuple[str, str]], begin_ms: int, end_ms: int) -> _Found:
    """Send queries as a panel does."""
    content = {
        "from": str(begin_ms),
        "to": str(end_ms),
        "queries": [
            {
                "refId": chr(ord("A") + at),
                "datasource": {"type": "influxdb", "uid": UID},
                "rawQuery": True,
                "query": query,
                "resultFormat": form,
                "maxDataPoints": POINTS,
                "intervalMs": max(1000, (end_ms - begin_ms) // POINTS),
            }
            for at, (query, form) in enumerate(targets)
        ],
    }
    try:
        answer = grafana.post("/ds/query", what="the queries of a panel", content=content)
    except GrafanaAwayError:
        raise
    except GrafanaError as error:
        return _Found([], error.detail)
    results = list((answer or {}).get("results", {}).values())
    frames = [
        frame.get("data", {}).get("values", []) for result in results for frame in result.get("frames") or []
    ]
    trouble = next((str(result["error"]) for result in results if result.get("error")), "")
    return _Found(frames, trouble)


def _begin_ms(text: str, now_ms: int) -> int:
    """Return when a dashboard's span begins: `now-28d`, `now-24h`, `now/d`."""
    if text == "now/d":
        midnight = time.localtime(now_ms / 1000)
        return round(time.mktime((*midnight[:3], 0, 0, 0, 0, 0, -1)) * 1000)
    found = re.fullmatch(r"now-(\d+)([mhdw])(?:/\w)?", text)
    span_s = int(found[1]) * UNITS_S[found[2]] if found else SPAN_S
    return now_ms - span_s * 1000
