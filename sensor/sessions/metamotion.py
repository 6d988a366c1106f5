"""One connection to a MetaMotion: acceleration and rotation, paired; no time comes with them.

Accelerometer and gyroscope of the chip run on one clock, but are sent apart, three samples each (one by early firmware),
in turn; the gyroscope begins within so many of the accelerometer. A half that was lost or damaged makes its samples damaged.
"""

from math import nan, radians

from firmware_protocol import gatt
from firmware_protocol import metamotion as protocol
from firmware_protocol import metamotion_fusion as fusion
from firmware_protocol import metamotion_imu as imu
from firmware_protocol.errors import ProtocolError
from firmware_protocol.metamotion import Module
from sensor.advertisement import Advertisement, Identity
from sensor.blocks import Row, SteeredBlocks
from sensor.dialogue import BATTERY_EVERY_NS
from sensor.oddities import Oddities
from sensor.samples import STANDARD_GRAVITY_MPS2, BatteryReading, SampleBlock
from sensor.session import (
    Capabilities,
    Family,
    Read,
    Refusal,
    Request,
    Signal,
    SignalKind,
    Subscribe,
    Told,
    Write,
)
from sensor.sessions.asking import AskingSession

TITLE = "MetaMotion"
FIRMWARE_UUID = gatt.uuid(gatt.DeviceInformation.FIRMWARE_REVISION)
MOTION = (Module.ACCELEROMETER, Module.GYROSCOPE)
ACC_RANGE_G, GYR_RANGE_DEGPS = 8, 1000
"""Four times what a walk jolts, and more than a trunk turns."""
SCALE = (
    *(imu.acc_per_count_g(ACC_RANGE_G) * STANDARD_GRAVITY_MPS2,) * 3,
    *(radians(imu.gyr_per_count_degps(GYR_RANGE_DEGPS)),) * 3,
)
PACKED = 3
LOST_ROW: Row = (nan,) * 6


def matches(advertisement: Advertisement) -> bool:
    """Tell a MetaMotion by its service, or by the name that it has unless somebody gave it another."""
    return protocol.SERVICE_UUID in advertisement.service_uuids or advertisement.name == protocol.NAME


