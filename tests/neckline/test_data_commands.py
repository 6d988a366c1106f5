"""replay, status, snooze and export: what a journal holds, on a terminal and as data; bad input loses nothing."""

import asyncio
import csv
import gc
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from neckline.commands import machine
from neckline.control.server import serving
from neckline.exits import Exit
from processing.head import HEAD, HEAD_ON_TRUNK
from processing.outputs import EventKind, Posture
from storage.entries import Stream
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import CALIBRATION, EPISODE, EPOCH, EVENT, MINUTE
from tests.neckline.analyse.tables import table
from tests.neckline.conftest import WEARER, Home, Said
from tests.neckline.test_control import STATUS, Service
from tests.processing.people import START_NS, Held, samples
from tests.storage.test_disk import fill, remount

Neckline = Callable[..., Said]
SPANS = ("--upright", "4:10", "--slump", "14:20")
DAY: tuple[Held, ...] = (
    *(Held(12), Held(10, sagittal_deg=25), Held(60)),
    *(Held(100, sagittal_deg=22), Held(40), Held(20, shake_g=0.2), Held(30)),
)
"""A pose, a slump pose, upright, one sustained slouch of 100 s from second 82 on, upright, moving, upright."""
STREAM = Stream(WEARER, "t4")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Give a table of a wearer whose answer is known."""
    block = samples(DAY)
    assert block.gyr_radps is not None
    path = tmp_path / "day.csv"
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        names = ["time_ns", *(f"acc_{a}_mps2" for a in "xyz"), *(f"gyr_{a}_radps" for a in "xyz")]
        lines.writerow(names)
        for time_ns, acc, gyr in zip(block.time_ns.tolist(), block.acc_mps2, block.gyr_radps, strict=True):
            lines.writerow([time_ns, *np.round(acc, 5).tolist(), *np.round(gyr, 6).tolist()])
    return path


@pytest.fixture
def stored(neckline: Neckline, home: Home, recording: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Give a home whose journal holds that recording; now is five minutes after it."""
    home.set()
    assert neckline("replay", recording, *SPANS, "--into", home.journal).code == Exit.OK
    monkeypatch.setattr(machine, "utc_ns", lambda: START_NS + 600 * 10**9)
    return home


# ---- replay ----------------------------------------------------------------------------------------------------------


def test_replay_judges_a_recording(neckline: Neckline, home: Home, recording: Path) -> None:
    """One slouch, one episode, one alert; every second is accounted for, moving is not judged."""
    (result,) = json.loads(neckline("replay", recording, *SPANS, "--json").out)
    (episode,) = result["episodes"]
    onset_s = (episode["onset_ns"] - result["begin_ns"]) / 1e9
    assert onset_s == pytest.approx(82, abs=2)
    assert episode["end"] == "seen"
    assert episode["calibration_id"] == result["calibration_id"]
    assert result["alerts"] == 1
    assert result["upright_s"] + result["slouched_s"] + result["unknown_s"] == 272
    assert sum(result["activity_s"].values()) == 272
    assert result["activity_s"]["moving"] >= 18
    assert (result["received"], result["missing"], result["corrupt"]) == (272 * 50, 0, 0)
    assert result["damage"] == ""


def test_replay_tells_people_the_same(neckline: Neckline, home: Home, recording: Path) -> None:
    """Text on standard output: posture, activity, samples, the slouch."""
    said = neckline("replay", recording, *SPANS)
    assert said.code == Exit.OK
    for piece in (
        "judged by   c-",
        "moving ",
        "13600 received, 0 missing",
        "1 sustained, 1 alert\n",
        "end seen",
    ):
        assert piece in said.out
    assert not said.err


def test_replay_by_the_journals_calibration_says_the_same(
    neckline: Neckline, stored: Home, recording: Path
) -> None:
    """The last calibration that is stored judges as the poses it came from."""
    (by_poses,) = json.loads(neckline("replay", recording, *SPANS, "--json").out)
    (by_journal,) = json.loads(neckline("replay", recording, "--json").out)
    assert by_journal == by_poses


def test_replay_without_any_calibration_judges_nothing(
    neckline: Neckline, home: Home, recording: Path
) -> None:
    """It says so, all is unknown, and the exit code tells."""
    said = neckline("replay", recording, "--json")
    assert said.code == Exit.CALIBRATION
    assert "there is no calibration" in said.err
    (result,) = json.loads(said.out)
    assert (result["upright_s"], result["slouched_s"], result["unknown_s"]) == (0, 0, 272)
    assert result["episodes"] == []


