"""Writes lines to an InfluxDB over its v2 write API and says what the answer means; the one user of influxdb_client.

Serves InfluxDB 1.8 and newer, 2.x, Cloud and 3 Core. A write is one HTTP request, in the caller's thread, with its
own time-out and without retries: what to do with the answer is the caller's. Nothing here raises for what a server
does. influxdb_client builds the requests; it is not let near the answers, because its errors drop bodies that are not
JSON, fail on those that are not UTF-8 and on empty ones, and set up the root logger by the way.

Importing this costs some 40 MB of memory, so those who may do without an InfluxDB import it late.
"""

import gzip
import json
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.service.write_service import WriteService
from urllib3.exceptions import HTTPError, LocationParseError, NewConnectionError

from storage.answer import DELIVERED, Answer, Verdict, answer_of
from storage.errors import (
    InfluxBucketError,
    InfluxError,
    InfluxForeignError,
    InfluxKeepsError,
    InfluxRequestError,
    InfluxSettingsError,
    InfluxTokenError,
    InfluxTokenFileError,
    InfluxUnreachableError,
    InfluxUntrustedError,
)
from storage.schema import KINDS

PROBE = "# may neckline write here?"
"""A comment in line protocol: it goes through every check of a write and stores nothing."""
EMPTY = ("writing requires points", "incoming write was empty")
"""What 2.x and 3 Core say to a write without points once all else about it was right; 1.x says 204."""
MEASUREMENTS = tuple(kind.measurement for kind in KINDS if kind.measurement is not None)
EARLIEST, LATEST = "1677-09-21T00:12:44Z", "2262-04-11T23:47:16Z"
"""What fits into 64 bits of nanoseconds."""
NO_SUCH_API = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
BODY_BYTES = 1_048_576
"""How much of an answer is read."""


@dataclass(frozen=True, slots=True)
class InfluxSettings:
    """Where to write. InfluxSettingsError for what cannot be an address or a bucket."""

    url: str
    """`http://localhost:8086`; never with a password in it."""
    bucket: str
    """Its name; for InfluxDB 1.x `database` or `database/retention_policy`."""
    org: str = ""
    """Needed by 2.x alone."""
    token: str = field(default="", repr=False)
    """A token, or `user:password` for InfluxDB 1.x; empty for a server that asks for none."""
    token_file: Path | None = None
    """Where the token is if it is not given; read again after every refusal, so that it can be mended meanwhile."""
    timeout_s: float = 10.0
    """How long connecting, sending and waiting for the answer may take, each."""
    gzip: bool = False
    """Compress what is sent, to a fifth of the bytes."""
    verify: bool | Path = True
    """Whether to check the server's certificate; or the file of the authority to check it by."""

    def __post_init__(self) -> None:
        try:
            parts = urllib3.util.parse_url(self.url)
        except LocationParseError:
            parts = urllib3.util.Url()
        if parts.scheme not in {"http", "https"} or not parts.host or parts.query or parts.fragment:
            shown = self.url.rpartition("@")[2]  # before it there may be a password
            raise InfluxSettingsError("url", f"is an address as http://localhost:8086, not {shown!r}")
        if parts.auth:
            raise InfluxSettingsError("url", "holds a password: put user:password into influxdb.token_file")
        if not self.bucket:
            raise InfluxSettingsError("bucket", "is missing")
        if not self.timeout_s > 0:
            raise InfluxSettingsError("timeout_s", f"is more than 0, not {self.timeout_s:g}")


