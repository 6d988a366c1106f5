"""A virtual Thingy:52: written with the product's own encoders, behaving as Nordic's firmware does."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from firmware_protocol import gatt
from firmware_protocol import thingy52 as protocol
from firmware_protocol import thingy52_interface as interface
from sensor.virtual.motion import Floats
from sensor.virtual.unit import Advertised, Board, Char, Packet, RefusedError


@dataclass(slots=True, kw_only=True)
class Thingy(Board):
    """One unit. Its outputs are on as long as somebody is subscribed to them."""

    mac: str = "C1:52:00:00:00:01"
    config: protocol.MotionConfig = field(default_factory=protocol.MotionConfig)
    sound: interface.SoundConfig | None = None

    @property
    def advertised(self) -> Advertised:
        """Its usual name, and the configuration service."""
        return Advertised(protocol.NAME, (protocol.CONFIGURATION_SERVICE_UUID,))

    @property
    def table(self) -> Mapping[str, tuple[Char, ...]]:
        """Motion, sound, button, battery."""
        return {
            protocol.CONFIGURATION_SERVICE_UUID: (),
            interface.INTERFACE_SERVICE_UUID: (Char(interface.BUTTON_UUID, notify=True),),
            protocol.MOTION_SERVICE_UUID: (
                Char(protocol.MOTION_CONFIG_UUID, read=True, write=True),
                Char(protocol.RAW_UUID, notify=True),
                Char(protocol.GRAVITY_UUID, notify=True),
            ),
            interface.SOUND_SERVICE_UUID: (
                Char(interface.SOUND_CONFIG_UUID, read=True, write=True),
                Char(interface.SPEAKER_UUID, write=True),
            ),
            gatt.BATTERY_SERVICE_UUID: (Char(gatt.BATTERY_LEVEL_UUID, read=True, notify=True),),
        }

    @property
    def stream_hz(self) -> float | None:
        """What it is set to, by its own clock."""
        if protocol.RAW_UUID not in self.subscriptions:
            return None
        return self.config.rate_hz * (1 + self.drift_ppm * 1e-6)

    @property
    def bundle(self) -> int:
        """One sample a notification."""
        return 1

    def read(self, characteristic: str, _now_s: float) -> bytes:
        """Return battery or settings."""
        match characteristic:
            case gatt.BATTERY_LEVEL_UUID:
                return bytes(gatt.BatteryLevel(self.battery_percent))
            case protocol.MOTION_CONFIG_UUID:
                return bytes(self.config)
        raise RefusedError(0x02)

    def written(self, characteristic: str, data: bytes, _now_s: float) -> None:
        """Take settings, or beep."""
        self.taken(characteristic, data)
        match characteristic:
            case protocol.MOTION_CONFIG_UUID:
                self.config = protocol.MotionConfig.from_bytes(data)
            case interface.SOUND_CONFIG_UUID:
                self.sound = interface.SoundConfig.from_bytes(data)
            case interface.SPEAKER_UUID:
                if self.sound is None or self.sound.speaker != interface.SpeakerMode.TONE:
                    raise RefusedError(0x13)
                self.signals.append(bytes(interface.Tone.from_bytes(data)))

    def notifications(self, time_s: Floats) -> list[Packet]:
        """Return one notification a sample."""
        packets = self.answers()
        _, acc_g, gyr_degps = self.rows(time_s)
        acc, gyr = np.rint(acc_g / protocol.G_PER_COUNT), np.rint(gyr_degps / protocol.DEGPS_PER_COUNT)
        for row in np.hstack([acc, gyr]):
            ax, ay, az, gx, gy, gz = (int(count) for count in row)
            packets.append((protocol.RAW_UUID, bytes(protocol.Raw((ax, ay, az), (gx, gy, gz)))))
        return packets

    def restart(self, _now_s: float) -> None:
        """Forget the settings."""
        self.config, self.sound = protocol.MotionConfig(), None
