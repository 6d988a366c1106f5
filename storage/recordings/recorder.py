"""The readings of one clip → logs in the recordings' folder, an hour each, and from them Parquet.

A thread of its own writes: who hands a reading over waits for nothing, and no trouble with the disk reaches the detector,
its alerts or the journal. While the disk takes nothing readings wait here, up to a bound; what is given up is counted.
Sealing wants pyarrow (the extra `export`) and 40 MB of memory, so a process of its own does it, hour by hour; without
pyarrow logs stay as they are, which every reader here reads as well.
"""

import logging
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from sensor.samples import Reading, SampleBlock, join
from storage.errors import FileDamagedError, RecordingsUnwritableError
from storage.recordings.folder import HOUR_NS, RecordingsFolder, Segment
from storage.recordings.frames import About, encode
from storage.recordings.log import AppendLog

logger = logging.getLogger(__name__)
MAX_LOG_BYTES = 64 << 20
"""A log is read whole when it is sealed; an hour at 200 Hz has 20 MB."""
GATHER_S = 1.0
"""Samples are written so many seconds at a time."""
SYNC_S = 10.0
"""How much a loss of power may cost."""
MOST_WAITING = 40_000
"""Readings that wait at most: some twenty minutes of them, and a few MB."""
SAY_AGAIN_S = 60.0
"""How often a log says again what it is of, from its first samples on: without that, nothing in it can be read."""
RETRY_S = 2.0
MOST_EARLY, MOST_ROWS = 100, 4096
SEAL_S = 300.0
"""How long the sealing of an hour may take before it is left for the next start."""


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """How a recorder fares."""

    waiting: int
    dropped: int
    """Readings that were given up since the start."""
    trouble: RecordingsUnwritableError | None


