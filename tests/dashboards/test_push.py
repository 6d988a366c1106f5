"""Setting a Grafana up, against one that takes nothing that its API does not document."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dashboards.boards import boards
from dashboards.contacts import CONTACT_POINT, Contact
from dashboards.errors import (
    GrafanaAwayError,
    GrafanaBusyError,
    GrafanaChangedError,
    GrafanaError,
    GrafanaForbiddenError,
    GrafanaForeignError,
    GrafanaProvisionedError,
    GrafanaRefusedError,
    GrafanaSettingsError,
    GrafanaTakenError,
    GrafanaTokenError,
    GrafanaTooOldError,
    GrafanaUnreachableError,
)
from dashboards.grafana import Grafana, GrafanaSettings
from dashboards.push import FOLDER_UID, GROUP, Change, Outcome, Push, Wanted, part_of
from dashboards.rules import rules
from dashboards.source import UID, Source
from tests.dashboards.grafana_stub import ADMIN, EXPIRED, PAGE, VIEWER, Stub, serving
from tests.storage.servers import free_port

SOURCE = Source("http://influxdb:8086", "posture", "read-only-secret")
BOARDS, RULES = boards(), rules()
THINGS = 3 + len(BOARDS)
"""Folder, data source, each dashboard, the rules."""


@pytest.fixture
def stub() -> Iterator[Stub]:
    """Give a Grafana; at the end, assert that all it was asked is documented."""
    with serving(Stub()) as running:
        yield running
        assert not running.undocumented


def grafana(stub: Stub, token: str = ADMIN, timeout_s: float = 10.0, url: str = "") -> Grafana:
    """Return a Grafana to talk to."""
    return Grafana(GrafanaSettings(url or stub.url, token, timeout_s))


def push(stub: Stub, contact: Contact | None = None, *, token: str = ADMIN, **how: bool) -> list[Change]:
    """Push everything; return what became of each thing."""
    stub.writes.clear()
    return list(Push(grafana(stub, token), Wanted(SOURCE, BOARDS, RULES, contact), **how).run())


def outcomes(changes: list[Change]) -> set[Outcome]:
    """Return which outcomes there were."""
    return {change.outcome for change in changes}


def of(changes: list[Change], word: str) -> Change:
    """Return the one change of a thing."""
    (found,) = (change for change in changes if word in change.what)
    return found


def rule_of(stub: Stub, at: int = 0) -> dict[str, Any]:
    """Return a rule as Grafana has it."""
    rule: dict[str, Any] = stub.groups[FOLDER_UID, GROUP]["rules"][at]
    return rule


def test_an_empty_grafana_gets_everything_and_then_nothing_more(stub: Stub) -> None:
    """The first push creates all, as it was meant; the second finds all as it should be and writes nothing."""
    first = push(stub)
    assert len(first) == THINGS
    assert outcomes(first) == {Outcome.CREATED}
    assert {
        uid: part_of(board, stub.boards[uid][-1]["dashboard"]) for board in BOARDS for uid in [board["uid"]]
    } == {board["uid"]: board for board in BOARDS}
    assert all(versions[-1]["folderUid"] == FOLDER_UID for versions in stub.boards.values())
    assert part_of(SOURCE.shown, stub.sources[UID]) == SOURCE.shown
    assert stub.secrets[UID] == {"httpHeaderValue1": "Token read-only-secret"}
    found = stub.groups[FOLDER_UID, GROUP]["rules"]
    assert [part_of(rule, has) for rule, has in zip(RULES, found, strict=True)] == RULES
    assert not any("provenance" in rule for rule in found), "people could not change the rules"

    second = push(stub)
    assert outcomes(second) == {Outcome.UNCHANGED}
    assert not stub.writes


def test_a_dry_run_says_the_same_and_writes_nothing(stub: Stub) -> None:
    """It tells line by line what a push then does, and no secret."""
    dry = push(stub, dry_run=True)
    assert not stub.writes
    assert not stub.folders
    assert [(change.what, change.outcome) for change in dry] == [
        (change.what, change.outcome) for change in push(stub)
    ]
    assert all(change.difference for change in dry)
    assert '+ "title": "Neckline: wearer today",' in of(dry, "wearer today").difference.splitlines()
    assert "read-only-secret" not in repr(dry)


def test_a_dashboard_of_an_older_neckline_is_brought_up(stub: Stub) -> None:
    """What neckline itself saved last is replaced without force, as a new version of the same dashboard."""
    push(stub)
    uid = BOARDS[0]["uid"]
    stub.edit(uid, "neckline 0123456789abcdef", title="Neckline: of old")
    changes = push(stub)
    assert of(changes, "wearer today").outcome is Outcome.UPDATED
    assert '- "title": "Neckline: of old",' in of(changes, "wearer today").difference.splitlines()
    assert outcomes(changes) == {Outcome.UNCHANGED, Outcome.UPDATED}
    assert len(stub.boards[uid]) == 3


@pytest.mark.parametrize("message", ["", "made it mine", "neckline made mine", "Restored from version 1"])
@pytest.mark.parametrize("version", ["10.4.1", "11.6.0", "12.4.1", "13.2.0-pre"])
def test_a_dashboard_edited_by_hand_stays_until_forced(stub: Stub, version: str, message: str) -> None:
    """A person's version is kept, whatever they said of it; the message says how to replace it, and force does."""
    stub.version = version
    push(stub)
    uid = BOARDS[1]["uid"]
    stub.edit(uid, message, title="Mine")
    kept = push(stub)
    assert of(kept, "review").outcome is Outcome.KEPT
    assert "--force" in of(kept, "review").say
    assert not stub.writes
    assert stub.boards[uid][-1]["dashboard"]["title"] == "Mine"
    forced = push(stub, force=True)
    assert [change.what for change in forced if change.outcome is Outcome.UPDATED] == [
        "data source neckline",  # its token is sent again: whether it is the same, Grafana does not tell
        'dashboard "Neckline: therapist review"',
    ]
    assert stub.boards[uid][-1]["dashboard"]["title"] == BOARDS[1]["title"]
    assert outcomes(push(stub)) == {Outcome.UNCHANGED}


