"""The control wire, both ends: a real server on loopback, the real client, and whoever else may knock."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neckline.control import client as control_client
from neckline.control import server as control_server
from neckline.control.client import Client
from neckline.control.server import MAX_CONNECTIONS, serving
from neckline.control.wire import MAX_LINE, Endpoint, Reply, Request, endpoint_path, from_line, to_line
from neckline.errors import ControlRefusedError, ServiceAbsentError, ServiceSilentError
from neckline.wearing.calibrating import PoseName, Prompt
from neckline.wearing.status import ChannelStatus, InfluxStatus, JournalStatus, Status, Today
from processing.calibration import Calibration
from processing.outputs import Activity, Posture, Stance
from processing.settings import Mode
from processing.state import Now
from sensor.samples import BatteryReading, LinkChange, LinkState
from storage.errors import DiskFullError

T = TypeVar("T")

CALIBRATION = Calibration("c-1", 5, (0.0, 1.0, 0.0), (0.0, 0.0, -1.0), 13.2, None)
PROMPTS = [
    Prompt("Sit", PoseName.UPRIGHT, hold=True, seconds=5.0, remaining_s=2.0),
    Prompt("Calibrated", done=CALIBRATION),
]
STATUS = Status(
    time_ns=1_760_000_000_000_000_001,
    started_ns=1,
    wearer="w-1",
    placement="t4",
    clip="WT901 “Ä”",
    simulated=False,
    now=Now(
        time_ns=2,
        sagittal_deg=0.1 + 0.2,
        lateral_deg=None,
        activity=Activity.STILL,
        stance=Stance.SITTING,
        posture=Posture.SLOUCHED,
        threshold_deg=12.0,
        off_deg=8.0,
        hold_progress=0.5,
    ),
    hold_s=60.0,
    mode=Mode.COACH,
    link=LinkChange(3, LinkState.WAITING, "gone"),
    battery=BatteryReading(4, 81.0, 3.9),
    calibrated_ns=None,
    suspect="",
    today=Today(1, 2, 3, 4, 5),
    last_alert_ns=7,
    snoozed_until_ns=None,
    alerts_from_ns=None,
    journal=JournalStatus(Path("/j"), 1, 2, "full"),
    influxdb=InfluxStatus(9, None, 1),
    channels=(ChannelStatus("desktop", 1, 2, 3, "none"),),
)


@dataclass
class Service:
    """A handler that remembers what it was asked."""

    asked: list[object] = field(default_factory=list)
    fails: Exception | None = None
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    endless: bool = False
    told: Status = STATUS

    def status(self) -> Status:
        """Give the status, or fail."""
        if self.fails:
            raise self.fails
        return self.told

    async def snooze(self, until_ns: int | None) -> None:
        """Remember until when, or fail."""
        if self.fails:
            raise self.fails
        self.asked.append(until_ns)

    async def visit(self, time_ns: int) -> None:
        """Remember when."""
        self.asked.append(time_ns)

    async def feedback(self, duration_ms: int) -> None:
        """Remember how long."""
        self.asked.append(duration_ms)

    async def calibrate(self, *, slump: bool, stance: Stance) -> AsyncGenerator[Prompt, None]:
        """Say the prompts, then perhaps one for ever."""
        self.asked.append((slump, stance))
        try:
            for prompt in PROMPTS:
                yield prompt
            if self.endless:
                # As while the clip is away: there is nothing to say.
                await asyncio.Event().wait()
        finally:
            self.closed.set()


def asked(service: Service, journal: Path, ask: Callable[[], T]) -> T:
    """Serve while a command asks from another thread, as from another process."""

    async def serve() -> T:
        async with serving(service, journal):
            return await asyncio.to_thread(ask)

    return asyncio.run(serve())


def client(journal: Path) -> Client:
    """Connect; there is someone."""
    found = Client.connect(journal)
    assert found is not None
    return found


def sent(port: int, data: bytes) -> bytes:
    """Send bytes to the service as they are; return all that it answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        try:
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: link.recv(65536), b""))
        except OSError:
            return b""


def endpoint(journal: Path) -> Endpoint:
    """Read where the service listens."""
    return from_line(Endpoint, endpoint_path(journal).read_bytes())


