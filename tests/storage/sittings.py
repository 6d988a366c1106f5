"""What a synthetic wearer leaves in a journal: ten minutes through the product's own `step`, second by second."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from processing.outputs import Stance
from processing.state import WearerState
from processing.step import finish, step
from sensor.samples import BatteryReading
from storage.entries import Batch, Stream
from storage.schema import KINDS, Kind, Record, ServiceHealth, StanceCalibration
from tests.processing.people import CALIBRATION, START_NS, Held, samples, settings

SECONDS = 600
POSES = (Held(120), Held(90, 25), Held(60), Held(60, shake_g=0.3), Held(120, 30), Held(60), Held(90, 22, 5))
SENT = [kind for kind in KINDS if kind.measurement is not None]


@cache
def _steps() -> tuple[tuple[tuple[Record, ...], bytes], ...]:
    block = samples(POSES)
    rows = round(block.rate_hz)
    state, with_settings = WearerState(), settings()
    steps = []
    for begin in range(0, len(block), rows):
        state, found = step(state, block[begin : begin + rows], with_settings)
        steps.append((found.epochs + found.minutes + found.episodes + found.events, state.to_bytes()))
    state, found = finish(state, with_settings)
    steps.append((found.epochs + found.minutes + found.episodes + found.events, state.to_bytes()))
    return tuple(steps)


def sitting(stream: Stream) -> list[Batch]:
    """Return ten minutes of a wearer as a service puts them: a calibration, a batch a second, the battery."""
    first: tuple[Record, ...] = (
        StanceCalibration(Stance.SITTING, CALIBRATION),
        BatteryReading(START_NS, 88.0),
        BatteryReading(START_NS + 300_000_000_000, 87.5, 3.91),
        ServiceHealth(START_NS, "streaming", 0.0, 0, 88.0, 2, 0, 17, 1.5, 0),
    )
    return [Batch(stream, first), *(Batch(stream, records, state) for records, state in _steps())]


def as_stored(kind: Kind[Any], stream: Stream, records: Iterable[Any]) -> list[dict[str, Any]]:
    """Return records as InfluxDB should give them back, by time and without what is not known."""
    names = ["time", *(column.name for column in kind.columns[1:])]
    tags = {"wearer": stream.wearer, "placement": stream.placement}
    rows = [dict(zip(names, kind.to_row(record), strict=True)) for record in records]
    return [tags | {name: value for name, value in row.items() if value is not None} for row in rows]
