"""`neckline export`: what the journal holds of wearers, in files that explain themselves."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from rich.progress import TaskID

from neckline.commands.output import give, give_json, say
from neckline.errors import NothingStoredError
from neckline.screen.progress import bar
from neckline.screen.words import count
from storage.errors import ExportError, JournalAbsentError
from storage.exports.export import CODEBOOK, SAMPLES, Format, export_journal
from storage.exports.sharing import Sharing
from storage.history import History
from storage.recordings.folder import RecordingsFolder

NO_SAMPLES = (
    "neckline: warning: no samples were kept of this; from now on they are, with recordings.enabled = true"
)


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
    if not any(file.rows for file in written.files if file.name != CODEBOOK):
        say(
            "neckline: warning: nothing is stored in this period; `neckline analyse` shows which days there are"
        )
    if recordings is not None and not any(file.name.startswith(f"{SAMPLES}/") for file in written.files):
        say(NO_SAMPLES)
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
    if find_spec("pyarrow") is None:
        raise ExportError(
            folder,
            "Motion-BIDS needs pyarrow",
            "install neckline with its extra `export`, or export CSV alone",
        )
    from storage.exports.motion_bids import export_motion_bids  # noqa: PLC0415 (pyarrow, an extra)

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
    if not written.runs:
        say(NO_SAMPLES)
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
