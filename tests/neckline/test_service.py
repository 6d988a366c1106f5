"""The whole service in virtual time: one slouch, one alert; what is stored is what was found; snooze, hours, battery."""

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from neckline.alerting.messages import Urgency
from neckline.configuration.config import Config
from neckline.watching.running import run
from neckline.watching.service import Service
from processing.outputs import Activity, EpisodeEnd, Event, EventKind, Outputs, Posture, Stance
from processing.state import WearerState
from processing.step import finish, step
from sensor.recording import Recording
from sensor.samples import LinkState, SampleBlock
from sensor.virtual.motion import SLOUCH, UPRIGHT, WALK
from storage.errors import JournalBusyError
from storage.schema import BATTERY, CALIBRATION, EPISODE, EPOCH, EVENT, MINUTE
from tests import virtual_time
from tests.neckline.services import (
    HOLD_S,
    ONE_SLOUCH,
    RATE_HZ,
    SETTINGS,
    Seen,
    calibrated,
    ran,
    reference,
    rows,
    until_s,
    worn_clip,
)
from tests.sensor.worlds import BOUND, MAC, radio

if TYPE_CHECKING:
    from sensor.virtual.clip import VirtualClip

pytestmark = radio

S, A, E = EventKind.SLOUCH_STARTED, EventKind.SLOUCH_ALERT, EventKind.SLOUCH_ENDED


def by_time(event: Event) -> tuple[int, str]:
    """Order as the journal reads: what is of the same moment, by kind."""
    return event.time_ns, event.kind


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Give the path of a journal that holds the wearer's reference."""
    return calibrated(tmp_path / "journal.db")


# ---- one slouch, one alert -------------------------------------------------------------------------------------------


def test_one_slouch_is_told_once_when_its_hold_is_over(journal: Path) -> None:
    """To the sample, by the samples' own time, and half a second later at most on the clock; then it is seen to end."""
    one = ran(journal, worn_clip(ONE_SLOUCH))

    assert [event.kind for event in one.events] == [S, A, E]
    alert, ended = one.events[1:]
    onset_ns = alert.onset_ns or 0
    assert one.at_s(onset_ns) == pytest.approx(8.6, abs=0.4)
    assert alert.evidence is not None
    held_ns = alert.time_ns - onset_ns - alert.evidence.unknown_s * 1e9  # bending forward is not judged
    assert 0 <= held_ns - HOLD_S * 1e9 < 2e9 / RATE_HZ
    assert alert.evidence.unknown_s < 5
    ((told_s, message),) = one.told.messages
    assert 0 <= told_s - (alert.time_ns - virtual_time.START_NS) / 1e9 < 0.5
    assert "leaning forward for 1" in message.body
    assert message.offers_snooze
    (episode,) = rows(journal, EPISODE)
    assert (episode.onset_ns, episode.end_ns, episode.end) == (onset_ns, ended.end_ns, EpisodeEnd.SEEN)
    assert 28 < one.at_s(episode.end_ns) < 28 + 5  # sitting up is not judged until it has settled
    assert episode.peak_deg == pytest.approx(SLOUCH.sagittal_deg, abs=2)
    set_, *stored = rows(journal, EVENT)
    assert set_.kind is EventKind.SETTINGS_CHANGED
    assert stored == sorted(one.events, key=by_time)
    last = one.seen.statuses[-1]
    assert (last.today, last.last_alert_ns) == (one.summary.tally.seen, alert.time_ns)
    assert (last.today.episodes, last.today.alerts) == (1, 1)
    assert last.channels[0].sent == 1


def test_every_slouch_is_told_of_and_walking_is_not(journal: Path) -> None:
    """Two slouches with a walk between: two episodes, two alerts, and never one while walking."""
    settings = {**SETTINGS, "alerts": {"refractory_s": 0}}
    script = [(UPRIGHT, 5), (SLOUCH, 18), (UPRIGHT, 8), (WALK, 20), (UPRIGHT, 8), (SLOUCH, 22), (UPRIGHT, 9)]
    two = ran(journal, worn_clip([(pose, float(seconds)) for pose, seconds in script]), settings=settings)

    assert [event.kind for event in two.events] == [S, A, E, S, A, E]
    assert len(two.told.messages) == 2
    assert [episode.alerts for episode in rows(journal, EPISODE)] == [1, 1]
    walking = [epoch for epoch in rows(journal, EPOCH) if 34 < two.at_s(epoch.start_ns) < 50]
    assert {epoch.posture for epoch in walking} == {Posture.UNKNOWN}
    assert Activity.WALKING in {epoch.activity for epoch in walking}


