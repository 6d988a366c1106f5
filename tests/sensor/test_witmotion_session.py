"""One connection to a WitMotion clip: what it asks, in which order, and what it makes of what comes."""

import json
from pathlib import Path

import numpy as np
import pytest

from firmware_protocol import witmotion
from firmware_protocol.witmotion import ImuFrame, Rate, Register, RegisterReply
from sensor.advertisement import Identity
from sensor.dialogue import ANSWER_WITHIN_NS, BATTERY_EVERY_NS, MAX_TRIES
from sensor.oddities import CUT
from sensor.samples import STANDARD_GRAVITY_MPS2, BatteryReading, SampleBlock
from sensor.session import Subscribe, Write
from sensor.sessions.witmotion import NOTIFY_PREFIX, WRITE_PREFIX, WitMotionSession

START_NS = 1_767_225_600_000_000_000
SECOND_NS = 10**9
UPRIGHT = ImuFrame((0, 2048, -1024), (16384, 0, -3), (9000, 8000, 7000))
MAC = RegisterReply(Register.MAC, (-25805, -906, -15197, 0, 0, 0, 0, 0))
VERSION = RegisterReply(Register.VERSION, (278, -30248, 0, 0, 0, 0, 0, 0))
BATTERY = RegisterReply(Register.BATTERY, (382, 0, -25805, -906, -15197, 0, 0, 0))
EMPTY_BATTERY = RegisterReply(Register.BATTERY, (0,) * 8)
ASKED = {
    reply.start: Write(WRITE_PREFIX, witmotion.read_registers(reply.start), needed=False)
    for reply in (MAC, VERSION, BATTERY)
}


@pytest.fixture
def session() -> WitMotionSession:
    """Return a fresh connection at 50 Hz."""
    return WitMotionSession(50.0)


# ---- what it writes ------------------------------------------------------------------------------------------------


def test_first_the_rate_then_one_question_at_a_time(session: WitMotionSession) -> None:
    """The rate is set on every connection; address, version and battery are asked for, each when the last has come."""
    assert session.requests_due(START_NS) == [
        Subscribe(NOTIFY_PREFIX),
        Write(WRITE_PREFIX, witmotion.set_rate(Rate.HZ_50)),
        ASKED[Register.MAC],
    ]
    assert session.requests_due(START_NS + 1) == []

    told = []
    for reply, follows in ((MAC, ASKED[Register.VERSION]), (VERSION, ASKED[Register.BATTERY])):
        told += session.received(NOTIFY_PREFIX, bytes(reply), START_NS + 2)
        assert session.requests_due(START_NS + 2) == [follows]
    told += session.received(NOTIFY_PREFIX, bytes(BATTERY), START_NS + 3)

    assert session.requests_due(START_NS + 4) == []
    assert told == [
        Identity("C4:A3:FC:76:9B:33"),
        Identity("C4:A3:FC:76:9B:33", "10080.1.22"),
        BatteryReading(START_NS + 3, 50.0, 3.82),
    ]


def test_the_battery_is_asked_again_after_a_minute(session: WitMotionSession) -> None:
    """Once a minute and no more often; an empty answer, as after a save, is asked again within seconds."""
    session.requests_due(START_NS)
    for reply in (MAC, VERSION):
        session.received(NOTIFY_PREFIX, bytes(reply), START_NS)
        session.requests_due(START_NS)
    assert session.received(NOTIFY_PREFIX, bytes(EMPTY_BATTERY), START_NS) == []
    assert session.requests_due(START_NS + ANSWER_WITHIN_NS) == [ASKED[Register.BATTERY]]
    session.received(NOTIFY_PREFIX, bytes(BATTERY), START_NS)

    assert session.requests_due(START_NS + BATTERY_EVERY_NS - 1) == []
    assert session.requests_due(START_NS + BATTERY_EVERY_NS) == [ASKED[Register.BATTERY]]