def test_a_dashboard_changed_at_the_same_moment_is_not_overwritten(stub: Stub) -> None:
    """Between the look and the save someone saved: Grafana says 412, and that is told."""
    push(stub)
    uid = BOARDS[0]["uid"]
    stub.edit(uid, "neckline 0123456789abcdef", title="Neckline: of old")
    stub.boards[uid][-1]["dashboard"]["version"] = 7
    stub.faults.append(
        (
            "POST",
            "/dashboards/db",
            (
                412,
                {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"},
            ),
        )
    )
    change = of(push(stub), "wearer today")
    assert change.outcome is Outcome.FAILED
    assert isinstance(change.error, GrafanaChangedError)
    assert "push again" in change.error.way_out


def test_a_folder_deleted_by_hand_comes_back_with_all_in_it(stub: Stub) -> None:
    """Its dashboards and rules, which Grafana deleted with it, too; what was not in it is unchanged."""
    push(stub)
    stub.delete_folder(FOLDER_UID)
    again = push(stub)
    assert {change.what for change in again if change.outcome is Outcome.UNCHANGED} == {
        "data source neckline"
    }
    assert sum(change.outcome is Outcome.CREATED for change in again) == THINGS - 1
    assert outcomes(push(stub)) == {Outcome.UNCHANGED}


def test_one_failure_hinders_nothing_else_and_is_made_good_later(stub: Stub) -> None:
    """A dashboard that Grafana fails on is told; the others and the rules are there; the next push adds it alone."""
    stub.failing = {BOARDS[1]["uid"]}
    changes = push(stub)
    failed = of(changes, "review")
    assert failed.outcome is Outcome.FAILED
    assert isinstance(failed.error, GrafanaBusyError)
    assert "database is locked" in failed.say
    assert sum(change.outcome is Outcome.CREATED for change in changes) == THINGS - 1
    stub.failing = set()
    again = push(stub)
    assert of(again, "review").outcome is Outcome.CREATED
    assert len(stub.writes) == 1


def test_without_its_folder_nothing_is_put_anywhere_else(stub: Stub) -> None:
    """A folder of that name with another uid is someone's: it is told, and dashboards and rules are left out."""
    stub.folders["abc"] = {"uid": "abc", "title": "Neckline"}
    changes = push(stub)
    assert isinstance(of(changes, "folder").error, GrafanaTakenError)
    assert of(changes, "data source").outcome is Outcome.CREATED
    assert sum(change.outcome is Outcome.SKIPPED for change in changes) == len(BOARDS) + 1
    assert not stub.boards
    assert not stub.groups


def test_a_data_source_of_that_name_is_not_touched(stub: Stub) -> None:
    """Someone else's data source has the name: it is told, with the way out, and stays as it is."""
    theirs = {"uid": "abc", "name": "neckline", "readOnly": False}
    stub.sources["abc"] = dict(theirs)
    change = of(push(stub), "data source")
    assert isinstance(change.error, GrafanaTakenError)
    assert "rename or delete" in change.error.way_out
    assert stub.sources == {"abc": theirs}


def test_a_data_source_that_points_elsewhere_is_put_right(stub: Stub) -> None:
    """Its address is ours to set; the token goes with it, and again when forced."""
    push(stub)
    stub.sources[UID]["url"] = "http://elsewhere:8086"
    stub.secrets[UID] = {"httpHeaderValue1": "Token old"}
    assert of(push(stub), "data source").outcome is Outcome.UPDATED
    assert stub.sources[UID]["url"] == SOURCE.url
    assert stub.secrets[UID] == SOURCE.secret
    stub.secrets[UID] = {"httpHeaderValue1": "Token old"}
    assert of(push(stub), "data source").outcome is Outcome.UNCHANGED
    push(stub, force=True)
    assert stub.secrets[UID] == SOURCE.secret


def test_a_data_source_that_still_sends_a_token_is_put_right(stub: Stub) -> None:
    """InfluxDB asks for none any more: the header goes, and then there is nothing more to do."""
    push(stub)
    without = Wanted(Source(SOURCE.url, SOURCE.bucket, ""), BOARDS, RULES)
    again = [of(list(Push(grafana(stub), without).run()), "data source").outcome for _ in range(2)]
    assert again == [Outcome.UPDATED, Outcome.UNCHANGED]
    assert "httpHeaderName1" not in stub.sources[UID]["jsonData"]


def test_what_comes_from_files_is_left_to_the_files(stub: Stub) -> None:
    """A data source, a dashboard and rules that Grafana read from its disk cannot be changed from here: it is told."""
    push(stub)
    stub.sources[UID] |= {"readOnly": True, "url": "http://elsewhere:8086"}
    uid = BOARDS[0]["uid"]
    stub.provisioned.add(uid)
    stub.groups[FOLDER_UID, GROUP]["provenance"] = "file"
    rule_of(stub)["title"] = "Other"
    changes = push(stub, force=True)
    told = [of(changes, word) for word in ("data source", "wearer today", "rules")]
    assert all(isinstance(change.error, GrafanaProvisionedError) for change in told)
    assert all("grafana write" in change.error.way_out for change in told if change.error)
    assert stub.sources[UID]["url"] == "http://elsewhere:8086"


def test_a_rule_changed_by_hand_stays_until_forced(stub: Stub) -> None:
    """A limit that people chose is theirs; a rule that they added stays in any case; one that they deleted comes back."""
    push(stub)
    rule_of(stub)["data"][2]["model"]["conditions"][0]["evaluator"]["params"] = [7]
    stub.groups[FOLDER_UID, GROUP]["rules"].append({**rule_of(stub), "uid": "theirs", "title": "Theirs"})
    kept = of(push(stub), "rules")
    assert kept.outcome is Outcome.KEPT
    assert RULES[0]["title"] in kept.say
    assert not stub.writes

    gone = stub.groups[FOLDER_UID, GROUP]["rules"].pop(1)
    assert of(push(stub), "rules").outcome is Outcome.UPDATED
    found = {rule["uid"]: rule for rule in stub.groups[FOLDER_UID, GROUP]["rules"]}
    assert {gone["uid"], "theirs"} <= set(found)
    assert found[RULES[0]["uid"]]["data"][2]["model"]["conditions"][0]["evaluator"]["params"] == [7]

    push(stub, force=True)
    found = {rule["uid"]: rule for rule in stub.groups[FOLDER_UID, GROUP]["rules"]}
    assert part_of(RULES[0]["data"], found[RULES[0]["uid"]]["data"]) == RULES[0]["data"]
    assert "theirs" in found


def test_a_rule_that_nobody_edited_follows_neckline(stub: Stub) -> None:
    """A newer neckline's limit replaces an older one's without force; a rule that was edited meanwhile is told, and stays."""
    older = json.loads(json.dumps(RULES))
    for rule in older[:2]:
        rule["data"][2]["model"]["conditions"][0]["evaluator"]["params"][0] += 1
        rule["annotations"]["summary"] = "As it was told."
    list(Push(grafana(stub), Wanted(SOURCE, BOARDS, older)).run())
    rule_of(stub, 1)["for"] = "2d"
    changes = of(push(stub), "rules")
    assert changes.outcome is Outcome.UPDATED
    assert RULES[1]["title"] in changes.say
    assert RULES[0]["title"] not in changes.say
    found = stub.groups[FOLDER_UID, GROUP]["rules"]
    assert part_of(RULES[0], found[0]) == RULES[0]
    assert (found[1]["for"], found[1]["annotations"]["summary"]) == ("2d", "As it was told.")
    assert of(push(stub), "rules").outcome is Outcome.KEPT
    push(stub, force=True)
    assert outcomes(push(stub)) == {Outcome.UNCHANGED}


def test_the_organisation_is_that_of_the_token(stub: Stub) -> None:
    """Whatever number Grafana gives back for it, nothing was edited."""
    push(stub)
    for rule in stub.groups[FOLDER_UID, GROUP]["rules"]:
        rule["orgID"] = 7
    assert outcomes(push(stub)) == {Outcome.UNCHANGED}


def test_rules_tell_whom_was_named(stub: Stub) -> None:
    """The contact point is made first and each rule names it, so that Grafana's own tree of policies stays as it is."""
    contact = Contact(email="care@example.org")
    assert of(push(stub, contact), "contact point").outcome is Outcome.CREATED
    assert [point["settings"]["addresses"] for point in stub.contacts.values()] == ["care@example.org"]
    assert {
        rule["notification_settings"]["receiver"] for rule in stub.groups[FOLDER_UID, GROUP]["rules"]
    } == {CONTACT_POINT}
    assert outcomes(push(stub, contact)) == {Outcome.UNCHANGED}
    other = Contact(email="night@example.org")
    assert of(push(stub, other), "contact point").outcome is Outcome.KEPT
    assert of(push(stub, other, force=True), "contact point").outcome is Outcome.UPDATED
    assert [point["settings"]["addresses"] for point in stub.contacts.values()] == ["night@example.org"]


def test_an_address_that_is_a_secret_is_not_shown(stub: Stub) -> None:
    """A webhook's address reaches Grafana and no message."""
    contact = Contact(webhook="https://ntfy.example.org/topic-nobody-guesses")
    changes = push(stub, contact, dry_run=True) + push(stub, contact)
    assert "nobody-guesses" not in repr(changes) + repr(contact)
    assert "nobody-guesses" in json.dumps(stub.contacts)


def test_another_webhook_is_not_passed_over(stub: Stub) -> None:
    """Where Grafana tells the address, another one is told and kept until forced; where it hides it, force sends it again."""
    old, new = (Contact(webhook=f"https://ntfy.example.org/{name}") for name in ("old", "new"))
    push(stub, old)
    (point,) = stub.contacts.values()
    kept = of(push(stub, new), "contact point")
    assert kept.outcome is Outcome.KEPT
    assert "ntfy" not in repr(kept)
    point["settings"]["url"] = "[REDACTED]"
    same = of(push(stub, new), "contact point")
    assert (same.outcome, "sent again with --force" in same.say) == (Outcome.UNCHANGED, True)
    assert of(push(stub, new, force=True), "contact point").outcome is Outcome.UPDATED
    assert [point["settings"]["url"] for point in stub.contacts.values()] == [new.webhook]


def test_another_way_of_the_contact_point_stays(stub: Stub) -> None:
    """People made it, or added a chat to it: forced, neckline's own way stands beside theirs, is found again, and alone replaced."""
    theirs = {"uid": "a", "name": CONTACT_POINT, "type": "slack", "settings": {"url": "https://chat"}}
    stub.contacts["a"] = dict(theirs)
    contact = Contact(email="care@example.org")
    assert of(push(stub, contact), "contact point").outcome is Outcome.KEPT
    assert stub.contacts == {"a": theirs}
    assert of(push(stub, contact, force=True), "contact point").outcome is Outcome.CREATED
    assert of(push(stub, contact), "contact point").outcome is Outcome.UNCHANGED
    other = Contact(email="night@example.org")
    assert of(push(stub, other, force=True), "contact point").outcome is Outcome.UPDATED
    assert stub.contacts.pop("a") == theirs
    assert [way["settings"]["addresses"] for way in stub.contacts.values()] == ["night@example.org"]


def test_an_older_grafana_leaves_the_telling_to_its_policies(stub: Stub) -> None:
    """Before 11 a rule cannot name whom it tells; it is made without."""
    stub.version = "10.4.19"
    push(stub, Contact(email="care@example.org"))
    assert not any("notification_settings" in rule for rule in stub.groups[FOLDER_UID, GROUP]["rules"])


def test_answers_without_a_body_are_successes(stub: Stub) -> None:
    """grafana_api raises for a 204, though all was done."""
    stub.without_body = True
    assert outcomes(push(stub, Contact(email="care@example.org"))) == {Outcome.CREATED}
    stub.without_body = False
    assert outcomes(push(stub, Contact(email="care@example.org"))) == {Outcome.UNCHANGED}


def test_an_under_privileged_token_is_told_what_it_lacks(stub: Stub) -> None:
    """A viewer's token can look and not write: each thing says so, and nothing is changed."""
    changes = push(stub, token=VIEWER)
    assert isinstance(of(changes, "folder").error, GrafanaForbiddenError)
    assert isinstance(of(changes, "data source").error, GrafanaForbiddenError)
    assert "role Admin" in str(of(changes, "data source").error.way_out)  # type: ignore[union-attr]
    assert not stub.writes


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ((401, {"message": "API key expired"}), GrafanaTokenError, "expired"),
        ((502, {"message": "bad gateway"}), GrafanaBusyError, "bad gateway"),
        ((503, PAGE), GrafanaBusyError, "503"),
        ((429, {"message": "too many requests"}), GrafanaBusyError, "too many"),
        ((400, {"message": "bad request data"}), GrafanaRefusedError, "bad request"),
        ((400, ["a list"]), GrafanaRefusedError, "a list"),
        (
            (403, {"message": "Permissions needed: all of alert.provisioning.provenance:write, folders:create"}),
            GrafanaForbiddenError,
            "role Admin",
        ),
        ((403, {"message": "Cannot update read-only folder"}), GrafanaProvisionedError, "files"),
        ((412, {"message": "a name", "status": "version-mismatch"}), GrafanaChangedError, "meanwhile"),
        ((412, {"message": "a name", "status": "name-exists"}), GrafanaTakenError, "rename or delete"),
        ((409, {"message": "a folder with the same name already exists"}), GrafanaTakenError, "rename or delete"),
        ((409, {"message": "version conflict while updating with optimistic locking"}), GrafanaChangedError, "push again"),
        ((409, {"message": "cannot be fulfilled: the object has been modified"}), GrafanaChangedError, "push again"),
        ((404, PAGE), GrafanaForeignError, "text/html"),
        ((302, PAGE), GrafanaForeignError, "/login"),
        (PAGE, GrafanaForeignError, "grafana.url"),
    ],
)  # fmt: skip
def test_what_grafana_says_becomes_a_sentence_with_the_way_out(
    stub: Stub, fault: Any, kind: type[GrafanaError], says: str
) -> None:
    """Whatever a request is answered with: our error, never another one, and the rest goes on where it can."""
    stub.faults.append(("POST", "/folders", fault))
    if issubclass(kind, GrafanaAwayError):
        with pytest.raises(kind) as told:
            push(stub)
        error: GrafanaError = told.value
    else:
        change = of(push(stub), "folder")
        assert isinstance(change.error, kind)
        error = change.error
    assert says in f"{error} {error.way_out}"
    assert error.way_out


