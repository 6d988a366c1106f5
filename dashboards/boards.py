"""Grafana dashboards over what `storage.schema` names: InfluxQL, the classic schema, fixed uids, nothing numeric.

Every measurement and field of a query is looked up in the schema, so that a rename fails here and not in a browser.
Sends and stores nothing; `dashboards.files` writes them.
"""

import json
from typing import Any

from dashboards.source import DATASOURCE
from processing.outputs import Activity, EventKind
from storage.lines import STREAM_TAGS
from storage.schema import BATTERY, EPISODE, EPOCH, EVENT, KINDS, MINUTE, Kind

Json = dict[str, Any]

SCHEMA_VERSION = 39
"""Of classic dashboards; Grafana 10.4 and newer load it and migrate it themselves."""
WEARER, PLACEMENT = STREAM_TAGS
COLUMNS = 24
"""Grafana's grid; on a phone panels stand below each other."""
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#999999"
"""Of Okabe and Ito's colour-blind safe palette."""
UNWORN = (Activity.NOT_WORN, Activity.GAP)
EMPTY = "Empty when no clip was worn, or nothing was forwarded, in the span shown at the top right."


def field(kind: Kind[Any], name: str) -> str:
    """Return a field or tag of a kind, quoted for InfluxQL; ValueError if the schema has none such."""
    if name not in {column.name for column in kind.columns[1:]}:
        raise ValueError(f"{kind.name} has no {name}")
    return f'"{name}"'


def ask(kind: Kind[Any], what: str, *, also: str = "", by: str = "", everyone: bool = False) -> str:
    """Return the query for `what` of a kind in the span shown, of the chosen wearer or of everyone."""
    where = "$timeFilter" if everyone else f"$timeFilter AND \"{WEARER}\" = '$wearer'"
    return f'SELECT {what} FROM "{kind.measurement}" WHERE {where}{also}{f" GROUP BY {by}" if by else ""}'  # noqa: S608 (read only)


def panel(
    kind: str, title: str, unit: str, about: str, *queries: str, width: int = 12, table: bool = False
) -> Json:
    """Return a panel without its place."""
    form = "table" if table else "time_series"
    return {
        "type": kind,
        "title": title,
        "description": f"{about} {EMPTY}",
        "datasource": DATASOURCE,
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "noValue": "nothing here",
                "color": {"mode": "palette-classic-by-name"},
            },
            "overrides": [
                {
                    "matcher": {"id": "byName", "options": name},
                    "properties": [{"id": "color", "value": colour(paint)}],
                }
                for name, paint in (("upright", BLUE), ("slouched", ORANGE), ("not judged", GREY))
            ],
        },
        "options": {},
        "gridPos": {"h": 8, "w": width, "x": 0, "y": 0},
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": DATASOURCE,
                "rawQuery": True,
                "query": query,
                "resultFormat": form,
                "alias": "" if table else "$col",
            }
            for at, query in enumerate(queries)
        ],
    }


def colour(paint: str) -> Json:
    """Return a fixed colour."""
    return {"mode": "fixed", "fixedColor": paint}


