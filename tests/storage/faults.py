"""A proxy before a real InfluxDB that lets requests through, and does to some of them what networks and servers do."""

import socket
import struct
import threading
import urllib.error
import urllib.request
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Fault(Enum):
    """What becomes of a request; a number is the status that is answered in the server's stead."""

    DOWN = "reset before anything is read"
    MID_BODY = "reset in the middle of the request's body"
    UNANSWERED = "the server stores it, and the connection is reset before the answer"
    SILENT = "the server stores it, and no answer comes"
    CUT = "the server stores it, and half a status line comes back"
    TOO_MANY = 429
    BROKEN = 500
    UNAVAILABLE = 503
    TIMED_OUT = 504
    UNKNOWN_TOKEN = 401
    UNPROCESSABLE = 422


@dataclass(slots=True)
class Proxy:
    """What the proxy is to do, and what it has done."""

    url: str
    upstream_url: str
    faults: deque[Fault | None] = field(default_factory=deque)
    """For the next requests; None lets one through, and so does the end of them."""
    met: Counter[Fault | None] = field(default_factory=Counter)
    end: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    proxy: Proxy
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Do to a request what is its turn."""
        fault = self.proxy.faults.popleft() if self.proxy.faults else None
        if fault is Fault.DOWN:
            self.proxy.met[fault] += 1
            return self.reset()
        size = int(self.headers["Content-Length"])
        body = self.rfile.read(size // 2 if fault is Fault.MID_BODY else size)
        if fault is Fault.UNPROCESSABLE and b"\n" not in body:
            # Of a lone row it is a refusal for good, as it should be: let another request have it.
            self.proxy.faults.append(fault)
            fault = None
        self.proxy.met[fault] += 1
        if fault is Fault.MID_BODY:
            return self.reset()
        if fault is not None and isinstance(fault.value, int):
            return self.reply(fault.value, b'{"code":"injected","message":"by the proxy"}')
        status, answer = self.forward(body)
        if fault is Fault.SILENT:
            self.proxy.end.wait()
        if fault is Fault.CUT:
            self.wfile.write(b"HTTP/1.1 2")
        if fault is not None:
            return self.reset()
        return self.reply(status, answer)

    def forward(self, body: bytes) -> tuple[int, bytes]:
        """Ask the server."""
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        url = f"{self.proxy.upstream_url}{self.path}"
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 (loopback)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (loopback)
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def reply(self, status: int, body: bytes) -> None:
        """Answer."""
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def reset(self) -> None:
        """End the connection as a crash does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def handle(self) -> None:
        """Serve until the client leaves."""
        with suppress(OSError, ValueError):  # the client left, or the files went with the connection
            super().handle()

    def finish(self) -> None:
        """Close what is left to close."""
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def fault_proxy(upstream_url: str, faults: Sequence[Fault | None]) -> Iterator[Proxy]:
    """Run a proxy on loopback as long as the block runs."""
    handler: Any = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        proxy = Proxy(f"http://127.0.0.1:{server.server_port}", upstream_url, deque(faults))
        handler.proxy = proxy
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.end.set()
            server.shutdown()
            thread.join(5)