class Recorder:
    """Of one stream. `put` may be called from one thread, `close` once."""

    def __init__(
        self,
        folder: RecordingsFolder,
        about: Callable[[SampleBlock], About],
        *,
        quota_bytes: int | None = None,
        on_trouble: Callable[[RecordingsUnwritableError | None], None] = lambda _: None,
    ) -> None:
        """Take what says of the first samples what they are, and who is told of trouble, and of its end (None)."""
        self._folder, self._about, self._quota_bytes = folder, about, quota_bytes
        self._on_trouble = on_trouble
        self._waiting: deque[Reading] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._dropped = 0
        self._trouble: RecordingsUnwritableError | None = None
        self._log: AppendLog | None = None
        self._segment: Segment | None = None
        self._of: About | None = None
        self._early: deque[bytes] = deque(maxlen=MOST_EARLY)
        """What came before the first sample, of which nothing can be said yet."""
        self._hour = 0
        self._said_ns = self._synced_ns = 0
        self._unkept: RecordingsUnwritableError | None = None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, reading: Reading) -> None:
        """Hand a reading over; returns at once."""
        if isinstance(reading, SampleBlock) and not len(reading):
            return  # it has no time, by which all is ordered here
        with self._wake:
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(reading)
            self._wake.notify()

    def close(self, within_s: float) -> None:
        """Write what waits, for so long at most; the log is sealed at the next start."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(within_s)

    @property
    def status(self) -> RecorderStatus:
        """How it fares."""
        with self._wake:
            return RecorderStatus(len(self._waiting), self._dropped, self._trouble)

    # ---- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            batch, closing = self._take()
            if batch and not self._written(batch):
                if closing:
                    self._give_up(len(batch))
                    logger.warning("at the stop %d readings could not be recorded any more", len(batch))
                    break
                self._put_back(batch)
                continue
            if closing:
                break
        if self._log is not None:
            self._sync(self._log)
            self._log.close()

    def _take(self) -> tuple[list[Reading], bool]:
        """Return what waits once it is a second of samples, or anything else, or the end."""
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._is_enough())
            batch = list(self._waiting)
            self._waiting.clear()
            return batch, self._closing

    def _put_back(self, batch: list[Reading]) -> None:
        """Have what was not written wait again, before what came since, and be tried again by and by."""
        with self._wake:
            self._waiting.extendleft(reversed(batch))
            while len(self._waiting) > MOST_WAITING:
                self._waiting.popleft()
                self._dropped += 1
            self._wake.wait_for(lambda: self._closing, RETRY_S)

    def _give_up(self, readings: int) -> None:
        with self._wake:
            self._dropped += readings

    def _is_enough(self) -> bool:
        if not self._waiting:
            return False
        first, last = self._waiting[0], self._waiting[-1]
        if not isinstance(first, SampleBlock) or not isinstance(last, SampleBlock):
            return True
        return bool(last.time_ns[-1] - first.time_ns[0] >= GATHER_S * 1e9)

    def _written(self, batch: list[Reading]) -> bool:
        """Write readings, blocks joined, and take them from the batch; False if the disk takes no more at present."""
        stumble: RecordingsUnwritableError | None = None
        singly = False
        while batch:
            try:
                message, used = (batch[0], 1) if singly else _joined(batch)
                self._write(message)
                del batch[:used]
                self._keep_up(message)
            except RecordingsUnwritableError as error:
                self._tell(error)
                return False
            except Exception as error:  # noqa: BLE001 (a reading that cannot be written must not end all recording)
                # Nor may it cost those that it was joined with: which of them it is shows when each is tried alone.
                if singly:
                    stumble = RecordingsUnwritableError(self._folder.path, f"{type(error).__name__}: {error}")
                    self._give_up(len(batch[:1]))
                    del batch[:1]
                singly = True
        self._tell(stumble or self._unkept)
        return True

    def _write(self, reading: Reading) -> None:
        if isinstance(reading, SampleBlock):
            self._see_to_a_log(reading)
        if self._log is None or self._of is None:
            message = encode(reading)
            if len(self._early) == MOST_EARLY:
                self._give_up(1)
            self._early.append(message)
            return
        while self._early:
            self._log.append(self._early[0])
            self._early.popleft()
        self._log.append(encode(reading, self._of.scale))

    def _keep_up(self, written: Reading) -> None:
        """Say again by and by what the log is of, and have the disk keep it."""
        if self._log is None or self._of is None or not isinstance(written, SampleBlock):
            return
        until_ns = int(written.time_ns[-1])
        if until_ns - self._said_ns >= SAY_AGAIN_S * 1e9:
            self._log.append(encode(self._of))
            self._said_ns = until_ns
        if until_ns - self._synced_ns >= SYNC_S * 1e9:
            self._sync(self._log)
            if self._unkept is None:
                self._synced_ns = until_ns

    def _sync(self, log: AppendLog) -> None:
        """Have the disk keep a log. That it cannot at present is told, and keeps nothing from being written."""
        try:
            log.sync()
        except RecordingsUnwritableError as error:
            self._unkept = error
        else:
            self._unkept = None

    def _see_to_a_log(self, block: SampleBlock) -> None:
        """Go on with the log, or begin the next one: of another hour, too long, or of other samples."""
        hour, of = int(block.time_ns[0]) // HOUR_NS, self._about(block)
        if (
            self._log is not None
            and hour == self._hour
            and of == self._of
            and self._log.bytes < MAX_LOG_BYTES
        ):
            return
        segment = self._folder.begin(of.stream, int(block.time_ns[0]))
        before, self._log = self._log, AppendLog.begun(segment.path, encode(of))
        self._segment, self._of, self._hour = segment, of, hour
        self._said_ns = self._synced_ns = 0
        if before is not None:
            self._sync(before)
            before.close()
        self._seal_others(of)

    def _seal_others(self, of: About) -> None:
        """Have all logs but the present one sealed, and the folder kept within its bounds."""
        logs = [
            each for each in self._folder.segments(of.stream) if not each.is_sealed and each != self._segment
        ]
        if logs and find_spec("pyarrow") is not None:
            paths = [str(each.path) for each in logs]
            apart = [sys.executable, "-P", "-m", "storage.recordings.recorder", *paths]
            threading.Thread(target=_run_apart, args=(apart,), daemon=True).start()
        if self._quota_bytes is not None:
            self._folder.shrink(self._quota_bytes)

    def _tell(self, trouble: RecordingsUnwritableError | None) -> None:
        with self._wake:
            # By its reason: of the same trouble each try may name another file.
            is_new = (trouble and trouble.detail) != (self._trouble and self._trouble.detail)
            self._trouble = trouble
        if is_new:
            self._on_trouble(trouble)


def _joined(batch: list[Reading]) -> tuple[Reading, int]:
    """Return the first reading, joined with the blocks after it that go well with it, and how many readings that was."""
    first, blocks, rows = batch[0], list[SampleBlock](), 0
    if not isinstance(first, SampleBlock):
        return first, 1
    for each in batch:
        if not isinstance(each, SampleBlock) or not _like(each, first):
            break
        rows += len(each)
        if blocks and rows > MOST_ROWS:
            break
        blocks.append(each)
    return join(blocks), len(blocks)


def _like(one: SampleBlock, other: SampleBlock) -> bool:
    """Tell whether two blocks belong into one message: of the same samples and hour."""
    hours = {int(each.time_ns[0]) // HOUR_NS for each in (one, other)}
    return (
        len(hours) == 1
        and one.rate_hz == other.rate_hz
        and (one.gyr_radps is None) is (other.gyr_radps is None)
    )


def _run_apart(command: list[str]) -> None:
    """Run a process to its end; one that takes too long is ended, and its work left for the next start."""
    try:
        subprocess.run(command, capture_output=True, timeout=SEAL_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return


def main(paths: list[str]) -> None:
    """Seal logs; what cannot be is left as it is."""
    from pathlib import Path  # noqa: PLC0415 (of this process alone)

    from storage.recordings.folder import segment_of  # noqa: PLC0415
    from storage.recordings.sealing import seal  # noqa: PLC0415 (pyarrow)

    for path in map(Path, paths):
        segment = segment_of(path)
        if segment is not None:
            try:
                seal(segment)
            except (OSError, FileDamagedError) as error:
                sys.stderr.write(f"{path}: {error}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
