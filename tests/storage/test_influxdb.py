"""One write to an InfluxDB, and what it comes back with: on the real server where it can be made to say it."""

import logging
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from storage.answer import Verdict
from storage.errors import (
    InfluxBucketError,
    InfluxBusyError,
    InfluxError,
    InfluxForbiddenError,
    InfluxForeignError,
    InfluxRequestError,
    InfluxSettingsError,
    InfluxTokenError,
    InfluxTokenFileError,
    InfluxUnreachableError,
    InfluxUntrustedError,
)
from storage.influxdb import Connection, InfluxSettings, InfluxSink
from tests.storage.servers import OwnServer, Server, free_port, own_server
from tests.storage.stub import Reply, Stub, json_reply, stub_server

LINE = 'posture_event,wearer=w-1,placement=t4,kind=snoozed note="ü \\"quoted\\"" 1767225600000000000'


@pytest.fixture
def stub() -> Iterator[Stub]:
    """Give a mock server that takes everything until told otherwise."""
    with stub_server() as server:
        yield server


# ---- the real server -----------------------------------------------------------------------------------------------


@pytest.mark.influxdb
@pytest.mark.parametrize("gzip", [False, True])
def test_a_write_is_stored(server: Server, gzip: bool) -> None:
    """Plain and compressed, a line arrives; the sink says delivered, and the check finds nothing wrong."""
    stream, sink = server.stream(), InfluxSink(server.settings(gzip=gzip))
    assert sink.check() is None
    assert sink.write([LINE.replace("w-1", stream.wearer)]).verdict is Verdict.DELIVERED
    (row,) = server.query('SELECT note FROM "posture_event" WHERE wearer = $wearer', wearer=stream.wearer)
    assert row["note"] == 'ü "quoted"'


@pytest.mark.influxdb
def test_the_question_whether_one_may_write_stores_nothing(own: OwnServer) -> None:
    """`check` leaves no measurement behind."""
    assert InfluxSink(own.settings()).check() is None
    assert own.query("SHOW MEASUREMENTS") == []


@pytest.mark.influxdb
def test_a_wrong_bucket_or_address_is_told_apart(own: OwnServer) -> None:
    """No such bucket, no such retention policy, InfluxDB 1.6 that knows no v2, https where http is spoken, nobody."""
    wrong: list[tuple[dict[str, str], Verdict, type[InfluxError]]] = [
        ({"bucket": "nobodys"}, Verdict.HELD, InfluxBucketError),
        ({"bucket": f"{own.bucket}/nobodys"}, Verdict.LATER, InfluxBusyError),
        ({"url": own.database_url}, Verdict.HELD, InfluxForeignError),
        ({"url": own.url.replace("http:", "https:")}, Verdict.HELD, InfluxForeignError),
        ({"url": f"http://127.0.0.1:{free_port()}"}, Verdict.LATER, InfluxUnreachableError),
    ]
    for changes, verdict, trouble in wrong:
        sink = InfluxSink(own.settings(**changes))
        assert sink.write([LINE]).verdict is verdict
        found = sink.check()
        assert type(found) is trouble
        assert found.url == changes.get("url", own.url)


@pytest.mark.influxdb
def test_what_is_too_large_for_a_proxy(own: OwnServer) -> None:
    """Nginx says 413 in HTML to a great request and takes a small one on the same sink."""
    sink = InfluxSink(own.settings(url=own.narrow_url))
    answer = sink.write([LINE] * 500)
    assert (answer.verdict, answer.trouble) == (Verdict.TOO_LARGE, None)
    assert "413 Request Entity Too Large" in answer.reason
    assert sink.write([LINE]).verdict is Verdict.DELIVERED


