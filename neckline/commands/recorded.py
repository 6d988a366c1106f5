"""What a command is given to read samples from: a capture, a table, or samples that neckline recorded."""

from importlib.util import find_spec
from pathlib import Path

from sensor.recording import AnyRecording, Recording
from storage.errors import RecordingsError
from storage.recordings.folder import OPEN, SEALED


def open_recording(path: Path, *, rate_hz: float | None = None, placement: str | None = None) -> AnyRecording:
    """Open it; of recorded samples in a folder those of a placement.

    Raises RecordingUnreadableError, RecordingsError.
    """
    if not path.is_dir() and path.suffix not in {SEALED, OPEN}:
        return Recording.open(path, rate_hz=rate_hz)
    if find_spec("pyarrow") is None:
        raise RecordingsError(
            path,
            f"{path} cannot be read: samples that neckline kept need pyarrow",
            "install neckline with its extra `export`; captures and tables of samples need none",
        )
    from storage.recordings.playback import Playback  # noqa: PLC0415 (pyarrow, an extra)

    return Playback.open(path, placement)
