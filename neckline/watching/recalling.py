"""A journal that is open → the wearer and the clip on the head as a run left them, or afresh where that cannot be."""

import logging
from dataclasses import replace
from datetime import tzinfo
from typing import TypeVar

from neckline.configuration.config import Config
from neckline.configuration.schedule import Schedule
from neckline.screen.logs import happened
from neckline.wearing.head import TOLD, Head
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
from storage.schema import EPOCH, EVENT

State = TypeVar("State", WearerState, HeadState)

CATCH_UP_NS = 60 * 10**9
"""What waits for its partner waits for seconds; what came much later is another session's."""


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
    for of_pair in other[1:]:
        for time_ns in of_pair.alerts_ns:
            wearer.told_beside(time_ns)
    wearer.resume(since)
    if not others:
        return wearer, None, memory
    (own, pair), (of_own, of_pair) = others, other
    saved, since = _saved(journal, own, now_ns)
    head = Head(
        wearer,
        replace(of_own, minute=None) if since else of_own,
        saved,
        _pair_state(journal, pair, own, back, now_ns),
        last_alert_ns=of_pair.last_alert_ns,
    )
    head.clip.resume(since)
    return wearer, head, replace(memory, today=memory.today.with_events_of(of_pair.today))


def _saved(
    journal: Journal | LateJournal, stream: Stream, now_ns: int
) -> tuple[WearerState | None, tuple[SampleBlock, ...]]:
    """Return a state, and the samples after it that lead to the last row."""
    saved, since = journal.recall(stream) or (None, [])
    state = _read(saved, WearerState)
    if state is None:
        return None, ()
    if _is_ahead(int(since[-1].time_ns[-1]) if since else state.last_ns, now_ns):
        return state.afresh(), ()
    return state, tuple(since)


def _pair_state(
    journal: Journal | LateJournal, pair: Stream, head: Stream, back: Stream, now_ns: int
) -> HeadState | None:
    """Return the state of both clips, with all that waits for its partner.

    A second of one clip is durable with that clip's rows, the state of both only with the next second of both.
    """
    state = _read(journal.state(pair), HeadState)
    if state is None or state.next_ns is None:
        return state
    if _is_ahead(state.next_ns, now_ns):
        return state.afresh()
    span_ns = state.next_ns, state.next_ns + CATCH_UP_NS
    with JournalReader.open(journal.path) as reader:
        told_ns = (event.time_ns for event in reader.read(EVENT, back, *span_ns) if event.kind in TOLD)
        return replace(
            state,
            head=tuple(reader.read(EPOCH, head, *span_ns)),
            trunk=tuple(reader.read(EPOCH, back, *span_ns)),
            told_ns=tuple(sorted({*state.told_ns, *told_ns})),
        )


def _read(saved: bytes | None, kind: type[State]) -> State | None:
    """Return the state that goes with the last row; None for none that is of use."""
    if saved is None:
        return None
    try:
        return kind.from_bytes(saved)
    except StateError as error:
        happened("begins_afresh", f"What was under way is not known any more ({error}): it begins afresh")
        return None


def _is_ahead(last_ns: int | None, now_ns: int) -> bool:
    """Tell whether what is stored last is of a clock that has been set back since, and say so."""
    if (last_ns or 0) <= now_ns + AHEAD_S * 1e9:
        return False
    happened(
        "begins_afresh",
        "The clock of this computer went back: what was under way then begins afresh",
        level=logging.WARNING,
    )
    return True
