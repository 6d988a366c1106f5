"""The life of a link to one clip: find it, connect, stream, notice that it is gone, come back. And scan, identify.

`stream` holds a link for as long as someone reads from it; everything happens in the reader's task, so that closing
or cancelling it leaves nothing behind but a disconnected clip. The strategy was measured on BlueZ and on a virtual
radio: a fresh scan before every connect (stale device objects fail), the rate set on every connect, a drop or two
seconds of silence both count as the end, always a disconnect, then a pause that doubles from 0.3 to 3 s:
samples are there again within 5 s of the end of whatever kept them away.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from sensor.advertisement import Advertisement, Identity
from sensor.arrivals import AHEAD_S
from sensor.bluetooth import Bluetooth, Heard
from sensor.errors import (
    BluetoothBusyError,
    BluetoothError,
    ClipNotFoundError,
    ClipUnprovenError,
    SensorError,
    WrongClipError,
)
from sensor.exchange import IDENTITY_S, Arrived, Wanted, exchange
from sensor.families import Family, family_named, family_of
from sensor.samples import BatteryReading, LinkChange, LinkState, Reading, SampleBlock
from sensor.session import Refusal, Signal
from sensor.signals import Signals

logger = logging.getLogger(__name__)

SEARCH_S = 8.0
"""Clips advertise at least once a second; a scan ends as soon as the clip is heard."""
FIRST_RETRY_S, LAST_RETRY_S = 0.3, 3.0
BACK_S = 0.1
"""Room before the first bundle of a connection, so that its samples come after the last of the connection before."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A clip of a known family that a scan saw."""

    advertisement: Advertisement
    family: Family
    adapter: str | None = None
    """The adapter that was to hear it; None for the system's first."""


@dataclass(frozen=True, slots=True)
class ClipBinding:
    """Which clip is the wearer's: bound by address, and by the serial number that it tells of itself if it has one.

    ValueError for a family that is not known, or a rate that it does not have.
    """

    family: str
    address: str
    name: str
    serial: str | None
    rate_hz: float
    adapter: str | None = None
    """Which of this computer's adapters is to reach it; None for the system's first."""

    def __post_init__(self) -> None:
        family_named(self.family).check_rate(self.rate_hz)


@dataclass(frozen=True, slots=True)
class ClipReport:
    """What a clip says of itself when asked."""

    identity: Identity
    battery: BatteryReading | None
    """None if it did not say in time."""


def bind(sighting: Sighting, report: ClipReport, rate_hz: float | None = None) -> ClipBinding:
    """Return the binding of a clip that was seen and has told who it is; at its family's usual rate, if none is given."""
    wanted = _sighted(sighting)
    return ClipBinding(
        family=wanted.family.name,
        address=wanted.address,
        name=wanted.name,
        serial=report.identity.serial or None,
        rate_hz=rate_hz or wanted.rate_hz,
        adapter=wanted.adapter,
    )


def retry_delay_s(failures: int) -> float:
    """Return the pause after so many failures in a row since samples last came (0 for the first)."""
    return float(min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(failures, 16)))


# ---- the life of the link, as a table ------------------------------------------------------------------------------

MOVES = {
    LinkState.WAITING: {LinkState.SEARCHING},
    LinkState.SEARCHING: {LinkState.CONNECTING, LinkState.WAITING},
    LinkState.CONNECTING: {LinkState.STREAMING, LinkState.WAITING},
    LinkState.STREAMING: {LinkState.WAITING},
}


class Life:
    """Where the link stands, and what of it is worth telling: the first failure and every new kind of it, once."""

    def __init__(self) -> None:
        self.state = LinkState.WAITING
        self._trouble: type[SensorError] | None = None

    def move(self, state: LinkState, time_ns: int, error: SensorError | None = None) -> list[LinkChange]:
        """Go to another state; return the change if it is worth telling. RuntimeError if the table forbids it."""
        if state not in MOVES[self.state]:
            raise RuntimeError(f"a link cannot go from {self.state} to {state}")
        self.state = state
        reason = f"{error}: {error.way_out}" if error else ""
        if state is LinkState.STREAMING:
            self._trouble = None
        elif error and type(error) is not self._trouble:
            self._trouble = type(error)
        elif self._trouble:
            logger.debug("%s: %s", state, reason)
            return []
        return [LinkChange(time_ns, state, reason, error.word if error else "")]


