"""What a command is given to read samples from: a capture, a table, or samples that neckline recorded."""

from pathlib import Path

from sensor.recording import AnyRecording, Recording
from storage.recordings.playback import Playback, is_recorded


def open_recording(path: Path, *, rate_hz: float | None = None, placement: str | None = None) -> AnyRecording:
    """Open it; of recorded samples in a folder those of a placement.

    Raises RecordingUnreadableError, RecordingsError.
    """
    return Playback.open(path, placement) if is_recorded(path) else Recording.open(path, rate_hz=rate_hz)
