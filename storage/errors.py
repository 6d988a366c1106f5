"""What can go wrong where data rests: one base, telling whose fault it is and the way out."""

import errno
import shutil
import sqlite3
from pathlib import Path


class StorageError(RuntimeError):
    """The base of this room's errors: `str` says what is wrong, `way_out` what to do."""

    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(message)
        self.way_out = way_out


class RecordRefusedError(StorageError):
    """A record holds a value that its column cannot: our fault, and nothing of its batch was taken."""

    def __init__(self, kind: str, detail: str) -> None:
        self.kind = kind
        super().__init__(
            f"this {kind} cannot be stored: {detail}", "please report it as a bug, with this message"
        )


class StumbledError(StorageError):
    """Something here failed as it never should; `who` goes on by itself."""

    def __init__(self, who: str, detail: str) -> None:
        self.who = who
        super().__init__(f"{who} stumbled: {detail}", "please report it as a bug, with the log")


class WriterClosedError(StorageError):
    """Something was handed to a writer that is closed: our fault."""

    def __init__(self) -> None:
        super().__init__("the journal's writer is closed", "please report it as a bug, with this message")


class NotDurableError(StorageError):
    """The writer ended while rows were still in memory alone: they are lost; `trouble` says why."""

    def __init__(self, rows: int, trouble: StorageError) -> None:
        self.rows, self.trouble = rows, trouble
        super().__init__(
            f"{rows} row{'' if rows == 1 else 's'} could not be saved: {trouble}", trouble.way_out
        )


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


class JournalAbsentError(JournalError):
    """There is no journal yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path,
            f"there is no journal at {path}",
            "`neckline run` makes one; or name another with --journal",
        )


class JournalUnreadableError(JournalError):
    """The file is no journal, is damaged beyond reading, or was written by another version of neckline."""

    def __init__(self, path: Path, detail: str, way_out: str = "") -> None:
        super().__init__(
            path,
            f"{path} cannot be read as a journal: {detail}",
            way_out
            or "name another file with --journal, or move this one aside and neckline makes a new one",
        )


class JournalUnwritableError(JournalError):
    """The journal or its folder may only be read."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            path,
            f"the journal {path} cannot be written: {detail}",
            "allow this user to write the file and its folder, or name another journal with --journal",
        )


class WearerErasedError(JournalError):
    """Rows of a wearer who was erased were to be stored."""

    def __init__(self, path: Path, wearer: str) -> None:
        self.wearer = wearer
        super().__init__(
            path,
            f"{wearer} was erased from the journal {path} and is not stored again",
            "give the wearer a new pseudonym, as wearer.id in the configuration, or name another journal with --journal",
        )


class DiskFullError(JournalError):
    """There is no room left; what was not acknowledged is still in memory."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path,
            f"the disk that holds {path} is full",
            "make room, and neckline goes on by itself",
        )


class DiskFailedError(JournalError):
    """The disk answers with errors."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            path,
            f"the disk that holds {path} fails ({detail})",
            "check the disk and its connection; neckline keeps trying by itself",
        )


class ExportError(StorageError):
    """An export could not be written; `folder` is where to."""

    def __init__(self, folder: Path, detail: str, way_out: str) -> None:
        self.folder = folder
        super().__init__(f"the export to {folder} was not written: {detail}", way_out)


class RecordingsError(StorageError):
    """Something about recorded samples; `path` is the file or folder."""

    def __init__(self, path: Path, message: str, way_out: str) -> None:
        super().__init__(message, way_out)
        self.path = path


class RecordingsUnwritableError(RecordingsError):
    """Samples cannot be recorded, or not at present; `detail` says why. They are judged and told of all the same."""

    def __init__(self, path: Path, detail: str) -> None:
        self.detail = detail
        super().__init__(
            path,
            f"samples cannot be recorded in {path}: {detail}",
            "make room or allow writing there; until then samples are judged and not recorded",
        )


class RecordingsAmbiguousError(RecordingsError):
    """A folder holds samples of more than one clip; `streams` are which."""

    def __init__(self, path: Path, streams: list[str]) -> None:
        self.streams = streams
        super().__init__(
            path,
            f"{path} holds samples of several clips: {', '.join(streams)}",
            "name a folder of one wearer, or the files themselves",
        )


class FileDamagedError(RecordingsError):
    """A file was cut off, is damaged, or is none of its kind; what came before has been given.

    `detail` says why, and not where: it may be read by people who get the rest without names and dates.
    """

    def __init__(self, path: Path, detail: str) -> None:
        self.detail = detail
        super().__init__(
            path,
            f"{path} cannot be read: {detail}",
            "everything before it was used; put the file back from a copy, or move it away",
        )


class BackupError(StorageError):
    """A backup could not be written or put back; `path` is the file that should have come of it, or the bad backup."""

    def __init__(self, path: Path, detail: str, way_out: str) -> None:
        self.path = path
        super().__init__(f"{path}: {detail}", way_out)


# ---- InfluxDB ----------------------------------------------------------------------------------------------------


class InfluxSettingsError(StorageError):
    """The InfluxDB settings make no sense; `name` is the one that does not."""

    def __init__(self, name: str, detail: str) -> None:
        self.name = name
        super().__init__(f"influxdb.{name} {detail}", f"correct influxdb.{name} in the configuration")


class InfluxError(StorageError):
    """Something about an InfluxDB; `url` is where it is. Nothing is lost: the journal keeps what is not delivered."""

    def __init__(self, url: str, message: str, way_out: str) -> None:
        super().__init__(message, way_out)
        self.url = url


