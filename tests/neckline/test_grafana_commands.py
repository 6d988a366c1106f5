"""`neckline grafana …` as people use it: files, a Grafana set up and asked, and what they are told when it is wrong."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dashboards.boards import boards
from dashboards.source import UID
from neckline.commands import machine
from neckline.exits import Exit
from tests.dashboards.grafana_stub import ADMIN, EXPIRED, VIEWER, Stub, serving
from tests.dashboards.seeding import seeded
from tests.neckline.conftest import Home, Said
from tests.storage.servers import Server, free_port

Neckline = Callable[..., Said]


@pytest.fixture
def stub() -> Iterator[Stub]:
    """Give a Grafana; at the end, assert that all it was asked is documented."""
    with serving(Stub()) as running:
        yield running
        assert not running.undocumented


def configure(home: Home, stub: Stub, token: str = ADMIN, **grafana: str) -> None:
    """Write the configuration of someone with an InfluxDB and a Grafana."""
    for name, content in (("writes", "secret-writes"), ("reads", "secret-reads"), ("grafana", token)):
        (home.folder / name).write_text(f"{content}\n")
        (home.folder / name).chmod(0o600)
    home.set(
        influxdb={"url": "http://localhost:8086", "bucket": "posture", "token_file": "writes"},
        grafana={
            "url": stub.url, "token_file": "grafana", "read_token_file": "reads", "timeout_s": 5.0, **grafana,
        },
    )  # fmt: skip


def test_files_are_written_and_listed(neckline: Neckline, home: Home) -> None:
    """Without any configuration, with names of Grafana's own environment in the place of what is not known; no secret."""
    said = neckline("grafana", "write", home.folder / "out", "--email", "care@example.org")
    assert said.code == Exit.OK
    written = [Path(line) for line in said.out.splitlines()]
    assert all(path.is_file() for path in written)
    source = json.loads((home.folder / "out/provisioning/datasources/neckline.yaml").read_text())[
        "datasources"
    ][0]
    assert source["url"] == "$NECKLINE_INFLUXDB_URL"
    assert "$NECKLINE_INFLUXDB_READ_TOKEN" in source["secureJsonData"]["httpHeaderValue1"]
    assert "NECKLINE_INFLUXDB_URL" in said.err


def test_files_say_where_influxdb_is_and_no_token(neckline: Neckline, home: Home, stub: Stub) -> None:
    """What the configuration knows stands in them, and the retention policy of 1.x in every query."""
    configure(home, stub, influxdb_url="http://influxdb:8086")
    home.set(influxdb={"bucket": "posture/year"})
    neckline("grafana", "write", home.folder / "out")
    text = {path: path.read_text() for path in (home.folder / "out").rglob("*.*")}
    assert "secret" not in "".join(text.values()).replace("secureJsonData", "")
    assert '"url": "http://influxdb:8086"' in "".join(text.values())
    queries = [line for line in "".join(text.values()).splitlines() if '"query": "SELECT' in line]
    assert queries
    assert all('FROM \\"year\\".\\"' in line for line in queries)


def test_a_webhook_is_in_no_file(neckline: Neckline, home: Home) -> None:
    """Its address is a secret: Grafana takes it from its environment, by a name that is told."""
    hook = home.folder / "hook"
    hook.write_text("https://ntfy.example.org/topic-nobody-guesses\n")
    hook.chmod(0o600)
    said = neckline("grafana", "write", home.folder / "out", "--webhook-file", hook)
    assert said.code == Exit.OK
    text = {path: path.read_text() for path in (home.folder / "out").rglob("*.*")}
    assert "nobody-guesses" not in "".join(text.values()) + said.out + said.err
    contact = json.loads(text[home.folder / "out/provisioning/alerting/neckline-contact.yaml"])
    settings = contact["contactPoints"][0]["receivers"][0]["settings"]
    assert settings["url"] == "$NECKLINE_GRAFANA_WEBHOOK"
    assert "NECKLINE_GRAFANA_WEBHOOK" in said.err


