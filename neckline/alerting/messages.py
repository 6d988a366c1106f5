"""Events → what the wearer is told. Most events tell nothing; what is told is short, kind, and fit for a lock screen."""

from dataclasses import dataclass
from enum import StrEnum

from neckline.screen.words import span
from processing.outputs import Event, EventKind

TITLE = "neckline"
INVITATIONS = (
    "A good moment to sit back or get up.",
    "How about sitting back, or a few steps?",
    "Perhaps lean back for a moment, or stand up.",
)
"""Taken in turn: a sentence that never changes is no longer read."""


class Urgency(StrEnum):
    """How a channel may show it: never above normal, so that the system's own quiet hours hold."""

    LOW = "low"
    NORMAL = "normal"


ALL = frozenset(Urgency)


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that the wearer is told."""

    body: str
    urgency: Urgency
    offers_snooze: bool = False
    title: str = TITLE


def message_of(event: Event, clip: str = "clip") -> Message | None:
    """Return what the wearer is told about an event of a clip; None for what is only shown and stored."""
    match event.kind:
        case EventKind.SLOUCH_ALERT:
            return _invitation("You have been leaning forward for", event)
        case EventKind.HEAD_FORWARD_ALERT:
            return _invitation("Your head has been forward for", event)
        case EventKind.BREAK_PROMPT:
            return Message(
                "You have hardly moved for a good while. A good moment to get up.",
                Urgency.NORMAL,
                offers_snooze=True,
            )
        case EventKind.CALIBRATION_SUSPECT:
            return Message(
                f"The {clip} seems to have moved. When it suits you: neckline calibrate", Urgency.LOW
            )
        case EventKind.BATTERY_LOW:
            return Message(
                f"The {clip}'s battery is at {event.value or 0:.0f} %. Charge it when it suits you.",
                Urgency.LOW,
            )
        case _:
            return None


def _invitation(seen: str, event: Event) -> Message:
    onset_ns = event.onset_ns or event.time_ns
    invitation = INVITATIONS[onset_ns // 10**9 % len(INVITATIONS)]
    held = span((event.time_ns - onset_ns) / 1e9)
    return Message(f"{seen} {held}. {invitation}", Urgency.NORMAL, offers_snooze=True)
