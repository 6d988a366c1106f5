"""What Grafana should have → what it has: folder, data source, dashboards, contact point, rules, one after another.

Pushing twice changes nothing the second time. What people changed in Grafana stays: a dashboard whose newest version
was not saved by neckline, and a rule that is not as neckline last wrote it, are replaced only by force. A thing that
fails hinders only those that stand in it.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from dashboards.contacts import CONTACT_POINT, UID, Contact
from dashboards.errors import (
    DashboardError,
    GrafanaAwayError,
    GrafanaError,
    GrafanaProvisionedError,
    GrafanaTakenError,
)
from dashboards.grafana import EDITABLE, Grafana, numbers_of
from dashboards.rules import STEP
from dashboards.source import NAME, Source

Json = dict[str, Any]

FOLDER_UID, FOLDER = "neckline", "Neckline"
GROUP = "neckline"
BY_US = "neckline "
"""Begins the message of every version of a dashboard that was saved by us; a digest of its content follows."""
SAVED_BY_US = re.compile(rf"{BY_US}[0-9a-f]{{16}}")
"""All of such a message: people begin theirs with the name, too."""
GROUP_INTERVAL_S = 60
ROUTED = (11, 0)
"""The first Grafana in which a rule may name whom it tells."""
WRITTEN = "neckline"
"""The annotation of a rule that holds a digest of what we wrote: whoever edits the rule leaves it behind."""
ORG = {"orgID": 1}
"""The API wants it; Grafana takes the organisation of the token, whatever is said here."""
AGAIN = "is sent again with --force"
HIDDEN = "[REDACTED]"


class Outcome(StrEnum):
    """What became of a thing, or would."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """Somebody changed it in Grafana, so it stays as it is."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """What it stands in could not be made."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that Grafana should have."""

    source: Source
    boards: list[Json]
    rules: list[Json]
    contact: Contact | None = None
    """Whom the rules tell; None leaves that to Grafana's default."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one thing."""

    what: str
    """The kind of thing and its name."""
    outcome: Outcome
    say: str = ""
    difference: str = ""
    """From what is there to what should be; never a secret."""
    error: DashboardError | None = None


