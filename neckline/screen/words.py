"""Numbers and events → the words that people read: in notifications, in the view, in the plain log.

Kind and few: a sentence says what was seen and what may help, praises nobody and scores nobody. What can show on a
lock screen says nothing medical and names nobody.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING

from processing.outputs import Activity, Event, EventKind

if TYPE_CHECKING:
    from processing.quality import CalibrationQuality
    from sensor.samples import LinkChange


def span(seconds: float) -> str:
    """Return a duration as people say it: `45 s`, `1 min`, `2 h 5 min`, `3 days`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(seconds / 86400)} days"


def count(number: int, what: str, plural: str = "s") -> str:
    """Return a number of things: `1 alert`, `2 alerts`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}{plural}"


def forward(angle_deg: float, more: str = "") -> str:
    """Return an angle as people say it: `25° forward`, `1° back`; `more` goes behind."""
    return f"{abs(angle_deg):.0f}° {'forward' if angle_deg >= 0 else 'back'}{more}"


def clock(time_ns: int, zone: tzinfo | None = None, *, seconds: bool = False) -> str:
    """Return the local time of day; `zone` None is this computer's."""
    return datetime.fromtimestamp(time_ns / 1e9, zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def of_quality(quality: "CalibrationQuality") -> str:
    """Return how good a calibration is."""
    apart = "" if quality.separation_deg is None else f", poses {quality.separation_deg:.0f}° apart"
    return f"upright to within {quality.expected_error_deg:.1f}°{apart}"


def of_link(change: "LinkChange | None") -> str:
    """Return where the link to a clip stands, by its last change, and why."""
    if change is None:
        return "not connected yet"
    return f"{change.state} ({change.reason})" if change.reason else str(change.state)


def day_and_clock(time_ns: int, now_ns: int, zone: tzinfo | None = None) -> str:
    """Return the local time, with its day when that is another than today."""
    then, now = (datetime.fromtimestamp(ns / 1e9, zone) for ns in (time_ns, now_ns))
    return then.strftime("%H:%M") if then.date() == now.date() else then.strftime("%a %d %b %H:%M")


ACTIVITY_WORDS: Mapping[Activity, str] = MappingProxyType(
    {
        Activity.STILL: "quiet",
        Activity.MOVING: "moving",
        Activity.WALKING: "walking",
        Activity.VEHICLE: "in a vehicle",
        Activity.LYING: "lying",
        Activity.BENDING: "bending down",
        Activity.LEANING: "leaning to a side",
        Activity.TRANSITION: "changing position",
        Activity.NOT_WORN: "clip not worn",
        Activity.GAP: "no signal",
        Activity.UNCALIBRATED: "not calibrated",
    }
)


SENTENCES: Mapping[EventKind, str] = MappingProxyType(
    {
        EventKind.SLOUCH_STARTED: "Leaning forward for {held}",
        EventKind.SLOUCH_ALERT: "Told you: leaning forward for {held}",
        EventKind.SLOUCH_ENDED: "Leaning forward is over, it lasted {lasted}",
        EventKind.HEAD_FORWARD_STARTED: "Head forward for {held}",
        EventKind.HEAD_FORWARD_ALERT: "Told you: head forward for {held}",
        EventKind.HEAD_FORWARD_ENDED: "Head forward is over, it lasted {lasted}",
        EventKind.BREAK_PROMPT: "Hardly any movement for long: a good moment to get up",
        EventKind.CALIBRATION_SUSPECT: "The {clip} seems to have moved; alerts wait for a new calibration",
        EventKind.NOT_WORN: "The {clip} has lain still for {held}",
        EventKind.SIGNAL_LOST: "The {clip}'s signal is lost",
        EventKind.SIGNAL_RETURNED: "The {clip} is back after {held}",
        EventKind.BATTERY_LOW: "The {clip}'s battery is at {value:.0f} %",
        EventKind.CALIBRATED: "Calibrated",
        EventKind.VISIT: "A visit",
        EventKind.SETTINGS_CHANGED: "Other settings from here on",
        EventKind.EPOCHS_REMOVED: "The oldest {value:.0f} epochs were removed to keep the journal small",
    }
)


def sentence(event: Event, zone: tzinfo | None = None, *, clip: str = "clip") -> str:
    """Return what happened to a clip and its wearer, in a sentence for the wearer's own screen."""
    if event.kind is EventKind.SNOOZED:
        if event.end_ns is None or event.end_ns <= event.time_ns:
            return "Alerts are on again"
        return f"No alerts until {day_and_clock(event.end_ns, event.time_ns, zone)}"
    onset_ns = event.time_ns if event.onset_ns is None else event.onset_ns
    end_ns = event.time_ns if event.end_ns is None else event.end_ns
    text = SENTENCES[event.kind].format(
        held=span((event.time_ns - onset_ns) / 1e9),
        lasted=span((end_ns - onset_ns) / 1e9),
        value=event.value or 0.0,
        clip=clip,
    )
    return f"{text} ({event.note})" if event.note else text