def test_everything_arrives_as_it_was_said(tmp_path: Path) -> None:
    """Status, snooze and calibration to the last bit, by the real client over the real wire."""
    journal = tmp_path / "journal.db"
    service = Service()

    def ask() -> tuple[Status, list[Prompt]]:
        command = client(journal)
        command.snooze(17)
        command.snooze(None)
        return command.status(), list(command.calibrate(slump=True, stance=Stance.STANDING))

    assert asked(service, journal, ask) == (STATUS, PROMPTS)
    assert service.asked == [17, None, (True, Stance.STANDING)]


def test_the_endpoint_is_private_and_goes_with_the_service(tmp_path: Path) -> None:
    """0600, on loopback, a fresh token each time; and nobody is found when the service has ended."""
    journal = tmp_path / "journal.db"
    tokens = set()

    def look() -> None:
        assert endpoint_path(journal).stat().st_mode & 0o777 == 0o600
        assert endpoint(journal).pid == os.getpid()
        tokens.add(endpoint(journal).token)

    for _ in range(2):
        asked(Service(), journal, look)
    assert len(tokens) == 2
    assert min(len(token) for token in tokens) >= 40
    assert not endpoint_path(journal).exists()
    assert Client.connect(journal) is None


def test_an_endpoint_that_a_killed_service_left_is_nobody(tmp_path: Path) -> None:
    """Its port is closed, or belongs to someone else by now, or the file is torn."""
    journal = tmp_path / "journal.db"
    left: list[bytes] = []
    asked(Service(), journal, lambda: left.append(endpoint_path(journal).read_bytes()))
    endpoint_path(journal).write_bytes(left[0])
    assert Client.connect(journal) is None
    endpoint_path(journal).write_bytes(left[0][:30])
    assert Client.connect(journal) is None

    other = tmp_path / "other.db"

    def port_is_taken_by_another_service() -> None:
        stale = from_line(Endpoint, left[0])
        mixed = Endpoint(stale.pid, endpoint(other).port, stale.token, stale.owner)
        endpoint_path(journal).write_bytes(to_line(mixed))
        assert Client.connect(journal) is None

    asked(Service(), other, port_is_taken_by_another_service)


def test_a_new_service_is_not_unfound_by_the_end_of_an_old_one(tmp_path: Path) -> None:
    """Whoever ends removes its own endpoint alone."""
    journal = tmp_path / "journal.db"

    async def overlap() -> None:
        async with serving(Service(), tmp_path / "another.db"), serving(Service(), journal):
            text = endpoint_path(tmp_path / "another.db").read_bytes()
            endpoint_path(journal).write_bytes(text)
        assert endpoint_path(journal).read_bytes() == text

    asyncio.run(overlap())


def test_a_wrong_token_gets_nothing(tmp_path: Path) -> None:
    """Not a status, not a snooze; the answer is a sentence."""
    journal = tmp_path / "journal.db"
    service = Service()

    def knock() -> None:
        port = endpoint(journal).port
        for token in ("", "x" * 43, "ü"):
            for do in ("hello", "status", "snooze", "calibrate"):
                reply = from_line(Reply, sent(port, to_line(Request(token, do))))
                assert reply.status is None
                assert "token" in reply.error

    asked(service, journal, knock)
    assert service.asked == []


def test_lines_are_bounded_and_the_service_goes_on(tmp_path: Path) -> None:
    """A line without end, garbage, a request that is not known: each is refused alone."""
    journal = tmp_path / "journal.db"

    def knock() -> Status:
        here = endpoint(journal)
        answer = sent(here.port, b"x" * (4 * MAX_LINE))
        assert not answer or "request" in json.loads(answer)["error"]  # or cut off while it was still sending
        for data in (b"", b"\n", b"GET / HTTP/1.1\r\n\r\n", b"[1]\n", b'{"token": 3}\n', b"\xff\xfe\n"):
            assert "request" in json.loads(sent(here.port, data))["error"]
        unknown = from_line(Reply, sent(here.port, to_line(Request(here.token, "erase"))))
        assert "does not know the request 'erase'" in unknown.error
        assert unknown.way_out
        return client(journal).status()

    assert asked(Service(), journal, knock) == STATUS


