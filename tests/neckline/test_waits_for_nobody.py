"""Alerts wait for nobody: whatever hangs or fails beside it, the wearer is told at the same moment, and all is stored."""

import asyncio
import io
import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from neckline.alerting.messages import ALL, Message
from neckline.errors import ChannelError
from neckline.screen.logs import Style, plain
from neckline.screen.view import live_view
from neckline.watching import running
from neckline.watching.service import Service
from storage.errors import DiskFullError, NotDurableError
from storage.journal import Journal
from storage.rows import PackedRow
from storage.schema import EPISODE, EPOCH, EVENT, MINUTE
from tests.neckline.services import (
    ONE_SLOUCH,
    SETTINGS,
    STREAM,
    Ran,
    calibrated,
    ran,
    rows,
    until_s,
    worn_clip,
)
from tests.sensor.worlds import radio
from tests.storage.stub import Reply, stub_server

if TYPE_CHECKING:
    from sensor.virtual.clip import VirtualClip

pytestmark = radio

SLOUCH_OVER_S = 38.0
PATIENCE_S = 60.0


@dataclass(slots=True)
class Hold:
    """Holds up whoever passes while it is shut."""

    shut: bool = False
    somebody_waits: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def pass_by(self) -> None:
        """Wait while it is shut."""
        if self.shut:
            self.somebody_waits.set()
            assert self.opened.wait(PATIENCE_S)

    async def around_the_slouch(self, _service: Service, clip: "VirtualClip") -> None:
        """Shut it before the slouch, see that somebody waits, and open it when the slouch is over."""
        await until_s(5, clip)
        self.shut = True
        await until_s(SLOUCH_OVER_S, clip)
        assert await asyncio.to_thread(self.somebody_waits.wait, PATIENCE_S)
        self.shut = False
        self.opened.set()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Give the path of a journal that holds the wearer's reference."""
    return calibrated(tmp_path / "journal.db")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the wearer was told and when, by the samples and by the clock; and everything that is stored."""

    told: list[tuple[float, Message]]
    stored: tuple[list[Any], ...]


def outcome(journal: Path, of: Ran) -> Outcome:
    """Return what came of a run."""
    return Outcome(of.told.messages, tuple(rows(journal, kind) for kind in (EPOCH, MINUTE, EPISODE, EVENT)))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Give what comes of one slouch when all goes well."""
    journal = calibrated(tmp_path_factory.mktemp("undisturbed") / "journal.db")
    well = outcome(journal, ran(journal, worn_clip(ONE_SLOUCH)))
    assert len(well.told) == 1
    return well


# ---- channels --------------------------------------------------------------------------------------------------------


class Bad:
    """A channel that does not work."""

    takes = ALL

    def __init__(self, name: str, fault: Exception | None, *, checks: bool = True) -> None:
        self.name, self.fault, self.checks = name, fault, checks

    async def check(self) -> None:
        """Find nothing wrong, or never answer."""
        if not self.checks:
            await asyncio.Event().wait()

    async def send(self, message: Message) -> None:
        """Raise the fault; without one, never answer."""
        assert message.body
        if self.fault is not None:
            raise self.fault
        await asyncio.Event().wait()


def test_channels_that_hang_or_fail(journal: Path, undisturbed: Outcome) -> None:
    """Those that work deliver at once; of the others the status says why."""
    bad = [
        Bad("hangs", None),
        Bad("hangs at once", None, checks=False),
        Bad("refuses", ChannelError("refuses", "nobody is there", "look there")),
        Bad("is broken", ZeroDivisionError("1/0")),
    ]
    with_bad = ran(journal, worn_clip(ONE_SLOUCH), channels=bad)
    assert outcome(journal, with_bad) == undisturbed
    channels = {channel.name: channel for channel in with_bad.seen.statuses[-1].channels}
    assert (channels["told"].sent, channels["told"].trouble) == (1, "")
    assert (channels["refuses"].failed, channels["is broken"].failed) == (1, 1)
    assert "look there" in channels["refuses"].trouble
    assert "no answer within" in channels["hangs at once"].trouble


# ---- the journal -----------------------------------------------------------------------------------------------------