# ---- what is stored --------------------------------------------------------------------------------------------------


async def trouble(_service: Service, clip: "VirtualClip") -> None:
    """Lose, damage, and lose the link itself."""
    await until_s(6, clip)
    clip.lose(10)
    await until_s(8, clip)
    clip.corrupt(20)
    await until_s(50, clip)
    clip.vanish(12)


def test_the_journal_holds_what_the_same_blocks_give(journal: Path, tmp_path: Path) -> None:
    """A capture of a troubled run, replayed through `step` alone: epochs, minutes, episodes, events, row for row."""
    script = ((UPRIGHT, 12.0), (SLOUCH, 25.0), (UPRIGHT, 40.0), (SLOUCH, 25.0), (UPRIGHT, 8.0))
    live = ran(journal, worn_clip(script), trouble, capture=tmp_path / "air.jsonl")

    settings = Config.model_validate(SETTINGS).settings(reference())
    state, parts, blocks = WearerState(), list[Outputs](), list[SampleBlock]()
    for reading in Recording.open(tmp_path / "air.jsonl").readings():
        if isinstance(reading, SampleBlock):
            blocks.append(reading)
            state, outputs = step(state, reading, settings)
            parts.append(outputs)
    parts.append(finish(state, settings)[1])

    epochs = rows(journal, EPOCH)
    assert epochs == [epoch for part in parts for epoch in part.epochs]
    assert rows(journal, MINUTE) == [minute for part in parts for minute in part.minutes]
    assert rows(journal, EPISODE) == [episode for part in parts for episode in part.episodes]
    others = {EventKind.SIGNAL_LOST, EventKind.SIGNAL_RETURNED, EventKind.SETTINGS_CHANGED}
    stored = rows(journal, EVENT)
    found = [event for part in parts for event in part.events]
    assert [event for event in stored if event.kind not in others] == sorted(found, key=by_time)
    assert {event.kind for event in stored} == {S, A, E, *others}

    time_ns = np.concatenate([block.time_ns for block in blocks])
    damaged = np.isnan(np.concatenate([block.acc_mps2 for block in blocks])).any(axis=1)
    received, missing, corrupt = (
        sum(getattr(epoch, name) for epoch in epochs) for name in ("received", "missing", "corrupt")
    )
    assert (received, corrupt) == ((~damaged).sum(), damaged.sum())
    assert corrupt == pytest.approx(40, abs=2)
    assert missing == pytest.approx(20 + 12 * RATE_HZ, abs=1.5 * RATE_HZ)
    span_s = (int(time_ns[-1]) - int(time_ns[0])) / 1e9
    assert received + missing + corrupt == pytest.approx(span_s * RATE_HZ + 1, abs=2)
    tally = live.summary.tally
    assert (tally.received, tally.missing, tally.corrupt) == (received, missing, corrupt)
    minutes = rows(journal, MINUTE)
    assert received + missing + corrupt == sum(m.received + m.missing + m.corrupt for m in minutes)
    assert [epoch.start_ns for epoch in epochs] == [
        epochs[0].start_ns + k * 10**9 for k in range(len(epochs))
    ]


# ---- the link --------------------------------------------------------------------------------------------------------


