"""The firmware of a WitMotion clip: command bytes and times in, register replies and data frames out.

Opens no radio and has no clock: `sensor.virtual.clip` puts it on the air. Written from reference tables and not
with `firmware_protocol.witmotion`, so that neither side can hide a mistake of the other. Where units were seen to
misbehave (overlapping reads, battery after a save) it misbehaves likewise.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

import numpy as np

from sensor.virtual.motion import LOST, Counts, Floats, Motion
from sensor.virtual.unit import Advertised, Char, Packet, RefusedError

SERVICE, NOTIFY, WRITE = (f"0000{short}-0000-1000-8000-00805f9a34fb" for short in ("ffe5", "ffe4", "ffe9"))
"""9a34fb, not the Bluetooth base: that is how the family is."""

MEASURED_RATES_HZ: Mapping[int, float] = {
    0x01: 0.2,
    0x02: 0.5,
    0x03: 1.0,
    0x04: 2.0,
    0x05: 5.0,
    0x06: 10.05,
    0x07: 19.86,
    0x08: 49.45,
    0x09: 99.26,
    0x0A: 99.26,
    0x0B: 198.43,
}
"""Samples a second that units were measured to send, by the code in register 0x03."""
NOMINAL_RATES_HZ: Mapping[int, float] = {
    **MEASURED_RATES_HZ,
    0x06: 10,
    0x07: 20,
    0x08: 50,
    0x09: 100,
    0x0A: 100,
    0x0B: 200,
}
"""What the data sheet promises instead: for recordings whose rows are to be played one by one."""

SAVE, CALIBRATE, RATE, BANDWIDTH, MOUNTING, ALGORITHM, READ, UNLOCK = (
    0x00,
    0x01,
    0x03,
    0x1F,
    0x23,
    0x24,
    0x27,
    0x69,
)
VERSION, CHIP_TIME, RAW, ANGLES, TEMPERATURE, BATTERY, MAC = 0x2E, 0x30, 0x34, 0x3D, 0x40, 0x64, 0x66
UNLOCK_WORD = 0xB588
UNLOCKED_S = 10.0
BATTERY_BLIND_S = 0.3
"""The battery reads 0 for so long after a save."""
FULL_V, EMPTY_V = 4.10, 3.35
WORDS_A_REPLY = 8
FRAME_LENGTH = 20
FACTORY = {RATE: 0x06, BANDWIDTH: 0x04, MOUNTING: 0, ALGORITHM: 0}
WITHOUT_UNLOCK = frozenset({CALIBRATE, RATE, MOUNTING, ALGORITHM})

_FRAME = struct.Struct("<BB9h")
_REPLY = struct.Struct("<BBH8H")


def bundle_of(rate_hz: float) -> int:
    """Return how many frames the clip puts into one notification at this rate."""
    return 1 if rate_hz < 35 else 2 if rate_hz < 75 else 4 if rate_hz < 150 else 8


def packed_version(major: int, minor: int, patch: int) -> int:
    """Return the u32 of registers 0x2E and 0x2F: top bit, then 17, 6 and 8 bits."""
    return 1 << 31 | major << 14 | minor << 8 | patch


@dataclass(slots=True)
class Firmware:
    """One unit: its registers, its battery and its sensors. Times are seconds since it was switched on."""

    motion: Motion
    mac: str = "C4:A3:FC:76:9B:33"
    rates_hz: Mapping[int, float] = field(default_factory=lambda: MEASURED_RATES_HZ)
    version: int = packed_version(10080, 1, 22)
    battery_v: float = FULL_V
    """At switch-on."""
    battery_h: float = 8.0
    """From full to empty, as the data sheet says."""
    answers: bool = True
    """False for a unit that answers no read."""
    refuses: set[str] = field(default_factory=set)
    """Characteristics whose every write is answered with an error."""
    flash: dict[int, int] = field(default_factory=lambda: dict(FACTORY))
    registers: dict[int, int] = field(init=False)
    commands: list[bytes] = field(init=False, default_factory=list)
    """Everything that was ever written to it."""
    prompt: bool = field(init=False, default=False)
    payload: int = field(init=False, default=244)
    unanswered: int | None = field(init=False, default=None)
    """The first register of the reply that waits to be sent; a read that overlaps it is never answered."""
    _unlocked_until_s: float = field(init=False, default=float("-inf"))
    _blind_until_s: float = field(init=False, default=float("-inf"))
    _subscribed: bool = field(init=False, default=False)
    _replies: list[bytes] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.registers = dict(self.flash)

    @property
    def rate_hz(self) -> float | None:
        """Samples a second as they really come; None when the output is off."""
        return self.rates_hz.get(self.registers[RATE])

    def restart(self, _now_s: float = 0.0) -> None:
        """Switch off and on: what was not saved is lost, but for the rate, which was seen to survive."""
        self.registers = {**self.flash, RATE: self.registers[RATE]}
        self._unlocked_until_s = float("-inf")
        self.unanswered = None

    # ---- on the air ---------------------------------------------------------------------------------------

    @property
    def advertised(self) -> Advertised:
        """Its name, and its service."""
        return Advertised("WT901BLE", (SERVICE,))

    @property
    def table(self) -> Mapping[str, tuple[Char, ...]]:
        """One service with two characteristics."""
        return {SERVICE: (Char(NOTIFY, read=True, notify=True), Char(WRITE, write=True))}

    @property
    def stream_hz(self) -> float | None:
        """It streams as soon as somebody subscribes."""
        return self.rate_hz if self._subscribed else None

    @property
    def bundle(self) -> int:
        """Frames in one notification."""
        return bundle_of(self.rate_hz or 1.0)

    def subscribed(self, characteristic: str, *, on: bool) -> None:
        """Begin or end the stream."""
        self._subscribed = on and characteristic == NOTIFY

    def written(self, characteristic: str, data: bytes, now_s: float) -> None:
        """Take a command; its reply rides along with the next frames."""
        if characteristic in self.refuses:
            raise RefusedError
        reply = self.command(data, now_s) if characteristic == WRITE else None
        if reply:
            self._replies.append(reply)

    def read(self, characteristic: str, _now_s: float) -> bytes:
        """Return zeros: nobody reads the stream."""
        if characteristic != NOTIFY:
            raise RefusedError(0x02)
        return bytes(20)

    def notifications(self, time_s: Floats) -> list[Packet]:
        """Return one notification: the replies that wait after the first frame."""
        replies, self._replies = self._replies, []
        if replies:
            self.unanswered = None
        frames = self.frames(time_s) if len(time_s) else []
        data = b"".join([*frames[:1], *replies, *frames[1:]])
        return [(NOTIFY, data)] if data else []

    def damaged(self, data: bytes, random: Random) -> bytes:
        """Damage the header of every frame."""
        damaged = bytearray(data)
        for header in range(0, len(data), FRAME_LENGTH):
            damaged[header] = damaged[header + 1] = random.randrange(0x80, 0x100)
        return bytes(damaged)

    def disconnected(self) -> None:
        """Forget the subscription and what was asked."""
        self._subscribed = False
        self._replies.clear()
        self.unanswered = None

    # ---- what it knows ------------------------------------------------------------------------------------

    def volts(self, now_s: float) -> float:
        """Return the cell's voltage: a straight line from full to empty, near enough to tell charge by."""
        return max(EMPTY_V, self.battery_v - (FULL_V - EMPTY_V) * now_s / 3600 / self.battery_h)

    def command(self, data: bytes, now_s: float) -> bytes | None:
        """Take what was written to the clip; return the reply to put into the stream, if any."""
        self.commands.append(data)
        if len(data) != 5 or data[:2] != b"\xff\xaa":
            return None
        register, word = data[2], int.from_bytes(data[3:5], "little")
        if register == READ:
            return self._read(word & 0xFF, now_s)
        if register == UNLOCK and word == UNLOCK_WORD:
            self._unlocked_until_s = now_s + UNLOCKED_S
        elif register == SAVE:
            self._save(word, now_s)
        elif register == RATE and word not in self.rates_hz and word not in (0x0C, 0x0D):
            return None  # no such rate
        elif register in WITHOUT_UNLOCK or now_s < self._unlocked_until_s:
            self.registers[register] = word
        return None

    def _save(self, word: int, now_s: float) -> None:
        if now_s >= self._unlocked_until_s:
            return
        if word == 1:
            self.registers = dict(FACTORY)
        self.flash = dict(self.registers)
        self._blind_until_s = now_s + BATTERY_BLIND_S

    def _read(self, first: int, now_s: float) -> bytes | None:
        overlaps = self.unanswered is not None and abs(first - self.unanswered) < WORDS_A_REPLY
        if overlaps or not self.answers:
            return None
        self.unanswered = first
        known = self._readable(now_s)
        return _REPLY.pack(
            0x55, 0x71, first, *(known.get(first + i, 0) & 0xFFFF for i in range(WORDS_A_REPLY))
        )

    def _readable(self, now_s: float) -> dict[int, int]:
        seconds, milliseconds = divmod(round(now_s * 1000), 1000)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        row = self.motion.counts(np.array([min(now_s, self.motion.duration_s)]))[0]
        words = bytes(reversed(bytes.fromhex(self.mac.replace(":", ""))))
        return {
            **self.registers,
            VERSION: self.version,
            VERSION + 1: self.version >> 16,
            CHIP_TIME: 1 << 8 | 24,
            CHIP_TIME + 1: hours % 24 << 8 | 1 + hours // 24,
            CHIP_TIME + 2: seconds << 8 | minutes,
            CHIP_TIME + 3: milliseconds,
            **{RAW + i: int(count) for i, count in enumerate(row)},
            **{ANGLES + i: angle for i, angle in enumerate(_angles(row))},
            TEMPERATURE: 3120,
            BATTERY: 0 if now_s < self._blind_until_s else round(100 * self.volts(now_s)),
            **{MAC + i: int.from_bytes(words[2 * i : 2 * i + 2], "little") for i in range(3)},
        }

    def frames(self, time_s: Floats) -> list[bytes]:
        """Sample the motion at these times; what was lost on the air gives no frame."""
        rows = self.motion.counts(time_s)
        return [_FRAME.pack(0x55, 0x61, *row.tolist(), *_angles(row)) for row in rows if LOST not in row]


def _angles(row: Counts) -> tuple[int, int, int]:
    """Return roll, pitch and yaw as the clip reckons them, raw (180° = 32768); its yaw wanders, here it is 0."""
    x, y, z = (float(count) for count in row[:3])
    scale = 32768 / 180
    roll, pitch = np.degrees(np.arctan2(y, z)), np.degrees(np.arctan2(-x, np.hypot(y, z)))
    return min(32767, round(roll * scale)), round(pitch * scale), 0
