"""What is changed of data before others get them: dates are shifted, pseudonyms are replaced."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.entries import NAME

DAY_NS = 86_400 * 10**9
MOST_DAYS = 36_500
"""A century either way: within what every file can hold."""
_MOMENT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who knows the number and the labels can undo it: keep them apart from what is shared. ValueError."""

    shift_days: int = 0
    """Added to every date: the same for all, so that what lies between stays as it is."""
    labels: Mapping[str, str] | None = None
    """For wearers' pseudonyms others; all that are not named keep theirs."""

    def __post_init__(self) -> None:
        if abs(self.shift_days) > MOST_DAYS:
            raise ValueError(f"dates can be shifted by {MOST_DAYS} days at most, not by {self.shift_days}")
        for wearer, label in (self.labels or {}).items():
            if not NAME.fullmatch(label):
                raise ValueError(
                    f"{label!r} is no pseudonym for {wearer}: letters, digits and _ . : - are, as p01"
                )
        if len({*(self.labels or {}).values()}) < len(self.labels or {}):
            raise ValueError("two wearers would get the same pseudonym")

    @property
    def shift_ns(self) -> int:
        """What is added to every time."""
        return self.shift_days * DAY_NS

    @property
    def changes_nothing(self) -> bool:
        """Tell whether all stays as it is."""
        return not self.shift_days and not self.labels

    def label(self, wearer: str) -> str:
        """Return the pseudonym that others get."""
        return (self.labels or {}).get(wearer, wearer)

    def text(self, text: str) -> str:
        """Return a sentence with the moments in it (as of visits) shifted."""
        return _MOMENT.sub(lambda found: self._shifted(found[0]), text) if self.shift_days else text

    def _shifted(self, moment: str) -> str:
        try:
            shifted = datetime.fromisoformat(moment) + timedelta(days=self.shift_days)
        except (ValueError, OverflowError):
            return moment
        return f"{shifted:%Y-%m-%dT%H:%M:%SZ}"


AS_IT_IS = Sharing()
