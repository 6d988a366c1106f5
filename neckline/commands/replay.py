"""`neckline replay`: recordings through the very detector that judges live, with a summary of each."""

from contextlib import ExitStack
from pathlib import Path

from neckline.commands.output import give, give_json, tell
from neckline.commands.poses import Poses, reference, reference_of_head
from neckline.commands.recorded import open_recording
from neckline.commands.replaying import Replayed, judge
from neckline.configuration.config import Config
from neckline.configuration.schedule import Schedule
from neckline.errors import NoCalibrationError
from neckline.exits import Exit
from neckline.screen.words import ACTIVITY_WORDS, count, span
from neckline.wearing.clips import Clips
from neckline.wearing.head import Head
from neckline.wearing.wearer import Records, Wearer, calibration_records
from processing.head import HEAD, HEAD_ON_TRUNK
from processing.outputs import Stance
from storage.entries import Batch, Stream
from storage.journal import Journal

COMMIT_BATCHES = 30


def replay(
    config: Config,
    recordings: list[Path],
    *,
    head: Path | None,
    poses: Poses | None,
    rate_hz: float | None,
    remembered: Path,
    store: Path | None,
    wearer_id: str | None,
    as_json: bool,
) -> Exit:
    """Judge recordings of the back one after the other, each on its own; show what each came to.

    `head` is what a clip on the head recorded meanwhile, beside the only one of the back. `remembered` is the journal
    whose last calibrations serve where no poses are named; with `store` all is written into that journal. Raises
    RecordingUnreadableError, RecordingsError, CalibrationRefusedError, StorageError.
    """
    placement = config.wearer.placement
    opened = [open_recording(path, rate_hz=rate_hz, placement=placement) for path in recordings]
    of_head = open_recording(head, rate_hz=rate_hz, placement=HEAD) if head else None
    whose = wearer_id or (config.wearer_id() if store else "")
    memory = reference(config, opened[0], poses, remembered, wearer_id)
    head_memory = (
        reference_of_head(config, opened[0], of_head, poses, remembered, wearer_id) if of_head else None
    )
    end = Exit.OK if memory.calibration or memory.standing else tell(NoCalibrationError())
    results: list[Replayed] = []
    with ExitStack() as stack:
        journal = stack.enter_context(Journal.open(store, "neckline replay")) if store else None
        for recording in opened:
            rows = _Rows(journal, whose)
            wearer = Wearer(config.settings(), memory, schedule=Schedule.parse(config.alerts.schedule))
            clips = Clips(placement, wearer, Head(wearer, head_memory) if head_memory else None)
            if poses is not None:
                for place, captured in ((placement, memory), (HEAD, head_memory)):
                    if captured and captured.calibration:
                        rows.keep(calibration_records(captured.calibration, Stance.SITTING, None), place)
            files = {placement: recording, **({HEAD: of_head} if of_head else {})}
            found = judge(clips, files, rows.keep)
            rows.commit()
            results += found
            if not as_json:
                for result in found:
                    _show(result)
    if as_json:
        give_json(results)
    return Exit.RECORDING if any(result.damage for result in results) else end


class _Rows:
    """Records on their way into a journal, if there is one."""

    def __init__(self, journal: Journal | None, wearer_id: str) -> None:
        self._journal, self._wearer_id = journal, wearer_id
        self._waiting: list[Batch] = []

    def keep(self, records: Records, placement: str) -> None:
        """Store records under a placement, some batches at a time."""
        if self._journal is not None and records:
            self._waiting.append(Batch(Stream(self._wearer_id, placement), records))
            if len(self._waiting) >= COMMIT_BATCHES:
                self.commit()

    def commit(self) -> None:
        """Store what waits."""
        if self._journal is not None and self._waiting:
            self._journal.commit(self._waiting)
            self._waiting = []


def _show(result: Replayed) -> None:
    seconds = result.upright_s + result.slouched_s + result.unknown_s
    together = result.placement == HEAD_ON_TRUNK
    what = "the head on the trunk, with this one" if together else f"{span(seconds)} seen"
    give(f"{result.recording}: {what}")
    if result.calibration_id:
        word = "head forward" if together else "slouched"
        threshold = f", {word} from {result.threshold_deg:.0f}° on" if result.threshold_deg else ""
        give(f"  judged by   {result.calibration_id}{threshold}")
    else:
        give("  judged by   nothing: there is no calibration")
    posture = (("upright", result.upright_s), ("slouched", result.slouched_s), ("unknown", result.unknown_s))
    give("  posture     " + ", ".join(f"{word} {span(s)}" for word, s in posture))
    activity = (f"{ACTIVITY_WORDS[kind]} {span(s)}" for kind, s in result.activity_s.items())
    give("  activity    " + (", ".join(activity) or "none"))
    give(f"  samples     {result.received} received, {result.missing} missing, {result.corrupt} corrupt")
    give(f"  slouches    {len(result.episodes)} sustained, {count(result.alerts, 'alert')}")
    for episode in result.episodes:
        begin_s = (episode.onset_ns - (result.begin_ns or 0)) / 1e9
        give(
            f"              at {begin_s:.0f} s for {span(episode.duration_s)}, up to {episode.peak_deg:.0f}°, "
            f"end {episode.end}"
        )
