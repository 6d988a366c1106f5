"""*Fleet health*: how clips and services do. Links, loss, battery, doubt, backlog, dead letters."""

from dashboards.board import Board
from dashboards.panels import (
    GREY,
    NONE_WAS,
    ORANGE,
    TIMELESS,
    VERMILION,
    Ask,
    Json,
    Step,
    lines,
    table,
    timeline,
)
from dashboards.queries import CLIPS, KIND, LOST_SHARE, PLACEMENT, WEARER, field, happened, select
from dashboards.rules import BACKLOG_S, CHARGE_PERCENT, SILENT_S
from processing.outputs import EventKind
from storage.schema import BATTERY, EVENT, HEALTH, MINUTE

ALL = f"\"{WEARER}\" != ''"
CLIP = f'"{WEARER}", "{PLACEMENT}"'
MINUTELY = "1m"
"""How often there is a row of a minute, and of a service's health."""
NAMED = f"$tag_{WEARER} $tag_{PLACEMENT}"
TROUBLE = (
    EventKind.SIGNAL_LOST, EventKind.SIGNAL_RETURNED, EventKind.BATTERY_LOW, EventKind.CALIBRATION_SUSPECT,
    EventKind.CALIBRATED, EventKind.NOT_WORN,
)  # fmt: skip


def fleet() -> Json:
    """Return the dashboard."""
    shown = f"time($__interval), {CLIP}"

    def each(name: str, how: str, title: str, unit: str, about: str, axis: str, *steps: Step) -> Json:
        what = f'{how}({field(HEALTH, name)}) AS "{name}"'
        asks = [Ask(select(HEALTH, what, ALL, by=shown, fill="null"), alias=NAMED)]
        return lines(title, unit, about, asks, axis=axis, steps=steps, defaults={"min": 0}, every=MINUTELY)

    panels = [
        timeline(
            "Links", "Where the link to each clip stood. A gap in a row: that neckline was not running, or is cut off.",
            [Ask(select(HEALTH, f'last({field(HEALTH, "link")}) AS "link"', ALL, by=shown, fill="null"), alias=NAMED)],
            width=24, height=9, every=MINUTELY,
        ),
        lines(
            "Samples lost", "percent", "Of the clip's sample grid, what never arrived (damaged samples did). A few per cent do no harm; a clip at a wall or a "
            "body between loses more.",
            [Ask(select(MINUTE, f'{LOST_SHARE} AS "lost"', CLIPS, by=shown, fill="null"), alias=NAMED)],
            axis="of all samples", soft=(0, 10), defaults={"min": 0, "max": 100}, every=MINUTELY,
        ),
        lines(
            "Battery", "percent", "As the clip tells it. Below the dashed line the alert rule tells of it.",
            [Ask(select(BATTERY, f'last({field(BATTERY, "percent")}) AS "charge"', ALL, by=shown, fill="none"), alias=NAMED)],
            axis="charge", steps=[Step(CHARGE_PERCENT, VERMILION)], defaults={"min": 0, "max": 100},
            unless="no clip tells it, ",
        ),
        each(
            "silent_s", "last", "Silence in weekly hours", "s",
            "How long a clip that was heard in its weekly hours has been silent since. A clip that was not worn that day, or "
            "has no hours, is not shown.", "since last heard", Step(SILENT_S, VERMILION),
        ),
        each(
            "doubted", "last", "Calibration in doubt", "short",
            "1 while the calibration of a worn clip is not believed: it seems to have slipped, and nothing is judged until the "
            "wearer calibrates.", "in doubt", Step(1, ORANGE),
        ),
        each(
            "backlog_s", "last", "Waiting for InfluxDB", "s",
            "Age of the oldest row that is not delivered. New rows come through beside a backlog, so one that shrinks needs "
            "nobody.", "oldest row", Step(BACKLOG_S, VERMILION),
        ),
        each(
            "backlog_rows", "last", "Rows waiting for InfluxDB", "short", "How many rows are not delivered.", "rows",
        ),
        each(
            "dead_letters", "last", "Dead letters", "short",
            "Rows that InfluxDB refused for good since the journal was made; the journal keeps them with the reason "
            "(`neckline status`).", "rows",
        ),
        each(
            "pending_rows", "max", "Rows waiting for the journal", "short",
            "More than some hundreds: the disk is slow, full or away.", "rows",
        ),
        each(
            "dropped_epochs", "last", "Epochs given up", "short",
            "Seconds of summary that were lost since the start because the disk stayed away; events are never given up.", "epochs",
        ),
        table(
            "Events of each clip", "short", "Links lost and found, batteries, calibrations and doubts, in the span shown.",
            [
                Ask(
                    select(
                        EVENT, f'count({field(EVENT, "note")}) AS "events"', f"{ALL} AND {happened(*TROUBLE)}",
                        by=f"{CLIP}, {KIND}",
                    ),
                    table=True,
                )
            ],
            transformations=[TIMELESS], unless=NONE_WAS,
        ),
        table(
            "Newest row of each service", "short", "When each neckline last told how it fares, and rows it had waiting then.",
            [Ask(select(HEALTH, f'last({field(HEALTH, "pending_rows")}) AS "pending"', ALL, by=CLIP), table=True)],
            steps=[Step(1000, GREY)],
        ),
    ]  # fmt: skip
    return Board(
        "neckline-fleet", "Neckline: fleet health", "How clips and services do.", "now-24h", panels
    ).to_json()
