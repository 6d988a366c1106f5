"""A journal of any layout that was ever released is opened, brought up in one step or not at all, and loses nothing."""

import sqlite3
from pathlib import Path

import pytest

from processing.outputs import Activity, EpisodeEnd, Epoch, Event, EventKind, Evidence, Posture, Stance
from storage import tables
from storage.entries import DeadLetter
from storage.errors import JournalError, JournalUnreadableError
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import EPOCH, EVENT, KINDS
from tests.storage.records import ANNA, BERT, START_NS, epoch, one_of_each, second

VERSION_1, VERSION_2, VERSION_3 = (Path(__file__).with_name(f"journal_v{number}.sql") for number in (1, 2, 3))
"""A journal of layout 1, as sqlite3 dumps it: one of each kind, a row replaced, states, a cursor, a dead letter; the
same of layout 2, its epochs removed; and the first of layout 3, with an alert.

They stay as they are for ever. Whoever changes the layout raises tables.VERSION, adds a step, and lays a dump beside it.
"""
ALERT_2 = """INSERT INTO event VALUES (12, 1, 1760000090250000000, 'slouch_alert', 1760000020000000000, NULL, 21.5, '',
13.0, 60.0, 19.5, 24.25, 58, 7.5, 0.98, 'sitting', 'c-1', 3600.0, 1, 1, 750540662)"""
"""An alert as layouts 1 and 2 have it."""
ALERT = Event(
    START_NS + 90_250_000_000,
    EventKind.SLOUCH_ALERT,
    onset_ns=START_NS + 20_000_000_000,
    value=21.5,
    evidence=Evidence(13.0, 60.0, 19.5, 24.25, 58, 7.5, 0.98, Stance.SITTING, "c-1", 3600.0, held_s=70.25),
)
WORDS = {
    Activity: "still moving walking vehicle lying bending leaning transition not_worn gap uncalibrated",
    Posture: "upright slouched unknown",
    EpisodeEnd: "seen censored",
    EventKind: (
        "slouch_started slouch_alert slouch_ended head_forward_started head_forward_alert head_forward_ended "
        "break_prompt calibration_suspect not_worn signal_lost signal_returned battery_low calibrated snoozed "
        "visit settings_changed epochs_removed"
    ),
    Stance: "sitting standing",
}
"""The words that its texts may hold: a new one is a new layout too, or an older neckline stumbles over it."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a journal of layout 1."""
    return made_of(VERSION_1, tmp_path / "journal.db")


def made_of(dump: Path, path: Path) -> Path:
    """Make a file of a dump."""
    connection = sqlite3.connect(path)
    connection.executescript(dump.read_text())
    connection.close()
    return path


def layout(path: Path) -> list[str]:
    """Return what a file is made of."""
    connection = sqlite3.connect(path)
    made = [
        sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql NOTNULL ORDER BY sql")
    ]
    connection.close()
    return made


def test_the_layout_is_the_one_that_its_version_names(path: Path, tmp_path: Path) -> None:
    """A change of storage.schema or of the journal's tables without a new version would leave old files behind."""
    for made in (path, tmp_path / "new.db"):
        Journal.open(made, "test").close()
    assert layout(path) == layout(tmp_path / "new.db")
    assert {enum: words.split() for enum, words in WORDS.items()} == {
        enum: [word.value for word in enum] for enum in WORDS
    }
    assert tables.VERSION == 3
    assert layout(made_of(VERSION_3, tmp_path / "three.db")) == layout(tmp_path / "new.db")


def test_a_journal_of_layout_1_is_read_and_written(path: Path) -> None:
    """To the last record, and nothing in it counts as damaged: checksums mean the same for ever."""
    with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
        assert (journal.last_seq, journal.damage, reader.check()) == (9, (), [])
        assert [*one_of_each(1)] == [record for kind in KINDS for record in reader.read(kind, ANNA)]
        assert [epoch(2)] == [record for kind in KINDS for record in reader.read(kind, BERT)]
        assert (journal.state(ANNA), journal.state(BERT)) == (b"state 1", b"state 2")
        assert reader.backlog("influxdb").cursor == 3
        assert reader.dead_letters("influxdb") == [DeadLetter(2, "minute", "a line", "a reason", START_NS)]
        assert journal.commit([second(3)]) == 10


