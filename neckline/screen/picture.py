"""A status → the picture of the live view, for a width and a height. Draws only: no terminal, no clock, no task.

Every colour stands beside a symbol or a word, so that nothing is lost without colours or to a colour-blind eye. The
two hues are those of Okabe and Ito (2008), blue and vermilion, in shades that read on light and on dark ground.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from rich.box import ROUNDED
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from neckline.screen.scale import scale
from neckline.screen.words import ACTIVITY_WORDS, clock, day_and_clock, forward, of_quality, span
from neckline.wearing.calibrating import Prompt
from neckline.wearing.status import BATTERY_LOW_PERCENT, OLD_CALIBRATION_S, HeadStatus, Status
from processing.outputs import Posture, Stance
from processing.settings import Mode
from sensor.samples import LinkState

BLUE, ORANGE, FAINT, BOLD = "#2a7fc4", "#d55e00", "dim", "bold"
SIGNS = {Posture.UPRIGHT: "●", Posture.SLOUCHED: "▲", Posture.UNKNOWN: "○"}
HUES = {Posture.UPRIGHT: BLUE, Posture.SLOUCHED: ORANGE, Posture.UNKNOWN: FAINT}
LABEL = 11
"""Columns of the words on the left."""
HOLD_BAR, CHARGE_BAR = 12, 5
MOMENT_ROWS = 5
"""Rows of this moment, or of the prompt in its place."""
SILENT = {Mode.TRACK: "no alerts", Mode.OFF: "nothing is told"}
NOT_CALIBRATED = "Not calibrated yet. Elsewhere run: neckline calibrate"
HINTS = (
    Text("Ctrl-C stops and keeps everything · neckline snooze · neckline calibrate", FAINT),
    Text("Ctrl-C stops and keeps everything", FAINT),
)


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened: when, whether it is a trouble, and the sentence."""

    time_ns: int
    trouble: bool
    say: str


def draw(
    status: Status,
    lines: Sequence[Line],
    prompt: Prompt | None,
    width: int,
    height: int,
    zone: tzinfo | None = None,
) -> Panel:
    """Return the picture, as wide and as high as given; what does not fit is left out from below."""
    inner = max(20, width - 4)
    now = _prompted(prompt, inner) if prompt else _now(status, inner)
    head = [_of_the_head(status.head, status.hold_s)] if status.head else []
    rows = [Text(), *now, *head, *_day(status, inner, zone), Text(), *_behind(status, zone)]
    room = max(0, height - 2 - len(rows) - 1)
    if room and lines:
        rows += [Text(), *(_line(line, zone) for line in lines[-room:])]
    rows = [*rows, *[Text()] * (height - 2 - len(rows))][: max(1, height - 2)]
    for row in rows:
        row.no_wrap, row.overflow = True, "ellipsis"
    title = Text.assemble(("neckline", BOLD), (f"  {status.wearer} · {status.placement}", FAINT))
    if status.simulated:
        title.append(" ─ ", FAINT).append("SIMULATED CLIP", f"bold {ORANGE}")
    return Panel(
        Group(*rows),
        box=ROUNDED,
        title=title,
        title_align="left",
        subtitle=_that_fits(HINTS, inner - 2),
        subtitle_align="left",
        border_style=FAINT,
        padding=(0, 1),
        width=width,
        height=height,
    )


def _row(label: str, *parts: str | Text | tuple[str, str]) -> Text:
    return Text.assemble((label.ljust(LABEL), FAINT), *parts)


def _that_fits(versions: Iterable[Text], columns: int) -> Text:
    """Return the first that is no wider; the last, if all are."""
    version = Text()
    for version in versions:
        if version.cell_len <= columns:
            break
    return version


def _bar(share: float, columns: int, style: str) -> Text:
    full = round(max(0.0, min(1.0, share)) * columns)
    return Text.assemble(("█" * full, style), ("░" * (columns - full), FAINT))


# ---- this moment -----------------------------------------------------------------------------------------------------


