"""How every command ends: one exit code for each kind of trouble, listed in docs/commands.md."""

from enum import IntEnum
from typing import Self

from dashboards.errors import DashboardError, FilesUnwritableError, GrafanaError
from neckline.errors import (
    CaptureRefusedError,
    ChannelError,
    ControlError,
    MuteClipError,
    NecklineError,
    NoCalibrationError,
    NoClipHeardError,
    NoSuchAlertError,
    NothingInPeriodError,
    NothingStoredError,
    SetupError,
    SimulationError,
    WhichClipError,
)
from processing.errors import CalibrationRefusedError, ProcessingError
from sensor.errors import BluetoothError, RecordingError, SensorError
from storage.errors import (
    ExportError,
    InfluxError,
    InfluxSettingsError,
    JournalBusyError,
    RecordingsError,
    StorageError,
    WearerErasedError,
)


class Exit(IntEnum):
    """The exit codes; the sentence beside each is the one in docs/commands.md."""

    OK = 0, "done"
    UNEXPECTED = 1, "a fault of neckline's own; the message says where the log lies"
    USAGE = 2, "the command line was not understood; or `erase` did nothing for lack of `--yes`"
    CONFIG = 3, "the configuration cannot serve, or lacks something that the command needs"
    BLUETOOTH = 4, "this computer's Bluetooth is absent, off, forbidden or busy"
    CLIP = 5, "the clip was not found, is busy, out of reach, another one, or cannot do it"
    CALIBRATION = 6, "the calibration was refused, or there is none"
    JOURNAL = 7, "the journal cannot be read or written: absent, damaged, read-only, or the disk is full"
    BUSY = 8, "another neckline owns the journal"
    INFLUXDB = 9, "InfluxDB cannot be reached or refuses"
    RECORDING = (
        10,
        "a recording cannot be read or written, or is damaged; what came before the damage was used",
    )
    SERVICE = 11, "the running neckline does not answer or refuses"
    UNWELL = (
        12,
        "doctor found something that does not work, a backup is damaged, or the demo did not come out",
    )
    EXPORT = 13, "an export, or what a command gives, cannot be written"
    NOTHING = 14, "nothing is stored of what was asked for"
    GRAFANA = 15, "Grafana cannot be reached or refuses, or a panel of it gets no answer"
    INTERRUPTED = 130, "stopped with Ctrl-C; `run` and `demo` end with 0, for that is how they are stopped"

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Take the code and what it means to people."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


EXITS: tuple[tuple[type[Exception], Exit], ...] = (
    (SetupError, Exit.CONFIG),
    (NoClipHeardError, Exit.CLIP),
    (MuteClipError, Exit.CLIP),
    (WhichClipError, Exit.CLIP),
    (CaptureRefusedError, Exit.CALIBRATION),
    (NoCalibrationError, Exit.CALIBRATION),
    (NothingStoredError, Exit.NOTHING),
    (NothingInPeriodError, Exit.NOTHING),
    (NoSuchAlertError, Exit.NOTHING),
    (ChannelError, Exit.UNWELL),
    (ControlError, Exit.SERVICE),
    (SimulationError, Exit.UNWELL),
    (BluetoothError, Exit.BLUETOOTH),
    (RecordingError, Exit.RECORDING),
    (SensorError, Exit.CLIP),
    (CalibrationRefusedError, Exit.CALIBRATION),
    (ProcessingError, Exit.JOURNAL),  # a saved state that this version cannot read
    (RecordingsError, Exit.RECORDING),
    (JournalBusyError, Exit.BUSY),
    (WearerErasedError, Exit.CONFIG),
    (InfluxSettingsError, Exit.CONFIG),
    (InfluxError, Exit.INFLUXDB),
    (ExportError, Exit.EXPORT),
    (FilesUnwritableError, Exit.EXPORT),
    (GrafanaError, Exit.GRAFANA),
    (DashboardError, Exit.CONFIG),
    (StorageError, Exit.JOURNAL),
)
"""The first that fits."""


def exit_of(error: Exception) -> Exit:
    """Return the exit code of an error; UNEXPECTED for what is none of the product's own."""
    return next((code for kind, code in EXITS if isinstance(error, kind)), Exit.UNEXPECTED)


def way_out_of(error: Exception) -> str | None:
    """Return what to do about an error of the product; None for any other error."""
    if isinstance(error, NecklineError | DashboardError | SensorError | StorageError):
        return error.way_out
    if isinstance(error, ProcessingError):
        return ""  # its sentence says what to do
    return None