class InfluxUnreachableError(InfluxError):
    """Nobody answers, or not in time."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(
            url,
            f"InfluxDB at {url} cannot be reached ({detail})",
            "see that it runs and that influxdb.url is its address; a neckline that runs keeps all rows and tries again by itself",
        )


class InfluxBusyError(InfluxError):
    """It answers that it cannot now."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(
            url,
            f"InfluxDB at {url} takes nothing at present ({detail})",
            "a neckline that runs keeps all rows and tries again by itself; if it stays so, the server's own log says why",
        )


class InfluxUntrustedError(InfluxError):
    """Its certificate is not to be trusted."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(
            url,
            f"the certificate of InfluxDB at {url} is not trusted ({detail})",
            "use the name that the certificate is for, or let this computer know the authority that issued it",
        )


class InfluxTokenError(InfluxError):
    """It does not know who we are."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(
            url,
            f"InfluxDB at {url} does not accept the token ({detail})",
            "put a valid token into the file that influxdb.token_file names, or into NECKLINE_INFLUXDB_TOKEN; "
            "for InfluxDB 1.x it is user:password",
        )


class InfluxTokenFileError(InfluxError):
    """The file of the token cannot be read."""

    def __init__(self, url: str, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(
            url,
            f"the token for InfluxDB cannot be read from {path} ({detail})",
            "put the token into that file and let this user alone read it, or correct influxdb.token_file",
        )


class InfluxForbiddenError(InfluxError):
    """It knows us and lets us not write there."""

    def __init__(self, url: str, bucket: str, detail: str) -> None:
        self.bucket = bucket
        super().__init__(
            url,
            f"the token may not write to the bucket {bucket} at {url} ({detail})",
            f"give it permission to write to {bucket}, or use one that has it",
        )


class InfluxAdminError(InfluxError):
    """It knows us and lets us not set it up."""

    def __init__(self, url: str, what: str, detail: str) -> None:
        super().__init__(
            url,
            f"the token may not see to {what} at {url} ({detail})",
            "name one that may, with --admin-token-file: an all-access token of 2.x, user:password of an administrator of "
            "1.x; it is needed this once",
        )


class TokenUnwritableError(InfluxError):
    """A token that was made cannot be written to its file."""

    def __init__(self, url: str, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(
            url,
            f"the token that was made cannot be written to {path} ({detail})",
            "name a file in a folder that you may write",
        )


class InfluxQueryError(InfluxError):
    """It does not let us read, or not like this."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(
            url,
            f"InfluxDB at {url} does not answer a query ({detail})",
            "give the token permission to read the bucket; InfluxDB 2.x answers InfluxQL where a database is mapped to it, "
            "which `neckline influx setup` does",
        )


class InfluxBucketError(InfluxError):
    """There is no such bucket."""

    def __init__(self, url: str, bucket: str, detail: str) -> None:
        self.bucket = bucket
        super().__init__(
            url,
            f"InfluxDB at {url} has no bucket {bucket} to write to ({detail})",
            "create it, or correct influxdb.bucket and influxdb.org; for InfluxDB 1.x it is database/retention_policy",
        )


class InfluxForeignError(InfluxError):
    """Something else answers at its address."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(
            url,
            f"what answers at {url} does not take InfluxDB's v2 writes ({detail})",
            "correct influxdb.url: the address of an InfluxDB 1.8 or newer, 2.x or 3, as http://localhost:8086",
        )


class InfluxRequestError(InfluxError):
    """It refuses whatever is sent, so it cannot be the rows."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(
            url,
            f"InfluxDB at {url} refuses every request, whatever is in it ({detail})",
            "correct influxdb.org and influxdb.bucket, and whether influxdb.url begins with http or https",
        )


class InfluxKeepsError(InfluxError):
    """It has no way to delete the rows of one wearer."""

    def __init__(self, url: str, bucket: str, detail: str) -> None:
        self.bucket = bucket
        super().__init__(
            url,
            f"InfluxDB at {url} does not delete a wearer's rows ({detail})",
            f"InfluxDB 3 Core deletes only tables and databases: let the retention of {bucket} run out, or delete the "
            "database, and write the others' rows again from the journal",
        )


_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH}
SHARED_BYTES = 32_768
"""What SQLite needs on the disk beside a journal to open it."""
_READ_ONLY_ERRNO = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}


SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""The second when what SQLite says quotes a damaged name."""


def journal_error(path: Path, error: sqlite3.Error | UnicodeDecodeError | OSError) -> JournalError:
    """Return what an error of SQLite or of the operating system means for a journal."""
    if isinstance(error, UnicodeDecodeError):
        return JournalUnreadableError(path, "it is damaged")
    if isinstance(error, OSError):
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return DiskFullError(path)
        detail = error.strerror or str(error)
        if error.errno in _READ_ONLY_ERRNO:
            return JournalUnwritableError(path, detail)
        return DiskFailedError(path, detail)
    where = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    code = where & 0xFF
    # For the memory that its processes share SQLite asks for room, and calls it a failure when there is none.
    if code == sqlite3.SQLITE_FULL or (where == sqlite3.SQLITE_IOERR_SHMSIZE and _has_no_room(path)):
        return DiskFullError(path)
    if code in _READ_ONLY:
        return JournalUnwritableError(path, str(error))
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return JournalBusyError(path, "another program")
    if code == sqlite3.SQLITE_NOTADB:
        return JournalUnreadableError(path, "it is no database")
    if code == sqlite3.SQLITE_CORRUPT:
        return JournalUnreadableError(path, "it is damaged")
    return DiskFailedError(path, str(error))


def _has_no_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < SHARED_BYTES
    except OSError:
        return False
