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
from functools import partial

from sensor.advertisement import Advertisement, Identity
from sensor.arrivals import AHEAD_S, Arrivals, Clock
from sensor.bluetooth import Bluetooth, Connection, Heard
from sensor.errors import (
    BluetoothBusyError,
    BluetoothError,
    ClipLostError,
    ClipNotFoundError,
    ClipRefusedError,
    ClipSilentError,
    ClipUnprovenError,
    SensorError,
    WrongClipError,
)
from sensor.families import Family, family_named, family_of
from sensor.samples import BatteryReading, LinkChange, LinkState, Reading, SampleBlock
from sensor.session import Read, Refusal, Request, Session, Signal, Subscribe, Told
from sensor.signals import Signals

logger = logging.getLogger(__name__)

SEARCH_S = 8.0
"""Clips advertise at least once a second; a scan ends as soon as the clip is heard."""
STALL_S = 2.0
"""Silence after which a connected clip counts as lost: a firmware that hangs, a bluetoothd that was killed."""
IDENTITY_S = 6.0
"""How long a clip may take to tell its serial number: a session asks five times, a second apart."""
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


@dataclass(frozen=True, slots=True)
class Arrived:
    """One notification, when it came, and what the session made of it; no data at the end of a connection."""

    characteristic: str
    data: bytes
    time_ns: int
    readings: list[Told]


# ---- one connection ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which clip to visit, and how."""

    name: str
    address: str
    family: Family
    rate_hz: float
    serial: str | None = None
    """What it must say of itself before anything of it is believed; None for any."""
    adapter: str | None = None


async def _visit(
    bluetooth: Bluetooth,
    wanted: _Wanted,
    heard: Heard,
    utc: Callable[[], int],
    floor_ns: int,
    signals: Signals,
) -> AsyncGenerator[Arrived, None]:
    """Connect, ask what the session wants, and yield what arrives until the link ends: ClipLostError."""
    loop = asyncio.get_running_loop()
    arrivals = Arrivals()
    async with bluetooth.connection(heard, arrivals.drop, adapter=wanted.adapter) as connection:
        clock = Clock(utc, floor_ns)
        session = wanted.family.open_session(wanted.rate_hz)
        held_up = True
        try:
            while True:
                await _ask(connection, session, clock, arrivals)
                await _signal(connection, session, signals, arrivals)
                if held_up:
                    # A long script is no silence, and a question left open may hold up its start for seconds.
                    arrivals.last_s = loop.time()
                held_up = session.held_up
                notification = await arrivals.get(arrivals.last_s + STALL_S - loop.time())
                if notification is not None:
                    arrived_s, characteristic, data = notification
                    time_ns = clock.at(arrived_s)
                    readings = session.received(characteristic, data, time_ns)
                    yield Arrived(characteristic, data, time_ns, readings)
                    _check_accepted(readings, wanted)
                else:
                    _check_alive(arrivals, wanted)
                if clock.has_leapt():
                    raise ClipLostError(wanted.name, "this computer slept, or its clock was set")
        except SensorError as error:
            signals.end(error)
            yield Arrived("", b"", clock.at(loop.time()), [*session.flush()])
            raise
        finally:
            # However it ended, by whoever reads being cancelled too: nobody waits for a sign that nobody gives.
            signals.end(ClipLostError(wanted.name, "neckline has let go of it"))
            if arrivals.overflowed:
                logger.warning("%s: %d notifications lost to a slow reader", wanted.name, arrivals.overflowed)
            if arrivals.repeated:
                repeated = "%s: %d notifications came twice; does another program use the clip?"
                logger.warning(repeated, wanted.name, arrivals.repeated)


def _check_accepted(readings: list[Told], wanted: _Wanted) -> None:
    for reading in readings:
        if isinstance(reading, Refusal):
            raise ClipRefusedError(wanted.name, reading.detail, reading.way_out)


