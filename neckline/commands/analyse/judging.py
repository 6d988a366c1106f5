"""One recording → what it comes to by each of some settings, in one reading: all hear the very same samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from neckline.commands.analyse.sides import Side
from neckline.configuration.schedule import Schedule
from neckline.wearing.memory import Memory
from neckline.wearing.wearer import Wearer
from processing.epochs import SECOND_NS
from processing.exposure.angles import Bands, Percentiles, angle_percentiles, bands
from processing.exposure.balance import Balance, balance
from processing.exposure.bouts import Bouts, bouts
from processing.exposure.columns import EpochColumns
from processing.exposure.recovery import Recovery, recovery
from processing.outputs import Episode, Epoch, Event, EventKind
from sensor.errors import RecordingError
from sensor.recording import AnyRecording
from sensor.samples import SampleBlock
from storage.errors import RecordingsError
from storage.schema import Record

BLOCK_S = 10.0
"""What one call of step takes; the outputs are the same for any."""

Heard = Callable[[float], bool]
"""Is told how many seconds of a recording have been heard; answers whether to go on."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a recording came to by one side."""

    threshold_deg: float | None
    hold_s: float
    balance: Balance
    bands: Bands
    angle_deg: Percentiles
    slouched: Bouts
    recovery: Recovery
    episodes: tuple[Episode, ...]
    alerts: int


@dataclass(frozen=True, slots=True)
class Analysed:
    """One recording by all sides. Times are nanoseconds UTC."""

    recording: Path
    begin_ns: int | None
    """Of the first second; None when there was none."""
    end_ns: int | None
    received: int
    missing: int
    corrupt: int
    sides: tuple[Judged, ...]
    differing_s: int
    """Seconds whose posture is not the same by all sides."""
    damage: str
    """Where the recording breaks; empty when it is whole."""
    way_out: str
    """What to do about the damage."""


def judge(recording: AnyRecording, sides: Sequence[Side], memory: Memory, heard: Heard) -> Analysed | None:
    """Judge a recording by each side; None when `heard` said to stop. Of a broken one, what came before counts."""
    judges = [_Judge.of(side, memory) for side in sides]
    damage = way_out = ""
    begin_ns: int | None = None
    try:
        for reading in recording.readings(block_s=BLOCK_S):
            for each in judges:
                each.add(each.wearer.hear(reading))
            if isinstance(reading, SampleBlock) and len(reading):
                begin_ns = int(reading.time_ns[0]) if begin_ns is None else begin_ns
                if not heard((int(reading.time_ns[-1]) - begin_ns) / 1e9):
                    return None
    except (RecordingError, RecordingsError) as error:
        damage, way_out = str(error), error.way_out
    for each in judges:
        each.add(each.wearer.finish())
    return _analysed(recording.path, judges, damage, way_out)


@dataclass(slots=True)
class _Judge:
    """A wearer by one side, and what has been found so far."""

    wearer: Wearer
    epochs: list[Epoch] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    alerts_ns: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, side: Side, memory: Memory) -> "_Judge":
        schedule = Schedule.parse(side.config.alerts.schedule)
        return cls(Wearer(side.config.settings(), memory, schedule=schedule))

    def add(self, records: tuple[Record, ...]) -> None:
        for record in records:
            if isinstance(record, Epoch):
                self.epochs.append(record)
            elif isinstance(record, Episode):
                self.episodes.append(record)
            elif isinstance(record, Event) and record.kind is EventKind.SLOUCH_ALERT:
                self.alerts_ns.append(record.time_ns)

    def result(self, columns: EpochColumns) -> Judged:
        settings = self.wearer.settings
        return Judged(
            threshold_deg=settings.on_deg(),
            hold_s=settings.hold_s,
            balance=balance(columns),
            bands=bands(columns),
            angle_deg=angle_percentiles(columns),
            slouched=bouts(columns),
            recovery=recovery(columns, self.alerts_ns),
            episodes=tuple(self.episodes),
            alerts=len(self.alerts_ns),
        )


def _analysed(path: Path, judges: Sequence[_Judge], damage: str, way_out: str) -> Analysed:
    columns = [EpochColumns.of_epochs(each.epochs) for each in judges]
    first, postures = columns[0], [each.posture for each in columns]
    same = np.logical_and.reduce([posture == postures[0] for posture in postures])
    epochs = judges[0].epochs
    return Analysed(
        recording=path,
        begin_ns=int(first.start_ns[0]) if len(first) else None,
        end_ns=int(first.start_ns[-1]) + SECOND_NS if len(first) else None,
        received=sum(epoch.received for epoch in epochs),
        missing=sum(epoch.missing for epoch in epochs),
        corrupt=sum(epoch.corrupt for epoch in epochs),
        sides=tuple(each.result(of) for each, of in zip(judges, columns, strict=True)),
        differing_s=len(first) - int(same.sum()),
        damage=damage,
        way_out=way_out,
    )
