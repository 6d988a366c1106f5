"""Writes the files that Grafana sets itself up from: data source, dashboards, rules, as JSON, which is YAML as well.

They hold no secret: Grafana takes the token that reads InfluxDB, and a webhook's address, from its own environment.
"""

import json
from pathlib import Path

from dashboards.boards import Json, boards
from dashboards.contacts import CONTACT_POINT, WEBHOOK_ENV, Contact
from dashboards.errors import FilesUnwritableError
from dashboards.push import FOLDER, FOLDER_UID, GROUP
from dashboards.rules import rules
from dashboards.source import Source

INSIDE = "/var/lib/grafana/dashboards/neckline"
"""Where Grafana finds the dashboards."""
EXAMPLES = (Contact(email="care@example.org"), Contact(webhook=f"${WEBHOOK_ENV}"))
"""Not read by Grafana until they are put among its files."""


def files(source: Source, contact: Contact | None = None) -> dict[str, Json]:
    """Return the content of each file by its path."""
    provider = {
        "name": "neckline",
        "folder": FOLDER,
        "folderUid": FOLDER_UID,
        "type": "file",
        "allowUiUpdates": False,
        "options": {"path": INSIDE},
    }
    group = {
        "orgId": 1,
        "name": GROUP,
        "folder": FOLDER,
        "interval": "1m",
        "rules": [
            {**rule, "notification_settings": {"receiver": CONTACT_POINT}} if contact else rule
            for rule in rules(source.policy)
        ],
    }
    contacts = {"provisioning/alerting/neckline-contact.yaml": contact} if contact else {}
    examples = {f"examples/contact-{each.shown['type']}.yaml": each for each in EXAMPLES}
    given = {**source.to_json(), "editable": False}
    return {
        "provisioning/datasources/neckline.yaml": {"apiVersion": 1, "datasources": [given]},
        "provisioning/dashboards/neckline.yaml": {"apiVersion": 1, "providers": [provider]},
        "provisioning/alerting/neckline.yaml": {"apiVersion": 1, "groups": [group]},
        **{path: _contact_file(each) for path, each in {**contacts, **examples}.items()},
        **{f"dashboards/{board['uid']}.json": board for board in boards(source.policy)},
    }


def _contact_file(contact: Contact) -> Json:
    whole = (Contact(webhook=f"${WEBHOOK_ENV}") if contact.webhook else contact).to_json()
    receiver = {key: value for key, value in whole.items() if key != "name"}
    point = {"orgId": 1, "name": whole["name"], "receivers": [receiver]}
    return {"apiVersion": 1, "contactPoints": [point]}


def write(folder: Path, source: Source, contact: Contact | None = None) -> list[Path]:
    """Write all files below a folder, in place of those that are there; return them. Raises FilesUnwritableError."""
    written = []
    for name, content in files(source, contact).items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise FilesUnwritableError(path, (error.strerror or str(error)).lower()) from error
        written.append(path)
    return written
