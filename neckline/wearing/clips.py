"""All clips of one wearer: what any of them yields → records, each under the placement where it is stored.

Live and replay both go through here, so that two clips, too, give the same rows from the same samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from neckline.wearing.head import Head
from neckline.wearing.wearer import Records, Wearer
from processing.head import HEAD, HEAD_ON_TRUNK
from sensor.samples import Reading, SampleBlock

Placed = tuple[str, Records]
"""A placement, and new records of it; perhaps none."""


@dataclass(frozen=True, slots=True)
class Clips:
    """The clip on the back, and the one on the head if there is one."""

    placement: str
    """Of the clip on the back."""
    wearer: Wearer
    head: Head | None = None

    def hear(self, placement: str, reading: Reading) -> Iterator[Placed]:
        """Take the next reading of a clip; yield its own records at once, then those of the two together."""
        if placement != HEAD:
            records = self.wearer.hear(reading)
            yield self.placement, records
            if self.head is not None:
                yield HEAD_ON_TRUNK, self.head.pair(back=records)
        elif self.head is not None:
            records = self.head.hear(reading)
            yield HEAD, records
            yield HEAD_ON_TRUNK, self.head.pair(head=records)

    def to_save(self, placement: str) -> tuple[bytes | None, SampleBlock | None]:
        """Return what is saved with new records of a placement: the state after them, or the samples since one."""
        if self.head is None or placement == self.placement:
            return self.wearer.to_save()
        if placement == HEAD:
            return self.head.clip.to_save()
        return self.head.pair_state.to_bytes(), None

    def finish(self) -> Iterator[Placed]:
        """Close what is open, at a clean stop."""
        records = self.wearer.finish()
        yield self.placement, records
        if self.head is not None:
            together = self.head.pair(back=records)
            own, last = self.head.finish()
            yield HEAD, own
            yield HEAD_ON_TRUNK, (*together, *last)
