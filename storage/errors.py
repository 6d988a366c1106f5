"""What can go wrong where data rests: one base, telling whose fault it is and the way out."""

from pathlib import Path


class StorageError(RuntimeError):
    """The base of this room's errors: `str` says what is wrong, `way_out` what to do."""

    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(message)
        self.way_out = way_out


class JournalError(StorageError):
    """Something about a journal; `path` is its file."""

    def __init__(self, path: Path, message: str, way_out: str) -> None:
        super().__init__(message, way_out)
        self.path = path


class JournalBusyError(JournalError):
    """Another process owns the journal; `owner` says which."""

    def __init__(self, path: Path, owner: str) -> None:
        self.owner = owner
        super().__init__(
            path,
            f"{owner} is using the journal {path}",
            "stop it first, or name another journal with --journal",
        )
