"""*Wearer today*: what a wearer looks at. The angle, what was done when, the balance, alerts and what came of them."""

from dashboards.board import Board, choose_wearer, mark
from dashboards.panels import (
    GREY,
    NONE_WAS,
    NOT_JUDGED,
    Ask,
    Json,
    Step,
    gauges,
    lines,
    named,
    number,
    shaded,
    table,
    timeline,
)
from dashboards.queries import (
    BALANCE,
    CHOSEN,
    JUDGED_MINUTES,
    KIND,
    SLOUCHED_SHARE,
    WORN,
    field,
    happened,
    select,
)
from dashboards.response import RESPONSE, RESPONSE_UNITS, response_asks
from processing.calibration import DEFAULT_THRESHOLD_DEG
from processing.outputs import Activity, EventKind
from storage.schema import EPISODE, EPOCH, EVENT, MINUTE


def wearer_today() -> Json:
    """Return the dashboard."""
    shown = "time($__interval)"
    unknown = " OR ".join(
        f"{field(EPOCH, 'activity')} = '{word.value}'" for word in (Activity.GAP, Activity.NOT_WORN)
    )
    angle = select(
        EPOCH, f'mean({field(EPOCH, "sagittal_deg")}) AS "inclination"',
        f"{CHOSEN} AND {field(EPOCH, 'activity')} != '{Activity.NOT_WORN.value}'", by=shown, fill="null",
    )  # fmt: skip
    gaps = select(
        EPOCH, f'count({field(EPOCH, "activity")}) AS "not known"', f"{CHOSEN} AND ({unknown})",
        by=shown, fill="none",
    )  # fmt: skip
    states = select(
        EPOCH,
        f'last({field(EPOCH, "activity")}) AS "activity", last({field(EPOCH, "posture")}) AS "posture"',
        by=shown, fill="null",
    )  # fmt: skip
    slouches = (
        f'{field(EPISODE, "peak_deg")} AS "peak", {field(EPISODE, "mean_deg")} AS "mean", '
        f"{field(EPISODE, 'alerts')}, {field(EPISODE, 'end')}"
    )
    notes = f"{KIND}, {field(EVENT, 'value')}, {field(EVENT, 'note')}"
    panels = [
        number(
            "Worn", "s", "Time in which the clip was worn and heard. Look here first: all else is of this time.",
            Ask(select(MINUTE, f'{WORN} AS "worn"')),
        ),
        number(
            "Slouched share of judged time", "percent",
            "Of the seconds that were judged alone, so of little judged time it says little.",
            Ask(select(MINUTE, f'{SLOUCHED_SHARE} AS "slouched"', f"{CHOSEN} AND {JUDGED_MINUTES}")),
            defaults={"decimals": 0}, unless=NOT_JUDGED,
        ),
        number(
            "Sustained slouches", "short", "How often a slouch was held for the hold time or longer; one that goes on counts once it is over.",
            Ask(select(EPISODE, f'count({field(EPISODE, "peak_deg")}) AS "slouches"')), unless=NONE_WAS,
        ),
        number(
            "Alerts", "short", "How often you were told. Fewer than slouches when snoozed, or outside of your hours.",
            Ask(select(EVENT, f'count({field(EVENT, "onset_ns")}) AS "alerts"', f"{CHOSEN} AND {happened(EventKind.SLOUCH_ALERT)}")),
            unless=NONE_WAS,
        ),
        lines(
            "Inclination of the upper back", "degree",
            "Forward is positive, from your own upright pose; the mean of each interval, judged or not. It is a proxy for the head: one clip "
            "measures no neck. Grey: not worn, or no signal. The dashed line is the threshold of one who captured no slump; "
            "yours may be another (Calibrations).",
            [Ask(angle), Ask(gaps)],
            axis="forward of upright", width=24, height=9, soft=(-15, 45),
            steps=[Step(DEFAULT_THRESHOLD_DEG, GREY)], overrides=[shaded("not known")], every="1s",
        ),
        timeline(
            "Activity and posture",
            "Posture is judged only while you are still. What is not judged is neither good nor bad.",
            [Ask(states)], width=24, every="1s",
        ),
        gauges(
            "Time balance", "s", "Time judged upright, judged slouched, and not judged.", [Ask(select(MINUTE, BALANCE))],
            defaults={"min": 0},
        ),
        table(
            "Alerts, and for how long you slouched on", "none",
            "Each alert, and for how long it was slouched on. No row while a slouch goes on. If a gap or movement hid its end, the "
            "time is until it was last seen: the list of slouches says which ends were seen.",
            response_asks(CHOSEN), transformations=RESPONSE, overrides=RESPONSE_UNITS, unless=NONE_WAS,
        ),
        table(
            "Sustained slouches, one by one", "none",
            "Onset, greatest and mean inclination in degrees, alerts given, and whether the end was seen.",
            [Ask(select(EPISODE, slouches), table=True)],
            overrides=[named(name, {"unit": "degree", "decimals": 0}) for name in ("peak", "mean")],
            unless=NONE_WAS,
        ),
        table(
            "What else happened", "none", "Links lost and found, calibrations, snoozes, visits; the value is in per cent for the battery.",
            [
                Ask(
                    select(
                        EVENT, notes,
                        f"{CHOSEN} AND "
                        + happened(*(kind for kind in EventKind if "slouch" not in kind and "head" not in kind)),
                    ),
                    table=True,
                )
            ],
            unless=NONE_WAS,
        ),
    ]  # fmt: skip
    return Board(
        "neckline-today", "Neckline: wearer today", "One wearer, one day.", "now/d", panels,
        [choose_wearer()], [mark(name) for name in ("Alerts", "Calibrations", "Calibration in doubt", "Snoozed")],
    ).to_json()  # fmt: skip
