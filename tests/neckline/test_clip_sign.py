"""The clip itself buzzes or beeps: by hand, alone or beside a run, and for an alert; a real link to virtual clips."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from neckline.alerting.alerts import Alerts
from neckline.alerting.clip import FELT, ClipSign, sign_of
from neckline.alerting.messages import Message, Urgency
from neckline.configuration.config import Config
from neckline.errors import ChannelError, MuteClipError
from neckline.exits import Exit
from neckline.watching.running import run
from neckline.watching.service import Service
from sensor import link
from sensor.errors import ClipLostError
from sensor.families import FAMILIES
from sensor.samples import LinkState, Reading
from sensor.session import SignalKind
from sensor.signals import Signals
from tests import virtual_time
from tests.neckline.conftest import Home, Said
from tests.neckline.services import ONE_SLOUCH, SETTINGS, Seen, Told, calibrated, played, until_s
from tests.neckline.test_clip_commands import CLIP, Air, air
from tests.sensor.conformance import CASES, Case
from tests.sensor.worlds import HAS_BUMBLE, MAC, radio

if HAS_BUMBLE:
    from sensor.virtual.world import virtual_world

pytestmark = radio
Neckline = Callable[..., Said]
__all__ = ["air"]


def case_of(name: str) -> Case:
    """Return how the conformance suite makes a family's unit."""
    return next(case for case in CASES if case.name == name)


def bound(case: Case, address: str = MAC) -> dict[str, str | float | bool]:
    """Return a clip's table of the configuration."""
    serial = {"serial": case.serial} if case.serial else {}
    return {"family": case.name, "name": "mine", "address": address, "rate_hz": case.rate_hz, **serial}


def test_each_family_gives_the_sign_that_is_felt() -> None:
    """A buzz before a beep; a light alone is nothing on one's back."""
    signs = {}
    for family in FAMILIES.values():
        try:
            signs[family.name] = sign_of(family, FELT)
        except MuteClipError:
            assert not set(family.capabilities.signals) - {SignalKind.LIGHT}
    assert (signs["metamotion"], signs["thingy52"]) == (SignalKind.VIBRATION, SignalKind.SOUND)
    assert "witmotion" not in signs


@pytest.mark.parametrize(
    ("family", "sign", "word"),
    [
        ("metamotion", "vibration", "buzzed"),
        ("thingy52", "sound", "beeped"),
        ("movella_dot", "light", "blinked"),
    ],
)
def test_feedback_alone(neckline: Neckline, air: Air, home: Home, family: str, sign: str, word: str) -> None:
    """Nothing runs: it connects, the unit gives one sign, and it says what was done; as data, too."""
    case, units = case_of(family), list[Any]()

    def unit() -> Any:
        units.append(case.unit())
        return units[-1]

    air.unit = unit
    assert neckline("--config", home.config, "pair").code == Exit.OK
    said = neckline("feedback", "--ms", 300)
    assert (said.code, said.err.strip().endswith(word)) == (Exit.OK, True), said.err
    assert units[-1].signals
    told = json.loads(neckline("feedback", "--json").out)
    assert (told["sign"], told["duration_ms"]) == (sign, 500)


def test_a_clip_that_can_neither_is_told_so(neckline: Neckline, home: Home) -> None:
    """Before anything is connected; doctor says the same of alerts by it, and how to be without."""
    home.set(clip=CLIP, alerts={"clip": True, "desktop": False})
    said = neckline("feedback")
    assert said.code == Exit.CLIP
    assert "can neither buzz nor beep" in said.err
    assert "→ docs/clips.md" in said.err
    assert neckline("feedback", "--ms", 1).code == Exit.USAGE


