"""Visits: when therapist and wearer met, as it is stored."""

from datetime import UTC, datetime

from processing.outputs import Event, EventKind


def visit_at(time_ns: int) -> Event:
    """Return a visit; its note is its time in UTC, by which dashboards offer it, and nothing else."""
    when = datetime.fromtimestamp(time_ns // 10**9, UTC)
    return Event(time_ns, EventKind.VISIT, note=f"{when:%Y-%m-%dT%H:%M:%SZ}")
