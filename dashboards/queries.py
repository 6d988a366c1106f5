"""Measurements, fields and tags of `storage.schema` → InfluxQL, as Grafana's panels, choosers, annotations and rules ask.

Every name is looked up in the schema, so that a rename fails here and not in a browser. Sums over a wearer take the
clip on the back alone: the head, and head on trunk, are placements of their own with the same measurements.
"""

# ruff: noqa: S608 (queries that read, of names of our own)

import json
from typing import Any

from processing.head import HEAD, HEAD_ON_TRUNK
from processing.outputs import Activity, EventKind
from storage.lines import STREAM_TAGS
from storage.schema import EVENT, KINDS, MINUTE, Kind

Json = dict[str, Any]

WEARER, PLACEMENT = STREAM_TAGS
BACK = f"\"{PLACEMENT}\" != '{HEAD}' AND \"{PLACEMENT}\" != '{HEAD_ON_TRUNK}'"
CLIPS = f"\"{WEARER}\" != '' AND \"{PLACEMENT}\" != '{HEAD_ON_TRUNK}'"
"""Everyone's, without what two clips give together: its samples are theirs."""
CHOSEN = f"\"{WEARER}\" = '${{wearer:raw}}' AND {BACK}"
"""The wearer that a dashboard's chooser names. Raw, for Grafana before 11.4.3 takes what stands between two slashes of a
query, such as a division's, for a regular expression, and escapes the dot in `w.7` (grafana/grafana, PR 100762)."""
BETWEEN = f"{CHOSEN} AND time >= '${{since:raw}}' AND time < '${{until:raw}}'"
"""The same between two visits."""
DAY = "time(1d)"
ZONE = " tz('${zone:raw}')"
"""Days and weeks begin at the wearer's midnight; the zone is a dashboard's variable."""
UNWORN = (Activity.NOT_WORN, Activity.GAP)
"""Not known to be worn: the rest is wear time."""


def field(kind: Kind[Any], name: str) -> str:
    """Return a field or tag of a kind, quoted for InfluxQL; ValueError if the schema has none such."""
    if name not in {column.name for column in kind.columns[1:]}:
        raise ValueError(f"{kind.name} has no {name}")
    return f'"{name}"'


def select(
    kind: Kind[Any], what: str, where: str = CHOSEN, *, by: str = "", fill: str = "", tail: str = ""
) -> str:
    """Return the query for `what` of a kind in the span that the dashboard shows."""
    grouped = f" GROUP BY {by}" if by else ""
    filled = f" fill({fill})" if fill else ""
    return f'SELECT {what} FROM "{kind.measurement}" WHERE $timeFilter AND {where}{grouped}{filled}{tail}'


def of(inner: str, what: str, where: str = "", *, by: str = "", fill: str = "", tail: str = "") -> str:
    """Return a query of what another finds. Each of both needs the time zone itself, or its days begin at midnight UTC."""
    condition = f" WHERE {where}" if where else ""
    grouped = f" GROUP BY {by}" if by else ""
    filled = f" fill({fill})" if fill else ""
    return f"SELECT {what} FROM ({inner}){condition}{grouped}{filled}{tail}"


def total(name: str, kind: Kind[Any] = MINUTE) -> str:
    """Return the sum of a field."""
    return f"sum({field(kind, name)})"


WORN = "(" + " + ".join(total(f"{activity.value}_s") for activity in Activity if activity not in UNWORN) + ")"
LITTLE_WORN_S = 4 * 3600
"""A day with less is little worn, and its means say little of the day."""
JUDGED = f"({total('upright_s')} + {total('slouched_s')})"
JUDGED_MINUTES = f"({field(MINUTE, 'upright_s')} > 0 OR {field(MINUTE, 'slouched_s')} > 0)"
"""Asked for with each share: InfluxQL takes 0 / 0 for 0, and a day that was not judged is no good one."""
SLOUCHED_SHARE = f"100 * {total('slouched_s')} / {JUDGED}"
LOST_SHARE = f"100 * {total('missing')} / ({total('received')} + {total('missing')} + {total('corrupt')})"
BALANCE = (
    f'{total("upright_s")} AS "upright", {total("slouched_s")} AS "slouched", '
    f'{total("unknown_s")} AS "not judged"'
)
KIND = field(EVENT, "kind")


def happened(*kinds: EventKind) -> str:
    """Return the condition for events of these kinds."""
    return "(" + " OR ".join(f"{KIND} = '{kind.value}'" for kind in kinds) + ")"


LASTED = f'({field(EVENT, "end_ns")} - {field(EVENT, "onset_ns")}) / 1000000000.0 AS "lasted"'
"""Seconds from onset to end, of events of the kind `slouch_ended`."""


def in_policy(content: Json, policy: str) -> Json:
    """Return dashboards or rules whose queries read from a retention policy of 1.x; as they are if none is named."""
    text = json.dumps(content)
    for kind in KINDS if policy else ():
        text = text.replace(f'FROM \\"{kind.measurement}\\"', f'FROM \\"{policy}\\".\\"{kind.measurement}\\"')
    found: Json = json.loads(text)
    return found
