"""Whose samples are kept, where, and what is said of them: recorders of each clip, if the wearer wants that."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

from neckline.configuration.config import Config
from neckline.screen.logs import happened
from processing.head import HEAD
from sensor.families import family_named
from sensor.samples import SampleBlock
from storage.entries import Stream
from storage.errors import RecordingsUnwritableError
from storage.recordings.folder import RecordingsFolder
from storage.recordings.frames import About, Scale
from storage.recordings.recorder import Recorder

FAREWELL_S = 5.0
"""What a stop leaves to samples that wait."""


def recordings_path(config: Config, journal_path: Path) -> Path:
    """Return the folder of recorded samples, whether it is there or not."""
    return config.recordings.path or journal_path.parent / "recordings"


@asynccontextmanager
async def recording(
    config: Config, journal_path: Path, *, simulated: bool = False
) -> AsyncGenerator[Mapping[str, Recorder], None]:
    """Give the recorders by placement as long as the block runs; none unless the configuration wants them."""
    recorders: dict[str, Recorder] = {}
    if config.recordings.enabled and config.clip is not None and not simulated:
        folder = RecordingsFolder(recordings_path(config, journal_path))
        quota_bytes = round(config.recordings.most_gb * 1e9) if config.recordings.most_gb else None
        clips: dict[str, str] = {config.wearer.placement: config.clip.family}
        if config.head_clip is not None:
            clips[HEAD] = config.head_clip.family
        for placement, family in clips.items():
            about = partial(_about, Stream(config.wearer_id(), placement), family)
            recorders[placement] = Recorder(folder, about, quota_bytes=quota_bytes, on_trouble=_told)
        happened("recording", f"Every sample is kept in {folder.path}", folder=str(folder.path))
    for recorder in recorders.values():
        recorder.start()
    try:
        yield recorders
    finally:
        for recorder in recorders.values():
            await asyncio.to_thread(recorder.close, FAREWELL_S)


def _about(stream: Stream, family: str, block: SampleBlock) -> About:
    count = family_named(family).count
    return About(
        stream=stream,
        rate_hz=block.rate_hz,
        has_gyr=block.gyr_radps is not None,
        scale=Scale(*count) if count else None,
        family=family,
        software=f"neckline {version('neckline')}",
    )


def _told(trouble: RecordingsUnwritableError | None) -> None:
    if trouble is None:
        happened("recording_works", "Samples are recorded again")
    else:
        happened("recording_fails", f"{trouble}: {trouble.way_out}", level=logging.WARNING)
