"""What every benchmark has in common: its arguments, and how it tells its result to people and to programs."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table


def arguments(doc: str | None, data: str = "") -> argparse.ArgumentParser:
    """Return a parser that shows the module's docstring; with `data`, it takes the recordings' path."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    if data:
        parser.add_argument("recordings", type=Path, help=f"an .npz in the format of {data}")
    return parser


def report(table: Table, results: Mapping[str, object]) -> None:
    """Print the table for people, then the results as one JSON object on the last line."""
    Console(width=max(Console().width, 110)).print(table)
    print(json.dumps(results))
