"""What every benchmark has in common: its arguments, and how it tells its result to people and to programs."""

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table


def arguments(doc: str | None, data: str = "") -> argparse.ArgumentParser:
    """Return a parser that shows the module's docstring; with `data`, it takes the path of recordings.

    Without one it takes those of that name where the tests look for them: in NECKLINE_DATA, or `../shared/data`.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    if data:
        beside = Path(__file__).resolve().parents[2] / "shared" / "data"
        parser.add_argument(
            "recordings",
            nargs="?",
            type=Path,
            default=Path(os.environ.get("NECKLINE_DATA", beside)) / data,
            help=f"an .npz in the format of {data}",
        )
    return parser


def report(table: Table, results: Mapping[str, object]) -> None:
    """Print the table for people, then the results as one JSON object on the last line."""
    Console(width=max(Console().width, 110)).print(table)
    print(json.dumps(results))
