"""`neckline analyse RECORDING…`: recordings through the detector again, by one setting or two side by side."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from neckline.commands.analyse import pool
from neckline.commands.analyse.judging import Analysed, Judged
from neckline.commands.analyse.sides import Side
from neckline.commands.analyse.words import degrees, per_hour, percent, seconds_word
from neckline.commands.output import give, give_json, give_table, say, tell
from neckline.commands.poses import Poses, reference
from neckline.commands.recorded import open_recording
from neckline.errors import NoCalibrationError
from neckline.exits import Exit
from neckline.screen.progress import SEEN, bar
from neckline.screen.words import count, span
from processing.exposure.recovery import WITHIN_S
from sensor.errors import RecordingUnreadableError
from sensor.recording import AnyRecording
from storage.errors import RecordingsError


@dataclass(frozen=True, slots=True)
class Total:
    """All recordings together, by one side."""

    judged_s: int
    slouched_s: int
    not_judged_s: int
    episodes: int
    alerts: int
    recovered: int


@dataclass(frozen=True, slots=True)
class Reanalysed:
    """What `--json` gives."""

    settings: tuple[str, ...]
    """What the sides are, as they were asked for."""
    calibration_id: str | None
    recordings: tuple[Analysed, ...]
    total: tuple[Total, ...]
    """Of each side."""
    unreadable: tuple[Path, ...]


def reanalyse(
    sides: Sequence[Side],
    paths: Sequence[Path],
    *,
    poses: Poses | None,
    rate_hz: float | None,
    remembered: Path,
    wearer_id: str | None,
    jobs: int | None,
    as_json: bool,
) -> Exit:
    """Judge recordings, each on its own, by each side; show each, and all together.

    `remembered` is the journal whose last calibration serves where no poses are named. What cannot be read is told,
    and the others go on. Raises CalibrationRefusedError, StorageError.
    """
    recordings, unreadable = _open(paths, rate_hz, sides[0].config.wearer.placement)
    if not recordings:
        return Exit.RECORDING
    memory = reference(sides[0].config, recordings[0], poses, remembered, wearer_id)
    known = memory.calibration or memory.standing
    end = Exit.OK if known else tell(NoCalibrationError())
    if known and not as_json:
        give(f"angles from the pose of {known.calibration_id}")
    results = []
    with _Bar(recordings) as bar:
        for analysed in pool.analyse_all(
            recordings, sides, memory, jobs or os.cpu_count() or 1, bar.progress
        ):
            results.append(analysed)
            if analysed.damage:
                say(f"neckline: {analysed.damage}\n→ {analysed.way_out}")
            if not as_json:
                _show(analysed, sides)
    total = tuple(_total([analysed.sides[place] for analysed in results]) for place in range(len(sides)))
    if as_json:
        labels = tuple(side.label for side in sides)
        calibration_id = known.calibration_id if known else None
        give_json(Reanalysed(labels, calibration_id, tuple(results), total, tuple(unreadable)))
    elif len(results) > 1:
        _show_total(total, sides, len(results))
    broken = unreadable or any(analysed.damage for analysed in results)
    return Exit.RECORDING if broken else end


def _open(
    paths: Sequence[Path], rate_hz: float | None, placement: str
) -> tuple[list[AnyRecording], list[Path]]:
    recordings, unreadable = [], []
    for path in paths:
        try:
            recordings.append(open_recording(path, rate_hz=rate_hz, placement=placement))
        except (RecordingUnreadableError, RecordingsError) as error:
            tell(error)
            unreadable.append(path)
    return recordings, unreadable


def _total(judged: Sequence[Judged]) -> Total:
    return Total(
        judged_s=sum(each.balance.judged_s for each in judged),
        slouched_s=sum(each.balance.slouched_s for each in judged),
        not_judged_s=sum(each.balance.seconds - each.balance.judged_s for each in judged),
        episodes=sum(len(each.episodes) for each in judged),
        alerts=sum(each.alerts for each in judged),
        recovered=sum(each.recovery.recovered for each in judged),
    )


class _Bar:
    """Progress on a terminal, beside what is shown: seconds heard of one recording, or how many are done."""

    def __init__(self, recordings: Sequence[AnyRecording]) -> None:
        self._bar = bar(SEEN)
        self._of = len(recordings)
        self._done = 0
        alone = self._of == 1
        name = recordings[0].path.name if alone else count(self._of, "recording")
        self._task = self._bar.add_task(name, total=None if alone else self._of, seen="")

    @property
    def progress(self) -> pool.Progress:
        """Who tells the bar."""
        return pool.Progress(self._heard, self._when_done)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _heard(self, recording: AnyRecording, seconds: float) -> None:
        where = "" if self._of == 1 else f" of {recording.path.name}"
        self._bar.update(self._task, seen=f"{span(seconds)}{where} heard")

    def _when_done(self, _: AnyRecording) -> None:
        self._done += 1
        self._bar.update(
            self._task, completed=self._done if self._of > 1 else None, seen=f"{self._done} done"
        )


# ---- text ------------------------------------------------------------------------------------------------------------

ROWS: tuple[tuple[str, Callable[[Judged], str]], ...] = (
    ("threshold", lambda judged: degrees(judged.threshold_deg)),
    ("hold", lambda judged: seconds_word(judged.hold_s)),
    ("judged", lambda judged: span(judged.balance.judged_s)),
    ("not judged", lambda judged: span(judged.balance.seconds - judged.balance.judged_s)),
    ("slouched, of judged", lambda judged: percent(judged.balance.slouched_s, judged.balance.judged_s)),
    ("angle: 10 % below", lambda judged: degrees(judged.angle_deg.p10)),
    ("angle: half below", lambda judged: degrees(judged.angle_deg.p50)),
    ("angle: 90 % below", lambda judged: degrees(judged.angle_deg.p90)),
    ("longest unbroken bout", lambda judged: seconds_word(judged.slouched.longest_s)),
    ("sustained slouches", lambda judged: str(len(judged.episodes))),
    ("alerts", lambda judged: str(judged.alerts)),
    ("alerts a judged hour", lambda judged: per_hour(judged.alerts, judged.balance.judged_s)),
    (
        f"upright within {WITHIN_S} s",
        lambda judged: f"{judged.recovery.recovered} of {judged.recovery.alerts}",
    ),
)
TOTAL_ROWS: tuple[tuple[str, Callable[[Total], str]], ...] = (
    ("judged", lambda total: span(total.judged_s)),
    ("not judged", lambda total: span(total.not_judged_s)),
    ("slouched, of judged", lambda total: percent(total.slouched_s, total.judged_s)),
    ("sustained slouches", lambda total: str(total.episodes)),
    ("alerts", lambda total: str(total.alerts)),
    ("alerts a judged hour", lambda total: per_hour(total.alerts, total.judged_s)),
    (f"upright within {WITHIN_S} s", lambda total: f"{total.recovered} of {total.alerts}"),
)


def _show(analysed: Analysed, sides: Sequence[Side]) -> None:
    seconds = analysed.sides[0].balance.seconds
    give(
        f"{analysed.recording}: {span(seconds)}, "
        f"{analysed.received} samples received, {analysed.missing} missing, {analysed.corrupt} corrupt"
    )
    _give_sides(sides, [(name, *map(shown, analysed.sides)) for name, shown in ROWS])
    if len(sides) > 1:
        give(f"{analysed.differing_s} of {count(seconds, 'second')} judged differently")
    give("")


def _show_total(total: Sequence[Total], sides: Sequence[Side], recordings: int) -> None:
    give(f"all {recordings} recordings")
    _give_sides(sides, [(name, *map(shown, total)) for name, shown in TOTAL_ROWS])


def _give_sides(sides: Sequence[Side], rows: list[tuple[str, ...]]) -> None:
    give_table(("", *(side.label for side in sides)), rows)