async def _find(bluetooth: Bluetooth, wanted: Wanted) -> Heard:
    """Return the clip with this address as soon as it is heard, ClipNotFoundError if it is not."""

    def is_it(advertisement: Advertisement) -> bool:
        return advertisement.address.upper() == wanted.address.upper()

    everyone = await bluetooth.scan(SEARCH_S, is_it, adapter=wanted.adapter)
    if not any(is_it(heard.advertisement) for heard in everyone):
        # Only now: a link that is just being ended still counts as connected, and would fail.
        everyone += await bluetooth.connected_already(adapter=wanted.adapter)
    for heard in everyone:
        if is_it(heard.advertisement):
            return heard
    others = [heard.advertisement.address for heard in everyone if wanted.family.matches(heard.advertisement)]
    raise ClipNotFoundError(wanted.name, wanted.address, sorted(others))


# ---- what others call ----------------------------------------------------------------------------------------------


async def scan(bluetooth: Bluetooth, seconds: float, adapter: str | None = None) -> list[Sighting]:
    """Return the clips of known families within range, nearest first. Raises BluetoothError."""
    everyone = await bluetooth.scan(seconds, adapter=adapter)
    sightings = [
        Sighting(heard.advertisement, family, adapter)
        for heard in everyone
        if (family := family_of(heard.advertisement)) is not None
    ]
    return sorted(sightings, key=lambda sighting: -(sighting.advertisement.rssi_dbm or -128))


async def identify(
    bluetooth: Bluetooth, clip: Sighting | ClipBinding, *, utc: Callable[[], int] = time.time_ns
) -> ClipReport:
    """Connect once and ask the clip who it is and how full its battery.

    Raises BluetoothError or a ClipError; WrongClipError when a bound clip tells another serial number.
    """
    wanted = _wanted(clip) if isinstance(clip, ClipBinding) else _sighted(clip)
    heard = await _find(bluetooth, wanted)
    identity: Identity | None = None
    battery: BatteryReading | None = None
    first_ns: int | None = None
    async with aclosing(
        exchange(bluetooth, wanted, heard, utc, 0, Signals(wanted.name, wanted.family))
    ) as arrivals:
        async for arrived in arrivals:
            first_ns = arrived.time_ns if first_ns is None else first_ns
            for reading in arrived.readings:
                if isinstance(reading, Identity):
                    identity = reading
                elif isinstance(reading, BatteryReading):
                    battery = reading
            if (identity and identity.firmware and battery) or arrived.time_ns - first_ns > IDENTITY_S * 1e9:
                break
    if identity is None and wanted.family.capabilities.serial:
        raise ClipUnprovenError(wanted.name)
    return ClipReport(identity or Identity(""), battery)


async def signal(
    bluetooth: Bluetooth,
    clip: Sighting | ClipBinding,
    sign: Signal,
    *,
    utc: Callable[[], int] = time.time_ns,
) -> None:
    """Connect once and have the clip give a sign to whoever wears it.

    Raises BluetoothError or a ClipError, and ValueError for a sign that clips of its family cannot give.
    """
    wanted = _wanted(clip) if isinstance(clip, ClipBinding) else _sighted(clip)
    wanted.family.check_signal(sign.kind)
    heard = await _find(bluetooth, wanted)
    signals = Signals(wanted.name, wanted.family)
    taken: asyncio.Future[None] | None = None
    async with aclosing(exchange(bluetooth, wanted, heard, utc, 0, signals)) as arrivals:
        async for _ in arrivals:
            taken = taken or signals.ask(sign)
            if taken.done():
                break
    if taken:
        await taken


def _wanted(binding: ClipBinding) -> Wanted:
    family = family_named(binding.family)
    return Wanted(binding.name, binding.address, family, binding.rate_hz, binding.serial, binding.adapter)


