"""A WitMotion clip's bytes, cut anywhere and with anything between → frames in order, and what was damaged.

There is no checksum, so a frame is believed for where it stands: another one, or the end of what has arrived, follows
it. If neither does, it may have been cut: it is not believed when another frame with better company begins inside it,
nor at first and after damage unless such a frame follows, too. (So the maker's vibration sensors, whose frames have the
same header and 28 bytes, give none.) `55 61` inside a payload is never looked at while frame follows frame.
"""

import struct
from dataclasses import dataclass

from firmware_protocol.errors import MalformedFrameError
from firmware_protocol.witmotion import FRAME_LENGTH, HEADER, FrameType, ImuFrame, RegisterReply

TYPES = frozenset(FrameType)
LONGEST = 512
"""Bytes of the longest notification (Bluetooth Core, Vol 3, Part F, 3.2.9): no further is looked for company."""
_COUNTS = struct.Struct("<2x9h")


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that were no frame."""

    length: int

    @property
    def frames(self) -> int:
        """How many frames about so many bytes were."""
        return round(self.length / FRAME_LENGTH)


Item = ImuFrame | RegisterReply | Damage


class WitMotionStream:
    """Reassembles one connection's notifications. Holds fewer than 20 bytes between them."""

    def __init__(self) -> None:
        self._rest = b""
        self._in_step = False
        """Whether the last thing seen was a frame that was believed."""
        self._skipped = 0
        self.frames = 0
        self.damaged_bytes = 0

    def feed(self, data: bytes) -> list[Item]:
        """Take a notification; return what it completes, in order."""
        count, odd = divmod(len(data), FRAME_LENGTH)
        if not self._rest and not odd and self._in_step and data[1::FRAME_LENGTH] == b"\x61" * count:
            # Whole data frames and nothing else, as nearly always.
            frames = [ImuFrame(c[0:3], c[3:6], c[6:9]) for c in _COUNTS.iter_unpack(data)]
            if data[0::FRAME_LENGTH] == b"\x55" * count and all(map(_plausible, frames)):
                self.frames += count
                return [*frames]
        return self._search(self._rest + data)

    def _search(self, data: bytes) -> list[Item]:
        items: list[Item] = []
        at = 0
        while at + FRAME_LENGTH <= len(data):
            frame = self._frame(data, at)
            if frame is None:
                at += 1
                self._skip(1)
                continue
            self._report(items)
            items.append(frame)
            self.frames += 1
            self._in_step = True
            at += FRAME_LENGTH
        while at < len(data) and not _may_begin(data, at):
            at += 1
            self._skip(1)
        if at == len(data):
            self._report(items)
        self._rest = data[at:]
        return items

    def _skip(self, length: int) -> None:
        self._in_step = False
        self._skipped += length
        self.damaged_bytes += length

    def _report(self, items: list[Item]) -> None:
        if self._skipped:
            items.append(Damage(self._skipped))
            self._skipped = 0

    def _frame(self, data: bytes, at: int) -> ImuFrame | RegisterReply | None:
        """Return the frame at a place, if one is believed to stand there."""
        frame = _read(data, at)
        end = at + FRAME_LENGTH
        if frame is None or _may_begin(data, end):
            return frame
        if _stands(data, range(at + 1, end)):
            return None
        return frame if self._in_step or _stands(data, range(end + 1, end + LONGEST)) else None


def _may_begin(data: bytes, at: int) -> bool:
    """Tell whether a frame may begin here, as far as bytes have arrived; at their very end it may."""
    return data[at : at + 1] in {b"", b"\x55"} and (at + 1 >= len(data) or data[at + 1] in TYPES)


def _read(data: bytes, at: int) -> ImuFrame | RegisterReply | None:
    if at + FRAME_LENGTH > len(data) or data[at] != HEADER or data[at + 1] not in TYPES:
        return None
    kind = ImuFrame if data[at + 1] == FrameType.IMU else RegisterReply
    try:
        return kind.from_bytes(data[at : at + FRAME_LENGTH])
    except MalformedFrameError:
        return None


def _stands(data: bytes, places: range) -> bool:
    """Tell whether at one of the places a frame stands with another, or the end of what has arrived, behind it."""
    return any(_read(data, place) is not None and _may_begin(data, place + FRAME_LENGTH) for place in places)


def _plausible(frame: ImuFrame) -> bool:
    return -16384 <= frame.angle_counts[1] <= 16384