@pytest.mark.influxdb
def test_tokens_of_the_real_server(tmp_path: Path) -> None:
    """No token, a wrong password, a reader's, a missing bucket and a writer's, each on its own answer."""
    with own_server(tmp_path, auth=True) as server:
        server.query("CREATE USER boss WITH PASSWORD 'b' WITH ALL PRIVILEGES")
        server.token = "boss:b"  # noqa: S105 (of a server that lives for this test)
        for statement in (
            f"CREATE DATABASE {server.bucket}",
            "CREATE USER reader WITH PASSWORD 'r'",
            "CREATE USER writer WITH PASSWORD 'wü'",
            f"GRANT READ ON {server.bucket} TO reader",
            f"GRANT WRITE ON {server.bucket} TO writer",
        ):
            server.query(statement)
        expected: list[tuple[dict[str, str], type[InfluxError] | None]] = [
            ({"token": ""}, InfluxTokenError),
            ({"token": "writer:wrong"}, InfluxTokenError),
            ({"token": "a-token-of-2.x"}, InfluxTokenError),
            ({"token": "reader:r"}, InfluxForbiddenError),
            ({"token": "writer:wü\n"}, None),
            ({"token": "writer:wü", "bucket": "other"}, InfluxBucketError),
        ]
        for changes, trouble in expected:
            sink = InfluxSink(server.settings(**changes))
            found = sink.check()
            assert type(found) is (trouble or type(None)), changes
            assert sink.write([LINE]).trouble.__class__ is found.__class__


