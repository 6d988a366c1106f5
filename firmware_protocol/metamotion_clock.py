"""MetaMotion's clock: the board's ticks, and stamps before samples. `metamotion` tells of the family; source as there [H].

Data carry no time. An accounter put before a stream stamps each sample with the board's ticks, or counts them: `09 02` adds
it, the reply tells its number, `notify_processor` lets its data through, and the stream itself is not subscribed to. Ticks
have 32 bits and wrap after 72.8 days, counts have 32 bits, too.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.fields import Counts, in_range, unpack
from firmware_protocol.metamotion import READ, Module, expect

TICK_MS = 48 / 32768 * 1000
"""1.46484375 ms: what accounter and clock count."""
STAMP_BITS = 32
_ADDED = struct.Struct("<BBB")
_ACCOUNTED = struct.Struct("<BBBI3h")
_TICK = struct.Struct("<BBIB")
_LONGEST_ACCOUNTED = 8
"""The field for a source's length has three bits; so single samples can be stamped, packed ones cannot [M]."""

READ_TICK = bytes([Module.LOG, READ | 0x04])


@dataclass(frozen=True, slots=True)
class Tick:
    """Reply to `READ_TICK`: the board's clock in ticks."""

    tick: int
    reset_id: int
    """Another one after a reset of the board."""

    @classmethod
    def from_bytes(cls, data: bytes) -> "Tick":
        """Read seven bytes."""
        expect(data, Module.LOG, READ | 0x04)
        _, _, tick, reset_id = unpack(_TICK, data, "a MetaMotion's tick")
        return cls(tick, reset_id)

    def __bytes__(self) -> bytes:
        return _TICK.pack(Module.LOG, READ | 0x04, self.tick, self.reset_id)


class Account(IntEnum):
    """What an accounter puts before each sample, in 32 bits."""

    COUNT = 0x30
    """Samples so far."""
    TIME = 0x31
    """Ticks of the board's clock."""


def add_accounter(module: Module, register: int, length: int, account: Account = Account.TIME) -> bytes:
    """Return the command that stamps a source's data; `processor_added` reads the processor's number in the reply."""
    in_range(length, 1, _LONGEST_ACCOUNTED, "the length of what is stamped")
    in_range(register, 0, 0x7F, "a register")
    return bytes([Module.PROCESSOR, 0x02, module, register, 0xFF, (length - 1) << 5, 0x11, account, 0x03])


def processor_added(data: bytes) -> int:
    """Return the number of the processor that was added, from the reply `09 02 number`."""
    expect(data, Module.PROCESSOR, 0x02)
    _, _, number = unpack(_ADDED, data, "the number of a processor")
    return int(number)


def notify_processor(number: int) -> tuple[bytes, ...]:
    """Return the commands that let a processor's data through."""
    in_range(number, 0, 0xFF, "the number of a processor")
    return bytes([Module.PROCESSOR, 0x07, number, 1]), bytes([Module.PROCESSOR, 0x03, 1])


@dataclass(frozen=True, slots=True)
class AccountedData:
    """A stamped sample: `09 03 processor stamp data`."""

    processor: int
    stamp: int
    """Ticks or a count, as the processor was set up; 32 bits."""
    counts: Counts

    @classmethod
    def from_bytes(cls, data: bytes) -> "AccountedData":
        """Read 13 bytes: a stamp before one sample of x, y, z."""
        expect(data, Module.PROCESSOR, 0x03)
        _, _, processor, stamp, x, y, z = unpack(_ACCOUNTED, data, "a stamped sample")
        return cls(processor, stamp, (x, y, z))

    def __bytes__(self) -> bytes:
        return _ACCOUNTED.pack(Module.PROCESSOR, 0x03, self.processor, self.stamp, *self.counts)

    @property
    def time_ms(self) -> float:
        """The stamp as time since the board's reset, if ticks were asked for."""
        return self.stamp * TICK_MS
