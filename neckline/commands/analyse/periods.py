"""Days as a person names them (`2026-11-02..2026-11-08`), in their own time zone → spans of UTC."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class ThisComputers(tzinfo):
    """The zone of this computer, as the operating system knows it, through every change of its clock."""

    def fromutc(self, dt: datetime) -> datetime:
        """Convert."""
        return datetime.fromtimestamp(dt.replace(tzinfo=UTC).timestamp()).replace(tzinfo=self)  # noqa: DTZ006 (the point)

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """Return how far it is from UTC."""
        return None if dt is None else dt.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, dt: datetime | None) -> timedelta | None:
        """Return nothing: nobody asks."""

    def tzname(self, dt: datetime | None) -> str | None:
        """Return what the operating system calls it."""
        return None if dt is None else dt.replace(tzinfo=None).astimezone().tzname()

    def __str__(self) -> str:
        return "this computer's time zone"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days, both ends included; None is open."""

    first: date | None = None
    last: date | None = None

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Read `A..B`, or one day; ValueError with a sentence."""
        first, dots, last = text.partition("..")
        return cls.between(first, last if dots else first)

    @classmethod
    def between(cls, first: str | None, last: str | None) -> "Period":
        """Read the two ends; ValueError with a sentence."""
        period = cls(_date(first), _date(last))
        if period.first and period.last and period.last < period.first:
            raise ValueError(f"{period.first} to {period.last} ends before it begins")
        return period

    def meets(self, other: "Period") -> bool:
        """Tell whether a day is in both."""
        return (self.first or date.min) <= (other.last or date.max) and (other.first or date.min) <= (
            self.last or date.max
        )

    def span_ns(self, zone: tzinfo) -> tuple[int | None, int | None]:
        """Return its begin and its end, which is not included, in nanoseconds UTC."""
        after = self.last + timedelta(days=1) if self.last and self.last < date.max else None
        return tuple(None if day is None else _midnight_ns(day, zone) for day in (self.first, after))  # type: ignore[return-value]  # two of them

    def __str__(self) -> str:
        if self.first and self.last:
            return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"
        if self.first:
            return f"from {self.first} on"
        return f"up to {self.last}" if self.last else "all that is stored"


def zone_of(name: str | None) -> tzinfo:
    """Return a zone by its name, or this computer's; ValueError with a sentence."""
    if name is None:
        return ThisComputers()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f'"{name}" is no time zone: write it as Europe/Berlin') from error


def _date(text: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(f'"{text}" is no date: write 2026-03-01') from error


def _midnight_ns(day: date, zone: tzinfo) -> int:
    return round(datetime.combine(day, time.min, zone).timestamp()) * 10**9
