"""One connection to a Movella DOT: measures acceleration and rotation, each sample stamped by the clip."""

from math import radians

from firmware_protocol import movella_dot as protocol
from firmware_protocol import movella_dot_measurement as measurement
from firmware_protocol.errors import MalformedFrameError, ProtocolError
from sensor.advertisement import Advertisement, Identity
from sensor.device_clock import DeviceClock
from sensor.dialogue import BATTERY_EVERY_NS
from sensor.samples import BatteryReading, SampleBlock
from sensor.session import Capabilities, Family, Read, Request, Signal, SignalKind, Subscribe, Told, Write
from sensor.sessions.stamped import StampedSession

TITLE = "Movella DOT"
MODE = measurement.Mode.RATE
"""Acceleration with gravity, and rotation: 28 bytes, in all firmware."""
DATA = measurement.characteristic_of(MODE)
SCALE = (1.0,) * 3 + (radians(1.0),) * 3
REPORTS = {kind.value for kind in protocol.ReportType}


def matches(advertisement: Advertisement) -> bool:
    """Tell a DOT by its maker, or by the name that it has unless somebody gave it another."""
    return protocol.COMPANY_ID in advertisement.company_ids or (advertisement.name or "").startswith(
        protocol.NAME_PREFIXES
    )


class MovellaDotSession(StampedSession):
    """Asks who the clip is, stops what an earlier host left running, sets the rate, and starts."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        clock = DeviceClock(tick_s=1e-6, rate_hz=rate_hz, bits=measurement.STAMP_BITS)
        super().__init__(TITLE, clock, rate_hz, SCALE)
        self._dialogue.ask("who", Read(protocol.DEVICE_INFO_UUID))
        self._dialogue.ask("running", Read(protocol.MEASUREMENT_CONTROL_UUID))
        self._dialogue.ask("settings", Read(protocol.DEVICE_CONTROL_UUID, needed=True))

    def received(self, characteristic: str, data: bytes, arrival_ns: int) -> list[Told]:
        """Take a payload, or what was read."""
        try:
            if characteristic == DATA:
                return [*self._samples(data, arrival_ns)]
            return [*self._answer(characteristic, data, arrival_ns)]
        except ProtocolError as error:
            return [*self.oddities.unreadable(data, error)]

    def signal(self, signal: Signal) -> list[Request]:
        """Blink, for ten seconds whatever was asked."""
        del signal
        blink = protocol.identify(protocol.DeviceControl())
        return [Write(protocol.DEVICE_CONTROL_UUID, bytes(blink))]

    def _samples(self, data: bytes, arrival_ns: int) -> list[SampleBlock]:
        if len(data) > measurement.MEDIUM_LENGTH:
            raise MalformedFrameError(f"a payload of {len(data)} bytes in a characteristic of 40", data)
        payload = measurement.Measurement.from_bytes(data, MODE)
        self.oddities.read()
        row = (*(payload.acc_mps2 or ()), *(payload.gyr_degps or ()))
        return self._blocks.take(payload.time_us, [row], arrival_ns)

    def _answer(self, characteristic: str, data: bytes, now_ns: int) -> list[Told]:
        match characteristic:
            case protocol.DEVICE_INFO_UUID:
                info = protocol.DeviceInfo.from_bytes(data)
                self._dialogue.answered("who", now_ns)
                return [Identity(f"{info.serial:016X}", ".".join(map(str, info.firmware)))]
            case protocol.MEASUREMENT_CONTROL_UUID:
                self._set_aside(protocol.MeasurementControl.from_bytes(data))
                self._dialogue.answered("running", now_ns)
            case protocol.DEVICE_CONTROL_UUID:
                control = protocol.DeviceControl.from_bytes(data)
                if self._dialogue.topic == "settings":
                    self._start(control)
                self._dialogue.answered("settings", now_ns)
            case protocol.BATTERY_UUID:
                battery = protocol.Battery.from_bytes(data)
                self._dialogue.answered("battery", now_ns)
                return [BatteryReading(now_ns, float(battery.percent))]
            case protocol.DEVICE_REPORT_UUID:
                report = protocol.DeviceReport.from_bytes(data)
                if report.type not in REPORTS:
                    self.oddities.unknown_kind(f"reports of type {report.type}")
            case _:
                self.oddities.unknown_kind(f"data on {characteristic}")
        return []

    def _set_aside(self, left: protocol.MeasurementControl) -> None:
        """Stop what an earlier host left running: settings cannot change while it measures."""
        if left.running and self._dialogue.topic == "running":
            stop = protocol.MeasurementControl(running=False, mode=left.mode)
            self._dialogue.tell(Write(protocol.MEASUREMENT_CONTROL_UUID, bytes(stop)))

    def _start(self, control: protocol.DeviceControl) -> None:
        if control.rate_hz != self._rate_hz:
            wanted = protocol.set_rate(control, round(self._rate_hz))
            self._dialogue.tell(Write(protocol.DEVICE_CONTROL_UUID, bytes(wanted)))
        self._dialogue.tell(
            Subscribe(protocol.DEVICE_REPORT_UUID, needed=False),
            Subscribe(DATA),
            Write(protocol.MEASUREMENT_CONTROL_UUID, measurement.start(MODE)),
        )
        self._dialogue.ask("battery", Read(protocol.BATTERY_UUID), every_ns=BATTERY_EVERY_NS)


FAMILY = Family(
    name="movella_dot",
    title=TITLE,
    matches=matches,
    rates_hz=(10.0, 12.0, 15.0, 20.0, 30.0, 60.0),
    default_rate_hz=60.0,
    data_characteristic=DATA,
    open_session=MovellaDotSession,
    capabilities=Capabilities(device_clock=True, loss_visible=True, button=True, signals=(SignalKind.LIGHT,)),
)
