"""`neckline erase`: all of a wearer, gone from the journal and from InfluxDB for good; a receipt stays."""

from dataclasses import replace
from pathlib import Path

from neckline.commands import machine
from neckline.commands.output import give, give_json, say
from neckline.configuration.config import Config
from neckline.errors import NothingStoredError
from neckline.exits import Exit
from neckline.screen.words import count
from neckline.watching.recording import recordings_path
from storage.erasures import Erasure, erasures, remember
from storage.errors import InfluxError
from storage.journal import Journal
from storage.lock import beside
from storage.reader import JournalReader
from storage.recordings.folder import RecordingsFolder
from storage.schema import KINDS

OWNER = "neckline erase"
DELETED = "deleted"


def erase(config: Config, journal_path: Path, wearer: str, *, yes: bool, as_json: bool) -> Exit:
    """Erase a wearer; again, if something kept it from being whole. Without `yes` only say what there is.

    Raises JournalError, NothingStoredError; InfluxError when the journal is done and InfluxDB is not.
    """
    rows = _rows(journal_path, wearer)
    folder = RecordingsFolder(recordings_path(config, journal_path))
    files = sum(segment.stream.wearer == wearer for segment in folder.segments())
    known = rows or files or any(each.wearer == wearer for each in erasures(journal_path))
    settings = config.influxdb_settings()
    if not known and settings is None:
        raise NothingStoredError(f"the journal {journal_path}", [wearer])
    if not yes:
        where = (
            "" if settings is None else f", and what InfluxDB at {settings.url} holds in {settings.bucket}"
        )
        samples = f", {count(files, 'file')} of samples in {folder.path}" if files else ""
        say(f"this deletes for good: {rows} rows of {wearer} in {journal_path}{samples}{where}")
        say("nothing was deleted; to do it: the same with --yes")
        return Exit.USAGE
    with Journal.open(journal_path, OWNER) as journal:
        erasure, trouble = journal.erase(wearer, machine.utc_ns()), None
        erasure = replace(erasure, recordings=folder.erase(wearer).files)
        if settings is not None:
            from storage.influxdb import InfluxSink  # noqa: PLC0415 (its client costs 40 MB)

            sink = InfluxSink(settings)
            try:
                sink.erase(wearer)
                erasure = replace(erasure, influxdb=DELETED)
            except InfluxError as error:
                erasure, trouble = replace(erasure, influxdb=f"not deleted: {error}"), error
            finally:
                sink.close()
        remember(journal_path, erasure)
    _tell(erasure, journal_path, as_json=as_json)
    if trouble is not None:
        raise trouble
    return Exit.OK


def _rows(journal_path: Path, wearer: str) -> int:
    with JournalReader.open(journal_path) as reader:
        streams = [stream for stream in reader.streams() if stream.wearer == wearer]
        return sum(reader.count(kind, stream) for kind in KINDS for stream in streams)


def _tell(erasure: Erasure, journal_path: Path, *, as_json: bool) -> None:
    if as_json:
        give_json(erasure)
    else:
        give(
            f"{erasure.wearer}: {erasure.rows} rows and {erasure.dead_letters} dead letters deleted from the journal"
        )
        if erasure.recordings:
            give(f"{count(erasure.recordings, 'file')} of recorded samples deleted")
        if erasure.influxdb:
            give(f"InfluxDB: {erasure.influxdb}")
    say(f"the receipt is in {beside(journal_path, '.erased')}; {erasure.wearer} is not stored again")
    say("exports, captures, backups and other journals are files of yours: delete them, too")
