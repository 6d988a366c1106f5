"""One connection to an OpenEarable 2, worn on the head: acceleration and rotation, stamped in microseconds."""

from math import radians

from firmware_protocol import gatt
from firmware_protocol import openearable as protocol
from firmware_protocol.errors import ProtocolError
from sensor.advertisement import Advertisement, Identity
from sensor.device_clock import DeviceClock
from sensor.dialogue import BATTERY_EVERY_NS
from sensor.samples import BatteryReading, SampleBlock
from sensor.session import Capabilities, Family, Read, Refusal, Subscribe, Told, Write
from sensor.sessions.stamped import StampedSession

TITLE = "OpenEarable 2"
FIRMWARE_UUID = gatt.uuid(gatt.DeviceInformation.FIRMWARE_REVISION)
SCALE = (1.0,) * 3 + (radians(1.0),) * 3


def matches(advertisement: Advertisement) -> bool:
    """Tell an OpenEarable by its name; of which version it is, it tells when asked."""
    return (advertisement.name or "").startswith(protocol.NAME_PREFIX)


class OpenEarableSession(StampedSession):
    """Asks which version it is, ends what an earlier host left running, and starts."""

    def __init__(self, rate_hz: float) -> None:
        super().__init__(TITLE, DeviceClock(tick_s=1e-6, rate_hz=rate_hz), rate_hz, SCALE)
        self._dialogue.ask("firmware", Read(FIRMWARE_UUID))
        self._dialogue.tell(
            Write(protocol.CONFIG_UUID, protocol.stop_imu(), needed=False),
            Subscribe(protocol.DATA_UUID),
            Write(protocol.CONFIG_UUID, protocol.start_imu(round(rate_hz))),
        )
        self._dialogue.ask("battery", Read(gatt.BATTERY_LEVEL_UUID), every_ns=BATTERY_EVERY_NS)

    def received(self, characteristic: str, data: bytes, arrival_ns: int) -> list[Told]:
        """Take a notification, or what was read."""
        try:
            match characteristic:
                case protocol.DATA_UUID:
                    return [*self._samples(data, arrival_ns)]
                case gatt.BATTERY_LEVEL_UUID:
                    level = gatt.BatteryLevel.from_bytes(data)
                    self._dialogue.answered("battery", arrival_ns)
                    return [BatteryReading(arrival_ns, float(level.percent))]
                case _ if characteristic == FIRMWARE_UUID:
                    return [self._versioned(gatt.text(data), arrival_ns)]
            self.oddities.unknown_kind(f"data on {characteristic}")
        except ProtocolError as error:
            return [*self.oddities.unreadable(data, error)]
        return []

    def _versioned(self, firmware: str, now_ns: int) -> Identity | Refusal:
        self._dialogue.answered("firmware", now_ns)
        if not firmware.startswith(protocol.FIRMWARE_PREFIX):
            return Refusal(
                f"it is an OpenEarable of firmware {firmware}, and only 2 is known", "use another clip"
            )
        return Identity("", firmware)

    def _samples(self, data: bytes, arrival_ns: int) -> list[SampleBlock]:
        if data[:1] and data[0] != protocol.Sensor.IMU:
            self.oddities.unknown_kind(f"data of sensor {data[0]}")
            return []
        packet = protocol.MotionPacket.from_bytes(data)
        self.oddities.read()
        rows = [each.acc_mps2 + each.gyr_degps for each in packet.samples]
        return self._blocks.take(packet.time_us, rows, arrival_ns)


FAMILY = Family(
    name="openearable",
    title=TITLE,
    matches=matches,
    rates_hz=tuple(map(float, protocol.STREAM_RATES_HZ)),
    default_rate_hz=50.0,
    data_characteristic=protocol.DATA_UUID,
    open_session=OpenEarableSession,
    capabilities=Capabilities(device_clock=True, loss_visible=True, serial=False),
)
