"""Channels to the wearer, in virtual time: each with a short queue of its own, none in the way of another."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from neckline.alerting.alerts import FAREWELL_S, QUEUE, SEND_S, STALE_S, Alerts
from neckline.alerting.messages import ALL, Message, Urgency
from neckline.errors import ChannelError
from neckline.wearing.status import ChannelStatus
from tests import virtual_time
from tests.neckline.services import Told, now_s


def message(number: int) -> Message:
    """Return one of many."""
    return Message(f"message {number}", Urgency.NORMAL)


@dataclass
class Slow:
    """A channel that takes its time, or raises what it is told to."""

    takes_s: float = 0.0
    fails: list[BaseException | None] = field(default_factory=list)
    """What to raise, message by message; None, and nothing more: it works."""
    name: str = "slow"
    takes: frozenset[Urgency] = ALL
    sent: list[str] = field(default_factory=list)

    async def check(self) -> None:
        """Find nothing wrong."""

    async def send(self, message: Message) -> None:
        """Deliver after a while."""
        await asyncio.sleep(self.takes_s)
        if self.fails and (fault := self.fails.pop(0)) is not None:
            raise fault
        self.sent.append(message.body)


def delivered(alerts: Alerts, tell: Coroutine[Any, Any, None]) -> float:
    """Deliver while something is told; return how long the end took after that."""

    async def main() -> float:
        async with alerts.running():
            await tell
            over_s = now_s()
        return now_s() - over_s

    return virtual_time.run(main())


def test_a_burst_keeps_the_newest_and_their_order() -> None:
    """More than can wait: the oldest give way and are counted, and what is told never waits."""
    slow, told = Slow(takes_s=1.0), Told()
    alerts = Alerts([slow, told])

    async def burst() -> None:
        await asyncio.sleep(1)
        for number in range(QUEUE + 5):
            alerts.tell(message(number))
        assert now_s() == 1
        await asyncio.sleep(QUEUE + 1)

    delivered(alerts, burst())
    assert slow.sent == [f"message {number}" for number in range(5, QUEUE + 5)]
    assert alerts.status == (
        ChannelStatus("slow", sent=QUEUE, dropped=5),
        ChannelStatus("told", sent=QUEUE, dropped=5),
    )


def test_what_has_become_old_is_dropped() -> None:
    """A message that waited for longer than a slouch's own time is not sent any more."""
    slow = Slow(takes_s=STALE_S / 4 + 1)
    alerts = Alerts([slow])

    async def tell() -> None:
        for number in range(6):
            alerts.tell(message(number))
        await asyncio.sleep(3 * STALE_S)

    delivered(alerts, tell())
    assert slow.sent == ["message 0", "message 1", "message 2", "message 3"]
    assert alerts.status[0].dropped == 2


def test_a_channel_that_hangs_gets_over_it() -> None:
    """A send is given up in time; the next message has its chance."""
    slow = Slow(takes_s=SEND_S + 1)
    alerts = Alerts([slow])

    async def tell() -> None:
        alerts.tell(message(0))
        await asyncio.sleep(SEND_S + 0.5)
        assert alerts.status[0].failed == 1
        assert "no answer within 30 s" in alerts.status[0].trouble
        slow.takes_s = 1.0
        alerts.tell(message(1))
        await asyncio.sleep(2)

    delivered(alerts, tell())
    assert slow.sent == ["message 1"]
    assert alerts.status == (ChannelStatus("slow", sent=1, failed=1),)


def test_each_reason_is_told_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    """Three failures for two reasons, then success: two lines of trouble, one of its end; all are counted."""
    caplog.set_level("INFO", "neckline")
    away = ChannelError("slow", "nobody answers", "look there")
    slow = Slow(fails=[away, away, ValueError("a fault"), None, away])
    alerts = Alerts([slow])

    async def tell() -> None:
        for number in range(4):
            alerts.tell(message(number))
        await asyncio.sleep(1)
        assert alerts.status[0].trouble == ""
        alerts.tell(message(4))
        await asyncio.sleep(1)

    delivered(alerts, tell())
    assert [record.getMessage() for record in caplog.records] == [
        "No alerts by slow: nobody answers: look there",
        "No alerts by slow: ValueError: a fault (a fault of neckline's own)",
        "Alerts by slow work again",
        "No alerts by slow: nobody answers: look there",
    ]
    assert alerts.status == (ChannelStatus("slow", 1, 4, 0, "nobody answers: look there"),)


def test_what_breaks_off_by_itself_fails_one_message_alone() -> None:
    """A library that cancels what its channel waits for does not end the channel."""
    slow = Slow(fails=[asyncio.CancelledError()])
    alerts = Alerts([slow])

    async def tell() -> None:
        for number in range(2):
            alerts.tell(message(number))
        await asyncio.sleep(1)

    assert delivered(alerts, tell()) == 0
    assert slow.sent == ["message 1"]
    assert alerts.status == (ChannelStatus("slow", sent=1, failed=1),)


def test_at_the_end_what_is_under_way_gets_out() -> None:
    """Within a moment: a message told last is delivered; a channel that hangs is not waited for any longer."""
    last = Slow(takes_s=FAREWELL_S - 0.5)
    hangs = Slow(takes_s=1000.0, name="hangs")
    alerts = Alerts([last, hangs])

    async def tell() -> None:
        alerts.tell(message(0))

    assert delivered(alerts, tell()) == pytest.approx(FAREWELL_S)
    assert (last.sent, hangs.sent) == (["message 0"], [])
    assert delivered(Alerts([Slow()]), tell()) == 0
    assert delivered(Alerts([]), asyncio.sleep(0)) == 0
