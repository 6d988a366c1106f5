"""Grafana's alert rules: for doses over a day and for the clips. Slouches alert at once in neckline, not here.

Grafana sees a row after it was forwarded and evaluates by the minute; a reminder to sit up may not wait for that, nor
for a network. No data is no alert: a clip that nobody wears is nobody's trouble.
"""

from dataclasses import dataclass

from dashboards.boards import PLACEMENT, WEARER, Json, field, in_policy
from dashboards.source import DATASOURCE
from processing.outputs import EventKind
from storage.schema import BATTERY, EVENT, MINUTE

# ruff: noqa: S608 (queries that read, of names of our own)

DAY_S = 86_400
DOSE_S = 3 * 3600
"""Seconds slouched within a day beyond which the day is told of; a choice to be adapted, no limit of health."""
CHARGE_PERCENT = 15


@dataclass(frozen=True, slots=True)
class Rule:
    """Fires for each wearer whose newest value is beyond the limit."""

    uid: str
    title: str
    summary: str
    query: str
    """Names its own span: Grafana's files of rules would take a `$` for a variable of the environment."""
    beyond: str
    """`gt` or `lt`."""
    limit: float

    def to_json(self) -> Json:
        """Return the rule as Grafana's provisioning files have it: query A, reduced to B, compared in C."""
        asked = {"refId": "A", "rawQuery": True, "resultFormat": "time_series", "query": self.query}
        newest = {
            "refId": "B",
            "type": "reduce",
            "expression": "A",
            "reducer": "last",
            "settings": {"mode": "dropNN"},
        }
        evaluator = {"type": self.beyond, "params": [self.limit]}
        compared = {
            "refId": "C",
            "type": "threshold",
            "expression": "B",
            "conditions": [{"evaluator": evaluator}],
        }
        span = {"from": DAY_S, "to": 0}
        steps = ((asked, DATASOURCE["uid"]), (newest, "__expr__"), (compared, "__expr__"))
        return {
            "uid": self.uid,
            "title": self.title,
            "condition": "C",
            "for": "5m",
            "noDataState": "OK",
            "execErrState": "KeepLast",
            "annotations": {"summary": self.summary},
            "labels": {"team": "neckline"},
            "data": [
                {"refId": model["refId"], "datasourceUid": uid, "relativeTimeRange": span, "model": model}
                for model, uid in steps
            ],
        }


def rules(policy: str = "") -> list[Json]:
    """Return all rules as Grafana has them; they read from a retention policy if one is named."""
    return [in_policy(rule.to_json(), policy) for rule in _rules()]


def _rules() -> list[Rule]:
    since = "WHERE time > now() - 1d"
    kind = field(EVENT, "kind")
    suspect = EventKind.CALIBRATION_SUSPECT.value
    clip = f'"{WEARER}", "{PLACEMENT}"'
    return [
        Rule(
            "neckline-dose", "Long slouched within a day", "Slouched for more than three hours within a day.",
            f'SELECT sum({field(MINUTE, "slouched_s")}) FROM "{MINUTE.measurement}" {since} GROUP BY "{WEARER}"',
            "gt", DOSE_S,
        ),
        Rule(
            "neckline-battery", "Battery of a clip", "A clip wants charging.",
            f'SELECT last({field(BATTERY, "percent")}) FROM "{BATTERY.measurement}" {since} GROUP BY {clip}',
            "lt", CHARGE_PERCENT,
        ),
        Rule(
            "neckline-suspect", "Calibration in doubt", "A clip seems to have slipped: calibrate again.",
            f'SELECT count({field(EVENT, "note")}) FROM "{EVENT.measurement}" {since}'
            f" AND {kind} = '{suspect}' GROUP BY {clip}",
            "gt", 0,
        ),
    ]  # fmt: skip