def test_a_journal_of_layout_2_is_read_and_written(tmp_path: Path) -> None:
    """Its epochs were removed, which is told as an event of each stream and is no damage; all else is there."""
    path = made_of(VERSION_2, tmp_path / "journal.db")
    with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
        assert (journal.last_seq, journal.damage, reader.check()) == (11, (), [])
        assert reader.count(EPOCH) == 0
        expected = [record for record in one_of_each(1) if not isinstance(record, Epoch)]
        found = [record for kind in KINDS for record in reader.read(kind, ANNA)]
        removed = [
            each for each in found if isinstance(each, Event) and each.kind is EventKind.EPOCHS_REMOVED
        ]
        assert [each for each in found if each not in removed] == expected
        assert [(each.value, each.onset_ns, each.end_ns) for each in removed] == [
            (1.0, epoch(1).start_ns, epoch(2).start_ns)
        ]
        assert reader.backlog("influxdb").rows == 5
        assert journal.commit([second(3)]) == 12


def test_alerts_of_layout_2_tell_how_long_they_were_held_and_damage_stays_damage(tmp_path: Path) -> None:
    """What follows from the row is filled in under a new checksum; a row that was altered before is none of ours."""
    path = made_of(VERSION_2, tmp_path / "journal.db")
    connection = sqlite3.connect(path)
    connection.execute(ALERT_2)
    connection.execute("UPDATE event SET note = 'note 2' WHERE seq = 4")
    connection.commit()
    connection.close()
    with Journal.open(path, "test"), JournalReader.open(path) as reader:
        assert [e for e in reader.read(EVENT, ANNA) if e.kind is EventKind.SLOUCH_ALERT] == [ALERT]
        (damage,) = reader.check()
        assert "4" in str(damage)


def test_a_journal_of_layout_3_is_read_and_written(tmp_path: Path) -> None:
    """With its alert."""
    path = made_of(VERSION_3, tmp_path / "journal.db")
    with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
        assert (journal.last_seq, journal.damage, reader.check()) == (10, (), [])
        found = [record for kind in KINDS for record in reader.read(kind, ANNA)]
        assert [each for each in found if each != ALERT] == [*one_of_each(1)]
        assert ALERT in found
        assert journal.commit([second(3)]) == 11


def add_a_table(connection: sqlite3.Connection) -> None:
    """Step to the version after this one."""
    connection.execute("CREATE TABLE visit (wearer TEXT)")


def fill_it(connection: sqlite3.Connection) -> None:
    """Step to the one after that: needs what the step before made."""
    connection.execute("INSERT INTO visit SELECT wearer FROM stream")


def stumble(connection: sqlite3.Connection) -> None:
    """Step to the one after that, which fails in the middle of its work."""
    connection.execute("DROP TABLE epoch")
    connection.execute("INSERT INTO nowhere VALUES (1)")


def test_steps_run_in_order_and_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From layout 1 to two above this one, all records kept; the next start finds nothing to do."""
    now = tables.VERSION
    monkeypatch.setattr(tables, "VERSION", now + 2)
    monkeypatch.setattr(tables, "STEPS", {**tables.STEPS, now: add_a_table, now + 1: fill_it})
    with pytest.raises(JournalUnreadableError, match="layout 1, written by an older neckline") as older:
        JournalReader.open(path)
    assert "neckline run" in older.value.way_out
    for _ in range(2):
        with Journal.open(path, "test") as journal, JournalReader.open(path) as reader:
            assert reader.check() == []
            assert [*one_of_each(1)] == [record for kind in KINDS for record in reader.read(kind, ANNA)]
            assert journal._connection.execute("SELECT wearer FROM visit ORDER BY 1").fetchall() == [
                (BERT.wearer,),
                (ANNA.wearer,),
            ]
            assert journal._connection.execute("PRAGMA user_version").fetchone() == (now + 2,)


def test_a_step_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is of layout 1 as before, with every record, and this version or another can open it."""
    before, now = layout(path), tables.VERSION
    with monkeypatch.context() as newer:
        newer.setattr(tables, "VERSION", now + 2)
        newer.setattr(tables, "STEPS", {**tables.STEPS, now: add_a_table, now + 1: stumble})
        with pytest.raises(JournalError, match="no such table: nowhere"):
            Journal.open(path, "test")
    assert layout(path) == before
    test_a_journal_of_layout_1_is_read_and_written(path)


def test_every_older_layout_has_a_step() -> None:
    """From each version to the next, up to this one."""
    assert sorted(tables.STEPS) == [*range(1, tables.VERSION)]


def test_a_layout_that_its_version_does_not_name_is_refused(path: Path) -> None:
    """A column that is not in the schema, say of a development version, is told and nothing is written."""
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE epoch ADD COLUMN mood TEXT")
    connection.close()
    with pytest.raises(JournalUnreadableError, match=r"its table epoch has other columns than .* \(mood\)"):
        Journal.open(path, "test")
