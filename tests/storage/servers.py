"""The InfluxDB that tests write to: Debian's influxd 1.6.7 behind nginx, started here, or any server that is named.

influxd speaks the 1.x API alone, so nginx turns a v2 write into what it takes; both are plain processes on loopback,
with ports, folders and logs of their own. `NECKLINE_TEST_INFLUXDB_URL` (`_TOKEN`, `_ORG`, `_BUCKET`) names another
server to write to, of whatever version; tests that kill a server, or spoil a field for ever, take ours all the same.
"""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from storage.entries import Stream
from storage.influxdb import InfluxSettings
from storage.schema import Kind

ENV = "NECKLINE_TEST_INFLUXDB_"
BINARIES = ("influxd", "nginx")
READY_S = 30.0
"""More than ten times what a start took on a busy machine."""

INFLUXD = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "tsi1"
  cache-max-memory-size = "64m"
  query-log-enabled = false
[coordinator]
  write-timeout = "10s"
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  auth-enabled = {auth}
  log-enabled = false
[logging]
  level = "warn"
"""

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log error;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $arg_bucket $v1_db {{ default ""; "~*^(?<dbn>.+?)(?:%2F|/)" $dbn; "~^(?<dbo>.+)$" $dbo; }}
  map $arg_bucket $v1_rp {{ default ""; "~*^.+?(?:%2F|/)(?<rpn>.+)$" $rpn; }}
  map $arg_precision $v1_prec {{ default "bad"; "" n; ns n; us u; ms ms; s s; }}
  upstream influx1 {{ server 127.0.0.1:{http}; keepalive 8; }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  client_body_buffer_size 4m;
  server {{
    listen 127.0.0.1:{v2};
    client_max_body_size 25m;
    location = /api/v2/write {{
      if ($v1_db = "") {{ return 400 '{{"code":"invalid","message":"bucket is required"}}'; }}
      if ($v1_prec = "bad") {{ return 400 '{{"code":"invalid","message":"bad precision"}}'; }}
      default_type application/json;
      proxy_pass http://influx1/write?db=$v1_db&rp=$v1_rp&precision=$v1_prec;
    }}
    location = /ping {{ proxy_pass http://influx1; }}
    location = /query {{ proxy_pass http://influx1; }}
  }}
  server {{
    listen 127.0.0.1:{narrow};
    client_max_body_size 20k;
    location / {{ proxy_pass http://127.0.0.1:{v2}; }}
  }}
}}
"""


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Server:
    """A running InfluxDB, and how to look into it."""

    url: str
    """Where it takes v2 writes."""
    org: str
    token: str
    bucket: str
    """The bucket of `settings()`; of a server of our own, one that no other test has."""

    def settings(self, **changes: Any) -> InfluxSettings:
        """Return how to write to it."""
        wanted = {"url": self.url, "org": self.org, "token": self.token, "bucket": self.bucket, **changes}
        return InfluxSettings(**wanted)

    def stream(self) -> Stream:
        """Return a stream that no other test writes."""
        return Stream(f"w-{uuid.uuid4().hex[:8]}", "t4")

    def query(self, q: str, **params: str) -> list[dict[str, Any]]:
        """Return the rows of an InfluxQL query, times in ns."""
        database, _, policy = self.bucket.partition("/")
        asked = {"db": database, "epoch": "ns", "q": q, "params": json.dumps(params)}
        if policy:
            asked["rp"] = policy
        request = urllib.request.Request(  # noqa: S310 (http, ours)
            f"{self.query_url}/query", urllib.parse.urlencode(asked).encode(), method="POST"
        )
        if ":" in self.token:
            credentials = base64.b64encode(self.token.encode()).decode()
            request.add_header("Authorization", f"Basic {credentials}")
        elif self.token:
            request.add_header("Authorization", f"Token {self.token}")
        with urllib.request.urlopen(request, timeout=READY_S) as answer:  # noqa: S310
            (result,) = json.load(answer)["results"]
        assert "error" not in result, result["error"]
        return [
            series.get("tags", {}) | dict(zip(series["columns"], values, strict=True))
            for series in result.get("series", [])
            for values in series["values"]
        ]

    def rows(self, kind: Kind[Any], stream: Stream) -> list[dict[str, Any]]:
        """Return all that is stored of a kind of a stream, by time; what is not stored is left out."""
        found = self.query(
            f'SELECT * FROM "{kind.measurement}" WHERE "wearer" = $wearer AND "placement" = $placement',  # noqa: S608
            wearer=stream.wearer,
            placement=stream.placement,
        )
        return [{name: value for name, value in row.items() if value is not None} for row in found]

    @property
    def query_url(self) -> str:
        """Where it takes InfluxQL."""
        return self.url