def test_a_disk_that_hangs(journal: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one row gets out before the slouch is over; then all of them do."""
    hold, write = Hold(), Journal.write

    def held_up(*args: Any) -> int:
        hold.pass_by()
        return write(*args)

    monkeypatch.setattr(Journal, "write", held_up)
    hung = ran(journal, worn_clip(ONE_SLOUCH), hold.around_the_slouch)
    assert outcome(journal, hung) == undisturbed
    assert max(status.journal.pending for status in hung.seen.statuses) > 30


class FullDisk:
    """A disk without room, for as long as it is full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.refused = threading.Event()
        write = Journal.write

        def unless_full(journal: Journal, packed: list[PackedRow], *others: Any) -> int:
            if self.full:
                self.refused.set()
                raise DiskFullError(journal.path)
            return write(journal, packed, *others)

        monkeypatch.setattr(Journal, "write", unless_full)

    async def before_the_slouch(self, _service: Service, clip: "VirtualClip") -> None:
        """Let it fill up."""
        await until_s(5, clip)
        self.full = True

    async def around_the_slouch(self, service: Service, clip: "VirtualClip") -> None:
        """Let it fill up before the slouch, and make room after it."""
        await self.before_the_slouch(service, clip)
        await until_s(SLOUCH_OVER_S, clip)
        assert await asyncio.to_thread(self.refused.wait, PATIENCE_S)
        await asyncio.sleep(1)  # for a status
        self.full = False


def test_a_disk_that_is_full(journal: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status says so, with the way out; with room again every row is stored."""
    full = ran(journal, worn_clip(ONE_SLOUCH), FullDisk(monkeypatch).around_the_slouch)
    assert outcome(journal, full) == undisturbed
    troubles = {status.journal.trouble for status in full.seen.statuses} - {""}
    assert len(troubles) == 1
    assert "is full: make room" in troubles.pop()


def test_a_disk_that_stays_full(journal: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wearer is told all the same; the run ends by saying how many rows could not be saved, and why."""
    monkeypatch.setattr(running, "CLOSE_S", 0.1)
    told: list[tuple[float, Message]] = []

    class Kept(Bad):
        async def send(self, message: Message) -> None:
            told.append((asyncio.get_running_loop().time(), message))

    with pytest.raises(NotDurableError, match=r"\d+ rows could not be saved: .* is full") as caught:
        ran(
            journal,
            worn_clip(ONE_SLOUCH),
            FullDisk(monkeypatch).before_the_slouch,
            channels=[Kept("kept", None)],
        )
    assert "make room" in caught.value.way_out
    assert told == undisturbed.told
    with Journal.open(journal, "test") as again:  # it was let go of
        assert again.damage == ()


# ---- the network -----------------------------------------------------------------------------------------------------


def test_an_influxdb_that_hangs(
    journal: Path,
    undisturbed: Outcome,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It accepts, and answers nothing; that all goes there, and as which wearer, was said at the start."""
    caplog.set_level("INFO", "neckline")
    monkeypatch.setattr(running, "DRAIN_S", 0.1)
    with stub_server() as stub:
        stub.always = Reply(503, breaks="hangs")
        monkeypatch.setenv("NECKLINE_INFLUXDB_TOKEN", stub.token)
        influxdb = {"url": stub.url, "org": "o", "bucket": "b", "timeout_s": 0.5}
        hung = ran(journal, worn_clip(ONE_SLOUCH), settings={**SETTINGS, "influxdb": influxdb})
        assert stub.requests
        assert stub.points == {}
    assert outcome(journal, hung) == undisturbed
    assert hung.seen.statuses[-1].influxdb is not None
    assert f"InfluxDB at {stub.url} gets it as wearer {STREAM.wearer}" in caplog.text


# ---- who looks -------------------------------------------------------------------------------------------------------


class Stopped(io.StringIO):
    """A terminal on which somebody pressed Ctrl-S, a pipe that nobody reads."""

    def __init__(self, hold: Hold) -> None:
        super().__init__()
        self._hold = hold
        self.showed_the_day = threading.Event()

    def write(self, text: str) -> int:
        """Write, when it can be."""
        self._hold.pass_by()
        if "none today" in text:
            self.showed_the_day.set()
        return super().write(text)

    async def around_the_slouch(self, service: Service, clip: "VirtualClip") -> None:
        """See that it draws, and then as ever; time stands still meanwhile."""
        await until_s(3, clip)
        assert await asyncio.to_thread(self.showed_the_day.wait, PATIENCE_S)
        await self._hold.around_the_slouch(service, clip)


def test_lines_that_nobody_reads(journal: Path, undisturbed: Outcome) -> None:
    """More of them than can wait: those that are too many are lost and counted."""
    hold = Hold()
    stream = Stopped(hold)
    with plain(Style.LINES, stream) as writer:

        async def happens(service: Service, clip: "VirtualClip") -> None:
            await until_s(4, clip)
            hold.shut = True
            for number in range(3000):
                logging.getLogger("some.library").warning("line %d", number)
            await hold.around_the_slouch(service, clip)

        unread = ran(journal, worn_clip(ONE_SLOUCH), happens)
    assert outcome(journal, unread) == undisturbed
    assert writer.lost > 1000
    assert "slouch_alert" not in stream.getvalue()


def test_a_terminal_that_has_stopped(journal: Path, undisturbed: Outcome) -> None:
    """The picture stands still, and nothing else does."""
    hold = Hold()
    terminal = Stopped(hold)
    screen = Console(file=terminal, force_terminal=True, width=80, height=24)
    with live_view(console=screen) as view:
        stopped = ran(journal, worn_clip(ONE_SLOUCH), terminal.around_the_slouch, view=view)
    assert outcome(journal, stopped) == undisturbed
