"""Weeks of wearers, forwarded to an InfluxDB: what a replay of a person gave, day after day, and what services add to it."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.sitting_postures import Label, people
from neckline.wearing.visiting import visit_at
from processing.calibration import calibrate
from processing.outputs import Activity, Epoch, Event, EventKind, Minute, Posture
from processing.settings import Settings
from processing.state import WearerState
from processing.step import finish, step
from sensor.samples import BatteryReading
from storage.answer import Verdict
from storage.entries import Stream
from storage.influxdb import InfluxSink
from storage.lines import line_of
from storage.schema import Record, ServiceHealth, kind_of
from tests.processing.people import START_NS
from tests.storage.servers import Server
from tests.storage.sittings import sitting

MINUTE_NS, DAY_NS = 60 * 10**9, 86_400 * 10**9
DAYS = 15
"""Two weeks and a day: what is read from week to week has two of them."""
BATCH = 4000
STILL = Minute(0, 3000, 0, 0, ((Activity.STILL, 60),), 30, 30, 0, 5.0, 20.0)
UNWORN = Minute(0, 3000, 0, 0, ((Activity.NOT_WORN, 60),), 0, 0, 60, None, None)
"""Minutes, half of the first slouched."""


def store(server: Server, stream: Stream, records: Iterable[Record]) -> None:
    """Write records as the forwarder does."""
    lines = [line_of(kind_of(each), stream, kind_of(each).to_row(each)) for each in records]
    known = [line for line in lines if line]
    for begin in range(0, len(known), BATCH):
        answer = InfluxSink(server.settings()).write(known[begin : begin + BATCH])
        assert answer.verdict is Verdict.DELIVERED, answer


def shifted(records: Iterable[Record], ns: int) -> list[Record]:
    """Return records as if all had happened later."""
    return [
        replace(record, **{name: value + ns for name, value in _times(record)})  # type: ignore[arg-type]
        for record in records
    ]


def _times(record: Any) -> list[tuple[str, int]]:
    named = [(each.name, getattr(record, each.name)) for each in fields(record) if each.name.endswith("_ns")]
    return [(name, value) for name, value in named if value is not None]


@cache
def recorded(file: Path, person: int) -> tuple[Record, ...]:
    """Return what `step` makes of a recorded person's trials, one after another, calibrated on the first upright one."""
    trials = list(people(file, "t4"))[person]
    upright = next(trial for trial in trials if trial.label is Label.UPRIGHT)
    calibration = calibrate(upright.block(START_NS - DAY_NS)[250:1250])
    settings = Settings(calibration=calibration, hold_s=15.0, refractory_s=0.0)
    state, found = WearerState(), list[Record]()
    for number, trial in enumerate(trials):
        state, outputs = step(state, trial.block(START_NS + number * 30 * 10**9), settings)
        found += (*outputs.epochs, *outputs.minutes, *outputs.episodes, *outputs.events)
    _, outputs = finish(state, settings)
    return (*found, *outputs.epochs, *outputs.minutes, *outputs.episodes, *outputs.events)


@cache
def synthetic() -> tuple[Record, ...]:
    """Return what `step` makes of a synthetic wearer."""
    records = [record for batch in sitting(Stream("w-synthetic", "t4"))[1:] for record in batch.records]
    return tuple(records)


def beside(begin_ns: int, end_ns: int) -> list[Record]:
    """Return what a service adds to a day: battery, health, and the events that are in no sample."""
    middle_ns = (begin_ns + end_ns) // 2
    minutes = range(begin_ns // MINUTE_NS * MINUTE_NS, end_ns, MINUTE_NS)
    lost = Epoch(0, 0, 50, 0, Activity.GAP, Posture.UNKNOWN, None, None, None)
    whole_ns = end_ns // 10**9 * 10**9
    return [
        *(replace(lost, start_ns=whole_ns + second * 10**9) for second in range(1, 30)),
        *(BatteryReading(at, 80.0 - number / 10, 3.9) for number, at in enumerate(minutes)),
        *(ServiceHealth(at, "streaming", 0.0, 0, 80.0, 3, 0, 12, 1.5, 0) for at in minutes),
        Event(middle_ns, EventKind.SIGNAL_LOST, middle_ns - 10**9, note="out_of_reach"),
        Event(middle_ns + 10**10, EventKind.SIGNAL_RETURNED, middle_ns - 10**9),
        Event(begin_ns + 10**9, EventKind.CALIBRATED, note="sitting, threshold 12°"),
        Event(begin_ns + 2 * 10**9, EventKind.CALIBRATION_SUSPECT, note="upright reads 9° forward"),
        Event(middle_ns + 2 * 10**10, EventKind.SNOOZED, end_ns=middle_ns + 4 * 10**10),
    ]


def weeks(day: Sequence[Record], now_ns: int, days: int = DAYS) -> list[Record]:
    """Return a day's records on each of the last days, ending now, with visits, changed settings and what services add."""
    last_ns = max(time_ns for record in day for _, time_ns in _times(record))
    found: list[Record] = []
    for back in range(days):
        end_ns = now_ns - back * DAY_NS - MINUTE_NS
        found += shifted(day, end_ns - last_ns)
        found += beside(end_ns - 9 * MINUTE_NS, end_ns)
    found += [
        visit_at(now_ns - 12 * DAY_NS),
        visit_at(now_ns - 5 * DAY_NS),
        Event(now_ns - 5 * DAY_NS + MINUTE_NS, EventKind.SETTINGS_CHANGED, note="hold_s 90.0"),
    ]
    return found


def seeded(server: Server, now_ns: int, day: Sequence[Record] | None = None) -> Stream:
    """Store two weeks of a wearer who was worn every day; return whose."""
    stream = server.stream()
    store(server, stream, weeks(synthetic() if day is None else day, now_ns))
    return stream


# ---- weeks for the rules -----------------------------------------------------------------------------------------------


def week(
    now_ns: int,
    *,
    worn_h: float,
    slouched_part: float = 0.0,
    days: int = 7,
    last: ServiceHealth | None = None,
    is_new: bool = False,
    refused: int = 0,
) -> list[Record]:
    """Return the minutes of a week: so long worn on each of the last days, and lying about else; one of the week before."""
    slouched_s = round(60 * slouched_part)
    still = replace(STILL, upright_s=60 - slouched_s, slouched_s=slouched_s)
    now_ns = now_ns // MINUTE_NS * MINUTE_NS
    found: list[Record] = []
    for back in range(days):
        end_ns = now_ns - back * DAY_NS
        for at in range(1, 10 * 60):
            minute = still if at <= worn_h * 60 else UNWORN
            found.append(replace(minute, start_ns=end_ns - at * MINUTE_NS))
    if not is_new:
        found.append(replace(still, start_ns=now_ns - 8 * DAY_NS))
    if last is not None:
        found += [replace(last, time_ns=now_ns - at * MINUTE_NS) for at in (1, 2, 3)]
        found.append(replace(last, time_ns=now_ns - 600 * MINUTE_NS, dead_letters=refused))
    return found