@dataclass(slots=True)
class OwnServer(Server):
    """influxd and nginx, started here."""

    narrow_url: str = ""
    """The same server behind a proxy that takes 20 kB at a time."""
    database_url: str = ""
    """influxd itself, which knows no v2 writes."""
    folder: Path = field(default_factory=Path)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def query_url(self) -> str:
        """Where it takes InfluxQL."""
        return self.database_url

    def fresh_bucket(self) -> "OwnServer":
        """Return the same server with a bucket of one's own."""
        bucket = f"b{uuid.uuid4().hex[:8]}"
        self.query(f"CREATE DATABASE {bucket}")
        return OwnServer(
            self.url,
            self.org,
            self.token,
            bucket,
            self.narrow_url,
            self.database_url,
            self.folder,
            self.processes,
        )

    def kill(self) -> None:
        """Kill influxd with SIGKILL; nginx answers 502 from then on."""
        process = self.processes.pop("influxd")
        process.send_signal(signal.SIGKILL)
        process.wait()

    def start(self) -> None:
        """Start influxd, again or for the first time; return when it answers."""
        self._start("influxd", "-config", str(self.folder / "influxd.conf"))
        self._wait_until_it_answers(self.database_url)
        if "nginx" in self.processes:
            self._wait_until_it_answers(self.url)  # it may still hold connections to the one that was killed

    def start_proxy(self) -> None:
        """Start nginx; return when it answers."""
        self._start("nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"))
        self._wait_until_it_answers(self.url)

    def stop(self) -> None:
        """End both processes."""
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.processes.clear()

    def _start(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                [find(name) or name, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    def _wait_until_it_answers(self, url: str) -> None:
        deadline_s = time.monotonic() + READY_S
        while time.monotonic() < deadline_s:
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} ended: {(self.folder / f'{name}.out').read_text()}"
            try:
                with urllib.request.urlopen(f"{url}/ping", timeout=1):  # noqa: S310
                    return
            except OSError:
                time.sleep(0.02)  # a start is waited for, nothing is synchronised by it
        pytest.fail(f"{url} did not answer within {READY_S:g} s")


def find(name: str) -> str | None:
    """Return where a program is, if it is installed."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@contextmanager
def own_server(folder: Path, *, auth: bool = False) -> Iterator[OwnServer]:
    """Run influxd and nginx as long as the block runs, or skip with what is missing."""
    missing = [name for name in BINARIES if find(name) is None]
    if missing:
        pytest.skip(
            f"{' and '.join(missing)} not installed (on Debian: apt-get install influxdb nginx-light)"
        )
    ports = {name: free_port() for name in ("rpc", "http", "v2", "narrow")}
    here = {"folder": folder, "auth": str(auth).lower(), **ports}
    (folder / "influxd.conf").write_text(INFLUXD.format(**here))
    (folder / "nginx.conf").write_text(NGINX.format(**here))
    server = OwnServer(
        url=f"http://127.0.0.1:{ports['v2']}",
        org="",
        token="",
        bucket="neckline",
        narrow_url=f"http://127.0.0.1:{ports['narrow']}",
        database_url=f"http://127.0.0.1:{ports['http']}",
        folder=folder,
    )
    try:
        server.start()
        server.start_proxy()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def named_server() -> Server | None:
    """Return the server that the environment names, if it does."""
    url = os.environ.get(f"{ENV}URL")
    if not url:
        return None
    org, token, bucket = (os.environ.get(f"{ENV}{name}", "") for name in ("ORG", "TOKEN", "BUCKET"))
    return Server(url.rstrip("/"), org, token, bucket or "neckline")