def test_replay_stores_what_it_says(neckline: Neckline, stored: Home, recording: Path) -> None:
    """The journal has every epoch, minute, episode and event, and the calibration; a second time adds nothing."""

    def counts() -> list[int]:
        with JournalReader.open(stored.journal) as reader:
            return [reader.count(kind, STREAM) for kind in (EPOCH, MINUTE, EPISODE, EVENT, CALIBRATION)]

    (result,) = json.loads(neckline("replay", recording, *SPANS, "--into", stored.journal, "--json").out)
    before = counts()
    assert before[0] == 272
    assert before[2:] == [1, 4, 1]
    neckline("replay", recording, *SPANS, "--into", stored.journal)
    assert counts() == before
    with JournalReader.open(stored.journal) as reader:
        postures = [epoch.posture for epoch in reader.read(EPOCH, STREAM)]
        kinds = [event.kind for event in reader.read(EVENT, STREAM)]
    assert postures.count(Posture.SLOUCHED) == result["slouched_s"]
    assert sorted(kinds) == sorted(
        [EventKind.CALIBRATED, EventKind.SLOUCH_STARTED, EventKind.SLOUCH_ALERT, EventKind.SLOUCH_ENDED]
    )


def test_replay_as_another_wearer(neckline: Neckline, home: Home, recording: Path) -> None:
    """`--wearer` names whose it is; what could be no pseudonym is refused; with neither there is no one."""
    into = home.folder / "other.db"
    assert neckline("replay", recording, *SPANS, "--into", into).code == Exit.CONFIG
    assert neckline("replay", recording, *SPANS, "--into", into, "--wearer", "w-guest").code == Exit.OK
    with JournalReader.open(into) as reader:
        assert reader.streams() == [Stream("w-guest", "t4")]
    said = neckline("replay", recording, "--wearer", "=cmd()")
    assert said.code == Exit.USAGE
    assert "no pseudonym" in said.err


def test_a_cut_recording_gives_what_came_before(neckline: Neckline, home: Home, recording: Path) -> None:
    """The seconds before the cut are judged and stored, where it breaks is named, the next recording follows."""
    home.set()
    whole = recording.read_bytes()
    cut = home.folder / "cut.csv"
    cut.write_bytes(whole[: len(whole) // 2 - 7])
    lines = cut.read_bytes().count(b"\n")
    said = neckline("replay", cut, recording, *SPANS, "--json", "--into", home.journal)
    assert said.code == Exit.RECORDING
    assert f"is damaged at line {lines + 1}" in said.err
    assert "→ everything before that line was used" in said.err
    broken, after = json.loads(said.out)
    assert broken["received"] == lines - 1
    assert "line" in broken["damage"]
    assert after["received"] == 272 * 50
    with JournalReader.open(home.journal) as reader:
        assert reader.count(EPOCH, STREAM) == 272


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("nowhere.jsonl",), Exit.RECORDING, "cannot be read as a recording"),
        (("day.csv", "--upright", "5"), Exit.USAGE, "is no span"),
        (("day.csv", "--upright", "9:5"), Exit.USAGE, "does not begin before it ends"),
        (("day.csv", "--upright", "0:inf"), Exit.USAGE, "does not begin before it ends"),
        (("day.csv", "--slump", "5:9"), Exit.USAGE, "--slump needs --upright"),
        (("day.csv", "--upright", "5:6"), Exit.CALIBRATION, "less than 3 s"),
        (("day.csv", "--upright", "9000:9010"), Exit.CALIBRATION, "less than 3 s"),
        (("day.csv", "--upright", "226:232"), Exit.CALIBRATION, "moving"),
    ],
)
def test_replay_of_what_cannot_be(
    neckline: Neckline, recording: Path, words: tuple[str, ...], code: Exit, sentence: str
) -> None:
    """Each in a sentence, each with its code."""
    said = neckline("replay", *words)
    assert said.code == code
    assert sentence in said.err


