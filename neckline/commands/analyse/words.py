"""Figures → the few words that tables show; what is not known is a dash."""

from neckline.screen.words import span

UNKNOWN = "–"


def degrees(angle_deg: float | None) -> str:
    """Return an angle."""
    return UNKNOWN if angle_deg is None else f"{angle_deg:.1f}°"


def seconds_word(seconds: float | None) -> str:
    """Return a duration, to the second up to two minutes."""
    if seconds is None:
        return UNKNOWN
    return f"{seconds:.0f} s" if seconds < 120 else span(seconds)


def percent(part: float, whole: float) -> str:
    """Return a share, a dash of nothing."""
    return f"{part / whole:.0%}" if whole else UNKNOWN


def share(value: float | None) -> str:
    """Return a share that is worked out already."""
    return UNKNOWN if value is None else f"{value:.0%}"


def per_hour(number: int, seconds: float) -> str:
    """Return how many of them an hour."""
    return f"{number / (seconds / 3600):.1f}" if seconds else UNKNOWN
