"""One connection to a Polar sensor: H10 (acceleration) or Verity Sense (acceleration and rotation), stamped in nanoseconds."""

from math import radians

import numpy as np

from firmware_protocol import gatt
from firmware_protocol import polar_pmd as protocol
from firmware_protocol import polar_pmd_data as content
from firmware_protocol.errors import ProtocolError
from firmware_protocol.polar_pmd import MeasurementType, Operation, Status
from sensor.advertisement import Advertisement, Identity
from sensor.device_clock import DeviceClock, Stamp
from sensor.dialogue import BATTERY_EVERY_NS
from sensor.oddities import CUT, Oddities
from sensor.pairing import Floats, Pairing, Waiting
from sensor.samples import STANDARD_GRAVITY_MPS2, BatteryReading, SampleBlock
from sensor.session import Capabilities, Family, Read, Refusal, Request, Signal, Subscribe, Told, Write
from sensor.sessions.asking import AskingSession

SERIAL_UUID = gatt.uuid(gatt.DeviceInformation.SERIAL_NUMBER)
FIRMWARE_UUID = gatt.uuid(gatt.DeviceInformation.FIRMWARE_REVISION)
FULL_SCALE = {MeasurementType.ACC: 8, MeasurementType.GYRO: 2000}
MPS2_PER_MG = STANDARD_GRAVITY_MPS2 / 1000
REFUSALS = {
    Status.INVALID_MTU: CUT,
    Status.IN_CHARGER: Refusal("it is in its charger", "take it off its charger"),
}


