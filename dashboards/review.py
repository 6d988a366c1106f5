"""*Therapist review*: what therapist and wearer look at together. Wear time first, then trends from visit to visit."""

from dashboards.board import EVER, Board, choose_visit, choose_wearer, mark, name_zone
from dashboards.panels import (
    BLUE,
    GREY,
    NONE_WAS,
    NOT_JUDGED,
    ORANGE,
    Ask,
    Json,
    Step,
    gauges,
    lines,
    named,
    number,
    shaded,
    table,
)
from dashboards.queries import (
    BALANCE,
    BETWEEN,
    DAY,
    JUDGED_MINUTES,
    LASTED,
    LITTLE_WORN_S,
    SLOUCHED_SHARE,
    WORN,
    ZONE,
    field,
    happened,
    of,
    select,
    total,
)
from dashboards.response import RESPONSE, RESPONSE_UNITS, response_asks
from processing.outputs import EventKind
from storage.schema import EPISODE, EVENT, MINUTE

DAYS = {"by": DAY, "fill": "none", "tail": ZONE}
BROKEN = {**DAYS, "fill": "null"}
"""For lines: a day of which nothing is known breaks them."""
QUARTERS = "time(15m)"
"""Hours of a zone may begin at any quarter of one in UTC."""


def review() -> Json:
    """Return the dashboard."""
    judged = f"{BETWEEN} AND {JUDGED_MINUTES}"
    worn = select(MINUTE, f'{WORN} AS "worn"', BETWEEN, **DAYS)
    little = Ask(of(worn, 'count("worn") AS "little worn"', f'"worn" < {LITTLE_WORN_S}', **DAYS))
    shade = [shaded("little worn")]
    lasted = select(EVENT, LASTED, f"{BETWEEN} AND {happened(EventKind.SLOUCH_ENDED)}")
    mean_deg = field(MINUTE, "sagittal_mean_deg")
    bands = ", ".join(
        f'percentile({mean_deg}, {percent}) AS "{name}"'
        for percent, name in ((10, "10th percentile"), (50, "median"), (90, "90th percentile"))
    )
    counts = f'count({field(EPISODE, "peak_deg")}) AS "slouches", sum({field(EPISODE, "alerts")}) AS "alerts"'
    panels = [
        number(
            "Time worn between the visits", "dthms", "Hours, minutes, seconds: what all other figures rest on. Visits before the span at the top right do not widen it.",
            Ask(select(MINUTE, f'{WORN} AS "worn"', BETWEEN)), height=6,
        ),
        number(
            "Slouched share between the visits", "percent", "Of the judged time between the visits that are chosen above.",
            Ask(select(MINUTE, f'{SLOUCHED_SHARE} AS "slouched"', judged)), height=6, defaults={"decimals": 0},
            unless=NOT_JUDGED,
        ),
        gauges(
            "Time balance between the visits", "dthms",
            "Time judged upright, judged slouched, and not judged, of all the time between.",
            [Ask(select(MINUTE, BALANCE, BETWEEN))], width=12, height=6, defaults={"min": 0},
        ),
        lines(
            "Time worn a day", "s",
            "Look here first: neither taken off nor without signal. Days below the dashed line (four hours) are shaded on "
            "all panels below; do not compare them with others.",
            [Ask(worn), little],
            axis="worn", style="bars", fill=70, width=24, steps=[Step(LITTLE_WORN_S, GREY)], overrides=shade,
            defaults={"min": 0},
        ),
        lines(
            "Slouched share of judged time a day", "percent",
            "Of the seconds that were judged alone; a day without any has no point. There is no norm: compare the wearer with the wearer, before a visit and after.",
            [Ask(select(MINUTE, f'{SLOUCHED_SHARE} AS "slouched"', judged, **BROKEN)), little],
            axis="of judged time", soft=(0, 50), overrides=shade, defaults={"min": 0}, unless=NOT_JUDGED,
        ),
        lines(
            "Time balance a day", "s",
            "Time judged upright, judged slouched, and not judged (moving, lying, not worn, no signal). Much that is not "
            "judged makes the share beside it shaky.",
            [Ask(select(MINUTE, BALANCE, BETWEEN, **DAYS))],
            axis="time", style="bars", fill=70, stack=True, defaults={"min": 0},
        ),
        lines(
            "Sustained slouches and alerts a day", "short",
            "Counted on the day of their onset. Read them beside the time worn: twice the time has twice the chances.",
            [Ask(select(EPISODE, counts, BETWEEN, **DAYS)), little],
            axis="a day", style="bars", fill=70, overrides=shade, defaults={"min": 0}, unless=NONE_WAS,
        ),
        lines(
            "Length of slouches a day", "s",
            "The longest, and the middle one. Slouches whose end a gap or movement hid count as long as they were seen.",
            [
                Ask(of(lasted, 'max("lasted") AS "longest", median("lasted") AS "median"', "$timeFilter", **BROKEN)),
                little,
            ],
            axis="from onset to end", overrides=shade, defaults={"min": 0}, unless=NONE_WAS,
        ),
        lines(
            "Inclination a day: 10th, 50th and 90th percentile", "degree",
            "Of the means of all judged minutes of a day. In a tenth of these minutes the back was more upright than the lowest line, "
            "a tenth further forward than the highest: the band shows how varied it was held, the middle how upright.",
            [Ask(select(MINUTE, bands, BETWEEN, **BROKEN)), little],
            axis="forward of upright", soft=(-10, 40), height=12, unless=NOT_JUDGED,
            overrides=[*shade, named("90th percentile", {"custom.fillBelowTo": "10th percentile", "custom.fillOpacity": 15})],
        ),
        table(
            "Slouched share by hour and weekday", "percent",
            "Of the judged time of that hour, over all weeks between the visits, in your browser's time zone: when it is hard. "
            "Single weeks give single numbers; look for what repeats.",
            [Ask(select(MINUTE, f'{total("slouched_s")} AS "slouched", {total("upright_s")} AS "upright"', judged,
                        by=QUARTERS, fill="none"), table=True)],
            height=12, unless=NOT_JUDGED, transformations=HOURS,
            steps=[Step(0, BLUE), Step(25, GREY), Step(50, ORANGE)],
            custom={"cellOptions": {"type": "color-background", "mode": "gradient"}, "align": "center"},
            defaults={"decimals": 0, "color": {"mode": "thresholds"}, "min": 0, "max": 100},
        ),
        table(
            "Response to alerts", "none",
            "Each alert, and for how long it was slouched on: until the wearer sat up, or was last seen slouched. Short at first and longer later is what "
            "nagging looks like.",
            response_asks(BETWEEN), transformations=RESPONSE, overrides=RESPONSE_UNITS, width=24,
            unless=NONE_WAS,
        ),
    ]  # fmt: skip
    return Board(
        "neckline-review", "Neckline: therapist review",
        "One wearer, day by day, from visit to visit. For a conversation: it names no norm and gives no advice.",
        "now-28d/d", panels,
        [
            choose_wearer(),
            choose_visit("since", "From visit", EVER[0]),
            choose_visit("until", "To visit", EVER[1]),
            name_zone(),
        ],
        [mark(name) for name in ("Visits", "Calibrations", "Settings changed")],
    ).to_json()  # fmt: skip


