"""One connection to a Nordic Thingy:52: raw acceleration and rotation, sample by sample, without time or count."""

from math import nan, radians

from firmware_protocol import gatt
from firmware_protocol import thingy52 as protocol
from firmware_protocol import thingy52_interface as interface
from firmware_protocol.errors import ProtocolError
from sensor.advertisement import Advertisement
from sensor.blocks import SteeredBlocks
from sensor.dialogue import BATTERY_EVERY_NS
from sensor.oddities import Oddities
from sensor.samples import STANDARD_GRAVITY_MPS2, BatteryReading, SampleBlock
from sensor.session import Capabilities, Family, Read, Request, Signal, SignalKind, Subscribe, Told, Write
from sensor.sessions.asking import AskingSession

TITLE = "Thingy:52"
SCALE = (
    *(protocol.G_PER_COUNT * STANDARD_GRAVITY_MPS2,) * 3,
    *(radians(protocol.DEGPS_PER_COUNT),) * 3,
)
DAMAGED = (nan,) * 6
BEEP_HZ, BEEP_PERCENT = 2000, 80
"""What a small speaker under cloth is best heard at."""


def matches(advertisement: Advertisement) -> bool:
    """Tell a Thingy by the service that it advertises, or by the name that it has unless somebody gave it another."""
    return (
        protocol.CONFIGURATION_SERVICE_UUID in advertisement.service_uuids
        or advertisement.name == protocol.NAME
    )


class ThingySession(AskingSession):
    """Sets the rate and switches one output on; all are off when the link ends."""

    def __init__(self, rate_hz: float) -> None:
        super().__init__()
        self._blocks = SteeredBlocks(rate_hz, SCALE)
        self.oddities = Oddities(TITLE)
        self._dialogue.tell(
            Write(protocol.MOTION_CONFIG_UUID, protocol.configure(round(rate_hz))),
            Subscribe(protocol.RAW_UUID),
        )
        self._dialogue.ask("battery", Read(gatt.BATTERY_LEVEL_UUID), every_ns=BATTERY_EVERY_NS)

    @property
    def lost(self) -> int:
        """Samples that the clock found lacking."""
        return self._blocks.lost

    def received(self, characteristic: str, data: bytes, arrival_ns: int) -> list[Told]:
        """Take a notification, or what was read."""
        try:
            match characteristic:
                case protocol.RAW_UUID:
                    raw = protocol.Raw.from_bytes(data)
                    self.oddities.read()
                    return [*self._blocks.take([raw.acc_counts + raw.gyr_counts], arrival_ns)]
                case gatt.BATTERY_LEVEL_UUID:
                    level = gatt.BatteryLevel.from_bytes(data)
                    self._dialogue.answered("battery", arrival_ns)
                    return [BatteryReading(arrival_ns, float(level.percent))]
            self.oddities.unknown_kind(f"data on {characteristic}")
        except ProtocolError as error:
            refusals = self.oddities.unreadable(data, error)
            if characteristic == protocol.RAW_UUID:
                return [*self._blocks.take([DAMAGED], arrival_ns), *refusals]
        return []

    def flush(self) -> list[SampleBlock]:
        """Return the samples that the clock still holds back."""
        return self._blocks.flush()

    def signal(self, signal: Signal) -> list[Request]:
        """Beep."""
        return [
            Write(interface.SOUND_CONFIG_UUID, bytes(interface.SoundConfig())),
            Write(interface.SPEAKER_UUID, interface.tone(BEEP_HZ, signal.duration_ms, BEEP_PERCENT)),
        ]


FAMILY = Family(
    name="thingy52",
    title=TITLE,
    matches=matches,
    rates_hz=(10.0, 25.0, 50.0),
    default_rate_hz=50.0,
    data_characteristic=protocol.RAW_UUID,
    open_session=ThingySession,
    capabilities=Capabilities(button=True, serial=False, signals=(SignalKind.SOUND,)),
)
