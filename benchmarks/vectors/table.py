"""Which reader asks the product about a vector: by device and kind."""

import re
from collections.abc import Mapping

from benchmarks.vectors import metamotion, movella_dot, movesense, others, polar_pmd, witmotion
from benchmarks.vectors.vector import Reader, Vector

READERS: Mapping[str, Mapping[str, Reader]] = {
    "witmotion": witmotion.READERS,
    "dot": movella_dot.READERS,
    "metamotion": metamotion.READERS,
    "polar_pmd": polar_pmd.READERS,
    "movesense": movesense.READERS,
    "thingy52": others.THINGY52,
    "capture2go": others.CAPTURE2GO,
    "openearable2": others.OPENEARABLE,
    "standard": others.STANDARD,
    **others.EXPERIMENTAL,
}
"""By device, then by a pattern of the whole kind; the first that fits."""


def reader_of(vector: Vector) -> Reader | None:
    """Return the reader, or None if there is none."""
    kinds = READERS.get(vector.dev, {})
    return next((reader for kind, reader in kinds.items() if re.fullmatch(kind, vector.kind)), None)
