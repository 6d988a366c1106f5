"""Recordings as a source of readings: captures of what came over the air (.jsonl), and tables of samples (.csv).

A capture goes through the very session that a live link uses: replay is live, to the last bit. Both are read a line
at a time, never whole, and say at which line they break. docs/recordings.md describes them for people.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from sensor.advertisement import Identity
from sensor.capture import MAX_NS, VERSION_KEY, CaptureHeader, Notification
from sensor.errors import RecordingDamagedError, RecordingError, RecordingUnreadableError
from sensor.families import FAMILIES, Family, family_named
from sensor.samples import LinkChange, LinkState, Reading, SampleBlock, gathered
from sensor.session import Refusal

ACC_COLUMNS = "time_ns,acc_x_mps2,acc_y_mps2,acc_z_mps2"
GYR_COLUMNS = "gyr_x_radps,gyr_y_radps,gyr_z_radps"
TABLES = {ACC_COLUMNS.encode(): 3, f"{ACC_COLUMNS},{GYR_COLUMNS}".encode(): 6}
"""First lines, and how many numbers follow the time in the others."""
UNTOLD_START_NS = 946_684_800 * 10**9
"""2000-01-01 UTC: where a capture begins that does not say when, so that nobody takes it for a real date."""
MAX_LINE_BYTES = 1 << 16
GUESS_S = 5.0
GUESS_ROWS = 500
"""How much is read to find the rate."""
MIN_RATE_HZ, MAX_RATE_HZ = 1.0, 2000.0
"""A table beyond these has times in another unit."""
BLOCK_S = 1.0


class AnyRecording(Protocol):
    """Something recorded, to be read any number of times."""

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def rate_hz(self) -> float:
        """Samples a second."""

    def readings(self, *, block_s: float = BLOCK_S) -> Iterator[Reading]:
        """Yield all that is in it, samples in blocks of about `block_s`; raise where it is broken, after all before."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording to be read: made by `open`, read by `readings` any number of times."""

    path: Path
    rate_hz: float
    """What the clip was set to, or what a table's times show."""
    header: CaptureHeader | None
    """Of a capture: what it says of itself, or what is taken for granted. None for a table."""

    @classmethod
    def open(cls, path: Path, *, rate_hz: float | None = None, start_ns: int | None = None) -> "Recording":
        """Look into a file. RecordingUnreadableError if it is no recording.

        `rate_hz` and `start_ns` (of captures) go before what it says of itself, or what can be seen.
        """
        _, first = next(_lines(path), (0, b""))
        if not first:
            raise RecordingUnreadableError(path, "it is empty")
        if first.startswith(b"{"):
            return _open_capture(path, first, rate_hz, start_ns)
        if first.strip() in TABLES:
            return _open_table(path, rate_hz)
        raise RecordingUnreadableError(path, f"its first line is neither JSON nor `{ACC_COLUMNS},…`")

    def readings(self, *, block_s: float = BLOCK_S) -> Iterator[Reading]:
        """Yield all that is in it, samples in blocks of about `block_s`.

        Raises RecordingDamagedError where it is broken or was cut off, after all that came before has been given.
        """
        readings = _from_capture(self.path, self.header) if self.header else _from_table(self)
        return gathered(readings, round(block_s * 1e9))


# ---- captures ------------------------------------------------------------------------------------------------------


def _open_capture(path: Path, first: bytes, rate_hz: float | None, start_ns: int | None) -> Recording:
    try:
        if VERSION_KEY.encode() in first:
            told = CaptureHeader.from_bytes(first)
            rate_hz = rate_hz or told.rate_hz
            start_ns = told.start_ns if start_ns is None else start_ns
            header = CaptureHeader(told.family, rate_hz, start_ns, told.placement, told.software)
        else:
            family = next(iter(FAMILIES.values()))
            rate_hz = rate_hz or _rate_of_capture(path, family)
            header = CaptureHeader(family.name, rate_hz, UNTOLD_START_NS if start_ns is None else start_ns)
    except ValueError as error:
        raise RecordingUnreadableError(path, str(error)) from error
    return Recording(path, rate_hz, header)


def _notifications(path: Path) -> Iterator[Notification]:
    latest_ns = -MAX_NS
    for number, line in _lines(path):
        if number == 1 and VERSION_KEY.encode() in line:
            continue
        try:
            notification = Notification.from_bytes(line)
            if notification.since_start_ns < latest_ns:
                raise ValueError("its time lies before that of the line before")  # noqa: TRY301
        except ValueError as error:
            raise _damage(path, number, line, str(error)) from error
        # A clock that was wrong may be set back between two connections: sensor.link follows it there.
        latest_ns = notification.since_start_ns if notification.data else -MAX_NS
        yield notification


def _rate_of_capture(path: Path, family: Family) -> float:
    """Return the setting of the family that is nearest to how fast samples come at the beginning."""
    session = family.open_session(family.default_rate_hz)
    arrivals_ns: list[int] = []
    blocks: list[SampleBlock] = []
    first = 0
    with suppress(RecordingDamagedError):
        for notification in _notifications(path):
            if not notification.data:
                break  # the next connection may be earlier
            arrivals_ns.append(notification.since_start_ns)
            if arrivals_ns[-1] - arrivals_ns[0] > GUESS_S * 1e9:
                break
            characteristic = notification.characteristic or family.data_characteristic
            found = session.received(characteristic, notification.data, notification.since_start_ns)
            blocks += [reading for reading in found if isinstance(reading, SampleBlock)]
            first = first or sum(map(len, blocks))
    samples = sum(map(len, blocks + session.flush())) - first
    if samples <= 0 or arrivals_ns[-1] == arrivals_ns[0]:
        return family.default_rate_hz
    seen_hz = samples * 1e9 / (arrivals_ns[-1] - arrivals_ns[0])
    return min(family.rates_hz, key=lambda rate_hz: abs(math.log(rate_hz / seen_hz)))


