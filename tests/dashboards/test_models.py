"""The dashboards beside Grafana's own models."""

import json
import warnings
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.boards import boards

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
