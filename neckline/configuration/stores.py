"""The tables of the configuration about where data rest, and who looks at them there."""

from pydantic import Field, ValidationInfo, field_validator

from neckline.configuration.section import File, Section, plain_http

INFLUXDB_TOKEN_ENV = "NECKLINE_INFLUXDB_TOKEN"  # noqa: S105 (a name)
GRAFANA_TOKEN_ENV, READ_TOKEN_ENV = "NECKLINE_GRAFANA_TOKEN", "NECKLINE_INFLUXDB_READ_TOKEN"


class Journal(Section):
    """Where everything is stored first."""

    path: File | None = Field(
        default=None,
        examples=["~/neckline/journal.db"],
        description="The journal's file; without it neckline keeps one in your data folder. On a local disk.",
    )
    commit_every_s: float = Field(
        default=1.0,
        ge=0.1,
        le=60,
        description="How often it is made durable; alerts and episodes never wait for that.",
    )
    most_gb: float | None = Field(
        default=None,
        ge=0.01,
        le=100_000,
        examples=[10.0],
        description="How much of the disk it may take, with the samples that are kept: then the oldest hours of samples "
        "go, then the oldest seconds (4 MB a day), once InfluxDB has them; the newest seconds, minutes, episodes and "
        "events never. Not given: all there is.",
    )


class Recordings(Section):
    """The clip's own samples, kept beside what is made of them. Only if the wearer wants that."""

    enabled: bool = Field(
        default=False,
        description="Keep every sample: some 20 MB a day for a researcher, and of no use to you otherwise.",
    )
    path: File | None = Field(
        default=None,
        examples=["~/neckline/recordings"],
        description="Their folder; without it, `recordings` beside the journal.",
    )
    most_gb: float | None = Field(
        default=None,
        ge=0.1,
        le=100_000,
        examples=[20.0],
        description="How large the folder may grow: then the oldest hours go. Not given: as large as the disk.",
    )


class Influxdb(Section):
    """An InfluxDB that everything is forwarded to. Optional."""

    url: str = Field(description="Where it is.", examples=["http://localhost:8086"])
    org: str = Field(default="", description="The organisation; empty for InfluxDB 1.8.")
    bucket: str = Field(
        min_length=1, description="The bucket; for InfluxDB 1.8 `database/retention`.", examples=["posture"]
    )
    token_file: File | None = Field(
        default=None,
        examples=["influxdb_token.txt"],
        description=f"A file that holds the token (for InfluxDB 1.8 `user:password`). Or set {INFLUXDB_TOKEN_ENV}.",
    )
    timeout_s: float = Field(default=10.0, ge=0.5, le=120, description="How long one request may take.")
    gzip: bool = Field(default=False, description="Send compressed: for a server far away.")

    @field_validator("url")
    @classmethod
    def _isplain_http(cls, value: str) -> str:
        return plain_http(value, f"token_file, or set {INFLUXDB_TOKEN_ENV}")


class Grafana(Section):
    """A Grafana that `neckline grafana` sets up. Optional."""

    url: str = Field(
        description="Where it is, with the path if it is served under one.",
        examples=["http://localhost:3000"],
    )
    token_file: File | None = Field(
        default=None,
        examples=["grafana_token.txt"],
        description=f"A file that holds the token of a service account. Or set {GRAFANA_TOKEN_ENV}.",
    )
    influxdb_url: str = Field(
        default="",
        examples=["http://influxdb:8086"],
        description="The InfluxDB as Grafana reaches it; empty: as influxdb.url.",
    )
    read_token_file: File | None = Field(
        default=None,
        examples=["influxdb_read_token.txt"],
        description="A file that holds a token for Grafana that may read the bucket and nothing else "
        f"(for InfluxDB 1.8 `user:password`). Or set {READ_TOKEN_ENV}.",
    )
    ca_file: File | None = Field(
        default=None,
        examples=["authority.pem"],
        description="The certificate of the authority that Grafana's is from, if this computer does not know it.",
    )
    timeout_s: float = Field(default=10.0, ge=0.5, le=120, description="How long one request may take.")

    @field_validator("url", "influxdb_url")
    @classmethod
    def _isplain_http(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.field_name == "influxdb_url":
            return value
        return plain_http(value, "token_file" if info.field_name == "url" else "read_token_file")