class PolarSession(AskingSession):
    """Stops what an earlier host left running, and starts what the sensor has."""

    def __init__(self, rate_hz: float, *, title: str, measurements: tuple[MeasurementType, ...]) -> None:
        super().__init__()
        self._rate_hz = rate_hz
        self._measurements = measurements
        self._clock = DeviceClock(tick_s=1e-9, rate_hz=rate_hz, stamp_of=Stamp.LAST)
        self._pairing = Pairing(rate_hz)
        self._factors: dict[int, float | None] = {}
        """What a count is worth, as the answer to a start tells; None while what comes is another host's."""
        self._started_anew: set[int] = set()
        self._stamps: dict[int, int] = {}
        """Of the last packet of each kind."""
        self._serial = self._firmware = ""
        self.oddities = Oddities(title)
        self._dialogue.ask(SERIAL_UUID, Read(SERIAL_UUID))
        self._dialogue.ask(FIRMWARE_UUID, Read(FIRMWARE_UUID))
        self._dialogue.tell(Subscribe(protocol.CONTROL_UUID))
        for kind in measurements:
            self._stop(kind)
        self._dialogue.tell(Subscribe(protocol.DATA_UUID))
        for kind in measurements:
            self._start(kind)
        self._dialogue.ask(gatt.BATTERY_LEVEL_UUID, Read(gatt.BATTERY_LEVEL_UUID), every_ns=BATTERY_EVERY_NS)

    def _stop(self, kind: MeasurementType) -> None:
        self._ask(Operation.STOP, kind, protocol.stop(kind))

    def _start(self, kind: MeasurementType) -> None:
        channels = 3 if MeasurementType.GYRO in self._measurements else None
        rate_hz, full_scale = round(self._rate_hz), FULL_SCALE[kind]
        start = protocol.start(kind, rate_hz=rate_hz, full_scale=full_scale, channels=channels)
        self._ask(Operation.START, kind, start)

    def _ask(self, operation: Operation, kind: MeasurementType, command: bytes) -> None:
        question = Write(protocol.CONTROL_UUID, command, needed=operation is Operation.START)
        self._dialogue.ask((operation, kind), question)

    @property
    def lost(self) -> int:
        """Samples that the stamps show lacking."""
        return self._clock.lost

    def received(self, characteristic: str, data: bytes, arrival_ns: int) -> list[Told]:
        """Take a notification, an indication, or what was read."""
        try:
            match characteristic:
                case protocol.DATA_UUID:
                    return [*self._samples(protocol.DataFrame.from_bytes(data), arrival_ns)]
                case protocol.CONTROL_UUID:
                    return [*self._controlled(data, arrival_ns)]
                case gatt.BATTERY_LEVEL_UUID:
                    level = gatt.BatteryLevel.from_bytes(data)
                    self._dialogue.answered(characteristic, arrival_ns)
                    return [BatteryReading(arrival_ns, float(level.percent))]
                case _ if characteristic in {SERIAL_UUID, FIRMWARE_UUID}:
                    return [*self._identified(characteristic, gatt.text(data), arrival_ns)]
            self.oddities.unknown_kind(f"data on {characteristic}")
        except ProtocolError as error:
            return [*self.oddities.unreadable(data, error)]
        return []

    def flush(self) -> list[SampleBlock]:
        """Return the acceleration that waits for its rotation."""
        return self._blocks(self._pairing.flush())

    def signal(self, signal: Signal) -> list[Request]:
        """Raise ValueError: a sensor of this family has no means for it."""
        raise ValueError(f"a Polar sensor gives no {signal.kind}")

    # ---- answers ------------------------------------------------------------------------------------------

    def _identified(self, characteristic: str, text: str, now_ns: int) -> list[Identity]:
        if characteristic == SERIAL_UUID:
            self._serial = text
        else:
            self._firmware = text
        self._dialogue.answered(characteristic, now_ns)
        return [Identity(self._serial, self._firmware)] if self._firmware else []

    def _controlled(self, data: bytes, now_ns: int) -> list[Refusal]:
        if data[:1] == b"\x01":
            stopped = set(protocol.Stopped.from_bytes(data).measurements) & set(self._measurements)
            return (
                [Refusal("it has ended its stream by itself", "wear it, charge it, and try again")]
                if stopped
                else []
            )
        if data[:1] == b"\x0f":
            return []  # its features, to whoever read them
        response = protocol.ControlResponse.from_bytes(data)
        settings = response.settings() if response.operation == Operation.START else protocol.Settings()
        self._dialogue.answered((response.operation, response.measurement), now_ns)
        if response.measurement not in self._measurements:
            return []
        kind = MeasurementType(response.measurement)
        if response.operation == Operation.STOP:
            self._factors[kind] = None
        if response.operation != Operation.START:
            return []
        if response.status == Status.ALREADY_IN_STATE and self._factors.get(kind) is not None:
            return []  # the same start again
        if response.status == Status.ALREADY_IN_STATE and kind not in self._started_anew:
            self._start_anew(kind)
            return []
        if response.status != Status.SUCCESS:
            usual = Refusal(f"it does not start its stream (its error {response.status})")
            return [REFUSALS.get(Status(response.status), usual) if response.status in set(Status) else usual]
        self._factors[kind] = 1.0 if settings.factor is None else settings.factor
        return []

    def _start_anew(self, kind: MeasurementType) -> None:
        """Stop and start once more: only the answer to a start tells at what rate it runs, and what its counts are worth."""
        self._started_anew.add(kind)
        self._factors[kind] = None
        self._stop(kind)
        self._start(kind)

    # ---- samples ------------------------------------------------------------------------------------------

    def _samples(self, frame: protocol.DataFrame, arrival_ns: int) -> list[SampleBlock]:
        if frame.measurement not in self._measurements:
            self.oddities.unknown_kind(f"data of measurement {frame.measurement}")
            return []
        factor = self._factors.get(frame.measurement, 1.0)
        if factor is None:
            return []
        is_acc = frame.measurement == MeasurementType.ACC
        rows = content.acc_mg(frame, factor) if is_acc else content.gyr_degps(frame, factor)
        device_s = self._device_s(frame, len(rows))
        if not is_acc:
            return self._blocks(self._pairing.rotation(device_s, np.array(rows) * radians(1.0)))
        time_ns = self._clock.arrived(frame.time_ns, len(rows), arrival_ns)
        if not len(time_ns):
            return []
        packet = Waiting(device_s, time_ns, np.array(rows) * MPS2_PER_MG)
        if MeasurementType.GYRO in self._measurements:
            return self._blocks(self._pairing.acceleration(packet))
        self.oddities.read()
        return [SampleBlock(packet.time_ns, packet.acc, None, self._rate_hz)]

    def _device_s(self, frame: protocol.DataFrame, count: int) -> Floats:
        """Return the device's times of a packet's samples: even since the packet before, if nothing was lost."""
        before_ns = self._stamps.get(frame.measurement)
        self._stamps[frame.measurement] = frame.time_ns
        period_ns = float(1e9 / self._rate_hz)
        if before_ns is not None and 0 < frame.time_ns - before_ns < 1.25 * count * period_ns:
            period_ns = (frame.time_ns - before_ns) / count
        back: Floats = np.arange(count - 1, -1, -1, dtype=np.float64)
        device_s: Floats = (frame.time_ns - period_ns * back) / 1e9
        return device_s

    def _blocks(self, found: list[tuple[Waiting, Floats]]) -> list[SampleBlock]:
        if found:  # of one kind alone no sample is made
            self.oddities.read()
        return [SampleBlock(packet.time_ns, packet.acc, gyr, self._rate_hz) for packet, gyr in found]


H10_TITLE, SENSE_TITLE = "Polar H10", "Polar Verity Sense"


def _named(prefix: str, advertisement: Advertisement) -> bool:
    return (advertisement.name or "").startswith(prefix)


H10 = Family(
    name="polar_h10",
    title=H10_TITLE,
    matches=lambda advertisement: _named("Polar H10", advertisement),
    rates_hz=(25.0, 50.0, 100.0, 200.0),
    default_rate_hz=50.0,
    data_characteristic=protocol.DATA_UUID,
    open_session=lambda rate_hz: PolarSession(rate_hz, title=H10_TITLE, measurements=(MeasurementType.ACC,)),
    capabilities=Capabilities(gyroscope=False, device_clock=True, loss_visible=True, serial=False),
)
SENSE = Family(
    name="polar_sense",
    title=SENSE_TITLE,
    matches=lambda advertisement: _named("Polar Sense", advertisement),
    rates_hz=(52.0,),
    default_rate_hz=52.0,
    data_characteristic=protocol.DATA_UUID,
    open_session=lambda rate_hz: PolarSession(
        rate_hz, title=SENSE_TITLE, measurements=(MeasurementType.ACC, MeasurementType.GYRO)
    ),
    capabilities=Capabilities(device_clock=True, loss_visible=True, serial=False),
)
