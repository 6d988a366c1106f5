"""doctor on a real InfluxDB: right, wrong bucket, wrong token, unreachable. Each a line with the way out."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from neckline.commands import machine
from neckline.exits import Exit
from tests.neckline.conftest import Home, Said
from tests.storage.servers import OwnServer, Server, free_port, own_server

Neckline = Callable[..., Said]


@pytest.fixture
def asked(neckline: Neckline, home: Home, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """Give a way to ask doctor about an InfluxDB alone, on a computer without Bluetooth."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={home.folder}/no-bus")
    assert machine.bluetooth is not None

    def ask(where: Server, **changes: str) -> dict[str, str]:
        token = changes.pop("token", where.token)
        (home.folder / "token").write_text(token)
        (home.folder / "token").chmod(0o600)
        settings: dict[str, str | float | bool] = {"url": where.url, "bucket": where.bucket, "org": where.org}
        home.set(influxdb={**settings, "token_file": "token", "timeout_s": 5.0, **changes})
        said = neckline("doctor", "--json")
        assert said.code == Exit.UNWELL  # of Bluetooth, at least
        assert not token or token not in said.out + said.err
        (found,) = [finding for finding in json.loads(said.out) if finding["what"] == "InfluxDB"]
        return dict(found)

    return ask


@pytest.mark.influxdb
def test_an_influxdb_that_serves(server: Server, asked: Callable[..., dict[str, str]]) -> None:
    """OK, with what is written to."""
    found = asked(server)
    assert found["found"] == "ok"
    assert server.url in found["say"]


@pytest.mark.influxdb
def test_an_influxdb_that_does_not(own: OwnServer, asked: Callable[..., dict[str, str]]) -> None:
    """A bucket that is not there, an address where nobody is, one where another is: each told apart."""
    for changes, sentence, way_out in (
        ({"bucket": "nobodys"}, "has no bucket nobodys", "create it, or correct influxdb.bucket"),
        ({"url": f"http://127.0.0.1:{free_port()}"}, "cannot be reached", "influxdb.url is its address"),
        ({"url": own.database_url}, "does not take InfluxDB's v2 writes", "correct influxdb.url"),
        ({"token_file": "nowhere"}, "cannot be read from", "put the token into that file"),
    ):
        found = asked(own, **changes)
        assert found["found"] == "wrong"
        assert sentence in found["say"]
        assert way_out in found["way_out"]


@pytest.mark.influxdb
def test_a_wrong_token(tmp_path: Path, asked: Callable[..., dict[str, str]]) -> None:
    """Told as such, without repeating it, and where a right one belongs."""
    folder = tmp_path / "influxd"
    folder.mkdir()
    with own_server(folder, auth=True) as server:
        server.query("CREATE USER boss WITH PASSWORD 'b' WITH ALL PRIVILEGES")
        server.token = "boss:b"  # noqa: S105 (of a server that lives for this test)
        server.query(f"CREATE DATABASE {server.bucket}")
        assert asked(server)["found"] == "ok"
        found = asked(server, token="boss:swordfish")  # noqa: S106 (it is the wrong one)
        assert found["found"] == "wrong"
        assert "does not accept the token" in found["say"]
        assert "influxdb.token_file" in found["way_out"]
