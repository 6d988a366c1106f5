"""UTC → the wearer's own days, weekdays and hours, through every change of their clock.

The only module of this room that knows of calendars; it never asks what time it is.
"""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo

import numpy as np
from numpy.typing import NDArray

from processing.epochs import MINUTE_NS

Day = date
Zone = tzinfo

MINUTE_S = 60


@dataclass(frozen=True, slots=True, eq=False)
class LocalTime:
    """Of each second: its local day and hour. An hour that the clock repeats is the same hour twice."""

    day: NDArray[np.int64]
    """(n,), proleptic Gregorian ordinals."""
    hour: NDArray[np.int64]
    """(n,), 0 to 23."""

    @property
    def weekday(self) -> NDArray[np.int64]:
        """(n,), 0 is Monday."""
        return (self.day - 1) % 7


def local_time(time_ns: NDArray[np.int64], zone: Zone) -> LocalTime:
    """Convert times in order. Clocks are set, and zones differ, by whole minutes (everywhere since 1972)."""
    minute = time_ns // MINUTE_NS
    is_first = np.append(True, minute[1:] != minute[:-1])[: len(minute)]
    told = [datetime.fromtimestamp(each * MINUTE_S, zone) for each in minute[is_first].tolist()]
    which = np.cumsum(is_first) - 1
    return LocalTime(
        np.array([each.toordinal() for each in told], np.int64)[which],
        np.array([each.hour for each in told], np.int64)[which],
    )


def day_of(ordinal: int) -> Day:
    """Return the date of an ordinal."""
    return date.fromordinal(ordinal)
