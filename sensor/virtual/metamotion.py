"""A virtual MetaMotion: written with the product's own encoders, behaving as the vendor's SDK expects of a board."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from firmware_protocol import gatt
from firmware_protocol import metamotion as protocol
from firmware_protocol import metamotion_imu as imu
from firmware_protocol.metamotion import READ, Module, ModuleInfo
from sensor.virtual.motion import Floats
from sensor.virtual.unit import Advertised, Board, Char, Packet, RefusedError

FIRMWARE_UUID = gatt.uuid(gatt.DeviceInformation.FIRMWARE_REVISION)
RATES_HZ = {code: rate_hz for rate_hz, code in imu.ACC_RATES_HZ.items()}
ACC, GYR = Module.ACCELEROMETER, Module.GYROSCOPE


@dataclass(slots=True, kw_only=True)
class MetaMotion(Board):
    """One board. What a host started goes on when the host is gone."""

    mac: str = "E8:C9:8F:52:7B:07"
    firmware: str = "1.7.3"
    chip: imu.Chip = imu.Chip.BMI160
    revision: int = 1
    """Of both its motion modules. At 0 a BMI160 sends samples one by one, whatever is asked."""
    registers: dict[tuple[int, int], bytes] = field(init=False, default_factory=dict)
    """What was last written to each register."""

    @property
    def advertised(self) -> Advertised:
        """Its usual name, and its service."""
        return Advertised(protocol.NAME, (protocol.SERVICE_UUID,))

    @property
    def table(self) -> Mapping[str, tuple[Char, ...]]:
        """Commands and notifications, and who it is."""
        return {
            protocol.SERVICE_UUID: (
                Char(protocol.COMMAND_UUID, write=True),
                Char(protocol.NOTIFY_UUID, notify=True),
            ),
            gatt.DEVICE_INFORMATION_SERVICE_UUID: (Char(FIRMWARE_UUID, read=True),),
        }

    @property
    def stream_hz(self) -> float | None:
        """What the accelerometer is set to, by the board's own clock."""
        config = self.registers.get((ACC, imu.Register.CONFIG))
        if not config or not self._runs(ACC):
            return None
        return RATES_HZ[config[0] & 0x0F] * (1 + self.drift_ppm * 1e-6)

    @property
    def bundle(self) -> int:
        """Samples in one packet."""
        return max(1, self._packet(ACC))

    def _packet(self, module: Module) -> int:
        """Return how many samples are in a packet of what is subscribed to; 0 when nothing is."""
        packs = imu.packs(self._info(module))
        for size, packed in ((3, True), (1, False)):
            register = imu.subscribe(module, self.chip, packed=packed)[1]
            if self.registers.get((module, register)) == b"\x01" and (packs or not packed):
                return size
        return 0

    def _runs(self, module: Module) -> bool:
        on = (
            self.registers.get((module, register)) for register in (imu.Register.POWER, imu.Register.ENABLE)
        )
        return all(value and value[0] == 1 for value in on)

    def read(self, characteristic: str, _now_s: float) -> bytes:
        """Return its firmware's version."""
        if characteristic != FIRMWARE_UUID:
            raise RefusedError(0x02)
        return self.firmware.encode()

    def written(self, characteristic: str, data: bytes, _now_s: float) -> None:
        """Take a command; what it reads is answered."""
        self.taken(characteristic, data)
        packet = protocol.Packet.from_bytes(data)
        if packet.register == READ:
            self.waiting.append((protocol.NOTIFY_UUID, bytes(self._info(packet.module))))
        elif data == protocol.READ_BATTERY:
            battery = protocol.Battery(self.battery_percent, 3000 + 12 * self.battery_percent)
            self.waiting.append((protocol.NOTIFY_UUID, bytes(battery)))
        elif data == protocol.READ_ADDRESS:
            self.waiting.append((protocol.NOTIFY_UUID, bytes(protocol.Address(self.mac))))
        else:
            self.registers[packet.module, packet.register] = packet.data
            if packet.module == Module.HAPTIC or data == protocol.LED_PLAY:
                self.signals.append(data)

    def _info(self, module: int) -> ModuleInfo:
        of_bmi160 = self.chip is imu.Chip.BMI160
        implementation = {ACC: 1 if of_bmi160 else 4, GYR: 0 if of_bmi160 else 1}.get(Module(module), 0)
        return ModuleInfo(module, implementation, self.revision)

    def notifications(self, time_s: Floats) -> list[Packet]:
        """Return one packet of acceleration, and then one of rotation if that runs."""
        packets = self.answers()
        _, acc_g, gyr_degps = self.rows(time_s)
        for module, counts in (
            (ACC, np.rint(acc_g / imu.acc_per_count_g(8))),
            (GYR, np.rint(gyr_degps / imu.gyr_per_count_degps(1000))),
        ):
            if len(counts) and self._runs(module) and self._packet(module):
                samples = tuple((int(x), int(y), int(z)) for x, y, z in counts)
                packets.append((protocol.NOTIFY_UUID, bytes(imu.MotionData(module, self.chip, samples))))
        return packets

    def restart(self, _now_s: float) -> None:
        """Forget every register."""
        self.registers.clear()