class Push:
    """One push. With `dry_run` nothing is sent but questions."""

    def __init__(
        self, grafana: Grafana, wanted: Wanted, *, force: bool = False, dry_run: bool = False
    ) -> None:
        self._grafana, self._wanted = grafana, wanted
        self._force, self._dry_run = force, dry_run
        self._version = ""

    def run(self) -> Iterator[Change]:
        """Yield what became of each thing, in order; raise GrafanaAwayError when nothing can be done any more."""
        self._version = self._grafana.version()
        folder = yield from self._try(f"folder {FOLDER}", self._folder)
        yield from self._try(f"data source {NAME}", self._data_source)
        contact = yield from self._try(f"contact point {CONTACT_POINT}", self._contact_point)
        for board in self._wanted.boards:
            name = f'dashboard "{board["title"]}"'
            if folder:
                yield from self._try(name, partial(self._dashboard, board))
            else:
                yield Change(name, Outcome.SKIPPED, "its folder could not be made")
        if folder and contact:
            yield from self._try(f"rules {GROUP}", self._rules)
        else:
            lacking = "their contact point" if folder else "their folder"
            yield Change(f"rules {GROUP}", Outcome.SKIPPED, f"{lacking} could not be made")

    def _try(self, what: str, act: Callable[[], Change | None]) -> Generator[Change, None, bool]:
        """Yield what an act comes to; return whether what depends on it may go on."""
        try:
            change = act()
        except GrafanaAwayError:
            raise
        except GrafanaError as error:
            yield Change(what, Outcome.FAILED, str(error), error=error)
            return False
        if change is not None:
            yield change
        return True

    def _done(
        self, what: str, there: Json | None, wanted: Json, send: Callable[[], object], say: str = ""
    ) -> Change:
        """Send it, unless this is a dry run."""
        if not self._dry_run:
            send()
        outcome = Outcome.UPDATED if there else Outcome.CREATED
        return Change(what, outcome, say, difference(there or {}, wanted))

    # ---- each thing ------------------------------------------------------------------------------------------------

    def _folder(self) -> Change:
        what = f"folder {FOLDER}"
        there = self._grafana.get("/folders", FOLDER_UID, what=what)
        if there:  # wherever it was moved and however it was renamed
            return Change(what, Outcome.UNCHANGED)
        wanted = {"uid": FOLDER_UID, "title": FOLDER}
        return self._done(
            what, None, wanted, lambda: self._grafana.post("/folders", what=what, content=wanted)
        )

    def _data_source(self) -> Change:
        what, source = f"data source {NAME}", self._wanted.source
        uid = source.shown["uid"]
        there = self._grafana.get("/datasources/uid", uid, what=what)
        if there is None:
            if self._grafana.get("/datasources/name", NAME, what=what):
                raise GrafanaTakenError(self._grafana.url, "data source", NAME)
            return self._done(
                what, None, source.shown,
                lambda: self._grafana.post("/datasources", what=what, content=source.to_json()),
            )  # fmt: skip
        if there.get("readOnly"):
            raise GrafanaProvisionedError(self._grafana.url, f"the data source {NAME}", "it is read-only")
        shown = part_of(source.shown, there)
        sends_token = "httpHeaderName1" in (there.get("jsonData") or {})
        has_secret = set(source.secret) <= set(there.get("secureJsonFields") or {})
        is_same = shown == source.shown and has_secret and sends_token == bool(source.token)
        if is_same and not self._force:
            return Change(what, Outcome.UNCHANGED, f"its token {AGAIN}" if source.token else "")
        return self._done(
            what, shown, source.shown,
            lambda: self._grafana.put("/datasources/uid", uid, what=what, content=source.to_json()),
            say="with its token",
        )  # fmt: skip

    def _dashboard(self, board: Json) -> Change:
        what, uid = f'dashboard "{board["title"]}"', board["uid"]
        message = f"{BY_US}{digest(board)}"
        there = self._grafana.get("/dashboards/uid", uid, what=what)
        if there is None:
            return self._done(what, None, board, lambda: self._save(what, board, message))
        if there.get("meta", {}).get("provisioned"):
            raise GrafanaProvisionedError(self._grafana.url, f"the {what}", "it is provisioned")
        found = there["dashboard"]
        saved = self._newest_message(what, uid)
        change = difference(part_of(board, found), board)
        if saved == message and not (self._force and change):
            return Change(what, Outcome.UNCHANGED)
        if not SAVED_BY_US.fullmatch(saved) and not self._force:
            return Change(what, Outcome.KEPT, "it was edited in Grafana; --force replaces it", change)
        versioned = board if self._force else {**board, "version": found.get("version", 0)}
        sent = self._done(what, found, board, lambda: self._save(what, versioned, message))
        return Change(what, sent.outcome, sent.say, change)

    def _save(self, what: str, board: Json, message: str) -> None:
        content = {
            "dashboard": board,
            "folderUid": FOLDER_UID,
            "message": message,
            "overwrite": self._force,
        }
        self._grafana.post("/dashboards/db", what=what, content=content)

    def _newest_message(self, what: str, uid: str) -> str:
        """Return what was said when the newest version was saved."""
        answer = self._grafana.get("/dashboards/uid", uid, "versions", what=what, limit=1)
        versions = (
            answer.get("versions", []) if isinstance(answer, dict) else answer or []
        )  # a list before Grafana 11
        return str(versions[0].get("message") or "") if versions else ""

    def _contact_point(self) -> Change | None:
        contact = self._wanted.contact
        if contact is None:
            return None
        what = f"contact point {CONTACT_POINT}"
        path = "/v1/provisioning/contact-points"
        # One contact point may tell by several ways, each with a uid; people add theirs.
        ways = self._grafana.get(path, what=what, name=CONTACT_POINT) or []
        there = next((way for way in ways if way.get("uid") == UID), None)
        wanted = contact.to_json()
        if there is None and ways and not self._force:
            return Change(
                what, Outcome.KEPT, "it was made in Grafana; --force adds neckline's own way to tell"
            )
        if there is None:
            return self._done(
                what, None, contact.shown,
                lambda: self._grafana.post(path, what=what, content=wanted, headers=EDITABLE),
            )  # fmt: skip
        shown = part_of(contact.shown, there)
        known = there.get("settings", {}).get("url", HIDDEN)
        is_same = shown == contact.shown and known in {HIDDEN, contact.webhook}
        if is_same and not (self._force and contact.webhook):
            return Change(what, Outcome.UNCHANGED, f"its address {AGAIN}" if contact.webhook else "")
        if not self._force:
            return Change(
                what,
                Outcome.KEPT,
                "it is another in Grafana; --force replaces it",
                difference(shown, contact.shown),
            )
        return self._done(
            what, shown, contact.shown,
            lambda: self._grafana.put(path, UID, what=what, content=wanted, headers=EDITABLE),
        )  # fmt: skip

    def _rules(self) -> Change:
        what = f"rules {GROUP}"
        path = ("/v1/provisioning/folder", FOLDER_UID, "rule-groups", GROUP)
        there = self._grafana.get(*path, what=what)
        found = {rule["uid"]: rule for rule in (there or {}).get("rules", [])}
        ours = {rule["uid"]: self._routed(rule) for rule in self._wanted.rules}
        changed = [uid for uid, rule in ours.items() if uid in found and part_of(rule, found[uid]) != rule]
        edited = [uid for uid in changed if _written(found[uid]) != _content(found[uid])]
        lacking = [uid for uid in ours if uid not in found]
        change = "".join(
            difference(part_of(ours[uid], found.get(uid, {})), ours[uid]) for uid in (*changed, *lacking)
        )
        kept = [] if self._force else edited
        told = ", ".join(f'"{found[uid]["title"]}"' for uid in kept)
        say = f"edited in Grafana, and kept: {told}; --force replaces them" if kept else ""
        if not lacking and len(kept) == len(changed):
            return Change(what, Outcome.KEPT if kept else Outcome.UNCHANGED, say, change)
        rules = [found[uid] if uid in kept else {**rule, **ORG} for uid, rule in ours.items()]
        rules += [rule for uid, rule in found.items() if uid not in ours]  # that others put there
        interval_s = (there or {}).get("interval", GROUP_INTERVAL_S)
        group = {"title": GROUP, "folderUid": FOLDER_UID, "interval": interval_s, "rules": rules}
        if not self._dry_run:
            self._grafana.put(*path, what=what, content=group, headers=EDITABLE)
        return Change(what, Outcome.UPDATED if found else Outcome.CREATED, say, change)

    def _routed(self, rule: Json) -> Json:
        """Return a rule as Grafana's API takes it, told to the contact if there is one and Grafana can."""
        placed = {**rule, "folderUID": FOLDER_UID, "ruleGroup": GROUP}
        version = numbers_of(self._version)
        if self._wanted.contact is not None and not (version and version < ROUTED):
            placed["notification_settings"] = {"receiver": CONTACT_POINT}
        return {**placed, "annotations": {**rule["annotations"], WRITTEN: _content(placed)}}


