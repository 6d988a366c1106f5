"""An InfluxDB as it was installed → one that neckline can write to and Grafana can read: bucket, retention, tokens.

What is there already stays, so it may be done again and again. What each flavour takes was read in its documentation:
InfluxQL statements (1.x), https://docs.influxdata.com/influxdb/v2/api/ (2.x), and the configure API of 3 Core, which has
tokens that may do everything and no others. Nothing is downsampled on the server: neckline writes minutes itself.
"""

import json
import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from storage.answer import answer_of
from storage.errors import (
    InfluxAdminError,
    InfluxForeignError,
    InfluxRequestError,
    InfluxSettingsError,
    TokenUnwritableError,
)
from storage.influxdb import InfluxSettings, InfluxSink, Reply

Json = dict[str, Any]

DAY_S = 86_400
TOKEN_BYTES = 24
READS, WRITES = "neckline reads", "neckline writes"
"""How the tokens of 2.x are described, and with a hyphen what the users of 1.x are called."""
FORBIDDEN = ("unauthorized", "not authorized", "error authorizing", "requires admin")
"""What 1.x and 2.x say to who may not do a thing, whatever the status beside it."""


class Outcome(StrEnum):
    """What became of a thing, or would."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    IMPOSSIBLE = "impossible"
    """This flavour has no such thing."""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one thing."""

    what: str
    outcome: Outcome
    say: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The files that tokens are to be written to; None for those that nobody wants."""

    read: Path | None = None
    """Of one that may read the bucket and nothing else: Grafana's."""
    write: Path | None = None
    """Of one that may write to the bucket, and delete from it: neckline's."""


def set_up(
    settings: InfluxSettings, tokens: Tokens, *, keep_days: int | None = None, dry_run: bool = False
) -> Iterator[Step]:
    """Set the bucket of the settings up, by the token of an administrator in them; yield what became of each thing.

    `keep_days` is how long rows are kept there, 0 for ever, None as it is (a new bucket: for ever). With `dry_run`
    nothing is sent but questions. Raises InfluxError, InfluxSettingsError.
    """
    sink = InfluxSink(settings)
    try:
        reply = sink.call("GET", "/ping", {})
        version = (reply.version or str(_json(reply).get("version", ""))).lstrip("v")
        kinds: dict[str, type[_Server]] = {"1": _Influx1, "2": _Influx2, "3": _Influx3, "C": _Influx2}
        kind = kinds.get(version[:1])
        if kind is None and reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            reason = answer_of(reply.status, reply.body, url=settings.url, bucket=settings.bucket).reason
            raise InfluxAdminError(settings.url, "what it is", reason)  # 3 Core tells nobody else
        if kind is None and sink.call("GET", "/api/v2/orgs", {}).is_json:
            kind = _Influx2  # built by someone, without a version of its own
        if kind is None:
            raise InfluxForeignError(settings.url, f"HTTP {reply.status}, and no version of an InfluxDB")
        yield Step(f"InfluxDB {version}", Outcome.UNCHANGED, f"at {settings.url}")
        yield from kind(sink, settings, dry_run=dry_run).steps(tokens, keep_days)
    finally:
        sink.close()


class _Server(ABC):
    """What is common to the flavours."""

    def __init__(self, sink: InfluxSink, settings: InfluxSettings, *, dry_run: bool) -> None:
        self.sink, self.settings, self.dry_run = sink, settings, dry_run

    @abstractmethod
    def steps(self, tokens: Tokens, keep_days: int | None) -> Iterator[Step]:
        """Do it; yield what became of each thing."""

    def ask(
        self, method: str, path: str, query: dict[str, str], what: str, content: Json | None = None
    ) -> Json:
        """Return what the server answers; InfluxError for a refusal."""
        reply = self.sink.call(method, path, query, content)
        if reply.status >= HTTPStatus.BAD_REQUEST or "error" in _json(reply):
            raise self.refusal(reply.status, reply.body, what)
        return _json(reply)

    def refusal(self, status: int, body: bytes, what: str) -> Exception:
        """Return what a refusal means."""
        where = self.settings
        answer = answer_of(status, body, url=where.url, bucket=where.bucket)
        reason = answer.reason
        if status in {401, 403} or any(word in reason.lower() for word in FORBIDDEN):
            return InfluxAdminError(where.url, what, reason)
        return answer.trouble or InfluxRequestError(where.url, reason)

    def change(self, what: str, outcome: Outcome, act: Callable[[], object], say: str = "") -> Step:
        """Do something, unless this is a dry run."""
        if not self.dry_run:
            act()
        return Step(what, outcome, say)

    def token(self, path: Path | None, description: str, make: Callable[[], str]) -> Iterator[Step]:
        """Make a token and write it to its file, for this user alone; what is there stays."""
        if path is None:
            return
        what = f"token {description!r}"
        if path.exists() and path.stat().st_size:
            yield Step(what, Outcome.UNCHANGED, f"{path} holds one")
            return
        yield self.change(what, Outcome.CREATED, lambda: _write(self.settings.url, path, make), f"in {path}")


