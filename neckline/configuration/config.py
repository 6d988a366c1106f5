"""The configuration: what may stand in it, and within which bounds.

A setting that is not given is None here and takes its default where it is used, so that no default stands twice:
those of the detector and the alerts are `processing.settings.Settings`' own, as are the meanings that are not given
here. Secrets are never in the file: it names a file that holds them, or they are in the environment.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from neckline.configuration.section import File, Section
from neckline.configuration.stores import (
    GRAFANA_TOKEN_ENV,
    INFLUXDB_TOKEN_ENV,
    READ_TOKEN_ENV,
    Grafana,
    Influxdb,
    Journal,
    Recordings,
)
from neckline.errors import (
    NoGrafanaError,
    NoInfluxdbError,
    NotPairedError,
    NoWearerError,
    SecretError,
    SharedTokenError,
)
from neckline.paths import read_by_others

if TYPE_CHECKING:
    from dashboards.grafana import GrafanaSettings
    from dashboards.source import Source
    from processing.calibration import Calibration
    from processing.settings import Settings
    from sensor.link import ClipBinding
    from storage.influxdb import InfluxSettings

PUSH_URLS_ENV = "NECKLINE_PUSH_URLS"
FamilyName = Literal[
    "witmotion",
    "movella_dot",
    "metamotion",
    "polar_h10",
    "polar_sense",
    "movesense",
    "thingy52",
    "openearable",
    "capture2go",
]
RATES_HZ: dict[str, tuple[float, ...]] = {
    "witmotion": (10.0, 20.0, 50.0, 100.0, 200.0),
    "movella_dot": (10.0, 12.0, 15.0, 20.0, 30.0, 60.0),
    "metamotion": (25.0, 50.0, 100.0),
    "polar_h10": (25.0, 50.0, 100.0, 200.0),
    "polar_sense": (52.0,),
    "movesense": (13.0, 26.0, 52.0, 104.0, 208.0),
    "thingy52": (10.0, 25.0, 50.0),
    "openearable": (25.0, 50.0, 100.0),
    "capture2go": (10.0, 25.0, 50.0, 100.0, 200.0),
}
"""As in `sensor.families`, which a test holds; to import that costs more than all of this module."""
NEVER = 0
MAY_BE_NEVER = ("reminder_s", "break_after_s")
"""TOML has no null: 0 s after which one of these happens means that it never does."""


class Wearer(Section):
    """Who wears the clip, and where."""

    id: str | None = Field(
        default=None,
        description="The pseudonym that everything is stored under: random, never a name. "
        "`neckline config init` and `neckline pair` write one.",
    )
    placement: Literal["t4", "c7", "chest"] = Field(
        default="t4",
        description="Where the clip sits: t4 (between the shoulder blades), c7 (the nape) or chest.",
    )
    label_outward: bool = Field(
        default=True,
        description="Whether the clip's label faces away from the body; matters to calibrations without a slump.",
    )

    @field_validator("id")
    @classmethod
    def _is_pseudonym(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"w-[0-9a-z]{4,32}", value):
            raise ValueError(
                'must be "w-" and 4 to 32 small letters or digits, as "w-7f3a9c21": a pseudonym, no name'
            )
        return value


class Clip(Section):
    """Which clip is worn. `neckline pair` writes this table."""

    family: FamilyName = Field(description="What kind of clip it is.", examples=["witmotion"])
    name: str = Field(description="The name that it advertises.", examples=["WT901BLE68"])
    address: str = Field(description="Its Bluetooth address.", examples=["C4:A3:FC:76:9B:33"])
    serial: str | None = Field(
        default=None,
        examples=["C4:A3:FC:76:9B:33"],
        description="The serial number that it tells of itself: another clip at this address is not believed.",
    )
    rate_hz: float = Field(
        default=50.0,
        validate_default=True,
        description="Samples a second, one of those that its family offers.",
    )
    adapter: str | None = Field(
        default=None,
        examples=["hci1"],
        description="Which of this computer's Bluetooth adapters is to reach it; the system's first if left out.",
    )

    @field_validator("rate_hz")
    @classmethod
    def _is_offered(cls, value: float, info: ValidationInfo) -> float:
        offered = RATES_HZ.get(info.data.get("family", ""), ())
        if offered and value not in offered:
            raise ValueError(f"must be one of {', '.join(f'{rate:g}' for rate in offered)} Hz, not {value:g}")
        return value

    def binding(self) -> "ClipBinding":
        """Return what `sensor.link` binds to."""
        from sensor.link import ClipBinding  # noqa: PLC0415 (numpy: `config` commands do without)

        return ClipBinding(self.family, self.address, self.name, self.serial, self.rate_hz, self.adapter)


class HeadClip(Clip):
    """A second clip, worn on the head. Optional; `neckline pair --placement head` writes this table."""

    label_outward: bool = Field(
        default=True,
        description="Whether its label faces backward, away from the head; matters to calibrations without a slump.",
    )


class Detector(Section):
    """What counts as a slouch, and when posture can be judged at all; docs/method.md gives the reasons."""

    threshold_deg: float | None = Field(
        default=None,
        ge=5,
        le=45,
        examples=[12.0],
        description="Slouched above this; without it half the way to your slump pose counts.",
    )
    hysteresis_deg: float | None = Field(default=None, ge=0, le=7)
    head_threshold_deg: float | None = Field(default=None, ge=7, le=45)
    hold_s: float | None = Field(default=None, ge=5, le=600)
    dip_s: float | None = Field(default=None, ge=0, le=30)
    recovery_s: float | None = Field(default=None, ge=1, le=120)
    unknown_tolerance_s: float | None = Field(default=None, ge=0, le=60)
    moving_on_g: float | None = Field(default=None, ge=0.01, le=0.5)
    moving_off_g: float | None = Field(default=None, ge=0.01, le=0.5)
    walking_regularity: float | None = Field(default=None, ge=0.1, le=1)
    vehicle_g: float | None = Field(default=None, ge=0.005, le=0.05)
    vehicle_turn_degps: float | None = Field(default=None, ge=0.5, le=50)
    vehicle_after_s: int | None = Field(default=None, ge=5, le=600)
    lying_deg: float | None = Field(default=None, ge=30, le=90)
    bend_limit_s: int | None = Field(default=None, ge=5, le=600)
    leaning_deg: float | None = Field(default=None, ge=5, le=60)
    transition_degps: float | None = Field(default=None, ge=5, le=90)
    transition_settle_s: int | None = Field(default=None, ge=0, le=30)
    not_worn_acc_g: float | None = Field(default=None, ge=0.0005, le=0.02)
    not_worn_turn_degps: float | None = Field(default=None, ge=0.02, le=2)
    not_worn_after_s: int | None = Field(default=None, ge=60, le=7200)
    standing_limit_s: int | None = Field(default=None, ge=10, le=7200)
    min_received: float | None = Field(default=None, ge=0.1, le=1)
    session_break_s: float | None = Field(default=None, ge=10, le=7200)

    @model_validator(mode="after")
    def _leaves_below_where_it_enters(self) -> "Detector":
        for on, off in (("threshold_deg", "hysteresis_deg"), ("moving_on_g", "moving_off_g")):
            if getattr(self, on) is None and getattr(self, off) is None:
                continue
            from processing.settings import Settings  # noqa: PLC0415 (numpy: most configurations do without)

            default = Settings()
            high, low = (getattr(self, name) or getattr(default, name) for name in (on, off))
            if high is not None and low > high:
                raise ValueError(f"{off} ({low:g}) must not be above {on} ({high:g})")
        return self


class Alerts(Section):
    """When and how the wearer is told."""

    mode: Literal["coach", "track", "off"] | None = Field(
        default=None,
        description="coach: tell the wearer about a sustained slouch; track: record it, and tell of nothing but a low "
        "battery or a clip that has moved; off: record it, and tell of nothing at all.",
    )
    desktop: bool = Field(default=True, description="Tell by a notification on this computer's screen.")
    clip: bool = Field(
        default=False,
        description="Also by the clip itself, which buzzes or beeps, where it can: `neckline feedback` lets you feel it.",
    )
    push_file: File | None = Field(
        default=None,
        examples=["push_urls.txt"],
        description="A file with apprise URLs, one a line (https://appriseit.com), to which alerts go too. "
        f"Or set {PUSH_URLS_ENV}. Such URLs are secrets: make the file readable by you alone.",
    )
    schedule: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(),
        examples=[["mon-fri 08:30-18:00"]],
        description='Alerts only at these hours, local time, as ["mon-fri 08:30-18:00"]; none given: always.',
    )
    refractory_s: float | None = Field(default=None, ge=0, le=3600)
    alerts_per_hour: int | None = Field(default=None, ge=1, le=60)
    reminder_s: float | None = Field(
        default=None,
        ge=0,
        le=3600,
        description="Alert again when one slouch goes on for this long after its last alert; 0: never.",
    )
    break_after_s: float | None = Field(
        default=None,
        ge=0,
        le=14400,
        description="Prompt for a break after this long with hardly any movement; 0: never.",
    )

    fading: bool | None = None

    @field_validator("schedule")
    @classmethod
    def _are_weekly_hours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value:
            from neckline.configuration.schedule import Schedule  # noqa: PLC0415 (most configurations do without)

            Schedule.parse(value)
        return value

    @field_validator(*MAY_BE_NEVER)
    @classmethod
    def _never_or_a_while(cls, value: float | None) -> float | None:
        if value is not None and value != NEVER and value < 60:
            raise ValueError(f"must be 0 (never) or at least 60 s, not {value:g}")
        return value


class Config(Section):
    """All of it. An empty file is one: then nobody is known to be worn by, and nothing runs but what needs neither."""

    wearer: Wearer = Wearer()
    clip: Clip | None = None
    head_clip: HeadClip | None = None
    detector: Detector = Detector()
    alerts: Alerts = Alerts()
    journal: Journal = Journal()
    recordings: Recordings = Recordings()
    influxdb: Influxdb | None = None
    grafana: Grafana | None = None

    def binding(self) -> "ClipBinding":
        """Return the clip to connect to; NotPairedError when there is none."""
        if self.clip is None:
            raise NotPairedError
        return self.clip.binding()

    def head_binding(self) -> "ClipBinding | None":
        """Return the clip on the head; None when there is none."""
        return self.head_clip.binding() if self.head_clip is not None else None

    def wearer_id(self) -> str:
        """Return the wearer's pseudonym; NoWearerError when there is none."""
        if self.wearer.id is None:
            raise NoWearerError
        return self.wearer.id

    def push_urls(self) -> tuple[str, ...]:
        """Return the apprise URLs of the environment and of `push_file`; SecretError when that cannot be read."""
        text = os.environ.get(PUSH_URLS_ENV, "").replace(" ", "\n")
        if self.alerts.push_file is not None:
            text += "\n" + _secret(self.alerts.push_file, "alerts.push_file")
        lines = (line.strip() for line in text.splitlines())
        return tuple(line for line in lines if line and not line.startswith("#"))

    def influxdb_settings(self) -> "InfluxSettings | None":
        """Return what to forward to; None when nothing is configured. A token in the environment goes before a file."""
        if self.influxdb is None:
            return None
        from storage.influxdb import InfluxSettings  # noqa: PLC0415 (its client takes a while to import)

        where = self.influxdb
        return InfluxSettings(
            url=where.url,
            bucket=where.bucket,
            org=where.org,
            token=os.environ.get(INFLUXDB_TOKEN_ENV, "").strip(),
            token_file=where.token_file,
            timeout_s=where.timeout_s,
            gzip=where.gzip,
        )

    def grafana_settings(self) -> "GrafanaSettings":
        """Return the Grafana to set up. Raises NoGrafanaError, SecretError, or GrafanaSettingsError for no token."""
        from dashboards.grafana import GrafanaSettings  # noqa: PLC0415 (requests: few commands need it)

        where = self.grafana
        if where is None:
            raise NoGrafanaError
        token = token_of(GRAFANA_TOKEN_ENV, where.token_file, "grafana.token_file")
        return GrafanaSettings(where.url, token, where.timeout_s, where.ca_file or True)

    def grafana_source(self) -> "Source":
        """Return the InfluxDB that Grafana is to read. Raises NoInfluxdbError, SecretError, SharedTokenError."""
        from dashboards.source import Source  # noqa: PLC0415

        if self.influxdb is None:
            raise NoInfluxdbError
        where = self.grafana
        url = (where.influxdb_url if where else "") or self.influxdb.url
        token = token_of(READ_TOKEN_ENV, where.read_token_file if where else None, "grafana.read_token_file")
        writes = token_of(INFLUXDB_TOKEN_ENV, self.influxdb.token_file, "influxdb.token_file")
        if writes and (not token or token == writes):
            raise SharedTokenError(lacking=not token)
        return Source(url, self.influxdb.bucket, token)

    def settings(
        self,
        calibration: "Calibration | None" = None,
        standing: "Calibration | None" = None,
        *,
        snoozed_until_ns: int | None = None,
        alert_windows_ns: tuple[tuple[int, int], ...] | None = None,
    ) -> "Settings":
        """Return what `step` takes: what is set here, and the defaults of `Settings` for all else."""
        from processing.settings import Mode, Settings  # noqa: PLC0415 (numpy: `config` commands do without)

        chosen: dict[str, Any] = {
            name: value
            for section in (self.detector, self.alerts)
            for name, value in section
            if value is not None and name in Settings.__dataclass_fields__
        }
        if "mode" in chosen:
            chosen["mode"] = Mode(chosen["mode"])
        for name in MAY_BE_NEVER:
            if chosen.get(name) == NEVER:
                chosen[name] = None
        return Settings(
            calibration=calibration,
            standing=standing,
            snoozed_until_ns=snoozed_until_ns,
            alert_windows_ns=alert_windows_ns,
            **chosen,
        )

    def warnings(self) -> tuple[str, ...]:
        """Return what is allowed and unwise: secrets that others on this computer can read."""
        named: Mapping[str, Path | None] = {
            "alerts.push_file": self.alerts.push_file,
            "influxdb.token_file": self.influxdb.token_file if self.influxdb else None,
            "grafana.token_file": self.grafana.token_file if self.grafana else None,
            "grafana.read_token_file": self.grafana.read_token_file if self.grafana else None,
        }
        return tuple(
            f"{key}: others on this computer can read {path}; make it yours alone: chmod 600 {path}"
            for key, path in named.items()
            if path is not None and path.is_file() and read_by_others(path)
        )


def token_of(variable: str, path: Path | None, key: str) -> str:
    """Return a token: the environment goes before a file; empty if there is neither. Raises SecretError."""
    given = os.environ.get(variable, "").strip()
    return given or (_secret(path, key).strip() if path else "")


def _secret(path: Path, key: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        detail = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SecretError(path, key, (detail or str(error)).lower()) from error
