"""A journal that is open → the wearer and the clip on the head as a run left them, or afresh where that cannot be."""

import logging
from dataclasses import replace
from datetime import tzinfo
from typing import TypeVar

from neckline.configuration.config import Config
from neckline.configuration.schedule import Schedule
from neckline.screen.logs import happened
from neckline.wearing.head import Head
from neckline.wearing.memory import Memory, remember
from neckline.wearing.wearer import Wearer
from processing.errors import StateError
from processing.head import HEAD, HEAD_ON_TRUNK, HeadState
from processing.state import WearerState
from sensor.arrivals import AHEAD_S
from storage.entries import Stream
from storage.journal import Journal
from storage.reader import JournalReader

State = TypeVar("State", WearerState, HeadState)


def streams_of(config: Config) -> list[Stream]:
    """Return under which names this wearer's rows are stored, that of the back first."""
    wearer = config.wearer_id()
    back = Stream(wearer, config.wearer.placement)
    return [back, Stream(wearer, HEAD), Stream(wearer, HEAD_ON_TRUNK)] if config.head_clip else [back]


def recall(
    config: Config, journal: Journal, now_ns: int, zone: tzinfo | None
) -> tuple[Wearer, Head | None, Memory]:
    """Return the wearer, with the clip on the head if there is one, and what the journal remembers of the back.

    What was counted of both today is in the memory's day.
    """
    for damage in journal.damage:
        happened("journal_damaged", f"The journal is damaged: {damage}", level=logging.WARNING)
    back, *others = streams_of(config)
    with JournalReader.open(journal.path) as reader:
        memory, *other = (remember(reader, stream, now_ns, zone) for stream in (back, *others))
    wearer = Wearer(
        config.settings(),
        memory,
        _state(journal, back, WearerState, now_ns),
        schedule=Schedule.parse(config.alerts.schedule),
        zone=zone,
    )
    if not others:
        return wearer, None, memory
    (own, pair), (of_own, of_pair) = others, other
    head = Head(
        wearer,
        of_own,
        _state(journal, own, WearerState, now_ns),
        _state(journal, pair, HeadState, now_ns),
        last_alert_ns=of_pair.last_alert_ns,
    )
    return wearer, head, replace(memory, today=memory.today.with_events_of(of_pair.today))


def _state(journal: Journal, stream: Stream, kind: type[State], now_ns: int) -> State | None:
    """Return the state that goes with the last row; None for none that is of use."""
    saved = journal.state(stream)
    if saved is None:
        return None
    try:
        state = kind.from_bytes(saved)
    except StateError as error:
        happened("begins_afresh", f"What was under way is not known any more ({error}): it begins afresh")
        return None
    if (state.last_ns or 0) > now_ns + AHEAD_S * 1e9:
        happened(
            "begins_afresh",
            "The clock of this computer went back: what was under way then begins afresh",
            level=logging.WARNING,
        )
        return None
    return state
