"""A clip that answers, and says no: each family's own errors are told as what they mean, with a way out."""

import asyncio
from typing import Any

import pytest

from firmware_protocol.capture2go import ErrorCode, Header
from firmware_protocol.movesense import Status
from firmware_protocol.polar_pmd import Status as PolarStatus
from tests import virtual_time
from tests.sensor.conformance import CASES, Case
from tests.sensor.worlds import HAS_BUMBLE, STREAMING, WAITING, listening, radio

if HAS_BUMBLE:
    from sensor.virtual.world import virtual_world

pytestmark = radio

BY_NAME: dict[str, Case] = {case.name: case for case in CASES}


@pytest.mark.parametrize(
    ("family", "options", "says"),
    [
        ("polar_h10", {"status": PolarStatus.IN_CHARGER}, "it is in its charger"),
        ("polar_h10", {"status": PolarStatus.INVALID_MTU}, "arrives cut to 20 bytes"),
        ("polar_sense", {"status": PolarStatus.DISK_FULL}, "its error 14"),
        ("polar_sense", {"status": 77}, "its error 77"),
        ("movesense", {"status": Status.TOO_MANY_REQUESTS}, "it takes no more requests"),
        ("movesense", {"status": Status.UNAVAILABLE}, "its error 503"),
        ("capture2go", {"fails": {Header.START_STREAMING: ErrorCode.WRONG_STATE}}, "wrong state"),
        ("capture2go", {"fails": {Header.SET_MEASUREMENT_MODE: 0xF3}}, "0xf3: unknown"),
        ("openearable", {"firmware": "1.4.0"}, "an OpenEarable of firmware 1.4.0"),
    ],
)
def test_an_error_of_the_clip_is_told(family: str, options: dict[str, Any], says: str) -> None:
    """It is told once, in words, and tried again; no sample is made up meanwhile."""
    case = BY_NAME[family]

    async def main() -> None:
        async with virtual_world(case.unit(**options)) as world:
            async with listening(world.bluetooth, case.binding(world.clip.address, "mine")) as listener:
                await asyncio.sleep(15)

            assert listener.states[-1] is WAITING
            assert STREAMING not in listener.states
            assert [change.word for _, change in listener.changes].count("clip_refused") == 1
            assert says in listener.reason
            assert listener.blocks == []

    virtual_time.run(main())


@pytest.mark.parametrize("family", ["polar_h10", "movesense"])
def test_once_the_cause_is_gone_it_streams(family: str) -> None:
    """Taken off its charger, or started anew, it is used without anybody doing more."""
    case = BY_NAME[family]

    async def main() -> None:
        unit = case.unit(status=PolarStatus.IN_CHARGER if family == "polar_h10" else Status.UNAVAILABLE)
        async with virtual_world(unit) as world:
            async with listening(world.bluetooth, case.binding(world.clip.address, "mine")) as listener:
                await asyncio.sleep(6)
                unit.status = type(unit)(motion=unit.motion).status
                await asyncio.sleep(12)
            assert listener.states[-1] is STREAMING

    virtual_time.run(main())
