"""`neckline replay`: recordings through the very detector that judges live, with a summary of each."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from neckline.commands.output import give, give_json, tell
from neckline.commands.poses import Poses, reference
from neckline.configuration.config import Config
from neckline.configuration.schedule import Schedule
from neckline.errors import NoCalibrationError
from neckline.exits import Exit
from neckline.screen.words import ACTIVITY_WORDS, span
from neckline.wearing.memory import Memory
from neckline.wearing.tally import Tally
from neckline.wearing.wearer import Wearer
from processing.calibration import Calibration
from processing.outputs import Activity, Episode, Epoch, Stance
from sensor.errors import RecordingDamagedError
from sensor.recording import Recording
from sensor.samples import SampleBlock
from storage.entries import Batch, Stream
from storage.journal import Journal
from storage.schema import Record

BLOCK_S = 10.0
"""What one call of step takes; the outputs are the same for any."""
COMMIT_BATCHES = 30


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one recording came to; what `--json` gives. Times are nanoseconds UTC."""

    recording: Path
    begin_ns: int | None
    """Of the first second; None when there was none."""
    end_ns: int | None
    calibration_id: str | None
    threshold_deg: float | None
    activity_s: dict[Activity, int]
    upright_s: int
    slouched_s: int
    unknown_s: int
    alerts: int
    episodes: tuple[Episode, ...]
    received: int
    missing: int
    corrupt: int
    damage: str
    """Where the recording breaks; empty when it is whole."""


def replay(
    config: Config,
    recordings: list[Path],
    *,
    poses: Poses | None,
    rate_hz: float | None,
    remembered: Path,
    store: Path | None,
    wearer_id: str | None,
    as_json: bool,
) -> Exit:
    """Judge recordings one after the other, each on its own; show what each came to.

    `remembered` is the journal whose last calibration serves where no poses are named; with `store` all is written
    into that journal. Raises RecordingUnreadableError, CalibrationRefusedError, StorageError.
    """
    opened = [Recording.open(path, rate_hz=rate_hz) for path in recordings]
    stream = Stream(wearer_id or config.wearer_id(), config.wearer.placement) if store else None
    memory = reference(config, opened[0], poses, remembered, wearer_id)
    end = Exit.OK if memory.calibration or memory.standing else tell(NoCalibrationError())
    results = []
    with ExitStack() as stack:
        journal = None
        if store is not None:
            journal = stack.enter_context(Journal.open(store, "neckline replay"))
        for recording in opened:
            results.append(_judge(config, recording, memory, journal, stream, fresh=poses is not None))
            if not as_json:
                _show(results[-1])
    if as_json:
        give_json(results)
    return Exit.RECORDING if any(result.damage for result in results) else end


def _judge(
    config: Config,
    recording: Recording,
    memory: Memory,
    journal: Journal | None,
    stream: Stream | None,
    *,
    fresh: bool,
) -> Replayed:
    """Run one recording through the detector; store on the way."""
    wearer = Wearer(config.settings(), memory, schedule=Schedule.parse(config.alerts.schedule))
    sums = _Sums()
    waiting: list[Batch] = []
    damage = ""

    def keep(records: tuple[Record, ...]) -> None:
        if journal is None or stream is None:
            return
        if records:
            waiting.append(Batch(stream, records))
        if len(waiting) >= COMMIT_BATCHES:
            journal.commit(waiting)
            waiting.clear()

    if fresh and memory.calibration is not None:
        keep(wearer.calibrated(memory.calibration, Stance.SITTING))
    try:
        for records in _heard(wearer, recording):
            sums.add(records)
            keep(records)
    except RecordingDamagedError as error:
        damage = str(error)
        tell(error)
    records = wearer.finish()
    sums.add(records)
    keep(records)
    if journal is not None and waiting:
        journal.commit(waiting)
    settings = wearer.settings
    reference = settings.calibration or settings.standing
    return sums.result(recording.path, reference, settings.on_deg(), damage)


def _heard(wearer: Wearer, recording: Recording) -> Iterator[tuple[Record, ...]]:
    """Yield the records of each reading, with progress on a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[seen]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(recording.path.name, total=None, seen="")
        begin_ns: int | None = None
        for reading in recording.readings(block_s=BLOCK_S):
            if isinstance(reading, SampleBlock):
                begin_ns = int(reading.time_ns[0]) if begin_ns is None else begin_ns
                seen = span((int(reading.time_ns[-1]) - begin_ns) / 1e9)
                progress.update(task, seen=f"{seen} of recording")
            yield wearer.hear(reading)


class _Sums:
    """What the records of one recording add up to."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._activity_s: Counter[Activity] = Counter()
        self._episodes: list[Episode] = []
        self._begin_ns: int | None = None
        self._end_ns: int | None = None

    def add(self, records: tuple[Record, ...]) -> None:
        self._tally = self._tally.count(records)
        for record in records:
            if isinstance(record, Episode):
                self._episodes.append(record)
            elif isinstance(record, Epoch):
                self._activity_s[record.activity] += 1
                self._begin_ns = record.start_ns if self._begin_ns is None else self._begin_ns
                self._end_ns = record.start_ns + 10**9

    def result(
        self, path: Path, reference: Calibration | None, threshold_deg: float | None, damage: str
    ) -> Replayed:
        seen = self._tally.seen
        return Replayed(
            recording=path,
            begin_ns=self._begin_ns,
            end_ns=self._end_ns,
            calibration_id=reference.calibration_id if reference else None,
            threshold_deg=threshold_deg,
            activity_s={kind: self._activity_s[kind] for kind in Activity if self._activity_s[kind]},
            upright_s=seen.upright_s,
            slouched_s=seen.slouched_s,
            unknown_s=seen.unknown_s,
            alerts=seen.alerts,
            episodes=tuple(self._episodes),
            received=self._tally.received,
            missing=self._tally.missing,
            corrupt=self._tally.corrupt,
            damage=damage,
        )


def _show(result: Replayed) -> None:
    seconds = result.upright_s + result.slouched_s + result.unknown_s
    give(f"{result.recording}: {span(seconds)} seen")
    if result.calibration_id:
        threshold = f", slouched from {result.threshold_deg:.0f}° on" if result.threshold_deg else ""
        give(f"  judged by   {result.calibration_id}{threshold}")
    else:
        give("  judged by   nothing: there is no calibration")
    posture = (("upright", result.upright_s), ("slouched", result.slouched_s), ("unknown", result.unknown_s))
    give("  posture     " + ", ".join(f"{word} {span(s)}" for word, s in posture))
    activity = (f"{ACTIVITY_WORDS[kind]} {span(s)}" for kind, s in result.activity_s.items())
    give("  activity    " + (", ".join(activity) or "none"))
    give(f"  samples     {result.received} received, {result.missing} missing, {result.corrupt} corrupt")
    give(f"  slouches    {len(result.episodes)} sustained, {result.alerts} alerts")
    for episode in result.episodes:
        begin_s = (episode.onset_ns - (result.begin_ns or 0)) / 1e9
        give(
            f"              at {begin_s:.0f} s for {span(episode.duration_s)}, up to {episode.peak_deg:.0f}°, "
            f"end {episode.end}"
        )
