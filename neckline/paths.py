"""Where neckline's files lie: configuration, journal, logs. Folders are 0700 and files 0600: posture is health data.

Precedence: the command line, then the environment, then the configuration, then the platform's own place.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from platformdirs import user_config_path, user_data_path, user_log_path

CONFIG_ENV, JOURNAL_ENV = "NECKLINE_CONFIG", "NECKLINE_JOURNAL"
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


def config_path(option: Path | None = None) -> Path:
    """Return the configuration file in force, whether it is there or not."""
    if option is not None or CONFIG_ENV in os.environ:
        return _expanded(option or Path(os.environ[CONFIG_ENV]))
    return user_config_path("neckline", appauthor=False) / "config.toml"


def journal_path(option: Path | None = None, configured: Path | None = None) -> Path:
    """Return the journal in force, whether it is there or not."""
    if option is None and JOURNAL_ENV in os.environ:
        option = Path(os.environ[JOURNAL_ENV])
    if chosen := option or configured:
        return _expanded(chosen)
    return user_data_path("neckline", appauthor=False) / "journal.db"


def _expanded(path: Path) -> Path:
    """Return the whole path; that of a home which nobody knows is told as a file that is not there."""
    with suppress(RuntimeError):
        path = path.expanduser()
    return path.absolute()


def log_path() -> Path:
    """Return the file that an unexpected error is written to."""
    return user_log_path("neckline", appauthor=False) / "neckline.log"


def private_folder(folder: Path) -> Path:
    """Make a folder that its owner alone may enter, and return it; one that is there stays as it is."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    return folder


def write_private(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, readable by its owner alone; a link stays a link. Raises OSError."""
    path = path.resolve()
    private_folder(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def read_by_others(path: Path) -> bool:
    """Tell whether a file that ought to be private may be read by others (never on Windows, which has no such bits)."""
    return os.name == "posix" and bool(path.stat().st_mode & 0o077)
