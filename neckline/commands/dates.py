"""Dates and times as a person writes them → nanoseconds UTC."""

from datetime import date, datetime, timedelta


def local_ns(text: str) -> int:
    """Read an ISO 8601 date or time, local unless it names its zone, as nanoseconds UTC; ValueError with a sentence."""
    try:
        return round(datetime.fromisoformat(text).timestamp()) * 10**9
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f'"{text}" is no date: write 2026-03-01 or 2026-03-01T09:30') from error


def period_ns(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """Read the ends of a period, the second not included: a day that is named as its last is in it. ValueError as above."""
    since_ns = local_ns(since) if since else None
    until_ns = _until_ns(until) if until else None
    if since_ns is not None and until_ns is not None and until_ns <= since_ns:
        raise ValueError(f"{since} to {until} ends before it begins")
    return since_ns, until_ns


def _until_ns(text: str) -> int:
    """Return when a time is, or when a day ends: at midnight by the clock, which is not always 24 hours on."""
    try:
        after = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError):
        return local_ns(text)
    return local_ns(str(after))
