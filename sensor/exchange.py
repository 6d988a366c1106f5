"""One connection to a clip: performs its session's script, proves who it is, and tells what arrives until it ends.

Comes back to nothing: whoever wants the clip again connects again, which is `sensor.link`.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from sensor.advertisement import Identity
from sensor.arrivals import Arrivals, Clock
from sensor.bluetooth import Bluetooth, Connection, Heard
from sensor.errors import (
    BluetoothError,
    ClipLostError,
    ClipRefusedError,
    ClipSilentError,
    ClipUnprovenError,
    SensorError,
    WrongClipError,
)
from sensor.families import Family
from sensor.session import Read, Refusal, Request, Session, Subscribe, Told
from sensor.signals import Signals

logger = logging.getLogger(__name__)

STALL_S = 2.0
"""Silence after which a connected clip counts as lost: a firmware that hangs, a bluetoothd that was killed."""
IDENTITY_S = 6.0
"""How long a clip may take to tell its serial number: a session asks five times, a second apart."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which clip to connect to, and how."""

    name: str
    address: str
    family: Family
    rate_hz: float
    serial: str | None = None
    """What it must say of itself before anything of it is believed; None for any."""
    adapter: str | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """One notification, when it came, and what the session made of it; no data at the end of a connection."""

    characteristic: str
    data: bytes
    time_ns: int
    readings: list[Told]


def exchange(
    bluetooth: Bluetooth,
    wanted: Wanted,
    heard: Heard,
    utc: Callable[[], int],
    floor_ns: int,
    signals: Signals,
) -> AsyncGenerator[Arrived, None]:
    """Connect, ask what the session wants, and yield what the clip that is wanted sends, until it ends in an error.

    BluetoothError or a ClipError; nothing is yielded of a clip that tells another serial number, or none. Times are
    not before `floor_ns`.
    """
    return _proven(_performed(bluetooth, wanted, heard, utc, floor_ns, signals), wanted)


# ---- who it is -----------------------------------------------------------------------------------------------------


async def _proven(exchanged: AsyncGenerator[Arrived, None], wanted: Wanted) -> AsyncGenerator[Arrived, None]:
    """Hold back what arrives until the clip has told the serial number that is wanted; WrongClipError for another."""
    held: list[Arrived] | None = [] if wanted.serial else None
    async with aclosing(exchanged):
        async for arrived in exchanged:
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


def _is_wanted(reading: Told, wanted: Wanted) -> bool:
    if not isinstance(reading, Identity) or not reading.serial:
        return False  # one that could not be read is another clip's as little as the wanted one's
    if wanted.serial and reading.serial.upper() != wanted.serial.upper():
        raise WrongClipError(
            wanted.name, f"it says its serial number is {reading.serial}, not {wanted.serial}"
        )
    return True


# ---- what is asked, and what comes ---------------------------------------------------------------------------------


async def _performed(
    bluetooth: Bluetooth,
    wanted: Wanted,
    heard: Heard,
    utc: Callable[[], int],
    floor_ns: int,
    signals: Signals,
) -> AsyncGenerator[Arrived, None]:
    """Do what the session wants, and yield what arrives, whoever sends it."""
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
                    # A long script is no silence, and an open question may hold up the start of the stream for seconds.
                    arrivals.last_s = loop.time()
                held_up = session.held_up
                notification = await arrivals.get(arrivals.last_s + STALL_S - loop.time())
                if notification is not None:
                    arrived = _taken(notification, session, clock)
                    yield arrived
                    _check_accepted(arrived.readings, wanted)
                else:
                    _check_alive(arrivals, wanted)
                if clock.has_leapt():
                    raise ClipLostError(wanted.name, "this computer slept, or its clock was set")
        except SensorError as error:
            signals.end(error)
            if isinstance(error, ClipLostError | BluetoothError) and not clock.has_leapt():
                # A request that fails may have been waited for for seconds, while the stream went on.
                for notification in arrivals.rest():
                    yield _taken(notification, session, clock)
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


def _taken(notification: tuple[float, str, bytes], session: Session, clock: Clock) -> Arrived:
    arrived_s, characteristic, data = notification
    time_ns = clock.at(arrived_s)
    return Arrived(characteristic, data, time_ns, session.received(characteristic, data, time_ns))


def _check_accepted(readings: list[Told], wanted: Wanted) -> None:
    for reading in readings:
        if isinstance(reading, Refusal):
            raise ClipRefusedError(wanted.name, reading.detail, reading.way_out)


def _check_alive(arrivals: Arrivals, wanted: Wanted) -> None:
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
