"""What recordings are judged by: poses that are named in the first of them, or the journal's last calibration."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neckline.commands import machine
from neckline.configuration.config import Config
from neckline.wearing.memory import Memory, remember
from processing.calibration import calibrate
from processing.errors import CalibrationRefusedError, Refusal
from processing.head import HEAD
from sensor.recording import AnyRecording
from sensor.samples import SampleBlock, join
from storage.entries import Stream
from storage.errors import JournalAbsentError
from storage.reader import JournalReader

BLOCK_S = 10.0


class Span(NamedTuple):
    """A stretch of a recording, in seconds from its first sample."""

    begin_s: float
    end_s: float

    @classmethod
    def parse(cls, text: str) -> "Span":
        """Read `A:B`; ValueError with a sentence."""
        begin, _, end = text.partition(":")
        try:
            span = cls(float(begin), float(end))
        except ValueError:
            raise ValueError(f'"{text}" is no span: write the seconds it begins and ends, as 5:10') from None
        if not 0 <= span.begin_s < span.end_s < float("inf"):
            raise ValueError(f'"{text}" does not begin before it ends')
        return span


@dataclass(frozen=True, slots=True)
class Poses:
    """Where in the first recording the wearer held the poses of a calibration."""

    upright: Span
    slump: Span | None = None
    nod: Span | None = None
    """Looking down; for a clip on the head."""

    @classmethod
    def parse(cls, upright: str | None, slump: str | None, nod: str | None = None) -> "Poses | None":
        """Read what --upright, --slump and --nod say; ValueError with a sentence."""
        if upright is None:
            for name, text in (("--slump", slump), ("--nod", nod)):
                if text is not None:
                    raise ValueError(f"{name} needs --upright")
            return None
        return cls(Span.parse(upright), *(Span.parse(text) if text else None for text in (slump, nod)))


def reference(
    config: Config, first: AnyRecording, poses: Poses | None, remembered: Path, wearer_id: str | None
) -> Memory:
    """Return the calibration to judge by: of the poses that are named, or the last one that the journal holds.

    Raises RecordingError, CalibrationRefusedError, StorageError.
    """
    if poses is not None:
        blocks = _held(first, poses.upright, poses.slump)
        return Memory(calibration=calibrate(*blocks, label_outward=config.wearer.label_outward))
    return _remembered(config, remembered, wearer_id, config.wearer.placement)


def reference_of_head(
    config: Config,
    back: AnyRecording,
    head: AnyRecording,
    poses: Poses | None,
    remembered: Path,
    wearer_id: str | None,
) -> Memory:
    """Return the same of a clip on the head, whose poses are named by the seconds of the back's recording."""
    if poses is not None:
        blocks = _held(head, poses.upright, poses.nod, begin_ns=_begin_ns(back))
        label_outward = config.head_clip.label_outward if config.head_clip else True
        return Memory(calibration=calibrate(*blocks, label_outward=label_outward))
    return _remembered(config, remembered, wearer_id, HEAD)


def _remembered(config: Config, journal: Path, wearer_id: str | None, placement: str) -> Memory:
    whose = wearer_id or config.wearer.id
    if whose is None:
        return Memory()
    try:
        with JournalReader.open(journal) as reader:
            known = remember(reader, Stream(whose, placement), machine.utc_ns())
    except JournalAbsentError:
        return Memory()
    return Memory(calibration=known.calibration, standing=known.standing)


def _begin_ns(recording: AnyRecording) -> int:
    """Return the time of its first sample."""
    for reading in recording.readings(block_s=BLOCK_S):
        if isinstance(reading, SampleBlock):
            return int(reading.time_ns[0])
    raise CalibrationRefusedError(Refusal.TOO_SHORT, "the recording holds no samples to calibrate on")


def _held(recording: AnyRecording, *spans: Span | None, begin_ns: int | None = None) -> list[SampleBlock]:
    """Return the samples of each pose that is named; seconds count from `begin_ns`, or from its first sample."""
    begin_ns = _begin_ns(recording) if begin_ns is None else begin_ns
    named = [each for each in spans if each is not None]
    blocks: list[list[SampleBlock]] = [[] for _ in named]
    for reading in recording.readings(block_s=BLOCK_S):
        if not isinstance(reading, SampleBlock):
            continue
        since_s = (reading.time_ns - begin_ns) / 1e9
        for held, wanted in zip(blocks, named, strict=True):
            held.append(reading[slice(*np.searchsorted(since_s, wanted).tolist())])
        if since_s[-1] >= max(wanted.end_s for wanted in named):
            break
    if not all(blocks):
        raise CalibrationRefusedError(Refusal.TOO_SHORT, "the recording holds no samples to calibrate on")
    return [*map(join, blocks)]