def test_a_lost_clip_is_told_as_lost_and_nothing_is_judged_meanwhile(journal: Path) -> None:
    """Lost in the middle of a slouch: no alert while it is away, no number on the screen; the hold begins anew."""

    async def lose(_service: Service, clip: "VirtualClip") -> None:
        await until_s(12, clip)
        clip.vanish(20)

    away = ran(journal, worn_clip(((UPRIGHT, 6.0), (SLOUCH, 50.0), (UPRIGHT, 12.0))), lose)

    lost, returned, started, alert, _ended = away.events
    assert (lost.kind, returned.kind) == (EventKind.SIGNAL_LOST, EventKind.SIGNAL_RETURNED)
    assert (started.kind, alert.kind) == (S, A)
    assert lost.note == "clip_lost"
    assert away.at_s(lost.onset_ns or 0) == pytest.approx(12, abs=0.2)
    assert returned.onset_ns == lost.onset_ns
    back_s = away.at_s(returned.time_ns)
    assert 32 < back_s < 45
    assert away.at_s(alert.onset_ns or 0) >= back_s
    assert len(away.told.messages) == 1
    gone = [
        status
        for status in away.seen.statuses
        if lost.time_ns < status.time_ns < returned.time_ns and status.link is not None
    ]
    assert len(gone) > 15
    assert {status.link.state for status in gone if status.link} <= set(LinkState) - {LinkState.STREAMING}
    assert {(status.now.activity, status.now.posture, status.now.sagittal_deg) for status in gone} == {
        (Activity.GAP, Posture.UNKNOWN, None)
    }
    within = [epoch for epoch in rows(journal, EPOCH) if 13 <= away.at_s(epoch.start_ns) <= 31]
    assert {(epoch.activity, epoch.received) for epoch in within} == {(Activity.GAP, 0)}


# ---- snooze, hours, battery ------------------------------------------------------------------------------------------


def test_nothing_that_is_stored_names_the_clip(journal: Path, tmp_path: Path) -> None:
    """Through a loss and a return, neither its name nor its address, by which a person could be followed, is kept."""

    async def lose(_service: Service, clip: "VirtualClip") -> None:
        await until_s(5, clip)
        clip.vanish(5)

    ran(journal, worn_clip(((UPRIGHT, 20.0),)), lose, capture=tmp_path / "air.jsonl")

    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert journal in kept
    for path in kept:
        for name in (BOUND.name, MAC):
            assert name.encode() not in path.read_bytes(), path