def _now(status: Status, inner: int) -> list[Text]:
    head = _that_fits(
        (
            _head(status, inner, activity=activity, lateral=lateral, bar=bar)
            for activity, lateral, bar in (
                (True, True, HOLD_BAR),
                (True, False, HOLD_BAR),
                (False, False, HOLD_BAR),
                (False, False, 0),
            )
        ),
        inner,
    )
    return [head, *scale(status.now, inner, HUES[status.now.posture]), _note(status)]


def _head(status: Status, inner: int, *, activity: bool, lateral: bool, bar: int) -> Text:
    """Return posture and angle on the left, the hold on the right; what is asked for of the rest."""
    now = status.now
    known = now.posture is not Posture.UNKNOWN
    head = Text.assemble(
        (f"{SIGNS[now.posture]} ", HUES[now.posture]), (now.posture if known else "not judged", BOLD)
    )
    if activity and not known:
        head.append(f"  {ACTIVITY_WORDS[now.activity] if now.activity else 'no samples yet'}")
    if now.sagittal_deg is not None:
        head.append(f"   {forward(now.sagittal_deg)}")
    if lateral and now.lateral_deg is not None:
        side = "right" if now.lateral_deg >= 0 else "left"
        head.append(f", {abs(now.lateral_deg):.0f}° {side}", FAINT)
    hold = _hold(status, bar)
    return head.append(" " * max(1, inner - head.cell_len - hold.cell_len)).append_text(hold)


def _note(status: Status) -> Text:
    """Return what there is to do, if anything."""
    if status.calibrated_ns is None:
        return Text(NOT_CALIBRATED, ORANGE)
    if status.suspect:
        return Text(f"Alerts wait: neckline calibrate ({status.suspect})", ORANGE)
    if status.now.posture is Posture.SLOUCHED and status.now.hold_progress >= 1:
        return Text("A good moment to sit back or get up.", f"bold {ORANGE}")
    return Text()


def _hold(status: Status, columns: int) -> Text:
    progress = status.now.hold_progress
    held = "sustained" if progress >= 1 else f"{progress * status.hold_s:.0f} of {status.hold_s:.0f} s"
    bar = _bar(progress, columns, ORANGE).append(" " if columns else "")
    return Text.assemble(("hold ", FAINT), bar, f"{held:>10}")


def _prompted(prompt: Prompt, inner: int) -> list[Text]:
    """Show what to do in place of the scale: the wearer looks here from a chair."""
    if prompt.refused:
        why = textwrap.wrap(prompt.refused, inner)
        return _filled([Text.assemble(("▲ ", ORANGE), (prompt.say, BOLD)), *map(Text, why)])
    if prompt.done is not None:
        personal = f"Your threshold is {prompt.done.threshold_deg:.0f}°"
        if prompt.done.slump_deg is not None:
            personal += f"; your slump was at {prompt.done.slump_deg:.0f}°"
        rows = [Text.assemble(("● ", BLUE), (prompt.say, BOLD)), Text(), Text(personal)]
        if prompt.quality is not None:
            rows.append(Text(prompt.quality.remark or of_quality(prompt.quality), FAINT))
        if prompt.head_missed:
            rows.append(Text("The clip on the head was not heard", ORANGE))
        return _filled(rows)
    if not prompt.seconds:
        return _filled([Text("Calibration", FAINT), *map(Text, textwrap.wrap(prompt.say, inner))])
    part = "hold the pose" if prompt.hold else "get ready"
    bar = _bar(1 - prompt.remaining_s / prompt.seconds, inner - 5, BLUE if prompt.hold else FAINT)
    return _filled(
        [
            Text(f"Calibration: {part}", FAINT),
            Text(),
            Text(prompt.say, BOLD),
            Text.assemble(bar, (f"{prompt.remaining_s:3.0f} s", BOLD)),
        ]
    )


def _filled(rows: list[Text]) -> list[Text]:
    return [*rows, *[Text()] * MOMENT_ROWS][:MOMENT_ROWS]


