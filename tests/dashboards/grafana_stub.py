"""A Grafana that takes what its HTTP API documents and nothing else, on loopback, with what it stores to look into.

Paths, methods, bodies and answers are those of https://grafana.com/docs/grafana/latest/developers/http_api/ (folder,
data_source, dashboard, dashboard_versions, alerting_provisioning) and of its source where the pages are silent. What is
not documented is answered with 400 and noted in `undocumented`, which the fixture asserts to be empty.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Json = dict[str, Any]
Answer = tuple[int, Any]

ADMIN, VIEWER, EXPIRED = "glsa_admin", "glsa_viewer", "glsa_expired"
PAGE = b"<!doctype html><html><title>Log in</title></html>"
RULE_KEYS = {
    "uid", "title", "condition", "data", "noDataState", "execErrState", "for", "labels", "annotations",
    "folderUID", "ruleGroup", "orgID", "notification_settings", "isPaused", "id", "updated", "provenance",
}  # fmt: skip
RULE_NEEDS = {
    "title",
    "condition",
    "data",
    "noDataState",
    "execErrState",
    "for",
    "folderUID",
    "ruleGroup",
    "orgID",
}
SOURCE_KEYS = {
    "name", "uid", "type", "access", "url", "user", "database", "basicAuth", "basicAuthUser", "isDefault",
    "jsonData", "secureJsonData", "withCredentials", "version", "id", "orgId",
}  # fmt: skip
RECEIVER_KEYS = {"uid", "name", "type", "settings", "disableResolveMessage", "provenance"}


@dataclass(slots=True)
class Stub:
    """What it has, and how it misbehaves when it is told to."""

    version: str = "12.4.1"
    prefix: str = ""
    folders: dict[str, Json] = field(default_factory=dict)
    sources: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, Json] = field(default_factory=dict)
    boards: dict[str, list[Json]] = field(default_factory=dict)
    """Of each uid its versions: `dashboard`, `folderUid`, `message`."""
    provisioned: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    """Dashboards that it cannot save."""
    groups: dict[tuple[str, str], Json] = field(default_factory=dict)
    contacts: dict[str, Json] = field(default_factory=dict)
    health: Answer = (200, {"status": "OK", "message": "datasource is working. 6 measurements found"})
    query: Callable[[str, int, int], list[Json]] | None = None
    """Runs InfluxQL for /ds/query; gets the query and its span in ms, returns rows."""
    faults: list[tuple[str, str, Answer | float | bytes]] = field(default_factory=list)
    """Method, path, and the answer there: a status with JSON, seconds of silence, or bytes of HTML."""
    without_body: bool = False
    """Answer writes with 204, as parts of the API do."""
    undocumented: list[str] = field(default_factory=list)
    writes: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    let_go: threading.Event = field(default_factory=threading.Event)

    def edit(self, uid: str, message: str = "", **changes: Any) -> None:
        """Save a dashboard as a person does in Grafana."""
        last = self.boards[uid][-1]
        board = {**last["dashboard"], **changes, "version": len(self.boards[uid]) + 1}
        self.boards[uid].append({**last, "dashboard": board, "message": message})

    def delete_folder(self, uid: str) -> None:
        """Delete a folder with everything in it."""
        del self.folders[uid]
        self.boards = {key: all_ for key, all_ in self.boards.items() if all_[-1]["folderUid"] != uid}
        self.groups = {key: group for key, group in self.groups.items() if key[0] != uid}

    # ---- the API -------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any, headers: Any) -> Answer:
        """Answer one request."""
        for pattern, route in ROUTES.items():
            wanted, _, template = pattern.partition(" ")
            found = re.fullmatch(template, path)
            if found and wanted == method:
                return route(self, [unquote(part) for part in found.groups()], query, body, headers)
        self.undocumented.append(f"{method} {path}")
        return 404, {"message": "Not found"}

    def check(self, what: str, given: Any, allowed: set[str], needed: set[str]) -> None:
        """Raise _Undocumented for a body with keys that are not documented, or without those that are needed."""
        keys = set(given) if isinstance(given, dict) else {"no object"}
        if keys - allowed or needed - keys:
            raise _UndocumentedError(
                f"{what}: {sorted(keys - allowed)} not known, {sorted(needed - keys)} lacking"
            )


class _UndocumentedError(Exception):
    """A body that is not as documented."""


def _get_health(stub: Stub, *_: Any) -> Answer:
    return 200, {"database": "ok", "version": stub.version, "commit": "0"}


def _get_folder(stub: Stub, parts: list[str], *_: Any) -> Answer:
    found = stub.folders.get(parts[0])
    return (200, found) if found else (404, {"message": "folder not found", "status": "not-found"})


def _post_folder(stub: Stub, _parts: list[str], _query: Any, body: Any, _headers: Any) -> Answer:
    stub.check("folder", body, {"uid", "title", "parentUid", "description"}, {"title"})
    if any(folder["title"] == body["title"] for folder in stub.folders.values()):
        return 409, {"message": "a folder with the same name already exists in the current location"}
    folder = {"id": len(stub.folders) + 1, "version": 1, "canSave": True, "created": "2026-01-01", **body}
    stub.folders[body["uid"]] = folder
    return 200, folder


def _source_shown(stub: Stub, uid: str) -> Json:
    return {**stub.sources[uid], "secureJsonFields": dict.fromkeys(stub.secrets.get(uid, {}), True)}


def _get_source(stub: Stub, parts: list[str], *_: Any) -> Answer:
    if parts[0] not in stub.sources:
        return 404, {"message": "Data source not found"}
    return 200, _source_shown(stub, parts[0])


def _get_source_by_name(stub: Stub, parts: list[str], *_: Any) -> Answer:
    uid = next((uid for uid, source in stub.sources.items() if source["name"] == parts[0]), None)
    return (404, {"message": "Data source not found"}) if uid is None else (200, _source_shown(stub, uid))


def _store_source(stub: Stub, body: Json) -> Answer:
    secret = body.pop("secureJsonData", {})
    uid = body["uid"]
    stub.sources[uid] = {"id": 1, "orgId": 1, "typeLogoUrl": "", "readOnly": False, "user": "", **body}
    stub.secrets[uid] = {**stub.secrets.get(uid, {}), **secret}
    shown = _source_shown(stub, uid)
    return 200, {"datasource": shown, "id": 1, "message": "Datasource added", "name": body["name"]}


def _post_source(stub: Stub, _parts: list[str], _query: Any, body: Any, _headers: Any) -> Answer:
    stub.check("data source", body, SOURCE_KEYS, {"name", "type", "access"})
    if any(source["name"] == body["name"] for source in stub.sources.values()):
        return 409, {"message": "data source with the same name already exists"}
    return _store_source(stub, body)


def _put_source(stub: Stub, parts: list[str], _query: Any, body: Any, _headers: Any) -> Answer:
    stub.check("data source", body, SOURCE_KEYS, {"name", "type", "access"})
    if parts[0] not in stub.sources:
        return 404, {"message": "Data source not found"}
    if stub.sources[parts[0]]["readOnly"]:
        return 403, {"message": "Cannot update read-only data source"}
    return _store_source(stub, body)


def _get_source_health(stub: Stub, parts: list[str], *_: Any) -> Answer:
    return stub.health if parts[0] in stub.sources else (404, {"message": "Data source not found"})


def _get_board(stub: Stub, parts: list[str], *_: Any) -> Answer:
    versions = stub.boards.get(parts[0])
    if not versions:
        return 404, {"message": "Dashboard not found"}
    meta = {"folderUid": versions[-1]["folderUid"], "provisioned": parts[0] in stub.provisioned}
    return 200, {"dashboard": versions[-1]["dashboard"], "meta": meta}


def _get_versions(stub: Stub, parts: list[str], query: Any, *_: Any) -> Answer:
    if parts[0] not in stub.boards:
        return 404, {"message": "Dashboard not found"}
    limit = int(query.get("limit", ["1000"])[0])
    found = [
        {"id": at, "uid": parts[0], "version": at, "message": version["message"], "createdBy": "admin"}
        for at, version in reversed(list(enumerate(stub.boards[parts[0]], start=1)))
    ][:limit]
    return 200, found if stub.version.startswith("10.") else {"continueToken": "", "versions": found}


def _post_board(stub: Stub, _parts: list[str], _query: Any, body: Any, _headers: Any) -> Answer:
    stub.check("dashboard", body, {"dashboard", "folderUid", "message", "overwrite"}, {"dashboard"})
    board, uid = dict(body["dashboard"]), body["dashboard"]["uid"]
    if len(uid) > 40:
        return 400, {"message": "uid too long, max 40 characters"}
    if uid in stub.provisioned:
        return 400, {"message": "Cannot save provisioned dashboard"}
    if uid in stub.failing:
        return 500, {"message": "database is locked"}
    if body["folderUid"] not in stub.folders:
        return 400, {"message": "folder not found"}
    versions = stub.boards.setdefault(uid, [])
    if (
        versions
        and not body.get("overwrite")
        and board.get("version") != versions[-1]["dashboard"]["version"]
    ):
        return 412, {
            "message": "The dashboard has been changed by someone else",
            "status": "version-mismatch",
        }
    board |= {"id": 1, "version": len(versions) + 1}
    versions.append({"dashboard": board, "folderUid": body["folderUid"], "message": body.get("message", "")})
    return 200, {
        "id": 1,
        "uid": uid,
        "url": f"/d/{uid}/x",
        "status": "success",
        "version": board["version"],
        "slug": "x",
    }


def _get_group(stub: Stub, parts: list[str], *_: Any) -> Answer:
    group = stub.groups.get((parts[0], parts[1]))
    return (200, group) if group else (404, {"message": "rule group not found"})


def _put_group(stub: Stub, parts: list[str], _query: Any, body: Any, headers: Any) -> Answer:
    stub.check(
        "rule group", body, {"title", "folderUid", "interval", "rules"}, {"title", "interval", "rules"}
    )
    if parts[0] not in stub.folders:
        return 404, {"message": "folder not found"}
    if stub.groups.get((parts[0], parts[1]), {}).get("provenance") == "file":
        return 409, {"message": "cannot change provenance from 'file' to ''"}
    rules = []
    for at, rule in enumerate(body["rules"]):
        stub.check("rule", rule, RULE_KEYS, RULE_NEEDS)
        if rule["condition"] not in {step["refId"] for step in rule["data"]} or len(rule["uid"]) > 40:
            return 400, {"message": "invalid alert rule: condition or uid"}
        if rule["noDataState"] not in {"Alerting", "NoData", "OK", "KeepLast"}:
            return 400, {"message": "invalid alert rule: unknown no data state"}
        if rule["execErrState"] not in {"Alerting", "Error", "OK", "KeepLast"}:
            return 400, {"message": "invalid alert rule: unknown error state"}
        receiver = rule.get("notification_settings", {}).get("receiver")
        if receiver and receiver not in {point["name"] for point in stub.contacts.values()}:
            return 400, {"message": f"invalid notification settings: receiver '{receiver}' does not exist"}
        data = [
            {**step, "queryType": "", "model": {"intervalMs": 1000, "maxDataPoints": 43200, **step["model"]}}
            for step in rule["data"]
        ]
        provenance = {} if headers.get("X-Disable-Provenance") == "true" else {"provenance": "api"}
        rules.append({**rule, "data": data, "id": at + 1, "updated": "2026-01-01T00:00:00Z", **provenance})
    stub.groups[parts[0], parts[1]] = {**body, "rules": rules}
    return 200, stub.groups[parts[0], parts[1]]


def _get_contacts(stub: Stub, _parts: list[str], query: Any, *_: Any) -> Answer:
    name = query.get("name", [None])[0]
    return 200, [point for point in stub.contacts.values() if name in {None, point["name"]}]


def _post_contact(stub: Stub, _parts: list[str], _query: Any, body: Any, _headers: Any) -> Answer:
    stub.check("contact point", body, RECEIVER_KEYS, {"name", "type", "settings"})
    stub.contacts[body["uid"]] = body
    return 202, body


def _put_contact(stub: Stub, parts: list[str], _query: Any, body: Any, _headers: Any) -> Answer:
    stub.check("contact point", body, RECEIVER_KEYS, {"name", "type", "settings"})
    stub.contacts[parts[0]] = body
    return 202, {"message": "contactpoint updated"}


def _post_query(stub: Stub, _parts: list[str], _query: Any, body: Any, _headers: Any) -> Answer:
    stub.check("query", body, {"from", "to", "queries"}, {"from", "to", "queries"})
    assert stub.query is not None
    results = {}
    for asked in body["queries"]:
        needed = {"refId", "datasource", "query", "rawQuery", "resultFormat", "intervalMs", "maxDataPoints"}
        stub.check("query", asked, needed, needed)
        begin_ms, end_ms = int(body["from"]), int(body["to"])
        span = f"time >= {begin_ms}ms AND time <= {end_ms}ms"
        query = asked["query"].replace("$timeFilter", span).replace("$__interval", f"{asked['intervalMs']}ms")
        if "$" in query:
            results[asked["refId"]] = {
                "status": 400,
                "error": f"InfluxQL: unexpected $ in {query}",
                "frames": [],
            }
            continue
        rows = stub.query(query, begin_ms, end_ms)
        names = list(dict.fromkeys(name for row in rows for name in row))
        values = [[row.get(name) for row in rows] for name in names]
        frames = [{"schema": {"fields": [{"name": name} for name in names]}, "data": {"values": values}}]
        results[asked["refId"]] = {"status": 200, "frames": frames if rows else []}
    return 200, {"results": results}


_UID = r"([^/]+)"
ROUTES: dict[str, Callable[[Stub, list[str], Any, Any, Any], Answer]] = {
    "GET /health": _get_health,
    f"GET /folders/{_UID}": _get_folder,
    "POST /folders": _post_folder,
    f"GET /datasources/uid/{_UID}": _get_source,
    f"GET /datasources/name/{_UID}": _get_source_by_name,
    "POST /datasources": _post_source,
    f"PUT /datasources/uid/{_UID}": _put_source,
    f"GET /datasources/uid/{_UID}/health": _get_source_health,
    f"GET /dashboards/uid/{_UID}": _get_board,
    f"GET /dashboards/uid/{_UID}/versions": _get_versions,
    "POST /dashboards/db": _post_board,
    f"GET /v1/provisioning/folder/{_UID}/rule-groups/{_UID}": _get_group,
    f"PUT /v1/provisioning/folder/{_UID}/rule-groups/{_UID}": _put_group,
    "GET /v1/provisioning/contact-points": _get_contacts,
    "POST /v1/provisioning/contact-points": _post_contact,
    f"PUT /v1/provisioning/contact-points/{_UID}": _put_contact,
    "POST /ds/query": _post_query,
}


class _Handler(BaseHTTPRequestHandler):
    stub: Stub
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """An answer is one packet, or each waits for the other's acknowledgement."""

    def _serve(self) -> None:
        stub, url = self.stub, urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        if not url.path.startswith(f"{stub.prefix}/api/"):
            return self._send(404, PAGE)
        path = url.path.removeprefix(f"{stub.prefix}/api")
        for method, pattern, fault in stub.faults:
            if method == self.command and re.fullmatch(pattern, path):
                if isinstance(fault, float):
                    stub.let_go.wait(fault)
                    self.close_connection = True
                    return None
                return self._send(200, fault) if isinstance(fault, bytes) else self._send(*fault)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if path != "/health" and token not in {ADMIN, VIEWER}:
            said = "API key expired" if token == EXPIRED else "Invalid API key"
            return self._send(401, {"message": said, "messageId": "api-key.invalid"})
        if self.command != "GET" and token == VIEWER and path != "/ds/query":
            return self._send(
                403,
                {
                    "message": "You'll need additional permissions to perform this action.",
                    "accessErrorId": "ACE1",
                },
            )
        if self.command != "GET" and path != "/ds/query":
            stub.writes.append((self.command, path))
        try:
            status, content = stub.answer(self.command, path, parse_qs(url.query), body, self.headers)
        except _UndocumentedError as error:
            stub.undocumented.append(str(error))
            return self._send(400, {"message": f"bad request data: {error}"})
        if stub.without_body and self.command != "GET" and status < 300:
            return self._send(204, b"")
        return self._send(status, content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 (http.server's names)

    def _send(self, status: int, content: Any) -> None:
        page = isinstance(content, bytes)
        data = content if page else json.dumps(content).encode()
        self.send_response(status)
        if status in {301, 302, 307, 308}:
            self.send_header("Location", "/login")
        self.send_header("Content-Type", "text/html; charset=UTF-8" if page else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    """Serve it while the block runs."""
    handler = type("Handler", (_Handler,), {"stub": stub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        stub.url = f"http://127.0.0.1:{server.server_port}{stub.prefix}"
        try:
            yield stub
        finally:
            stub.let_go.set()
            server.shutdown()
            thread.join()