def test_a_snooze_silences_and_ends_by_itself(journal: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The slouch is recorded; if it still goes on when the snooze is over, it is told then, once."""
    caplog.set_level("INFO", "neckline")
    until_ns = virtual_time.START_NS + 40 * 10**9

    async def snooze(service: Service, clip: "VirtualClip") -> None:
        await until_s(10, clip)
        await service.snooze(until_ns)
        assert service.status().snoozed_until_ns == until_ns

    snoozed = ran(journal, worn_clip(((UPRIGHT, 6.0), (SLOUCH, 50.0), (UPRIGHT, 10.0))), snooze)

    assert [event.kind for event in snoozed.events] == [EventKind.SNOOZED, S, A, E]
    assert 0 <= snoozed.events[2].time_ns - until_ns < 2e9 / RATE_HZ
    assert len(snoozed.told.messages) == 1
    assert snoozed.seen.statuses[-1].snoozed_until_ns is None
    assert [record.getMessage() for record in caplog.records].count("Alerts are on again") == 1


def test_a_snooze_that_is_ended_is_told_once(journal: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By what is stored of it; the view need not notice it as well."""
    caplog.set_level("INFO", "neckline")

    async def snooze(service: Service, clip: "VirtualClip") -> None:
        await until_s(5, clip)
        await service.snooze(virtual_time.START_NS + 3600 * 10**9)
        await until_s(10, clip)
        await service.snooze(None)

    ran(journal, worn_clip(((UPRIGHT, 20.0),)), snooze)
    assert [record.getMessage() for record in caplog.records].count("Alerts are on again") == 1


def test_a_snooze_holds_through_a_restart_and_can_be_ended(journal: Path) -> None:
    """Within it a new run is silent; `off` lets alerts out at once."""

    async def snooze(service: Service, _clip: "VirtualClip") -> None:
        await service.snooze(virtual_time.START_NS + 3600 * 10**9)

    async def off(service: Service, clip: "VirtualClip") -> None:
        await until_s(25, clip)
        assert service.status().snoozed_until_ns is not None
        await service.snooze(None)

    first = ran(journal, worn_clip(ONE_SLOUCH), snooze)
    assert [event.kind for event in first.events] == [EventKind.SNOOZED, S, E]
    second = ran(journal, worn_clip(ONE_SLOUCH), off, later_s=100)
    assert [event.kind for event in second.events] == [S, EventKind.SNOOZED, A, E]
    assert second.at_s(second.events[2].time_ns) == pytest.approx(25, abs=0.1)
    assert (len(first.told.messages), len(second.told.messages)) == (0, 1)


def test_weekly_hours_are_kept(journal: Path) -> None:
    """A slouch before them is told as they begin (08:55:00), if it still goes on; no notice comes before either."""
    settings = {**SETTINGS, "alerts": {"schedule": ["thu 08:55-09:30"]}}
    begin_ns = virtual_time.START_NS + 100 * 10**9
    firmware = worn_clip(((UPRIGHT, 30.0), (SLOUCH, 80.0), (UPRIGHT, 8.0)), battery_v=3.4)
    kept = ran(journal, firmware, settings=settings)

    assert [event.kind for event in kept.events] == [EventKind.BATTERY_LOW, S, A, E]
    assert 0 <= kept.events[2].time_ns - begin_ns < 2e9 / RATE_HZ
    assert [message.urgency for _, message in kept.told.messages] == [Urgency.NORMAL]
    before = [status for status in kept.seen.statuses if status.time_ns < begin_ns]
    assert {status.alerts_from_ns for status in before} == {begin_ns}
    assert kept.seen.statuses[-1].alerts_from_ns == kept.seen.statuses[-1].time_ns


def test_a_low_battery_is_told_once(journal: Path) -> None:
    """While it runs down, and in the next run too; quietly, and it is stored as often as it is read."""
    low = ran(journal, worn_clip(((UPRIGHT, 190.0),), battery_v=3.74, battery_h=0.6))
    again = ran(journal, worn_clip(((UPRIGHT, 10.0),), battery_v=3.45), later_s=300)

    read = rows(journal, BATTERY)
    percents = [reading.percent for reading in read]
    assert percents == sorted(percents, reverse=True)
    assert percents[0] > 20 > percents[2]
    (warned,) = [event for event in rows(journal, EVENT) if event.kind is EventKind.BATTERY_LOW]
    assert warned.value == next(percent for percent in percents if percent < 20)
    assert again.events == []
    ((_, message),) = [*low.told.messages, *again.told.messages]
    assert message.urgency is Urgency.LOW
    assert f"{warned.value:.0f} %" in message.body


@pytest.mark.parametrize(("mode", "urgencies"), [("track", [Urgency.LOW]), ("off", [])])
def test_without_alerts_all_is_stored_and_notices_follow_the_mode(
    journal: Path, mode: str, urgencies: list[Urgency]
) -> None:
    """Tracked, the battery is still told of; off, nothing is. Slouch and battery are in the journal either way."""
    settings = {**SETTINGS, "alerts": {"mode": mode}}
    quiet = ran(journal, worn_clip(ONE_SLOUCH, battery_v=3.4), settings=settings)

    assert [event.kind for event in quiet.events] == [EventKind.BATTERY_LOW, S, E]
    assert [message.urgency for _, message in quiet.told.messages] == urgencies
    assert [episode.alerts for episode in rows(journal, EPISODE)] == [0]
    assert quiet.seen.statuses[-1].mode == mode
    assert quiet.seen.statuses[-1].alerts_from_ns is None


# ---- calibration -----------------------------------------------------------------------------------------------------


def test_a_calibration_takes_effect_and_is_stored(tmp_path: Path) -> None:
    """Before it nothing is judged; from then on it is, with the wearer's own threshold, and in the next run at once."""
    journal = tmp_path / "journal.db"
    refusals: list[str] = []

    async def calibrate(service: Service, _clip: "VirtualClip") -> None:
        assert service.status().calibrated_ns is None
        async for prompt in service.calibrate(slump=True, stance=Stance.SITTING):
            if prompt.remaining_s == 1:
                other = [each async for each in service.calibrate(slump=True, stance=Stance.SITTING)]
                refusals.extend(each.refused for each in other)

    poses = ((UPRIGHT, 9.0), (SLOUCH, 8.5))
    first = ran(journal, worn_clip((*poses, (UPRIGHT, 8.0), (SLOUCH, 18.0), (UPRIGHT, 10.0))), calibrate)
    second = ran(journal, worn_clip(ONE_SLOUCH), later_s=300)

    (stored,) = rows(journal, CALIBRATION)
    done = first.seen.prompts[-1].done
    assert (stored.stance, stored.calibration) == (Stance.SITTING, done)
    assert done is not None
    assert done.threshold_deg == pytest.approx(SLOUCH.sagittal_deg / 2, abs=1)
    assert set(refusals) == {"another calibration is under way: let it end first"}
    assert [event.kind for event in first.events] == [EventKind.CALIBRATED, S, A, E]
    epochs = rows(journal, EPOCH)
    before = [epoch for epoch in epochs if epoch.start_ns + 10**9 <= done.captured_ns]
    assert {epoch.posture for epoch in before} == {Posture.UNKNOWN}
    assert Activity.UNCALIBRATED in {epoch.activity for epoch in before}
    assert second.seen.statuses[0].calibrated_ns == done.captured_ns
    assert [event.kind for event in second.events] == [S, A, E]


def test_a_calibration_that_is_refused_changes_nothing(journal: Path) -> None:
    """A wearer who does not slump, and a clip that is lost: a sentence, and the old reference stays in force."""

    async def calibrate(service: Service, clip: "VirtualClip") -> None:
        async for _ in service.calibrate(slump=True, stance=Stance.SITTING):
            pass
        async for prompt in service.calibrate(slump=True, stance=Stance.SITTING):
            if prompt.hold:
                clip.vanish(5)

    kept = ran(journal, worn_clip(((UPRIGHT, 45.0),)), calibrate)

    too_close, lost = [prompt.refused for prompt in kept.seen.prompts if prompt.refused]
    assert "slump as on a tired afternoon" in too_close
    assert "the clip was lost" in lost
    assert [row.calibration for row in rows(journal, CALIBRATION)] == [reference()]
    assert kept.seen.statuses[-1].calibrated_ns == reference().captured_ns


# ---- two at once -----------------------------------------------------------------------------------------------------


def test_a_second_run_on_a_journal_is_refused_by_the_name_of_the_first(journal: Path) -> None:
    """And the first is not disturbed."""

    async def second(_service: Service, _clip: "VirtualClip") -> None:
        with pytest.raises(JournalBusyError, match=r"neckline run \(process \d+, since") as caught:
            await run(
                Config.model_validate(SETTINGS),
                journal_path=journal,
                source=lambda _after_ns: pytest.fail("it must not listen"),
                view=Seen(),
                channels=[],
            )
        assert caught.value.way_out

    assert [event.kind for event in ran(journal, worn_clip(ONE_SLOUCH), second).events] == [S, A, E]


# ---- a crash ---------------------------------------------------------------------------------------------------------


def test_a_crash_within_a_slouch_that_was_told_does_not_tell_it_again(journal: Path, tmp_path: Path) -> None:
    """Begun anew within the tolerance, on what was durable: one episode, its gap told second by second, one alert."""
    crash_s, away_s = 26.0, 3.0

    async def crash(service: Service, clip: "VirtualClip") -> None:
        await until_s(crash_s, clip)
        await asyncio.to_thread(service._writer.flush, 10.0)
        shutil.copytree(tmp_path, tmp_path / "after the crash")

    first = ran(journal, worn_clip(((UPRIGHT, 8.0), (SLOUCH, 20.0))), crash)
    left = tmp_path / "after the crash" / journal.name
    assert rows(left, EPISODE) == []
    second = ran(
        left,
        worn_clip(((SLOUCH, 15.0), (UPRIGHT, 12.0))),
        later_s=crash_s + away_s - first.at_s(virtual_time.START_NS),
    )

    assert [event.kind for event in second.events] == [E]
    assert second.told.messages == []
    (episode,) = rows(left, EPISODE)
    assert (episode.onset_ns, episode.alerts, episode.end) == (first.events[1].onset_ns, 1, EpisodeEnd.SEEN)
    assert [event.kind for event in rows(left, EVENT)].count(A) == 1
    epochs = rows(left, EPOCH)
    starts_ns = [epoch.start_ns for epoch in epochs]
    assert starts_ns == list(range(starts_ns[0], starts_ns[-1] + 1, 10**9))
    gap_s = [first.at_s(epoch.start_ns) for epoch in epochs[1:-1] if epoch.activity is Activity.GAP]
    assert len(gap_s) >= 2
    assert crash_s - 1 < gap_s[0] < gap_s[-1] < crash_s + away_s + 2
    today = second.seen.statuses[-1].today
    assert (today.episodes, today.alerts) == (1, 1)
    assert today.upright_s + today.slouched_s + today.unknown_s == len(epochs)