def _check_alive(arrivals: Arrivals, wanted: _Wanted) -> None:
    if arrivals.ended:
        raise ClipLostError(wanted.name, "the connection ended")
    if asyncio.get_running_loop().time() >= arrivals.last_s + STALL_S:
        raise ClipSilentError(wanted.name, STALL_S)


async def _signal(connection: Connection, session: Session, signals: Signals, arrivals: Arrivals) -> None:
    """Have the clip give the signs that were asked for; what it refuses is told to whoever asked."""
    while sign := signals.next():
        try:
            for request in session.signal(sign):
                await _perform(connection, request, arrivals)
        except (ClipRefusedError, WrongClipError) as error:
            signals.refused(error)
        else:
            signals.taken()


async def _ask(connection: Connection, session: Session, clock: Clock, arrivals: Arrivals) -> None:
    """Ask what is due; what the clip does not do, and its stream does not need, holds up nothing."""
    loop = asyncio.get_running_loop()
    while requests := session.requests_due(clock.at(loop.time())):
        for request in requests:
            if not await _perform(connection, request, arrivals):
                session.passed_over(request, clock.at(loop.time()))


async def _perform(connection: Connection, request: Request, arrivals: Arrivals) -> bool:
    """Ask the clip, and tell whether it did it; a refusal is raised where the stream needs it. What is read arrives."""
    try:
        match request:
            case Subscribe(characteristic):
                await connection.subscribe(characteristic, partial(arrivals.put, characteristic))
            case Read(characteristic):
                arrivals.put(characteristic, await connection.read(characteristic))
            case _:
                await connection.write(request.characteristic, request.data)
    except (ClipRefusedError, WrongClipError) as error:
        if request.needed:
            raise
        logger.debug("passed over: %s", error)
        return False
    return True


async def _proven(visit: AsyncGenerator[Arrived, None], wanted: _Wanted) -> AsyncGenerator[Arrived, None]:
    """Hold back what arrives until the clip has told the serial number that is wanted; WrongClipError for another."""
    held: list[Arrived] | None = [] if wanted.serial else None
    async with aclosing(visit):
        async for arrived in visit:
            if held is None:
                yield arrived
                continue
            held.append(arrived)
            if any(_is_wanted(reading, wanted) for reading in arrived.readings):
                for each in held:
                    yield each
                held = None
            elif arrived.time_ns - held[0].time_ns > IDENTITY_S * 1e9:
                raise ClipUnprovenError(wanted.name)


def _is_wanted(reading: Told, wanted: _Wanted) -> bool:
    if not isinstance(reading, Identity):
        return False
    if wanted.serial and reading.serial.upper() != wanted.serial.upper():
        raise WrongClipError(
            wanted.name, f"it says its serial number is {reading.serial}, not {wanted.serial}"
        )
    return True


async def _find(bluetooth: Bluetooth, wanted: _Wanted) -> Heard:
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
        _proven(_visit(bluetooth, wanted, heard, utc, 0, Signals(wanted.name, wanted.family)), wanted)
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
    async with aclosing(_proven(_visit(bluetooth, wanted, heard, utc, 0, signals), wanted)) as arrivals:
        async for _ in arrivals:
            taken = taken or signals.ask(sign)
            if taken.done():
                break
    if taken:
        await taken


def _wanted(binding: ClipBinding) -> _Wanted:
    family = family_named(binding.family)
    return _Wanted(binding.name, binding.address, family, binding.rate_hz, binding.serial, binding.adapter)


def _sighted(sighting: Sighting) -> _Wanted:
    advertisement = sighting.advertisement
    name = advertisement.name or advertisement.address
    rate_hz = sighting.family.default_rate_hz
    return _Wanted(name, advertisement.address, sighting.family, rate_hz, adapter=sighting.adapter)


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
            visit = _visit(bluetooth, wanted, heard, utc, course.last_ns + round(BACK_S * 1e9), signals)
            async with aclosing(_proven(visit, wanted)) as arrivals:
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