class InfluxSink:
    """One InfluxDB to write to. For several threads: one that drops the connection hinders none that is at a request."""

    def __init__(self, settings: InfluxSettings) -> None:
        self.settings = settings
        self._lock = Lock()
        self._connection: Connection | None = None

    def write(self, lines: Sequence[str]) -> Answer:
        """Send lines in one request; return what became of them."""
        where = self.settings
        try:
            connection = self._connected()
        except InfluxError as error:
            return Answer(Verdict.HELD, str(error), error)
        try:
            reply = connection.post("\n".join(lines).encode("utf-8", "replace"))
        except HTTPError as error:
            answer = self._unreached(error)
        else:
            answer = answer_of(
                reply.status,
                reply.body,
                url=where.url,
                bucket=where.bucket,
                retry_after=reply.retry_after,
                now_s=time.time(),
            )
        if answer.verdict is Verdict.HELD:
            self.close()
        return answer

    def ask(self) -> Answer:
        """Send a request that stores nothing; DELIVERED, or what would keep all rows from being delivered."""
        answer = self.write([PROBE])
        if answer.verdict not in {Verdict.REFUSED, Verdict.TOO_LARGE}:
            return answer
        if answer.reason.endswith(EMPTY):
            return DELIVERED
        return Answer(Verdict.HELD, answer.reason, InfluxRequestError(self.settings.url, answer.reason))

    def check(self) -> InfluxError | None:
        """Return what keeps rows from being written: address, token, permission or bucket; None if nothing does."""
        return self.ask().trouble

    def erase(self, wearer: str) -> None:
        """Delete all rows of a wearer in our measurements; return when the server says that it is done.

        By the v2 delete API (1.12, 2.x, Cloud), else by InfluxQL (1.x, where it reaches all retention policies). Raises
        InfluxKeepsError where there is neither (3 Core), another InfluxError for what else is wrong.
        """
        where = self.settings
        for measurement in MEASUREMENTS:
            predicate = f'_measurement="{measurement}" AND wearer="{wearer}"'
            span = {"start": EARLIEST, "stop": LATEST, "predicate": predicate}
            reply = self.call("POST", "/api/v2/delete", {"org": where.org, "bucket": where.bucket}, span)
            if reply.status in NO_SUCH_API and not reply.is_json:
                self._drop_series(wearer)
                return
            self._refuse(reply)

    def call(
        self, method: str, path: str, query: dict[str, str], content: dict[str, Any] | None = None
    ) -> "Reply":
        """Send another request than a write; return the answer, whatever it is. Raises InfluxError for none."""
        try:
            return self._connected().send(method, path, query, content)
        except HTTPError as error:
            trouble = self._unreached(error).trouble
            raise trouble or InfluxUnreachableError(self.settings.url, str(error)) from error

    def _drop_series(self, wearer: str) -> None:
        where = self.settings
        names = ", ".join(f'"{measurement}"' for measurement in MEASUREMENTS)
        asked = {
            "db": where.bucket.partition("/")[0],
            "q": f"DROP SERIES FROM {names} WHERE wearer = '{wearer}'",
        }
        reply = self.call("POST", "/query", asked)
        if reply.status != HTTPStatus.OK:
            self._refuse(reply)
        if b'"error"' not in reply.body:
            return
        if b"database not found" in reply.body:
            raise InfluxBucketError(where.url, where.bucket, "database not found")
        raise InfluxKeepsError(where.url, where.bucket, reply.body.decode("utf-8", "replace").strip()[:300])

    def _refuse(self, reply: "Reply") -> None:
        """Raise what an answer to a deletion means, unless it is done."""
        where = self.settings
        answer = answer_of(reply.status, reply.body, url=where.url, bucket=where.bucket)
        if answer.trouble is not None:
            if isinstance(answer.trouble, InfluxForeignError):
                raise InfluxKeepsError(where.url, where.bucket, answer.reason)
            raise answer.trouble
        if answer.verdict is not Verdict.DELIVERED:
            raise InfluxKeepsError(where.url, where.bucket, answer.reason)

    def close(self) -> None:
        """Drop the connection; the next write makes a new one."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> "Connection":
        """Return the connection that all threads share, made if there is none. Raises InfluxError for want of a token."""
        with self._lock:
            self._connection = self._connection or Connection(self.settings, self._token())
            return self._connection

    def _token(self) -> str:
        """Return the token as it is now; InfluxError if there is none to be had."""
        where, token = self.settings, self.settings.token
        if not token and where.token_file is not None:
            try:
                token = where.token_file.read_text("utf-8")
            except (OSError, UnicodeError) as error:
                detail = (error.strerror if isinstance(error, OSError) else None) or str(error)
                raise InfluxTokenFileError(where.url, where.token_file, detail) from error
        token = token.strip()
        if not (token.isascii() and token.isprintable()) and not _is_password(token):
            raise InfluxTokenError(where.url, "it holds characters that no token has")
        return token

    def _unreached(self, error: HTTPError) -> Answer:
        """Return what it means that no answer came."""
        url = self.settings.url
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__ or cause.__context__
        detail = (cause.strerror if isinstance(cause, OSError) else None) or str(error)
        if isinstance(error, urllib3.exceptions.TimeoutError) and not isinstance(error, NewConnectionError):
            detail = f"no answer within {self.settings.timeout_s:g} s"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Answer(Verdict.HELD, detail, InfluxUntrustedError(url, cause.verify_message))
        if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
            return Answer(Verdict.HELD, detail, InfluxForeignError(url, "it speaks http, not https"))
        return Answer(Verdict.LATER, detail, InfluxUnreachableError(url, detail))


def _is_password(token: str) -> bool:
    """Tell `user:password` from a token: none of 2.x or 3 Core has a colon. 1.6 takes passwords as Basic alone."""
    return ":" in token


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer as it came."""

    status: int
    body: bytes
    retry_after: str | None = None
    version: str = ""
    """What the server says of itself in a header; empty where it does not."""

    @property
    def is_json(self) -> bool:
        """Whether an InfluxDB may have said it, and not a web server that knows no such page."""
        return self.body.lstrip()[:1] == b"{"


