"""Recorded samples as a source of readings, like a capture: one file, or all files of a clip in a folder, in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sensor.samples import Reading, gathered
from storage.errors import FileDamagedError, RecordingsAmbiguousError
from storage.recordings.folder import OPEN, SEALED, Segment, segment_of
from storage.recordings.reading import contents, readings

BLOCK_S = 1.0


def is_recorded(path: Path) -> bool:
    """Tell whether a path is a folder, or a file of ours by its name."""
    return path.is_dir() or path.suffix in {SEALED, OPEN}


@dataclass(frozen=True, slots=True)
class Playback:
    """What was recorded of one clip, to be read any number of times."""

    path: Path
    """As it was asked for."""
    files: tuple[Path, ...]
    rate_hz: float

    @classmethod
    def open(cls, path: Path, placement: str | None = None) -> "Playback":
        """Look into a file, or a folder (a wearer's, a day's) for the files of a placement.

        FileDamagedError for what cannot be read, RecordingsAmbiguousError for samples of more than one clip.
        """
        if not path.is_dir():
            return cls(path, (path,), contents(path).about.rate_hz)
        found: dict[tuple[str, str, int], Segment] = {}
        for each in sorted(path.rglob("*-*.*")):
            segment = segment_of(each)
            if segment is None or placement not in {None, segment.stream.placement}:
                continue
            key = segment.stream.wearer, segment.stream.placement, segment.number
            if key not in found or segment.is_sealed:
                found[key] = segment
        streams = {segment.stream for segment in found.values()}
        if not streams:
            where = f" of the placement {placement}" if placement else ""
            raise FileDamagedError(path, f"no samples{where} were recorded in it")
        if len(streams) > 1:
            raise RecordingsAmbiguousError(
                path, sorted(f"{each.wearer} at {each.placement}" for each in streams)
            )
        files = tuple(found[key].path for key in sorted(found))
        return cls(path, files, contents(files[0]).about.rate_hz)

    def readings(self, *, block_s: float = BLOCK_S) -> Iterator[Reading]:
        """Yield all that is in it, samples in blocks of about `block_s`; FileDamagedError where it is broken."""
        return gathered((reading for file in self.files for reading in readings(file)), round(block_s * 1e9))
