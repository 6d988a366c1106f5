"""`neckline analyse` without recordings: what is stored of a wearer, as exposure, and how two periods differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo

from neckline.commands.analyse.periods import Period
from neckline.commands.analyse.tables import show_changes, show_exposure
from neckline.commands.output import give, give_json, say
from neckline.errors import NothingInPeriodError, NothingStoredError
from neckline.exits import Exit
from neckline.screen.progress import bar
from neckline.wearing.tally import ALERTS
from processing.exposure.columns import EpochColumns
from processing.exposure.summary import Exposure, expose
from storage.entries import Stream
from storage.history import History
from storage.schema import CALIBRATION, EPOCH, EVENT

EPOCH_COLUMNS = tuple(
    [column.name for column in EPOCH.columns].index(name)
    for name in ("start_ns", "activity", "posture", "sagittal_deg")
)
PROGRESS_EVERY = 5000


@dataclass(frozen=True, slots=True)
class LookedBack:
    """The exposure of a period, and what it was measured by."""

    wearer: str
    placement: str
    period: str
    zone: str
    calibrations: tuple[str, ...]
    """Those in force: angles count from the pose of each."""
    skipped: int
    """Damaged rows that are not in it."""
    exposure: Exposure


def look_back(history: History, stream: Stream, period: Period, zone: tzinfo, *, as_json: bool) -> Exit:
    """Show the exposure of a period. Raises StorageError, NothingStoredError, NothingInPeriodError."""
    with history.snapshot():
        found = _read(history, stream, period, zone)
    if as_json:
        give_json(found)
    else:
        _head(found)
        show_exposure(found.exposure, zone)
    return _end(found.skipped)


def compare(
    history: History, stream: Stream, periods: tuple[Period, Period], zone: tzinfo, *, as_json: bool
) -> Exit:
    """Show what changed from one period to another. Raises as `look_back`."""
    from processing.exposure.change import Change, Measure, change  # noqa: PLC0415 (scipy)

    with history.snapshot():
        before, after = (_read(history, stream, period, zone) for period in periods)
    days = before.exposure.days, after.exposure.days
    changes: tuple[Change, ...] = tuple(change(*days, measure) for measure in Measure)
    if as_json:
        give_json({"before": before, "after": after, "changes": changes})
    else:
        for each in (before, after):
            _head(each)
        show_changes((before.period, after.period), (before.exposure, after.exposure), changes)
    return _end(before.skipped + after.skipped)


def _read(reader: History, stream: Stream, period: Period, zone: tzinfo) -> LookedBack:
    if stream not in reader.streams():
        raise NothingStoredError(reader.title, [f"{stream.wearer} at {stream.placement}"])
    since_ns, until_ns = period.span_ns(zone)
    skipped = reader.skipped
    columns = EpochColumns.of(_seconds(reader, stream, since_ns, until_ns))
    if not len(columns):
        raise NothingInPeriodError(reader.title, stream.wearer, str(period))
    alerts_ns = [
        event.time_ns for event in reader.read(EVENT, stream, since_ns, until_ns) if event.kind in ALERTS
    ]
    return LookedBack(
        wearer=stream.wearer,
        placement=stream.placement,
        period=str(period),
        zone=str(zone),
        calibrations=_calibrations(reader, stream, int(columns.start_ns[0]), int(columns.start_ns[-1])),
        skipped=reader.skipped - skipped,
        exposure=expose(columns, alerts_ns, zone),
    )


def _seconds(
    reader: History, stream: Stream, since_ns: int | None, until_ns: int | None
) -> Iterator[tuple[int, str, str, float | None]]:
    """Yield what the figures need of each epoch, with progress on a terminal."""
    start, activity, posture, angle = EPOCH_COLUMNS
    with bar() as progress:
        task = progress.add_task("reading", total=reader.count(EPOCH, stream, since_ns, until_ns))
        for number, row in enumerate(reader.rows(EPOCH, stream, since_ns, until_ns)):
            if number % PROGRESS_EVERY == 0:
                progress.update(task, completed=number)
            yield row[start], row[activity], row[posture], row[angle]  # type: ignore[misc]  # as the schema has them


def _calibrations(reader: History, stream: Stream, first_ns: int, last_ns: int) -> tuple[str, ...]:
    """Return those captured meanwhile, and the newest of each stance from before."""
    before: dict[str, str] = {}
    meanwhile = []
    for captured in reader.read(CALIBRATION, stream, until_ns=last_ns + 1):
        name = captured.calibration.calibration_id
        if captured.calibration.captured_ns < first_ns:
            before[captured.stance] = name
        else:
            meanwhile.append(name)
    return (*before.values(), *meanwhile)


def _head(found: LookedBack) -> None:
    give(f"{found.wearer}, {found.placement}: {found.period}, {found.zone}")
    give(f"angles from the pose of {', '.join(found.calibrations) or 'no calibration'}")


def _end(skipped: int) -> Exit:
    if skipped:
        say(f"neckline: warning: {skipped} rows of the journal are damaged and not in it")
    return Exit.OK
