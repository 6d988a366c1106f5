"""Setting an InfluxDB up: on the real 1.6.7, and on a mock of 2.x whose answers are those of a real 2.7.12.

Where the environment names a 2.x server with a token that may do everything, the same test runs on that.
"""

import json
import os
import re
import secrets
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from storage.errors import InfluxAdminError, InfluxForbiddenError, InfluxSettingsError, TokenUnwritableError
from storage.influx_setup import Outcome, Tokens, set_up
from storage.influxdb import InfluxSettings, InfluxSink
from tests.storage.servers import ENV, own_server
from tests.storage.stub import json_reply, stub_server

Json = dict[str, Any]
DAY_S = 86_400


def outcomes(settings: InfluxSettings, tokens: Tokens | None = None, **how: Any) -> dict[str, Outcome]:
    """Set up; return what became of each thing, by its first word."""
    return {step.what.partition(" ")[0]: step.outcome for step in set_up(settings, tokens or Tokens(), **how)}


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    """Give the files that tokens are wanted in."""
    return Tokens(read=tmp_path / "read", write=tmp_path / "write")


def token_in(path: Path | None) -> str:
    """Return the token that was written, for this user alone."""
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_text().strip()


# ---- 1.x -------------------------------------------------------------------------------------------------------------


@pytest.mark.influxdb
def test_the_real_1x_gets_a_database_a_policy_and_users(tmp_path: Path, tokens: Tokens) -> None:
    """Made once and left alone then; the writer writes, the reader reads and does no more; what is kept follows."""
    (tmp_path / "server").mkdir()
    with own_server(tmp_path / "server", auth=True) as server:
        server.query("CREATE USER boss WITH PASSWORD 'b' WITH ALL PRIVILEGES")
        server.token = "boss:b"  # noqa: S105 (of a server that lives for this test)
        server.query("CREATE DATABASE another")
        settings = server.settings(bucket="posture/year")
        dry = outcomes(settings, tokens, keep_days=400, dry_run=True)
        assert "posture" not in [row["name"] for row in server.query("SHOW DATABASES")]
        assert not os.path.lexists(tmp_path / "read")
        assert outcomes(settings, tokens, keep_days=400) == dry
        assert dry == {
            "InfluxDB": Outcome.UNCHANGED,
            "database": Outcome.CREATED,
            "retention": Outcome.CREATED,
            "token": Outcome.CREATED,
        }
        (policy,) = (
            row for row in server.query("SHOW RETENTION POLICIES ON posture") if row["name"] == "year"
        )
        assert policy["duration"] == "9600h0m0s"
        assert InfluxSink(replace(settings, token=token_in(tokens.write))).check() is None
        reader = replace(settings, token=token_in(tokens.read))
        assert isinstance(InfluxSink(reader).check(), InfluxForbiddenError)
        assert set(outcomes(settings, tokens, keep_days=400).values()) == {Outcome.UNCHANGED}
        assert set(outcomes(settings, tokens).values()) == {Outcome.UNCHANGED}
        assert outcomes(settings, keep_days=30)["retention"] is Outcome.CHANGED
        assert outcomes(server.settings(bucket="plain"), keep_days=7)["retention"] is Outcome.CHANGED
        with pytest.raises(InfluxAdminError, match="databases and users") as told:
            outcomes(replace(reader, bucket="theirs"))
        assert "--admin-token-file" in told.value.way_out


@pytest.mark.influxdb
def test_a_server_that_asks_for_no_password_gets_no_users(tmp_path: Path, tokens: Tokens) -> None:
    """They would keep nobody out; it is said, and no file is made."""
    (tmp_path / "server").mkdir()
    with own_server(tmp_path / "server") as server:
        found = outcomes(server.settings(bucket='it"s'), tokens)
        assert (found["database"], found["user"]) == (Outcome.CREATED, Outcome.IMPOSSIBLE)
        assert not os.path.lexists(tmp_path / "read")
        assert 'it"s' in [row["name"] for row in server.query("SHOW DATABASES")]


# ---- 2.x -------------------------------------------------------------------------------------------------------------


@dataclass
class Mock2:
    """What 2.x keeps of an organisation `home`: every path, body and answer as the real one was seen to have them."""

    url: str = ""
    token: str = "everything"  # noqa: S105 (of nothing)
    buckets: dict[str, Json] = field(default_factory=dict)
    mappings: list[Json] = field(default_factory=list)
    tokens: list[Json] = field(default_factory=list)
    taken: str = ""
    """A name that InfluxQL has for another bucket."""

    def answer(self, method: str, path: str, query: dict[str, str], body: Json) -> tuple[int, Json]:
        """Answer one request; an AssertionError for what no such server takes."""
        match method, path:
            case "GET", "/api/v2/orgs":
                return 200, {"orgs": [{"id": "0a", "name": "home"}]}
            case "GET", "/api/v2/buckets":
                assert query["orgID"] == "0a"
                return 200, {
                    "buckets": [each for each in self.buckets.values() if each["name"] == query["name"]]
                }
            case "POST", "/api/v2/buckets":
                assert set(body) == {"orgID", "name", "retentionRules"}
                self.buckets["0b"] = {"id": "0b", **body}
                return 201, self.buckets["0b"]
            case "PATCH", "/api/v2/buckets/0b":
                self.buckets["0b"] |= body
                return 200, self.buckets["0b"]
            case "GET", "/api/v2/dbrps":
                virtual = [
                    {"bucketID": each["id"], "database": each["name"], "virtual": True}
                    for each in self.buckets.values()
                    if each["name"] not in {self.taken, *(known["database"] for known in self.mappings)}
                ]
                return 200, {
                    "content": [
                        each for each in (*self.mappings, *virtual) if each["database"] == query["db"]
                    ]
                }
            case "POST", "/api/v2/dbrps":
                assert set(body) == {"orgID", "bucketID", "database", "retention_policy", "default"}
                self.mappings.append(body)
                return 201, body
            case "POST", "/api/v2/authorizations":
                self.tokens.append(body)
                return 201, {"token": secrets.token_hex(8), **body}
        raise AssertionError(f"{method} {path}")


