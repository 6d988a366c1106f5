"""Recorded samples → a dataset after the Brain Imaging Data Structure's extension for motion, Motion-BIDS.

Jeung et al., Scientific Data 11 (2024) 789; https://bids-specification.readthedocs.io (modality-specific files, motion).
A file of samples (an hour or less) is a run; its rows are the samples that came, and the channel `latency` says when:
BIDS would have a constant rate, and a clip loses samples. Rates, gaps, and the first sample's time in nanoseconds
are in the sidecar. Numbers read back to the last bit. Made from one folder, into another that appears when it is whole.
"""

import csv
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sensor.samples import Reading, SampleBlock
from storage.errors import ExportError, FileDamagedError
from storage.exports.sharing import AS_IT_IS, Sharing
from storage.recordings.folder import RecordingsFolder, Segment
from storage.recordings.frames import columns_of
from storage.recordings.sealing import Gap, contents, gaps, readings

Json = dict[str, Any]

BIDS_VERSION = "1.10.0"
TASK = "dailylife"
CHECKSUMS = "checksums.sha256"
NOT_KNOWN = "n/a"
_EPOCH_0 = datetime(1970, 1, 1, tzinfo=UTC)
HOW = {
    "t4": "on the upper back, at the fourth thoracic vertebra",
    "c7": "on the upper back, at the seventh cervical vertebra",
    "chest": "on the sternum",
    "head": "on the head",
}


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was written."""

    folder: Path
    participants: int
    runs: int
    samples: int
    broken: tuple[str, ...] = ()
    """Files of samples that could not be read to their end, and why; what came before is in it."""


def export_motion_bids(
    recordings: RecordingsFolder,
    folder: Path,
    *,
    wearers: Sequence[str] = (),
    since_ns: int | None = None,
    until_ns: int | None = None,
    sharing: Sharing = AS_IT_IS,
    on_progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Dataset:
    """Write the samples of these wearers, or of all, `since_ns` <= time < `until_ns`.

    `on_progress` gets files done and files in all. Raises ExportError when the folder is there and not empty, cannot be
    written, or there is nothing to write.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(folder, "it is there already", "name another folder, or move this one away")
    chosen = [
        segment
        for segment in recordings.segments(None, since_ns, until_ns)
        if not wearers or segment.stream.wearer in wearers
    ]
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
        try:
            found = _Writing(part, sharing).write(chosen, (since_ns, until_ns), on_progress)
            if not found.runs:
                why = f"no samples of this kind were recorded in {recordings.path}"
                raise ExportError(folder, why, "set recordings.enabled = true, or choose another period")
            if folder.exists():
                folder.rmdir()
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ExportError(folder, why, "make room or allow writing there, or name another folder") from error
    return replace(found, folder=folder)


