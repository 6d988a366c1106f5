"""`neckline export`: what the journal holds of wearers, in files that explain themselves."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path

from rich.progress import TaskID

from neckline.commands.output import give, give_json, say
from neckline.errors import NothingStoredError
from neckline.screen.progress import bar
from neckline.screen.words import count
from storage.errors import JournalAbsentError
from storage.exports.export import Format, export_journal
from storage.exports.motion_bids import export_motion_bids
from storage.exports.sharing import Sharing
from storage.history import History
from storage.recordings.folder import RecordingsFolder


def local_ns(text: str) -> int:
    """Read an ISO 8601 date or time, local unless it names its zone, as nanoseconds UTC; ValueError with a sentence."""
    try:
        return round(datetime.fromisoformat(text).timestamp()) * 10**9
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f'"{text}" is no date: write 2026-03-01 or 2026-03-01T09:30') from error


def period_ns(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """Read the ends of a period, the second not included: a day that is named as its last is in it. ValueError as above."""
    since_ns = local_ns(since) if since else None
    until_ns = _until_ns(until) if until else None
    if since_ns is not None and until_ns is not None and until_ns <= since_ns:
        raise ValueError(f"{since} to {until} ends before it begins")
    return since_ns, until_ns


def _until_ns(text: str) -> int:
    """Return when a time is, or when a day ends: at midnight by the clock, which is not always 24 hours on."""
    try:
        after = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError):
        return local_ns(text)
    return local_ns(str(after))


def export(
    history: History,
    folder: Path,
    *,
    wearers: list[str],
    since_ns: int | None,
    until_ns: int | None,
    file_format: Format,
    sharing: Sharing,
    recordings: RecordingsFolder | None,
    as_json: bool,
) -> None:
    """Write files of these wearers, or of all, into a new folder, with progress on a terminal; with `recordings` samples, too.

    Raises StorageError, NothingStoredError.
    """
    streams = [stream for stream in history.streams() if not wearers or stream.wearer in wearers]
    unknown = sorted(set(wearers) - {stream.wearer for stream in streams})
    if unknown or not streams:
        raise NothingStoredError(history.title, unknown)
    with _progress() as tell:
        written = export_journal(
            history,
            streams,
            folder,
            since_ns,
            until_ns,
            file_format=file_format,
            sharing=sharing,
            recordings=recordings,
            on_progress=tell,
        )
    if as_json:
        give_json(written)
    else:
        for file in written.files:
            give(f"{file.name:<40}{file.rows:>12} rows")
        say(f"written to {written.folder}")
    if written.skipped:
        say(f"neckline: warning: {written.skipped} rows of the journal are damaged and not in it")
    _warn(written.broken)


def export_samples(
    history: AbstractContextManager[History],
    recordings: Path,
    folder: Path,
    *,
    wearers: list[str],
    since_ns: int | None,
    until_ns: int | None,
    sharing: Sharing,
    as_json: bool,
) -> None:
    """Write the samples that were kept, and what was made of them, after Motion-BIDS. Raises StorageError."""
    with ExitStack() as undo:
        stored = None
        with suppress(JournalAbsentError):
            stored = undo.enter_context(history)
        tell = undo.enter_context(_progress())
        written = export_motion_bids(
            RecordingsFolder(recordings),
            folder,
            history=stored,
            wearers=wearers,
            since_ns=since_ns,
            until_ns=until_ns,
            sharing=sharing,
            on_progress=tell,
        )
    if as_json:
        give_json(written)
    else:
        give(
            f"{count(written.samples, 'sample')} in {count(written.runs, 'run')}, {count(written.seconds, 'second')} "
            f"of what was made of them, {count(written.participants, 'wearer')}"
        )
        say(f"written to {written.folder}")
    _warn(written.broken)


def _warn(broken: Sequence[str]) -> None:
    for each in broken:
        say(f"neckline: warning: {each}; what came before it is in the export")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give what shows on a terminal how far each part is."""
    with bar() as progress:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(f"exporting {what}", total=None)
            progress.update(tasks[what], completed=done, total=of)

        yield tell