@contextmanager
def mock_2x() -> Iterator[Mock2]:
    """Serve it while the block runs; what it was asked wrongly is raised at the end."""
    mock, wrong = Mock2(), list[AssertionError]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def serve(self) -> None:
            url, length = urlsplit(self.path), int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            if url.path == "/ping":
                return self.give(204, b"")
            if self.headers.get("Authorization") != f"Token {mock.token}":
                return self.give(401, b'{"code":"unauthorized","message":"unauthorized access"}')
            try:
                status, content = mock.answer(self.command, url.path, query, body)
            except AssertionError as error:
                wrong.append(error)
                return self.give(400, b'{"code":"invalid","message":"as this mock has it"}')
            return self.give(status, json.dumps(content).encode())

        do_GET = do_POST = do_PATCH = serve  # noqa: N815 (http.server's names)

        def give(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("X-Influxdb-Version", "v2.7.12")
            self.send_header("Content-Type", "application/json")
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        mock.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield mock
        finally:
            server.shutdown()
            thread.join()
    assert not wrong


def make_it(settings: InfluxSettings, tokens: Tokens) -> None:
    """Set a bucket up, again, and with another retention: what each says, and what it changes."""
    dry = outcomes(settings, tokens, dry_run=True)
    assert (dry["bucket"], dry["token"]) == (Outcome.CREATED, Outcome.CREATED)
    made = outcomes(settings, tokens)
    assert made["bucket"] is Outcome.CREATED
    assert set(outcomes(settings, tokens).values()) == {Outcome.UNCHANGED}
    assert outcomes(settings, keep_days=400)["bucket"] is Outcome.CHANGED
    assert set(outcomes(settings, keep_days=400).values()) == {Outcome.UNCHANGED}
    assert outcomes(settings, keep_days=0)["bucket"] is Outcome.CHANGED
    assert token_in(tokens.read) != token_in(tokens.write)


def test_2x_gets_a_bucket_and_tokens(tokens: Tokens) -> None:
    """The tokens may do one thing each, to this bucket alone."""
    with mock_2x() as mock:
        make_it(InfluxSettings(mock.url, "posture", "home", mock.token), tokens)
        assert mock.buckets["0b"]["retentionRules"] == []
        bucket = {"type": "buckets", "id": "0b", "orgID": "0a"}
        assert [(each["description"], each["permissions"]) for each in mock.tokens] == [
            ("neckline writes", [{"action": "write", "resource": bucket}]),
            ("neckline reads", [{"action": "read", "resource": bucket}]),
        ]
        assert not mock.mappings


def test_the_real_2x_gets_the_same(tokens: Tokens) -> None:
    """And lets the writer write, and the reader not."""
    url, org, token = (os.environ.get(f"{ENV}{name}", "") for name in ("URL", "ORG", "TOKEN"))
    if not (url and org):
        pytest.skip(f"{ENV}URL and {ENV}ORG name no InfluxDB 2.x; the mock before it has its answers")
    settings = InfluxSettings(url, f"b{uuid.uuid4().hex[:8]}", org, token)
    make_it(settings, tokens)
    assert InfluxSink(replace(settings, token=token_in(tokens.write))).check() is None
    assert isinstance(
        InfluxSink(replace(settings, token=token_in(tokens.read))).check(), InfluxForbiddenError
    )


def test_a_name_that_influxql_has_for_another_bucket_is_mapped() -> None:
    """An explicit mapping hides 2.x's own: ours is added once."""
    with mock_2x() as mock:
        mock.taken = "posture"
        settings = InfluxSettings(mock.url, "posture", "home", mock.token)
        assert outcomes(settings)["InfluxQL's"] is Outcome.CREATED
        assert mock.mappings[0]["retention_policy"] == "autogen"
        assert outcomes(settings)["InfluxQL's"] is Outcome.UNCHANGED


def test_a_token_that_3_core_does_not_know_is_told() -> None:
    """It does not even tell what it is: that is no want of an organisation."""
    with stub_server() as stub:
        stub.always = json_reply(401, '{"error": "the request was not authenticated"}')
        with pytest.raises(InfluxAdminError, match="the request was not authenticated"):
            outcomes(stub.settings(org=""))
        stub.wrong.clear()


def test_a_token_is_for_this_user_alone_whoever_might_read_its_file_before(tokens: Tokens) -> None:
    """A file that is there and empty is filled."""
    assert tokens.read is not None
    tokens.read.touch(0o644)
    with mock_2x() as mock:
        outcomes(InfluxSettings(mock.url, "posture", "home", mock.token), tokens)
    assert token_in(tokens.read)


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    """A token that may not, no organisation, a file that cannot be: nothing is half done."""
    with mock_2x() as mock:
        settings = InfluxSettings(mock.url, "posture", "home", mock.token)
        with pytest.raises(InfluxAdminError, match="organisations"):
            outcomes(replace(settings, token="writes-alone"))  # noqa: S106
        with pytest.raises(InfluxSettingsError, match="org is missing"):
            outcomes(replace(settings, org=""))
        with pytest.raises(TokenUnwritableError, match=re.escape(str(tmp_path / "no" / "read"))):
            outcomes(settings, Tokens(read=tmp_path / "no" / "read"))
        assert not mock.tokens