class Connection:
    """Requests built by influxdb_client, sent once each; `post` raises urllib3's errors alone."""

    def __init__(self, where: InfluxSettings, token: str) -> None:
        self._where = where
        self._client = InfluxDBClient(
            url=where.url,
            token=token,
            org=where.org,
            auth_basic=_is_password(token),
            verify_ssl=where.verify is not False,
            ssl_ca_cert=str(where.verify) if isinstance(where.verify, Path) else None,
        )
        api: Any = self._client.api_client
        self.pool_manager: urllib3.PoolManager = api.rest_client.pool_manager
        api.rest_client = self
        service: Any = WriteService
        self._post_write = service(api).post_write

    def post(self, body: bytes) -> Reply:
        """Write a body of lines."""
        where, encoding = self._where, {}
        if where.gzip:
            body, encoding = gzip.compress(body, 1), {"content_encoding": "gzip"}
        reply: Reply = self._post_write(
            where.org, where.bucket, body, precision="ns", _preload_content=False, **encoding
        )
        return reply

    def send(
        self, method: str, path: str, query: dict[str, str], content: dict[str, Any] | None = None
    ) -> Reply:
        """Ask something else of the server, under the same name."""
        headers = {**self._client.api_client.default_headers, "Content-Type": "application/json"}
        url = self._where.url.rstrip("/") + path
        body = b"" if content is None else json.dumps(content).encode()
        return self._request(method, url, query, headers, body)

    def close(self) -> None:
        """Close the sockets; one that is at a request, when that is over."""
        self.pool_manager.clear()

    def POST(  # noqa: N802 (how influxdb_client calls its transport)
        self, url: str, *, query_params: Any, headers: dict[str, str], body: bytes, **_: Any
    ) -> Reply:
        """Send what influxdb_client built; return whatever is answered."""
        return self._request("POST", url, query_params, headers, body)

    def _request(self, method: str, url: str, query: Any, headers: dict[str, str], body: bytes) -> Reply:
        timeout_s = self._where.timeout_s
        response = self.pool_manager.request(
            method,
            f"{url}?{urlencode(query)}",
            body=body,
            headers=headers,
            timeout=urllib3.Timeout(connect=timeout_s, read=timeout_s),
            retries=False,  # nor are redirects followed then
            preload_content=False,
        )
        # The time-out of a socket is for each piece of the answer; this one is for all of it.
        deadline_s = time.monotonic() + timeout_s
        parts, left = [], BODY_BYTES
        while left > 0 and (part := response.read1(left)):
            parts.append(part)
            left -= len(part)
            if time.monotonic() > deadline_s:
                left = 0
        if left > 0:
            response.release_conn()
        else:
            response.close()
        told = response.headers
        return Reply(
            response.status,
            b"".join(parts),
            told.get("Retry-After"),
            told.get("X-Influxdb-Version", ""),
        )
