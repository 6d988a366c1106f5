"""Nordic Thingy:52: button, speaker, outputs. `thingy52` tells of the family; source as there [H].

To beep, write `SoundConfig` once and then `tone`, as often as wanted.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.errors import MalformedFrameError
from firmware_protocol.fields import in_range, unpack
from firmware_protocol.thingy52 import uuid

INTERFACE_SERVICE_UUID = uuid(0x0300)
BUTTON_UUID = uuid(0x0302)
"""Notify."""
OUTPUTS_UUID = uuid(0x0303)
"""Four transistors, which can switch a motor that is wired to them."""
SOUND_SERVICE_UUID = uuid(0x0500)
SOUND_CONFIG_UUID = uuid(0x0501)
SPEAKER_UUID = uuid(0x0502)
SPEAKER_STATUS_UUID = uuid(0x0503)

_BYTE = struct.Struct("<B")
_PAIR = struct.Struct("<BB")
_TONE = struct.Struct("<HHB")


def button(data: bytes) -> bool:
    """Read the one byte of 0x0302: whether the button is down."""
    (pressed,) = unpack(_BYTE, data, "a button")
    if pressed > 1:
        raise MalformedFrameError(f"a button is {pressed}", bytes(data))
    return bool(pressed)


class SpeakerMode(IntEnum):
    """What the speaker's characteristic takes."""

    TONE = 1
    PCM = 2
    SAMPLE = 3


class MicrophoneMode(IntEnum):
    """What the microphone's characteristic sends."""

    ADPCM = 1
    LEVEL = 2


@dataclass(frozen=True, slots=True)
class SoundConfig:
    """0x0501, read and write."""

    speaker: int = SpeakerMode.TONE
    microphone: int = MicrophoneMode.ADPCM

    @classmethod
    def from_bytes(cls, data: bytes) -> "SoundConfig":
        """Read two bytes."""
        return cls(*unpack(_PAIR, data, "a configuration of sound"))

    def __bytes__(self) -> bytes:
        return _PAIR.pack(self.speaker, self.microphone)


@dataclass(frozen=True, slots=True)
class Tone:
    """0x0502, write, when the speaker is in the mode `TONE`."""

    frequency_hz: int
    duration_ms: int
    volume_percent: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "Tone":
        """Read five bytes; MalformedFrameError over 100 %."""
        frequency, duration, volume = unpack(_TONE, data, "a tone")
        if volume > 100:
            raise MalformedFrameError(f"a volume of {volume} %", bytes(data))
        return cls(frequency, duration, volume)

    def __bytes__(self) -> bytes:
        return _TONE.pack(self.frequency_hz, self.duration_ms, self.volume_percent)


def tone(frequency_hz: int, duration_ms: int, volume_percent: int = 50) -> bytes:
    """Return the command that beeps for up to 65 s; the firmware has no tone below 100 Hz, and nobody hears above 20 kHz."""
    in_range(frequency_hz, 100, 20_000, "a tone's frequency")
    in_range(duration_ms, 1, 0xFFFF, "a tone's milliseconds")
    in_range(volume_percent, 1, 100, "a tone's volume")
    return bytes(Tone(frequency_hz, duration_ms, volume_percent))


def drive_outputs(on: tuple[bool, bool, bool, bool]) -> bytes:
    """Return the command for 0x0303, the four outputs."""
    return bytes(0xFF if each else 0x00 for each in on)
