"""What docs/influxdb.md says is written is what storage.schema writes."""

from pathlib import Path
from typing import Any

from storage.lines import STREAM_TAGS
from storage.schema import KINDS, Kind, Type

PAGE = Path(__file__).parents[2] / "docs" / "influxdb.md"
TYPES = {Type.INT: "integer", Type.FLOAT: "float", Type.TEXT: "string"}


def section(kind: Kind[Any]) -> str:
    """Return how the page must describe a measurement."""
    time, *columns = kind.columns
    bar = "\\|"  # or it ends the cell
    tags = ", ".join(f"`{name}`" for name in (*STREAM_TAGS, *(c.name for c in columns if c.tag)))
    rows = [
        f"| `{c.name}` | {TYPES[c.type]} | {'' if c.unit == '1' else c.unit} | {c.meaning.replace('|', bar)} |"
        for c in columns
        if not c.tag
    ]
    head = f"### `{kind.measurement}`\n\nTime: {time.meaning}. Tags: {tags}.\n\n"
    return head + "\n".join(["| field | type | unit | meaning |", "|---|---|---|---|", *rows]) + "\n"


def test_the_page_describes_every_measurement_as_it_is() -> None:
    """Each measurement has its section, word for word from the schema, and there is no other."""
    page = PAGE.read_text()
    sent = [kind for kind in KINDS if kind.measurement is not None]
    for kind in sent:
        assert section(kind) in page, f"docs/influxdb.md needs:\n\n{section(kind)}"
    assert page.count("### `") == len(sent)
