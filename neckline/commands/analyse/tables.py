"""Exposure → tables for people. Every share is of judged time, which stands beside it."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from itertools import pairwise

from neckline.commands.analyse.words import UNKNOWN, degrees, percent, seconds_word, share
from neckline.commands.output import give, give_table
from neckline.screen.words import ACTIVITY_WORDS, clock, count, span
from processing.activity import BREAK_S
from processing.exposure.angles import Bands, Percentiles
from processing.exposure.balance import NOT_ON_A_WEARER, Balance
from processing.exposure.bouts import Bouts
from processing.exposure.breaks import Breaks
from processing.exposure.change import Change, Measure
from processing.exposure.days import VALID_DAY_S, VALID_DAYS, DaySummary
from processing.exposure.recovery import WITHIN_S, Recovery
from processing.exposure.summary import Exposure
from processing.exposure.variation import Variation
from processing.exposure.week import Week
from processing.outputs import Activity

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LEAST_CELL_S = 300
"""Less judged time than this in an hour of the week is told as a dot: a share of it says nothing."""
MEASURES = {Measure.SLOUCHED_SHARE: "slouched, of judged", Measure.P50_DEG: "median angle"}


def show_exposure(exposure: Exposure, zone: tzinfo) -> None:
    """Give all of it."""
    _balance(exposure.balance)
    _bands(exposure.bands)
    _percentiles(exposure.angle_deg, exposure.speed_degps)
    _variation(exposure.variation)
    _bouts(exposure.slouched, zone)
    _breaks(exposure.breaks, zone)
    _recovery(exposure.recovery)
    _week(exposure.week)
    _days(exposure.days)


def show_changes(
    names: tuple[str, str], exposures: tuple[Exposure, Exposure], changes: Sequence[Change]
) -> None:
    """Give what changed between two periods."""
    rows = [
        (
            "valid days",
            *(f"{sum(d.is_valid for d in each.days)} of {len(each.days)}" for each in exposures),
            "",
            "",
            "",
        ),
        ("judged, of valid days", *(span(judged_s) for judged_s in changes[0].judged_s), "", "", ""),
        *(_change(each) for each in changes),
    ]
    give_table(("", *names, "change", f"{changes[0].level:.0%} interval", ""), rows)
    if not all(each.is_known for each in changes):
        first, second = changes[0].valid_days
        give(
            f"Too few valid days: {first} and {second}, and each period needs {VALID_DAYS} "
            f"with {span(VALID_DAY_S)} judged. No change can be told."
        )
    else:
        give(
            "Means over valid days; the interval is by resampling days. Another calibration shifts angles, too."
        )


def _change(change: Change) -> tuple[str, ...]:
    if change.difference is None or change.low is None or change.high is None:
        return MEASURES[change.measure], UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, "not known"
    if change.measure is Measure.P50_DEG:
        told = [f"{value:.1f}°" for value in (change.before or 0.0, change.after or 0.0)]
        by = [f"{value:+.1f}°" for value in (change.difference, change.low, change.high)]
    else:
        told = [share(change.before), share(change.after)]
        by = [f"{100 * value:+.0f}" for value in (change.difference, change.low, change.high)]
        by[0] += " points"
    return MEASURES[change.measure], *told, by[0], f"{by[1]} to {by[2]}", _verdict(change)


def _verdict(change: Change) -> str:
    if change.is_clear:
        return "a change"
    if change.is_sure:
        return f"too small to tell from the pose (up to {change.measure.least:.0f}°)"
    return "no clear change"


# ---- one period ------------------------------------------------------------------------------------------------------


def _balance(balance: Balance) -> None:
    parts = [
        f"{ACTIVITY_WORDS[kind]} {percent(seconds, balance.worn_s)}"
        for kind, seconds in balance.activity_s
        if kind not in (Activity.STILL, *NOT_ON_A_WEARER)
    ]
    give(
        f"worn {span(balance.worn_s)}, judged {span(balance.judged_s)} "
        f"({percent(balance.judged_s, balance.worn_s)})" + (f"; {', '.join(parts)}" if parts else "")
    )
    give(
        f"slouched {span(balance.slouched_s)}, {percent(balance.slouched_s, balance.judged_s)} of judged time"
    )
    give("")


def _band_names(edges_deg: Sequence[float]) -> list[str]:
    inner = [f"{low:.0f} to {high:.0f}°" for low, high in pairwise(edges_deg)]
    return [f"below {edges_deg[0]:.0f}°", *inner, f"{edges_deg[-1]:.0f}° and more"]


def _bands(bands: Bands) -> None:
    rows: list[tuple[str, ...]] = [
        (name, percent(seconds, bands.judged_s), span(seconds))
        for name, seconds in zip(_band_names(bands.edges_deg), bands.seconds, strict=True)
    ]
    give_table(("angle", "share", f"of {span(bands.judged_s)}"), rows)
    give("")


def _percentiles(angle: Percentiles, speed: Percentiles) -> None:
    def row(name: str, of: Percentiles, unit: str) -> tuple[str, ...]:
        values = (of.p10, of.p50, of.p90, of.gap)
        return name, *(UNKNOWN if v is None else f"{v:.1f}{unit}" for v in values), span(of.judged_s)

    give_table(
        ("", "10 %", "50 %", "90 %", "gap", "rests on"),
        [row("angle below", angle, "°"), row("change a second below", speed, "°/s")],
    )
    give("")


def _variation(variation: Variation) -> None:
    held = [f"≤ {limit} s" for limit in variation.held_s[:-1]]
    heads = ("held unbroken", *held, f"≤ {variation.held_s[-1] // 60} min", "longer", "of it cut")
    rows = [
        (
            name,
            *(percent(cell, variation.judged_s) for cell in cells),
            percent(sum(cut), sum(cells)),
        )
        for name, cells, cut in zip(
            _band_names(variation.edges_deg), variation.seconds, variation.cut_s, strict=True
        )
    ]
    give_table(heads, rows)
    give("")


def _bouts(bouts: Bouts, zone: tzinfo) -> None:
    if not bouts.count or bouts.longest_ns is None:
        give("slouched bouts    none")
        return
    longest = f"{seconds_word(bouts.longest_s)} ({_when(bouts.longest_ns, zone)})"
    uneven = f", Gini {bouts.gini:.2f}" if bouts.gini is not None else ""
    uneven += f", alpha {bouts.alpha:.2f}" if bouts.alpha is not None else ""
    give(
        f"slouched bouts    {bouts.count}, {bouts.per_judged_h:.1f} a judged hour, {bouts.sustained} of a minute "
        f"and more; median {seconds_word(bouts.median_s)}, 90 % up to {seconds_word(bouts.p90_s)}, "
        f"longest {longest}{uneven}; {bouts.cut} cut by unknown time"
    )


def _breaks(breaks: Breaks, zone: tzinfo) -> None:
    told = f"breaks            {breaks.count} of {BREAK_S} s moving and more"
    if breaks.median_between_s is not None:
        told += f", half of them within {seconds_word(breaks.median_between_s)} of the one before"
    if breaks.longest_without_ns is not None:
        at_least = "at least " if breaks.is_longest_cut else ""
        when = _when(breaks.longest_without_ns, zone)
        told += f"; longest without one {at_least}{seconds_word(breaks.longest_without_s)} ({when})"
    give(told)


def _recovery(recovery: Recovery) -> None:
    if not recovery.alerts:
        give("after alerts      none was given")
    else:
        median = f", half of them within {recovery.median_s:.0f} s" if recovery.median_s is not None else ""
        give(
            f"after alerts      upright within {WITHIN_S} s after {recovery.recovered} of "
            f"{count(recovery.alerts, 'alert')}{median}; {recovery.stayed} stayed, {recovery.unseen} not seen "
            f"({share(recovery.share_at_least)} to {share(recovery.share_at_most)})"
        )
    give("")


def _week(week: Week) -> None:
    hours = [hour for hour in range(24) if any(row[hour] for row in week.judged_s)]
    if not hours:
        return

    def cell(weekday: int, hour: int) -> str:
        if week.judged_s[weekday][hour] >= LEAST_CELL_S:
            return share(week.slouched_share(weekday, hour))
        return "·" if week.judged_s[weekday][hour] else ""

    span_of_hours = range(hours[0], hours[-1] + 1)
    rows = [(name, *(cell(day, hour) for hour in span_of_hours)) for day, name in enumerate(WEEKDAYS)]
    give_table(("slouched at", *(f"{hour:02d}" for hour in span_of_hours)), rows)
    give("")


def _days(days: Sequence[DaySummary]) -> None:
    rows: list[tuple[str, ...]] = [
        (
            f"{day.day:%a} {day.day}",
            span(day.worn_s),
            span(day.judged_s),
            share(day.slouched_share),
            degrees(day.p50_deg),
            "" if day.is_valid else "too little judged",
        )
        for day in days
    ]
    give_table(("day", "worn", "judged", "slouched", "median", ""), rows)
    valid = sum(day.is_valid for day in days)
    if valid < VALID_DAYS:
        give(
            f"{count(valid, 'valid day')} (with {span(VALID_DAY_S)} judged): "
            f"fewer than {VALID_DAYS} say little about a usual week"
        )


def _when(time_ns: int, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(time_ns // 10**9, zone):%Y-%m-%d} {clock(time_ns, zone)}"
