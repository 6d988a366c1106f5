"""All dashboards."""

from typing import Any

from dashboards.cohort import cohort
from dashboards.fleet import fleet
from dashboards.queries import in_policy
from dashboards.review import review
from dashboards.today import wearer_today

Json = dict[str, Any]


def boards(policy: str = "") -> list[Json]:
    """Return all dashboards; they read from a retention policy if one is named, else from the database's own."""
    return [in_policy(board, policy) for board in (wearer_today(), review(), cohort(), fleet())]
