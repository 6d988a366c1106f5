"""`python -m benchmarks.vectors FILE.jsonl`: the package tells what it does."""

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.table import Table

from benchmarks import vectors
from benchmarks.report import report
from benchmarks.vectors.table import reader_of
from benchmarks.vectors.vector import Outcome, Result, judge, load


def summary(results: Iterable[Result]) -> dict[str, object]:
    """Count outcomes, of all and by device and kind."""
    every: Counter[Outcome] = Counter()
    by_kind: dict[str, Counter[Outcome]] = {}
    for result in results:
        every[result.outcome] += 1
        kind = f"{result.vector.dev}/{result.vector.kind}"
        by_kind.setdefault(kind, Counter())[result.outcome] += 1
    return {**_counts(every), "by_kind": {kind: _counts(counts) for kind, counts in sorted(by_kind.items())}}


def _counts(counts: Mapping[Outcome, int]) -> dict[str, object]:
    return {outcome.value: counts.get(outcome, 0) for outcome in Outcome}


def main() -> None:
    """Print a table for people, then one JSON object."""
    parser = argparse.ArgumentParser(
        description=vectors.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("vectors", type=Path, help="a .jsonl in the format of packet_vectors.jsonl")
    results = [judge(vector, reader_of(vector)) for vector in load(parser.parse_args().vectors)]
    table = Table("device", "vectors", *(outcome.value for outcome in Outcome))
    for dev in dict.fromkeys(result.vector.dev for result in results):
        counts = Counter(result.outcome for result in results if result.vector.dev == dev)
        table.add_row(dev, str(counts.total()), *(str(counts[outcome]) for outcome in Outcome))
    for result in results:
        if result.outcome is not Outcome.PASSED:
            print(f"{result.vector.id}: {result.outcome.value}: {result.why}")
    report(table, summary(results))


if __name__ == "__main__":
    main()
