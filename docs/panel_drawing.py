"""Draws Grafana's panels as SVG from their own JSON and the rows of their own queries: for the documentation alone.

A sketch, not Grafana: places, titles, units, colours, words and thresholds are the panel's; fonts, axes and margins are
ours, and of Grafana's transformations only the two that dashboards here rest on are known.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Row = dict[str, Any]
Points = list[tuple[int, Any]]

COLUMN, LINE, GAP = 50, 30, 8
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1b1f24 } .t { font-weight: 600 } .s { fill: #5c6670 } .n { font-size: 26px }
.page { fill: #f4f5f5 } .card { fill: #fff; stroke: #d9dde1 } .grid { stroke: #e3e6e9 } .h { stroke: #c9ced3 }
@media (prefers-color-scheme: dark) {
text { fill: #d5d9de } .s { fill: #9aa4ae } .page { fill: #111217 } .card { fill: #181b1f; stroke: #2c3036 }
.grid { stroke: #2a2e34 } .h { stroke: #3b4148 } }
"""
TAGS = ("wearer", "placement")


@dataclass(frozen=True, slots=True)
class Answered:
    """A panel with the rows of each of its queries, times in ms."""

    panel: Json
    rows: list[list[Row]]
    begin_ms: int
    end_ms: int
    zone: str

    @property
    def defaults(self) -> Json:
        """How its values look where nothing else is said."""
        found: Json = self.panel["fieldConfig"]["defaults"]
        return found

    def said_of(self, name: str) -> Json:
        """Return what is said of one series or column."""
        return {
            each["id"]: each["value"]
            for override in self.panel["fieldConfig"]["overrides"]
            if override["matcher"]["options"] == name
            for each in override["properties"]
        }

    def paint(self, name: str, at: int) -> str:
        """Return the colour of a series."""
        fixed = self.said_of(name).get("color", {}).get("fixedColor")
        return str(fixed or PALETTE[at % len(PALETTE)])

    def word(self, value: Any) -> tuple[str, str]:
        """Return what people read for a stored word, and its colour."""
        known = self.defaults["mappings"][0]["options"].get(str(value))
        return (known["text"], known["color"]) if known else (str(value), "#999999")

    def text(self, value: Any, name: str = "") -> str:
        """Return a value with its unit."""
        if value is None:
            return ""
        if isinstance(value, str):
            return self.word(value)[0]
        unit = self.said_of(name).get("unit", self.defaults["unit"])
        if unit.startswith("dateTime") or name in {"time", "Time", "told at"}:
            return f"{datetime.fromtimestamp(value / 1000, ZoneInfo(self.zone)):%a %d %b %H:%M}"
        if unit == "dthms":
            return f"{value // 3600:.0f}:{value // 60 % 60:02.0f}:{value % 60:02.0f}"
        if unit == "s":
            return span(value)
        if unit == "ms":
            return span(value / 1000)
        return f"{value:.3g}" + {"percent": "%", "degree": "°"}.get(unit, "")

    @property
    def series(self) -> dict[str, Points]:
        """Its series by name, without what is not known."""
        found: dict[str, Points] = {}
        for name, ms, value in self._values():
            if value is not None:
                found.setdefault(name, []).append((ms, value))
        return found

    @property
    def gaps(self) -> dict[str, list[int]]:
        """When nothing is known, by the series: what breaks a line."""
        found: dict[str, list[int]] = {}
        for name, ms, value in self._values():
            if value is None:
                found.setdefault(name, []).append(ms)
        return found

    def _values(self) -> Iterator[tuple[str, int, Any]]:
        for target, rows in zip(self.panel["targets"], self.rows, strict=True):
            for row in rows:
                for column, value in row.items():
                    if column == "time" or column in TAGS:
                        continue
                    name = target["alias"].replace("$col", column)
                    for tag in TAGS:
                        name = name.replace(f"$tag_{tag}", str(row.get(tag, "")))
                    yield name, row["time"], value


def span(seconds: float) -> str:
    """Return a length of time in one unit."""
    for size, word in ((86_400, "day"), (3600, "h"), (60, "min")):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {word}"
    return f"{seconds:.3g} s"


