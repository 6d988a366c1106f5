"""Recordings of a wearer's clips → what they came to, through the very path that the live service takes."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from neckline.commands.output import tell
from neckline.screen.progress import SEEN, bar
from neckline.screen.words import span
from neckline.wearing.clips import Clips
from neckline.wearing.tally import Tally
from neckline.wearing.wearer import Records
from processing.head import HEAD, HEAD_ON_TRUNK
from processing.outputs import Activity, Episode, Epoch
from sensor.errors import RecordingDamagedError
from sensor.recording import AnyRecording
from sensor.samples import Reading, SampleBlock
from storage.errors import RecordingsError

BLOCK_S, BLOCK_OF_TWO_S = 10.0, 1.0
"""What one call of step takes; the outputs are the same for any. Two clips wait for one another for 5 s at most."""

Keep = Callable[[Records, str], None]
"""Stores records under a placement."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one placement came to; what `--json` gives. Times are nanoseconds UTC."""

    recording: Path
    placement: str
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


def judge(clips: Clips, recordings: Mapping[str, AnyRecording], keep: Keep) -> list[Replayed]:
    """Take the recordings of clips by placement, in order of time; return what the back came to, and both together.

    Of a recording that breaks, what came before counts; that it breaks is told.
    """
    sums = {clips.placement: _Sums(), **({HEAD_ON_TRUNK: _Sums()} if clips.head else {})}
    damage: dict[str, str] = {}

    def take(placement: str, records: Records) -> None:
        if placement in sums:
            sums[placement].add(records)
        keep(records, placement)

    for placement, reading in _in_order(recordings, damage):
        for place, records in clips.hear(placement, reading):
            take(place, records)
    for place, records in clips.finish():
        take(place, records)
    settings = clips.wearer.settings
    reference = settings.calibration or settings.standing
    results = [
        sums[clips.placement].result(
            recordings[clips.placement].path,
            clips.placement,
            reference.calibration_id if reference else None,
            settings.on_deg(),
            damage.get(clips.placement, ""),
        )
    ]
    if clips.head is not None:
        calibration = clips.head.settings.calibration
        results.append(
            sums[HEAD_ON_TRUNK].result(
                recordings[HEAD].path,
                HEAD_ON_TRUNK,
                calibration.calibration_id if calibration else None,
                clips.head.settings.head_threshold_deg,
                damage.get(HEAD, ""),
            )
        )
    return results


def _in_order(
    recordings: Mapping[str, AnyRecording], damage: dict[str, str]
) -> Iterator[tuple[str, Reading]]:
    """Yield the readings of all, with progress on a terminal; note where one breaks."""
    block_s = BLOCK_S if len(recordings) == 1 else BLOCK_OF_TWO_S
    streams = [_readings(placement, of, block_s, damage) for placement, of in recordings.items()]
    with bar(SEEN) as progress:
        names = " and ".join(of.path.name for of in recordings.values())
        task = progress.add_task(names, total=None, seen="")
        begin_ns: int | None = None
        for time_ns, placement, reading in heapq.merge(*streams, key=lambda each: each[0]):
            if isinstance(reading, SampleBlock):
                begin_ns = time_ns if begin_ns is None else begin_ns
                progress.update(task, seen=f"{span((time_ns - begin_ns) / 1e9)} of recording")
            yield placement, reading


def _readings(
    placement: str, recording: AnyRecording, block_s: float, damage: dict[str, str]
) -> Iterator[tuple[int, str, Reading]]:
    try:
        for reading in recording.readings(block_s=block_s):
            time_ns = int(reading.time_ns[0]) if isinstance(reading, SampleBlock) else reading.time_ns
            yield time_ns, placement, reading
    except (RecordingDamagedError, RecordingsError) as error:
        damage[placement] = str(error)
        tell(error)


class _Sums:
    """What the records of one placement add up to."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._activity_s: Counter[Activity] = Counter()
        self._episodes: list[Episode] = []
        self._begin_ns: int | None = None
        self._end_ns: int | None = None

    def add(self, records: Records) -> None:
        self._tally = self._tally.count(records)
        for record in records:
            if isinstance(record, Episode):
                self._episodes.append(record)
            elif isinstance(record, Epoch):
                self._activity_s[record.activity] += 1
                self._begin_ns = record.start_ns if self._begin_ns is None else self._begin_ns
                self._end_ns = record.start_ns + 10**9

    def result(
        self,
        path: Path,
        placement: str,
        calibration_id: str | None,
        threshold_deg: float | None,
        damage: str,
    ) -> Replayed:
        seen = self._tally.seen
        return Replayed(
            recording=path,
            placement=placement,
            begin_ns=self._begin_ns,
            end_ns=self._end_ns,
            calibration_id=calibration_id,
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
