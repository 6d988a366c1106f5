"""A mock of an InfluxDB's write API: for the answers that the real server cannot be made to give.

Strict about what is sent to it (method, path, precision, token, line protocol by `tests.storage.protocol`), it keeps
what it accepted and answers as it is told. Everything that the real server can be made to answer is tested on that.
"""

import gzip
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from storage.influxdb import InfluxSettings
from tests.storage.protocol import Field, Point, parse

TOKEN = "a-token-as-of-2.x=="  # noqa: S105 (of nothing)


@dataclass(frozen=True, slots=True)
class Reply:
    """What to do with one request."""

    status: int = 204
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    stores: bool = False
    """Keep the points although the answer is none of success: a server that fails after the fact."""
    breaks: str = ""
    """`before`: reset without an answer; `within`: reset in the middle of the body; `hangs`: no answer;
    `drips`: a body that never ends."""

    def to_bytes(self) -> bytes:
        """Return the HTTP answer."""
        length = len(self.body) + (10**6 if self.breaks in {"within", "drips"} else 0)
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.status != HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def json_reply(status: int, body: str, **changes: Any) -> Reply:
    """Return an answer with a JSON body."""
    return Reply(status, body.encode(), (("Content-Type", "application/json"),), **changes)


@dataclass(slots=True)
class Stub:
    """What the mock was sent and keeps."""

    url: str
    token: str = TOKEN
    """What it wants to be shown."""
    replies: deque[Reply] = field(default_factory=deque)
    """What to answer next; when they are used up, 204."""
    always: Reply | None = None
    """What to answer when they are used up, instead of 204."""
    requests: list[list[Point]] = field(default_factory=list)
    """The points of every request, the empty ones too."""
    points: dict[Any, dict[str, Field]] = field(default_factory=dict)
    """What is stored, as a real server merges it."""
    wrong: list[str] = field(default_factory=list)
    """What was wrong with requests."""
    before_reply: Callable[[], None] = lambda: None
    end: threading.Event = field(default_factory=threading.Event)
    connections: list[socket.socket] = field(default_factory=list)

    def settings(self, **changes: Any) -> InfluxSettings:
        """Return how to write to it."""
        wanted = {
            "url": self.url,
            "org": "o",
            "bucket": "b",
            "token": self.token,
            "timeout_s": 5.0,
            **changes,
        }
        return InfluxSettings(**wanted)

    def take(self, head: str, headers: dict[str, str], body: bytes) -> Reply:
        """Check a request, keep its points, choose the answer."""
        method, target, _ = head.split(" ")
        asked = parse_qs(urlsplit(target).query, keep_blank_values=True)
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        expected = {
            "method": (method, "POST"),
            "path": (urlsplit(target).path, "/api/v2/write"),
            "query": (asked, {"org": ["o"], "bucket": ["b"], "precision": ["ns"]}),
            "authorization": (headers.get("authorization"), f"Token {self.token}"),
        }
        self.wrong += [f"{name}: {got!r}" for name, (got, right) in expected.items() if got != right]
        try:
            points = parse(body.decode())
        except ValueError as error:
            self.wrong.append(str(error))
            points = []
        self.requests.append(points)
        self.before_reply()
        reply = self.replies.popleft() if self.replies else self.always or Reply()
        if reply.stores or reply.status == HTTPStatus.NO_CONTENT:
            for point in points:
                stored = self.points.setdefault(point.key, dict(point.fields))
                if stored != dict(point.fields):
                    self.wrong.append(f"{point.key} was {stored} and is {point.fields}")
        return reply


@contextmanager
def stub_server(tls: ssl.SSLContext | None = None) -> Iterator[Stub]:
    """Run a mock on loopback, with TLS if a context is given; at the end, fail if anything wrong was sent to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stub = Stub(f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}")
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=_serve, args=(stub, connection, tls), daemon=True))
                threads[-1].start()

        threads.append(threading.Thread(target=accept, daemon=True))
        threads[0].start()
        try:
            yield stub
        finally:
            stub.end.set()
            for blocked in (listener, *stub.connections):
                with suppress(OSError):
                    blocked.shutdown(socket.SHUT_RDWR)  # to close alone wakes nobody who waits in it
            for thread in threads:
                thread.join(5)
    assert not stub.wrong


def _serve(stub: Stub, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
    try:
        if tls is not None:
            connection = tls.wrap_socket(connection, server_side=True)
        stub.connections.append(connection)
        with connection, connection.makefile("rb") as incoming:
            while head := incoming.readline().decode().strip():
                headers = {}
                while line := incoming.readline().decode().strip():
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                reply = stub.take(head, headers, incoming.read(int(headers.get("content-length", "0"))))
                if not _answer(stub, connection, reply):
                    return
    except (OSError, ValueError):
        return  # the other side went away, or the mock was ended


def _answer(stub: Stub, connection: socket.socket, reply: Reply) -> bool:
    """Answer; tell whether the connection still stands."""
    if reply.breaks == "hangs":
        stub.end.wait()
    elif reply.breaks != "before":
        connection.sendall(reply.to_bytes())
    while reply.breaks == "drips" and not stub.end.wait(0.02):
        connection.sendall(b".")
    if reply.breaks:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close resets
        connection.close()
    return not reply.breaks
