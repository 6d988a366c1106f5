"""The InfluxDB that Grafana reads → Grafana's data source, as its API takes it and as its files have it.

Grafana gets a user or token of its own that may only read: whoever may look at a dashboard may send any query through
the data source. Queries go by GET besides, by which InfluxDB runs nothing that changes data.
"""

import base64
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

UID, TYPE = "neckline-influxdb", "influxdb"
NAME = "neckline"
DATASOURCE = {"type": TYPE, "uid": UID}
"""How panels and rules name it."""
URL_ENV, BUCKET_ENV, TOKEN_ENV = (
    "NECKLINE_INFLUXDB_URL",
    "NECKLINE_INFLUXDB_BUCKET",
    "NECKLINE_INFLUXDB_READ_TOKEN",
)
"""Of Grafana's environment, for what its files do not say themselves."""


@dataclass(frozen=True, slots=True)
class Source:
    """An InfluxDB as Grafana reaches it."""

    url: str = f"${URL_ENV}"
    bucket: str = f"${BUCKET_ENV}"
    """Its name; for 1.x `database` or `database/retention_policy`."""
    token: str = field(default=f"${TOKEN_ENV}", repr=False)
    """That may read the bucket and nothing else; `user:password` for 1.x; empty for a server that asks for none."""

    @property
    def database(self) -> str:
        """What InfluxQL calls the bucket."""
        return self.bucket.partition("/")[0]

    @property
    def policy(self) -> str:
        """The retention policy to read from; empty for the database's own."""
        return self.bucket.partition("/")[2]

    @property
    def shown(self) -> Json:
        """Everything that Grafana tells of it again."""
        header = {"httpHeaderName1": "Authorization"} if self.token else {}
        return {
            "name": NAME,
            "uid": UID,
            "type": TYPE,
            "access": "proxy",
            "url": self.url,
            "basicAuth": False,
            "isDefault": False,
            "jsonData": {"dbName": self.database, "httpMode": "GET", **header},
        }

    @property
    def secret(self) -> Json:
        """What Grafana keeps to itself."""
        if not self.token:
            return {}
        if ":" in self.token:
            return {"httpHeaderValue1": f"Basic {base64.b64encode(self.token.encode()).decode()}"}
        return {"httpHeaderValue1": f"Token {self.token}"}

    def to_json(self) -> Json:
        """Return all of it."""
        return {**self.shown, "secureJsonData": self.secret}
