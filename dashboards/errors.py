"""What can go wrong between neckline and a Grafana: one base, saying what is wrong and the way out."""

from pathlib import Path


class DashboardError(RuntimeError):
    """The base of this room's errors: `str` says what is wrong, `way_out` what to do."""

    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(message)
        self.way_out = way_out


class GrafanaSettingsError(DashboardError):
    """A setting for Grafana makes no sense or is lacking; `name` is the one."""

    def __init__(self, name: str, detail: str, way_out: str = "") -> None:
        self.name = name
        super().__init__(f"{name} {detail}", way_out or f"correct {name} in the configuration")


class FilesUnwritableError(DashboardError):
    """Grafana's files cannot be written; `path` is where to."""

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(
            f"{path} cannot be written: {detail}",
            "name a folder that you may write, or make room on the disk",
        )


class GrafanaError(DashboardError):
    """Something about a Grafana; `url` is where it is, `detail` what was seen or said."""

    def __init__(self, url: str, detail: str, message: str, way_out: str) -> None:
        super().__init__(message, way_out)
        self.url, self.detail = url, detail


# ---- it cannot be asked at all: whatever else was to be done would fail likewise ------------------------------------


class GrafanaAwayError(GrafanaError):
    """The base of what concerns every request."""


class GrafanaUnreachableError(GrafanaAwayError):
    """Nobody answers, or not in time."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(
            url,
            detail,
            f"Grafana at {url} cannot be reached ({detail})",
            "see that it runs and that grafana.url is its address, as http://localhost:3000",
        )


class GrafanaUntrustedError(GrafanaAwayError):
    """Its certificate is not to be trusted."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(
            url,
            detail,
            f"the certificate of Grafana at {url} is not trusted ({detail})",
            "use the name that the certificate is for, or name the file of the authority that issued it as grafana.ca_file",
        )


class GrafanaForeignError(GrafanaAwayError):
    """Something else answers at its address."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(
            url,
            detail,
            f"what answers at {url} is no Grafana, or not where its API is ({detail})",
            "correct grafana.url: scheme, port, and the path if it is served under one, as https://example.org/grafana",
        )


class GrafanaTokenError(GrafanaAwayError):
    """It does not know who we are."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(
            url,
            detail,
            f"Grafana at {url} does not accept the token ({detail})",
            "make a token of a service account (Administration, Users and access, Service accounts) and put it into the "
            "file that grafana.token_file names, or into NECKLINE_GRAFANA_TOKEN; tokens expire",
        )


class GrafanaTooOldError(GrafanaAwayError):
    """Its version is older than what the dashboards and rules need."""

    def __init__(self, url: str, version: str, needed: str) -> None:
        super().__init__(
            url,
            version,
            f"Grafana at {url} is of version {version}; the dashboards and rules need {needed} or newer",
            "update Grafana; nothing was changed",
        )


# ---- one thing could not be done; others may ---------------------------------------------------------------------------


class GrafanaForbiddenError(GrafanaError):
    """It knows us and lets us not do this."""

    def __init__(self, url: str, what: str, detail: str) -> None:
        super().__init__(
            url,
            detail,
            f"the token may not {what} ({detail})",
            "give its service account the role Admin (data sources ask for it), push, and take the role away again",
        )


class GrafanaTakenError(GrafanaError):
    """A name that is needed belongs to something else."""

    def __init__(self, url: str, what: str, detail: str) -> None:
        super().__init__(
            url,
            detail,
            f"another {what} has the name that neckline's would have ({detail})",
            f"rename or delete that {what} in Grafana, then push again",
        )


class GrafanaChangedError(GrafanaError):
    """Someone else changed it at the same time."""

    def __init__(self, url: str, what: str, detail: str) -> None:
        super().__init__(
            url,
            detail,
            f"{what} was changed by someone else meanwhile ({detail})",
            "look at it, then push again",
        )


class GrafanaProvisionedError(GrafanaError):
    """It was set up from files on Grafana's own disk, which alone may change it."""

    def __init__(self, url: str, what: str, detail: str) -> None:
        super().__init__(
            url,
            detail,
            f"{what} comes from files on Grafana's own disk and cannot be changed from here ({detail})",
            "write those files again with `neckline grafana write`, or remove them and push",
        )


class GrafanaMissingError(GrafanaError):
    """Something that this needs is not there (any more)."""

    def __init__(self, url: str, what: str, detail: str) -> None:
        super().__init__(
            url,
            detail,
            f"Grafana at {url} has no {what} ({detail})",
            "`neckline grafana push` sets up what is not there",
        )


class GrafanaRefusedError(GrafanaError):
    """It refuses the content."""

    def __init__(self, url: str, what: str, detail: str) -> None:
        super().__init__(
            url,
            detail,
            f"Grafana at {url} refuses {what} ({detail})",
            "Grafana's own log says more; if it is of a version from 10.4.1 to 13, please report it",
        )


class GrafanaBusyError(GrafanaError):
    """It answers that it cannot now."""

    def __init__(self, url: str, what: str, detail: str) -> None:
        super().__init__(
            url,
            detail,
            f"Grafana at {url} could not do it now: {what} ({detail})",
            "push again later: what is done stays done; if it stays so, Grafana's own log says why",
        )


# ---- what `check` finds ------------------------------------------------------------------------------------------------


class DataSourceError(GrafanaError):
    """Grafana's data source does not get an answer from InfluxDB."""

    def __init__(self, url: str, detail: str, way_out: str) -> None:
        super().__init__(url, detail, f"Grafana's data source does not work: {detail}", way_out)


class NothingForwardedError(GrafanaError):
    """Everything answers, and there is not one row."""

    def __init__(self, url: str) -> None:
        super().__init__(
            url,
            "no rows",
            "the data source answers, and no panel has a row",
            "`neckline status` says whether rows are forwarded; see that Grafana's data source reads the bucket that "
            "influxdb.bucket names",
        )
