"""What any dataset after the Brain Imaging Data Structure has: names of files, tables, sidecars, scans, checksums.

https://bids-specification.readthedocs.io; what is motion's own is in `motion_bids` and `motion_bids_derived`.
"""

import csv
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from storage.entries import Stream
from storage.errors import ExportError
from storage.exports.sharing import Sharing

Json = dict[str, Any]

BIDS_VERSION = "1.10.0"
TASK = "dailylife"
CHECKSUMS = "checksums.sha256"
NOT_KNOWN = "n/a"
HOW = {
    "t4": "on the upper back, at the fourth thoracic vertebra",
    "c7": "on the upper back, at the seventh cervical vertebra",
    "chest": "on the sternum",
    "head": "on the head",
}
SHIFTED = """
All dates were shifted by one and the same number of days.
"""
_EPOCH_0 = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Run:
    """Where the files of one run go: `stem` and what each is called after it."""

    place: Path
    stem: str
    track: str
    first_ns: int
    """As others get it."""

    def path(self, name: str) -> Path:
        """Return one of its files."""
        return self.place / f"{self.stem}_{name}"

    def task(self, rate_hz: float, duration_s: float) -> Json:
        """Return what a sidecar says of the task and the tracking."""
        return {
            "TaskName": TASK,
            "TaskDescription": "Everyday life with a motion clip worn; nothing was asked of the wearer.",
            "SamplingFrequency": rate_hz,
            "TrackingSystemName": self.track,
            "RecordingDuration": duration_s,
            "RecordingType": "continuous",
            "LATENCYChannelCount": 1,
            "TrackedPointsCount": 1,
            "MissingValues": NOT_KNOWN,
            "FirstSampleTimeNs": self.first_ns,
        }


class BidsFolder:
    """One dataset under way."""

    def __init__(self, folder: Path, sharing: Sharing) -> None:
        self.folder, self.sharing = folder, sharing
        self.labels: dict[str, str] = {}
        self._runs: dict[tuple[str, str, str], int] = {}
        self._scans: dict[Path, list[tuple[str, str]]] = {}

    @property
    def participants(self) -> int:
        """How many wearers are in it."""
        return len(self.labels)

    @property
    def runs(self) -> int:
        """How many runs it has."""
        return sum(self._runs.values())

    def run(self, stream: Stream, first_ns: int) -> Run:
        """Begin the next run of a stream, whose first sample is of this time. ExportError."""
        shared_ns = first_ns + self.sharing.shift_ns
        begin = _EPOCH_0 + timedelta(microseconds=shared_ns // 1000)
        sub, ses = f"sub-{self._label(stream.wearer)}", f"ses-{begin:%Y%m%d}"
        track = re.sub(r"[^0-9A-Za-z]", "", stream.placement)
        key = sub, ses, track
        number = self._runs[key] = self._runs.get(key, 0) + 1
        stem = f"{sub}_{ses}_task-{TASK}_tracksys-{track}_run-{number:02d}"
        place = self.folder / sub / ses / "motion"
        place.mkdir(parents=True, exist_ok=True)
        scan = (f"motion/{stem}_motion.tsv", f"{begin:%Y-%m-%dT%H:%M:%S.%fZ}")
        self._scans.setdefault(self.folder / sub / ses / f"{sub}_{ses}_scans.tsv", []).append(scan)
        return Run(place, stem, track, shared_ns)

    def finish(self, description: Json, readme: str) -> None:
        """Write what stands at the top, and checksums of all."""
        participants = [{"participant_id": f"sub-{label}"} for label in sorted(self.labels)]
        table(self.folder / "participants.tsv", participants)
        for path, scans in self._scans.items():
            table(path, [{"filename": name, "acq_time": time} for name, time in sorted(scans)])
        by = {"GeneratedBy": [{"Name": "neckline", "Version": version("neckline")}]}
        sidecar(self.folder / "dataset_description.json", {"BIDSVersion": BIDS_VERSION, **description, **by})
        shifted = SHIFTED if self.sharing.shift_days else ""
        (self.folder / "README.md").write_text(readme + shifted, encoding="utf-8")
        (self.folder / ".bidsignore").write_text(f"{CHECKSUMS}\n", encoding="utf-8")
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        sums = [f"{_sha256(path)}  {path.relative_to(self.folder).as_posix()}\n" for path in files]
        (self.folder / CHECKSUMS).write_text("".join(sums), encoding="utf-8")

    def _label(self, wearer: str) -> str:
        label = re.sub(r"[^0-9A-Za-z]", "", self.sharing.label(wearer).removeprefix("w-"))
        if not label or self.labels.setdefault(label, wearer) != wearer:
            raise ExportError(
                self.folder, f"{wearer} has no label of their own in BIDS ({label!r})", "give another label"
            )
        return label


def latency(since: str) -> dict[str, str]:
    """Return the channel that tells the time of each row."""
    return {
        "name": "latency", "component": NOT_KNOWN, "type": "LATENCY", "tracked_point": NOT_KNOWN,
        "units": "s", "reference_frame": NOT_KNOWN, "description": f"time since {since}",
    }  # fmt: skip


def table(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write a table with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.DictWriter(
            file, list(rows[0]) if rows else ["participant_id"], delimiter="\t", lineterminator="\n"
        )
        lines.writeheader()
        lines.writerows(rows)


def sidecar(path: Path, content: Json) -> None:
    """Write JSON."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
