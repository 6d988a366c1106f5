"""What a running service does not carry about: libraries that cost much and that it has no use for."""

import subprocess
import sys
from pathlib import Path

from tests.sensor.worlds import radio

pytestmark = radio

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("scipy", "influxdb_client", "pyarrow", "pandas", "matplotlib", "nicegui", "fastapi", "grafana_api")
RUN = f"""
import sys
from pathlib import Path
import neckline.cli.app, neckline.commands.run, neckline.watching.demo, neckline.watching.simulated
from neckline.configuration.config import Config
from neckline.watching.running import channels_of
from tests.neckline.services import ONE_SLOUCH, calibrated, ran, worn_clip
channels = channels_of(Config(), None)
ran(calibrated(Path(sys.argv[1])), worn_clip(ONE_SLOUCH), channels=channels)
print(sorted({{name.partition(".")[0] for name in sys.modules}} & {{*{HEAVY!r}, "apprise"}}))
"""


def test_a_run_loads_nothing_heavy(tmp_path: Path) -> None:
    """One slouch from the air to the journal and the desktop, in a process of its own; without InfluxDB, without push."""
    said = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path / "journal.db")],
        cwd=ROOT,
        env={"DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/no-bus", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert said.stdout == "[]\n"
