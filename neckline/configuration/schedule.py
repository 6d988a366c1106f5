"""Weekly alert hours, as a person writes them ("mon-fri 08:30-18:00") → spans of UTC in which alerts are wanted.

Hours are local and follow the wearer's zone through changes of its clock: where a local time happens twice the span
takes in both, where it never happens it takes in the change. A span that ends before it begins goes over midnight.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Self

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_MINUTES = 24 * 60
AHEAD_DAYS = 8
"""How far ahead spans are told: over a week, so that a slouch never waits for hours that are not known yet."""

_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
EXAMPLE = "for example mon-fri 08:30-18:00"

Span = tuple[int, int]
"""Begin and end in nanoseconds UTC, the end not included."""


@dataclass(frozen=True, slots=True)
class Hours:
    """One span of local time, on the days on which it begins."""

    days: frozenset[int]
    """0 is Monday."""
    begin_min: int
    """Minutes after midnight."""
    end_min: int
    """Minutes after the midnight of the day on which it begins; beyond 1440 on the next."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The hours in which alerts are wanted; with none of them, always."""

    hours: tuple[Hours, ...] = ()

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Self:
        """Read lines such as `mon-fri 08:30-12:00 13:00-18:00`; ValueError says which word is wrong, and why."""
        return cls(tuple(hours for line in lines for hours in _hours(line)))

    def spans(
        self, from_ns: int, zone: tzinfo | None = None, *, days: int = AHEAD_DAYS
    ) -> tuple[Span, ...] | None:
        """Return the spans from now on (or the one under way), in order, apart from each other; None: always.

        `zone` None is the zone of this computer, as the operating system knows it.
        """
        if not self.hours:
            return None
        today = datetime.fromtimestamp(from_ns // 10**9, zone).date()
        spans = sorted(
            span
            for offset in range(-1, days)
            for hours in self.hours
            if (day := today + timedelta(days=offset)).weekday() in hours.days
            and (span := _span(day, hours, zone))[1] > from_ns
        )
        merged: list[Span] = []
        for begin_ns, end_ns in spans:
            if merged and begin_ns <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end_ns, merged[-1][1]))
            else:
                merged.append((begin_ns, end_ns))
        return tuple(merged)


def midnight_ns(time_ns: int, zone: tzinfo | None = None, *, days: int = 0) -> int:
    """Return the UTC time at which the local day of a time began, or that of a day so many days later."""
    day = datetime.fromtimestamp(time_ns // 10**9, zone).date() + timedelta(days=days)
    # Where midnight happens twice it is the first; where it does not happen, the change of the clock.
    return _utc_ns(day, 0, zone)[0]


def _span(day: date, hours: Hours, zone: tzinfo | None) -> Span:
    return min(_utc_ns(day, hours.begin_min, zone)), max(_utc_ns(day, hours.end_min, zone))


def _utc_ns(day: date, minutes: int, zone: tzinfo | None) -> tuple[int, int]:
    """Return both readings of a local time; they differ where the clock is set."""
    over, minutes = divmod(minutes, DAY_MINUTES)
    local = datetime.combine(day + timedelta(days=over), datetime.min.time(), zone)
    local = local.replace(hour=minutes // 60, minute=minutes % 60)
    first, second = (round(local.replace(fold=fold).timestamp()) * 10**9 for fold in (0, 1))
    return first, second


def _hours(line: str) -> list[Hours]:
    words = line.lower().replace("–", "-").split()
    if len(words) < 2:
        raise ValueError(f"{line!r} needs days and hours, {EXAMPLE}")
    days = frozenset(day for part in words[0].split(",") for day in _days(part, line))
    found = []
    for word in words[1:]:
        begin, dash, end = word.partition("-")
        if not dash:
            raise ValueError(f"{word!r} in {line!r} is no span of hours, {EXAMPLE}")
        begin_min, end_min = _minutes(begin, line), _minutes(end, line)
        if begin_min >= DAY_MINUTES:
            raise ValueError(f"{begin!r} in {line!r}: a day begins at 00:00")
        if begin_min == end_min:
            raise ValueError(f"{word!r} in {line!r} lasts no time; a whole day is 00:00-24:00")
        found.append(Hours(days, begin_min, end_min + DAY_MINUTES * (end_min < begin_min)))
    return found


def _days(part: str, line: str) -> list[int]:
    if part == "daily":
        return list(range(7))
    first, dash, last = part.partition("-")
    begin = _day(first, line)
    end = _day(last, line) if dash else begin
    return [day % 7 for day in range(begin, end + 1 + 7 * (end < begin))]


def _day(word: str, line: str) -> int:
    found = [index for index, day in enumerate(DAYS) if len(word) >= 3 and day.startswith(word)]
    if not found:
        known = ", ".join(day[:3] for day in DAYS)
        raise ValueError(f"{word!r} in {line!r} is no day; days are {known}, daily")
    return found[0]


def _minutes(word: str, line: str) -> int:
    found = _TIME.fullmatch(word)
    minutes = int(found[1]) * 60 + int(found[2]) if found else DAY_MINUTES + 1
    if minutes > DAY_MINUTES:
        raise ValueError(f"{word!r} in {line!r} is no time of day; times are 00:00 to 24:00")
    return minutes