def board_svg(title: str, panels: Sequence[Answered]) -> str:
    """Return a dashboard."""
    height = max(each.panel["gridPos"]["y"] + each.panel["gridPos"]["h"] for each in panels) * LINE + 50
    width = 24 * COLUMN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{width}" height="{height}"/>',
        f'<text class="t" x="12" y="28" style="font-size:17px">{escape(title)}</text>',
    ]
    for each in panels:
        grid = each.panel["gridPos"]
        box = (
            grid["x"] * COLUMN + 4,
            grid["y"] * LINE + 44,
            grid["w"] * COLUMN - GAP,
            grid["h"] * LINE - GAP,
        )
        parts += _card(each, *box)
    return "\n".join([*parts, "</svg>", ""])


def _card(it: Answered, x: float, y: float, width: float, height: float) -> Iterator[str]:
    yield f'<rect class="card" x="{x}" y="{y}" width="{width}" height="{height}" rx="3"/>'
    yield f'<text class="t" x="{x + 10}" y="{y + 19}">{escape(it.panel["title"])}</text>'
    draw = KINDS[it.panel["type"]]
    drawn = list(draw(it, x + 10, y + 30, width - 20, height - 40))
    yield from drawn or [f'<text class="s" x="{x + 10}" y="{y + 45}">{it.defaults["noValue"]}</text>']


def _legend(named: Sequence[tuple[str, str]], x: float, y: float, width: float) -> Iterator[str]:
    at = x
    for name, paint in named:
        if at - x > width - 60:
            return
        yield f'<rect x="{at:.0f}" y="{y - 9:.0f}" width="10" height="10" fill="{paint}"/>'
        yield f'<text x="{at + 14:.0f}" y="{y:.0f}">{escape(name)}</text>'
        at += 30 + 6.6 * len(name)


def _times(it: Answered, x: float, y: float, width: float) -> Iterator[str]:
    days = (it.end_ms - it.begin_ms) / 86_400_000
    form = "%H:%M" if days <= 1.5 else "%d %b"
    count = max(2, int(width / 130))
    for k in range(count):
        ms = it.begin_ms + (it.end_ms - it.begin_ms) * (k + 0.5) / count
        when = datetime.fromtimestamp(ms / 1000, ZoneInfo(it.zone))
        yield f'<text class="s" text-anchor="middle" x="{x + width * (k + 0.5) / count:.0f}" y="{y:.0f}">{when:{form}}</text>'


def _lines(it: Answered, x: float, y: float, width: float, height: float) -> Iterator[str]:
    plot = _Plot.of(it, x, y, width, height)
    if plot.shown:
        yield from plot.axes()
        yield from plot.shades()
        for number, name in enumerate(plot.shown):
            draw = plot.bars if plot.said(name, "drawStyle") == "bars" else plot.line
            yield from draw(number, name)
        named = [(name, it.paint(name, k)) for k, name in enumerate(plot.shown)]
        yield from _legend(
            [*named, *((name, "#cccccc") for name in plot.shaded)], plot.left, y + height - 2, plot.wide
        )