def test_an_alert_is_felt_once(tmp_path: Path) -> None:
    """One slouch, one buzz; then one by hand through the run; away, it fails at once, and is told as lost."""
    case = case_of("metamotion")
    unit = case.make(played((*ONE_SLOUCH, *ONE_SLOUCH)), case.rate_hz)
    felt: list[int] = []

    async def main() -> Seen:
        seen = Seen()
        async with virtual_world(unit) as world:
            config = Config.model_validate(
                {
                    **SETTINGS,
                    "clip": bound(case, world.clip.address),
                    "alerts": {"clip": True, "desktop": False, "refractory_s": 3600},
                }
            )
            signals = Signals("mine", case.family)

            def source(after_ns: int) -> AsyncGenerator[Reading, None]:
                return link.stream(
                    world.bluetooth,
                    config.binding(),
                    utc=virtual_time.utc_ns,
                    after_ns=after_ns,
                    signals=signals,
                )

            async def guide(service: Service) -> None:
                await until_s(40, world.clip)
                felt.append(len(unit.signals))
                await service.feedback(200)
                felt.append(len(unit.signals))
                await until_s(78, world.clip)
                felt.append(len(unit.signals))
                world.clip.vanish(5)
                await asyncio.sleep(3)
                assert service.status().link is not None
                with pytest.raises(ClipLostError):
                    await service.feedback(200)
                seen.show(service.status())

            await run(
                config,
                journal_path=calibrated(tmp_path / "journal.db"),
                source=source,
                view=Seen(),
                sign=ClipSign(signals, case.family),
                guide=guide,
                utc=virtual_time.utc_ns,
                zone=UTC,
            )
        return seen

    seen = virtual_time.run(main())
    each = felt[1] - felt[0]
    assert felt == [each, 2 * each, 2 * each]
    assert each
    (status,) = seen.statuses
    assert status.link is not None
    assert status.link.state is not LinkState.STREAMING
    assert [(channel.name, channel.sent, channel.failed) for channel in status.channels] == [("clip", 1, 0)]


def test_a_clip_that_refuses_delays_nobody(tmp_path: Path) -> None:
    """It answers the sign with an error: the alert reaches the other channel, the reason is told, the stream goes on."""
    case, told = case_of("metamotion"), Told()
    unit = case.make(played(ONE_SLOUCH), case.rate_hz)

    async def main() -> Seen:
        seen = Seen()
        async with virtual_world(unit) as world:
            config = Config.model_validate({**SETTINGS, "clip": bound(case, world.clip.address)})
            signals = Signals("mine", case.family)
            sign = ClipSign(signals, case.family)

            def source(after_ns: int) -> AsyncGenerator[Reading, None]:
                return link.stream(
                    world.bluetooth,
                    config.binding(),
                    utc=virtual_time.utc_ns,
                    after_ns=after_ns,
                    signals=signals,
                )

            async def guide(service: Service) -> None:
                await until_s(5, world.clip)
                unit.refuses.update(characteristic for characteristic, _ in unit.commands)
                await until_s(39, world.clip)
                seen.show(service.status())

            await run(
                config,
                journal_path=calibrated(tmp_path / "journal.db"),
                source=source,
                view=Seen(),
                channels=[sign, told],
                sign=sign,
                guide=guide,
                utc=virtual_time.utc_ns,
                zone=UTC,
            )
        return seen

    (status,) = virtual_time.run(main()).statuses
    assert len(told.messages) == 1
    clip = next(each for each in status.channels if each.name == "clip")
    assert (clip.sent, clip.failed, bool(clip.trouble)) == (0, 1, True)
    assert status.link is not None
    assert status.link.state is LinkState.STREAMING


def test_a_clip_that_is_away_delays_nobody() -> None:
    """The other channel has the message at once; the clip's has a failure with the reason, and no buzz later."""

    async def main() -> tuple[Told, Alerts]:
        told, family = Told(), case_of("metamotion").family
        alerts = Alerts([ClipSign(Signals("mine", family), family), told])
        async with alerts.running():
            alerts.tell(Message("Sit back.", Urgency.NORMAL))
            alerts.tell(Message("Charge it.", Urgency.LOW))
            await asyncio.sleep(0.1)
            return told, alerts

    told, alerts = virtual_time.run(main())
    assert len(told.messages) == 2
    clip = next(status for status in alerts.status if status.name == "clip")
    assert (clip.failed, "not connected" in clip.trouble) == (1, True)


def test_a_family_that_can_neither_is_no_channel() -> None:
    """It is said once, with what to set."""
    family = case_of("movella_dot").family
    assert not set(family.capabilities.signals) & {SignalKind.VIBRATION, SignalKind.SOUND}

    async def main() -> None:
        with pytest.raises(ChannelError, match="neither buzz nor beep") as told:
            await ClipSign(Signals("mine", family), family).check()
        assert told.value.way_out == "set alerts.clip = false"

    virtual_time.run(main())
