"""Exposure, as laws: sums that must close, order, cuts that must not matter, and the same by plain loops."""

import math
import re
import statistics
from collections import Counter
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from processing.activity import BREAK_S, MOVEMENT
from processing.exposure.angles import angle_percentiles, bands, speed_percentiles
from processing.exposure.balance import balance
from processing.exposure.bouts import bouts, gini
from processing.exposure.breaks import breaks
from processing.exposure.columns import EpochColumns
from processing.exposure.local_time import local_time
from processing.exposure.recovery import WITHIN_S, recovery
from processing.exposure.summary import expose
from processing.exposure.variation import variation
from processing.exposure.week import week
from processing.outputs import Activity, Epoch, Posture
from tests.processing.exposure.written import MONDAY_NS, SECOND_NS, epochs, lines, written

BERLIN = ZoneInfo("Europe/Berlin")


# ---- sums ------------------------------------------------------------------------------------------------------------


@given(lines())
def test_every_second_is_counted_once(line: str) -> None:
    """Bands, the matrix, the bouts, the week and the days all add up to the judged time, and that to the time worn."""
    found = expose(written(line), [], BERLIN)
    judged_s = sum(letter in "uvsSb" for letter in line)
    assert found.balance.judged_s == judged_s
    assert sum(n for _, n in found.balance.activity_s) == found.balance.seconds == len(line) - line.count("_")
    assert sum(found.bands.seconds) == found.bands.judged_s == judged_s
    assert tuple(map(sum, found.variation.seconds)) == found.bands.seconds
    assert found.angle_deg.judged_s == found.variation.judged_s == found.slouched.judged_s == judged_s
    assert sum(map(sum, found.week.judged_s)) == judged_s
    assert sum(map(sum, found.week.slouched_s)) == found.balance.slouched_s
    assert sum(map(sum, found.week.worn_s)) == found.balance.worn_s
    assert sum(day.judged_s for day in found.days) == judged_s
    assert sum(day.seconds for day in found.days) == found.balance.seconds


@given(lines())
def test_cut_time_is_part_of_the_matrix(line: str) -> None:
    """No cell has more cut seconds than seconds."""
    found = variation(written(line))
    for row, cut in zip(found.seconds, found.cut_s, strict=True):
        assert all(0 <= c <= s for s, c in zip(row, cut, strict=True))


@given(lines(), lines())
def test_the_time_of_two_parts_adds_up(first: str, second: str) -> None:
    """What counts seconds alone may be worked out part by part, a month day by day."""
    begin_ns = MONDAY_NS + len(first) * SECOND_NS
    parts = written(first), written(second, begin_ns)
    whole = written(first + second)
    first_s, second_s = (np.array(bands(part).seconds) for part in parts)
    assert bands(whole).seconds == tuple((first_s + second_s).tolist())
    tables = [np.array(week(of, local_time(of.start_ns, BERLIN)).slouched_s) for of in (*parts, whole)]
    assert (tables[0] + tables[1]).tolist() == tables[2].tolist()


# ---- order, cuts -----------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-90, 90), min_size=1, max_size=200))
def test_percentiles_are_in_order(angles_deg: list[float]) -> None:
    """10th <= 50th <= 90th, all within what was seen, and the gap is between the outer two."""
    columns = EpochColumns.of(
        (MONDAY_NS + n * SECOND_NS, "still", "upright", deg) for n, deg in enumerate(angles_deg)
    )
    for found, low, high in (
        (angle_percentiles(columns), min(angles_deg), max(angles_deg)),
        (speed_percentiles(columns), 0, 180),
    ):
        if found.judged_s:
            assert found.p10 is not None
            assert found.p50 is not None
            assert found.p90 is not None
            assert low - 1e-9 <= found.p10 <= found.p50 <= found.p90 <= high + 1e-9
            assert found.gap == found.p90 - found.p10


@given(lines())
def test_unknown_time_never_makes_a_figure_better(line: str) -> None:
    """Where an upright second turns into a gap, no bout gets shorter and no more alerts are said to be answered."""
    alerts_ns = [MONDAY_NS + s * SECOND_NS for s in range(0, 400, 50)]
    hidden = line.replace("u", "g")
    known, unknown = written(line), written(hidden)
    assert bands(unknown).judged_s == bands(known).judged_s - line.count("u")
    assert bouts(unknown).longest_s == bouts(known).longest_s
    assert bouts(unknown).cut >= bouts(known).cut
    told, untold = recovery(known, alerts_ns), recovery(unknown, alerts_ns)
    assert untold.recovered <= told.recovered
    assert untold.stayed == told.stayed
    assert untold.share_at_most is not None
    assert told.share_at_least is not None
    assert untold.share_at_most >= told.share_at_least


@given(lines())
def test_what_is_not_judged_may_hold_any_angle(line: str) -> None:
    """Angles of moving, lying or unworn seconds are in no figure."""
    known = written(line)
    angle = np.where(known.judged, known.sagittal_deg, np.nan)
    without = EpochColumns(known.start_ns, known.activity, known.posture, angle)
    assert expose(without, [], BERLIN) == expose(known, [], BERLIN)


# ---- the same by plain loops -----------------------------------------------------------------------------------------


def plain_runs(line: str, label: dict[str, str]) -> list[tuple[str, int, bool]]:
    """Return (label, seconds, cut) of each run of letters with the same label; letters without one are unknown."""
    groups = [(key, len(list(group))) for key, group in groupby(line, label.get)]
    found = []
    for place, (key, seconds) in enumerate(groups):
        neighbours = [groups[at][0] if 0 <= at < len(groups) else None for at in (place - 1, place + 1)]
        if key is not None:
            found.append((key, seconds, None in neighbours))
    return found


