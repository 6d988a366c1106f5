"""An angle → three lines of text: a pointer, the scale with threshold and hysteresis on it, and its degrees."""

from rich.text import Text

from processing.state import Now

LOW_DEG, HIGH_DEG = -10.0, 50.0
"""From sitting back to a deep slump."""
FAINT = "dim"


def scale(now: Now, columns: int, hue: str) -> list[Text]:
    """Return the lines, `columns` wide. Between `off` and `on` what is so stays so: that part is shaded."""
    last = columns - 1

    def column(deg: float) -> int:
        return round((min(max(deg, LOW_DEG), HIGH_DEG) - LOW_DEG) / (HIGH_DEG - LOW_DEG) * last)

    zero = column(0.0)
    on = None if now.threshold_deg is None else column(now.threshold_deg)
    off = None if now.off_deg is None else column(now.off_deg)
    at = None if now.sagittal_deg is None else column(now.sagittal_deg)
    pointer = Text() if at is None else Text(" " * at + "▼", f"bold {hue}")
    track = Text()
    for here in range(columns):
        if here == on:
            track.append("┃", "bold")
            continue
        filled = at is not None and min(zero, at) <= here <= max(zero, at)
        shaded = on is not None and off is not None and off <= here < on
        if shaded:
            track.append("╍" if filled else "╌", hue if filled else "")
        elif here == zero and not filled:
            track.append("┼")
        else:
            track.append("━" if filled else "─", hue if filled else FAINT)
    marks = [(column(deg), f"{deg:.0f}°", FAINT) for deg in range(int(LOW_DEG), int(HIGH_DEG) + 1, 10)]
    if on is not None and now.threshold_deg is not None:
        marks.insert(0, (on, f"{now.threshold_deg:.0f}° threshold", ""))
    return [pointer, track, _labels(marks, columns)]


def _labels(marks: list[tuple[int, str, str]], columns: int) -> Text:
    """Place labels below their columns; one that would touch another gives way to those named before it."""
    placed: list[tuple[int, str, str]] = []
    for at, label, style in marks:
        begin = max(0, min(at - len(label.partition(" ")[0]) // 2, columns - len(label)))
        if all(begin + len(label) < b or b + len(other) < begin for b, other, _ in placed):
            placed.append((begin, label, style))
    text = Text()
    for begin, label, style in sorted(placed):
        text.append(" " * (begin - len(text))).append(label, style)
    return text