def test_a_grafana_that_does_not_answer_is_not_waited_for(stub: Stub) -> None:
    """After the time-out it is told, with the time."""
    stub.faults.append(("GET", "/health", 60.0))
    with pytest.raises(GrafanaUnreachableError, match=r"no answer within 0\.2 s"):
        grafana(stub, timeout_s=0.2).version()


def test_addresses_that_are_none(stub: Stub) -> None:
    """Nobody listens, https for http, the path forgotten, another service: each is told with what to correct."""
    with pytest.raises(GrafanaUnreachableError, match="refused"):
        grafana(stub, url=f"http://127.0.0.1:{free_port()}").version()
    with pytest.raises(GrafanaForeignError, match="speaks http, not https"):
        grafana(stub, url=stub.url.replace("http:", "https:")).version()
    with pytest.raises(GrafanaForeignError, match="text/html"):
        grafana(stub, url=f"{stub.url}/forgotten").version()
    stub.faults.append(("GET", "/health", (200, {"name": "influxdb", "status": "pass"})))
    with pytest.raises(GrafanaForeignError, match="nothing of a Grafana"):
        grafana(stub).version()


def test_a_grafana_below_a_path_is_set_up_alike() -> None:
    """With the path in the address all goes there; without it the page that answers is told."""
    with serving(Stub(prefix="/see/grafana")) as stub:
        assert outcomes(push(stub)) == {Outcome.CREATED}
        with pytest.raises(GrafanaForeignError, match="text/html"):
            grafana(stub, url=stub.url.removesuffix("/see/grafana")).version()
        assert not stub.undocumented


