"""A Capture2Go's notifications → packages, and what was damaged. `capture2go` tells of the family.

The first byte of a notification, taken from 255, is the number of real-time packages that follow it, whole; the rest goes
on with a stream of bytes in which packages are cut anywhere. The two are read apart. In the stream a package is believed
for its checksum; what is none is searched byte by byte for the next start.
"""

import zlib
from dataclasses import dataclass

from firmware_protocol.capture2go import MAX_PAYLOAD, OVERHEAD, START, Package
from firmware_protocol.errors import MalformedFrameError

NONE_REAL_TIME = 0xFF


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that were no package."""

    length: int


Item = Package | Damage


class Capture2GoStream:
    """Reassembles one connection's notifications. Holds less than one package between them."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipped = 0
        self.packages = 0
        self.damaged_bytes = 0

    def feed(self, data: bytes) -> list[Item]:
        """Take a notification; return the packages that it completes, real-time ones first."""
        if not data:
            return []
        items: list[Item] = []
        at = 1
        for _ in range(NONE_REAL_TIME - data[0]):
            end = at + OVERHEAD + data[at + 5] if len(data) >= at + OVERHEAD else len(data) + 1
            try:
                items.append(Package.from_bytes(data[at:end]))
            except MalformedFrameError:
                # Where the stream goes on is not known, then: nothing of this notification can be told apart.
                self.damaged_bytes += len(data) - at
                return [*self._counted(items), Damage(len(data) - at)]
            at = end
        self._counted(items)
        return items + self._search(self._rest + data[at:])

    def _counted(self, items: list[Item]) -> list[Item]:
        self.packages += len(items)
        return items

    def _search(self, data: bytes) -> list[Item]:
        items: list[Item] = []
        at = 0
        while at < len(data):
            start = data.find(START, at)
            begin = len(data) if start < 0 else start
            self._skip(begin - at)
            at = begin
            if len(data) - at < OVERHEAD or (
                data[at + 5] <= MAX_PAYLOAD and len(data) - at < OVERHEAD + data[at + 5]
            ):
                break
            end = at + OVERHEAD + data[at + 5]
            checksum = int.from_bytes(data[at + 1 : at + 5], "little")
            if data[at + 5] > MAX_PAYLOAD or checksum != zlib.crc32(data[at + 6 : end]):
                self._skip(1)
                at += 1
                continue
            self._report(items)
            items.append(Package.from_bytes(data[at:end]))
            self.packages += 1
            at = end
        if at == len(data):
            self._report(items)
        self._rest = data[at:]
        return items

    def _skip(self, length: int) -> None:
        self._skipped += length
        self.damaged_bytes += length

    def _report(self, items: list[Item]) -> None:
        if self._skipped:
            items.append(Damage(self._skipped))
            self._skipped = 0