@given(lines())
@example("s" * 300 + "u" * 60)
def test_the_matrix_is_that_of_a_plain_loop(line: str) -> None:
    """Runs of one band, second by second."""
    found = variation(written(line))
    cells: Counter[tuple[int, int]] = Counter()
    cut: Counter[tuple[int, int]] = Counter()
    for band, seconds, is_cut in plain_runs(line, {"b": "0", "u": "1", "v": "1", "s": "2", "S": "3"}):
        column = sum(seconds > limit for limit in found.held_s)
        cells[int(band), column] += seconds
        cut[int(band), column] += seconds * is_cut
    for row in range(6):
        for column in range(8):
            assert found.seconds[row][column] == cells[row, column]
            assert found.cut_s[row][column] == cut[row, column]


@given(lines())
def test_bouts_are_those_of_a_plain_loop(line: str) -> None:
    """Number, median, longest, cut, and Gini as the mean difference of all pairs."""
    found = bouts(written(line))
    label = {"b": "u", "u": "u", "v": "u", "s": "s", "S": "s"}
    ours = [(seconds, cut) for key, seconds, cut in plain_runs(line, label) if key == "s"]
    lengths = [seconds for seconds, _ in ours]
    assert found.count == len(lengths)
    assert found.cut == sum(cut for _, cut in ours)
    assert found.sustained == sum(seconds >= 60 for seconds in lengths)
    if lengths:
        assert found.median_s == statistics.median(lengths)
        assert found.longest_s == max(lengths)
        pairs = sum(abs(a - b) for a in lengths for b in lengths)
        assert found.gini is not None
        assert math.isclose(found.gini, pairs / (2 * len(lengths) * sum(lengths)), abs_tol=1e-9)


@given(st.lists(st.integers(1, 10_000), min_size=1))
def test_gini_has_its_bounds_and_no_unit(lengths: list[int]) -> None:
    """From 0 to less than 1; minutes give the same as seconds."""
    found = gini(np.array(lengths))
    assert found is not None
    assert -1e-12 <= found < 1
    assert math.isclose(found, gini(np.array(lengths) * 60) or 0.0, abs_tol=1e-9)


def plain_breaks(line: str) -> tuple[int, list[tuple[int, bool]]]:
    """Return how many breaks, and of each still stretch its seconds and whether it is cut.

    Moving for 20 s and more, with no 20 s of unknown time in it, is a break; a stretch is still time without 20 s in
    a row of anything else, and whole if a break is at either end of it, with no 20 s of unknown time between.
    """
    kinds = {each.start_ns: each.activity for each in epochs(line)}
    told = [kinds.get(MONDAY_NS + s * SECOND_NS, Activity.GAP) for s in range(len(line))]
    words = ["m" if k in MOVEMENT else "?" if k in {Activity.GAP, Activity.NOT_WORN} else "s" for k in told]
    present = [s for s in range(len(line)) if MONDAY_NS + s * SECOND_NS in kinds]
    words = words[present[0] : present[-1] + 1] if present else []
    text = "".join(words)
    moved = [found.span() for found in re.finditer(rf"m(?:\?{{0,{BREAK_S - 1}}}m)*", text)]
    of_break = [(begin, end) for begin, end in moved if text[begin:end].count("m") >= BREAK_S]
    stretches = []
    for found in re.finditer(rf"s(?:[m?]{{0,{BREAK_S - 1}}}s)*", text):
        is_after = any(
            0 <= found.start() - end < BREAK_S and "s" not in text[end : found.start()] for _, end in of_break
        )
        is_before = any(
            0 <= begin - found.end() < BREAK_S and "s" not in text[found.end() : begin]
            for begin, _ in of_break
        )
        stretches.append((found.end() - found.start(), not (is_after and is_before)))
    return len(of_break), stretches


@given(lines())
@example("s" + "m" * 12 + "_" * 40 + "m" * 12 + "s")
def test_breaks_are_those_of_a_plain_loop(line: str) -> None:
    """Count, the median of whole stretches, the longest one."""
    found = breaks(written(line))
    count, stretches = plain_breaks(line)
    whole = [seconds for seconds, is_cut in stretches if not is_cut]
    assert found.count == count
    assert found.longest_without_s == max((seconds for seconds, _ in stretches), default=None)
    assert found.median_between_s == (statistics.median(whole) if whole else None)


def plain_recovery(seconds: list[Epoch], alert_ns: int) -> str:
    """Say what is seen after an alert."""
    watched = [each for each in seconds if alert_ns <= each.start_ns < alert_ns + WITHIN_S * SECOND_NS]
    if any(each.posture is Posture.UPRIGHT for each in watched):
        return "recovered"
    judged = [each for each in watched if each.activity is Activity.STILL]
    return "stayed" if len(judged) == WITHIN_S else "unseen"


@given(lines(), st.lists(st.integers(0, 600_000), max_size=5))
def test_recovery_is_that_of_a_plain_loop(line: str, alerts_ms: list[int]) -> None:
    """Recovered, stayed and unseen, alert by alert, at any moment of a second."""
    alerts_ns = [MONDAY_NS + ms * 10**6 for ms in alerts_ms]
    found = recovery(written(line), alerts_ns)
    told = Counter(plain_recovery(epochs(line), alert_ns) for alert_ns in alerts_ns)
    assert (found.recovered, found.stayed, found.unseen) == (
        told["recovered"],
        told["stayed"],
        told["unseen"],
    )
    assert found.alerts == len(alerts_ms)


@given(lines())
def test_the_balance_is_that_of_a_plain_loop(line: str) -> None:
    """Worn are all but gaps and unworn seconds."""
    found = balance(written(line))
    assert found.worn_s == sum(letter not in "gn_" for letter in line)
    assert found.slouched_s == sum(letter in "sS" for letter in line)