@pytest.mark.parametrize("version", ["9.5.21", "10.2.3", "10.4.0"])
def test_a_grafana_that_is_too_old_is_left_alone(stub: Stub, version: str) -> None:
    """Its version is told beside the one that is needed, and nothing is changed."""
    stub.version = version
    with pytest.raises(GrafanaTooOldError, match=rf"{version}.*10\.4\.1"):
        push(stub)
    assert not stub.writes


def test_an_expired_token_stops_everything(stub: Stub) -> None:
    """The first answer ends the push: the same would be said of all that follows."""
    with pytest.raises(GrafanaTokenError, match="API key expired") as told:
        push(stub, token=EXPIRED)
    assert "service account" in told.value.way_out


@pytest.mark.parametrize(
    "url", ["localhost:3000", "ftp://localhost", "http://", "http://a:b@localhost", "http://x:99999"]
)
def test_settings_that_make_no_sense_are_refused(url: str) -> None:
    """An address that is none, one with a password, and a token that is none."""
    with pytest.raises(GrafanaSettingsError, match=r"grafana\.url must "):
        GrafanaSettings(url, ADMIN)
    for token in ("", "two\nlines"):
        with pytest.raises(GrafanaSettingsError, match="token"):
            GrafanaSettings("http://localhost:3000", token)


@pytest.mark.parametrize(
    "url", ["htp://me:s3cret@h", "http://me:s3cret@h:80860", "http://me:s3cret@h", "http://h/?key=s3cret"]
)
def test_a_password_in_the_address_is_not_repeated(url: str) -> None:
    """Neither in the sentence nor in what led to it."""
    with pytest.raises(GrafanaSettingsError) as told:
        GrafanaSettings(url, ADMIN)
    cause: BaseException | None = told.value
    while cause is not None:
        assert "s3cret" not in str(cause)
        cause = cause.__cause__ or cause.__context__