def _from_capture(path: Path, header: CaptureHeader) -> Iterator[Reading]:
    """Give each notification to the family's session, and each connection a session of its own, as live."""
    family = family_named(header.family)
    session, streaming = family.open_session(header.rate_hz), False
    try:
        for notification in _notifications(path):
            time_ns, data = header.start_ns + notification.since_start_ns, notification.data
            characteristic = notification.characteristic or family.data_characteristic
            for reading in session.received(characteristic, data, time_ns) if data else session.flush():
                if isinstance(reading, SampleBlock) and not streaming:
                    streaming = True
                    yield LinkChange(time_ns, LinkState.STREAMING)
                if not isinstance(reading, Identity | Refusal):
                    yield reading
            if not data:
                if streaming:
                    yield LinkChange(time_ns, LinkState.WAITING, "the link ended here when this was recorded")
                session, streaming = family.open_session(header.rate_hz), False
    except RecordingError:
        yield from session.flush()
        raise
    yield from session.flush()


# ---- tables --------------------------------------------------------------------------------------------------------


def _open_table(path: Path, rate_hz: float | None) -> Recording:
    rate_hz = rate_hz or _rate_of_table(path)
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise RecordingUnreadableError(
            path, f"at {rate_hz:g} samples a second its times cannot be nanoseconds"
        )
    return Recording(path, rate_hz, None)


def _rate_of_table(path: Path) -> float:
    """Return the rate that the first times show: samples that are missing leave steps of several periods."""
    times_ns: list[int] = []
    try:
        for time_ns, _ in islice(_rows(path), GUESS_ROWS):
            times_ns.append(time_ns)
    except RecordingDamagedError:
        if len(times_ns) < 2:
            raise
    if len(times_ns) < 2:
        raise RecordingUnreadableError(path, "it has fewer than two samples, and no rate was given")
    steps_ns = np.diff(times_ns)
    periods = np.maximum(1, np.rint(steps_ns / np.median(steps_ns)))
    return float(periods.sum() / steps_ns.sum() * 1e9)


def _rows(path: Path) -> Iterator[tuple[int, list[float]]]:
    width, latest_ns = 0, -1
    for number, line in _lines(path):
        if number == 1:
            width = TABLES[line.strip()]
            continue
        try:
            time_ns, row = _row(line, width)
            if time_ns <= latest_ns:
                raise ValueError("its time is not later than that of the line before")  # noqa: TRY301
        except ValueError as error:
            raise _damage(path, number, line, str(error)) from error
        latest_ns = time_ns
        yield time_ns, row


def _row(line: bytes, width: int) -> tuple[int, list[float]]:
    time_text, *texts = line.split(b",")
    if len(texts) != width:
        raise ValueError(f"it has {1 + len(texts)} columns, and the first line has {1 + width}")
    if line[-1:] != b"\n":
        raise ValueError("its last number may lack digits")
    time_ns = int(time_text)
    if not 0 <= time_ns < MAX_NS:
        raise ValueError(f"{time_ns} is no time in nanoseconds")
    try:
        return time_ns, [*map(float, texts)]
    except ValueError:
        # An empty field is how many programs write a number that is none.
        return time_ns, [float(text) if text.strip() else math.nan for text in texts]


def _from_table(table: Recording) -> Iterator[Reading]:
    times_ns: list[int] = []
    values: list[list[float]] = []
    length = max(1, round(table.rate_hz * BLOCK_S))
    try:
        for number, (time_ns, row) in enumerate(_rows(table.path)):
            if number == 0:
                yield LinkChange(time_ns, LinkState.STREAMING)
            times_ns.append(time_ns)
            values.append(row)
            if len(times_ns) == length:
                yield _block(times_ns, values, table.rate_hz)
                times_ns, values = [], []
    except RecordingError:
        if times_ns:
            yield _block(times_ns, values, table.rate_hz)
        raise
    if times_ns:
        yield _block(times_ns, values, table.rate_hz)


def _block(times_ns: list[int], values: list[list[float]], rate_hz: float) -> SampleBlock:
    rows = np.array(values)
    gyr = rows[:, 3:] if rows.shape[1] > 3 else None
    return SampleBlock(np.array(times_ns, np.int64), rows[:, :3], gyr, rate_hz)


# ---- lines ---------------------------------------------------------------------------------------------------------


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines, and their numbers from 1; RecordingUnreadableError when the file cannot be read."""
    number = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE_BYTES):
                number += 1
                yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
    except OSError as error:
        raise RecordingUnreadableError(path, error.strerror or str(error)) from error


def _damage(path: Path, number: int, line: bytes, detail: str) -> RecordingDamagedError:
    whole = line.endswith(b"\n") or len(line) == MAX_LINE_BYTES
    return RecordingDamagedError(
        path, number, detail if whole else "the file was cut off in the middle of it"
    )
