"""A WitMotion clip's bytes, cut anywhere and with anything between → frames in order, and what was damaged.

There is no checksum, so a frame is believed for where it stands: another one, or the end of what has arrived, follows
it. If neither does, it may have been cut: it is not believed when another frame with better company begins inside it,
nor at first and after damage unless such a frame follows, too. (So the maker's vibration sensors, whose frames have the
same header and 28 bytes, give none.) `55 61` inside a payload is never looked at while frame follows frame.
"""

import struct
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from firmware_protocol.witmotion import (
    FRAME_LENGTH,
    HEADER,
    MAX_PITCH_COUNTS,
    FrameType,
    ImuFrame,
    RegisterReply,
)

TYPES = frozenset(FrameType)
LONGEST = 512
"""Bytes of the longest notification (Bluetooth Core, Vol 3, Part F, 3.2.9): no further is looked for company."""
_COUNTS = struct.Struct("<2x9h")
_PITCH, PITCH_OFFSET = struct.Struct("<h"), 16
COUNTS_OFFSET = 2
"""Where the counts of a frame begin: int16, little-endian, acceleration and rotation first."""


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
        if self.feed_whole(data):
            return [ImuFrame(each[0:3], each[3:6], each[6:9]) for each in _COUNTS.iter_unpack(data)]
        return self._search(self._rest + data)

    def feed_whole(self, data: bytes) -> int:
        """Take a notification of whole data frames and nothing else, as nearly all are; take nothing of any other.

        Returns how many frames it has, each with nine counts from `COUNTS_OFFSET` on (see `ImuFrame`); 0 where `feed`
        wants it.
        """
        count, odd = divmod(len(data), FRAME_LENGTH)
        if self._rest or odd or not self._in_step:
            return 0
        if data[0::FRAME_LENGTH] != b"\x55" * count or data[1::FRAME_LENGTH] != b"\x61" * count:
            return 0
        for at in range(PITCH_OFFSET, len(data), FRAME_LENGTH):
            if abs(_PITCH.unpack_from(data, at)[0]) > MAX_PITCH_COUNTS:
                return 0
        self.frames += count
        return count

    def _search(self, data: bytes) -> list[Item]:
        items: list[Item] = []
        at = 0
        standing = [place for place in range(len(data) - FRAME_LENGTH + 1) if _stands(data, place)]
        while at + FRAME_LENGTH <= len(data):
            frame = self._frame(data, at, standing)
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

    def _frame(self, data: bytes, at: int, standing: Sequence[int]) -> ImuFrame | RegisterReply | None:
        """Return the frame at a place, if one is believed to stand there; `standing`: see `_stands`."""
        if not _is_frame(data, at):
            return None
        end = at + FRAME_LENGTH
        if not _may_begin(data, end):
            if _any_within(standing, range(at + 1, end)):
                return None
            if not self._in_step and not _any_within(standing, range(end + 1, end + LONGEST)):
                return None
        kind = ImuFrame if data[at + 1] == FrameType.IMU else RegisterReply
        return kind.from_bytes(data[at:end])


def _may_begin(data: bytes, at: int) -> bool:
    """Tell whether a frame may begin here, as far as bytes have arrived; at their very end it may."""
    return data[at : at + 1] in {b"", b"\x55"} and (at + 1 >= len(data) or data[at + 1] in TYPES)


def _is_frame(data: bytes, at: int) -> bool:
    """Tell whether 20 bytes from here read as a frame."""
    if at + FRAME_LENGTH > len(data) or data[at] != HEADER:
        return False
    if data[at + 1] == FrameType.IMU:
        pitch: int = _PITCH.unpack_from(data, at + PITCH_OFFSET)[0]
        return abs(pitch) <= MAX_PITCH_COUNTS
    return data[at + 1] == FrameType.REGISTERS


def _stands(data: bytes, place: int) -> bool:
    """Tell whether a frame stands here with another, or the end of what has arrived, behind it."""
    return _is_frame(data, place) and _may_begin(data, place + FRAME_LENGTH)


def _any_within(places: Sequence[int], span: range) -> bool:
    """Tell whether one of the places, which are in order, lies within a span."""
    first = bisect_left(places, span.start)
    return first < len(places) and places[first] < span.stop