def test_replay_of_two_clips(neckline: Neckline, home: Home) -> None:
    """The head is bowed for 100 s over an upright back: one episode of both together, none of the back; stored alike."""
    home.set()
    upright = (Held(12), Held(10, sagittal_deg=25), Held(200))
    nodding = (
        *(Held(12), Held(12)),
        *(Held(10, sagittal_deg=30), Held(48)),
        *(Held(100, sagittal_deg=30), Held(40)),
    )
    back, head = table(home.folder / "back.csv", upright), table(home.folder / "head.csv", nodding, seed=2)
    words = ("replay", back, "--head", head, *SPANS, "--nod", "26:32")
    said = neckline(*words, "--into", home.journal, "--json")
    assert said.code == Exit.OK, said.err
    alone, together = json.loads(said.out)
    assert (alone["placement"], together["placement"]) == ("t4", HEAD_ON_TRUNK)
    assert (alone["episodes"], alone["alerts"]) == ([], 0)
    (episode,) = together["episodes"]
    # A quick nod is a transition first: up to two seconds, three to settle, one to be sure.
    assert 82 <= (episode["onset_ns"] - START_NS) / 1e9 <= 90
    assert episode["calibration_id"] == together["calibration_id"] != alone["calibration_id"]
    assert together["alerts"] == 1
    assert together["received"] == 2 * alone["received"]
    with JournalReader.open(home.journal) as reader:
        stored = list(reader.read(EPISODE, Stream(WEARER, HEAD_ON_TRUNK)))
        assert [each.onset_ns for each in stored] == [episode["onset_ns"]]
        assert reader.last(CALIBRATION, Stream(WEARER, HEAD)) is not None
        assert len(list(reader.read(EPOCH, Stream(WEARER, HEAD)))) == 222
    told = neckline(*words).out
    assert "head.csv: the head on the trunk, with this one" in told
    assert "head forward from 20° on" in told
    explained = neckline("explain").out
    assert "the head was bent on the upper back beyond 20° and stayed there for 60 s" in explained
    assert "30° on average" in explained
    by_journal = json.loads(neckline("replay", back, "--head", head, "--json").out)
    assert [each["episodes"] for each in by_journal] == [alone["episodes"], together["episodes"]]


def test_one_recording_of_the_head_goes_with_one_of_the_back(
    neckline: Neckline, home: Home, recording: Path
) -> None:
    """Two of the back leave open which; a pose without upright, and a head recording that breaks, are named."""
    said = neckline("replay", recording, recording, "--head", recording)
    assert (said.code, "one recording of the back" in said.err) == (Exit.USAGE, True)
    assert neckline("replay", recording, "--head", recording, "--nod", "1:2").code == Exit.USAGE
    broken = home.folder / "broken.csv"
    broken.write_text("\n".join([*recording.read_text().splitlines()[:3000], "1,2,x"]))
    said = neckline("replay", recording, "--head", broken, *SPANS, "--json")
    assert said.code == Exit.RECORDING
    alone, together = json.loads(said.out)
    assert not alone["damage"]
    assert "3001" in together["damage"]
    assert alone["alerts"] == 1
    assert together["activity_s"]["gap"] > 200


@pytest.mark.recordings
def test_replay_of_a_real_capture(neckline: Neckline, home: Home, recordings: Path) -> None:
    """Three seconds of a real clip: samples received and missing as the capture has them."""
    (result,) = json.loads(neckline("replay", recordings / "witmotion_100hz_capture.jsonl", "--json").out)
    assert result["received"] == 288
    assert 10 <= result["missing"] <= 16
    assert result["unknown_s"] == sum(result["activity_s"].values())


# ---- status and snooze -----------------------------------------------------------------------------------------------


def test_status_without_a_service_comes_from_the_journal(neckline: Neckline, stored: Home) -> None:
    """Today's minutes, the last alert, the calibration, the journal; in text and as JSON."""
    answer = json.loads(neckline("status", "--json").out)
    assert (answer["running"], answer["service"]) == (False, None)
    kept = answer["journal"]
    assert kept["today"]["alerts"] == kept["today"]["episodes"] == 1
    assert kept["today"]["upright_s"] + kept["today"]["slouched_s"] + kept["today"]["unknown_s"] == 272
    assert kept["size_bytes"] > 10_000
    assert kept["last_alert_ns"] is not None
    assert kept["influxdb"] is None
    said = neckline("status")
    assert said.code == Exit.OK
    assert "not running" in said.out
    assert str(stored.journal) in said.out
    assert "1 sustained slouch, 1 alert\n" in said.out


