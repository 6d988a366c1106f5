"""Samples that were kept, as a recorder leaves them."""

from pathlib import Path

import numpy as np

from sensor.samples import SampleBlock, join
from storage.recordings import recorder
from storage.recordings.folder import HOUR_NS, RecordingsFolder
from storage.recordings.reading import readings
from tests.storage.test_recorder import given, ran
from tests.storage.test_recordings import ANNA, STEP_NS, block


def two_hours(folder: Path) -> RecordingsFolder:
    """Record two hours of a wearer, the first of them sealed, with a gap and a damaged sample."""
    spoiled = block(1600, 50)
    spoiled.acc_mps2[7] = np.nan
    ran(folder, [*given(30), block(1550, 50), spoiled])
    recorder.main([str(each.path) for each in RecordingsFolder(folder).segments(ANNA)])
    ran(folder, [block(HOUR_NS // STEP_NS + first, 50) for first in range(0, 500, 50)])
    return RecordingsFolder(folder)


def samples_of(folder: RecordingsFolder) -> SampleBlock:
    """Return what was recorded."""
    found = [each for segment in folder.segments() for each in readings(segment.path)]
    return join([each for each in found if isinstance(each, SampleBlock)])