def _sighted(sighting: Sighting) -> Wanted:
    advertisement = sighting.advertisement
    name = advertisement.name or advertisement.address
    rate_hz = sighting.family.default_rate_hz
    return Wanted(name, advertisement.address, sighting.family, rate_hz, adapter=sighting.adapter)


class _Course:
    """What one stream remembers from connection to connection."""

    def __init__(self, utc: Callable[[], int], after_ns: int, signals: Signals) -> None:
        self.last_ns = after_ns
        """The last sample time given; 0 when the clock it was given by was wrong."""
        self.failures = 0
        """In a row, since samples last came."""
        self._utc = utc
        self._signals = signals
        self._life = Life()
        self._bluetooth_works = False

    def move(self, state: LinkState, error: SensorError | None = None) -> list[LinkChange]:
        """Go to another state; return what is worth telling."""
        self._bluetooth_works |= state is LinkState.CONNECTING
        if state is LinkState.STREAMING:
            self._signals.begin()
        now_ns = self._utc()
        if self.last_ns > now_ns + AHEAD_S * 1e9:
            self.last_ns = 0
        return self._life.move(state, max(now_ns, self.last_ns), error)

    def take(self, arrived: Arrived) -> list[Reading]:
        """Return what others are to know of a notification."""
        told: list[Reading] = []
        for reading in arrived.readings:
            if isinstance(reading, SampleBlock):
                if self._life.state is LinkState.CONNECTING:
                    told += self.move(LinkState.STREAMING)
                self.failures = 0
                self.last_ns = max(self.last_ns, int(reading.time_ns[-1]))
            if not isinstance(reading, Identity | Refusal):
                told.append(reading)
        return told

    def is_over(self, error: SensorError) -> bool:
        """Tell whether to give up: it is another clip, or this computer's Bluetooth never worked."""
        self._bluetooth_works |= not isinstance(error, BluetoothError) or isinstance(
            error, BluetoothBusyError
        )
        return isinstance(error, WrongClipError) or not self._bluetooth_works


async def stream(
    bluetooth: Bluetooth,
    binding: ClipBinding,
    *,
    utc: Callable[[], int] = time.time_ns,
    after_ns: int = 0,
    on_notification: Callable[[str, bytes, int], None] | None = None,
    signals: Signals | None = None,
) -> AsyncGenerator[Reading, None]:
    """Yield samples, battery and what happens to the link, for ever; close it with `contextlib.aclosing`.

    Losses are told as LinkChange and mended. Raises WrongClipError when the clip at the bound address is another
    (not one of its samples is yielded), and BluetoothError when this computer's Bluetooth does not work at the very
    start; later that is waited out.

    Samples are later than `after_ns`, what is known from before, though the clock may have been set back since;
    unless that lies more than `AHEAD_S` ahead of the clock. `on_notification` gets the characteristic and the raw
    bytes of the bound clip and their UTC time, and empty bytes at the end of each connection; it must neither block
    nor raise. `signals` takes the signs that the clip is to give while it streams.
    """
    wanted = _wanted(binding)
    signals = signals or Signals(wanted.name, wanted.family)
    course = _Course(utc, after_ns, signals)
    while True:
        try:
            for change in course.move(LinkState.SEARCHING):
                yield change
            heard = await _find(bluetooth, wanted)
            for change in course.move(LinkState.CONNECTING):
                yield change
            floor_ns = course.last_ns + round(BACK_S * 1e9)
            async with aclosing(exchange(bluetooth, wanted, heard, utc, floor_ns, signals)) as arrivals:
                async for arrived in arrivals:
                    if on_notification:
                        on_notification(arrived.characteristic, arrived.data, arrived.time_ns)
                    for reading in course.take(arrived):
                        yield reading
        except SensorError as error:
            for change in course.move(LinkState.WAITING, error):
                yield change
            if course.is_over(error):
                raise
        await asyncio.sleep(retry_delay_s(course.failures))
        course.failures += 1
