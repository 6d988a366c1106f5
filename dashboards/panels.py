"""Panels of Grafana's classic schema, as plain JSON: each with its title, unit, thresholds, and how to read it.

Colours are of Okabe and Ito's palette, which people see apart however they see colours, and are readable on dark and on
light. Nothing is told by colour alone: series have names, states have words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.source import DATASOURCE
from processing.outputs import Activity, EventKind, Posture

Json = dict[str, Any]

BLUE, ORANGE, VERMILION, GREEN, PURPLE, SKY, GREY = (
    "#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#999999",
)  # fmt: skip
EMPTY = "Empty when {unless}no clip was worn, or nothing was forwarded, in the span shown at the top right."
NONE_WAS, NOT_JUDGED = "there was none, ", "nothing was judged, "
"""For `unless`, where more than that leaves a panel empty."""
NOTHING = "nothing in this span"
PAINTS = {
    "upright": BLUE, "slouched": ORANGE, "not judged": GREY, "not known": GREY, "little worn": GREY,
    "worn": GREEN, "slouches": ORANGE, "alerts": PURPLE, "longest": ORANGE, "mean": SKY,
    "10th percentile": SKY, "median": BLUE, "90th percentile": ORANGE, "inclination": BLUE,
}  # fmt: skip
"""What has the same name has the same colour on every panel."""
WORDS: dict[str, tuple[str, str]] = {
    Activity.STILL: ("still: can be judged", BLUE),
    Activity.MOVING: ("moving", SKY),
    Activity.WALKING: ("walking", GREEN),
    Activity.VEHICLE: ("in a vehicle", SKY),
    Activity.LYING: ("lying", PURPLE),
    Activity.BENDING: ("bending deeply", SKY),
    Activity.LEANING: ("leaning to a side", SKY),
    Activity.TRANSITION: ("changing position", SKY),
    Activity.NOT_WORN: ("not worn", GREY),
    Activity.GAP: ("no signal", GREY),
    Activity.UNCALIBRATED: ("not calibrated", GREY),
    Posture.UPRIGHT: ("upright", BLUE),
    Posture.SLOUCHED: ("slouched", ORANGE),
    Posture.UNKNOWN: ("not judged", GREY),
    "streaming": ("streaming", BLUE),
    "connecting": ("connecting", SKY),
    "searching": ("searching", ORANGE),
    "waiting": ("waiting to try again", VERMILION),
    "seen": ("seen to sit up", BLUE),
    "censored": ("end not seen", GREY),
    **{kind: (kind.value.replace("_", " "), GREY) for kind in EventKind},
}
"""Of each stored word what people read, and its colour."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One query of a panel."""

    query: str
    table: bool = False
    alias: str = "$col"
    """How a series is called: by its column, or by a tag, as `$tag_wearer`."""


@dataclass(frozen=True, slots=True)
class Step:
    """From a value on, a line or a colour of its own."""

    value: float
    paint: str


def panel(
    kind: str,
    title: str,
    unit: str,
    about: str,
    asks: Sequence[Ask],
    *,
    width: int = 12,
    height: int = 8,
    steps: Sequence[Step] = (),
    custom: Json | None = None,
    options: Json | None = None,
    defaults: Json | None = None,
    overrides: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
    unless: str = "",
    every: str = "",
) -> Json:
    """Return a panel without its place.

    `every` is how often there are rows: with a shorter interval, as Grafana asks for short spans by itself, the nulls
    between rows would break lines.
    """
    return {
        **({"interval": every} if every else {}),
        "type": kind,
        "title": title,
        "description": f"{about} {EMPTY.format(unless=unless)}",
        "datasource": DATASOURCE,
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "noValue": NOTHING,
                "color": {"mode": "palette-classic-by-name"},
                "thresholds": {
                    "mode": "absolute",
                    "steps": [
                        {"value": None, "color": "transparent"},
                        *({"value": step.value, "color": step.paint} for step in steps),
                    ],
                },
                "mappings": [mapping()],
                "custom": custom or {},
                **(defaults or {}),
            },
            "overrides": [*map(painted, PAINTS), *overrides],
        },
        "options": options or {},
        "transformations": list(transformations),
        "gridPos": {"h": height, "w": width, "x": 0, "y": 0},
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": DATASOURCE,
                "rawQuery": True,
                "query": ask.query,
                "resultFormat": "table" if ask.table else "time_series",
                "alias": "" if ask.table else ask.alias,
            }
            for at, ask in enumerate(asks)
        ],
    }


