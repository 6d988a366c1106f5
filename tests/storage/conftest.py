"""Fixtures of the tests on a real InfluxDB, and of those on kept samples."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.recordings.folder import RecordingsFolder
from tests.storage.kept import two_hours
from tests.storage.servers import OwnServer, Server, named_server, own_server


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    """Give influxd and nginx, started once for all tests."""
    with own_server(tmp_path_factory.mktemp("influxd")) as server:
        yield server


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    """Give the InfluxDB that the environment names, or else a bucket of our own on influxd."""
    named = named_server()
    return named or request.getfixturevalue("own")


@pytest.fixture
def own(influxd: OwnServer) -> Iterator[OwnServer]:
    """Give a bucket on influxd, which the test may kill and spoil."""
    if "influxd" not in influxd.processes:
        influxd.start()
    mine = influxd.fresh_bucket()
    yield mine
    if "influxd" not in mine.processes:
        mine.start()
    mine.query(f"DROP DATABASE {mine.bucket}")


@pytest.fixture
def kept(tmp_path: Path) -> RecordingsFolder:
    """Give two hours of a wearer, one of them sealed, with a gap and a damaged sample."""
    return two_hours(tmp_path / "kept")