class _Influx2(_Server):
    """2.x and Cloud: a bucket, its name for InfluxQL, and tokens."""

    def steps(self, tokens: Tokens, keep_days: int | None) -> Iterator[Step]:
        name, org = self.settings.bucket, self.settings.org
        if not org:
            raise InfluxSettingsError("org", "is missing: InfluxDB 2.x has organisations")
        found = self.ask("GET", "/api/v2/orgs", {"org": org}, "organisations").get("orgs", [])
        if not found:
            raise InfluxSettingsError("org", f"names no organisation that the token may see: {org!r}")
        org_id = found[0]["id"]
        bucket = self._bucket(org_id)
        rules = [{"type": "expire", "everySeconds": keep_days * DAY_S}] if keep_days else []
        wanted = {"orgID": org_id, "name": name, "retentionRules": rules}
        if bucket is None:
            yield self.change(
                f"bucket {name}", Outcome.CREATED, lambda: self._post("buckets", wanted), _kept(keep_days)
            )
            bucket = self._bucket(org_id) or {"id": ""}  # none yet in a dry run
        else:
            yield self._retention(bucket, keep_days, rules)
        bucket_id = bucket["id"]
        yield self._mapping(org_id, bucket_id)
        for path, description, actions in (
            (tokens.write, WRITES, ("write",)),
            (tokens.read, READS, ("read",)),
        ):
            resource = {"type": "buckets", "id": bucket_id, "orgID": org_id}
            permissions = [{"action": action, "resource": resource} for action in actions]
            content = {"orgID": org_id, "description": description, "permissions": permissions}
            yield from self.token(path, description, partial(self._authorization, content))

    def _authorization(self, content: Json) -> str:
        return str(self._post("authorizations", content)["token"])

    def _bucket(self, org_id: str) -> Json | None:
        asked = {"orgID": org_id, "name": self.settings.bucket}
        reply = self.sink.call("GET", "/api/v2/buckets", asked)
        if reply.status == HTTPStatus.NOT_FOUND:  # Cloud
            return None
        if reply.status != HTTPStatus.OK:
            raise self.refusal(reply.status, reply.body, "buckets")
        found: list[Json] = _json(reply).get("buckets", [])
        return found[0] if found else None

    def _retention(self, bucket: Json, keep_days: int | None, rules: list[Json]) -> Step:
        what = f"bucket {self.settings.bucket}"
        now_s = sum(rule.get("everySeconds", 0) for rule in bucket.get("retentionRules", []))
        if keep_days is None or now_s == keep_days * DAY_S:
            return Step(what, Outcome.UNCHANGED, _kept(now_s // DAY_S))
        path = f"/api/v2/buckets/{bucket['id']}"
        return self.change(
            what, Outcome.CHANGED, lambda: self.ask("PATCH", path, {}, what, {"retentionRules": rules}), _kept(keep_days)
        )  # fmt: skip

    def _mapping(self, org_id: str, bucket_id: str) -> Step:
        """See that InfluxQL finds the bucket by its name: 2.x maps names by itself unless someone mapped it before."""
        database, _, policy = self.settings.bucket.partition("/")
        what = f"InfluxQL's name {database}"
        asked = {"orgID": org_id, "db": database, **({"rp": policy} if policy else {})}
        found = self.ask("GET", "/api/v2/dbrps", asked, what).get("content", [])
        if any(each.get("bucketID") == bucket_id for each in found):
            return Step(what, Outcome.UNCHANGED)
        mapping = {
            "orgID": org_id, "bucketID": bucket_id, "database": database,
            "retention_policy": policy or "autogen", "default": not policy,
        }  # fmt: skip
        return self.change(what, Outcome.CREATED, lambda: self._post("dbrps", mapping))

    def _post(self, kind: str, content: Json) -> Json:
        return self.ask("POST", f"/api/v2/{kind}", {}, kind, content)


class _Influx1(_Server):
    """1.x: a database, a retention policy, and users where the server asks for passwords."""

    def steps(self, tokens: Tokens, keep_days: int | None) -> Iterator[Step]:
        database, _, policy = self.settings.bucket.partition("/")
        known = [row[0] for row in self._rows("SHOW DATABASES")]
        what = f"database {database}"
        if database in known:
            yield Step(what, Outcome.UNCHANGED)
        else:
            yield self.change(what, Outcome.CREATED, lambda: self._rows(f"CREATE DATABASE {_name(database)}"))
        yield self._policy(database, policy, keep_days, is_new=database not in known)
        for path, description, grant in ((tokens.write, WRITES, "ALL"), (tokens.read, READS, "READ")):
            if path is not None and not self.settings.token and self.settings.token_file is None:
                yield Step(f"user of {path}", Outcome.IMPOSSIBLE, "this server asks nobody for a password")
                continue
            user = description.replace(" ", "-")
            yield from self.token(path, description, partial(self._user, user, database, grant))

    def _policy(self, database: str, policy: str, keep_days: int | None, *, is_new: bool) -> Step:
        rows = [] if is_new and self.dry_run else self._rows(f"SHOW RETENTION POLICIES ON {_name(database)}")
        known = {row[0]: row for row in rows}
        default = next((row[0] for row in rows if row[-1]), "autogen")
        named = policy or default
        what = f"retention policy {named}"
        lasting = f"DURATION {keep_days}d" if keep_days else "DURATION INF"
        where = f"{_name(named)} ON {_name(database)}"
        if named not in known and not (is_new and not policy):
            return self.change(
                what, Outcome.CREATED,
                lambda: self._rows(f"CREATE RETENTION POLICY {where} {lasting} REPLICATION 1"), _kept(keep_days),
            )  # fmt: skip
        now_s = _duration_s(known[named][1]) if named in known else 0
        if keep_days is None or now_s == keep_days * DAY_S:
            return Step(what, Outcome.UNCHANGED, _kept(now_s // DAY_S))
        return self.change(
            what, Outcome.CHANGED, lambda: self._rows(f"ALTER RETENTION POLICY {where} {lasting}"), _kept(keep_days)
        )  # fmt: skip

    def _user(self, user: str, database: str, grant: str) -> str:
        password = secrets.token_urlsafe(TOKEN_BYTES)
        if user in {row[0] for row in self._rows("SHOW USERS")}:
            self._rows(f"SET PASSWORD FOR {_name(user)} = '{password}'")
        else:
            self._rows(f"CREATE USER {_name(user)} WITH PASSWORD '{password}'")
        self._rows(f"GRANT {grant} ON {_name(database)} TO {_name(user)}")
        return f"{user}:{password}"

    def _rows(self, statement: str) -> list[list[Any]]:
        """Run a statement; return its rows."""
        result = self.ask("POST", "/query", {"q": statement}, "databases and users")["results"][0]
        if "error" in result:
            raise self.refusal(HTTPStatus.BAD_REQUEST, json.dumps(result).encode(), "databases and users")
        return [row for series in result.get("series", []) for row in series.get("values", [])]


class _Influx3(_Server):
    """3 Core: a database. Its tokens may all do everything, so none is made."""

    def steps(self, tokens: Tokens, keep_days: int | None) -> Iterator[Step]:
        name, path = self.settings.bucket, "/api/v3/configure/database"
        what = f"database {name}"
        reply = self.sink.call("GET", path, {"format": "json"})
        if reply.status != HTTPStatus.OK:
            raise self.refusal(reply.status, reply.body, what)
        known = {value for row in json.loads(reply.body) for value in row.values()}
        if name in known:
            yield Step(
                what,
                Outcome.UNCHANGED,
                "how long it keeps rows is as it was" if keep_days is not None else "",
            )
        else:
            content = {"db": name, **({"retention_period": f"{keep_days}d"} if keep_days else {})}
            yield self.change(
                what, Outcome.CREATED, lambda: self.ask("POST", path, {}, what, content), _kept(keep_days)
            )  # fmt: skip
        for wanted in filter(None, (tokens.write, tokens.read)):
            yield Step(
                f"token for {wanted}", Outcome.IMPOSSIBLE,
                "every token of 3 Core may do everything: keep Grafana's as you keep the administrator's",
            )  # fmt: skip


def _json(reply: Reply) -> Json:
    """Return the JSON of an answer; empty where it is none, or no object."""
    try:
        content = json.loads(reply.body or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _kept(days: int | None) -> str:
    return f"rows are kept for {days} days" if days else "rows are kept for ever"


def _duration_s(text: str) -> int:
    """Read how 1.x writes a duration: `9600h0m0s`."""
    hours, _, rest = text.partition("h") if "h" in text else ("0", "", text)
    minutes, _, rest = rest.partition("m") if "m" in rest else ("0", "", rest)
    return int(hours) * 3600 + int(minutes) * 60 + int(rest.rstrip("s") or 0)


def _name(text: str) -> str:
    """Quote a name for InfluxQL."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _write(url: str, path: Path, make: Callable[[], str]) -> None:
    """Open the file first: a token that cannot be kept is not made."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            path.chmod(0o600)  # an empty file may have been there, for everybody to read
            file.write(make() + "\n")
    except OSError as error:
        raise TokenUnwritableError(url, path, (error.strerror or str(error)).lower()) from error