def mapping() -> Json:
    """Return the words and colours of what is stored as words."""
    return {
        "type": "value",
        "options": {
            str(stored): {"index": at, "text": text, "color": paint}
            for at, (stored, (text, paint)) in enumerate(WORDS.items())
        },
    }


def painted(name: str) -> Json:
    """Return the colour of a series."""
    return named(name, {"color": {"mode": "fixed", "fixedColor": PAINTS[name]}})


def named(name: str, properties: Json) -> Json:
    """Return what is special of one series or column."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def shaded(name: str) -> Json:
    """Return the look of a series that only shades: from top to bottom, behind the others, on no axis."""
    return named(
        name,
        {
            "custom.drawStyle": "bars",
            "custom.barWidthFactor": 1,
            "custom.lineWidth": 0,
            "custom.fillOpacity": 25,
            "custom.axisPlacement": "hidden",
            "custom.hideFrom": {"legend": False, "tooltip": True, "viz": False},
            "min": 0,
            "max": 1,
        },
    )


def lines(
    title: str, unit: str, about: str, asks: Sequence[Ask], *, axis: str, style: str = "line",
    fill: int = 0, stack: bool = False, soft: tuple[float, float] | None = None, **more: Any,
) -> Json:  # fmt: skip
    """Return lines, or bars, over time."""
    steps: Sequence[Step] = more.get("steps", ())
    custom: Json = {
        "axisLabel": axis,
        "drawStyle": style,
        "lineWidth": 2 if style == "line" else 1,
        "fillOpacity": fill,
        "pointSize": 6,
        "showPoints": "auto",
        "spanNulls": False,
        "thresholdsStyle": {"mode": "dashed" if steps else "off"},
        "stacking": {"mode": "normal" if stack else "none", "group": "A"},
        **({"axisSoftMin": soft[0], "axisSoftMax": soft[1]} if soft else {}),
    }
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "none"},
    }
    return panel("timeseries", title, unit, about, asks, custom=custom, options=options, **more)


def timeline(title: str, about: str, asks: Sequence[Ask], **more: Any) -> Json:
    """Return states over time, each with its word."""
    options = {
        "showValue": "never",
        "rowHeight": 0.8,
        "mergeValues": True,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "single"},
    }
    custom = {"fillOpacity": 85, "lineWidth": 0}
    return panel("state-timeline", title, "none", about, asks, custom=custom, options=options, **more)


def table(title: str, unit: str, about: str, asks: Sequence[Ask], **more: Any) -> Json:
    """Return a table."""
    options = {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}
    return panel("table", title, unit, about, asks, options=options, **more)


TIMELESS: Json = {"id": "organize", "options": {"excludeByName": {"Time": True}}}
"""For tables of sums: the time beside them is that of the span's begin, and says nothing."""


def number(title: str, unit: str, about: str, ask: Ask, *, calc: str = "lastNotNull", **more: Any) -> Json:
    """Return one number."""
    options = {
        "reduceOptions": {"values": False, "calcs": [calc], "fields": ""},
        "colorMode": "none",
        "graphMode": "none",
        "textMode": "auto",
    }
    return panel("stat", title, unit, about, [ask], options=options, **{"width": 6, "height": 5, **more})


def gauges(title: str, unit: str, about: str, asks: Sequence[Ask], **more: Any) -> Json:
    """Return bars beside each other, one a series."""
    options = {
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
        "orientation": "horizontal",
        "displayMode": "basic",
        "showUnfilled": True,
    }
    return panel("bargauge", title, unit, about, asks, options=options, **more)
