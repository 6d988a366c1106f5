"""What an answer means: one verdict for every status and body, in the server's own words."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.answer import REASON_CHARS, Answer, Verdict, answer_of, retry_after_s
from storage.errors import (
    InfluxBucketError,
    InfluxBusyError,
    InfluxError,
    InfluxForbiddenError,
    InfluxForeignError,
    InfluxTokenError,
)

NOW_S = 1_767_225_600.0
NGINX_413 = b"<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413"
CONFLICT_1X = (
    b'{"error":"partial write: field type conflict: input field \\"volts\\" is type float dropped=1"}\n'
)
PARTIAL_2X = (
    b'{"code":"unprocessable entity","message":"failure writing points to database: partial write: points '
    b'beyond retention policy dropped=7"}'
)
PARTIAL_3 = (
    b'{"error":"partial write of line protocol occurred","data":[{"original_line":"clip_battery,wearer=w-1 volts=1",'
    b'"line_number":1,"error_message":"invalid column type for column \'volts\'"}]}'
)
PARSE_3 = b'{"error":"line protocol parsing error","data":{"original_line":"x","line_number":1,"error_message":"no"}}'


def answer(status: int, body: bytes = b"", retry_after: str | None = None) -> Answer:
    """Return what it means when a server at http://db answers so to a write to the bucket b."""
    return answer_of(status, body, url="http://db", bucket="b", retry_after=retry_after, now_s=NOW_S)


@pytest.mark.parametrize(
    ("status", "body", "verdict", "reason", "trouble"),
    [
        (204, b"", Verdict.DELIVERED, "", None),
        (400, CONFLICT_1X, Verdict.REFUSED, "type conflict: input field", None),
        (422, PARTIAL_2X, Verdict.REFUSED, "points beyond retention policy dropped=7", None),
        (400, PARTIAL_3, Verdict.REFUSED, "occurred: invalid column type for column 'volts'", None),
        (400, PARSE_3, Verdict.REFUSED, "line protocol parsing error: no", None),
        (400, b"incoming write was empty", Verdict.REFUSED, "incoming write was empty", None),
        (413, NGINX_413, Verdict.TOO_LARGE, "413 Request Entity Too Large", None),
        (
            401,
            b'{"code":"unauthorized","message":"unauthorized access"}',
            Verdict.HELD,
            "una",
            InfluxTokenError,
        ),
        (401, b"", Verdict.HELD, "401 Unauthorized", InfluxTokenError),
        (403, b'{"error":"\\"ro\\" is not authorized"}', Verdict.HELD, '"ro" is not', InfluxForbiddenError),
        (404, b'{"error":"database not found: \\"b\\""}', Verdict.HELD, "database not", InfluxBucketError),
        (404, b"404 page not found\n", Verdict.HELD, "404 page not found", InfluxForeignError),
        (405, b"", Verdict.HELD, "405 Method Not Allowed", InfluxForeignError),
        (
            200,
            b"<html><h1>Welcome</h1> to this Wi-Fi</html>",
            Verdict.HELD,
            "Welcome to this",
            InfluxForeignError,
        ),
        (302, b"", Verdict.HELD, "302 Found", InfluxForeignError),
        (429, b"", Verdict.LATER, "429 Too Many Requests", InfluxBusyError),
        (500, b'{"error":"timeout"}', Verdict.LATER, "timeout", InfluxBusyError),
        (502, b"<html><title>502 Bad Gateway</title>", Verdict.LATER, "502 Bad Gateway", InfluxBusyError),
        (503, b"", Verdict.LATER, "503 Service Unavailable", InfluxBusyError),
        (599, b"\xff\xfe", Verdict.LATER, "", InfluxBusyError),
    ],
)
def test_every_answer_has_its_verdict(
    status: int, body: bytes, verdict: Verdict, reason: str, trouble: type[InfluxError] | None
) -> None:
    """The status decides; the reason is what the server says, and the trouble says what people can do."""
    found = answer(status, body)
    assert found.verdict is verdict
    assert reason in found.reason
    assert type(found.trouble) is (trouble or type(None))
    if found.trouble:
        assert found.reason in str(found.trouble)
        assert found.trouble.way_out


@given(st.integers(100, 999), st.binary(max_size=2000), st.text() | st.none())
def test_any_answer_is_understood_and_only_204_delivers(
    status: int, body: bytes, retry_after: str | None
) -> None:
    """No body and no header makes it stumble; the reason is one printable line."""
    found = answer(status, body, retry_after)
    assert (found.verdict is Verdict.DELIVERED) == (status == 204)
    assert (found.trouble is not None) == (found.verdict in {Verdict.HELD, Verdict.LATER})
    assert len(found.reason) <= REASON_CHARS
    assert found.reason.isprintable()


@pytest.mark.parametrize(
    "body", [b"[" * 5000, b'{"error": null}', b'{"message": ["a"], "data": [[]]}', b'"text"', b"[]"]
)
def test_strange_json_is_no_stumbling_block(body: bytes) -> None:
    """JSON of another shape, or deeper than anything, is taken as the text that it is."""
    assert answer(400, body).verdict is Verdict.REFUSED


def test_the_server_counts_what_it_refused() -> None:
    """`dropped=` of 1.x and 2.x is understood."""
    assert answer(400, CONFLICT_1X).dropped == 1
    assert answer(422, PARTIAL_2X).dropped == 7
    assert answer(400, PARTIAL_3).dropped == 0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (formatdate(NOW_S + 90, usegmt=True), 90.0),
        (formatdate(NOW_S - 90, usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    """Both forms of the header are understood; nonsense is as if it were not there."""
    assert retry_after_s(header, NOW_S) == seconds
    assert answer(429, b"", header).retry_after_s == seconds
