"""Looking back with `--source influxdb`: a real InfluxDB gives the same export and the same days as the journal."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from neckline.exits import Exit
from storage.entries import Stream
from storage.influxdb import InfluxSink
from storage.journal import Journal
from tests.neckline.conftest import WEARER, Home, Said
from tests.storage.forwarding import forwarding
from tests.storage.servers import own_server
from tests.storage.sittings import sitting

Neckline = Callable[..., Said]


@pytest.mark.influxdb
def test_days_and_exports_are_the_same_from_influxdb(home: Home, neckline: Neckline, tmp_path: Path) -> None:
    """What was delivered is shown and exported without the journal, which may be on another computer."""
    with Journal.open(home.journal, "test") as journal:
        journal.commit(sitting(Stream(WEARER, "t4")))
    home.set(wearer={"id": WEARER, "placement": "t4"})
    assert neckline("analyse", "--source", "influxdb").code == Exit.CONFIG  # none is configured
    (tmp_path / "server").mkdir()
    with own_server(tmp_path / "server") as own:
        server = own.fresh_bucket()
        with forwarding(home.journal, InfluxSink(server.settings())):
            pass
        home.set(influxdb={"url": server.url, "bucket": server.bucket})
        found = []
        for source in ("journal", "influxdb"):
            words = ("--source", source)
            said = neckline("analyse", "--json", *words)
            assert said.code == Exit.OK
            found.append(json.loads(said.out))
            assert neckline("export", tmp_path / source, *words).code == Exit.OK
            assert (
                neckline("export", tmp_path / f"b-{source}", "--format", "motion-bids", *words).code
                == Exit.OK
            )
        home.journal.unlink()
        assert neckline("export", tmp_path / "alone", "--source", "influxdb").code == Exit.OK
        stranger = neckline("export", tmp_path / "x", "--source", "influxdb", "--wearer", "w-0")
        assert (stranger.code, f"bucket {server.bucket}" in stranger.err) == (Exit.NOTHING, True)
    assert found[0]["exposure"] == found[1]["exposure"]
    assert found[1]["calibrations"] == []
    for name in ("epoch.csv", "minute.csv", "episode.csv"):
        assert (tmp_path / "journal" / name).read_bytes() == (tmp_path / "influxdb" / name).read_bytes()
        assert (tmp_path / "alone" / name).read_bytes() == (tmp_path / "influxdb" / name).read_bytes()
    (one,), (other,) = (
        (tmp_path / f"b-{source}").rglob("*_motion.tsv") for source in ("journal", "influxdb")
    )
    assert one.read_bytes() == other.read_bytes()
    away = neckline("analyse", "--source", "influxdb")
    assert (away.code, "cannot be reached" in away.err) == (Exit.INFLUXDB, True)
