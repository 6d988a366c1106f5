"""One connection to a Capture2Go: packed acceleration and rotation, stamped in nanoseconds, each package with a checksum."""

from math import radians

from firmware_protocol import capture2go as protocol
from firmware_protocol import capture2go_data as data_of
from firmware_protocol import capture2go_mode as mode
from firmware_protocol.capture2go import ErrorCode, Header
from firmware_protocol.capture2go_stream import Capture2GoStream, Damage
from firmware_protocol.errors import MalformedFrameError, ProtocolError
from sensor.advertisement import Advertisement, Identity
from sensor.device_clock import DeviceClock
from sensor.dialogue import BATTERY_EVERY_NS
from sensor.samples import BatteryReading, SampleBlock
from sensor.session import Capabilities, Family, Refusal, Subscribe, Told, Write
from sensor.sessions.stamped import StampedSession

TITLE = "Capture2Go"
SCALE = (data_of.ACC_MPS2_PER_COUNT,) * 3 + (radians(data_of.GYR_DEGPS_PER_COUNT),) * 3
STATUS_S = 60
ANSWERS = {
    Header.STOP_STREAMING_AND_CLEAR_BUFFER_ACKNOWLEDGED: Header.STOP_STREAMING_AND_CLEAR_BUFFER,
    Header.MEASUREMENT_MODE: Header.SET_MEASUREMENT_MODE,
    Header.START_STREAMING_ACKNOWLEDGED: Header.START_STREAMING,
}
NEEDED = {Header.SET_MEASUREMENT_MODE, Header.START_STREAMING}


def matches(advertisement: Advertisement) -> bool:
    """Tell a Capture2Go by its service, or by its name."""
    return protocol.SERVICE_UUID in advertisement.service_uuids or (advertisement.name or "").startswith(
        protocol.NAME_PREFIX
    )


class Capture2GoSession(StampedSession):
    """Ends what an earlier host left running, with all that waits from then, says what to measure, and starts."""

    def __init__(self, rate_hz: float) -> None:
        super().__init__(TITLE, DeviceClock(tick_s=1e-9, rate_hz=rate_hz), rate_hz, SCALE)
        self._stream = Capture2GoStream()
        for left in (protocol.STOP_STREAMING_AND_CLEAR_BUFFER, protocol.STOP_REAL_TIME_STREAMING):
            # Before anything can arrive: samples of an earlier host's may be of another rate.
            self._dialogue.tell(Write(protocol.WRITE_UUID, bytes(left), needed=False))
        self._dialogue.tell(Subscribe(protocol.NOTIFY_UUID))
        self._ask(Header.STOP_STREAMING_AND_CLEAR_BUFFER, protocol.STOP_STREAMING_AND_CLEAR_BUFFER)
        self._ask(Header.GET_DEVICE_INFO, protocol.GET_DEVICE_INFO)
        measures = mode.MeasurementMode(status_s=STATUS_S)
        self._ask(Header.SET_MEASUREMENT_MODE, mode.set_packed(round(rate_hz), measures))
        self._ask(Header.START_STREAMING, protocol.START_STREAMING)
        self._ask(Header.GET_STATUS, protocol.GET_STATUS, BATTERY_EVERY_NS)

    def _ask(self, topic: Header, package: protocol.Package, every_ns: int | None = None) -> None:
        question = Write(protocol.WRITE_UUID, bytes(package), needed=topic in NEEDED)
        self._dialogue.ask(topic, question, every_ns=every_ns)

    def received(self, characteristic: str, data: bytes, arrival_ns: int) -> list[Told]:
        """Take a notification; return what the packages in it tell."""
        if characteristic != protocol.NOTIFY_UUID:
            self.oddities.unknown_kind(f"data on {characteristic}")
            return []
        told: list[Told] = []
        for item in self._stream.feed(data):
            if isinstance(item, Damage):
                told += self.oddities.unreadable(
                    data, MalformedFrameError(f"{item.length} bytes of no package")
                )
                continue
            try:
                told += self._package(item, arrival_ns)
            except ProtocolError as error:
                told += self.oddities.unreadable(data, error)
        return told

    def _package(self, package: protocol.Package, arrival_ns: int) -> list[Told]:
        if data_of.is_samples(package.header):
            return [*self._samples(data_of.Samples.from_bytes(package.payload, package.header), arrival_ns)]
        match package.header:
            case Header.STATUS:
                status = protocol.Status.from_bytes(package.payload)
                self._dialogue.answered(Header.GET_STATUS, arrival_ns)
                return [BatteryReading(arrival_ns, float(status.battery_percent))]
            case Header.DEVICE_INFO:
                info = protocol.DeviceInfo.from_bytes(package.payload)
                self._dialogue.answered(Header.GET_DEVICE_INFO, arrival_ns)
                return [Identity(_text(info.serial), _text(info.firmware_version))]
            case Header.ERROR:
                return [*self._failed(protocol.SensorError.from_bytes(package.payload), arrival_ns)]
            case header if header in ANSWERS:
                self._dialogue.answered(ANSWERS[Header(header)], arrival_ns)
            case header:
                self.oddities.unknown_kind(f"packages {header:#06x}")
        return []

    def _failed(self, error: protocol.SensorError, now_ns: int) -> list[Refusal]:
        self._dialogue.answered(error.command, now_ns)
        if error.command not in NEEDED:
            return []
        known = (
            ErrorCode(error.code).name.lower().replace("_", " ")
            if error.code in set(ErrorCode)
            else "unknown"
        )
        return [Refusal(f"it does not start its stream (its error {error.code:#04x}: {known})")]

    def _samples(self, samples: data_of.Samples, arrival_ns: int) -> list[SampleBlock]:
        self.oddities.read()
        rows = [a + g for a, g in zip(samples.acc_counts, samples.gyr_counts, strict=True)]
        return self._blocks.take(samples.time_ns, rows, arrival_ns)


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("utf-8", "replace")


FAMILY = Family(
    name="capture2go",
    title=TITLE,
    matches=matches,
    rates_hz=(10.0, 25.0, 50.0, 100.0, 200.0),
    default_rate_hz=50.0,
    data_characteristic=protocol.NOTIFY_UUID,
    open_session=Capture2GoSession,
    capabilities=Capabilities(device_clock=True, loss_visible=True),
)
