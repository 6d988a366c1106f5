"""Alert rules evaluated as Grafana does, on a real InfluxDB: bad weeks fire, good and unworn ones are silent."""

import time
from dataclasses import replace
from typing import Any

import pytest

from dashboards.queries import WEARER
from dashboards.rules import rules
from storage.lines import STREAM_TAGS
from storage.schema import Record, ServiceHealth
from tests.dashboards.seeding import MINUTE_NS, store, week
from tests.storage.servers import Server

BESIDE = {"time", *STREAM_TAGS}
WELL = ServiceHealth(0, "streaming", 0.0, 0, 80.0, 0, 0, 0, 0.0, 0)
IDLE = ServiceHealth(0, "waiting", None, None, None, 0, 0, 0, 0.0, 0)
"""A service whose clip nobody wears."""


def fires(server: Server, rule: dict[str, Any], wearer: str) -> bool:
    """Evaluate a rule as its JSON says, for one wearer: query, reduce, threshold, and no data is what it says."""
    query, reduce, threshold = (step["model"] for step in rule["data"])
    assert (reduce["reducer"], reduce["expression"], threshold["expression"]) == ("last", "A", "B")
    assert rule["condition"] == threshold["refId"]
    values = [
        value
        for row in server.query(query["query"])
        if row[WEARER] == wearer
        for name, value in row.items()
        if name not in BESIDE and value is not None
    ]
    if not values:
        assert rule["noDataState"] == "OK"
        return False
    evaluator = threshold["conditions"][0]["evaluator"]
    match evaluator["type"], evaluator["params"]:
        case "gt", [limit]:
            return bool(values[-1] > limit)
        case "lt", [limit]:
            return bool(values[-1] < limit)
        case "within_range", [low, high]:
            return bool(low < values[-1] < high)
        case other:
            raise AssertionError(other)


def bad_weeks(now_ns: int) -> dict[str, list[Record]]:
    """Return, for each rule, a week that is as the good one but for what the rule is about."""

    def worn(last: ServiceHealth) -> list[Record]:
        return week(now_ns, worn_h=8.0, slouched_part=0.1, last=last)

    return {
        "neckline-dose": week(now_ns, worn_h=8.0, slouched_part=0.5, last=WELL),
        "neckline-wear": week(now_ns, worn_h=1.0, slouched_part=0.1, last=WELL),
        "neckline-silent": worn(replace(WELL, silent_s=3600.0)),
        "neckline-battery": worn(replace(WELL, charge_percent=9.0)),
        "neckline-suspect": worn(replace(WELL, doubted=1)),
        "neckline-backlog": worn(replace(WELL, backlog_s=7200.0)),
        "neckline-dead": worn(replace(WELL, dead_letters=3)),
    }


@pytest.mark.influxdb
def test_each_rule_fires_for_its_bad_week_alone(server: Server) -> None:
    """Of seven bad weeks each fires the one rule that it is bad for, and what is no trouble fires none.

    That is a good week, one in which the clip was not worn, a clip that was taken off an hour ago, and a journal that
    holds fewer dead letters than it did.
    """
    now_ns = time.time_ns()
    weeks = bad_weeks(now_ns)
    weeks["good"] = week(now_ns, worn_h=8.0, slouched_part=0.1, last=WELL)
    weeks["unworn"] = week(now_ns, worn_h=0.0, last=IDLE)
    tired = replace(WELL, charge_percent=9.0, doubted=1, time_ns=now_ns - 65 * MINUTE_NS)
    weeks["taken off"] = [*week(now_ns, worn_h=8.0, slouched_part=0.1, last=IDLE), tired]
    erased = [replace(WELL, dead_letters=9, time_ns=now_ns - at * MINUTE_NS) for at in (40, 50)]
    weeks["erased"] = [*week(now_ns, worn_h=8.0, slouched_part=0.1, last=WELL, refused=9), *erased]
    streams = {name: server.stream() for name in weeks}
    for name, records in weeks.items():
        store(server, streams[name], records)
    fired = {
        name: [rule["uid"] for rule in rules() if fires(server, rule, stream.wearer)]
        for name, stream in streams.items()
    }
    assert fired == {name: [name] if name.startswith("neckline-") else [] for name in weeks}
    assert {rule["uid"] for rule in rules()} == weeks.keys() - {"good", "unworn", "taken off", "erased"}


@pytest.mark.influxdb
@pytest.mark.parametrize(
    ("worn_h", "days", "is_told"),
    [(4.25, 7, False), (3.75, 7, True), (8.0, 4, False), (8.0, 3, True), (1.0, 3, False)],
)
def test_little_wear_is_told_from_four_hours_on_a_mean_day(
    server: Server, worn_h: float, days: int, *, is_told: bool
) -> None:
    """Days that were not worn count among the seven; less than half an hour on a mean day is not worn at all."""
    (rule,) = (rule for rule in rules() if rule["uid"] == "neckline-wear")
    stream = server.stream()
    store(server, stream, week(time.time_ns(), worn_h=worn_h, days=days, last=WELL))
    assert fires(server, rule, stream.wearer) is is_told


@pytest.mark.influxdb
@pytest.mark.parametrize(("worn_h", "days"), [(8.0, 1), (8.0, 3), (3.75, 7)])
def test_little_wear_is_not_told_of_a_newcomer(server: Server, worn_h: float, days: int) -> None:
    """A first day of eight hours is no week of little wear; nor is a first week, until there is one to go by."""
    (rule,) = (rule for rule in rules() if rule["uid"] == "neckline-wear")
    stream = server.stream()
    store(server, stream, week(time.time_ns(), worn_h=worn_h, days=days, last=WELL, is_new=True))
    assert not fires(server, rule, stream.wearer)
    store(server, stream, week(time.time_ns(), worn_h=worn_h, days=days, last=WELL))
    assert fires(server, rule, stream.wearer)
