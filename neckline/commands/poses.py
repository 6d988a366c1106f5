"""What recordings are judged by: poses that are named in the first of them, or the journal's last calibration."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neckline.commands import machine
from neckline.configuration.config import Config
from neckline.wearing.memory import Memory, remember
from processing.calibration import Calibration, calibrate
from processing.errors import CalibrationRefusedError, Refusal
from sensor.recording import Recording
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

    @classmethod
    def parse(cls, upright: str | None, slump: str | None) -> "Poses | None":
        """Read what --upright and --slump say; ValueError with a sentence."""
        if upright is None:
            if slump is not None:
                raise ValueError("--slump needs --upright")
            return None
        return cls(Span.parse(upright), Span.parse(slump) if slump else None)


def reference(
    config: Config, first: Recording, poses: Poses | None, remembered: Path, wearer_id: str | None
) -> Memory:
    """Return the calibration to judge by: of the poses that are named, or the last one that the journal holds.

    Raises RecordingError, CalibrationRefusedError, StorageError.
    """
    if poses is not None:
        return Memory(calibration=_calibrate(config, first, poses))
    whose = wearer_id or config.wearer.id
    if whose is None:
        return Memory()
    try:
        with JournalReader.open(remembered) as reader:
            known = remember(reader, Stream(whose, config.wearer.placement), machine.utc_ns())
    except JournalAbsentError:
        return Memory()
    return Memory(calibration=known.calibration, standing=known.standing)


def _calibrate(config: Config, recording: Recording, poses: Poses) -> Calibration:
    spans = [poses.upright, *([poses.slump] if poses.slump else [])]
    blocks: list[list[SampleBlock]] = [[] for _ in spans]
    begin_ns: int | None = None
    for reading in recording.readings(block_s=BLOCK_S):
        if not isinstance(reading, SampleBlock):
            continue
        begin_ns = int(reading.time_ns[0]) if begin_ns is None else begin_ns
        since_s = (reading.time_ns - begin_ns) / 1e9
        for held, wanted in zip(blocks, spans, strict=True):
            rows = slice(*np.searchsorted(since_s, wanted).tolist())
            held.append(reading[rows])
        if since_s[-1] >= max(wanted.end_s for wanted in spans):
            break
    if begin_ns is None:
        raise CalibrationRefusedError(Refusal.TOO_SHORT, "the recording holds no samples to calibrate on")
    return calibrate(*map(join, blocks), label_outward=config.wearer.label_outward)