class MetaMotionSession(AskingSession):
    """Stops what an earlier host left running, asks what the board is, and starts."""

    def __init__(self, rate_hz: float) -> None:
        super().__init__()
        self._rate_hz = rate_hz
        self._blocks = SteeredBlocks(rate_hz, SCALE)
        self._chip: imu.Chip | None = None
        self._packs = True
        """Whether the gyroscope's module can send packed samples."""
        self._lost: tuple[Row, ...] = (LOST_ROW,) * PACKED
        """What stands for a half that was lost or damaged."""
        self._serial = self._firmware = ""
        self._acc: tuple[Row, ...] | None = None
        """Acceleration that waits for its rotation."""
        self._rows: list[Row] = []
        self._paired = False
        self.oddities = Oddities(TITLE)
        self._command(*fusion.stop(fusion.Mode.NDOF))
        self._dialogue.tell(Subscribe(protocol.NOTIFY_UUID))
        self._dialogue.ask("firmware", Read(FIRMWARE_UUID))
        self._ask("address", protocol.READ_ADDRESS)
        self._ask("gyroscope", protocol.ask_module(Module.GYROSCOPE))
        self._ask("chip", protocol.ask_module(Module.ACCELEROMETER))

    def received(self, characteristic: str, data: bytes, arrival_ns: int) -> list[Told]:
        """Take a notification, or what was read."""
        if characteristic == FIRMWARE_UUID:
            return [*self._firmware_read(data, arrival_ns)]
        if characteristic != protocol.NOTIFY_UUID:
            self.oddities.unknown_kind(f"data on {characteristic}")
            return []
        module = imu.module_of(data, self._chip) if self._chip else None
        try:
            if self._chip and module:
                return [*self._half(module, self._counts(data, self._chip), arrival_ns)]
            return [*self._answer(protocol.Packet.from_bytes(data), data, arrival_ns)]
        except ProtocolError as error:
            refusals = self.oddities.unreadable(data, error)
            return [*refusals, *(self._half(module, self._lost, arrival_ns) if module else ())]

    def flush(self) -> list[SampleBlock]:
        """Return the samples that the clock still holds back."""
        return self._blocks.flush()

    def signal(self, signal: Signal) -> list[Request]:
        """Run the motor, which not every board has, or blink."""
        if signal.kind is SignalKind.VIBRATION:
            return [Write(protocol.COMMAND_UUID, protocol.vibrate(signal.duration_ms))]
        blinks = max(1, round(signal.duration_ms / 500))
        pattern = protocol.led_blink(protocol.Color.GREEN, blinks)
        return [Write(protocol.COMMAND_UUID, command) for command in (pattern, protocol.LED_PLAY)]

    # ---- what is asked ------------------------------------------------------------------------------------

    def _command(self, *commands: bytes) -> None:
        self._dialogue.tell(*(Write(protocol.COMMAND_UUID, command) for command in commands))

    def _ask(self, topic: str, command: bytes, every_ns: int | None = None) -> None:
        question = Write(protocol.COMMAND_UUID, command, needed=topic == "chip")
        self._dialogue.ask(topic, question, every_ns=every_ns)

    def _start(self, chip: imu.Chip, *, packed: bool) -> None:
        for module in MOTION:
            self._command(*imu.stop(module, chip))
        self._command(
            *protocol.TEARDOWN,
            protocol.SUBSCRIBE_SWITCH,
            *imu.acc_start(chip, self._rate_hz, ACC_RANGE_G, packed=packed),
            *imu.gyr_start(chip, self._rate_hz, GYR_RANGE_DEGPS, packed=packed),
        )
        self._ask("battery", protocol.READ_BATTERY, BATTERY_EVERY_NS)

    def _firmware_read(self, data: bytes, now_ns: int) -> list[Identity]:
        try:
            self._firmware = gatt.text(data)
        except ProtocolError as error:
            self.oddities.unreadable(data, error)
        self._dialogue.answered("firmware", now_ns)
        return [Identity(self._serial, self._firmware)] if self._serial else []

    def _answer(self, packet: protocol.Packet, data: bytes, now_ns: int) -> list[Told]:
        match packet.module, packet.register:
            case Module.ACCELEROMETER, protocol.READ:
                return [*self._chip_told(protocol.ModuleInfo.from_bytes(data), now_ns)]
            case Module.GYROSCOPE, protocol.READ:
                self._packs = imu.packs(protocol.ModuleInfo.from_bytes(data))
                self._dialogue.answered("gyroscope", now_ns)
            case Module.SETTINGS, register if register == protocol.READ_ADDRESS[1]:
                self._serial = protocol.Address.from_bytes(data).mac
                self._dialogue.answered("address", now_ns)
                return [Identity(self._serial, self._firmware)]
            case Module.SETTINGS, register if register == protocol.READ_BATTERY[1]:
                battery = protocol.Battery.from_bytes(data)
                self._dialogue.answered("battery", now_ns)
                return [BatteryReading(now_ns, float(battery.percent), battery.millivolts / 1000)]
            case Module.SWITCH, 0x01:
                protocol.Switch.from_bytes(data)
            case _:
                self.oddities.unknown_kind(f"packets {packet.module:02x} {packet.register:02x}")
        return []

    def _chip_told(self, info: protocol.ModuleInfo, now_ns: int) -> list[Refusal]:
        chip = imu.chip_of(info)
        if chip is None:
            return [
                Refusal("its accelerometer is of a kind that this neckline does not know", "update neckline")
            ]
        self._chip = chip
        if self._dialogue.topic == "chip":
            self._start(chip, packed=self._packs and imu.packs(info))
        self._dialogue.answered("chip", now_ns)
        return []

    # ---- samples ------------------------------------------------------------------------------------------

    def _counts(self, data: bytes, chip: imu.Chip) -> tuple[Row, ...]:
        samples = imu.MotionData.from_bytes(data, chip).samples
        self.oddities.read()
        self._lost = (LOST_ROW,) * len(samples)
        return samples

    def _half(self, module: Module, counts: tuple[Row, ...], arrival_ns: int) -> list[SampleBlock]:
        """Pair acceleration with the rotation that follows it; whoever comes twice in turn has lost its other half."""
        if module is Module.ACCELEROMETER:
            if self._acc is not None and self._paired:
                self._rows.extend(self._lost)
            self._acc = counts
            return []
        if self._acc is None:
            self._rows.extend(self._lost if self._paired else ())
            return []
        self._rows += [
            a + g if len(a + g) == 6 else LOST_ROW for a, g in zip(self._acc, counts, strict=False)
        ]
        self._acc, self._paired = None, True
        rows, self._rows = self._rows, []
        return self._blocks.take(rows, arrival_ns)


FAMILY = Family(
    name="metamotion",
    title=TITLE,
    matches=matches,
    rates_hz=(25.0, 50.0, 100.0),
    default_rate_hz=50.0,
    data_characteristic=protocol.NOTIFY_UUID,
    open_session=MetaMotionSession,
    capabilities=Capabilities(button=True, signals=(SignalKind.VIBRATION, SignalKind.LIGHT)),
)
