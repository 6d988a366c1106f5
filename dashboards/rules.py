"""Grafana's alert rules: doses and wear over days, and the clips' health. Slouches alert at once in neckline, not here.

Grafana sees a row after it was forwarded and evaluates by the minute; a reminder to sit up may not wait for that, nor
for a network. What is told here is for those who look after wearers, and wants no haste.

No data is no alert, and no query takes rows of an unworn clip for anything: charge and doubt are told of worn clips
alone, and forgotten an hour after they were taken off; silence of clips that were heard in the same weekly hours, little wear of wearers who wore it at all and are no
newcomers. A query that fails keeps what was so: a database that restarts tells nobody.
"""

# ruff: noqa: S608 (queries that read, of names of our own)

from dataclasses import dataclass
from typing import Any

from dashboards.queries import BACK, LITTLE_WORN_S, PLACEMENT, WEARER, WORN, field, in_policy, of, total
from dashboards.source import DATASOURCE
from storage.schema import HEALTH, MINUTE, Kind

Json = dict[str, Any]

STEP = (
    "refId", "datasource", "rawQuery", "resultFormat", "query",
    "type", "expression", "reducer", "settings", "conditions",
)  # fmt: skip
"""What the steps of a rule say; Grafana adds to that."""
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
DOSE_S = 3 * HOUR_S
"""Slouched within a day beyond which the day is told of; a choice to be adapted, no limit of health."""
WORN_AT_ALL_S = HOUR_S / 2
"""A mean day of seven between this and `LITTLE_WORN_S` is told of: less is not worn (a clip is only known to be unworn after ten minutes of
rest)."""
SILENT_S = 30 * MINUTE_S
CHARGE_PERCENT = 15
WORN_LATELY_S = HOUR_S
"""For so long a clip's last word on itself counts: it bridges a lost link and a rest, and reminds nobody at night of a clip
that was taken off in the evening."""
BACKLOG_S = HOUR_S
"""A slow network catches up within that; new rows come through meanwhile."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Fires for each wearer, or clip, whose newest value is beyond the limit for as long as `held`."""

    uid: str
    title: str
    summary: str
    query: str
    """Names its own span: Grafana's files of rules would take a `$` for a variable of the environment."""
    span_s: int
    beyond: str
    """`gt`, `lt` or `within_range`, limits not included."""
    limits: tuple[float, ...]
    held: str = "5m"
    severity: str = "notice"

    def to_json(self) -> Json:
        """Return the rule as Grafana has it: query A, reduced to B, compared in C."""
        asked = {
            "refId": "A",
            "datasource": DATASOURCE,
            "rawQuery": True,
            "resultFormat": "time_series",
            "query": self.query,
        }
        newest = {
            "refId": "B",
            "type": "reduce",
            "expression": "A",
            "reducer": "last",
            "settings": {"mode": "dropNN"},
        }
        compared = {
            "refId": "C",
            "type": "threshold",
            "expression": "B",
            "conditions": [{"evaluator": {"type": self.beyond, "params": list(self.limits)}}],
        }
        span = {"from": self.span_s, "to": 0}
        steps = ((asked, DATASOURCE["uid"]), (newest, "__expr__"), (compared, "__expr__"))
        return {
            "uid": self.uid,
            "title": self.title,
            "condition": "C",
            "for": self.held,
            "noDataState": "OK",
            "execErrState": "KeepLast",
            "annotations": {"summary": self.summary},
            "labels": {"team": "neckline", "severity": self.severity},
            "data": [
                {"refId": model["refId"], "datasourceUid": uid, "relativeTimeRange": span, "model": model}
                for model, uid in steps
            ],
        }


def rules(policy: str = "") -> list[Json]:
    """Return all rules as Grafana has them; they read from a retention policy if one is named."""
    return [in_policy(rule.to_json(), policy) for rule in _rules()]


def _newest(kind: Kind[Any], what: str, span: str, by: str, *, before: str = "") -> str:
    until = f" AND time <= now() - {before}" if before else ""
    return (
        f'SELECT {what} FROM "{kind.measurement}" WHERE time > now() - {span}{until} AND {BACK} GROUP BY {by}'
    )


def _worn_a_day(by: str) -> str:
    """Return the query for the mean day of the last seven, of those who have rows of the week before, too.

    Days without a row count as unworn, so a newcomer's first day would be a little worn week: whoever is heard of for
    less than a week, or again after a week away, is passed over. The week before adds nothing but its being there.
    Both bear one name, for InfluxQL counts across the sources of a query only what is called the same.
    """
    last = _newest(MINUTE, f'{WORN} AS "worn"', "7d", by)
    earlier = _newest(MINUTE, f'0 * {WORN} AS "worn"', "14d", by, before="7d")
    found = 'sum("worn") / 7 AS "worn", count("worn") AS "weeks"'
    both = f"SELECT {found} FROM ({last}), ({earlier}) WHERE time > now() - 14d GROUP BY {by}"
    return of(both, '"worn"', '"weeks" = 2', by=by)


def _more_a_day(by: str) -> str:
    """Return the query for the dead letters that came within a day: some that went, by an erasure, are no new ones."""
    steps = _newest(HEALTH, f'non_negative_difference({field(HEALTH, "dead_letters")}) AS "more"', "1d", by)
    return of(steps, 'sum("more")', "time > now() - 1d", by=by)


def _rules() -> list[Rule]:
    each, clip = f'"{WEARER}"', f'"{WEARER}", "{PLACEMENT}"'

    def health(name: str, how: str, span: str) -> str:
        return _newest(HEALTH, f"{how}({field(HEALTH, name)})", span, clip)

    return [
        Rule(
            "neckline-dose", "Long slouched within a day", "Slouched for more than three hours within 24.",
            _newest(MINUTE, total("slouched_s"), "1d", each), DAY_S, "gt", (DOSE_S,),
        ),
        Rule(
            "neckline-wear", "Little worn in a week",
            "Worn, but for less than four hours on a mean day of the last seven, and not new to it. Ask what is in the way.",
            _worn_a_day(each), 14 * DAY_S,
            "within_range", (WORN_AT_ALL_S, LITTLE_WORN_S), held="12h",
        ),
        Rule(
            "neckline-silent", "Clip silent in its weekly hours",
            "Heard today and silent for more than half an hour since, within its hours: out of reach, off, or empty.",
            health("silent_s", "last", "10m"), 10 * MINUTE_S, "gt", (SILENT_S,),
        ),
        Rule(
            "neckline-battery", "Battery of a worn clip", "A clip that is worn wants charging.",
            health("charge_percent", "last", "1h"), WORN_LATELY_S, "lt", (CHARGE_PERCENT,),
        ),
        Rule(
            "neckline-suspect", "Calibration in doubt",
            "A worn clip seems to have slipped, and nothing is judged: the wearer is to calibrate again.",
            health("doubted", "last", "1h"), WORN_LATELY_S, "gt", (0,), held="15m",
        ),
        Rule(
            "neckline-backlog", "Rows wait for InfluxDB",
            "Rows of a service have waited for more than an hour, though newer ones come through.",
            health("backlog_s", "last", "30m"), 30 * MINUTE_S, "gt", (BACKLOG_S,), held="30m", severity="warning",
        ),
        Rule(
            "neckline-dead", "Rows refused by InfluxDB",
            "InfluxDB refused rows for good within 24 hours; the journal keeps them with the reason.",
            _more_a_day(clip), DAY_S, "gt", (0,), severity="warning",
        ),
    ]  # fmt: skip