@dataclass(slots=True)
class _Plot:
    """Lines, bars and shades over time, on one axis."""

    it: Answered
    x: float
    shown: dict[str, Points]
    shaded: dict[str, Points]
    left: float
    wide: float
    top: float
    bottom: float
    low: float
    high: float
    step_ms: int
    base: dict[int, float]
    """Of stacked bars, where the next one stands."""

    @classmethod
    def of(cls, it: Answered, x: float, y: float, width: float, height: float) -> "_Plot":
        """Work out the axis."""
        series, custom = it.series, it.defaults["custom"]
        hidden = {name for name in series if it.said_of(name).get("custom.axisPlacement") == "hidden"}
        shown = {name: points for name, points in series.items() if name not in hidden}
        tops: dict[int, float] = {}
        for points in shown.values():
            for ms, value in points:
                stacked = tops.get(ms, 0.0) + value
                tops[ms] = (
                    stacked if custom["stacking"]["mode"] == "normal" else max(tops.get(ms, value), value)
                )
        values = [value for points in shown.values() for _, value in points]
        low = min(0.0, *values, custom.get("axisSoftMin", 0.0)) if values else 0.0
        high = max(0.0, *tops.values(), *_limits(it), custom.get("axisSoftMax", 0.0)) if values else 0.0
        every = sorted({ms for points in series.values() for ms, _ in points})
        step_ms = min((b - a for a, b in pairwise(every)), default=3_600_000)
        shades = {name: points for name, points in series.items() if name in hidden}
        high = high if high > low else low + 1
        return cls(it, x, shown, shades, x + 74, width - 78, y + 4, y + height - 36, low, high, step_ms, {})

    def said(self, name: str, key: str) -> Any:
        """Return how a series is drawn."""
        return self.it.said_of(name).get(f"custom.{key}", self.it.defaults["custom"][key])

    def at(self, ms: float, value: float) -> tuple[float, float]:
        """Return where a value stands."""
        part = (ms - self.it.begin_ms) / (self.it.end_ms - self.it.begin_ms)
        tall = self.bottom - self.top
        return self.left + part * self.wide, self.bottom - (value - self.low) / (self.high - self.low) * tall

    @property
    def bar(self) -> float:
        """How wide one step of the time is."""
        return max(1.5, self.wide * self.step_ms / (self.it.end_ms - self.it.begin_ms))

    def axes(self) -> Iterator[str]:
        """Draw both, and the limits."""
        right = self.left + self.wide
        for k in range(5):
            value = self.low + (self.high - self.low) * k / 4
            _, row = self.at(0, value)
            yield f'<line class="grid" x1="{self.left}" x2="{right}" y1="{row:.1f}" y2="{row:.1f}"/>'
            yield f'<text class="s" text-anchor="end" x="{self.left - 6}" y="{row + 4:.0f}">{escape(self.it.text(value))}</text>'
        middle = f"translate({self.x + 4} {(self.top + self.bottom) / 2:.0f}) rotate(-90)"
        label = escape(self.it.defaults["custom"]["axisLabel"])
        yield f'<text class="s" transform="{middle}" text-anchor="middle">{label}</text>'
        yield from _times(self.it, self.left, self.bottom + 16, self.wide)
        for value in _limits(self.it):
            _, row = self.at(0, value)
            yield f'<line x1="{self.left}" x2="{right}" y1="{row:.1f}" y2="{row:.1f}" stroke="#D55E00" stroke-dasharray="6 4"/>'

    def shades(self) -> Iterator[str]:
        """Draw what only shades."""
        tall = self.bottom - self.top
        for points in self.shaded.values():
            for left in (self.at(ms, 0)[0] for ms, value in points if value):
                yield f'<rect x="{left:.1f}" y="{self.top}" width="{self.bar:.1f}" height="{tall:.0f}" fill="#999999" opacity="0.25"/>'

    def bars(self, number: int, name: str) -> Iterator[str]:
        """Draw a series as bars, on one another or beside one another."""
        stack = self.it.defaults["custom"]["stacking"]["mode"] == "normal"
        thin = self.bar * 0.8 / (1 if stack else len(self.shown))
        for ms, value in self.shown[name]:
            below = self.base.get(ms, 0.0) if stack else 0.0
            self.base[ms] = below + value
            left, upper = self.at(ms, below + value)
            left += self.bar * 0.1 + (0 if stack else number * thin)
            wide = max(0.0, min(thin, self.left + self.wide - left))
            tall = max(0.0, self.at(ms, below)[1] - upper)
            yield f'<rect x="{left:.1f}" y="{upper:.1f}" width="{wide:.1f}" height="{tall:.1f}" fill="{self.it.paint(name, number)}"/>'

    def line(self, number: int, name: str) -> Iterator[str]:
        """Draw a series as a line that breaks where a null is, with its points where there are few."""
        points, paint = self.shown[name], self.it.paint(name, number)
        path, before, gaps = "", 0, self.it.gaps.get(name, [])
        for ms, value in points:
            left, row = self.at(ms, value)
            path += (
                f"{'M' if not path or any(before < gap < ms for gap in gaps) else 'L'}{left:.1f} {row:.1f}"
            )
            before = ms
        yield f'<path d="{path}" fill="none" stroke="{paint}" stroke-width="1.6"/>'
        for left, row in (self.at(*point) for point in points if len(points) < 40):
            yield f'<circle cx="{left:.1f}" cy="{row:.1f}" r="2.6" fill="{paint}"/>'


