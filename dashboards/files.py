"""Writes Grafana's provisioning files: data source, dashboards and alert rules, as JSON, which is YAML as well.

`python -m dashboards.files FOLDER` writes them; files that are there are replaced.
"""

import json
import sys
from pathlib import Path

from dashboards.boards import DATASOURCE, Json, boards
from dashboards.rules import rules

FOLDER = "Neckline"
INSIDE = "/var/lib/grafana/dashboards/neckline"
"""Where Grafana finds the dashboards."""


def files() -> dict[str, Json]:
    """Return the content of each file by its path. No secret: Grafana takes those from its own environment."""
    source = {
        "name": "neckline",
        "uid": DATASOURCE["uid"],
        "type": DATASOURCE["type"],
        "access": "proxy",
        "url": "$NECKLINE_INFLUXDB_URL",
        "jsonData": {
            "dbName": "$NECKLINE_INFLUXDB_BUCKET",
            "httpMode": "POST",
            "httpHeaderName1": "Authorization",
        },
        "secureJsonData": {"httpHeaderValue1": "Token $NECKLINE_INFLUXDB_READ_TOKEN"},
        "editable": False,
    }
    provider = {"name": "neckline", "folder": FOLDER, "type": "file", "options": {"path": INSIDE}}
    group = {
        "orgId": 1,
        "name": "neckline",
        "folder": FOLDER,
        "interval": "1m",
        "rules": [rule.to_json() for rule in rules()],
    }
    return {
        "provisioning/datasources/neckline.yaml": {"apiVersion": 1, "datasources": [source]},
        "provisioning/dashboards/neckline.yaml": {"apiVersion": 1, "providers": [provider]},
        "provisioning/alerting/neckline.yaml": {"apiVersion": 1, "groups": [group]},
        **{f"dashboards/{board['uid']}.json": board for board in boards()},
    }


def write(folder: Path) -> list[Path]:
    """Write all files below a folder; return them. OSError if it cannot be written."""
    written = []
    for name, content in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    sys.stdout.writelines(f"{each}\n" for each in write(Path(sys.argv[1])))