def test_a_line_that_never_ends_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither memory nor time goes to someone who says nothing sensible."""
    monkeypatch.setattr(control_server, "REQUEST_WITHIN_S", 0.05)
    journal = tmp_path / "journal.db"

    def dawdle() -> Reply:
        with socket.create_connection(("127.0.0.1", endpoint(journal).port), timeout=20) as link:
            link.sendall(b'{"token":')
            return from_line(Reply, link.recv(65536))

    assert "request" in asked(Service(), journal, dawdle).error


def test_many_connections_do_not_crowd_out_the_service(tmp_path: Path) -> None:
    """Beyond a few at once, connections are closed; those that are served are served."""
    journal = tmp_path / "journal.db"

    def crowd() -> Status:
        port = endpoint(journal).port
        idle = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(MAX_CONNECTIONS)]
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as one_too_many:
                assert one_too_many.recv(1) == b""
        finally:
            for link in idle:
                link.sendall(b"\n")
                while link.recv(65536):
                    pass
                link.close()
        return client(journal).status()

    assert asked(Service(), journal, crowd) == STATUS


def test_the_products_errors_arrive_with_their_way_out(tmp_path: Path) -> None:
    """A refusal is a sentence and a way out; a fault of the service's own names no internals, and it goes on."""
    journal = tmp_path / "journal.db"
    full = DiskFullError(journal)

    def snooze() -> ControlRefusedError:
        with pytest.raises(ControlRefusedError) as caught:
            client(journal).snooze(1)
        return caught.value

    refused = asked(Service(fails=full), journal, snooze)
    assert (str(refused), refused.way_out) == (str(full), full.way_out)
    fault = asked(Service(fails=ZeroDivisionError("secret")), journal, snooze)
    assert "ZeroDivisionError" in str(fault)
    assert "secret" not in str(fault)


def test_a_command_that_goes_away_ends_its_calibration(tmp_path: Path) -> None:
    """The capture is closed when nobody watches any more, and at the end of the service."""
    journal = tmp_path / "journal.db"

    async def leave(*, by_command: bool) -> None:
        service = Service(endless=True)
        async with serving(service, journal) as here:
            reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
            writer.write(to_line(Request(here.token, "calibrate")))
            await reader.readline()
            if by_command:
                writer.close()
                async with asyncio.timeout(10):
                    await service.closed.wait()
        await service.closed.wait()
        writer.close()

    asyncio.run(leave(by_command=True))
    asyncio.run(leave(by_command=False))


def test_a_command_that_reads_nothing_holds_up_no_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much of its answer still waits to be taken."""
    full, pause = asyncio.Event(), asyncio.StreamReaderProtocol.pause_writing

    def paused(protocol: asyncio.StreamReaderProtocol) -> None:
        pause(protocol)
        full.set()

    monkeypatch.setattr(asyncio.StreamReaderProtocol, "pause_writing", paused)

    class Chatty(Service):
        async def calibrate(self, *, slump: bool, stance: Stance) -> AsyncGenerator[Prompt, None]:
            """Say more than a connection holds."""
            self.asked.append((slump, stance))
            while True:
                yield Prompt("x" * 30_000)

    async def stop() -> None:
        async with serving(Chatty(), tmp_path / "j.db") as at:
            _, writer = await asyncio.open_connection("127.0.0.1", at.port, limit=1)
            writer.write(to_line(Request(at.token, "calibrate")))
            await full.wait()
        writer.transport.abort()

    asyncio.run(asyncio.wait_for(stop(), 15))


def test_a_service_that_hangs_is_told_from_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone accepts and says nothing: silent, unless the process that left the endpoint is dead."""
    monkeypatch.setattr(control_client, "ANSWER_S", 0.05)
    journal = tmp_path / "journal.db"
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        endpoint_path(journal).write_bytes(to_line(Endpoint(os.getpid(), port, "t", "neckline run")))
        with pytest.raises(ServiceSilentError) as caught:
            Client.connect(journal)
        assert caught.value.way_out
        endpoint_path(journal).write_bytes(to_line(Endpoint(int(dead.stdout), port, "t", "neckline run")))
        assert Client.connect(journal) is None
    with pytest.raises(ServiceAbsentError):
        Client(Endpoint(os.getpid(), port, "t", "neckline run")).status()


def test_another_program_at_the_port_is_nobody_of_ours(tmp_path: Path) -> None:
    """A port that a dead service left may be a web server's by now."""
    journal = tmp_path / "journal.db"

    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def serve() -> Client | None:
        async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            endpoint_path(journal).write_bytes(to_line(Endpoint(os.getpid(), port, "t", "neckline run")))
            return await asyncio.to_thread(Client.connect, journal)

    assert asyncio.run(serve()) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_value_error(data: bytes) -> None:
    """Nothing else comes of what others write."""
    for kind in (Endpoint, Request, Reply):
        try:
            assert isinstance(from_line(kind, data), kind)
        except ValueError:
            continue
