"""A state that is saved as samples is the state that was: who goes on with it finds the same to the last bit."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neckline.wearing.saving import EVERY, Saving
from processing.outputs import Outputs
from processing.state import WearerState
from processing.step import finish, step
from sensor.samples import SampleBlock
from storage.entries import Batch, Stream
from storage.journal import Journal
from storage.states import SLOTS
from tests.processing.people import Held, samples
from tests.processing.people import settings as with_settings

STREAM = Stream("w-7f3a", "t4")


@cache
def sitting() -> SampleBlock:
    """Return a minute and a half with a slouch and an alert, and with some samples missing."""
    whole = samples((Held(20), Held(45, 25), Held(12)))
    there = np.arange(len(whole)) % 701 > 40
    gyr = None if whole.gyr_radps is None else whole.gyr_radps[there]
    return SampleBlock(whole.time_ns[there], whole.acc_mps2[there], gyr, whole.rate_hz)


def cut(block: SampleBlock, sizes: list[int]) -> list[SampleBlock]:
    """Cut a block into pieces of these sizes, again and again."""
    pieces, at, k = [], 0, 0
    while at < len(block):
        pieces.append(block[at : at + sizes[k % len(sizes)]])
        at, k = at + len(pieces[-1]), k + 1
    return pieces


def found(outputs: Outputs) -> tuple[object, ...]:
    """Return what is stored of outputs."""
    return (*outputs.epochs, *outputs.minutes, *outputs.episodes, *outputs.events)


def rest(state: WearerState, pieces: list[SampleBlock]) -> list[object]:
    """Return what else is found when a state goes on."""
    more: list[object] = []
    for piece in pieces:
        state, outputs = step(state, piece, with_settings())
        more += found(outputs)
    return [*more, *found(finish(state, with_settings())[1])]


@given(
    sizes=st.lists(st.integers(1, 120), min_size=1, max_size=6),
    killed=st.floats(0, 1),
    several=st.integers(1, 5),
)
@settings(max_examples=25, deadline=None)
def test_whoever_goes_on_from_the_journal_finds_the_same(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], killed: float, several: int
) -> None:
    """Whatever the cuts, the commits and the moment of the kill: the rows after it are those of a run without one."""
    pieces, saving, state = cut(sitting(), sizes), Saving(), WearerState()
    end, taken, wholes = round(killed * len(pieces)), 0, 0
    path = tmp_path_factory.mktemp("saving") / "j.db"
    batches: list[Batch] = []
    with Journal.open(path, "a test") as journal:
        for number, piece in enumerate(pieces[:end], 1):
            state, outputs = step(state, piece, with_settings())
            saving.heard(piece)
            if records := found(outputs):
                whole, since = saving.due(state, SETTINGS)
                wholes += whole is not None
                batches.append(Batch(STREAM, records, whole, since))  # type: ignore[arg-type]
            if batches and number % several == 0:
                journal.commit(batches)
                batches, taken = [], number
        if batches:
            journal.commit(batches)
            taken = end
    with Journal.open(path, "a test") as journal:
        recalled = journal.recall(STREAM)
    if recalled is None:
        assert taken == 0
        return
    again = WearerState.from_bytes(recalled[0])
    for block in recalled[1]:
        again, _ = step(again, block, SETTINGS)
    at = again.last_ns or 0
    left = sitting()[int((sitting().time_ns <= at).sum()) :]
    state = WearerState()
    for piece in cut(sitting()[: len(sitting()) - len(left)], sizes):
        state, _ = step(state, piece, SETTINGS)
    assert rest(again, cut(left, sizes)) == rest(state, cut(left, sizes))
    assert wholes <= 1 + len(pieces) // EVERY


SETTINGS = with_settings()


def test_what_changes_the_state_otherwise_is_saved_whole() -> None:
    """Other settings, an end, another rate, and every so often in any case."""
    block, saving, state = sitting()[:50], Saving(), WearerState()

    def is_whole() -> bool:
        saving.heard(block)
        whole, since = saving.due(state, now)
        assert (whole is None) is (since is not None)
        return whole is not None

    now = SETTINGS
    assert [is_whole() for _ in range(2 * EVERY + 3)] == [k % (EVERY + 1) == 0 for k in range(2 * EVERY + 3)]
    now = replace(SETTINGS, snoozed_until_ns=1)
    assert [is_whole(), is_whole()] == [True, False]
    saving.forget()
    assert [is_whole(), is_whole()] == [True, False]
    saving.heard(replace(block, rate_hz=25.0))
    assert [is_whole(), is_whole()] == [True, False]
    assert saving.due(state, now) == (None, None)
    assert EVERY <= SLOTS
