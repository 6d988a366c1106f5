"""The benchmark of exports: what it keeps and exports is whole, and what the others write is the same."""

from pathlib import Path

import numpy as np

from benchmarks.export import HOUR_ROWS, by_csv_module, export, keep_hours
from storage.recordings.folder import RecordingsFolder


def test_all_that_is_kept_is_exported(tmp_path: Path) -> None:
    """Two hours of counts go out whole both ways, and nothing is left of them; the csv module's table is as long."""
    counts = np.random.default_rng(1).integers(-4000, 4000, (5000, 6)).astype(np.int16)
    keep_hours(tmp_path / "kept", counts, (0, 30))
    assert len(RecordingsFolder(tmp_path / "kept").streams()) == 2
    for as_csv in (False, True):
        done = export(tmp_path / "kept", tmp_path / "out", as_csv=as_csv)
        assert done.rows == 2 * HOUR_ROWS
        assert done.bytes > 0
        assert [*(tmp_path / "out").iterdir()] == []
    times = np.arange(len(counts))
    by_csv_module(tmp_path / "x.csv", times, counts.astype(np.float32))
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 1 + len(counts)