def _limits(it: Answered) -> list[float]:
    return [step["value"] for step in it.defaults["thresholds"]["steps"] if step["value"] is not None]


def _states(it: Answered, x: float, y: float, width: float, height: float) -> Iterator[str]:
    series = it.series
    if not series:
        return
    left, wide = x + 110, width - 114
    tall = (height - 40) / len(series)
    seen: dict[str, str] = {}
    for k, (name, points) in enumerate(series.items()):
        yield f'<text text-anchor="end" x="{left - 8}" y="{y + tall * (k + 0.5) + 4:.0f}">{escape(name)}</text>'
        runs: list[tuple[int, int, Any]] = []
        step_ms = min((b[0] - a[0] for a, b in pairwise(points)), default=1000)
        for ms, value in points:
            if runs and runs[-1][2] == value and ms - runs[-1][1] <= 2 * step_ms:
                runs[-1] = (runs[-1][0], ms + step_ms, value)
            else:
                runs.append((ms, ms + step_ms, value))
        for begin, end, value in runs:
            word, paint = it.word(value)
            seen[word] = paint
            scale = wide / (it.end_ms - it.begin_ms)
            yield (
                f'<rect x="{left + (begin - it.begin_ms) * scale:.1f}" y="{y + tall * k + 3:.0f}" '
                f'width="{max(0.6, (end - begin) * scale):.1f}" height="{tall - 6:.0f}" fill="{paint}"/>'
            )
    yield from _times(it, left, y + height - 22, wide)
    yield from _legend([*seen.items()], left, y + height - 2, wide)


def _history(it: Answered, x: float, y: float, width: float, height: float) -> Iterator[str]:
    series = it.series
    if not series:
        return
    left, wide = x + 110, width - 114
    tall = (height - 24) / len(series)
    steps = it.defaults["thresholds"]["steps"]
    for k, (name, points) in enumerate(series.items()):
        yield f'<text text-anchor="end" x="{left - 8}" y="{y + tall * (k + 0.5) + 4:.0f}">{escape(name)}</text>'
        cell = wide * 86_400_000 / (it.end_ms - it.begin_ms)
        for ms, value in points:
            paint = [step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1]
            px = left + wide * (ms - it.begin_ms) / (it.end_ms - it.begin_ms)
            cell = min(cell, left + wide - max(left, px))
            fill = "none" if paint == "transparent" else paint
            yield f'<rect class="h" x="{max(left, px) + 1:.1f}" y="{y + tall * k + 2:.0f}" width="{cell - 2:.1f}" height="{tall - 4:.0f}" fill="{fill}" fill-opacity="0.55"/>'
    yield from _times(it, left, y + height - 4, wide)


def _number(it: Answered, x: float, y: float, _: float, height: float) -> Iterator[str]:
    for points in list(it.series.values())[:1]:
        yield f'<text class="n" x="{x}" y="{y + height / 2 + 8:.0f}">{escape(it.text(points[-1][1]))}</text>'


def _gauges(it: Answered, x: float, y: float, width: float, height: float) -> Iterator[str]:
    series = it.series
    most = max((points[-1][1] for points in series.values()), default=0) or 1
    tall = min(46.0, height / max(1, len(series)))
    for k, (name, points) in enumerate(series.items()):
        row = y + tall * k
        long = (width - 180) * points[-1][1] / most
        yield f'<text x="{x}" y="{row + tall / 2 + 4:.0f}">{escape(name)}</text>'
        yield f'<rect x="{x + 90}" y="{row + 5:.0f}" width="{max(1.0, long):.0f}" height="{tall - 10:.0f}" fill="{it.paint(name, k)}"/>'
        yield f'<text x="{x + 98 + long:.0f}" y="{row + tall / 2 + 4:.0f}">{escape(it.text(points[-1][1]))}</text>'


