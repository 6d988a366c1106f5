"""Whom Grafana's rules tell: by mail, or by a request to an address (ntfy, Slack, a pager).

Grafana sends, so it needs the way: mail wants `[smtp]` in its configuration. Rules name this contact point themselves,
so that Grafana's tree of notification policies, which is one for everything, stays as it is.
"""

from dataclasses import dataclass, field
from typing import Any

from dashboards.errors import GrafanaSettingsError

Json = dict[str, Any]

CONTACT_POINT = "neckline"
UID = "neckline-contact"
WEBHOOK_ENV = "NECKLINE_GRAFANA_WEBHOOK"


@dataclass(frozen=True, slots=True)
class Contact:
    """One of both is given. GrafanaSettingsError for what cannot be one."""

    email: str = ""
    webhook: str = field(default="", repr=False)
    """Who knows such an address can send to it, so it is a secret."""

    def __post_init__(self) -> None:
        if bool(self.email) == bool(self.webhook):
            raise GrafanaSettingsError(
                "contact", "is either an e-mail address or a webhook", "give one of them"
            )
        if self.email and ("@" not in self.email.strip("@") or any(map(str.isspace, self.email))):
            raise GrafanaSettingsError(
                "--email", f"is an address as care@example.org, not {self.email!r}", "correct it"
            )
        if self.webhook and not self.webhook.startswith(("http://", "https://", "$")):
            raise GrafanaSettingsError("the webhook", "begins with http:// or https://", "correct its file")

    @property
    def shown(self) -> Json:
        """All but what is a secret."""
        settings: Json = (
            {"addresses": self.email, "singleEmail": True} if self.email else {"httpMethod": "POST"}
        )
        return {
            "uid": UID,
            "name": CONTACT_POINT,
            "type": "email" if self.email else "webhook",
            "settings": settings,
            "disableResolveMessage": True,
        }

    def to_json(self) -> Json:
        """Return all of it."""
        whole = self.shown
        if self.webhook:
            whole["settings"]["url"] = self.webhook
        return whole
