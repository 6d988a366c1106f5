"""Every published and captured WitMotion packet, decoded, and where it is a command, encoded."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from firmware_protocol import witmotion
from firmware_protocol.witmotion import Bandwidth, ImuFrame, Rate, Register, RegisterReply
from firmware_protocol.witmotion_stream import Damage, Item, WitMotionStream
from sensor.advertisement import Advertisement
from sensor.families import family_of

pytestmark = pytest.mark.recordings

Vector = dict[str, Any]

COMMANDS = {
    "unlock": witmotion.UNLOCK,
    "acc_cal": witmotion.CALIBRATE_ACCELEROMETER,
    "mag_cal_end": witmotion.FINISH_CALIBRATION,
    "angle_ref": witmotion.ZERO_ANGLES,
    "rate_20": witmotion.set_rate(Rate.HZ_20),
    "rate_100": witmotion.set_rate(Rate.HZ_100),
    "bw_20": witmotion.set_bandwidth(Bandwidth.HZ_20),
    "read_mag": witmotion.read_registers(Register.MAG_RAW),
    "read_temp": witmotion.read_registers(Register.TEMPERATURE),
    "read_mac": witmotion.read_registers(Register.MAC),
}


def fed_whole(data: bytes) -> list[Item]:
    """Return what a stream makes of the bytes at once."""
    return WitMotionStream().feed(data)


def fed_byte_by_byte(data: bytes) -> list[Item]:
    """Return what a stream makes of the bytes one by one."""
    stream = WitMotionStream()
    return [item for byte in data for item in stream.feed(bytes([byte]))]


def frame_is(frame: Item, expected: Vector) -> None:
    """Check a 0x61 frame: raw counts exactly, scaled values to the digits published, and back to the same bytes."""
    assert isinstance(frame, ImuFrame)
    raw = expected["raw"]
    assert [*frame.acc_counts, *frame.gyr_counts, *frame.angle_counts] == raw
    assert frame.acc_g == pytest.approx(expected["acc_g"], abs=1e-6)
    assert frame.gyr_degps == pytest.approx(expected["gyr_dps"], abs=1e-6)
    assert frame.angle_deg == pytest.approx(expected["rpy_deg"], abs=1e-6)


def reply_is(reply: Item, expected: Vector) -> None:
    """Check a 0x71 reply, and everything that is told of its meaning."""
    assert isinstance(reply, RegisterReply)
    assert reply.start == expected["start_reg"]
    assert list(reply.words) == expected["words"]
    if "battery_v" in expected:
        assert reply.battery_v == expected["battery_v"]
    if "battery_pct_java" in expected:
        assert reply.battery_v is not None
        assert witmotion.battery_percent(reply.battery_v) == pytest.approx(expected["battery_pct_java"])
    if "mac" in expected:
        assert reply.mac == expected["mac"]
    if "quat_wxyz" in expected:
        assert reply.quaternion_wxyz == pytest.approx(expected["quat_wxyz"], abs=1e-6)
    if "version" in expected:
        assert reply.unsigned(Register.VERSION, 2) == expected["version_u32"]
        assert reply.version == expected["version"]


def as_frame(feed: Callable[[bytes], list[Item]], data: bytes, expected: Vector) -> None:
    """One 0x61 frame."""
    (frame,) = feed(data)
    frame_is(frame, expected)
    assert bytes(frame) == data  # type: ignore[arg-type]


def as_reply(feed: Callable[[bytes], list[Item]], data: bytes, expected: Vector) -> None:
    """One 0x71 reply."""
    (reply,) = feed(data)
    reply_is(reply, expected)
    assert bytes(reply) == data  # type: ignore[arg-type]


def as_notification(feed: Callable[[bytes], list[Item]], data: bytes, expected: Vector) -> None:
    """Several 0x61 frames."""
    frames = feed(data)
    assert len(frames) == len(expected["frames"])
    for frame, each in zip(frames, expected["frames"], strict=True):
        frame_is(frame, each)


def as_truncated(feed: Callable[[bytes], list[Item]], data: bytes, expected: Vector) -> None:
    """No frame yet; with four more bytes it is one."""
    assert feed(data) == expected["frames"] == []
    (frame,) = feed(data + bytes(4))
    assert isinstance(frame, ImuFrame)
    partial = expected["partial"]
    assert frame.acc_g == pytest.approx(partial["acc_g"], abs=1e-6)
    assert frame.gyr_degps == pytest.approx(partial["gyr_dps"], abs=1e-6)
    assert frame.angle_deg[0] == pytest.approx(partial["roll_deg"], abs=1e-6)


def as_foreign(feed: Callable[[bytes], list[Item]], data: bytes, expected: Vector) -> None:
    """Of another device, known by its name; its notifications, should they come, are damage."""
    assert family_of(Advertisement("C4:A3:FC:76:9B:33", expected["model"], (), None)) is None
    if feed is fed_whole:
        assert feed(data) == [Damage(len(data))]
        assert feed(data * 3) == [Damage(3 * len(data))]


AS = {
    "data61": as_frame,
    "reg71": as_reply,
    "notification": as_notification,
    "truncated61": as_truncated,
    "foreign61": as_foreign,
}


@pytest.mark.parametrize("feed", [fed_whole, fed_byte_by_byte])
def test_every_packet_is_decoded(recordings: Path, feed: Callable[[bytes], list[Item]]) -> None:
    """Each packet of the family, whole and byte by byte, says what its source says; commands are what we encode."""
    lines = (recordings / "packet_vectors.jsonl").read_text().splitlines()
    vectors = [vector for vector in map(json.loads, lines) if vector["dev"] == "witmotion"]
    kinds = [vector["kind"] for vector in vectors]

    assert set(kinds) == {*AS, "command"}
    assert len(vectors) >= 27
    for vector in vectors:
        data = bytes.fromhex(vector["hex"])
        if vector["kind"] == "command":
            assert COMMANDS[vector["expect"]["cmd"]] == data, vector["id"]
        else:
            AS[vector["kind"]](feed, data, vector["expect"])


def test_the_real_capture_is_whole_frames_whose_angles_stand_still(recordings: Path) -> None:
    """72 notifications of four frames each; the clip's own angles are frozen for most of it, and then they leap."""
    lines = (recordings / "witmotion_100hz_capture.jsonl").read_text().splitlines()
    stream = WitMotionStream()

    items = [item for line in lines for item in stream.feed(bytes.fromhex(json.loads(line)["hex"]))]

    frames = [item for item in items if isinstance(item, ImuFrame)]
    assert len(frames) == len(items) == 4 * len(lines) == 288
    assert stream.damaged_bytes == 0
    assert {frame.angle_counts for frame in frames[:250]} == {(62, -22, 0)}
    assert max(abs(b.angle_deg[2] - a.angle_deg[2]) for a, b in pairwise(frames)) > 80
