"""A line of a capture ⇄ what it says: what came over the air, and when. And the writer, which holds nothing back.

The first line says of what clip; each other line is one notification. docs/recordings.md describes it for people.
"""

import json
import logging
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sensor.errors import RecordingUnwritableError
from sensor.families import family_named

logger = logging.getLogger(__name__)

VERSION_KEY = "neckline_capture"
VERSION = 1
FLUSH_NS = 10**9
MAX_NS = 2**62
"""The year 2116. A time beyond it is damage, …"""
MAX_SINCE_START_NS = 10**18
"""… and so are thirty years since the start."""


@dataclass(frozen=True, slots=True)
class CaptureHeader:
    """Of what clip a capture is, and when it begins. ValueError for a family or a rate that is not known."""

    family: str
    rate_hz: float
    """What the clip was set to."""
    start_ns: int
    """UTC; the times of notifications count from here."""
    placement: str = ""
    """Where it was worn; empty if that is not known."""
    software: str = ""
    """What wrote the capture."""

    def __post_init__(self) -> None:
        family_named(self.family).check_rate(self.rate_hz)
        if not 0 <= self.start_ns < MAX_NS:
            raise ValueError(f"it begins at {self.start_ns} ns, which is no time")

    @classmethod
    def from_bytes(cls, line: bytes) -> "CaptureHeader":
        """Read the first line of a capture; ValueError if it is none of this version."""
        plain = _object(line)
        version = plain.pop(VERSION_KEY, None)
        if version != VERSION:
            raise ValueError(
                f"it is a capture of version {version}, and this neckline reads version {VERSION}"
            )
        try:
            family, rate_hz, start_ns = plain["family"], float(plain["rate_hz"]), int(plain["start_ns"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError("its first line lacks a family, a rate_hz or a start_ns that can be") from error
        return cls(
            str(family), rate_hz, start_ns, str(plain.get("placement", "")), str(plain.get("software", ""))
        )

    def __bytes__(self) -> bytes:
        return json.dumps({VERSION_KEY: VERSION, **asdict(self)}).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Notification:
    """What came over the air at once. No bytes at all: the connection ended, and what follows is of another."""

    since_start_ns: int
    data: bytes
    characteristic: str = ""
    """Empty for the one on which the family's samples come."""

    @classmethod
    def from_bytes(cls, line: bytes) -> "Notification":
        """Read a line; ValueError if it is none."""
        plain = _object(line)
        try:
            since_start_ns = round(float(plain["t"]) * 1e9)
            data = bytes.fromhex(plain["hex"])
            characteristic = str(plain.get("char", ""))
        except (KeyError, TypeError, OverflowError, ValueError) as error:
            raise ValueError("it lacks a time `t` in seconds or the bytes `hex`") from error
        if abs(since_start_ns) >= MAX_SINCE_START_NS:
            raise ValueError(f"{plain['t']} s is no time")
        return cls(since_start_ns, data, characteristic)

    def __bytes__(self) -> bytes:
        # A float of seconds is exact to the nanosecond for 26 days.
        char = {"char": self.characteristic} if self.characteristic else {}
        return json.dumps({"t": self.since_start_ns / 1e9, **char, "hex": self.data.hex()}).encode() + b"\n"


def _object(line: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error
    if not isinstance(plain, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 (the line is wrong, not a type of ours)
    return plain


def _private(path: str, flags: int) -> int:
    """Open a file that its owner alone may read: posture is health data."""
    return os.open(path, flags, 0o600)


class CaptureWriter:
    """Writes a new capture; `take` is what `sensor.link.stream` wants for `on_notification`.

    A kill loses a second at most, and leaves at most a torn last line. Raises RecordingUnwritableError when the file
    cannot be made, or is there already. Later, when the disk is full, it stops, and says so in `trouble`: samples go on.
    """

    def __init__(
        self, path: Path, *, family: str, rate_hz: float, placement: str = "", software: str = ""
    ) -> None:
        self._path = path
        self._header = CaptureHeader(family, rate_hz, 0, placement, software)
        self._usual = family_named(family).data_characteristic
        self._flushed_ns: int | None = None
        self.trouble: RecordingUnwritableError | None = None
        """Why it stopped."""
        try:
            self._file = open(path, "xb", opener=_private)  # noqa: SIM115 (Path.open takes no opener)
        except OSError as error:
            raise RecordingUnwritableError(path, error.strerror or str(error)) from error

    def take(self, characteristic: str, data: bytes, time_ns: int) -> None:
        """Write one notification and when it came (UTC); raises nothing."""
        if self.trouble:
            return
        try:
            if self._flushed_ns is None:
                self._header = replace(self._header, start_ns=time_ns)
                self._file.write(bytes(self._header))
                self._flushed_ns = time_ns - FLUSH_NS
            told = "" if characteristic == self._usual else characteristic
            self._file.write(bytes(Notification(time_ns - self._header.start_ns, data, told)))
            # Also when it lies before: the clock was set back between two connections.
            if not 0 <= time_ns - self._flushed_ns < FLUSH_NS:
                self._file.flush()
                self._flushed_ns = time_ns
        except OSError as error:
            self._stop(error)

    def close(self) -> None:
        """Write what is left."""
        try:
            self._file.close()
        except OSError as error:
            self._stop(error)

    def _stop(self, error: OSError) -> None:
        if not self.trouble:
            self.trouble = RecordingUnwritableError(self._path, error.strerror or str(error))
            logger.warning("%s", self.trouble)
        with suppress(OSError):
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
