"""Columns of numbers → lines of text, as many at once as there are rows.

What a clip counts has 65 536 values: the text of each is made once, and then looked up.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Column = NDArray[Any]

COUNTS = np.arange(-(1 << 15), 1 << 15)
NONE = len(COUNTS)
"""Where the text of what is not known stands: none."""


class LineWriter:
    """Makes lines of the same columns over and over."""

    def __init__(self, steps: Sequence[float | None], separator: str = ",") -> None:
        """Take for each column what one of its counts is, None where it is no counts.

        Counts come as int16, or as floats with NaN among them, and go as the shortest text that gives the same IEEE
        single; floats as that of the same double; NaN is empty.
        """
        self._texts = [None if step is None else _texts(step) for step in steps]
        self._separator = pa.scalar(separator)

    def lines(self, columns: Sequence[Column]) -> memoryview:
        """Return a line a row, UTF-8."""
        cells = [
            _cast(values) if texts is None else texts.take(pa.array(places(values)))
            for texts, values in zip(self._texts, columns, strict=True)
        ]
        lines = pc.binary_join_element_wise(*cells, self._separator)
        ended = pc.binary_join_element_wise(lines, "", "\n")
        # The lines lie in one buffer, one after another.
        return memoryview(ended.buffers()[2])


def singles(step: float) -> NDArray[np.float32]:
    """Return every value of a count in its unit, at its place, and NaN at `NONE`."""
    return np.append(COUNTS * step, np.nan).astype(np.float32)


def places(counts: Column) -> NDArray[np.int32]:
    """Return where each count stands in `singles`."""
    if counts.dtype.kind == "f":
        counts = np.where(np.isnan(counts), NONE + COUNTS[0], counts)
    places: NDArray[np.int32] = counts.astype(np.int32) - COUNTS[0]
    return places.astype(np.int32, copy=False)


def _texts(step: float) -> pa.Array:
    return pa.array([*singles(step)[:NONE].astype(str).tolist(), ""])


def _cast(values: Column) -> pa.Array:
    texts = pc.cast(pa.array(values, from_pandas=True), pa.string())
    return pc.fill_null(texts, "") if texts.null_count else texts
