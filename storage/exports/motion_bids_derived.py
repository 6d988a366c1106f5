"""What neckline made of a wearer's samples → a derivative dataset after Motion-BIDS.

A run is a day (UTC) of one clip; its rows are the seconds that were judged or counted, and `latency` says when each began.
Events and episodes are in the table of events, the calibrations that angles rest on in the sidecar. The validator knows
no names of files for derivatives of motion, so they are those of raw data; the description says what they are.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from processing.outputs import Activity, Posture
from storage.entries import Stream
from storage.exports.bids import NOT_KNOWN, BidsFolder, Json, Run, latency, sidecar, table
from storage.exports.sharing import Sharing
from storage.gaps import SECOND_NS, Gaps
from storage.history import History
from storage.schema import CALIBRATION, EPISODE, EPOCH, EVENT, Column, Row, Type

DAY_NS = 86_400 * SECOND_NS
UNITS = {"deg": "deg", "[g]": "g", "Hz": "Hz"}
CODES: dict[str, tuple[str, ...]] = {"activity": tuple(Activity), "posture": tuple(Posture)}
"""Words of which a table of numbers has the places."""
EVENT_COLUMNS: Json = {
    "onset": {"Description": "Seconds since the first row of the run.", "Units": "s"},
    "duration": {"Description": "Of an episode; 0 for what has none.", "Units": "s"},
    "trial_type": {
        "Description": "`episode` for a sustained slouch, else what happened, in neckline's words."
    },
    "value": {"Description": EVENT.columns[4].meaning + "; the greatest inclination in deg for episodes"},
    "note": {"Description": "A sentence for people; of an episode, whether its end was seen."},
}
README = """# Posture of the upper back, second by second

Made by neckline from samples of a motion clip. A run is a day (UTC) of one clip: its rows are seconds, `latency` says when
each began. Angles are inclination from the wearer's own calibrated upright pose: of the upper back, a proxy for
forward-head posture; with `tracksys-headontrunk`, the flexion of the head on the trunk. Activity and posture are numbers whose
words stand with the channels. What cannot be judged is `unknown`; it is never counted as good. `Gaps` in the sidecar lists the
spans without data: `no_signal` where too little of the clip arrived, `not_recorded` where there are no rows.

