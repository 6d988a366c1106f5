"""Panels → a dashboard: their places on Grafana's grid, choosers, annotations. Fixed uids; nothing numeric."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.panels import BLUE, GREEN, GREY, ORANGE, PURPLE
from dashboards.queries import CHOSEN, KIND, WEARER, field, happened
from dashboards.source import DATASOURCE
from processing.outputs import EventKind
from storage.schema import EVENT, MINUTE

Json = dict[str, Any]

SCHEMA_VERSION = 39
"""Of classic dashboards; Grafana 10.4 and newer load it and migrate it themselves."""
COLUMNS = 24
"""Grafana's grid; on a phone panels stand below each other."""
EVER = ("1970-01-01T00:00:00Z", "2262-01-01T00:00:00Z")
"""Where no visit is chosen."""


@dataclass(frozen=True, slots=True)
class Board:
    """What a dashboard is made of."""

    uid: str
    title: str
    about: str
    since: str
    """The span that it opens with, as `now-28d`."""
    panels: Sequence[Json]
    choosers: Sequence[Json] = ()
    annotations: Sequence[Json] = ()

    def to_json(self) -> Json:
        """Return it as Grafana stores it: panels in rows from left to right."""
        x = y = deepest = 0
        placed = []
        for number, each in enumerate(self.panels, start=1):
            size = each["gridPos"]
            if x + size["w"] > COLUMNS:
                x, y, deepest = 0, deepest, 0
            placed.append({**each, "id": number, "gridPos": {**size, "x": x, "y": y}})
            x, deepest = x + size["w"], max(deepest, y + size["h"])
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": ["neckline"],
            "schemaVersion": SCHEMA_VERSION,
            "editable": True,
            "timezone": "browser",
            "time": {"from": self.since, "to": "now"},
            "refresh": "1m",
            "graphTooltip": 1,
            "links": [
                {
                    "type": "dashboards", "title": "neckline", "tags": ["neckline"], "asDropdown": True,
                    "includeVars": True, "keepTime": False, "icon": "external link", "tooltip": "",
                    "url": "", "targetBlank": False,
                }
            ],
            "templating": {"list": list(self.choosers)},
            "annotations": {"list": list(self.annotations)},
            "panels": placed,
        }  # fmt: skip


def choose_wearer() -> Json:
    """Return the chooser of wearers: pseudonyms, of whom there are minutes."""
    query = f'SHOW TAG VALUES FROM "{MINUTE.measurement}" WITH KEY = "{WEARER}"'
    return {
        "type": "query",
        "name": "wearer",
        "label": "Wearer",
        "description": "The pseudonym; names are in no database.",
        "datasource": DATASOURCE,
        "query": query,
        "definition": query,
        "refresh": 2,
        "sort": 1,
    }


def choose_visit(name: str, label: str, otherwise: str) -> Json:
    """Return a chooser of the wearer's visits, whose notes are their times; without any, all there is."""
    query = (
        f'SELECT {field(EVENT, "note")} FROM "{EVENT.measurement}" '  # noqa: S608 (read only)
        f"WHERE {happened(EventKind.VISIT)} AND {CHOSEN}"
    )
    return {
        "type": "query",
        "name": name,
        "label": label,
        "description": "`neckline visit` notes them. The span at the top right bounds what is shown, too.",
        "datasource": DATASOURCE,
        "query": query,
        "definition": query,
        "refresh": 2,
        "sort": 2,
        "includeAll": True,
        "allValue": otherwise,
        "multi": False,
        "current": {"text": "All", "value": "$__all", "selected": True},
    }


def name_zone() -> Json:
    """Return the field for the wearer's time zone: InfluxDB itself begins days at midnight UTC."""
    utc = {"text": "UTC", "value": "UTC", "selected": True}
    return {
        "type": "textbox",
        "name": "zone",
        "label": "Days begin at midnight in",
        "description": "A name as Europe/Berlin or America/New_York.",
        "query": "UTC",
        "current": utc,
        "options": [utc],
    }


MARKS: dict[str, tuple[str, tuple[EventKind, ...]]] = {
    "Visits": (GREEN, (EventKind.VISIT,)),
    "Calibrations": (BLUE, (EventKind.CALIBRATED,)),
    "Settings changed": (PURPLE, (EventKind.SETTINGS_CHANGED,)),
    "Alerts": (ORANGE, (EventKind.SLOUCH_ALERT,)),
    "Calibration in doubt": (ORANGE, (EventKind.CALIBRATION_SUSPECT,)),
    "Snoozed": (GREY, (EventKind.SNOOZED,)),
}


def mark(name: str) -> Json:
    """Return events that are drawn on every panel over time; those that have an end, as a region."""
    paint, kinds = MARKS[name]
    end_ms = f'{field(EVENT, "end_ns")} / 1000000 AS "end_ms"'
    query = (
        f'SELECT {field(EVENT, "note")}, {KIND}, {end_ms} FROM "{EVENT.measurement}" '  # noqa: S608 (read only)
        f"WHERE $timeFilter AND {happened(*kinds)} AND {CHOSEN}"
    )
    return {
        "name": name,
        "enable": True,
        "hide": False,
        "iconColor": paint,
        "datasource": DATASOURCE,
        "query": query,
        "textColumn": "note",
        "tagsColumn": "kind",
        "timeEndColumn": "end_ms",
        "titleColumn": "",
        "fromAnnotations": True,
    }