def _written(rule: Json) -> str:
    """Return what we noted of a rule when we wrote it."""
    return str(rule.get("annotations", {}).get(WRITTEN, ""))


def _content(rule: Json) -> str:
    """Return a digest of what a person would edit in a rule, without what Grafana adds to it."""
    steps = [
        {
            **{key: step.get(key) for key in ("refId", "datasourceUid", "relativeTimeRange")},
            **{key: step["model"][key] for key in STEP if key in step["model"]},
        }
        for step in rule["data"]
    ]
    whole = {
        key: rule.get(key) for key in ("title", "condition", "for", "noDataState", "execErrState", "labels")
    }
    told = {key: text for key, text in rule.get("annotations", {}).items() if key != WRITTEN}
    receiver = (rule.get("notification_settings") or {}).get("receiver")
    return digest(
        {
            **whole,
            "steps": steps,
            "annotations": told,
            "receiver": receiver,
            "paused": bool(rule.get("isPaused")),
        }
    )


def digest(content: Json) -> str:
    """Return a short name for exactly this content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def part_of(wanted: Any, found: Any) -> Any:
    """Return of what was found what we have a say in: Grafana adds ids, times and defaults."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {key: part_of(value, found[key]) for key, value in wanted.items() if key in found}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [part_of(one, other) for one, other in zip(wanted, found, strict=True)]
    return found


def difference(found: Json, wanted: Json) -> str:
    """Return the lines that differ, as `diff -u` writes them; empty when none does."""
    before, after = (
        json.dumps(each, indent=1, sort_keys=True, ensure_ascii=False).splitlines(keepends=True)
        if each
        else []
        for each in (found, wanted)
    )
    return (
        "".join(difflib.unified_diff(before, after, "in Grafana\n", "from neckline\n", n=2))
        .replace("in Grafana\n\n", "in Grafana\n")
        .replace("from neckline\n\n", "from neckline\n")
    )
