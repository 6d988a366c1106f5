"""What a day and a run came to; over midnight, and as the journal remembers it."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neckline.configuration.schedule import midnight_ns
from neckline.wearing.memory import remember
from neckline.wearing.status import Today
from neckline.wearing.tally import DayTally, Tally
from processing.epochs import OpenMinute
from processing.outputs import Activity, Epoch, Event, EventKind, Posture
from storage.entries import Batch
from storage.journal import Journal
from storage.reader import JournalReader
from tests.neckline.services import STREAM

BERLIN = ZoneInfo("Europe/Berlin")
S = 10**9
MIDNIGHT_NS = round(datetime(2026, 3, 29, tzinfo=BERLIN).timestamp()) * S
"""Of a day of 23 hours."""
NEXT_NS = MIDNIGHT_NS + 23 * 3600 * S


def epoch(start_ns: int, posture: Posture = Posture.UPRIGHT) -> Epoch:
    """Return a second."""
    activity = Activity.WALKING if posture is Posture.UNKNOWN else Activity.STILL
    return Epoch(start_ns, 40, 7, 3, activity, posture, None, None, None)


def test_each_posture_and_each_alert_is_counted() -> None:
    """And the balance of samples."""
    records: list[Epoch | Event] = [
        *(epoch(k * S) for k in range(3)),
        *(epoch(k * S, Posture.SLOUCHED) for k in range(3, 8)),
        epoch(8 * S, Posture.UNKNOWN),
        *(Event(9 * S, kind) for kind in EventKind),
        Event(10 * S, EventKind.SLOUCH_STARTED),
    ]
    assert Tally().count(records) == Tally(Today(3, 5, 1, 2, 2, 1), 9 * 40, 9 * 7, 9 * 3)


def test_a_day_ends_at_its_local_midnight() -> None:
    """Its last second is its own, also when it is told after midnight; the next day begins with nothing."""
    day = DayTally(NEXT_NS - 10 * S, BERLIN, Tally(Today(upright_s=5)))
    day.count([epoch(NEXT_NS - 2 * S), Event(NEXT_NS - 1, EventKind.SLOUCH_ALERT)])
    assert day.at(NEXT_NS - 1) == Today(upright_s=6, alerts=1)
    assert day.at(NEXT_NS) == Today()
    day.count([epoch(NEXT_NS - S), epoch(NEXT_NS), Event(NEXT_NS, EventKind.SLOUCH_ALERT)])
    assert day.at(NEXT_NS + S) == Today(upright_s=1, alerts=1)


def test_a_clock_that_is_set_back_to_another_day_makes_that_today() -> None:
    """What is counted then is of that day; a record that is merely late turns nothing back."""
    day = DayTally(NEXT_NS + 10 * S, BERLIN, Tally(Today(upright_s=5)))
    day.count([epoch(NEXT_NS - S)])
    assert day.at(NEXT_NS + 11 * S) == Today(upright_s=5)
    assert day.at(NEXT_NS - 3600 * S) == Today()
    day.count([epoch(NEXT_NS - 3600 * S)])
    assert day.at(NEXT_NS - 3599 * S) == Today(upright_s=1)


POSTURES = st.lists(st.sampled_from(Posture), min_size=1, max_size=200)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for journals."""
    return tmp_path_factory.mktemp("journals")


@given(postures=POSTURES, before_s=st.integers(0, 150), alerts=st.sets(st.integers(0, 199)))
def test_a_restart_knows_the_day_so_far(
    folder: Path, postures: list[Posture], before_s: int, alerts: set[int]
) -> None:
    """From minutes, and the seconds in no whole minute yet: what counting all along would have come to, of today alone."""
    start_ns = MIDNIGHT_NS - before_s * S
    epochs = [epoch(start_ns + k * S, posture) for k, posture in enumerate(postures)]
    events = [Event(start_ns + k * S, EventKind.SLOUCH_ALERT) for k in alerts if k < len(epochs)]
    now_ns = epochs[-1].start_ns + S
    minutes, minute = [], None
    for each in epochs:
        begin_ns = each.start_ns // (60 * S) * 60 * S
        if minute is not None and minute.start_ns != begin_ns:
            minutes.append(minute.close())
            minute = None
        minute = (minute or OpenMinute(begin_ns)).add(each)
    path = folder / f"{len(list(folder.iterdir()))}.db"
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(STREAM, (*epochs, *minutes, *events))])
    with JournalReader.open(path) as reader:
        memory = remember(reader, STREAM, now_ns, BERLIN)

    today_ns = midnight_ns(now_ns, BERLIN)
    counted = Tally().count(
        [*(e for e in epochs if e.start_ns >= today_ns), *(e for e in events if e.time_ns >= today_ns)]
    )
    assert memory.today.seen == counted.seen
    assert memory.last_ns == now_ns
    if now_ns % (60 * S):
        assert memory.minute == minute
