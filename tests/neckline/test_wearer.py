"""What is not in the samples: the link, the battery, snoozes, the weekly hours as days go by; and what is remembered."""

from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from neckline.configuration.schedule import Schedule
from neckline.wearing.memory import STILL_LOST_S, Memory, remember
from neckline.wearing.wearer import Records, Wearer
from processing.fading import FadingState
from processing.outputs import Activity, Epoch, Event, EventKind, Posture, Stance
from processing.settings import Mode, Settings
from sensor.samples import BatteryReading, LinkChange, LinkState
from sensor.virtual.motion import UPRIGHT
from storage.entries import Batch
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import StanceCalibration
from tests.neckline.services import STREAM, reference, samples_of

BERLIN = ZoneInfo("Europe/Berlin")
S = 10**9
NOW_NS = round(datetime(2026, 3, 25, 12, tzinfo=BERLIN).timestamp()) * S
SEARCHING, CONNECTING, STREAMING, WAITING = (
    LinkState.SEARCHING,
    LinkState.CONNECTING,
    LinkState.STREAMING,
    LinkState.WAITING,
)


def wearer(memory: Memory | None = None, **options: object) -> Wearer:
    """Return one who is calibrated."""
    return Wearer(Settings(**options), memory or Memory(calibration=reference()))  # type: ignore[arg-type]


def kinds(records: Records) -> list[EventKind]:
    """Return the kinds of the events among records."""
    return [record.kind for record in records if isinstance(record, Event)]


# ---- the link --------------------------------------------------------------------------------------------------------

STATES = st.lists(st.sampled_from(LinkState), max_size=30)


@given(STATES)
def test_each_loss_is_told_once_and_each_return_once(states: list[LinkState]) -> None:
    """In turn, beginning with a loss, whatever the link goes through; the first finding of a clip is no return."""
    one = wearer()
    told = [kind for k, state in enumerate(states) for kind in kinds(one.hear(LinkChange(k * S, state)))]
    streams = [state is STREAMING for state in states]
    changes = [now for before, now in pairwise(streams) if before != now]
    if not any(streams[:1]):
        changes = changes[1:]
    expected = {True: EventKind.SIGNAL_RETURNED, False: EventKind.SIGNAL_LOST}
    assert told == [expected[change] for change in changes]


def test_a_loss_is_dated_from_the_last_sample() -> None:
    """Not from when it was noticed; its return says how long it took. Until then nothing is known."""
    one = wearer()
    block = samples_of(UPRIGHT)
    one.hear(LinkChange(int(block.time_ns[0]), STREAMING))
    one.hear(block)
    last_ns = int(block.time_ns[-1])
    assert one.now.activity is not Activity.GAP
    (lost,) = one.hear(
        LinkChange(last_ns + 2 * S, WAITING, "the clip WT901BLE of C4:A3 has sent nothing", "clip_silent")
    )
    assert lost == Event(last_ns + 2 * S, EventKind.SIGNAL_LOST, onset_ns=last_ns, note="clip_silent")
    now = one.now
    assert (now.sagittal_deg, now.activity, now.posture) == (None, Activity.GAP, Posture.UNKNOWN)
    one.hear(LinkChange(last_ns + 3 * S, SEARCHING))
    one.hear(LinkChange(last_ns + 4 * S, CONNECTING))
    (back,) = one.hear(LinkChange(last_ns + 5 * S, STREAMING))
    assert back == Event(last_ns + 5 * S, EventKind.SIGNAL_RETURNED, onset_ns=last_ns)


# ---- the battery -----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 100), max_size=40), st.integers(0, 40))
def test_a_low_battery_is_told_once_for_each_charge(percents: list[int], restart: int) -> None:
    """Below 20 %, and again only after it was at 30 %; every reading is stored. A restart in between changes nothing."""
    one = wearer()
    told, low = [], False
    for k, percent in enumerate(percents):
        if k == restart:
            one = wearer(Memory(calibration=reference(), battery_low=low))
        reading = BatteryReading(k * S, float(percent))
        records = one.hear(reading)
        assert records[0] == reading
        told.append(bool(kinds(records)))
        expected = percent < 20 and not low
        low = (low or percent < 20) and percent < 30
        assert told[-1] == expected


# ---- when alerts may go out ------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 9 * 24 * 60), min_size=1, max_size=12).map(sorted))
def test_weekly_hours_hold_as_days_go_by(minutes: list[int]) -> None:
    """Asked at any times, hours or days apart, through a change of the clock: the next moment is that of the hours."""
    schedule = Schedule.parse(["mon-fri 08:30-12:00 13:00-18:00", "sun 01:30-03:30"])
    one = Wearer(Settings(), Memory(calibration=reference()), schedule=schedule, zone=BERLIN)
    for minute in minutes:
        now_ns = NOW_NS + minute * 60 * S
        spans = schedule.spans(now_ns, BERLIN)
        assert spans is not None
        assert one.alerts_from_ns(now_ns) == max(now_ns, spans[0][0])
        assert one.wants_notices(now_ns) == (spans[0][0] <= now_ns)


