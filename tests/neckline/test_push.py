"""Alerts by apprise against a real HTTP server on loopback: delivered, or told without a word of the secret URL."""

import asyncio
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from neckline.alerting.alerts import Alerts
from neckline.alerting.messages import Message, Urgency
from neckline.alerting.push import Push, push_channels
from neckline.errors import ChannelError
from neckline.screen.logs import Style, plain

pytestmark = pytest.mark.filterwarnings(
    "ignore:'imghdr' is deprecated:DeprecationWarning"
)  # apprise, Python 3.11

SECRET = "s3cr3t-t0pic"  # noqa: S105 (of nothing)
MESSAGE = Message("You have been leaning forward for 1 min.", Urgency.NORMAL, offers_snooze=True)
PATIENCE_S = 60.0


@dataclass
class Server:
    """A service that messages are pushed to."""

    port: int = 0
    status: int = 200
    hangs: bool = False
    asked: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)
    got: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return the URL to push to, with a secret in its path, as those of real services have."""
        return f"json://user:{SECRET}@127.0.0.1:{self.port}/{SECRET}"


@contextmanager
def serving() -> Iterator[Server]:
    """Run a service on loopback."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take a message."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.asked.set()
            if state.hangs:
                assert state.goes_on.wait(PATIENCE_S)
            if state.status == 200:
                state.got.append(json.loads(body))
            self.send_response(state.status)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield state
        finally:
            state.goes_on.set()
            server.shutdown()
            thread.join()


async def until(so: Callable[[], bool]) -> None:
    """Wait until something is so, within reason."""
    async with asyncio.timeout(PATIENCE_S):
        while not so():  # noqa: ASYNC110 (a thread of apprise makes it so)
            await asyncio.sleep(0.01)


def refused(push: Push) -> str:
    """Send; it must be refused. Return all that is told of it."""
    with pytest.raises(ChannelError) as caught:
        asyncio.run(push.send(MESSAGE))
    assert caught.value.way_out
    return f"{caught.value}: {caught.value.way_out}"


def test_a_message_is_delivered_as_it_is() -> None:
    """Title and body, once; nothing of this computer or of apprise's own is added."""
    with serving() as server:
        (push,) = push_channels([server.url])
        asyncio.run(push.check())
        asyncio.run(push.send(MESSAGE))
        (got,) = server.got
    assert (got["title"], got["message"], got["attachments"]) == ("neckline", MESSAGE.body, [])
    assert push.name == "push 1 (JSON)"


def test_a_service_that_refuses_is_told_by_its_status() -> None:
    """And the next message is tried afresh."""
    with serving() as server:
        (push,) = push_channels([server.url])
        server.status = 403
        said = refused(push)
        assert "did not take the message (HTTP 403)" in said
        assert SECRET not in said
        server.status = 200
        asyncio.run(push.send(MESSAGE))
        assert len(server.got) == 1
    assert SECRET not in refused(push)  # nobody listens there any more


def test_a_system_that_had_no_thread_left_fails_one_message_alone() -> None:
    """Nothing is on its way then: the next message is sent."""

    def no_thread(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        with serving() as server:
            (push,) = push_channels([server.url])
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(threading.Thread, "start", no_thread)
                with pytest.raises(RuntimeError, match="new thread"):
                    await push.send(MESSAGE)
            await push.send(MESSAGE)
            assert len(server.got) == 1

    asyncio.run(main())


def test_a_service_that_hangs_holds_up_the_next_message_alone() -> None:
    """While one is on its way no second thread begins; when it has come through, all is well again."""

    async def main() -> None:
        with serving() as server:
            server.hangs = True
            (push,) = push_channels([server.url])
            first = asyncio.create_task(push.send(MESSAGE))
            assert await asyncio.to_thread(server.asked.wait, PATIENCE_S)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            with pytest.raises(ChannelError, match="still on its way"):
                await push.send(MESSAGE)
            server.hangs = False
            server.goes_on.set()
            await until(lambda: not push._busy)
            await push.send(MESSAGE)
            assert len(server.got) == 2

    asyncio.run(main())


@pytest.mark.parametrize("url", [f"nosuch://{SECRET}", f"https:/{SECRET}", "", f"tgram://{SECRET}"])
def test_a_url_that_is_none_says_so_before_anything_is_sent(url: str) -> None:
    """By its number, as the text is a secret."""
    with serving() as server:
        first, second = push_channels([server.url, url])
        asyncio.run(first.check())
        assert second.name == "push 2"
        with pytest.raises(ChannelError, match="its URL is none that apprise knows") as caught:
            asyncio.run(second.check())
        assert SECRET not in f"{caught.value} {caught.value.way_out}"
        assert "its URL is none" in refused(second)


def test_no_word_of_a_url_is_in_any_line_of_log() -> None:
    """Through refusals, a closed port and a URL that is wrong, in lines and in the status; the good channel delivers."""
    lines = io.StringIO()

    async def main(server: Server, urls: list[str]) -> str:
        alerts = Alerts(push_channels(urls))
        async with alerts.running():
            alerts.tell(MESSAGE)
            await until(lambda: sum(each.sent + each.failed for each in alerts.status) == len(urls))
        return repr(alerts.status)

    with serving() as good, serving() as bad, serving() as gone:
        closed_url = gone.url
        bad.status = 500
        with plain(Style.JSON, lines):
            status = asyncio.run(main(good, [good.url, bad.url, f"nosuch://{SECRET}"]))
        assert len(good.got) == 1
    with plain(Style.LINES, lines):
        status += asyncio.run(main(gone, [closed_url]))
    assert lines.getvalue().count("No alerts by push") == 3
    assert lines.getvalue().count("channel_fails") == 3
    for told in (lines.getvalue(), status):
        assert SECRET not in told
        assert "127.0.0.1" not in told
        assert "://" not in told.replace("https://appriseit.com", "")
