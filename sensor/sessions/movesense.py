"""One connection to a Movesense sensor with GSP in its firmware: acceleration and rotation, stamped in milliseconds."""

from math import radians

from firmware_protocol import movesense as protocol
from firmware_protocol import movesense_data as data_of
from firmware_protocol.errors import MalformedFrameError, ProtocolError
from firmware_protocol.movesense import Answer, Status
from firmware_protocol.movesense_data import Measurement
from sensor.advertisement import Advertisement, Identity
from sensor.device_clock import DeviceClock
from sensor.dialogue import BATTERY_EVERY_NS
from sensor.samples import BatteryReading
from sensor.session import Capabilities, Family, Refusal, Subscribe, Told, Write
from sensor.sessions.stamped import StampedSession

TITLE = "Movesense"
HELLO, ENERGY, STREAM = 1, 2, 3
"""References: they come back in every answer."""
STATUS_LENGTH = 4
"""Of an answer that is a status and nothing else: a greeting that was refused, too."""
ASKED = {HELLO, ENERGY, STREAM}
SCALE = (1.0,) * 3 + (radians(1.0),) * 3
ACCEPTED = {Status.OK, Status.ACCEPTED}
EXHAUSTED = Refusal(
    "it takes no more requests",
    "take it off its strap or out of its clip for a minute, so that it starts anew",
)


def matches(advertisement: Advertisement) -> bool:
    """Tell a Movesense by its name; its service is not advertised."""
    return (advertisement.name or "").startswith(protocol.NAME_PREFIX)


class MovesenseSession(StampedSession):
    """Greets, ends what an earlier host may have left, and subscribes."""

    def __init__(self, rate_hz: float) -> None:
        clock = DeviceClock(tick_s=1e-3, rate_hz=rate_hz, bits=data_of.STAMP_BITS)
        super().__init__(TITLE, clock, rate_hz, SCALE)
        self._begun: protocol.DataPart | None = None
        """Data that may go on in another notification."""
        self._part_length = 0
        """Of its first part: all are of this length but the last, which is shorter."""
        self._count = 0
        """Samples in a packet."""
        self._forgiven = False
        """One error is that of ending a subscription that was not there."""
        self._dialogue.tell(Subscribe(protocol.NOTIFY_UUID))
        self._ask(HELLO, protocol.hello(HELLO))
        self._dialogue.tell(Write(protocol.WRITE_UUID, bytes(protocol.unsubscribe(STREAM))))
        self._ask(STREAM, protocol.subscribe(STREAM, data_of.path_of(Measurement.IMU6, round(rate_hz))))
        self._ask(ENERGY, protocol.get(ENERGY, protocol.ENERGY_LEVEL), BATTERY_EVERY_NS)

    def _ask(self, topic: int, request: protocol.Request, every_ns: int | None = None) -> None:
        question = Write(protocol.WRITE_UUID, bytes(request), needed=topic == STREAM)
        self._dialogue.ask(topic, question, every_ns=every_ns)

    def received(self, characteristic: str, data: bytes, arrival_ns: int) -> list[Told]:
        """Take a notification."""
        if characteristic != protocol.NOTIFY_UUID:
            self.oddities.unknown_kind(f"data on {characteristic}")
            return []
        try:
            if data[:1] == bytes([Answer.RESPONSE]):
                return [*self._response(data, arrival_ns)]
            if data[:1] and data[0] not in set(Answer):
                self.oddities.unknown_kind(f"answers of code {data[0]}")
                return []
            return [*self._samples(protocol.DataPart.from_bytes(data), arrival_ns)]
        except ProtocolError as error:
            return [*self.oddities.unreadable(data, error)]

    def _response(self, data: bytes, now_ns: int) -> list[Told]:
        if data[1:2] == bytes([HELLO]) and len(data) != STATUS_LENGTH:
            hello = protocol.Hello.from_bytes(data)
            self._dialogue.answered(HELLO, now_ns)
            return [Identity(hello.serial, hello.texts[4] if len(hello.texts) > 4 else "")]
        response = protocol.Response.from_bytes(data)
        if response.status == Status.TOO_MANY_REQUESTS:
            return [EXHAUSTED]
        if response.reference == STREAM:
            # An earlier host may have had another measurement under this reference: its packets say nothing of ours.
            self._begun, self._count = None, 0
        if response.reference == STREAM and response.status not in ACCEPTED:
            forgiven, self._forgiven = self._forgiven, True
            usual = Refusal(f"it does not start its stream (its error {response.status})")
            return [usual] if forgiven else []
        self._dialogue.answered(response.reference, now_ns)
        if response.reference == ENERGY and response.status in ACCEPTED:
            return [BatteryReading(now_ns, float(data_of.EnergyLevel.from_bytes(response.data).percent))]
        return []

    def _samples(self, part: protocol.DataPart, arrival_ns: int) -> list[Told]:
        if part.reference != STREAM:
            self._end_foreign(part.reference)
            return []
        begun, self._begun = self._begun, None
        refusals: list[Refusal] = []
        is_last = False
        if part.continues:
            if begun is None:
                raise MalformedFrameError("it goes on with nothing", part.data)
            is_last = len(part.data) != self._part_length
            part = begun.joined(part)
        else:
            refusals = self._never_went_on(begun) if begun else []
            self._part_length = len(part.data)
        try:
            packet = self._whole(part.data, is_all=is_last)
        except MalformedFrameError:
            if is_last:
                raise
            self._begun = part
            return [*refusals]
        self.oddities.read()
        rows = [a + g for a, g in zip(packet.acc_mps2, packet.gyr_degps, strict=True)]
        return [*self._blocks.take(packet.time_ms, rows, arrival_ns)]

    def _end_foreign(self, reference: int) -> None:
        """Have an earlier host's subscription ended, once: a sensor has room for few, and the link for few packets."""
        kind = f"data of another subscription ({reference})"
        if reference not in ASKED and not self.oddities.unknown[kind]:
            self._dialogue.tell(
                Write(protocol.WRITE_UUID, bytes(protocol.unsubscribe(reference)), needed=False)
            )
        self.oddities.unknown_kind(kind)

    def _whole(self, data: bytes, *, is_all: bool) -> data_of.MotionData:
        """Read a packet; one that may go on, and has fewer samples than others had, is cut, though it looks whole."""
        packet = data_of.MotionData.from_bytes(data, Measurement.IMU6)
        if len(packet.acc_mps2) < self._count and not is_all:
            raise MalformedFrameError(f"{len(packet.acc_mps2)} samples where {self._count} were", data)
        self._count = len(packet.acc_mps2)
        return packet

    def _never_went_on(self, begun: protocol.DataPart) -> list[Refusal]:
        return self.oddities.unreadable(bytes(begun), MalformedFrameError("it is cut, and does not go on"))


FAMILY = Family(
    name="movesense",
    title=TITLE,
    matches=matches,
    rates_hz=(13.0, 26.0, 52.0, 104.0, 208.0),
    default_rate_hz=52.0,
    data_characteristic=protocol.NOTIFY_UUID,
    open_session=MovesenseSession,
    capabilities=Capabilities(device_clock=True, loss_visible=True),
)