def test_a_snooze_and_the_hours_together() -> None:
    """Alerts come back when both let them; in mode track never, and notices still do; in mode off those neither."""
    schedule = Schedule.parse(["daily 09:00-18:00"])
    one = Wearer(Settings(), Memory(calibration=reference()), schedule=schedule, zone=BERLIN)
    evening_ns = NOW_NS + 7 * 3600 * S
    one.snooze(evening_ns, NOW_NS)
    assert one.snoozed_until_ns(NOW_NS) == evening_ns
    tomorrow_ns = NOW_NS + 21 * 3600 * S
    assert one.alerts_from_ns(NOW_NS) == tomorrow_ns
    assert not one.wants_notices(NOW_NS)
    one.snooze(None, NOW_NS + S)
    assert one.snoozed_until_ns(NOW_NS + S) is None
    assert one.alerts_from_ns(NOW_NS + S) == NOW_NS + S
    tracked = wearer(mode=Mode.TRACK)
    assert tracked.alerts_from_ns(NOW_NS) is None
    assert tracked.wants_notices(NOW_NS)
    off = wearer(mode=Mode.OFF)
    assert off.alerts_from_ns(NOW_NS) is None
    assert not off.wants_notices(NOW_NS)


@given(st.lists(st.integers(0, 40 * 24 * 60), min_size=1, max_size=8))
def test_a_clock_that_is_set_back_has_its_own_hours(minutes: list[int]) -> None:
    """By weeks, even: the next moment is that of the hours from then on."""
    schedule = Schedule.parse(["mon-fri 08:30-12:00 13:00-18:00"])
    one = Wearer(Settings(), Memory(calibration=reference()), schedule=schedule, zone=BERLIN)
    for minute in minutes:
        now_ns = NOW_NS + minute * 60 * S
        spans = schedule.spans(now_ns, BERLIN)
        assert spans is not None
        assert one.alerts_from_ns(now_ns) == max(now_ns, spans[0][0])


def test_a_clock_that_is_set_back_leaves_what_outlasts_a_session() -> None:
    """How far alerts have faded, and which reference is doubted; all else begins anew."""
    one = wearer(fading=True)
    block = samples_of(UPRIGHT)
    one.hear(block)
    fading = FadingState(step=2, first_share=0.5, best_share=0.2)
    gate = replace(one.state.gate, suspect_ids=(reference().calibration_id,))
    one.state = replace(one.state, gate=gate, slouch=replace(one.state.slouch, fading=fading))
    one.hear(replace(block, time_ns=block.time_ns - 3600 * S))
    assert one.fading == fading.told
    assert one.suspect
    assert one.state.last_ns == block.time_ns[-1] - 3600 * S


# ---- what is remembered ----------------------------------------------------------------------------------------------


def remembered(path: Path, *records: object, now_ns: int = NOW_NS) -> Memory:
    """Return what a start remembers of a journal with these records."""
    with Journal.open(path, "test") as journal:
        journal.commit([Batch(STREAM, records)])  # type: ignore[arg-type]
    with JournalReader.open(path) as reader:
        return remember(reader, STREAM, now_ns, BERLIN)


def test_what_a_start_remembers(tmp_path: Path) -> None:
    """The newest reference of each stance, snooze, alert and doubt; a loss of just now; a warning until it is charged."""
    old, new = reference(), replace(reference(), calibration_id="c-newer", captured_ns=NOW_NS)
    recent_ns = NOW_NS - 60 * S
    memory = remembered(
        tmp_path / "journal.db",
        StanceCalibration(Stance.SITTING, new),
        StanceCalibration(Stance.SITTING, old),
        StanceCalibration(Stance.STANDING, old),
        Event(recent_ns - S, EventKind.SNOOZED, end_ns=NOW_NS + 5),
        Event(recent_ns, EventKind.SNOOZED, end_ns=NOW_NS + 9),
        Event(recent_ns, EventKind.SLOUCH_ALERT),
        Event(recent_ns, EventKind.CALIBRATED),
        Event(recent_ns + 1, EventKind.CALIBRATION_SUSPECT, onset_ns=NOW_NS, note="it wanders"),
        Event(recent_ns, EventKind.SIGNAL_LOST, onset_ns=recent_ns - 3 * S),
        Event(recent_ns, EventKind.BATTERY_LOW, value=19.0),
        BatteryReading(recent_ns + S, 25.0),
    )
    assert (memory.calibration, memory.standing) == (new, old)
    assert memory.snoozed_until_ns == NOW_NS + 9
    assert memory.last_alert_ns == recent_ns
    assert memory.suspect == "it wanders"
    assert memory.lost_ns == recent_ns - 3 * S
    assert memory.battery_low
    assert memory.today.seen.alerts == 1

    later = remembered(
        tmp_path / "journal.db",
        BatteryReading(recent_ns + 2 * S, 80.0),
        StanceCalibration(Stance.SITTING, replace(old, captured_ns=NOW_NS + 2)),
        Event(recent_ns + 2, EventKind.SIGNAL_RETURNED, onset_ns=recent_ns),
    )
    assert not later.battery_low
    assert later.suspect == ""
    assert later.lost_ns is None


