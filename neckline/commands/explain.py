"""`neckline explain`: what an alert rested on, in words, figures and a line of the minutes around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from neckline.commands import machine
from neckline.commands.output import give, give_json
from neckline.configuration.config import Config
from neckline.errors import NoSuchAlertError
from neckline.screen.words import clock, count, day_and_clock, sentence, span
from neckline.wearing.tally import ALERTS
from processing.head import HEAD_ON_TRUNK
from processing.outputs import Epoch, Event, EventKind, Posture
from storage.entries import Stream
from storage.reader import JournalReader
from storage.schema import EPOCH, EVENT

BARS = "▁▂▃▄▅▆▇█"
NOT_JUDGED = "·"
BEFORE_S, AFTER_S = 30, 60
"""How much is shown before the onset and after the alert."""
COLUMNS = 60
NEAR_S = 60.0
"""A time that is named without seconds fits an alert within a minute."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What `--json` gives: the event with its evidence, and the seconds around it."""

    event: Event
    epochs: tuple[Epoch, ...]


def explain(
    config: Config, journal_path: Path, which: str | None, *, wearer_id: str | None, as_json: bool
) -> None:
    """Explain the last alert, or the one at a local time (`14:05`, or a date and time).

    Raises JournalError, NoWearerError, NoSuchAlertError; ValueError when `which` is no time.
    """
    wearer, now_ns = wearer_id or config.wearer_id(), machine.utc_ns()
    with JournalReader.open(journal_path) as reader, reader.snapshot():
        found = [
            (event, stream)
            for stream in (Stream(wearer, config.wearer.placement), Stream(wearer, HEAD_ON_TRUNK))
            for event in reader.read(EVENT, stream)
            if event.kind in ALERTS
        ]
        event, stream = _choose(sorted(found, key=lambda each: each[0].time_ns), which, wearer, now_ns)
        onset_ns = event.onset_ns or event.time_ns
        since_ns, until_ns = onset_ns - BEFORE_S * 10**9, event.time_ns + AFTER_S * 10**9
        epochs = tuple(reader.read(EPOCH, stream, since_ns=since_ns, until_ns=until_ns))
    if as_json:
        give_json(Explained(event, epochs))
        return
    for line in lines(event, epochs, now_ns):
        give(line)


def _choose(
    alerts: Sequence[tuple[Event, Stream]], which: str | None, wearer: str, now_ns: int
) -> tuple[Event, Stream]:
    if which is not None:
        wanted_ns = _time_ns(which, now_ns)
        alerts = [each for each in alerts if 0 <= each[0].time_ns - wanted_ns < NEAR_S * 1e9]
    if not alerts:
        raise NoSuchAlertError(which, wearer)
    return alerts[-1]


def _time_ns(text: str, now_ns: int) -> int:
    """Read a local time of today, or a date with a time; ValueError with a sentence."""
    today = datetime.fromtimestamp(now_ns // 10**9).astimezone().date()
    try:
        then = datetime.fromisoformat(text if "-" in text else f"{today}T{text:0>5}")
    except ValueError as error:
        raise ValueError(f'"{text}" is no time: write 14:05 or 2026-03-01T14:05') from error
    return round(then.timestamp()) * 10**9


def lines(event: Event, epochs: Sequence[Epoch], now_ns: int) -> list[str]:
    """Return the explanation, a line each."""
    told = [f"{day_and_clock(event.time_ns, now_ns)}  {sentence(event)}"]
    found = event.evidence
    if found is not None:
        what = "the upper back was beyond"
        if event.kind is EventKind.HEAD_FORWARD_ALERT:
            what = "the head was bent on the upper back beyond"
        unknown = f", {found.unknown_s:.0f} s not judged and not counted" if found.unknown_s else ""
        told += [
            f"  why         {what} {found.threshold_deg:.0f}° and stayed there for {found.hold_s:.0f} s",
            f"  angle       {found.mean_deg:.0f}° on average, {found.peak_deg:.0f}° at most, over {span(found.judged_s)}{unknown}",
            f"  reference   {found.calibration_id} ({found.stance}), captured {span(found.calibration_age_s)} before",
            f"  samples     {found.received:.0%} of them arrived",
        ]
        if found.told != found.due:
            told.append(f"  faded       {found.told} of {found.due} alerts that fall due are given this week")
    if epochs:
        told += ["", *(f"  {line}" for line in sparkline(event, epochs))]
    return told


def sparkline(event: Event, epochs: Sequence[Epoch]) -> list[str]:
    """Return the angle over the epochs as a line of bars, and what stands where below it."""
    each_s = max(1, -(-len(epochs) // COLUMNS))
    groups = [epochs[at : at + each_s] for at in range(0, len(epochs), each_s)]
    judged = [
        [e.sagittal_deg for e in group if e.posture is not Posture.UNKNOWN and e.sagittal_deg is not None]
        for group in groups
    ]
    means_deg = [sum(angles) / len(angles) if angles else None for angles in judged]
    top_deg = max([mean for mean in means_deg if mean is not None] or [0.0])
    bars = "".join(NOT_JUDGED if mean is None else _bar(mean, top_deg) for mean in means_deg)
    begin_ns, onset_ns = epochs[0].start_ns, event.onset_ns or event.time_ns
    marks = {(ns - begin_ns) // 10**9 // each_s: mark for ns, mark in ((onset_ns, "◣"), (event.time_ns, "▲"))}
    below = "".join(marks.get(column, " ") for column in range(max(len(groups), *marks) + 1)).rstrip()
    scale = f"{clock(begin_ns, seconds=True)}, {count(each_s, 'second')} a column, full height {top_deg:.0f}°"
    return [bars, below, f"{scale}; ◣ onset, ▲ alert, {NOT_JUDGED} not judged"]


def _bar(angle_deg: float, top_deg: float) -> str:
    share = angle_deg / top_deg if top_deg > 0 else 0.0
    return BARS[max(0, min(len(BARS) - 1, round(share * (len(BARS) - 1))))]
