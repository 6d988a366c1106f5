"""How long a person wants no alerts, in words → when they begin again. Pure: the time is an argument."""

import re
from datetime import datetime, timedelta, tzinfo

LONGEST = timedelta(days=7)
"""A snooze ends by itself; for longer there is alerts.mode = "off"."""
MORNING_HOUR = 6
"""When `tomorrow` begins: whoever snoozes at eleven at night does not mean one hour."""
UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days"}
HOW = "say 30m, 1h, 1h30m, until 14:00, tomorrow or off"

_CLOCK = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)")
_SPAN = re.compile(r"(\d{1,4}) ?(min|s|m|h|d) ?")


def snoozed_until(words: list[str], now_ns: int, zone: tzinfo | None = None) -> int | None:
    """Return the end of a snooze in nanoseconds UTC, None for `off`; ValueError with a sentence.

    `zone` None is the zone of this computer.
    """
    said = " ".join(words).lower().strip()
    plain = said.removeprefix("for ").removeprefix("until ").strip()
    now = datetime.fromtimestamp(now_ns // 10**9, zone)
    if plain == "off":
        return None
    if plain == "tomorrow":
        return _ns(now + timedelta(days=1), MORNING_HOUR, 0)
    if clock := _CLOCK.fullmatch(plain):
        # In the night in which an hour comes twice, a time of it may still come though it has been.
        days, folds = (now, now + timedelta(days=1)), (0, 1)
        times_ns = (_ns(day, int(clock[1]), int(clock[2]), fold) for day in days for fold in folds)
        return next(time_ns for time_ns in times_ns if time_ns > now_ns)
    if not plain or _SPAN.sub("", plain):
        raise ValueError(f'"{said}" is no time to snooze: {HOW}')
    span = sum(
        (timedelta(**{UNITS[unit]: int(number)}) for number, unit in _SPAN.findall(plain)), timedelta()
    )
    if not timedelta() < span <= LONGEST:
        raise ValueError(f'"{said}" is not between a second and {LONGEST.days} days: {HOW}')
    return now_ns + round(span.total_seconds()) * 10**9


def _ns(day: datetime, hour: int, minute: int, fold: int = 0) -> int:
    """Return the UTC time of a local time of a day, right across changes of the clock."""
    local = day.replace(hour=hour, minute=minute, second=0, microsecond=0, fold=fold)
    return round(local.timestamp()) * 10**9
