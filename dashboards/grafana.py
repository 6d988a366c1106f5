"""Talks to a Grafana over its HTTP API, through grafana_api; the one user of it. Every answer is a value or our error.

grafana_api is from 2020, so its own calls are left alone: they use numeric ids that Grafana 13 has no more, and paste
arguments into paths as they are. Its raw calls serve, with these things seen to here: an answer without JSON (204, a
login page) is an exception there though the call succeeded; redirects would turn a POST into a GET; paths are quoted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
from grafana_api.grafana_api import GrafanaException
from grafana_api.grafana_face import GrafanaFace

from dashboards.address import check_address
from dashboards.errors import (
    GrafanaBusyError,
    GrafanaChangedError,
    GrafanaError,
    GrafanaForbiddenError,
    GrafanaForeignError,
    GrafanaMissingError,
    GrafanaProvisionedError,
    GrafanaRefusedError,
    GrafanaSettingsError,
    GrafanaTakenError,
    GrafanaTokenError,
    GrafanaTooOldError,
    GrafanaUnreachableError,
    GrafanaUntrustedError,
)

Json = dict[str, Any]

OLDEST = (10, 4, 1)
"""The first that knows `KeepLast`, without which rules would tell of every hiccup of the database."""
EDITABLE = {"X-Disable-Provenance": "true"}
"""So that people may change in Grafana what was pushed (https://grafana.com/docs/grafana/latest/alerting/)."""
PROVISIONED = ("provisioned", "read-only", "provenance")
"""What Grafana says when something came from files on its disk …"""
LACKING = "permission"
"""… and when the token may not do it; the permissions that it lists have such words in them."""
OVERTAKEN = ("optimistic lock", "has been modified")
"""What stands in a 409 when someone saved meanwhile; else it is of a name (Grafana's store of rules, Kubernetes' of the rest)."""
NAME_EXISTS = "name-exists"
"""The `status` beside a 412 for a dashboard whose title another one has in the folder."""
SAID = 300
"""How much of what Grafana says of an error is told."""


@dataclass(frozen=True, slots=True)
class GrafanaSettings:
    """Where a Grafana is. GrafanaSettingsError for what cannot be an address."""

    url: str
    """`http://localhost:3000`, with the path if it is served under one; never with a password in it."""
    token: str = field(repr=False)
    """Of a service account."""
    timeout_s: float = 10.0
    """How long connecting, and each piece of the answer, may take."""
    verify: bool | Path = True
    """Whether to check the certificate; or the file of the authority to check it by."""

    def __post_init__(self) -> None:
        try:
            check_address(self.url, "http://localhost:3000", "neckline takes a token instead")
        except ValueError as error:
            raise GrafanaSettingsError("grafana.url", str(error)) from error
        if not self.token or not (self.token.isascii() and self.token.isprintable()):
            raise GrafanaSettingsError(
                "grafana.token_file",
                "gives no token" if not self.token else "holds characters that no token has",
                "put the token of a service account into that file, or into NECKLINE_GRAFANA_TOKEN",
            )


class Grafana:
    """One Grafana. For one thread at a time."""

    def __init__(self, settings: GrafanaSettings) -> None:
        self.url = settings.url.rstrip("/")
        self._timeout_s = settings.timeout_s
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        prefix = parts.path.strip("/")
        self._api: Any = GrafanaFace(
            auth=settings.token,
            host=host,
            port=parts.port,
            url_path_prefix=f"{prefix}/" if prefix else "",
            protocol=parts.scheme,
            verify=str(settings.verify) if isinstance(settings.verify, Path) else settings.verify,
            timeout=settings.timeout_s,
        ).api
        session: requests.Session = self._api.s
        session.max_redirects = 0
        session.hooks["response"].append(self._keep)
        self._last: requests.Response | None = None

    def close(self) -> None:
        """Close the connections."""
        self._api.s.close()

    def version(self) -> str:
        """Return its version, empty where it does not tell; GrafanaTooOldError if it is known and too old."""
        health = self.get("/health", what="the health of Grafana")
        if not isinstance(health, dict) or "database" not in health:
            raise GrafanaForeignError(self.url, "/api/health says nothing of a Grafana")
        version = str(health.get("version", ""))
        if () < numbers_of(version) < OLDEST:
            raise GrafanaTooOldError(self.url, version, ".".join(map(str, OLDEST)))
        return version

    def get(self, *path: str, what: str, **query: str | int) -> Any:
        """Return what is at a path, None if nothing is; `what` names it for people. Parts of the path are quoted."""
        return self._call(self._api.GET, path, None, {}, what, query, absent=True)

    def post(self, *path: str, what: str, content: Json, headers: dict[str, str] | None = None) -> Any:
        """Create something; return the answer, None if there is none."""
        return self._call(self._api.POST, path, content, headers or {}, what)

    def put(self, *path: str, what: str, content: Json, headers: dict[str, str] | None = None) -> Any:
        """Replace something; return the answer, None if there is none."""
        return self._call(self._api.PUT, path, content, headers or {}, what)

    def _keep(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self._last = response

    def _call(
        self,
        method: Callable[..., Any],
        path: tuple[str, ...],
        content: Json | None,
        headers: dict[str, str],
        what: str,
        query: dict[str, str | int] | None = None,
        *,
        absent: bool = False,
    ) -> Any:
        head, *rest = path
        whole = "/".join([head, *(quote(part, safe="") for part in rest)])
        self._last = None
        try:
            return method(f"{whole}?{urlencode(query)}" if query else whole, json=content, headers=headers)
        except requests.JSONDecodeError:
            pass  # it was done; what came is looked at below
        except requests.RequestException as error:
            raise self._unreached(error) from error
        except (GrafanaException, TypeError):
            pass  # the second for an error whose JSON is no object
        return self._answer(self._last, what, absent=absent)

    def _answer(self, response: requests.Response | None, what: str, *, absent: bool) -> None:
        """Return None for what was done without JSON to show for it, or is absent; raise what else it means."""
        if response is None:
            raise GrafanaForeignError(self.url, "no answer")
        said = _said(response)
        if response.ok:
            if response.content.strip():
                raise GrafanaForeignError(self.url, f"it says {said}")
            return
        if said is None or "json" not in response.headers.get("Content-Type", ""):
            self._refuse_page(response)
        elif response.status_code == HTTPStatus.NOT_FOUND and absent:
            return
        if _status(response) == NAME_EXISTS:
            raise GrafanaTakenError(self.url, what, said or NAME_EXISTS)
        raise self._refusal(response.status_code, what, said or f"HTTP {response.status_code}")

    def _refuse_page(self, response: requests.Response) -> None:
        """Raise what a page means where JSON was expected; a proxy in front says 5xx and 401 so, too."""
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status_code in {401, 403}:
            return
        kind = response.headers.get("Content-Type", "nothing").partition(";")[0]
        raise GrafanaForeignError(self.url, f"HTTP {response.status_code} with {kind} instead of JSON")

    def _refusal(self, status: int, what: str, said: str) -> GrafanaError:
        url = self.url
        if status == HTTPStatus.UNAUTHORIZED:
            return GrafanaTokenError(url, said)
        is_lacking = status == HTTPStatus.FORBIDDEN and LACKING in said.lower()
        if not is_lacking and any(word in said.lower() for word in PROVISIONED):
            return GrafanaProvisionedError(url, what, said)
        kinds: dict[int, Callable[[str, str, str], GrafanaError]] = {
            HTTPStatus.NOT_FOUND: GrafanaMissingError,
            HTTPStatus.CONFLICT: GrafanaTakenError,
            HTTPStatus.PRECONDITION_FAILED: GrafanaChangedError,
            HTTPStatus.TOO_MANY_REQUESTS: GrafanaBusyError,
        }
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return GrafanaBusyError(url, what, said)
        if status == HTTPStatus.CONFLICT and any(words in said.lower() for words in OVERTAKEN):
            return GrafanaChangedError(url, what, said)
        if status == HTTPStatus.FORBIDDEN:
            return GrafanaForbiddenError(url, f"read or change {what}", said)
        return kinds.get(status, GrafanaRefusedError)(url, what, said)

    def _unreached(self, error: requests.RequestException) -> GrafanaError:
        """Return what it means that no answer came."""
        if isinstance(error, requests.Timeout):
            return GrafanaUnreachableError(self.url, f"no answer within {self._timeout_s:g} s")
        if isinstance(error, requests.TooManyRedirects):
            there = self._last.headers.get("Location", "elsewhere") if self._last is not None else "elsewhere"
            return GrafanaForeignError(self.url, f"it sends us on to {there}")
        cause: BaseException | None = error
        while cause is not None and not (isinstance(cause, OSError) and cause.strerror):
            cause = cause.__cause__ or cause.__context__ or _inner(cause)
        detail = (cause.strerror if isinstance(cause, OSError) else None) or str(error)
        if isinstance(error, requests.exceptions.SSLError):
            if "WRONG_VERSION_NUMBER" in str(error):
                return GrafanaForeignError(self.url, "it speaks http, not https")
            return GrafanaUntrustedError(self.url, getattr(cause, "verify_message", "") or detail)
        return GrafanaUnreachableError(self.url, detail)


def _inner(error: BaseException) -> BaseException | None:
    """Return the reason that urllib3 keeps in its errors' arguments."""
    reason = getattr(error, "reason", None) or next(
        (a for a in error.args if isinstance(a, BaseException)), None
    )
    return reason if isinstance(reason, BaseException) else None


def numbers_of(version: str) -> tuple[int, ...]:
    """Return the numbers of a version such as `12.4.1-pre`; none where it is no such version."""
    parts = version.split("-", maxsplit=1)[0].split("+", maxsplit=1)[0].split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()


def _status(response: requests.Response) -> str:
    """Return the word that Grafana's JSON of an error may have beside its message."""
    try:
        content = response.json()
    except ValueError:
        return ""
    return str(content.get("status", "")) if isinstance(content, dict) else ""


def _said(response: requests.Response) -> str | None:
    """Return what an answer says of itself: its `message`, else its body; None if there is no JSON in it."""
    try:
        content = response.json()
    except ValueError:
        return None
    message = content.get("message") if isinstance(content, dict) else None
    return str(message or content)[:SAID]
