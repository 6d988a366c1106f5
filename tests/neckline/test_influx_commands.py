"""`neckline influx setup` as people use it, on the real InfluxDB 1.6.7."""

import json
from collections.abc import Callable

import pytest

from neckline.exits import Exit
from tests.neckline.conftest import Home, Said
from tests.storage.servers import OwnServer, free_port

Neckline = Callable[..., Said]


@pytest.mark.influxdb
def test_a_bucket_is_made_and_then_left_alone(neckline: Neckline, home: Home, own: OwnServer) -> None:
    """A dry run says what would be; then it is; then there is nothing to do. The JSON says the same."""
    home.set(influxdb={"url": own.url, "bucket": f"{own.bucket}/year"})
    dry = neckline("influx", "setup", "--keep-days", 400, "--dry-run")
    assert dry.code == Exit.OK
    assert "would be created: retention policy year – rows are kept for 400 days" in dry.out
    done = neckline("influx", "setup", "--keep-days", 400, "--json")
    server, *made = json.loads(done.out)
    assert server["what"].startswith("InfluxDB 1.")
    assert {step["what"]: step["outcome"] for step in made} == {
        f"database {own.bucket}": "unchanged",
        "retention policy year": "created",
    }
    again = neckline("influx", "setup")
    assert "created" not in again.out
    assert "neckline doctor" in again.err


def test_what_is_lacking_is_told(neckline: Neckline, home: Home) -> None:
    """No InfluxDB in the configuration; one where nobody listens; an administrator's token that is not there."""
    home.set()
    said = neckline("influx", "setup")
    assert (said.code, "→ add [influxdb]" in said.err) == (Exit.CONFIG, True)
    home.set(influxdb={"url": f"http://127.0.0.1:{free_port()}", "bucket": "posture"})
    assert neckline("influx", "setup").code == Exit.INFLUXDB
    said = neckline("influx", "setup", "--admin-token-file", home.folder / "none")
    assert (said.code, "--admin-token-file" in said.err) == (Exit.CONFIG, True)
