"""The firmware of the virtual clip answers and behaves as units were seen to."""

import numpy as np
import pytest

from sensor.virtual.firmware import BATTERY, FULL_V, MAC, RATE, VERSION, Firmware, bundle_of
from sensor.virtual.motion import LOST, UPRIGHT, RecordedMotion, ScriptedPerson

UNLOCK, SAVE = bytes.fromhex("ffaa6988b5"), bytes.fromhex("ffaa000000")


@pytest.fixture
def firmware() -> Firmware:
    """Return a unit as it comes out of the box."""
    return Firmware(ScriptedPerson([(UPRIGHT, 1.0)]))


def read(firmware: Firmware, register: int, now_s: float = 1.0) -> bytes:
    """Return the reply to a read, after which the clip is free for the next."""
    reply = firmware.command(bytes([0xFF, 0xAA, 0x27, register, 0]), now_s)
    firmware.unanswered = None
    assert reply is not None
    return reply


def words(reply: bytes) -> list[int]:
    """Return the eight words of a reply."""
    return [int.from_bytes(reply[i : i + 2], "little") for i in range(4, 20, 2)]


def test_replies_are_those_of_real_units(firmware: Firmware) -> None:
    """MAC, battery and version stand in their registers exactly as in captured replies."""
    firmware.battery_v = 3.82
    firmware.battery_h = float("inf")
    assert read(firmware, BATTERY).hex() == "557164007e010000339b76fca3c4000000000000"

    firmware.mac = "FD:08:90:1A:11:47"
    assert read(firmware, MAC).hex() == "5571660047111a9008fd00000000000000000000"
    assert read(firmware, VERSION)[:8].hex() == "55712e001601d889"


def test_the_battery_drains(firmware: Firmware) -> None:
    """Eight hours take it from full to empty, and it never reads more than before."""
    volts = [words(read(firmware, BATTERY, now_s=3600.0 * hour))[0] / 100 for hour in range(10)]

    assert volts[0] == FULL_V
    assert volts[8] == volts[9] == pytest.approx(3.35)
    assert volts == sorted(volts, reverse=True)


def test_only_what_was_saved_outlives_a_restart(firmware: Firmware) -> None:
    """A write needs the unlock, a restart forgets what was not saved; the rate needs neither."""
    bandwidth_10, rate_100 = bytes.fromhex("ffaa1f0500"), bytes.fromhex("ffaa030900")

    firmware.command(bandwidth_10, 0.0)
    assert words(read(firmware, 0x1F))[0] == 4

    firmware.command(UNLOCK, 0.0)
    firmware.command(bandwidth_10, 9.9)
    assert words(read(firmware, 0x1F))[0] == 5
    firmware.command(rate_100, 20.0)
    firmware.restart()
    assert words(read(firmware, 0x1F))[0] == 4
    assert firmware.rate_hz == 99.26

    firmware.command(UNLOCK, 30.0)
    firmware.command(bandwidth_10, 30.1)
    firmware.command(SAVE, 30.2)
    firmware.restart()
    assert words(read(firmware, 0x1F))[0] == 5


def test_the_battery_is_blind_after_a_save(firmware: Firmware) -> None:
    """For 300 ms after a save the battery register reads 0."""
    firmware.command(UNLOCK, 0.0)
    firmware.command(SAVE, 1.0)

    assert words(read(firmware, BATTERY, now_s=1.2))[0] == 0
    assert words(read(firmware, BATTERY, now_s=1.4))[0] > 0


def test_overlapping_reads_hang(firmware: Firmware) -> None:
    """A second read inside the window of one that is unanswered is never answered."""
    assert firmware.command(bytes.fromhex("ffaa276400"), 0.0) is not None
    assert firmware.command(bytes.fromhex("ffaa276600"), 0.0) is None


@pytest.mark.parametrize("junk", [b"", b"\xff\xaa", b"\xff\xaa\x03\x63\x00", b"hello", bytes(200)])
def test_junk_changes_nothing(firmware: Firmware, junk: bytes) -> None:
    """What is no command, or names no rate, is ignored."""
    before = dict(firmware.registers)

    assert firmware.command(junk, 0.0) is None
    assert firmware.registers == before


def test_lost_samples_give_no_frame() -> None:
    """Frames hold the counts as they are; a row lost on the air gives none."""
    rows = np.arange(30, dtype=np.int16).reshape(10, 3)
    acc, gyr = rows.copy(), rows + np.int16(100)
    acc[4] = gyr[4] = LOST
    firmware = Firmware(RecordedMotion(acc, gyr, 50.0))

    frames = firmware.frames(np.arange(10) / 50.0)

    assert len(frames) == 9
    assert all(frame[:2] == b"\x55\x61" and len(frame) == 20 for frame in frames)
    sent = np.array([np.frombuffer(frame[2:14], "<i2") for frame in frames])
    assert np.array_equal(sent, np.delete(np.hstack([acc, gyr]), 4, axis=0))


@pytest.mark.parametrize(("code", "frames"), [(0x06, 1), (0x07, 1), (0x08, 2), (0x09, 4), (0x0B, 8)])
def test_bundles_are_those_of_the_family(firmware: Firmware, code: int, frames: int) -> None:
    """One frame a notification to 20 Hz, then 2, 4 and 8, so that about 25 notifications a second come."""
    firmware.command(bytes([0xFF, 0xAA, RATE, code, 0]), 0.0)

    assert firmware.rate_hz is not None
    assert bundle_of(firmware.rate_hz) == frames
