"""Clips that leave questions open: what their stream does not need delays it and no more; on the virtual radio."""

import asyncio
from typing import Any

import pytest

from firmware_protocol import capture2go, metamotion, movesense
from sensor.dialogue import MAX_TRIES
from sensor.exchange import STALL_S
from sensor.sessions.movesense import HELLO
from tests import virtual_time
from tests.sensor.conformance import CASES, Case
from tests.sensor.worlds import CONNECTING, HAS_BUMBLE, SEARCHING, STREAMING, WAITING, listening, radio

if HAS_BUMBLE:
    from sensor.virtual.world import virtual_world

pytestmark = radio

UNANSWERED = {
    "capture2go": bytes(capture2go.GET_DEVICE_INFO),
    "metamotion": metamotion.READ_ADDRESS,
    "movesense": bytes(movesense.hello(HELLO)),
}
"""Questions that come before the start of a stream, which does not need their answers."""


def left_open(case: Case, question: bytes | None, patch: pytest.MonkeyPatch) -> list[float]:
    """Have units of a family never answer a question, or none at all; return the times at which it will have been asked."""
    asked_s: list[float] = []
    kind = type(case.unit())
    take = kind.written

    def written(unit: Any, characteristic: str, data: bytes, now_s: float) -> None:
        take(unit, characteristic, data, now_s)
        if question in (data, None):
            asked_s.append(asyncio.get_running_loop().time())
            unit.waiting.clear()

    patch.setattr(kind, "written", written)
    return asked_s


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name in UNANSWERED], ids=lambda case: case.name + case.variant
)
def test_a_question_that_is_never_answered_delays_the_stream_and_no_more(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked five times and left in peace; the silence meanwhile is no drop, the one that comes later is."""
    asked_s = left_open(case, UNANSWERED[case.name], monkeypatch)

    async def main() -> None:
        async with virtual_world(case.unit()) as world:
            binding = case.binding(world.clip.address, "mine", serial=None)
            async with listening(world.bluetooth, binding) as listener:
                await asyncio.sleep(15)
                assert listener.states == [SEARCHING, CONNECTING, STREAMING]
                assert len(asked_s) == MAX_TRIES
                assert listener.changes[-1][0] == pytest.approx(asked_s[0] + 5, abs=1)
                world.clip.fall_silent()
                await asyncio.sleep(STALL_S + 0.2)
                assert listener.states[-1] is WAITING
                world.clip.speak_again()
                await asyncio.sleep(10)
                assert listener.states[-1] is STREAMING

    virtual_time.run(main())


def test_a_clip_that_answers_nothing_is_silent_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two questions are waited for that the stream does not need, none that it needs; then it is told, and tried again."""
    (case,) = (case for case in CASES if case.name == "capture2go")

    async def main() -> None:
        asked_s = left_open(case, None, monkeypatch)
        async with virtual_world(case.unit()) as world:
            async with listening(world.bluetooth, case.binding(world.clip.address, "mine")) as listener:
                await asyncio.sleep(20)
                silent_s, change = listener.changes[2]
                assert change.word == "clip_silent"
                assert silent_s - asked_s[0] == pytest.approx(2 * 5 + STALL_S, abs=0.6)
                monkeypatch.undo()
                await asyncio.sleep(20)
            assert listener.states == [SEARCHING, CONNECTING, WAITING, STREAMING]

    virtual_time.run(main())