def _of_the_head(head: HeadStatus, hold_s: float) -> Text:
    """Return how far the head is bent on the back, or why that is not known."""
    if head.link is None or head.link.state is not LinkState.STREAMING:
        state = head.link.state if head.link else "not looked for yet"
        why = f": {head.link.reason}" if head.link and head.link.reason else ""
        return _row("Head", ("▲ ", ORANGE), f"{head.clip}  {state}{why}")
    if head.calibrated_ns is None:
        return _row("Head", ("○ ", FAINT), "not calibrated: neckline calibrate")
    if head.suspect:
        return _row("Head", ("▲ ", ORANGE), f"not judged: neckline calibrate ({head.suspect})")
    if head.flexion_deg is None:
        return _row("Head", ("○ ", FAINT), "not judged")
    word = {Posture.UPRIGHT: "upright", Posture.SLOUCHED: "forward", Posture.UNKNOWN: "not judged"}
    held = f"   {head.hold_progress * hold_s:.0f} of {hold_s:.0f} s" if head.hold_progress else ""
    low = head.battery is not None and head.battery.percent < BATTERY_LOW_PERCENT
    battery = f"   battery {head.battery.percent:.0f} %" if head.battery and low else ""
    return _row(
        "Head",
        (f"{SIGNS[head.posture]} ", HUES[head.posture]),
        (word[head.posture], BOLD),
        f"   {forward(head.flexion_deg, ' of the back')}",
        (held, FAINT),
        (battery, ORANGE),
    )


# ---- the day ---------------------------------------------------------------------------------------------------------


def _day(status: Status, inner: int, zone: tzinfo | None) -> list[Text]:
    now, today = status.now, status.today
    doing = ACTIVITY_WORDS[now.activity] if now.activity else "–"
    seconds = {
        Posture.UPRIGHT: today.upright_s,
        Posture.SLOUCHED: today.slouched_s,
        Posture.UNKNOWN: today.unknown_s,
    }
    whole = sum(seconds.values())
    columns = inner - LABEL
    bar, used = Text(), 0
    for posture, mark in ((Posture.UPRIGHT, "█"), (Posture.SLOUCHED, "▓"), (Posture.UNKNOWN, "░")):
        last = posture is Posture.UNKNOWN
        part = columns - used if last else round(columns * seconds[posture] / whole) if whole else 0
        used += part
        bar.append(mark * part, HUES[posture])
    named = _numbers(seconds, named=True)
    return [
        _row("Activity", doing, "  standing" if now.stance is Stance.STANDING else ""),
        _row("Today", bar),
        _that_fits((_row("", named), named, _row("", _numbers(seconds, named=False))), inner),
        _row("Alerts", _that_fits(_alerts(status, zone), columns)),
    ]


def _numbers(seconds: Mapping[Posture, int], *, named: bool) -> Text:
    parts = []
    for posture, lasted_s in seconds.items():
        name = "not judged " if posture is Posture.UNKNOWN else f"{posture} "
        parts.append(
            Text.assemble((f"{SIGNS[posture]} ", HUES[posture]), name if named else "", span(lasted_s))
        )
    return Text("   " if named else "  ").join(parts)


def _alerts(status: Status, zone: tzinfo | None) -> list[Text]:
    """Return how many there were, and whether and until when there are none; shorter and shorter."""
    count = status.today.alerts
    told = f"{count} today" if count else "none today"
    last = ""
    if count and status.last_alert_ns is not None:
        last = f", the last at {clock(status.last_alert_ns, zone)}"
    off, why = "", ""
    if status.fading is not None and status.fading[0] != status.fading[1]:
        last += f", {status.fading[0]} of {status.fading[1]} are given"
    if status.mode is not Mode.COACH:
        off = f"mode {status.mode}: {SILENT[status.mode]}"
    elif status.snoozed_until_ns is not None:
        off = f"snoozed until {day_and_clock(status.snoozed_until_ns, status.time_ns, zone)}"
    elif status.alerts_from_ns is None:
        off = "outside your alert hours"
    elif status.alerts_from_ns > status.time_ns:
        off = f"off until {day_and_clock(status.alerts_from_ns, status.time_ns, zone)}"
        why = " (your hours)"
    mark = "   ○ " if off else ""
    return [
        Text.assemble(told, more, (mark, FAINT), (off, BOLD), reason)
        for more, reason in ((last, why), ("", why), ("", ""))
    ]