def test_a_doubt_is_of_the_reference_that_it_names(tmp_path: Path) -> None:
    """A standing calibration does not clear what is doubted of the sitting one, nor does a doubt of it touch that one."""
    sitting, standing = reference(), replace(reference(), calibration_id="c-standing", captured_ns=NOW_NS - 9)
    suspect = EventKind.CALIBRATION_SUSPECT
    doubted = remembered(
        tmp_path / "one.db",
        StanceCalibration(Stance.SITTING, sitting),
        Event(NOW_NS - 20, suspect, onset_ns=sitting.captured_ns, note="it has slipped"),
        StanceCalibration(Stance.STANDING, standing),
        Event(NOW_NS - 9, EventKind.CALIBRATED),
    )
    assert doubted.suspect == "it has slipped"
    trusted = remembered(
        tmp_path / "other.db",
        StanceCalibration(Stance.SITTING, sitting),
        StanceCalibration(Stance.STANDING, standing),
        Event(NOW_NS - 5, suspect, onset_ns=standing.captured_ns, note="an axis stands still"),
    )
    assert trusted.suspect == ""


def test_a_doubt_outlives_a_state_that_is_lost() -> None:
    """Begun afresh, nothing is judged by a reference that was doubted, until there is another."""
    one = wearer(Memory(calibration=reference(), suspect="it has slipped"))
    block = samples_of(UPRIGHT)
    activities = [r.activity for r in (*one.hear(block), *one.finish()) if isinstance(r, Epoch)]
    assert one.suspect
    assert Activity.UNCALIBRATED in activities
    assert Activity.STILL not in activities
    one.calibrated(replace(reference(), calibration_id="c-new"), Stance.STANDING)
    assert one.suspect
    one.calibrated(replace(reference(), calibration_id="c-newer"), Stance.SITTING)
    assert not one.suspect


def test_what_a_wrong_clock_stamped_is_not_known_yet(tmp_path: Path) -> None:
    """A reference and a snooze from a clock that was hours ahead do not win over those given after it was set right."""
    right, ahead_ns = reference(), NOW_NS + 2 * 3600 * S
    memory = remembered(
        tmp_path / "journal.db",
        StanceCalibration(Stance.SITTING, replace(right, calibration_id="c-ahead", captured_ns=ahead_ns)),
        Event(ahead_ns, EventKind.SNOOZED, end_ns=ahead_ns + 3600 * S),
        StanceCalibration(Stance.SITTING, right),
        Event(NOW_NS, EventKind.SNOOZED, end_ns=NOW_NS),
    )
    assert memory.calibration == right
    assert memory.snoozed_until_ns == NOW_NS


def test_a_clock_set_far_back_begins_afresh() -> None:
    """What went before is closed by the old clock; the new one's samples are judged, not taken for old ones."""
    one = wearer()
    block = samples_of(UPRIGHT)
    one.hear(replace(block, time_ns=block.time_ns + 2 * 3600 * S))
    records = one.hear(block)
    starts_ns = [record.start_ns for record in records if isinstance(record, Epoch)]
    assert starts_ns[0] > int(block.time_ns[-1])
    assert starts_ns[-1] < int(block.time_ns[-1])
    assert one.state.last_ns == int(block.time_ns[-1])


def test_a_loss_of_long_ago_is_another_sessions(tmp_path: Path) -> None:
    """A clip that is found the next morning has not returned from a loss."""
    lost = Event(NOW_NS, EventKind.SIGNAL_LOST, onset_ns=NOW_NS - S)
    soon = NOW_NS + round((STILL_LOST_S - 1) * S)
    assert remembered(tmp_path / "a.db", lost, now_ns=soon).lost_ns == NOW_NS - S
    assert remembered(tmp_path / "b.db", lost, now_ns=soon + 2 * S).lost_ns is None


def test_an_empty_journal_remembers_nothing(tmp_path: Path) -> None:
    """Not even an error."""
    assert remembered(tmp_path / "journal.db") == Memory()