`_events.tsv` has what was told and every sustained slouch of a day that has rows. The sidecars list the calibrations. Wellness and conversation
support: no diagnosis, no treatment advice, no score against norms. checksums.sha256 lists every other file.
"""


class DerivedDataset:
    """One derivative dataset under way."""

    def __init__(
        self, folder: Path, reader: History, span_ns: tuple[int | None, int | None], sharing: Sharing
    ) -> None:
        self.bids = BidsFolder(folder, sharing)
        self._reader, self._span_ns = reader, span_ns
        self.seconds = 0

    def write(
        self, streams: Sequence[Stream], on_progress: Callable[[int, int], None], *, beside_raw: bool
    ) -> None:
        """Write every day of these streams; nothing at all when there is none."""
        total = sum(self._reader.count(EPOCH, stream, *self._span_ns) for stream in streams)
        for stream in streams:
            rows = self._reader.rows(EPOCH, stream, *self._span_ns)
            for day, seconds in groupby(rows, key=lambda row: _int(row[0]) // DAY_NS):
                self._day(stream, day * DAY_NS, [*seconds])
                on_progress(self.seconds, total)
        if self.bids.runs:
            sources = {"SourceDatasets": [{"URL": "../../"}]} if beside_raw else {}
            self.bids.finish(
                {"Name": "Posture of the upper back, by neckline", "DatasetType": "derivative", **sources},
                README,
            )

    def _day(self, stream: Stream, day_ns: int, seconds: Sequence[Row]) -> None:
        first_ns, last_ns = _int(seconds[0][0]), _int(seconds[-1][0])
        run = self.bids.run(stream, first_ns)
        channels = [
            latency("the first row of the run"),
            *(_channel(each, stream) for each in EPOCH.columns[1:]),
        ]
        table(run.path("channels.tsv"), channels)
        sidecar(run.path("channels.json"), {"reference_frame": {"Levels": {NOT_KNOWN: "Angles, not axes."}}})
        with run.path("motion.tsv").open("w", encoding="utf-8") as file:
            for row in seconds:
                file.write("\t".join(_cells(row, first_ns)) + "\n")
        self.seconds += len(seconds)
        self._events(run, stream, (day_ns, day_ns + DAY_NS), first_ns)
        duration_s = (last_ns - first_ns) / SECOND_NS + 1
        sidecar(
            run.path("motion.json"),
            run.task(1.0, duration_s)
            | {
                "SamplingFrequencyEffective": len(seconds) / duration_s,
                "MotionChannelCount": len(channels) - 1,
                "MISCChannelCount": len(channels) - 1,
                "SubjectArtefactDescription": NOT_KNOWN,
                "Gaps": [*_gaps(seconds, first_ns)],
                "Calibrations": [*self._calibrations(stream, last_ns + SECOND_NS)],
            },
        )

    def _events(self, run: Run, stream: Stream, day: tuple[int, int], first_ns: int) -> None:
        """Write the day's episodes and events in order of time, as far as they are in the span."""
        since_ns, until_ns = self._span_ns
        span = max(day[0], since_ns or day[0]), min(day[1], until_ns or day[1])
        found: list[tuple[float, float, str, float | None, str]] = []
        for episode in self._reader.read(EPISODE, stream, *span):
            onset_s = (episode.onset_ns - first_ns) / SECOND_NS
            found.append((onset_s, episode.duration_s, "episode", episode.peak_deg, episode.end.value))
        for event in self._reader.read(EVENT, stream, *span):
            note = self.bids.sharing.text(event.note).replace("\t", " ").replace("\n", " ")
            found.append(((event.time_ns - first_ns) / SECOND_NS, 0, event.kind.value, event.value, note))
        if found:
            cells = (
                dict(zip(EVENT_COLUMNS, map(_known, each), strict=True)) for each in sorted(found, key=_onset)
            )
            table(run.path("events.tsv"), [*cells])
            sidecar(run.path("events.json"), EVENT_COLUMNS)

    def _calibrations(self, stream: Stream, until_ns: int) -> Iterator[Json]:
        """Yield what the journal holds of each calibration up to a time."""
        for row in self._reader.rows(CALIBRATION, stream, None, until_ns):
            named = dict(zip((column.name for column in CALIBRATION.columns), row, strict=True))
            yield named | {"captured_ns": _int(row[0]) + self.bids.sharing.shift_ns}


def _channel(column: Column, stream: Stream) -> dict[str, str]:
    words = CODES.get(column.name, ())
    codes = ": " + ", ".join(f"{place} {word}" for place, word in enumerate(words)) if words else ""
    return {
        "name": column.name, "component": NOT_KNOWN, "type": "MISC", "tracked_point": stream.placement,
        "units": UNITS.get(column.unit, NOT_KNOWN), "reference_frame": NOT_KNOWN,
        "description": column.meaning + codes,
    }  # fmt: skip


def _gaps(seconds: Sequence[Row], first_ns: int) -> Iterator[Json]:
    """Yield the spans without data, and why there are none."""
    gaps = Gaps()
    for _ in gaps.watch(seconds):
        pass
    for gap in gaps.found:
        yield {
            "SinceSeconds": (gap.since_ns - first_ns) / SECOND_NS,
            "UntilSeconds": (gap.until_ns - first_ns) / SECOND_NS,
            "Why": gap.why.value,
        }


def _cells(row: Row, first_ns: int) -> Iterable[str]:
    """Yield the cells of a second: numbers that read back to the last bit."""
    yield repr((_int(row[0]) - first_ns) / SECOND_NS)
    for column, value in zip(EPOCH.columns[1:], row[1:], strict=True):
        if value is None:
            yield NOT_KNOWN
        elif column.type is Type.TEXT:
            yield str(CODES[column.name].index(str(value)))
        else:
            yield repr(value)


def _known(value: object) -> object:
    return NOT_KNOWN if value in {None, ""} else value


def _onset(found: tuple[float, float, str, float | None, str]) -> tuple[float, str]:
    return found[0], found[2]


def _int(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101 (a time of the schema; for the type checker)
    return value
