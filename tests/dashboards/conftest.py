"""The real InfluxDB of the storage tests."""

from tests.storage.conftest import influxd, own, server

__all__ = ["influxd", "own", "server"]