class _Writing:
    """One dataset under way."""

    def __init__(self, folder: Path, sharing: Sharing) -> None:
        self.folder, self.sharing = folder, sharing
        self.runs: dict[tuple[str, str, str], int] = {}
        self.scans: dict[Path, list[tuple[str, str]]] = {}
        self.labels: dict[str, str] = {}
        self.samples = 0

    def write(
        self,
        segments: Sequence[Segment],
        span_ns: tuple[int | None, int | None],
        on_progress: Callable[[int, int], None],
    ) -> Dataset:
        """Write every file of the dataset."""
        broken: list[str] = []
        for done, segment in enumerate(segments):
            on_progress(done, len(segments))
            blocks: list[SampleBlock] = []
            try:
                for reading in readings(segment.path):
                    within = _within(reading, span_ns)
                    if within is not None and len(within):
                        blocks.append(within)
            except FileDamagedError as error:
                broken.append(str(error))
            if blocks:
                self._run(segment, blocks)
        on_progress(len(segments), len(segments))
        self._top()
        return Dataset(self.folder, len(self.labels), sum(self.runs.values()), self.samples, tuple(broken))

    def _run(self, segment: Segment, blocks: Sequence[SampleBlock]) -> None:
        about = contents(segment.path).about
        shift_ns = self.sharing.shift_ns
        first_ns = int(blocks[0].time_ns[0])
        sub = f"sub-{self._label(segment.stream.wearer)}"
        begin = _EPOCH_0 + timedelta(microseconds=(first_ns + shift_ns) // 1000)
        ses = f"ses-{begin:%Y%m%d}"
        key = sub, ses, segment.stream.placement
        number = self.runs[key] = self.runs.get(key, 0) + 1
        track = re.sub(r"[^0-9A-Za-z]", "", segment.stream.placement)
        stem = f"{sub}_{ses}_task-{TASK}_tracksys-{track}_run-{number:02d}"
        place = self.folder / sub / ses / "motion"
        place.mkdir(parents=True, exist_ok=True)
        channels = _channels(segment.stream.placement, has_gyr=about.has_gyr)
        _table(place / f"{stem}_channels.tsv", channels)
        _json(place / f"{stem}_channels.json", REFERENCE_FRAME)
        lacking, rows = self._samples(place / f"{stem}_motion.tsv", blocks, first_ns, about.rate_hz)
        last_ns = int(blocks[-1].time_ns[-1])
        duration_s = (last_ns - first_ns) / 1e9
        _json(
            place / f"{stem}_motion.json",
            {
                "TaskName": TASK,
                "TaskDescription": "Everyday life with a motion clip worn; nothing was asked of the wearer.",
                "SamplingFrequency": about.rate_hz,
                "SamplingFrequencyEffective": (rows - 1) / duration_s if duration_s else about.rate_hz,
                "TrackingSystemName": track,
                "Manufacturer": about.family or NOT_KNOWN,
                "RecordingDuration": duration_s,
                "RecordingType": "continuous",
                "MotionChannelCount": len(channels) - 1,
                "ACCELChannelCount": 3,
                "GYROChannelCount": 3 if about.has_gyr else 0,
                "LATENCYChannelCount": 1,
                "TrackedPointsCount": 1,
                "MissingValues": NOT_KNOWN,
                "SubjectArtefactDescription": NOT_KNOWN,
                "FirstSampleTimeNs": first_ns + shift_ns,
                "MissingSamples": sum(gap.missing for gap in lacking),
                "Gaps": [
                    {
                        "SinceSeconds": (gap.since_ns - first_ns) / 1e9,
                        "UntilSeconds": (gap.until_ns - first_ns) / 1e9,
                        "MissingSamples": gap.missing,
                    }
                    for gap in lacking
                ],
                "SoftwareVersions": about.software or NOT_KNOWN,
            },
        )
        scan = (f"motion/{stem}_motion.tsv", f"{begin:%Y-%m-%dT%H:%M:%S.%fZ}")
        self.scans.setdefault(self.folder / sub / ses / f"{sub}_{ses}_scans.tsv", []).append(scan)

    def _samples(
        self, path: Path, blocks: Iterable[SampleBlock], first_ns: int, rate_hz: float
    ) -> tuple[list[Gap], int]:
        """Write a run's table, which has no header; return its gaps and how many samples it has."""
        lacking: list[Gap] = []
        rows, before_ns = 0, None
        with path.open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file, delimiter="\t", lineterminator="\n")
            for block in blocks:
                values = columns_of(block)
                latency_s = (block.time_ns - first_ns) / 1e9
                table: list[list[Any]] = np.column_stack((latency_s, values)).tolist()
                if np.isnan(values).any():
                    table = [[NOT_KNOWN if cell != cell else cell for cell in row] for row in table]  # noqa: PLR0124 (NaN)
                lines.writerows(table)
                lacking += gaps(block.time_ns, rate_hz, before_ns)
                before_ns = int(block.time_ns[-1])
                rows += len(block)
        self.samples += rows
        return lacking, rows

    def _label(self, wearer: str) -> str:
        known = self.sharing.label(wearer)
        label = re.sub(r"[^0-9A-Za-z]", "", known.removeprefix("w-"))
        if not label or self.labels.setdefault(label, wearer) != wearer:
            raise ExportError(
                self.folder, f"{wearer} has no label of their own in BIDS ({label!r})", "give another label"
            )
        return label

    def _top(self) -> None:
        participants = [{"participant_id": f"sub-{label}"} for label in sorted(self.labels)]
        _table(self.folder / "participants.tsv", participants)
        for path, scans in self.scans.items():
            _table(path, [{"filename": name, "acq_time": time} for name, time in sorted(scans)])
        software = version("neckline")
        _json(
            self.folder / "dataset_description.json",
            {
                "Name": "Motion of the upper back, recorded by neckline",
                "BIDSVersion": BIDS_VERSION,
                "DatasetType": "raw",
                "GeneratedBy": [{"Name": "neckline", "Version": software}],
            },
        )
        shifted = SHIFTED if self.sharing.shift_days else ""
        (self.folder / "README.md").write_text(README + shifted, encoding="utf-8")
        (self.folder / ".bidsignore").write_text(f"{CHECKSUMS}\n", encoding="utf-8")
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        sums = [f"{_sha256(path)}  {path.relative_to(self.folder).as_posix()}\n" for path in files]
        (self.folder / CHECKSUMS).write_text("".join(sums), encoding="utf-8")


