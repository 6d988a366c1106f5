"""*Cohort*: many wearers. Who wears the clip, who changed, who is silent; pseudonyms alone, no ranking."""

from dashboards.board import Board, name_zone
from dashboards.panels import (
    BLUE,
    GREY,
    NONE_WAS,
    NOT_JUDGED,
    ORANGE,
    TIMELESS,
    Ask,
    Json,
    Step,
    lines,
    panel,
    table,
)
from dashboards.queries import (
    BACK,
    BALANCE,
    JUDGED_MINUTES,
    LITTLE_WORN_S,
    SLOUCHED_SHARE,
    WEARER,
    WORN,
    ZONE,
    field,
    of,
    select,
)
from storage.schema import EPISODE, MINUTE

EACH = f'"{WEARER}"'
WEEK = "time(7d, 4d)"
"""Weeks of InfluxQL begin on Thursday, as 1970 did; so moved, on Monday."""


def cohort() -> Json:
    """Return the dashboard."""
    by_name = f"$tag_{WEARER}"
    judged = f"{BACK} AND {JUDGED_MINUTES}"
    weekly = select(MINUTE, f'{SLOUCHED_SHARE} AS "share"', judged, by=f"{WEEK}, {EACH}", fill="none")
    panels = [
        panel(
            "status-history", "Wear time of each wearer a day", "s",
            "A row a wearer, a box a day. Blue: four hours or more. Orange: less. Grey: not worn at all. No box: nothing "
            "was forwarded that day.",
            [Ask(select(MINUTE, f'{WORN} AS "worn"', BACK, by=f"time(1d), {EACH}", fill="none", tail=ZONE), alias=by_name)],
            width=24, height=10, steps=[Step(0, GREY), Step(1, ORANGE), Step(LITTLE_WORN_S, BLUE)],
            options={
                "showValue": "never", "rowHeight": 0.8, "colWidth": 0.9,
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "single"},
            },
            custom={"fillOpacity": 80, "lineWidth": 0}, defaults={"color": {"mode": "thresholds"}},
        ),
        table(
            "Time balance of each wearer", "s",
            "Time judged upright, judged slouched, and not judged, in the span shown.",
            [Ask(select(MINUTE, BALANCE, BACK, by=EACH), table=True)], transformations=[TIMELESS],
        ),
        table(
            "Slouched share of each wearer", "percent",
            "Of judged time. Read it beside the time balance, and compare no one with others: thresholds are personal.",
            [Ask(select(MINUTE, f'{SLOUCHED_SHARE} AS "slouched"', judged, by=EACH), table=True)],
            defaults={"decimals": 0}, transformations=[TIMELESS], unless=NOT_JUDGED,
        ),
        lines(
            "Who changed: slouched share from week to week", "percent",
            "Points by which the share of a week (from Monday, UTC) is above or below that of the one before in which "
            "anything was judged; one line a wearer. Needs two such weeks in the span shown, of which the first may be in part.",
            [Ask(of(weekly, 'difference("share") AS "change"', by=EACH), alias=by_name)],
            axis="points", style="points", width=24, steps=[Step(0, GREY)], soft=(-10, 10),
        ),
        table(
            "Sustained slouches and alerts of each wearer", "short", "In the span shown; beside the time worn they mean something.",
            [
                Ask(
                    select(
                        EPISODE,
                        f'count({field(EPISODE, "peak_deg")}) AS "slouches", sum({field(EPISODE, "alerts")}) AS "alerts"',
                        BACK, by=EACH,
                    ),
                    table=True,
                )
            ],
            transformations=[TIMELESS], unless=NONE_WAS,
        ),
        table(
            "Last sign of each wearer", "short",
            "When the newest minute was, and how many samples it had. Who is missing here is silent for all of the span.",
            [Ask(select(MINUTE, f'last({field(MINUTE, "received")}) AS "samples"', BACK, by=EACH), table=True)],
        ),
    ]  # fmt: skip
    return Board(
        "neckline-cohort",
        "Neckline: cohort",
        "All wearers beside each other.",
        "now-28d/d",
        panels,
        [name_zone()],
    ).to_json()
