"""What is so now → a row of how the service fares, for those who look after many clips. No I/O, no clock."""

from neckline.wearing.status import Status
from neckline.wearing.wearer import Wearer
from processing.epochs import MINUTE_NS
from processing.outputs import Activity
from storage.schema import ServiceHealth

UNWORN = (Activity.NOT_WORN, Activity.GAP)


def health_of(status: Status, wearer: Wearer) -> ServiceHealth:
    """Return the row of the minute in which the status was taken."""
    influxdb = status.influxdb
    waits_s = None
    if influxdb is not None:
        waits_s = 0.0 if influxdb.oldest_ns is None else max(0.0, (status.time_ns - influxdb.oldest_ns) / 1e9)
    worn = status.now.activity not in UNWORN
    return ServiceHealth(
        time_ns=status.time_ns - status.time_ns % MINUTE_NS,
        link=status.link.state.value if status.link else "",
        silent_s=silent_s(status.time_ns, wearer.state.last_ns, wearer.settings.alert_windows_ns),
        doubted=int(bool(status.suspect)) if worn and status.calibrated_ns is not None else None,
        charge_percent=status.battery.percent if worn and status.battery else None,
        pending_rows=status.journal.pending,
        dropped_epochs=status.journal.dropped_epochs,
        backlog_rows=influxdb.backlog_rows if influxdb else None,
        backlog_s=waits_s,
        dead_letters=influxdb.dead_letters if influxdb else None,
    )


def silent_s(now_ns: int, last_ns: int | None, hours_ns: tuple[tuple[int, int], ...] | None) -> float | None:
    """Return for how long a clip has been silent that was heard in the weekly hours that are now.

    None outside of them, without any, and for a clip that was not heard in them: it is not worn today, and who takes a
    day off is nobody's trouble.
    """
    for begin_ns, end_ns in hours_ns or ():
        if begin_ns <= now_ns < end_ns and last_ns is not None and last_ns >= begin_ns:
            return max(0.0, (now_ns - last_ns) / 1e9)
    return None