def test_a_question_without_an_answer_is_given_up(session: WitMotionSession) -> None:
    """Each is asked five times, a second apart, then the next one; samples come all the while."""
    written = []
    for second in range(40):
        written += session.requests_due(START_NS + second * SECOND_NS)
        (block,) = session.received(NOTIFY_PREFIX, bytes(UPRIGHT) * 2, START_NS + second * SECOND_NS // 25)
        assert isinstance(block, SampleBlock)

    assert [written.count(read) for read in ASKED.values()] == [MAX_TRIES] * 3
    assert session.unanswered == 3


def test_a_rate_that_the_family_does_not_have_is_refused() -> None:
    """It is named, with those that there are."""
    with pytest.raises(ValueError, match="10, 20, 50, 100, 200 Hz, not at 60"):
        WitMotionSession(60.0)


# ---- what it reads -------------------------------------------------------------------------------------------------


def test_counts_become_si_units(session: WitMotionSession) -> None:
    """Full scale is 16 g and 2000 °/s; the clip's own angles are left out."""
    (block,) = session.received(NOTIFY_PREFIX, bytes(UPRIGHT), START_NS)

    assert isinstance(block, SampleBlock)
    assert block.acc_mps2 == pytest.approx(np.array([[0, 1, -0.5]]) * STANDARD_GRAVITY_MPS2)
    assert block.gyr_radps is not None
    assert np.degrees(block.gyr_radps) == pytest.approx(np.array([[1000, 0, -3 * 2000 / 32768]]))
    assert block.rate_hz == 49.45


def test_replies_between_frames_disturb_nothing(session: WitMotionSession) -> None:
    """A reply inside a notification is read, and the frames around it are samples as ever."""
    block, identity = session.received(NOTIFY_PREFIX, bytes(UPRIGHT) + bytes(MAC) + bytes(UPRIGHT), START_NS)

    assert isinstance(block, SampleBlock)
    assert len(block) == 2
    assert identity == Identity("C4:A3:FC:76:9B:33")


def test_damage_is_corrupt_samples_in_their_place(session: WitMotionSession) -> None:
    """Bytes that are no frame become rows of NaN, about as many as frames were; before and after nothing is touched."""
    good = bytes(UPRIGHT) * 2
    blocks: list[SampleBlock] = []
    for k, data in enumerate([good, good, bytes(40), good, good[:20] + bytes(20), good]):
        found = session.received(NOTIFY_PREFIX, data, START_NS + k * 40_000_000)
        blocks += [reading for reading in found if isinstance(reading, SampleBlock)]

    acc_mps2 = np.concatenate([block.acc_mps2 for block in blocks])
    corrupt = np.isnan(acc_mps2).any(axis=1)
    assert np.flatnonzero(corrupt).tolist() == [4, 5, 9]
    assert (acc_mps2[~corrupt, 1] == STANDARD_GRAVITY_MPS2).all()
    assert (np.diff(np.concatenate([block.time_ns for block in blocks])) > 0).all()
    assert session.damaged_bytes == 60


def test_a_foreign_device_of_the_same_maker_gives_no_sample(session: WitMotionSession) -> None:
    """The vibration sensor's frames, 28 bytes with the same header, are damage from the first one on."""
    foreign = bytes.fromhex("5561110016000200020000000100e60a430047000a00250025002500")

    for k in range(10):
        for reading in session.received(NOTIFY_PREFIX, foreign, START_NS + k * 40_000_000):
            assert isinstance(reading, SampleBlock)
            assert np.isnan(reading.acc_mps2).all()
    assert session.damaged_bytes == 10 * len(foreign)


@pytest.mark.parametrize(("rate_hz", "bundle"), [(50.0, 2), (100.0, 4), (200.0, 8)])
def test_a_link_that_cuts_bundles_to_their_first_frame_is_told(rate_hz: float, bundle: int) -> None:
    """All that comes are whole single frames, too few of them; bundles that come whole are nothing to complain of."""
    for frames, refused in ((1, True), (bundle, False)):
        session = WitMotionSession(rate_hz)
        told = []
        for k in range(round(4 * rate_hz / bundle)):
            arrival_ns = START_NS + round(k * bundle / rate_hz * 1e9)
            told += session.received(NOTIFY_PREFIX, bytes(UPRIGHT) * frames, arrival_ns)
        assert (CUT in told) is refused


@pytest.mark.parametrize("rate_hz", [10.0, 20.0])
def test_frames_that_come_one_by_one_are_not_cut(rate_hz: float) -> None:
    """A reply in a notification of its own, and a stall, change nothing of that."""
    session = WitMotionSession(rate_hz)
    told = []
    for k in range(round(70 * rate_hz)):
        arrival_ns = START_NS + round(k / rate_hz * 1e9)
        if not 2 * rate_hz <= k < 3.5 * rate_hz:
            told += session.received(NOTIFY_PREFIX, bytes(UPRIGHT), arrival_ns)
        if k == 60 * rate_hz:
            told += session.received(NOTIFY_PREFIX, bytes(BATTERY), arrival_ns + 1)

    assert CUT not in told
    assert BatteryReading(START_NS + 60 * SECOND_NS + 1, 50.0, 3.82) in told


@pytest.mark.recordings
def test_the_real_capture(recordings: Path) -> None:
    """Three seconds at 100 Hz: monotone times, its 239-ms stall a gap of 10 to 16 samples, its angles unused."""
    lines = (recordings / "witmotion_100hz_capture.jsonl").read_text().splitlines()
    arrivals = [(each["t"], bytes.fromhex(each["hex"])) for each in map(json.loads, lines)]

    def play(*, angles: bool) -> tuple[WitMotionSession, list[SampleBlock]]:
        session, blocks = WitMotionSession(100.0), []
        for t_s, data in arrivals:
            sent = data if angles else b"".join(data[k : k + 14] + bytes(6) for k in range(0, len(data), 20))
            blocks += session.received(NOTIFY_PREFIX, sent, START_NS + round(t_s * 1e9))
        blocks += session.flush()
        return session, [block for block in blocks if isinstance(block, SampleBlock)]

    session, blocks = play(angles=True)
    _, without_angles = play(angles=False)

    time_ns = np.concatenate([block.time_ns for block in blocks])
    steps = np.diff(time_ns) * 99.26 / 1e9
    gap = int(np.argmax(steps))
    assert len(time_ns) == 288
    assert (steps > 0).all()
    assert np.delete(steps, gap) == pytest.approx(1.0, abs=0.09)
    stall = int(np.argmax(np.diff([t_s for t_s, _ in arrivals])))
    assert gap == 4 * (stall + 1) - 1
    assert 10 <= round(steps[gap]) - 1 <= 16
    assert 10 <= session.lost <= 16
    assert (time_ns[-1] - START_NS) / 1e9 == pytest.approx(arrivals[-1][0], abs=0.05)
    for block, plain in zip(blocks, without_angles, strict=True):
        assert np.array_equal(block.time_ns, plain.time_ns)
        assert np.array_equal(block.acc_mps2, plain.acc_mps2)
        assert block.gyr_radps is not None
        assert plain.gyr_radps is not None
        assert np.array_equal(block.gyr_radps, plain.gyr_radps)