def test_a_folder_that_cannot_be_written(neckline: Neckline, home: Home) -> None:
    """A file stands in the way: it is told."""
    (home.folder / "out").write_text("")
    said = neckline("grafana", "write", home.folder / "out")
    assert said.code == Exit.EXPORT
    assert "cannot be written" in said.err
    assert "→ name a folder" in said.err


def test_a_grafana_is_set_up_once(neckline: Neckline, home: Home, stub: Stub) -> None:
    """Each thing gets a line; the second time all is unchanged; no token is ever shown."""
    configure(home, stub)
    first = neckline("grafana", "push")
    assert first.code == Exit.OK
    assert first.out.count("created: ") == 3 + len(boards())
    second = neckline("grafana", "push", "--json")
    assert {change["outcome"] for change in json.loads(second.out)} == {"unchanged"}
    assert stub.secrets[UID] == {"httpHeaderValue1": "Token secret-reads"}
    assert "secret" not in first.out + first.err + second.out + second.err


def test_a_dry_run_shows_lines(neckline: Neckline, home: Home, stub: Stub) -> None:
    """What would be, and the lines that differ; nothing is changed."""
    configure(home, stub)
    said = neckline("grafana", "push", "--dry-run")
    assert said.code == Exit.OK
    assert "would be created: folder Neckline" in said.out
    assert '+ "title": "Neckline"' in said.out
    assert not stub.writes


def test_what_fails_is_told_with_the_way_out(neckline: Neckline, home: Home, stub: Stub) -> None:
    """One dashboard fails: its line, what to do, and the exit code; the others are made."""
    configure(home, stub)
    stub.failing = {boards()[0]["uid"]}
    said = neckline("grafana", "push")
    assert said.code == Exit.GRAFANA
    assert "failed: dashboard" in said.out
    assert "→ push again later" in said.err
    assert len(stub.boards) == len(boards()) - 1


@pytest.mark.parametrize(
    ("token", "code", "says"),
    [
        (EXPIRED, Exit.GRAFANA, "API key expired"),
        (VIEWER, Exit.GRAFANA, "role Admin"),
        ("", Exit.CONFIG, "gives no token"),
    ],
)
def test_tokens_that_do_not_serve(
    neckline: Neckline, home: Home, stub: Stub, token: str, code: Exit, says: str
) -> None:
    """Expired, under-privileged, empty: each a sentence and the way out."""
    configure(home, stub, token)
    said = neckline("grafana", "push")
    assert said.code == code
    assert says in said.err
    assert "→ " in said.err


