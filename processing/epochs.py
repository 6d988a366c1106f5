"""What arrived in a second → an epoch; a minute's epochs → its roll-up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add

from processing.arrival import Samples
from processing.outputs import Activity, Epoch, Minute, Posture

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
ACTIVITIES = {activity: index for index, activity in enumerate(Activity)}
POSTURES = {posture: index for index, posture in enumerate(Posture)}


@dataclass(frozen=True, slots=True, eq=False)
class OpenEpoch:
    """The second that is under way."""

    second: int
    """Whole seconds since the Unix epoch."""
    parts: tuple[Samples, ...] = ()
    """The good samples so far, as they came."""
    missing: int = 0
    corrupt: int = 0
    seen: int = 0
    """How many of the samples the slouch machine has seen already."""


@dataclass(slots=True)
class OpenMinute:
    """The minute that is under way. A call of `step` works on a copy of its own."""

    start_ns: int
    received: int = 0
    missing: int = 0
    corrupt: int = 0
    activity_s: list[int] = field(default_factory=lambda: [0] * len(Activity))
    posture_s: list[int] = field(default_factory=lambda: [0] * len(Posture))
    sum_deg: float = 0.0
    max_deg: float | None = None

    def copy(self) -> "OpenMinute":
        """Return a copy to work on."""
        return OpenMinute(
            self.start_ns,
            self.received,
            self.missing,
            self.corrupt,
            self.activity_s.copy(),
            self.posture_s.copy(),
            self.sum_deg,
            self.max_deg,
        )

    def add(self, epoch: Epoch) -> "OpenMinute":
        """Add one more epoch; return the minute itself."""
        self.received += epoch.received
        self.missing += epoch.missing
        self.corrupt += epoch.corrupt
        self.activity_s[ACTIVITIES[epoch.activity]] += 1
        self.posture_s[POSTURES[epoch.posture]] += 1
        if epoch.activity is Activity.STILL and epoch.sagittal_deg is not None:
            self.sum_deg += epoch.sagittal_deg
            if self.max_deg is None or epoch.sagittal_deg > self.max_deg:
                self.max_deg = epoch.sagittal_deg
        return self

    def close(self) -> Minute:
        """Return the finished roll-up."""
        judged_s = self.activity_s[ACTIVITIES[Activity.STILL]]
        upright_s, slouched_s, unknown_s = self.posture_s
        return Minute(
            start_ns=self.start_ns,
            received=self.received,
            missing=self.missing,
            corrupt=self.corrupt,
            activity_s=tuple((kind, n) for kind, n in zip(Activity, self.activity_s, strict=True) if n),
            upright_s=upright_s,
            slouched_s=slouched_s,
            unknown_s=unknown_s,
            sagittal_mean_deg=self.sum_deg / judged_s if judged_s else None,
            sagittal_max_deg=self.max_deg,
        )

    def add_run(self, epochs: Sequence[Epoch]) -> None:
        """Add epochs of this minute that are alike: all still, of one posture, with an angle."""
        self.received += sum(epoch.received for epoch in epochs)
        self.missing += sum(epoch.missing for epoch in epochs)
        self.corrupt += sum(epoch.corrupt for epoch in epochs)
        self.activity_s[ACTIVITIES[Activity.STILL]] += len(epochs)
        self.posture_s[POSTURES[epochs[0].posture]] += len(epochs)
        sagittal_deg = [epoch.sagittal_deg for epoch in epochs if epoch.sagittal_deg is not None]
        # One by one as `add` does it, which newer Pythons' sum does not.
        self.sum_deg = reduce(add, sagittal_deg, self.sum_deg)
        self.max_deg = max(sagittal_deg if self.max_deg is None else (self.max_deg, *sagittal_deg))


def roll_up(minute: OpenMinute | None, epoch: Epoch) -> tuple[OpenMinute, Minute | None]:
    """Add an epoch; return the open minute and, when the epoch begins another, the one that it closes."""
    start_ns = epoch.start_ns - epoch.start_ns % MINUTE_NS
    if minute is not None and minute.start_ns == start_ns:
        return minute.add(epoch), None
    return OpenMinute(start_ns).add(epoch), minute.close() if minute is not None else None


def roll_up_run(minute: OpenMinute | None, epochs: Sequence[Epoch]) -> tuple[OpenMinute | None, list[Minute]]:
    """Do the same for successive epochs that are alike: all still, of one posture, with an angle."""
    closed: list[Minute] = []
    begin = 0
    while begin < len(epochs):
        minute, over = roll_up(minute, epochs[begin])
        if over is not None:
            closed.append(over)
        end = begin + (minute.start_ns + MINUTE_NS - epochs[begin].start_ns) // SECOND_NS
        if rest := epochs[begin + 1 : end]:
            minute.add_run(rest)
        begin = end
    return minute, closed
