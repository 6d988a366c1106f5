"""What a session cannot read: counted, each unknown kind told once, and a link that cuts everything recognised."""

import logging
from collections import Counter

from firmware_protocol.errors import ProtocolError
from sensor.session import Refusal

logger = logging.getLogger(__name__)

CUT_LENGTH = 20
"""What the smallest link carries at once: MTU 23, less three bytes of the attribute protocol."""
CUT_PACKETS = 10
CUT = Refusal(
    f"all that it sends arrives cut to {CUT_LENGTH} bytes",
    "use another Bluetooth adapter, or a newer driver: this one carries too few bytes at a time",
)

UNREADABLE_PACKETS = 30
"""Of a new connection, and not one between them that can be read: half a second of some clips, half a minute of others."""
UNREADABLE = Refusal(
    "nothing that it sends can be read",
    "update neckline: the clip's firmware may be newer; if it stays so, use another clip",
)


class Oddities:
    """Of one connection."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._whole = False
        self._cut = 0
        self.malformed = 0
        """Packets that are none, and were skipped."""
        self.unknown: Counter[str] = Counter()
        """Packets of kinds that a later firmware brought, and were left alone."""

    def unknown_kind(self, kind: str) -> None:
        """Know of a packet of an unknown kind."""
        if not self.unknown[kind]:
            logger.warning(
                "a %s sends %s, which this neckline does not know; it is left alone", self._title, kind
            )
        self.unknown[kind] += 1

    def read(self) -> None:
        """Know that a packet with samples could be read: the link carries them whole."""
        self._whole = True

    def unreadable(self, data: bytes, error: ProtocolError) -> list[Refusal]:
        """Count a packet that is none; a refusal when nothing but such came, so many cut to `CUT_LENGTH` or so many at all."""
        self.malformed += 1
        if self.malformed == 1:
            logger.warning("a %s sent a damaged packet of %d bytes: %s", self._title, len(data), error)
        self._cut += len(data) == CUT_LENGTH
        if self._whole:
            return []
        if self._cut >= CUT_PACKETS:
            return [CUT]
        return [UNREADABLE] if self.malformed >= UNREADABLE_PACKETS else []
