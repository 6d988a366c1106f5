"""How a service fares, settings that changed, and visits: what those who look after many wearers read."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neckline.commands import machine
from neckline.configuration.config import Config
from neckline.configuration.in_force import in_force
from neckline.exits import Exit
from neckline.watching.service import Service
from neckline.wearing.health import silent_s
from processing.outputs import Event, EventKind
from storage.reader import JournalReader
from storage.schema import EVENT, HEALTH
from tests import virtual_time
from tests.neckline.conftest import WEARER, Home, Said
from tests.neckline.services import (
    ONE_SLOUCH,
    SETTINGS,
    STREAM,
    calibrated,
    ran,
    rows,
    until_s,
    worn_clip,
)
from tests.sensor.worlds import radio

if TYPE_CHECKING:
    from sensor.virtual.clip import VirtualClip

pytestmark = radio

Neckline = Callable[..., Said]
HOUR_NS = 3600 * 10**9
DAY = ((9 * HOUR_NS, 17 * HOUR_NS), (33 * HOUR_NS, 41 * HOUR_NS))
"""Two days' hours, from nine to five."""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Give a journal with a reference."""
    return calibrated(tmp_path / "journal.db")


@pytest.mark.parametrize(
    ("now_h", "last_h", "hours", "expected_h"),
    [
        (12.0, 11.5, DAY, 0.5),
        (12.0, 12.0, DAY, 0.0),
        (12.0, 12.1, DAY, 0.0),
        (12.0, 8.9, DAY, None),
        (12.0, None, DAY, None),
        (18.0, 16.0, DAY, None),
        (34.0, 16.9, DAY, None),
        (34.0, 33.5, DAY, 0.5),
        (12.0, 11.0, (), None),
        (12.0, 11.0, None, None),
    ],
)
def test_only_a_clip_that_was_heard_in_its_hours_can_be_silent(
    now_h: float, last_h: float | None, hours: tuple[tuple[int, int], ...] | None, expected_h: float | None
) -> None:
    """A clip that stays in its drawer, evenings, and days without hours are no silence."""
    last_ns = None if last_h is None else round(last_h * HOUR_NS)
    found = silent_s(round(now_h * HOUR_NS), last_ns, hours)
    assert found == (None if expected_h is None else pytest.approx(expected_h * 3600))


def test_each_minute_leaves_a_row_of_how_it_fares(journal: Path) -> None:
    """Link, doubt, rows that wait; the minute is the row's time, so that none is there twice."""

    async def happens(service: Service, clip: "VirtualClip") -> None:
        await until_s(150.0, clip)

    one = sum(lasts for _, lasts in ONE_SLOUCH)
    ran(journal, worn_clip([*ONE_SLOUCH] * round(160 / one)), happens)
    found = rows(journal, HEALTH)
    assert len(found) >= 2
    assert all(row.time_ns % (60 * 10**9) == 0 for row in found)
    assert len({row.time_ns for row in found}) == len(found)
    assert {row.link for row in found} == {"streaming"}
    assert {row.doubted for row in found} == {0}
    assert {row.backlog_rows for row in found} == {None}
    assert {row.silent_s for row in found} == {None}


def test_only_what_differs_from_the_defaults_is_in_force() -> None:
    """In one line; nothing at all for a configuration that sets nothing."""
    assert not in_force(Config())
    config = Config.model_validate(
        {"detector": {"hold_s": 90.0}, "alerts": {"mode": "track", "schedule": ["mon-fri 08:30-18:00"]}}
    )
    assert in_force(config) == "hold_s 90.0, mode track, alerts at mon-fri 08:30-18:00"


def test_changed_settings_are_noted_once(journal: Path) -> None:
    """At the first start with them, not at the next with the same, and again when they go back."""
    plain = {"wearer": SETTINGS["wearer"]}
    for settings, later_s in ((SETTINGS, 0.0), (SETTINGS, 100.0), (plain, 200.0)):
        ran(journal, worn_clip(ONE_SLOUCH), settings=settings, later_s=later_s)
    changes = [event.note for event in rows(journal, EVENT) if event.kind is EventKind.SETTINGS_CHANGED]
    assert changes == [in_force(Config.model_validate(SETTINGS)), ""]
    assert "hold_s 10.0" in changes[0]


def test_a_running_service_notes_a_visit(journal: Path) -> None:
    """It is stored when the call returns, and the wearer is not told."""
    noted: list[Event] = []

    async def happens(service: Service, clip: "VirtualClip") -> None:
        await until_s(20.0, clip)
        await service.visit(virtual_time.START_NS + 5 * 10**9)
        noted.extend(rows(journal, EVENT))

    run = ran(journal, worn_clip(ONE_SLOUCH), happens)
    (visit,) = (event for event in noted if event.kind is EventKind.VISIT)
    assert visit.time_ns == virtual_time.START_NS + 5 * 10**9
    assert len(run.told.messages) == 1  # of the slouch


def test_visits_are_noted_without_a_service(
    neckline: Neckline, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Now, or on a day that was; a day to come and what is no date are refused with a sentence."""
    home.set()
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(machine, "utc_ns", lambda: 1_772_450_000 * 10**9)  # 2026-03-02T11:13:20Z
    for words in ([], ["2026-02-27T10:00+00:00"]):
        assert neckline("visit", *words).code == Exit.OK
    for words, says in ((["2026-03-09"], "still to come"), (["yesterday"], "no date")):
        said = neckline("visit", *words)
        assert said.code == Exit.USAGE
        assert says in said.err
    with JournalReader.open(home.journal) as reader:
        (stream,) = reader.streams()
        visits = [event for event in reader.read(EVENT, stream) if event.kind is EventKind.VISIT]
    assert stream.wearer == WEARER
    assert [visit.time_ns for visit in visits] == [1_772_186_400 * 10**9, 1_772_450_000 * 10**9]
    assert [visit.note for visit in visits] == ["2026-02-27T10:00:00Z", "2026-03-02T11:13:20Z"]


def test_the_newest_event_of_a_kind_is_found_beneath_all_others(journal: Path) -> None:
    """However many events of other kinds came later."""
    ran(journal, worn_clip(ONE_SLOUCH))
    with JournalReader.open(journal) as reader:
        last = reader.last(EVENT, STREAM, kind=EventKind.SETTINGS_CHANGED.value)
        assert last is not None
        assert last.kind is EventKind.SETTINGS_CHANGED
        assert reader.last(EVENT, STREAM, kind=EventKind.VISIT.value) is None
        newest = reader.last(EVENT, STREAM)
        assert newest is not None
        assert newest.kind is EventKind.SLOUCH_ENDED
