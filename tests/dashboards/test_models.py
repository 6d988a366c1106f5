"""Dashboards, rules and contact points beside Grafana's own models."""

import json
import warnings
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.alerting import ContactPoint, RuleGroup
from grafana_foundation_sdk.models.expr import TypeReduce, TypeThreshold

from dashboards.boards import boards
from dashboards.contacts import Contact
from dashboards.files import EXAMPLES
from dashboards.grafana import Grafana, GrafanaSettings
from dashboards.push import FOLDER_UID, GROUP, Push, Wanted
from dashboards.rules import rules
from dashboards.source import Source
from tests.dashboards.grafana_stub import ADMIN, Stub, serving

with warnings.catch_warnings(
    action="ignore", category=DeprecationWarning
):  # it would rather have the newer schema
    from grafana_foundation_sdk.models.dashboard import Dashboard


# The models know what every annotation has; these are InfluxDB's (Grafana, docs: InfluxQL annotations).
OF_THE_DATA_SOURCE = {
    "query",
    "textColumn",
    "tagsColumn",
    "timeEndColumn",
    "titleColumn",
    "fromAnnotations",
}


ADDED = {"id", "updated", "provenance", "intervalMs", "maxDataPoints"}
"""What Grafana adds to a rule and its steps."""


def lost(given: Any, back: Any) -> list[Any]:
    """Return what of `given` is not, or otherwise, in `back`, which may hold defaults besides."""
    if isinstance(given, dict):
        return [
            found
            for key, value in given.items()
            for found in ([key] if key not in back else lost(value, back[key]))
        ]
    if isinstance(given, list) and len(given) == len(back):
        return [found for one, other in zip(given, back, strict=True) for found in lost(one, other)]
    return [] if given == back else [given]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("board", boards(), ids=lambda board: str(board["uid"]))
def test_a_dashboard_passes_unchanged_through_grafanas_models(board: dict[str, Any]) -> None:
    """Read into Grafana's models and written again, it has lost nothing but the data source's part of annotations."""
    back = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    assert set(map(str, lost(board, back))) <= OF_THE_DATA_SOURCE


def through(model: Any, given: Any) -> list[Any]:
    """Return what is lost on the way into a model and out again."""
    return lost(given, json.loads(json.dumps(model.from_json(given), cls=JSONEncoder)))


def test_rules_pass_unchanged_through_grafanas_models() -> None:
    """As they are pushed: the group, each rule, and both of its expressions."""
    with serving(Stub()) as stub:
        grafana = Grafana(GrafanaSettings(stub.url, ADMIN))
        list(Push(grafana, Wanted(Source(), [], rules(), Contact(email="care@example.org"))).run())
        group = {**stub.groups[FOLDER_UID, GROUP]}
    sent = [{key: value for key, value in rule.items() if key not in ADDED} for rule in group["rules"]]
    assert len(sent) == len(rules())
    assert not through(RuleGroup, {**group, "rules": sent})
    for rule in sent:
        _, reduce, threshold = (step["model"] for step in rule["data"])
        assert not through(TypeReduce, {key: value for key, value in reduce.items() if key not in ADDED})
        assert not through(
            TypeThreshold, {key: value for key, value in threshold.items() if key not in ADDED}
        )


@pytest.mark.parametrize("contact", EXAMPLES, ids=lambda contact: str(contact.shown["type"]))
def test_contact_points_pass_unchanged_through_grafanas_models(contact: Contact) -> None:
    """By mail, and by a webhook."""
    assert not through(ContactPoint, contact.to_json())
