"""Epochs and alerts of a wearer → all figures of a period at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from processing.exposure.angles import Bands, Percentiles, angle_percentiles, bands, speed_percentiles
from processing.exposure.balance import Balance, balance
from processing.exposure.bouts import Bouts, bouts
from processing.exposure.breaks import Breaks, breaks
from processing.exposure.columns import EpochColumns
from processing.exposure.days import DaySummary, day_summaries
from processing.exposure.local_time import Zone, local_time
from processing.exposure.recovery import Recovery, recovery
from processing.exposure.variation import Variation, variation
from processing.exposure.week import Week, week
from processing.outputs import Posture


@dataclass(frozen=True, slots=True)
class Exposure:
    """Everything; each part says on how much judged time it rests."""

    balance: Balance
    bands: Bands
    angle_deg: Percentiles
    speed_degps: Percentiles
    variation: Variation
    slouched: Bouts
    upright: Bouts
    breaks: Breaks
    recovery: Recovery
    week: Week
    days: tuple[DaySummary, ...]


def expose(columns: EpochColumns, alerts_ns: Sequence[int], zone: Zone) -> Exposure:
    """Work it all out; `alerts_ns` are the times of the alerts, `zone` is the wearer's."""
    local = local_time(columns.start_ns, zone)
    return Exposure(
        balance=balance(columns),
        bands=bands(columns),
        angle_deg=angle_percentiles(columns),
        speed_degps=speed_percentiles(columns),
        variation=variation(columns),
        slouched=bouts(columns, Posture.SLOUCHED),
        upright=bouts(columns, Posture.UPRIGHT),
        breaks=breaks(columns),
        recovery=recovery(columns, alerts_ns),
        week=week(columns, local),
        days=day_summaries(columns, local),
    )