def test_status_counts_what_influxdb_has_not(neckline: Neckline, stored: Home) -> None:
    """All that is stored waits until a service forwards it."""
    stored.set(influxdb={"url": "http://127.0.0.1:1", "bucket": "b"})
    feed = json.loads(neckline("status", "--json").out)["journal"]["influxdb"]
    with JournalReader.open(stored.journal) as reader:
        rows = sum(reader.count(kind, STREAM) for kind in (EPOCH, MINUTE, EPISODE, EVENT))
    assert feed["backlog_rows"] == rows
    assert feed["dead_letters"] == 0


def test_without_a_journal_there_is_no_status(neckline: Neckline, home: Home) -> None:
    """A sentence, the way out, and nothing is made by asking."""
    said = neckline("status")
    assert said.code == Exit.JOURNAL
    assert "there is no journal" in said.err
    assert not home.journal.exists()


def test_commands_reach_the_running_service(neckline: Neckline, stored: Home) -> None:
    """Status and snooze go through the service, which alone owns the journal."""

    async def beside(*words: str) -> tuple[Said, Service]:
        service = Service()
        async with serving(service, stored.journal):
            return await asyncio.to_thread(neckline, *words), service

    said, _ = asyncio.run(beside("status", "--json"))
    answer = json.loads(said.out)
    assert answer["running"] is True
    assert answer["service"]["clip"] == STATUS.clip
    said, _ = asyncio.run(beside("status"))
    assert "waiting (gone)" in said.out
    assert "81 %" in said.out
    with Journal.open(stored.journal, "the service"):
        said, service = asyncio.run(beside("snooze", "30m"))
        assert said.code == Exit.OK
        assert service.asked == [START_NS + 2400 * 10**9]
        said, service = asyncio.run(beside("snooze", "off"))
        assert service.asked == [None]
        said, service = asyncio.run(beside("calibrate", "--no-slump"))
        assert said.code == Exit.OK
        assert "c-1" in said.err


def test_snooze_waits_in_the_journal_for_the_next_service(neckline: Neckline, stored: Home) -> None:
    """And status tells of it; off ends it."""
    assert neckline("snooze", "until", "23:59").code == Exit.OK
    assert neckline("snooze", "1h").code == Exit.OK
    until_ns = json.loads(neckline("status", "--json").out)["journal"]["snoozed_until_ns"]
    assert until_ns == START_NS + 4200 * 10**9
    assert "alerts are on again" in neckline("snooze", "off").err
    assert json.loads(neckline("status", "--json").out)["journal"]["snoozed_until_ns"] is None


@pytest.mark.parametrize("words", [("soon",), ("9", "days"), ("8d",)])
def test_snooze_in_words_that_say_no_time(neckline: Neckline, stored: Home, words: tuple[str, ...]) -> None:
    """A sentence that shows how; nothing is stored."""
    said = neckline("snooze", *words)
    assert said.code == Exit.USAGE
    assert "say 30m" in said.err
    with JournalReader.open(stored.journal) as reader:
        assert all(event.kind is not EventKind.SNOOZED for event in reader.read(EVENT, STREAM))


def test_snooze_needs_someone_to_snooze(neckline: Neckline, home: Home) -> None:
    """No wearer, no service: told."""
    assert neckline("snooze", "1h").code == Exit.CONFIG


# ---- export ----------------------------------------------------------------------------------------------------------