README = """# Motion of the upper back

Samples of a Bluetooth motion clip, as they came over the air: acceleration with gravity and, where the clip has a
gyroscope, rotation, in the clip's own axes (right-handed; at rest the axis that points up reads +9.81 m/s^2).

A run is an hour or less. Its rows are the samples that came; `latency` is the time of each in seconds since the first,
whose time in nanoseconds (UTC) is `FirstSampleTimeNs` of the sidecar. What never came is listed there under `Gaps`;
a sample that came damaged has `n/a`. Participants are pseudonyms. checksums.sha256 lists every other file.
"""
SHIFTED = """
All dates were shifted by one and the same number of days.
"""
REFERENCE_FRAME: Json = {
    "reference_frame": {
        "Levels": {
            "sensor": {
                "RotationRule": "right-hand",
                "SpatialAxes": "n/a",
                "Description": "The clip's own axes as its family documents them.",
            }
        }
    }
}


def _channels(placement: str, *, has_gyr: bool) -> list[dict[str, str]]:
    """Return the table of channels, in the order of the columns."""
    found = [
        {
            "name": "latency", "component": NOT_KNOWN, "type": "LATENCY", "tracked_point": NOT_KNOWN,
            "units": "s", "reference_frame": NOT_KNOWN, "description": "time since the first sample of the run",
        }
    ]  # fmt: skip
    kinds = [("acc", "ACCEL", "m/s^2", "acceleration with gravity")]
    kinds += [("gyr", "GYRO", "rad/s", "rotation")] if has_gyr else []
    return [
        *found,
        *(
            {
                "name": f"{what}_{axis}", "component": axis, "type": kind, "tracked_point": placement,
                "units": unit, "reference_frame": "sensor",
                "description": f"{about}; worn {HOW.get(placement, placement)}",
            }
            for what, kind, unit, about in kinds
            for axis in "xyz"
        ),
    ]  # fmt: skip


def _within(reading: Reading, span_ns: tuple[int | None, int | None]) -> SampleBlock | None:
    """Return the samples of a reading within a span; None for what is no samples."""
    if not isinstance(reading, SampleBlock):
        return None
    since_ns, until_ns = span_ns
    begin = 0 if since_ns is None else int(np.searchsorted(reading.time_ns, since_ns))
    end = len(reading) if until_ns is None else int(np.searchsorted(reading.time_ns, until_ns))
    return reading[begin:end]


def _table(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.DictWriter(
            file, list(rows[0]) if rows else ["participant_id"], delimiter="\t", lineterminator="\n"
        )
        lines.writeheader()
        lines.writerows(rows)


def _json(path: Path, content: Json) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
