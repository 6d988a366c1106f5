"""What arrived in a second → an epoch; a minute's epochs → its roll-up."""

from dataclasses import dataclass

import numpy as np

from processing.activity import Features
from processing.outputs import Activity, Epoch, Minute, Posture

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS


@dataclass(frozen=True, slots=True)
class OpenEpoch:
    """The second that is under way."""

    second: int
    """Whole seconds since the Unix epoch."""
    missing: int = 0
    corrupt: int = 0
    features: tuple[Features, ...] = ()
    """Of the samples received so far, block by block."""

    def add(self, features: Features, *, missing: int, corrupt: int) -> "OpenEpoch":
        """Return the epoch with more of its second."""
        parts = (*self.features, features) if len(features.magnitude_g) else self.features
        return OpenEpoch(self.second, self.missing + missing, self.corrupt + corrupt, parts)

    @property
    def received(self) -> int:
        """Return how many samples were received so far."""
        return sum(len(part.magnitude_g) for part in self.features)

    def all_features(self) -> Features:
        """Return the features as one, the same however they came in blocks."""
        if len(self.features) == 1:
            return self.features[0]
        if not self.features:
            return Features(np.empty(0), np.empty((0, 3)))
        return Features(
            np.concatenate([part.magnitude_g for part in self.features]),
            np.concatenate([part.angles_deg for part in self.features]),
        )


@dataclass(frozen=True, slots=True)
class OpenMinute:
    """The minute that is under way."""

    start_ns: int
    received: int = 0
    missing: int = 0
    corrupt: int = 0
    activity_s: tuple[int, ...] = (0,) * len(Activity)
    posture_s: tuple[int, ...] = (0,) * len(Posture)
    sum_deg: float = 0.0
    max_deg: float | None = None

    def add(self, epoch: Epoch) -> "OpenMinute":
        """Return the minute with one more epoch."""
        judged = epoch.activity is Activity.STILL and epoch.sagittal_deg is not None
        sagittal_deg = epoch.sagittal_deg if judged and epoch.sagittal_deg is not None else None
        max_deg = self.max_deg
        if sagittal_deg is not None:
            max_deg = sagittal_deg if max_deg is None else max(max_deg, sagittal_deg)
        return OpenMinute(
            self.start_ns,
            self.received + epoch.received,
            self.missing + epoch.missing,
            self.corrupt + epoch.corrupt,
            tuple(n + (kind is epoch.activity) for kind, n in zip(Activity, self.activity_s, strict=True)),
            tuple(n + (kind is epoch.posture) for kind, n in zip(Posture, self.posture_s, strict=True)),
            self.sum_deg + (sagittal_deg or 0.0),
            max_deg,
        )

    def close(self) -> Minute:
        """Return the finished roll-up."""
        judged_s = self.activity_s[list(Activity).index(Activity.STILL)]
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


def roll_up(minute: OpenMinute | None, epoch: Epoch) -> tuple[OpenMinute, Minute | None]:
    """Add an epoch; return the open minute and, when the epoch begins another, the one that it closes."""
    start_ns = epoch.start_ns - epoch.start_ns % MINUTE_NS
    if minute is not None and minute.start_ns == start_ns:
        return minute.add(epoch), None
    return OpenMinute(start_ns).add(epoch), minute.close() if minute is not None else None
