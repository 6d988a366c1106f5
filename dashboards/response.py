"""How wearers respond to alerts: each alert is joined with the end of its slouch by Grafana, since InfluxQL cannot."""

from dashboards.panels import Ask, Json, named
from dashboards.queries import field, happened, select
from processing.outputs import EventKind
from storage.schema import EVENT

_ONSET = f'{field(EVENT, "onset_ns")} / 1000000 AS "onset"'
RESPONSE: list[Json] = [
    {"id": "joinByField", "options": {"byField": "onset", "mode": "inner"}},
    {
        "id": "calculateField",
        "options": {
            "alias": "slouched on",
            "mode": "binary",
            "binary": {"left": "ended", "operator": "-", "right": "told"},
            "replaceFields": False,
        },
    },
    {
        "id": "organize",
        "options": {
            "excludeByName": {"onset": True, "Time 1": True, "Time 2": True, "Time": True, "ended": True},
            "indexByName": {"told": 0, "slouched on": 1},
            "renameByName": {"told": "told at"},
        },
    },
    {"id": "convertFieldType", "options": {"conversions": [{"targetField": "told at", "destinationType": "time"}]}},
]  # fmt: skip
"""What Grafana does to the two tables; all of it is in every version since 10.4."""

RESPONSE_UNITS = [named("slouched on", {"unit": "ms", "decimals": 0})]


def response_asks(where: str) -> list[Ask]:
    """Return the alerts with their time, and the ends of slouches; both in milliseconds, with the onset in common.

    An end may be one that was hidden, when the slouch was last seen; events do not tell, episodes do, which have no onset
    among their fields to join by.
    """
    # A row's own time cannot be calculated with, so the alert's is its onset and how long the slouch was held by then.
    told = f'{field(EVENT, "onset_ns")} / 1000000 + 1000 * {field(EVENT, "held_s")} AS "told"'
    ended = f'{field(EVENT, "end_ns")} / 1000000 AS "ended"'
    alerts = select(EVENT, f"{_ONSET}, {told}", f"{where} AND {happened(EventKind.SLOUCH_ALERT)}")
    ends = select(EVENT, f"{_ONSET}, {ended}", f"{where} AND {happened(EventKind.SLOUCH_ENDED)}")
    return [Ask(alerts, table=True), Ask(ends, table=True)]