def test_what_the_configuration_lacks(
    neckline: Neckline, home: Home, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No InfluxDB, no Grafana, no token to read with, or the one that may write: nothing is asked before that is right."""
    assert "names no InfluxDB" in neckline("grafana", "push").err
    assert neckline("grafana", "check").code == Exit.CONFIG
    configure(home, stub)
    (home.folder / "reads").write_text("secret-writes")
    assert "is the one that neckline writes with" in neckline("grafana", "push").err
    (home.folder / "reads").write_text("")
    assert "no token for Grafana to read" in neckline("grafana", "push").err
    assert not stub.writes
    monkeypatch.setenv("NECKLINE_INFLUXDB_READ_TOKEN", "reader:password")
    assert neckline("grafana", "push").code == Exit.OK
    assert stub.secrets[UID]["httpHeaderValue1"].startswith("Basic ")


def test_a_contact_that_is_none(neckline: Neckline, home: Home) -> None:
    """A mail address without @, and both ways at once."""
    (home.folder / "hook").write_text("https://ntfy.example.org/t")
    assert neckline("grafana", "write", "out", "--email", "care").code == Exit.CONFIG
    both = neckline("grafana", "write", "out", "--email", "c@example.org", "--webhook-file", "hook")
    assert both.code == Exit.CONFIG
    assert "either" in both.err


def test_nobody_listens_there(neckline: Neckline, home: Home, stub: Stub) -> None:
    """The address is told, and what to look for."""
    configure(home, stub, url=f"http://127.0.0.1:{free_port()}")
    said = neckline("grafana", "check")
    assert said.code == Exit.GRAFANA
    assert "cannot be reached" in said.err
    assert "→ see that it runs" in said.err


@pytest.mark.parametrize(
    ("health", "says"),
    [
        ((400, {"status": "ERROR", "message": "error reading influxDB database not found: posture"}), "neckline influx setup"),
        ((400, {"status": "ERROR", "message": "no dbrp mapping found"}), "neckline influx setup"),
        ((200, {"status": "ERROR", "message": "unauthorized access"}), "grafana.read_token_file"),
        ((400, {"status": "ERROR", "message": "dial tcp 127.0.0.1:8086: connect: connection refused"}), "grafana.influxdb_url"),
        ((400, {"status": "ERROR", "message": "invalid character '<' looking for beginning of value"}), "no InfluxDB"),
        ((400, {"status": "ERROR", "message": "something else"}), "Save & test"),
    ],
)  # fmt: skip
def test_a_data_source_that_does_not_answer(
    neckline: Neckline, home: Home, stub: Stub, health: Any, says: str
) -> None:
    """A bucket without DBRP mapping, a wrong token, an address that Grafana cannot reach: each with its own way out."""
    configure(home, stub)
    neckline("grafana", "push")
    stub.health = health
    said = neckline("grafana", "check")
    assert said.code == Exit.GRAFANA
    assert health[1]["message"] in said.err
    assert says in said.err


def test_what_was_never_pushed_is_told(neckline: Neckline, home: Home, stub: Stub) -> None:
    """A Grafana without neckline's things: push makes them."""
    configure(home, stub)
    said = neckline("grafana", "check")
    assert said.code == Exit.GRAFANA
    assert "→ `neckline grafana push`" in said.err


@pytest.fixture
def noon_ns(monkeypatch: pytest.MonkeyPatch) -> int:
    """Have it be noon, here: soon after midnight today is empty."""
    noon_ns = round(datetime(2026, 3, 2, 12).astimezone().timestamp()) * 10**9
    monkeypatch.setattr(machine, "utc_ns", lambda: noon_ns)
    return noon_ns


@pytest.mark.influxdb
def test_each_panel_is_asked_for_its_rows(
    neckline: Neckline, home: Home, stub: Stub, server: Server, noon_ns: int
) -> None:
    """Queries go to a real InfluxDB; with a wearer's week all panels have rows, without one the emptiness is told."""
    configure(home, stub)
    neckline("grafana", "push")
    stub.query = lambda query, _begin_ms, _end_ms: server.query(query)
    week = seeded(server, noon_ns)
    said = neckline("grafana", "check", "--wearer", week.wearer, "--json")
    assert said.code == Exit.OK, said.err
    answers = json.loads(said.out)
    assert len(answers) == sum(bool(panel.get("targets")) for board in boards() for panel in board["panels"])
    empty = [answer["panel"] for answer in answers if not answer["rows"]]
    assert not empty
    stub.query = lambda _query, _begin_ms, _end_ms: []
    nothing = neckline("grafana", "check")
    assert nothing.code == Exit.GRAFANA
    assert "no panel has a row" in nothing.err


@pytest.mark.influxdb
def test_a_panel_whose_query_fails_is_named(
    neckline: Neckline, home: Home, stub: Stub, server: Server, noon_ns: int
) -> None:
    """Somebody broke a query by hand: its panel is told with what InfluxDB says, the others have their rows."""
    configure(home, stub)
    neckline("grafana", "push")
    week = seeded(server, noon_ns)
    stub.query = lambda query, _begin_ms, _end_ms: server.query(query)
    board = stub.boards[boards()[0]["uid"]][-1]["dashboard"]
    panel = next(panel for panel in board["panels"] if panel.get("targets"))
    panel["targets"][0]["query"] = "SELECT $nonsense"
    said = neckline("grafana", "check", "--wearer", week.wearer)
    assert said.code == Exit.GRAFANA
    (line,) = (line for line in said.out.splitlines() if "unexpected $" in line)
    assert panel["title"] in line
