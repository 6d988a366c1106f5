"""deploy/: what its compose file promises, and its scripts as they run, on a real InfluxDB. No container is started."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from dashboards.files import INSIDE
from neckline.configuration.file import load
from storage.influxdb import InfluxSink
from tests.storage.servers import own_server

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
SERVICES: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
BUILT = [service["image"] for service in SERVICES.values() if "build" in service]


def run(script: str, folder: Path) -> None:
    """Run a script with its folders below another, and with nobody to give files to."""
    text = (DEPLOY / script).read_text()
    text = re.sub(r"(?<!\w)/(secrets|grafana|deploy)\b", lambda found: str(folder / found[1]), text)
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin/chown").write_text("#!/bin/sh\n")
    (folder / "bin/chown").chmod(0o755)
    path = os.pathsep.join((str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {"PATH": path, "HOME": str(folder), "NECKLINE_CONFIG": str(folder / "neckline.toml")}
    done = subprocess.run(
        ["/bin/sh", "-c", text],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_no_password_is_written_down() -> None:
    """Whatever is a secret comes from a file; nothing is reachable from another computer; every image has a version."""
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", key):
                assert key.endswith("_FILE"), f"{name}: {key}"
                assert str(value).startswith("/secrets/")
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert service["image"] in BUILT or re.search(r":\d+\.\d+", service["image"])
        assert "privileged" not in service
        assert all(":" in volume for volume in service.get("volumes", []))


def test_each_image_is_built_once() -> None:
    """Compose builds side by side, and a first start would end with "image already exists" (docker/buildx, issue 3576)."""
    assert BUILT == ["neckline"]


def test_grafana_finds_what_is_written_for_it() -> None:
    """The volumes that `grafana write` fills are mounted where Grafana, and its provider of dashboards, look."""
    mounts = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    filled = dict(volume.split(":")[:2] for volume in SERVICES["set-up"]["volumes"])
    assert mounts["grafana-provisioning"] == "/etc/grafana/provisioning"
    assert mounts["grafana-dashboards"] == INSIDE
    assert filled["grafana-provisioning"] == "/grafana/provisioning"
    assert filled["grafana-dashboards"] == "/grafana/dashboards"


def test_docker_takes_it() -> None:
    """`docker compose config` is clean."""
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("docker compose is not installed")
    done = subprocess.run(
        [docker, "compose", "-f", str(DEPLOY / "compose.yaml"), "config", "--quiet"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_gets_every_package() -> None:
    """What is installed is copied, and is let through by .dockerignore."""
    copied = set(re.findall(r"^COPY (\w+) \1$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))
    let_in = set(re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"benchmarks", "tests"}
    assert copied == packages
    assert packages <= let_in


def test_passwords_are_made_once(tmp_path: Path) -> None:
    """Each another one, for one reader; a second start leaves them."""
    for folder in ("influxdb", "grafana"):
        (tmp_path / "secrets" / folder).mkdir(parents=True)
    run("make_passwords.sh", tmp_path)
    made = {path: path.read_text() for path in (tmp_path / "secrets").rglob("admin-*")}
    assert len(set(made.values())) == 3
    assert all(len(text) > 40 and path.stat().st_mode & 0o777 == 0o600 for path, text in made.items())
    run("make_passwords.sh", tmp_path)
    assert {path: path.read_text() for path in made} == made


@pytest.mark.influxdb
def test_set_up_gives_each_its_token_and_grafana_its_files(tmp_path: Path) -> None:
    """On a real 1.x that asks for passwords: neckline's token writes, Grafana's files are there; twice is as once."""
    for folder in ("secrets/influxdb", "secrets/grafana", "secrets/neckline", "grafana", "deploy", "server"):
        (tmp_path / folder).mkdir(parents=True)
    with own_server(tmp_path / "server", auth=True) as server:
        server.query("CREATE USER boss WITH PASSWORD 'b' WITH ALL PRIVILEGES")
        (tmp_path / "secrets/influxdb/admin-token").write_text("boss:b")
        settings = (DEPLOY / "neckline.toml").read_text()
        settings = settings.replace("http://influxdb:8086", server.url).replace(
            "/secrets", str(tmp_path / "secrets")
        )
        (tmp_path / "deploy/neckline.toml").write_text(settings)
        run("set_up.sh", tmp_path)
        token = (tmp_path / "secrets/neckline/influxdb-token").read_text()
        run("set_up.sh", tmp_path)
        assert (tmp_path / "secrets/neckline/influxdb-token").read_text() == token
        config = load(tmp_path / "neckline.toml")
        where = config.influxdb_settings()
        assert where is not None
        assert InfluxSink(where).check() is None
    assert (tmp_path / "secrets/grafana/influxdb-read-token").read_text().startswith("neckline-reads:")
    assert (tmp_path / "grafana/provisioning/datasources/neckline.yaml").stat().st_mode & 0o004
    assert list((tmp_path / "grafana/dashboards").glob("*.json"))