def _table(it: Answered, x: float, y: float, width: float, height: float) -> Iterator[str]:
    steps = [each["id"] for each in it.panel["transformations"]]
    if "groupingToMatrix" in steps:
        yield from _matrix(it, x, y, width, height)
        return
    rows = _joined(it) if "joinByField" in steps else [row for rows in it.rows for row in rows]
    if not rows:
        return
    hidden = {
        name.lower()
        for each in it.panel["transformations"]
        for name in each["options"].get("excludeByName", {})
    }
    names = [name for name in rows[0] if name.lower() not in hidden]
    names = [name for name in names if any(row.get(name) is not None for row in rows)]
    wide = width / len(names)
    room = int(wide / 6.7)
    for k, name in enumerate(names):
        yield f'<text class="t" x="{x + k * wide:.0f}" y="{y + 14}">{escape(name[:room])}</text>'
    yield f'<line class="h" x1="{x}" x2="{x + width}" y1="{y + 20}" y2="{y + 20}"/>'
    for at, row in enumerate(rows[-int((height - 24) // 20) :][::-1]):
        for k, name in enumerate(names):
            text = it.text(row.get(name), name)
            text = text if len(text) <= room else text[: room - 1] + "…"
            yield f'<text x="{x + k * wide:.0f}" y="{y + 36 + at * 20}">{escape(text)}</text>'


def _joined(it: Answered) -> list[Row]:
    """Do as joinByField and calculateField: when the wearer was told, and for how long it was slouched on."""
    told, ended = ({row["onset"]: row for row in rows} for rows in it.rows)
    return [
        {
            "told at": round(told[onset]["told"]),
            "slouched on": round(ended[onset]["ended"] - told[onset]["told"]),
        }
        for onset in told
        if onset in ended
    ]


def _matrix(it: Answered, x: float, y: float, width: float, height: float) -> Iterator[str]:
    """Do as groupBy and groupingToMatrix: the slouched part of the judged time by hour and weekday."""
    sums: dict[tuple[int, int], list[float]] = {}
    for row in it.rows[0]:
        when = datetime.fromtimestamp(row["time"] / 1000, UTC).astimezone(ZoneInfo(it.zone))
        cell = sums.setdefault((when.hour, when.weekday()), [0.0, 0.0])
        cell[0] += row["slouched"] or 0
        cell[1] += (row["slouched"] or 0) + (row["upright"] or 0)
    known = {key: 100 * part / whole for key, (part, whole) in sums.items() if whole}
    hours = sorted({hour for hour, _ in known})
    if not hours:
        return
    wide, tall = (width - 40) / 7, min(26.0, (height - 24) / len(hours))
    for day, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")):
        yield f'<text class="t" text-anchor="middle" x="{x + 40 + wide * (day + 0.5):.0f}" y="{y + 14}">{name}</text>'
    for k, hour in enumerate(hours):
        row = y + 22 + k * tall
        yield f'<text class="s" x="{x}" y="{row + tall / 2 + 4:.0f}">{hour:02d}:00</text>'
        for day in range(7):
            share = known.get((hour, day))
            if share is not None:
                yield f'<rect x="{x + 41 + wide * day:.0f}" y="{row:.0f}" width="{wide - 2:.0f}" height="{tall - 2:.0f}" fill="#E69F00" opacity="{min(1.0, share / 50):.2f}"/>'
                yield f'<text text-anchor="middle" x="{x + 40 + wide * (day + 0.5):.0f}" y="{row + tall / 2 + 4:.0f}">{share:.0f}%</text>'


KINDS: dict[str, Callable[[Answered, float, float, float, float], Iterator[str]]] = {
    "timeseries": _lines,
    "state-timeline": _states,
    "status-history": _history,
    "stat": _number,
    "bargauge": _gauges,
    "table": _table,
}