# ---- what stands behind it -------------------------------------------------------------------------------------------


def _behind(status: Status, zone: tzinfo | None) -> list[Text]:
    rows = [_row("Clip", *_clip(status)), _row("Reference", *_reference(status, zone))]
    journal = status.journal
    state: list[Text | tuple[str, str] | str] = [("● ", BLUE), _short(journal.path)]
    if journal.trouble:
        waiting = f" ({journal.pending} rows wait)" if journal.pending else ""
        trouble = journal.trouble.replace(str(journal.path), journal.path.name)
        state = [("▲ ", ORANGE), f"{trouble}{waiting}"]
    rows.append(_row("Journal", *state))
    if (influxdb := status.influxdb) is not None:
        state = [
            ("● ", BLUE),
            "up to date" if not influxdb.backlog_rows else f"{influxdb.backlog_rows} rows to go",
        ]
        if influxdb.trouble:
            state = [("▲ ", ORANGE), f"{influxdb.trouble} ({influxdb.backlog_rows} rows wait)"]
        elif influxdb.dead_letters:
            state = [("▲ ", ORANGE), f"{influxdb.dead_letters} rows were refused for good"]
        rows.append(_row("InfluxDB", *state))
    for number, channel in enumerate(status.channels):
        told = Text.assemble(("● ", BLUE), channel.name, f"  {channel.sent} sent" if channel.sent else "")
        if channel.trouble:
            told = Text.assemble(("○ ", FAINT), f"{channel.name}: {channel.trouble}")
        rows.append(_row("" if number else "Told by", told))
    return rows


def _clip(status: Status) -> list[str | Text | tuple[str, str]]:
    link, battery = status.link, status.battery
    parts: list[str | Text | tuple[str, str]] = [("○ ", FAINT), f"{status.clip}  not looked for yet"]
    if link is not None and link.state is LinkState.STREAMING:
        parts = [("● ", BLUE), f"{status.clip}  streaming"]
    elif link is not None:
        parts = [("▲ ", ORANGE), f"{status.clip}  {link.state}", f": {link.reason}" if link.reason else " …"]
    if battery is not None and (link is None or not link.reason):
        hue = ORANGE if battery.percent < BATTERY_LOW_PERCENT else BLUE
        parts += [("   battery ", FAINT), _bar(battery.percent / 100, CHARGE_BAR, hue)]
        parts.append(f" {battery.percent:.0f} %")
    return parts


def _reference(status: Status, zone: tzinfo | None) -> list[str | Text | tuple[str, str]]:
    if status.calibrated_ns is None:
        return [("○ ", FAINT), "none"]
    age_s = (status.time_ns - status.calibrated_ns) / 1e9
    when = f"calibrated {day_and_clock(status.calibrated_ns, status.time_ns, zone)}"
    if status.suspect:
        return [("▲ ", ORANGE), f"{when}, in doubt"]
    if age_s > OLD_CALIBRATION_S:
        return [("○ ", FAINT), f"{when}: do it anew when you put the clip on"]
    told: list[str | Text | tuple[str, str]] = [("● ", BLUE), f"{when}, {span(age_s)} ago"]
    if status.quality is not None:
        told.append((f"   ± {status.quality.expected_error_deg:.0f}°", FAINT))
    return told


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _line(line: Line, zone: tzinfo | None) -> Text:
    mark = ("▲ ", ORANGE) if line.trouble else ("· ", FAINT)
    return Text.assemble((f"{clock(line.time_ns, zone, seconds=True)}   ", FAINT), mark, line.say)
