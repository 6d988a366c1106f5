"""The benchmark of decoding: every family is in it, and both ways make the samples that were sent."""

import numpy as np

from benchmarks import decode
from benchmarks.parsers import all_parsers
from firmware_protocol.witmotion import FRAME_LENGTH, ImuFrame
from firmware_protocol.witmotion_stream import COUNTS_OFFSET, WitMotionStream


def test_every_family_with_samples_is_measured() -> None:
    """None of the parsers' families but the standard services is left out, and all parsers that are named exist."""
    measured = decode.packets_per_s(repeats=1, calls=2)

    assert set(measured) == {parser.family for parser in all_parsers()} - {"gatt"}
    assert min(measured.values()) > 0


def test_the_session_gives_what_was_sent() -> None:
    """All samples of ten seconds come out of the way that is timed, and of the floor that it is held against."""
    sent = decode.notifications(10)

    assert decode.through_the_session(sent) == decode.through_the_floor(sent) == 500


def test_the_quick_way_reads_what_the_slow_way_reads() -> None:
    """Whole data frames are the same counts where they lie as one by one, and anything else is left to `feed`."""
    quick, slow = WitMotionStream(), WitMotionStream()
    sent = decode.notifications(2)
    quick.feed(sent[0][0])
    slow.feed(sent[0][0])
    for data, _ in sent[1:]:
        items = [item for at in range(0, len(data), 20) for item in slow.feed(data[at : at + 20])]
        count = quick.feed_whole(data)
        lying = np.ndarray((count, 9), "<i2", data, COUNTS_OFFSET, (FRAME_LENGTH, 2)).tolist()
        found = [item for item in items if isinstance(item, ImuFrame)]
        assert [(*item.acc_counts, *item.gyr_counts, *item.angle_counts) for item in found] == [
            *map(tuple, lying)
        ]
        assert len(found) == len(items) == count

    assert quick.feed_whole(sent[0][0][:30]) == 0
    assert quick.feed_whole(b"\x55\x71" + bytes(18)) == 0
    assert quick.frames == slow.frames