# ---- the mock ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "verdict", "reason"),
    [
        (Reply(503), Verdict.LATER, "503 Service Unavailable"),
        (Reply(500, b"\xe4 is not UTF-8 but \xdcber-Proxy"), Verdict.LATER, "Proxy"),
        (Reply(504, b"x" * 200_000), Verdict.LATER, "xxx"),
        (Reply(503, breaks="before"), Verdict.LATER, "reset by peer"),
        (Reply(400, b'{"error":"par', breaks="within"), Verdict.LATER, "reset by peer"),
        (Reply(307, headers=(("Location", "http://127.0.0.1:1/"),)), Verdict.HELD, "307"),
        (Reply(200, b"<html>Log in to this network</html>"), Verdict.HELD, "Log in to this network"),
    ],
)
def test_whatever_a_server_does_is_an_answer(
    stub: Stub, reply: Reply, verdict: Verdict, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Empty, broken, foreign and redirecting answers are values; the next write goes through on the same sink."""
    caplog.set_level(logging.DEBUG)
    handlers = list(logging.getLogger().handlers)
    stub.replies.append(reply)
    sink = InfluxSink(stub.settings())
    answer = sink.write([LINE])
    assert answer.verdict is verdict
    assert reason in answer.reason
    assert answer.trouble is not None
    assert sink.write([LINE]).verdict is Verdict.DELIVERED
    assert logging.getLogger().handlers == handlers
    assert stub.settings().token not in caplog.text


@pytest.mark.parametrize("breaks", ["hangs", "drips"])
def test_a_server_that_hangs_is_left(stub: Stub, breaks: str) -> None:
    """No answer, or one that never ends, is over after the time-out; the next write goes through."""
    stub.replies.append(Reply(503, breaks=breaks))
    sink = InfluxSink(stub.settings(timeout_s=0.3))
    answer = sink.write([LINE])
    assert answer.verdict is Verdict.LATER
    if breaks == "hangs":
        assert isinstance(answer.trouble, InfluxUnreachableError)
        assert "no answer within 0.3 s" in str(answer.trouble)
    assert InfluxSink(stub.settings()).write([LINE]).verdict is Verdict.DELIVERED


def test_a_wish_to_be_left_alone_is_passed_on(stub: Stub) -> None:
    """Retry-After comes back with the answer."""
    stub.replies.append(Reply(429, headers=(("Retry-After", "17"),)))
    assert InfluxSink(stub.settings()).write([LINE]).retry_after_s == 17.0


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (json_reply(400, '{"code":"invalid","message":"writing requires points"}'), None),  # 2.x
        (Reply(400, b"incoming write was empty"), None),  # 3 Core
        (
            json_reply(400, '{"code":"invalid","message":"Please provide either orgID or org"}'),
            InfluxRequestError,
        ),
        (Reply(400, b"Client sent an HTTP request to an HTTPS server.\n"), InfluxRequestError),
        (Reply(413), InfluxRequestError),
        (json_reply(404, '{"code":"not found","message":"bucket \\"b\\" not found"}'), InfluxBucketError),
    ],
)
def test_the_check_knows_what_other_versions_say(
    stub: Stub, reply: Reply, trouble: type[InfluxError] | None
) -> None:
    """What 2.x and 3 Core say to a request without rows when all is well is no trouble; the same status else is."""
    stub.replies.append(reply)
    assert type(InfluxSink(stub.settings()).check()) is (trouble or type(None))
    assert stub.requests == [[]]


def test_a_token_file_is_read_again_after_a_refusal(stub: Stub, tmp_path: Path) -> None:
    """A file that is missing, empty of sense or rejected holds; once it is mended, the same sink delivers."""
    path = tmp_path / "token"
    sink = InfluxSink(stub.settings(token="", token_file=path))
    answer = sink.write([LINE])
    assert (answer.verdict, type(answer.trouble)) == (Verdict.HELD, InfluxTokenFileError)
    assert str(path) in str(answer.trouble)
    path.write_text("old\nnew\n")
    answer = sink.write([LINE])
    assert (answer.verdict, type(answer.trouble)) == (Verdict.HELD, InfluxTokenError)
    assert stub.requests == []
    stub.replies.append(Reply(401))
    for token, verdict in (("former", Verdict.HELD), ("mended", Verdict.DELIVERED)):
        path.write_text(f"{token}\n")
        stub.token = token
        assert sink.write([LINE]).verdict is verdict


def test_threads_that_share_a_sink_are_each_answered(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that is refused drops the connection under the others, who drop it, too: each gets its own answer.

    All three are let go at once, refused; while one closes, another does. No connection is closed twice.
    """
    stub.always = Reply(401)
    sink = InfluxSink(stub.settings())
    everybody = threading.Barrier(3)
    closed: list[Connection] = []
    close = Connection.close

    def wait_for_all() -> None:
        everybody.wait(10)

    def closes_with_another(connection: Connection) -> None:
        closed.append(connection)
        sink.close()
        close(connection)

    stub.before_reply = wait_for_all
    monkeypatch.setattr(Connection, "close", closes_with_another)
    with ThreadPoolExecutor(3) as threads:
        for _ in range(20):
            answers = [each.result(20) for each in [threads.submit(sink.write, [LINE]) for _ in range(3)]]
            assert [type(answer.trouble) for answer in answers] == [InfluxTokenError] * 3
    assert len(closed) == len({id(connection) for connection in closed}) >= 20
    stub.always, stub.before_reply = None, lambda: None
    assert sink.write([LINE]).verdict is Verdict.DELIVERED


def test_a_certificate_of_nobody_is_not_trusted(tmp_path: Path) -> None:
    """Over https nothing is sent to a server that cannot prove itself; given its authority, rows arrive."""
    authority, context = _certificate(tmp_path)
    with stub_server(context) as stub:
        answer = InfluxSink(stub.settings()).write([LINE])
        assert (answer.verdict, type(answer.trouble)) == (Verdict.HELD, InfluxUntrustedError)
        assert stub.requests == []
        assert InfluxSink(stub.settings(verify=authority)).write([LINE]).verdict is Verdict.DELIVERED


def _certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for 127.0.0.1, signed by itself; return its file and a server's context."""
    x509 = pytest.importorskip(
        "cryptography.x509", reason="cryptography is missing: install the extra `virtual`"
    )
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 (only if it is there)
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    path = folder / "certificate.pem"
    path.write_bytes(certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, folder / "key.pem")
    return path, context


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("url", {"url": "localhost:8086"}),
        ("url", {"url": "ftp://localhost"}),
        ("url", {"url": "http://"}),
        ("url", {"url": "http://[::1"}),
        ("url", {"url": "http://me:secret@localhost:8086"}),
        ("url", {"url": "http://localhost:8086/?org=o"}),
        ("bucket", {"bucket": ""}),
        ("timeout_s", {"timeout_s": "0"}),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(name: str, changes: dict[str, str]) -> None:
    """The setting is named, a password in an address is not repeated."""
    wanted = {"url": "http://localhost:8086", "bucket": "b", **changes}
    with pytest.raises(InfluxSettingsError) as refused:
        InfluxSettings(wanted["url"], wanted["bucket"], timeout_s=float(wanted.get("timeout_s", "1")))
    assert refused.value.name == name
    assert "secret" not in str(refused.value)


def test_the_token_is_never_shown() -> None:
    """The settings' own text leaves it out."""
    assert "swordfish" not in repr(InfluxSettings("http://localhost:8086", "b", token="swordfish"))  # noqa: S106
