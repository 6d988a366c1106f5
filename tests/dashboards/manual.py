"""The tables of docs/dashboards/: each panel's title and how to read it, as the dashboards say themselves."""

from dashboards.boards import Json


def panel_table(board: Json) -> list[str]:
    """Return the table of a dashboard's panels, a line each."""
    rows = [(each["title"], each["description"].partition(" Empty when ")[0]) for each in board["panels"]]
    return ["| panel | how to read it |", "|---|---|", *(f"| {title} | {about} |" for title, about in rows)]
