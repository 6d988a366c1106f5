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
from sensor.samples import SampleBlock
from storage.entries import Stream
from storage.journal import Journal
from storage.late import LateJournal
from storage.reader import JournalReader

State = TypeVar("State", WearerState, HeadState)


def streams_of(config: Config) -> list[Stream]:
    """Return under which names this wearer's rows are stored, that of the back first."""
    wearer = config.wearer_id()
    back = Stream(wearer, config.wearer.placement)
    return [back, Stream(wearer, HEAD), Stream(wearer, HEAD_ON_TRUNK)] if config.head_clip else [back]


def recall(
    config: Config, journal: Journal | LateJournal, now_ns: int, zone: tzinfo | None
) -> tuple[Wearer, Head | None, Memory]:
    """Return the wearer, with the clip on the head if there is one, and what the journal remembers of the back.

    What was counted of both today is in the memory's day.
    """
    for damage in journal.damage:
        happened("journal_damaged", f"The journal is damaged: {damage}", level=logging.WARNING)
    back, *others = streams_of(config)
    with JournalReader.open(journal.path) as reader:
        memory, *other = (remember(reader, stream, now_ns, zone) for stream in (back, *others))
    saved, since = _saved(journal, back, now_ns)
    wearer = Wearer(
        config.settings(),
        replace(memory, minute=None) if since else memory,
        saved,
        schedule=Schedule.parse(config.alerts.schedule),
        zone=zone,
    )
    wearer.resume(since)
    if not others:
        return wearer, None, memory
    (own, pair), (of_own, of_pair) = others, other
    saved, since = _saved(journal, own, now_ns)
    head = Head(
        wearer,
        replace(of_own, minute=None) if since else of_own,
        saved,
        _state(journal, pair, HeadState, now_ns),
        last_alert_ns=of_pair.last_alert_ns,
    )
    head.clip.resume(since)
    return wearer, head, replace(memory, today=memory.today.with_events_of(of_pair.today))


def _saved(
    journal: Journal | LateJournal, stream: Stream, now_ns: int
) -> tuple[WearerState | None, tuple[SampleBlock, ...]]:
    """Return a state, and the samples after it that lead to the last row."""
    recalled = journal.recall(stream)
    saved, since = recalled or (None, [])
    state = _read(saved, WearerState, now_ns, int(since[-1].time_ns[-1]) if since else None)
    return state, tuple(since) if state else ()


def _state(journal: Journal | LateJournal, stream: Stream, kind: type[State], now_ns: int) -> State | None:
    """Return the state that goes with the last row; None for none that is of use."""
    return _read(journal.state(stream), kind, now_ns)


def _read(saved: bytes | None, kind: type[State], now_ns: int, last_ns: int | None = None) -> State | None:
    if saved is None:
        return None
    try:
        state = kind.from_bytes(saved)
    except StateError as error:
        happened("begins_afresh", f"What was under way is not known any more ({error}): it begins afresh")
        return None
    if (last_ns or state.last_ns or 0) > now_ns + AHEAD_S * 1e9:
        happened(
            "begins_afresh",
            "The clock of this computer went back: what was under way then begins afresh",
            level=logging.WARNING,
        )
        return None
    return state