def board(uid: str, title: str, about: str, span: str, panels: list[Json], *, choose: bool) -> Json:
    """Return a dashboard of these panels, set in rows from left to right."""
    x = y = 0
    for number, each in enumerate(panels, start=1):
        width = each["gridPos"]["w"]
        if x + width > COLUMNS:
            x, y = 0, y + 8
        each["gridPos"] |= {"x": x, "y": y}
        each["id"] = number
        x += width
    query = f'SHOW TAG VALUES FROM "{MINUTE.measurement}" WITH KEY = "{WEARER}"'
    chooser = {
        "type": "query",
        "name": "wearer",
        "label": "Wearer",
        "datasource": DATASOURCE,
        "query": query,
        "definition": query,
        "refresh": 2,
        "sort": 1,
    }
    return {
        "uid": uid,
        "title": title,
        "description": about,
        "tags": ["neckline"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "timezone": "browser",
        "time": {"from": span, "to": "now"},
        "refresh": "1m",
        "graphTooltip": 1,
        "templating": {"list": [chooser] if choose else []},
        "annotations": {"list": []},
        "panels": panels,
    }


def _sum(name: str, label: str) -> str:
    return f'sum({field(MINUTE, name)}) AS "{label}"'


BALANCE = ", ".join(
    (_sum("upright_s", "upright"), _sum("slouched_s", "slouched"), _sum("unknown_s", "not judged"))
)
JUDGED = f"(sum({field(MINUTE, 'upright_s')}) + sum({field(MINUTE, 'slouched_s')}))"
SHARE = f'100 * sum({field(MINUTE, "slouched_s")}) / {JUDGED} AS "slouched"'
KIND = field(EVENT, "kind")


def _of_kind(*kinds: EventKind) -> str:
    return " AND (" + " OR ".join(f"{KIND} = '{kind.value}'" for kind in kinds) + ")"


def _count(*kinds: EventKind, by: str, everyone: bool) -> str:
    counted = f'count({field(EVENT, "note")}) AS "events"'
    return ask(EVENT, counted, also=_of_kind(*kinds), by=by, everyone=everyone)


def wearer_today() -> Json:
    """Return what a wearer looks at: the angle, what was done when, the balance, the slouches."""
    angle = f'mean({field(EPOCH, "sagittal_deg")}) AS "inclination"'
    states = f'last({field(EPOCH, "activity")}) AS "activity", last({field(EPOCH, "posture")}) AS "posture"'
    slouches = ", ".join(field(EPISODE, name) for name in ("peak_deg", "mean_deg", "alerts", "end"))
    notes = f"{KIND}, {field(EVENT, 'note')}, {field(EVENT, 'value')}"
    panels = [
        panel(
            "timeseries", "Inclination of the upper back", "degree",
            "Forward is positive, measured from the wearer's own upright pose; mean of each interval.",
            ask(EPOCH, angle, by="time($__interval) fill(null)"), width=24,
        ),
        panel(
            "state-timeline", "Activity and posture", "none",
            "Posture is judged only while still; a gap is time of which nothing is known.",
            ask(EPOCH, states, by="time($__interval) fill(null)"), width=24,
        ),
        panel(
            "bargauge", "Time balance", "s",
            "Seconds judged upright, judged slouched, and not judged.", ask(MINUTE, BALANCE),
        ),
        panel(
            "stat", "Slouched share of judged time", "percent",
            "Read it beside the time balance: a share of little judged time says little.", ask(MINUTE, SHARE),
        ),
        panel(
            "table", "Slouches", "none", "Onset, greatest and mean inclination in degrees, alerts, how it ended.",
            ask(EPISODE, slouches), table=True,
        ),
        panel(
            "table", "What happened", "none", "Alerts, links lost and found, calibrations; value in degrees or per cent.",
            ask(EVENT, notes), table=True,
        ),
    ]  # fmt: skip
    return board(
        "neckline-today", "Neckline: wearer today", "One wearer, one day.", "now/d", panels, choose=True
    )


def review() -> Json:
    """Return what is looked at together: wear time first, then trends by day."""
    day = "time(1d) fill(none)"
    seconds = (
        f"sum({field(MINUTE, f'{activity.value}_s')})" for activity in Activity if activity not in UNWORN
    )
    worn = f"({' + '.join(seconds)})"
    peak = f'max({field(MINUTE, "sagittal_max_deg")}) AS "greatest", mean({field(MINUTE, "sagittal_mean_deg")}) AS "mean"'
    bouts = f'count({field(EPISODE, "peak_deg")}) AS "slouches", sum({field(EPISODE, "alerts")}) AS "alerts"'
    panels = [
        panel(
            "timeseries", "Time worn a day", "s",
            "Look here first: neither taken off nor a gap. Days of little wear cannot be compared with others. Days are UTC.",
            ask(MINUTE, f'{worn} AS "worn"', by=day), width=24,
        ),
        panel(
            "timeseries", "Time balance a day", "s", "Seconds judged upright, judged slouched, and not judged.",
            ask(MINUTE, BALANCE, by=day),
        ),
        panel(
            "timeseries", "Slouched share of judged time a day", "percent",
            "Of the seconds that were judged alone.", ask(MINUTE, SHARE, by=day),
        ),
        panel(
            "timeseries", "Slouches and alerts a day", "none", "Counted on the day of their onset.",
            ask(EPISODE, bouts, by=day),
        ),
        panel(
            "timeseries", "Inclination a day", "degree", "Mean of the minutes, and the greatest judged second.",
            ask(MINUTE, peak, by=day),
        ),
    ]  # fmt: skip
    return board("neckline-review", "Neckline: review", "One wearer, by day.", "now-28d", panels, choose=True)


def cohort() -> Json:
    """Return many wearers beside each other."""
    each = f'"{WEARER}"'
    received = f'sum({field(MINUTE, "received")}) AS "received", sum({field(MINUTE, "missing")}) AS "missing"'
    panels = [
        panel(
            "table", "Time balance of each wearer", "s", "Seconds judged upright, judged slouched, not judged.",
            ask(MINUTE, BALANCE, by=each, everyone=True), width=24, table=True,
        ),
        panel(
            "table", "Slouched share of judged time of each wearer", "percent",
            "Read it beside the time balance.", ask(MINUTE, SHARE, by=each, everyone=True), table=True,
        ),
        panel(
            "table", "Last sign of each wearer", "none", "Samples received in the newest minute, and when that was.",
            ask(MINUTE, f'last({field(MINUTE, "received")}) AS "received"', by=each, everyone=True), table=True,
        ),
        panel(
            "table", "Samples of each wearer", "none", "Samples received and samples missing.",
            ask(MINUTE, received, by=each, everyone=True), table=True,
        ),
    ]  # fmt: skip
    return board(
        "neckline-cohort",
        "Neckline: cohort",
        "All wearers beside each other.",
        "now-7d",
        panels,
        choose=False,
    )


def fleet() -> Json:
    """Return how the clips do."""
    each = f'"{WEARER}", "{PLACEMENT}"'
    loss = f'100 * sum({field(MINUTE, "missing")}) / (sum({field(MINUTE, "received")}) + sum({field(MINUTE, "missing")})) AS "loss"'
    charge = f'last({field(BATTERY, "percent")}) AS "charge"'
    panels = [
        panel(
            "timeseries", "Battery", "percent", "As the clip tells it.",
            ask(BATTERY, charge, by=f"time($__interval), {each} fill(none)", everyone=True), width=24,
        ),
        panel(
            "table", "Samples lost", "percent", "Samples of the grid that never arrived.",
            ask(MINUTE, loss, by=each, everyone=True), table=True,
        ),
        panel(
            "table", "Events of each kind", "none", "Links lost and found, calibrations in doubt, alerts.",
            _count(*EventKind, by=f"{each}, {KIND}", everyone=True), table=True,
        ),
    ]  # fmt: skip
    return board("neckline-fleet", "Neckline: clips", "How the clips do.", "now-24h", panels, choose=False)


def boards(policy: str = "") -> list[Json]:
    """Return all dashboards; they read from a retention policy if one is named, else from the database's own."""
    return [in_policy(board, policy) for board in (wearer_today(), review(), cohort(), fleet())]


def in_policy(content: Json, policy: str) -> Json:
    """Return dashboards or rules whose queries read from a retention policy of 1.x."""
    text = json.dumps(content)
    for kind in KINDS if policy else ():
        text = text.replace(f'FROM \\"{kind.measurement}\\"', f'FROM \\"{policy}\\".\\"{kind.measurement}\\"')
    found: Json = json.loads(text)
    return found
