"""The heart: `step(state, block, settings) → (state, outputs)`, one pure function for live, replay and batch.

However the same samples are cut into blocks, and wherever the state is saved and restored between, the outputs
are the same: decisions are taken per sample or per whole second, never per block. What is not urgent waits, for the
end of its second at least and for as long as `Settings.patience_s` allows: until then blocks are kept, no more. Only
when an alert may fall due meanwhile are they looked at when they come.
"""

from collections.abc import Iterable, Iterator, Sequence

from processing.epochs import SECOND_NS
from processing.grid import PIECE
from processing.outputs import NOTHING, Activity, Outputs
from processing.settings import Settings
from processing.slouch import may_speak
from processing.state import WearerState
from processing.window import measure
from processing.work import Closing, Work
from sensor.samples import SampleBlock

MOST_WAITING = 200
"""Blocks that wait at most: a clip whose clock stands still must not fill the memory."""

Turn = tuple[WearerState, SampleBlock, Settings]


def step(state: WearerState, block: SampleBlock, settings: Settings) -> tuple[WearerState, Outputs]:
    """Take the next block of one wearer's clip; return the new state and what was found.

    The state keeps the arrays of the block for up to a second: they must not be changed after.
    """
    if _can_wait(state, block, settings):
        return state.with_waiting(block), NOTHING
    work = Work(state, settings, block)
    _do([work])
    return work.answer()


def step_many(turns: Iterable[Turn]) -> list[tuple[WearerState, Outputs]]:
    """Take a block of each of many wearers; return what `step` gives for each, to the last bit.

    It costs a fraction of a call for each, since numpy is asked once for all.
    """
    answers = [
        (state.with_waiting(block), NOTHING)
        if _can_wait(state, block, settings)
        else Work(state, settings, block)
        for state, block, settings in turns
    ]
    _do([answer for answer in answers if isinstance(answer, Work)])
    return [answer.answer() if isinstance(answer, Work) else answer for answer in answers]


def finish(state: WearerState, settings: Settings) -> tuple[WearerState, Outputs]:
    """Close what is open, at the end of a recording or at a clean stop; an open episode ends as censored."""
    work = Work(state, settings)
    _do([work])
    work.end_session()
    work.end_minute()
    return work.answer()


def _can_wait(state: WearerState, block: SampleBlock, settings: Settings) -> bool:
    """Tell whether a block can wait: it ends while there is patience, and no alert may fall due until then."""
    if not len(block):
        return True
    if state.epoch is None or len(state.waiting) >= MOST_WAITING:
        return False
    since_ns, last_ns = state.epoch.second * SECOND_NS, block.time_ns[-1]
    if last_ns < since_ns + SECOND_NS and state.activity is not Activity.STILL:
        return True  # the second is not judged
    until_ns = since_ns + max(1, int(settings.patience_s)) * SECOND_NS
    return bool(last_ns < until_ns) and not may_speak(state.slouch, since_ns, until_ns, settings)


def _do(works: Sequence[Work]) -> None:
    """Let all take their blocks, piece by piece, and measure together what they end."""
    while busy := [work for work in works if work.take_next()]:
        for closings in _portions(closing for work in busy if (closing := work.closing)):
            for closing, measured in zip(closings, measure([of.over for of in closings]), strict=True):
                closing.work.close_seconds(measured)
        for work in busy:
            work.look_early()


def _portions(closings: Iterable[Closing]) -> Iterator[list[Closing]]:
    """Yield together what fits a processor's cache."""
    portion: list[Closing] = []
    size = 0
    for closing in closings:
        portion.append(closing)
        size += closing.over.edges[-1]
        if size >= PIECE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
