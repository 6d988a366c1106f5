"""Turns what a server answered to a write into what it means for the rows: one pure function over status and body.

What each version answers was read in its source: 1.x tells `{"error"}`, 2.x and Cloud `{"code", "message"}`, 3 Core
`{"error", "data"}` or plain text, proxies in front of them HTML. 1.x, 2.x and 3 Core store the good rows of a partly
refused write. Nothing but 204 says that all rows are stored. Opens no socket.
"""

import json
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from storage.errors import (
    InfluxBucketError,
    InfluxBusyError,
    InfluxError,
    InfluxForbiddenError,
    InfluxForeignError,
    InfluxTokenError,
)

REASON_CHARS = 300
"""A proxy may answer with a whole page."""
_DROPPED = re.compile(r"\bdropped=(\d+)")
_PAGE = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


class Verdict(StrEnum):
    """What becomes of the rows that were sent."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """One or more of them will never be accepted; the others may have been stored."""
    TOO_LARGE = "too_large"
    """Fewer at a time may be accepted."""
    HELD = "held"
    """None will be until someone mends the configuration, here or on the server."""
    LATER = "later"
    """Try again by and by."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    verdict: Verdict
    reason: str = ""
    """In the server's own words."""
    trouble: InfluxError | None = None
    """What to tell people; None when delivered, refused or too large."""
    retry_after_s: float | None = None
    """How long the server wishes to be left alone."""
    dropped: int = 0
    """How many rows the server says it refused (1.x, 2.x); 0 if it does not say."""


DELIVERED = Answer(Verdict.DELIVERED)


def answer_of(
    status: int, body: bytes, *, url: str, bucket: str, retry_after: str | None = None, now_s: float = 0.0
) -> Answer:
    """Return what an HTTP answer means; `retry_after` is that header, `now_s` the Unix time it came at."""
    if status == HTTPStatus.NO_CONTENT:
        return DELIVERED
    words, is_ours = _words(body)
    reason = words or _phrase(status)
    detail = f"HTTP {status}: {words}" if words else f"HTTP {_phrase(status)}"
    if status in {400, 422}:
        dropped = _DROPPED.search(words)
        return Answer(Verdict.REFUSED, reason, dropped=int(dropped[1]) if dropped else 0)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Answer(Verdict.TOO_LARGE, reason)
    if status in {408, 425, 429} or status >= 500:
        wish_s = retry_after_s(retry_after, now_s)
        return Answer(Verdict.LATER, reason, InfluxBusyError(url, detail), wish_s)
    trouble: InfluxError
    if status == HTTPStatus.UNAUTHORIZED:
        trouble = InfluxTokenError(url, detail)
    elif status == HTTPStatus.FORBIDDEN:
        trouble = InfluxForbiddenError(url, bucket, detail)
    elif status == HTTPStatus.NOT_FOUND and is_ours:
        trouble = InfluxBucketError(url, bucket, detail)
    else:
        trouble = InfluxForeignError(url, detail)
    return Answer(Verdict.HELD, reason, trouble)


def retry_after_s(header: str | None, now_s: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, given as a number or a date; None if it says neither."""
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _words(body: bytes) -> tuple[str, bool]:
    """Return what a body says, in one short line, and whether it has the form of an InfluxDB's error."""
    text = body.decode("utf-8", "replace")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    words = _told(told) if isinstance(told, dict) else ""
    shown = "".join(c if c.isprintable() else " " for c in words or _PAGE.sub(" ", text))
    plain = " ".join(shown.split())
    short = plain if len(plain) <= REASON_CHARS else plain[: REASON_CHARS - 1] + "…"
    return short, bool(words)


def _told(error: dict[Any, Any]) -> str:
    """Return the sentence in an InfluxDB's error; of 3 Core's list the first line's, or "" if it is another's."""
    sentence = error.get("error") or error.get("message") or error.get("code") or ""
    lines = error.get("data")
    first = lines[0] if isinstance(lines, list) and lines else lines
    if isinstance(first, dict) and first.get("error_message"):
        return f"{sentence}: {first['error_message']}"
    return str(sentence)
