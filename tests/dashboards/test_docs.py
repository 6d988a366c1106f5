"""The pages of the dashboards say what the dashboards say."""

from pathlib import Path
from typing import Any

import pytest

from dashboards.boards import boards
from tests.dashboards.manual import panel_table

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("board", boards(), ids=lambda board: board["uid"])
def test_each_dashboard_has_a_page_with_its_panels_and_a_picture(board: dict[str, Any]) -> None:
    """The table of panels is the dashboards' own; the picture has each panel's title in it, and says what it is."""
    page = (DOCS / "dashboards" / f"{board['uid'].removeprefix('neckline-')}.md").read_text()
    assert "\n".join(panel_table(board)) in page
    assert "Drawn by neckline, not by Grafana" in page
    picture = (DOCS / "images" / f"{board['uid']}.svg").read_text()
    assert f"../images/{board['uid']}.svg" in page
    assert all(f">{panel['title']}<" in picture for panel in board["panels"])
    assert board["panels"][0]["fieldConfig"]["defaults"]["noValue"] not in picture
