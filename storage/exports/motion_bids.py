"""Recorded samples, and what neckline made of them → a dataset after the Brain Imaging Data Structure's extension for motion.

Motion-BIDS: Jeung et al., Scientific Data 11 (2024) 789; https://bids-specification.readthedocs.io (modality-specific
files, motion). A file of samples (an hour or less) is a run; its rows are the samples that came, and the channel
`latency` says when: BIDS would have a constant rate, and a clip loses samples. Rates, gaps, and the first sample's time
in nanoseconds are in the sidecar. Numbers read back to the last bit. The derivatives are in `motion_bids_derived`.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sensor.samples import Reading, SampleBlock
from storage.errors import ExportError, FileDamagedError
from storage.exports.bids import HOW, NOT_KNOWN, BidsFolder, Json, latency, sidecar, table
from storage.exports.motion_bids_derived import DerivedDataset
from storage.exports.new_folder import new_folder
from storage.exports.sharing import AS_IT_IS, Sharing
from storage.history import History
from storage.recordings.contents import Contents, Gap, gaps
from storage.recordings.folder import RecordingsFolder, Segment
from storage.recordings.frames import columns_of
from storage.recordings.reading import readable, readings

DERIVATIVES = Path("derivatives") / "neckline"


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was written."""

    folder: Path
    participants: int
    runs: int
    """Of samples."""
    samples: int
    seconds: int
    """Of what was made of them."""
    broken: tuple[str, ...] = ()
    """Files of samples that could not be read to their end, and why; what came before is in it."""


def export_motion_bids(
    recordings: RecordingsFolder,
    folder: Path,
    *,
    history: History | None = None,
    wearers: Sequence[str] = (),
    since_ns: int | None = None,
    until_ns: int | None = None,
    sharing: Sharing = AS_IT_IS,
    on_progress: Callable[[str, int, int], None] = lambda _what, _done, _of: None,
) -> Dataset:
    """Write the samples of these wearers, or of all, `since_ns` <= time < `until_ns`, and what `history` holds of them.

    What was made of the samples goes below `DERIVATIVES`, or to the top where no samples are. `on_progress` gets `samples`,
    files done and files in all, then `seconds`, those written and all of them. Raises ExportError when the folder is there
    and not empty, cannot be written, or there is nothing to write; StorageError.
    """
    span_ns = since_ns, until_ns
    chosen = [
        segment
        for segment in recordings.segments(None, *span_ns)
        if not wearers or segment.stream.wearer in wearers
    ]
    with new_folder(folder) as part:
        raw = _Writing(part, sharing)
        broken = raw.write(chosen, span_ns, lambda done, of: on_progress("samples", done, of))
        runs, labels, seconds = raw.bids.runs, {*raw.bids.labels}, 0
        if history is not None:
            with history.snapshot():
                streams = [each for each in history.streams() if not wearers or each.wearer in wearers]
                derived = DerivedDataset(part / DERIVATIVES if runs else part, history, span_ns, sharing)
                derived.write(
                    streams, lambda done, of: on_progress("seconds", done, of), beside_raw=bool(runs)
                )
            seconds, labels = derived.seconds, labels | {*derived.bids.labels}
        if runs:
            raw.bids.finish(
                {"Name": "Motion of the upper back, recorded by neckline", "DatasetType": "raw"}, README
            )
        elif not seconds:
            why = f"nothing of this kind was recorded in {recordings.path}, nor stored"
            raise ExportError(folder, why, "set recordings.enabled = true, or choose another period")
        return Dataset(folder, len(labels), runs, raw.samples, seconds, broken)


class _Writing:
    """One dataset of samples under way."""

    def __init__(self, folder: Path, sharing: Sharing) -> None:
        self.bids = BidsFolder(folder, sharing)
        self.samples = 0

    def write(
        self,
        segments: Sequence[Segment],
        span_ns: tuple[int | None, int | None],
        on_progress: Callable[[int, int], None],
    ) -> tuple[str, ...]:
        """Write every run; return what was broken."""
        broken: list[str] = []
        for done, segment in enumerate(segments):
            on_progress(done, len(segments))
            held: Contents | None = None
            blocks: list[SampleBlock] = []
            try:
                held = readable(segment.path)
                for reading in readings(segment.path):
                    within = _within(reading, span_ns)
                    if within is not None and len(within):
                        blocks.append(within)
            except FileDamagedError as error:
                broken.append(str(error))
            if held is not None and blocks:
                self._run(segment, held, blocks)
        on_progress(len(segments), len(segments))
        return tuple(broken)

    def _run(self, segment: Segment, held: Contents, blocks: Sequence[SampleBlock]) -> None:
        about = held.about
        first_ns = int(blocks[0].time_ns[0])
        run = self.bids.run(segment.stream, first_ns)
        channels = _channels(segment.stream.placement, has_gyr=about.has_gyr)
        table(run.path("channels.tsv"), channels)
        sidecar(run.path("channels.json"), REFERENCE_FRAME)
        lacking, rows = self._samples(run.path("motion.tsv"), blocks, first_ns, about.rate_hz)
        times = [each.time_ns for each in blocks]
        duration_s = (max(int(each.max()) for each in times) - min(int(each.min()) for each in times)) / 1e9
        sidecar(
            run.path("motion.json"),
            run.task(about.rate_hz, duration_s)
            | {
                "SamplingFrequencyEffective": (rows - 1) / duration_s if duration_s else about.rate_hz,
                "Manufacturer": about.family or NOT_KNOWN,
                "MotionChannelCount": len(channels) - 1,
                "ACCELChannelCount": 3,
                "GYROChannelCount": 3 if about.has_gyr else 0,
                "SubjectArtefactDescription": NOT_KNOWN,
                "MissingSamples": sum(gap.missing for gap in lacking),
                "Gaps": [
                    {
                        "SinceSeconds": (gap.since_ns - first_ns) / 1e9,
                        "UntilSeconds": (gap.until_ns - first_ns) / 1e9,
                        "MissingSamples": gap.missing,
                    }
                    for gap in lacking
                ],
                "DamagedBytes": held.damaged_bytes,
                "SoftwareVersions": about.software or NOT_KNOWN,
            },
        )

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


README = """# Motion of the upper back

Samples of a Bluetooth motion clip, as they came over the air: acceleration with gravity and, where the clip has a
gyroscope, rotation, in the clip's own axes (right-handed; at rest the axis that points up reads +9.81 m/s^2).

A run is an hour or less. Its rows are the samples that came; `latency` is the time of each in seconds since the first,
whose time in nanoseconds (UTC) is `FirstSampleTimeNs` of the sidecar. What never came is listed there under `Gaps`;
a sample that came damaged has `n/a`; `DamagedBytes` of the recording itself could not be read. Participants are pseudonyms. checksums.sha256 lists every other file.
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
    kinds = [("acc", "ACCEL", "m/s^2", "acceleration with gravity")]
    kinds += [("gyr", "GYRO", "rad/s", "rotation")] if has_gyr else []
    return [
        latency("the first sample of the run"),
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
    inside = np.ones(len(reading), np.bool_)  # a clock may have been set back among them
    if since_ns is not None:
        inside &= reading.time_ns >= since_ns
    if until_ns is not None:
        inside &= reading.time_ns < until_ns
    gyr = None if reading.gyr_radps is None else reading.gyr_radps[inside]
    return SampleBlock(reading.time_ns[inside], reading.acc_mps2[inside], gyr, reading.rate_hz)
