"""Bluetooth controllers and the air between them: bumble's link layer with the timing and faults of a real one.

Everything above HCI is bumble's own and real (ATT, GATT, L2CAP, encoded on both sides). bumble's `LocalLink`
delivers at once and for ever; `Radio` adds connection events, range and supervision. Low Energy acknowledges
every PDU, so a short fade is a delay and then a burst, never a gap; a long one ends the connection at both ends.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable

from bumble import core, hci, ll
from bumble.controller import Connection, Controller
from bumble.device import Device
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

CONNECTION_EVENT_S = 0.015
"""Connection interval: what desktop hosts commonly grant a clip."""
PDUS_PER_EVENT = 6
"""How many packets a central takes from one peripheral in one connection event."""
SUPERVISION_S = 0.72
"""BlueZ's supervision timeout."""


class VirtualController(Controller):
    """bumble's controller, with LE Create Connection Cancel as the specification has it.

    bumble 0.0.236 answers the command but neither forgets the pending connection nor completes it (Core 5.4,
    Vol 4, Part E, 7.8.13), so that connecting to an absent peer hangs for ever.
    """

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Forget the pending connection and complete it with Unknown Connection Identifier (0x02)."""
        if (pending := self.pending_le_connection) is not None:
            self.pending_le_connection = None
            self.send_hci_packet(
                hci.HCI_LE_Connection_Complete_Event(
                    status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                    connection_handle=0,
                    role=hci.Role.CENTRAL,
                    peer_address_type=pending.peer_address.address_type,
                    peer_address=pending.peer_address,
                    connection_interval=0,
                    peripheral_latency=0,
                    supervision_timeout=0,
                    central_clock_accuracy=0,
                )
            )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)


class Radio(LocalLink):
    """The air: controllers in range of each other, or away. `close` stops every timer."""

    def __init__(
        self,
        *,
        interval_s: float = CONNECTION_EVENT_S,
        per_event: int = PDUS_PER_EVENT,
        supervision_s: float = SUPERVISION_S,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bumble annotates most, not all
        self.interval_s = interval_s
        self.per_event = per_event
        self.supervision_s = supervision_s
        self._loop = asyncio.get_running_loop()
        self._away: dict[Controller, asyncio.TimerHandle] = {}
        self._queues: dict[tuple[Controller, Controller], deque[Callable[[], None]]] = {}
        self._timers: set[asyncio.TimerHandle] = set()

    def leave(self, controller: Controller) -> None:
        """Take a controller out of range; its connections end after the supervision timeout."""
        if controller not in self._away:
            self._away[controller] = self.later(self.supervision_s, self._lose, controller)

    def come_back(self, controller: Controller) -> None:
        """Bring it back into range; what waited goes out at the next connection events."""
        if timer := self._away.pop(controller, None):
            timer.cancel()
            self._timers.discard(timer)

    def later(self, delay_s: float, act: Callable[..., None], *args: object) -> asyncio.TimerHandle:
        """Do something after a while, unless the air is closed before."""

        def fire() -> None:
            self._timers.discard(timer)
            act(*args)

        timer = self._loop.call_later(delay_s, fire)
        self._timers.add(timer)
        return timer

    def waiting(self, sender: Controller) -> int:
        """Return how many PDUs a controller has queued that the air has not taken yet."""
        return sum(len(queue) for (source, _), queue in self._queues.items() if source is sender)

    def close(self) -> None:
        """Stop all timers: nothing moves on this air any more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._queues.clear()

    # ---- what bumble's controllers call -------------------------------------------------------------------

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        """Advertisements and connection requests are not acknowledged: out of range they are lost."""
        if isinstance(packet, ll.ConnectInd):
            self.later(self.supervision_s, self._end_half_open)
        if sender_controller in self._away:
            return
        for controller in self.controllers:
            if controller is not sender_controller and controller not in self._away:
                self._loop.call_soon(controller.on_ll_advertising_pdu, packet)

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: core.PhysicalTransport,
        data: bytes,
    ) -> None:
        """Queue data for the next connection event.

        bumble takes the sender's random address as source; the address of the connection is right for a central
        that connected with its public one, too.
        """
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if connection is None or receiver is None:
            return
        source = connection.self_address

        def deliver() -> None:
            if source in receiver.le_connections:
                receiver.on_link_acl_data(source, transport, data)

        self._enqueue(sender_controller, receiver, deliver)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Queue a control PDU behind the data; should it never arrive, supervision ends the other side."""
        sender = self.find_le_controller(sender_address)
        receiver = self.find_le_controller(receiver_address)
        if sender is None or receiver is None:
            return

        def deliver() -> None:
            if sender_address in receiver.le_connections:
                receiver.on_ll_control_pdu(sender_address, packet)

        self._enqueue(sender, receiver, deliver)
        if isinstance(packet, ll.TerminateInd):
            self.later(self.supervision_s, self._end_half_open)

    # ---- link layer ---------------------------------------------------------------------------------------

    def _enqueue(self, sender: Controller, receiver: Controller, deliver: Callable[[], None]) -> None:
        queue = self._queues.setdefault((sender, receiver), deque())
        queue.append(deliver)
        if len(queue) == 1:
            self._next_event(sender, receiver, queue)

    def _next_event(self, sender: Controller, receiver: Controller, queue: deque[Callable[[], None]]) -> None:
        now_s = self._loop.time()
        number = math.floor(now_s / self.interval_s + 1e-6) + 1  # never the event of this very moment again
        self.later(number * self.interval_s - now_s, self._connection_event, sender, receiver, queue)

    def _connection_event(
        self, sender: Controller, receiver: Controller, queue: deque[Callable[[], None]]
    ) -> None:
        if self._queues.get((sender, receiver)) is not queue:
            return  # of a connection that has ended
        if sender not in self._away and receiver not in self._away:
            for _ in range(min(self.per_event, len(queue))):
                queue.popleft()()
        if queue:
            self._next_event(sender, receiver, queue)
        else:
            self._queues.pop((sender, receiver), None)

    def _lose(self, controller: Controller) -> None:
        for connection in list(controller.le_connections.values()):
            peer = self.find_le_controller(connection.peer_address)
            self._end(controller, connection, peer)
            if peer and (theirs := peer.le_connections.get(connection.self_address)):
                self._end(peer, theirs, controller)

    def _end_half_open(self) -> None:
        """End every connection whose other end never came to be or is gone."""
        for controller in self.controllers:
            for connection in list(controller.le_connections.values()):
                peer = self.find_le_controller(connection.peer_address)
                if peer is None or connection.self_address not in peer.le_connections:
                    self._end(controller, connection, peer)

    def _end(self, controller: Controller, connection: Connection, peer: Controller | None) -> None:
        if peer is not None:
            self._queues.pop((controller, peer), None)
            self._queues.pop((peer, controller), None)
        controller.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)


async def virtual_device(radio: Radio, name: str, address: str) -> tuple[VirtualController, Device]:
    """Power on a Bluetooth device (host and controller) on this air. `address` is a random static one."""
    controller = VirtualController(name, link=radio, public_address=address)
    # bumble defaults to 27-byte fragments; 251 is data length extension, which every BLE 5 device has.
    controller.le_acl_data_packet_length = controller.acl_data_packet_length = 251
    device = Device(name=name, address=hci.Address(address), host=Host(controller, AsyncPipeSink(controller)))
    await device.power_on()
    return controller, device
