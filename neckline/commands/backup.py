"""`neckline backup` and `restore`: the journal as one file, and back."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from neckline.commands.output import say
from neckline.exits import Exit
from neckline.screen.words import count
from storage import backup as files
from storage.damage import Damage
from storage.errors import BackupError, JournalUnreadableError

SHOWN = 10
LARGE_BYTES = 20_000_000
"""From this size on, some seconds' work, it is said that it goes on."""
WHAT_TO_NAME = "name what `neckline backup` wrote"


def backup(journal_path: Path, file: Path) -> Exit:
    """Write the journal into a new file. Raises JournalError, BackupError."""
    _begin(journal_path)
    damages = files.backup(journal_path, file)
    say(f"{journal_path} as it is now is in {file}")
    return _told(damages)


def restore(journal_path: Path, file: Path, *, yes: bool) -> Exit:
    """Put a backup in the journal's place. Raises JournalError, BackupError."""
    if not file.is_file():
        raise BackupError(file, "there is no such file", WHAT_TO_NAME)
    _begin(file)
    try:
        damages = files.restore(file, journal_path, "neckline restore", overwrite=yes)
    except JournalUnreadableError as error:
        if error.way_out != JournalUnreadableError(file, "").way_out:
            raise  # it knows better
        raise BackupError(file, str(error).removeprefix(f"{file} "), WHAT_TO_NAME) from error
    say(f"{journal_path} is what {file} was")
    return _told(damages)


def _begin(file: Path) -> None:
    """Say that it begins, where it takes long."""
    with suppress(OSError):
        size = file.stat().st_size
        if size > LARGE_BYTES:
            say(f"copying {size / 1e6:.0f} MB, and checking every row …")


def _told(damages: Sequence[Damage]) -> Exit:
    """Tell of damages; return the exit code."""
    if not damages:
        say("every row is whole")
        return Exit.OK
    say(f"{count(len(damages), 'damage')} in it, all else is whole:")
    for damage in damages[:SHOWN]:
        say(f"  {damage}")
    return Exit.UNWELL