def test_export_writes_what_the_journal_holds(neckline: Neckline, stored: Home) -> None:
    """As many rows as the journal has, beside a codebook; the list of files is data."""
    out = stored.folder / "out"
    said = neckline("export", "--format", "csv", out, "--json")
    assert said.code == Exit.OK
    rows = {file["name"]: file["rows"] for file in json.loads(said.out)["files"]}
    assert rows["epoch.csv"] == 272
    assert rows["calibration.csv"] == 1
    with (out / "epoch.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 272
    said = neckline("export", stored.folder / "again")
    assert "epoch.csv" in said.out
    assert said.err.strip().endswith("again")


def test_export_of_a_period_and_a_wearer(neckline: Neckline, stored: Home) -> None:
    """Since included, until not; local times, or with their zone."""
    out = stored.folder / "out"
    words = [
        "--since",
        "2026-01-01T00:01:00+00:00",
        "--until",
        "2026-01-01T00:02:00+00:00",
        "--wearer",
        WEARER,
    ]
    neckline("export", out, *words)
    with (out / "epoch.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 60


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this computer stand in another time zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("zone", ["UTC"], indirect=True)
@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("since", "until", "rows"),
    [
        ("2026-01-01", "2026-01-01", 272),
        ("2025-12-31", "2025-12-31", 0),
        (None, "2026-01-01T00:00:00", 0),
        ("2026-01-01T00:04:00", "2026-01-01", 32),
    ],
)
def test_export_takes_the_last_day_whole(
    neckline: Neckline, stored: Home, since: str | None, until: str, rows: int
) -> None:
    """As analyse does; a time is where it ends, and a day before has nothing."""
    out = stored.folder / "out"
    words = (*(("--since", since) if since else ()), "--until", until)
    said = neckline("export", out, *words)
    assert said.code == Exit.OK
    assert ("nothing is stored in this period" in said.err) == (not rows)
    with (out / "epoch.csv").open() as file:
        assert len(list(csv.DictReader(file))) == rows


@pytest.mark.parametrize("words", [["--samples"], ["--format", "motion-bids"]])
def test_an_export_of_samples_says_that_none_were_kept(
    neckline: Neckline, stored: Home, words: list[str]
) -> None:
    """The rest is written; how samples are kept from now on is said."""
    said = neckline("export", stored.folder / "out", *words)
    assert said.code == Exit.OK
    assert "recordings.enabled = true" in said.err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("out", "--wearer", "w-nobody"), Exit.NOTHING, "w-nobody"),
        (("out", "--since", "yesterday"), Exit.USAGE, "is no date"),
        (("out", "--until", "2026-02-30"), Exit.USAGE, "is no date"),
        (("out", "--since", "2026-01-02", "--until", "2026-01-01"), Exit.USAGE, "ends before it begins"),
        (("out", "--format", "xls"), Exit.USAGE, "xls"),
        ((".",), Exit.EXPORT, "is there already"),
        (("/proc/out",), Exit.EXPORT, "was not written"),
    ],
)
def test_export_of_what_cannot_be(
    neckline: Neckline, stored: Home, words: tuple[str, ...], code: Exit, sentence: str
) -> None:
    """Each in a sentence, each with its code; nothing is left behind."""
    said = neckline("export", *words)
    assert said.code == code
    assert sentence in said.err
    assert not (stored.folder / "out").exists()


# ---- bad journals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("snooze", "1h"), ("replay", "day.csv", *SPANS, "--into")])
def test_a_journal_that_cannot_be_written_is_told(
    neckline: Neckline, home: Home, recording: Path, words: tuple[str, ...]
) -> None:
    """Its folder is a file; another program's file is in its place; someone owns it."""
    home.set()
    into = () if words[0] == "snooze" else (home.journal,)

    def said_on(journal: Path) -> Said:
        return neckline(*words, *(["--journal"] if not into else []), journal)

    said = said_on(Path("/proc/journal.db"))
    assert said.code == Exit.JOURNAL
    assert "cannot be written" in said.err
    notes = home.folder / "notes.txt"
    notes.write_text("not a journal, mine")
    said = said_on(notes)
    assert said.code == Exit.JOURNAL
    assert notes.read_text() == "not a journal, mine"
    with Journal.open(home.journal, "neckline run"):
        said = said_on(home.journal)
    assert said.code == Exit.BUSY
    assert "neckline run (process" in said.err


def test_a_full_or_read_only_disk_is_told_and_loses_nothing(
    neckline: Neckline, home: Home, recording: Path, disk: Path
) -> None:
    """A replay into a disk that fills up, then into one that may only be read; what was stored before is there."""
    home.set()
    journal = disk / "journal.db"
    assert neckline("replay", recording, *SPANS, "--into", journal).code == Exit.OK
    ballast = fill(disk)
    said = neckline("replay", recording, *SPANS, "--into", journal, "--wearer", "w-other")
    assert said.code == Exit.JOURNAL
    assert "is full" in said.err
    assert "→ make room" in said.err
    ballast.unlink()
    gc.collect()  # the error's traceback holds a statement, and so the file, which the end of a process lets go
    remount(disk, "ro")
    said = neckline("--journal", journal, "snooze", "1h")
    assert said.code == Exit.JOURNAL
    assert "cannot be written" in said.err
    assert neckline("--journal", journal, "status").code == Exit.OK
    remount(disk, "rw")
    with JournalReader.open(journal) as reader:
        assert reader.count(EPOCH, STREAM) == 272
        assert reader.check() == []