def _sum(left: str, right: str, operator: str, alias: str) -> Json:
    binary = {"left": left, "operator": operator, "right": right}
    return {
        "id": "calculateField",
        "options": {"mode": "binary", "alias": alias, "binary": binary, "replaceFields": False},
    }


WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS: list[Json] = [
    _sum("Time", "0", "+", "Hour"),
    {"id": "convertFieldType", "options": {"conversions": [{"targetField": "Hour", "destinationType": "time"}]}},
    {"id": "formatTime", "options": {"timeField": "Hour", "outputFormat": "HH", "useTimezone": True}},
    {"id": "formatTime", "options": {"timeField": "Time", "outputFormat": "E", "useTimezone": True}},
    {
        "id": "groupBy",
        "options": {
            "fields": {
                "Hour": {"operation": "groupby", "aggregations": []},
                "Time": {"operation": "groupby", "aggregations": []},
                "slouched": {"operation": "aggregate", "aggregations": ["sum"]},
                "upright": {"operation": "aggregate", "aggregations": ["sum"]},
            }
        },
    },
    _sum("slouched (sum)", "upright (sum)", "+", "judged"),
    _sum("slouched (sum)", "judged", "/", "part"),
    _sum("part", "100", "*", "share"),
    {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "Hour"}]}},
    {
        "id": "groupingToMatrix",
        "options": {"columnField": "Time", "rowField": "Hour", "valueField": "share", "emptyValue": "null"},
    },
    {
        "id": "organize",
        "options": {
            "excludeByName": {},
            "indexByName": {"Hour\\Time": 0, **{str(day): day for day in range(1, 8)}},
            "renameByName": {"Hour\\Time": "Hour", **{str(day): name for day, name in enumerate(WEEKDAYS, 1)}},
        },
    },
]  # fmt: skip
"""What Grafana makes of these rows: a row an hour of the day, a column a weekday, by its number, for its name would be in the
browser's language. All of it is in every version since 10.4."""
