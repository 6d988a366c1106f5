"""A virtual Movesense with GSP: written with the product's own encoders, answering as captures of hardware do."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from firmware_protocol import movesense as protocol
from firmware_protocol.movesense import Command, Hello, Request, Response, Status
from firmware_protocol.movesense_data import RATES_HZ, EnergyLevel, Measurement, MotionData
from sensor.virtual.motion import STANDARD_GRAVITY_MPS2, Floats
from sensor.virtual.unit import Advertised, Board, Char, Packet, RefusedError

Triples = tuple[tuple[float, float, float], ...]


@dataclass(slots=True, kw_only=True)
class Movesense(Board):
    """One sensor. Its subscriptions last beyond the link."""

    mac: str = "0C:8C:DC:00:00:01"
    serial: str = "204830000361"
    firmware: str = "2.3.1"
    status: int = Status.OK
    """How a subscription is answered."""
    reference: int | None = field(init=False, default=None)
    """Of the subscription that there is."""
    rate: int = field(init=False, default=0)

    @property
    def advertised(self) -> Advertised:
        """Its name, and services that are not its own."""
        return Advertised(f"Movesense {self.serial}", ("FDF3",))

    @property
    def table(self) -> Mapping[str, tuple[Char, ...]]:
        """One service."""
        return {
            protocol.SERVICE_UUID: (
                Char(protocol.WRITE_UUID, write=True),
                Char(protocol.NOTIFY_UUID, notify=True),
            )
        }

    @property
    def stream_hz(self) -> float | None:
        """What it measures by its own clock."""
        return None if self.reference is None else self.rate * (1 + self.drift_ppm * 1e-6)

    @property
    def bundle(self) -> int:
        """Samples in one packet."""
        return 4

    def read(self, _characteristic: str, _now_s: float) -> bytes:
        """Refuse: nothing can be read."""
        raise RefusedError(0x02)

    def written(self, characteristic: str, data: bytes, _now_s: float) -> None:
        """Take a request, and answer it."""
        self.taken(characteristic, data)
        request = Request.from_bytes(data)
        self.waiting.append((protocol.NOTIFY_UUID, bytes(self._answer(request))))

    def _answer(self, request: Request) -> Hello | Response:
        match request.command:
            case Command.HELLO:
                texts = (self.serial, "Movesense Flash", self.mac, "gatt_sensordata", self.firmware)
                return Hello(request.reference, 1, texts)
            case Command.GET:
                return Response(request.reference, Status.OK, bytes(EnergyLevel(self.battery_percent)))
            case Command.UNSUBSCRIBE:
                there, self.reference = self.reference == request.reference, None
                return Response(request.reference, Status.OK if there else Status.NOT_FOUND)
            case Command.SUBSCRIBE:
                return Response(request.reference, self._subscribe(request))
        return Response(request.reference, Status.NOT_FOUND)

    def _subscribe(self, request: Request) -> int:
        if self.status != Status.OK:
            return self.status
        path, _, rate = request.payload.rstrip(b"\0").decode().rpartition("/")
        if path != Measurement.IMU6.value or int(rate) not in RATES_HZ:
            return Status.NOT_FOUND
        if self.reference is not None:
            return Status.CONFLICT
        self.reference, self.rate = request.reference, int(rate)
        return Status.OK

    def notifications(self, time_s: Floats) -> list[Packet]:
        """Return one packet of all samples."""
        packets = self.answers()
        at_s, acc_g, gyr_degps = self.rows(time_s)
        if len(at_s) and self.reference is not None:
            stamp_ms = int(self.clock_s(float(at_s[0])) * 1000) & 0xFFFF_FFFF
            data = MotionData(stamp_ms, _float32(acc_g * STANDARD_GRAVITY_MPS2), _float32(gyr_degps))
            packets.append((protocol.NOTIFY_UUID, bytes(protocol.DataPart(self.reference, bytes(data)))))
        return packets

    def restart(self, now_s: float) -> None:
        """Begin anew, without a subscription."""
        self.reference = None
        self.restart_clock(now_s)


def _float32(rows: Floats) -> Triples:
    return tuple(struct.unpack("<3f", row.astype(np.float32).tobytes()) for row in rows)
