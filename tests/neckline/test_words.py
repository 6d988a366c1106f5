"""What people are told: kind, short, fit for a lock screen."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neckline.alerting.messages import INVITATIONS, Urgency, message_of
from neckline.screen.words import (
    ACTIVITY_WORDS,
    SENTENCES,
    clock,
    count,
    day_and_clock,
    of_link,
    sentence,
    span,
)
from processing.outputs import Activity, Event, EventKind
from sensor.samples import LinkChange, LinkState

NOW_NS = round(datetime(2026, 3, 2, 14, 30, tzinfo=UTC).timestamp()) * 10**9
NOT_ON_A_LOCK_SCREEN = re.compile(
    r"\b(pain|injur|diagnos|therap|treat|patient|medic|disease|disorder|syndrome|cure|health|spin(e|al)|cervical"
    r"|kyphos|slouch|bad|wrong|poor|fail|must|w-)",
    re.IGNORECASE,
)
"""Neither medical, nor a judgement, nor whose it is."""
EVENTS = st.builds(
    Event,
    time_ns=st.integers(NOW_NS, NOW_NS + 10**16),
    kind=st.sampled_from(EventKind),
    onset_ns=st.none() | st.integers(NOW_NS - 10**14, NOW_NS),
    end_ns=st.none() | st.integers(NOW_NS, NOW_NS + 10**16),
    value=st.none() | st.floats(0, 100),
    note=st.just(""),
)


@given(EVENTS)
def test_what_shows_on_a_lock_screen(event: Event) -> None:
    """A sentence or two, nothing medical, no judgement, nobody's name; never louder than normal."""
    message = message_of(event)
    if message is None:
        return
    assert not NOT_ON_A_LOCK_SCREEN.search(f"{message.title} {message.body}")
    assert len(message.body) <= 120
    assert message.body[0].isupper()
    assert message.urgency in set(Urgency)


def test_what_the_wearer_is_told_of() -> None:
    """Alerts, prompts for a break, a clip that has moved, a low battery; all else is only shown and stored."""
    told = {kind for kind in EventKind if message_of(Event(NOW_NS, kind)) is not None}
    assert told == {
        EventKind.SLOUCH_ALERT,
        EventKind.HEAD_FORWARD_ALERT,
        EventKind.BREAK_PROMPT,
        EventKind.CALIBRATION_SUSPECT,
        EventKind.BATTERY_LOW,
    }


def test_an_alert_says_how_long_and_offers_to_snooze() -> None:
    """Its invitation changes from slouch to slouch, and is the same for one slouch however often it is told."""
    bodies = set()
    for onset_s in range(len(INVITATIONS)):
        onset_ns = NOW_NS + onset_s * 10**9
        messages = [
            message_of(Event(onset_ns + held_s * 10**9, EventKind.SLOUCH_ALERT, onset_ns=onset_ns))
            for held_s in (60, 61, 300)
        ]
        first, second, reminder = (message for message in messages if message is not None)
        assert first == second
        assert first.body.startswith("You have been leaning forward for 1 min. ")
        assert reminder.body.startswith("You have been leaning forward for 5 min. ")
        assert first.body.partition(". ")[2] == reminder.body.partition(". ")[2]
        assert first.offers_snooze
        bodies.add(first.body)
    assert len(bodies) == len(INVITATIONS)


@given(EVENTS)
def test_every_event_is_a_sentence(event: Event) -> None:
    """On one line, with no number that is not known."""
    said = sentence(event, UTC)
    assert said
    assert said.isprintable()
    assert not re.search(r"[{}]|None|nan", said)
    assert "slouch" not in said.lower()


def test_sentences_say_what_happened() -> None:
    """With its times and numbers."""
    minute_ns = 60 * 10**9
    for event, said in {
        Event(NOW_NS, EventKind.SLOUCH_STARTED, onset_ns=NOW_NS - minute_ns): "Leaning forward for 1 min",
        Event(
            NOW_NS, EventKind.SLOUCH_ENDED, onset_ns=NOW_NS - 9 * minute_ns, end_ns=NOW_NS - minute_ns
        ): "Leaning forward is over, it lasted 8 min",
        Event(NOW_NS, EventKind.SIGNAL_RETURNED, onset_ns=NOW_NS - 5 * 10**9): "The clip is back after 5 s",
        Event(NOW_NS, EventKind.SIGNAL_LOST, note="gone"): "The clip's signal is lost (gone)",
        Event(NOW_NS, EventKind.BATTERY_LOW, value=18.6): "The clip's battery is at 19 %",
        Event(NOW_NS, EventKind.SNOOZED, end_ns=NOW_NS + 30 * minute_ns): "No alerts until 15:00",
        Event(NOW_NS, EventKind.SNOOZED, end_ns=NOW_NS + 10**15): "No alerts until Sat 14 Mar 04:16",
        Event(NOW_NS, EventKind.SNOOZED, end_ns=NOW_NS): "Alerts are on again",
    }.items():
        assert sentence(event, UTC) == said
    assert set(SENTENCES) == set(EventKind) - {EventKind.SNOOZED}


def test_every_activity_has_a_word() -> None:
    """And no two the same."""
    assert set(ACTIVITY_WORDS) == set(Activity)
    assert len(set(ACTIVITY_WORDS.values())) == len(Activity)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        *((0, "0 s"), (0.4, "0 s"), (59.4, "59 s"), (59.5, "1 min"), (89, "1 min"), (91, "2 min")),
        *((3569, "59 min"), (3571, "1 h"), (3600, "1 h"), (3660, "1 h 1 min"), (7199, "2 h")),
        *((47 * 3600, "47 h"), (48 * 3600, "2 days"), (60 * 3600, "2 days"), (240 * 3600, "10 days")),
    ],
)
def test_spans(seconds: float, said: str) -> None:
    """As people say them, rounded to what they would say."""
    assert span(seconds) == said


@given(st.floats(0, 10**7))
def test_a_span_is_no_further_off_than_it_is_coarse(seconds: float) -> None:
    """Read back it is what it was, to half of its smallest unit or hardly more."""
    sizes = {"s": 1, "min": 60, "h": 3600, "days": 86400}
    words = span(seconds).split()
    pairs = list(zip(map(int, words[::2]), words[1::2], strict=True))
    coarse_s = 60 if pairs[-1][1] == "h" else sizes[pairs[-1][1]]
    assert sum(number * sizes[unit] for number, unit in pairs) == pytest.approx(
        seconds, abs=0.51 * coarse_s + 0.5
    )


def test_a_link_says_where_it_stands_and_why() -> None:
    """By its last change, if there was one."""
    assert of_link(None) == "not connected yet"
    assert of_link(LinkChange(0, LinkState.STREAMING)) == "streaming"
    assert of_link(LinkChange(0, LinkState.WAITING, "it is off")) == "waiting (it is off)"


def test_counts_and_clocks() -> None:
    """Singular and plural; local times, with their day when it is another."""
    assert [count(n, "alert") for n in (0, 1, 2)] == ["0 alerts", "1 alert", "2 alerts"]
    assert count(2, "slouch", "es") == "2 slouches"
    tokyo = ZoneInfo("Asia/Tokyo")
    assert clock(NOW_NS, tokyo) == "23:30"
    assert clock(NOW_NS, tokyo, seconds=True) == "23:30:00"
    assert day_and_clock(NOW_NS + 3600 * 10**9, NOW_NS, tokyo) == "Tue 03 Mar 00:30"
    assert day_and_clock(NOW_NS + 3600 * 10**9, NOW_NS, UTC) == "15:30"
