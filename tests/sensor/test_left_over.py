"""What an earlier host left running, and what a later firmware tells besides: each family's session, without a radio."""

from dataclasses import replace

import numpy as np
import pytest

from firmware_protocol import capture2go, metamotion, metamotion_fusion, movella_dot, movesense, openearable
from firmware_protocol import polar_pmd as polar
from firmware_protocol.capture2go import Header, Package
from firmware_protocol.metamotion_imu import Chip, MotionData
from firmware_protocol.movella_dot_measurement import MEDIUM_UUID, Mode, start
from firmware_protocol.movesense_data import MotionData as MovesenseData
from firmware_protocol.polar_pmd import ControlResponse, DataFrame, MeasurementType, Operation, Status
from firmware_protocol.polar_pmd_data import compressed_content
from sensor.advertisement import Identity
from sensor.dialogue import ANSWER_WITHIN_NS
from sensor.families import family_named
from sensor.oddities import UNREADABLE, UNREADABLE_PACKETS
from sensor.samples import STANDARD_GRAVITY_MPS2, SampleBlock
from sensor.session import Read, Refusal, Request, Session, Subscribe, Told, Write

ACC, GYRO = MeasurementType.ACC, MeasurementType.GYRO
START_NS = 1_767_225_600_000_000_000
MS = 1_000_000


def blocks(told: list[Told]) -> list[SampleBlock]:
    """Return the samples in what a session told."""
    return [each for each in told if isinstance(each, SampleBlock)]


def before_listening(session: Session, characteristic: str) -> list[Request]:
    """Return what a session asks before it subscribes to a characteristic."""
    asked = session.requests_due(START_NS)
    return asked[: asked.index(Subscribe(characteristic))]


def written(data: bytes, characteristic: str, requests: list[Request]) -> bool:
    """Tell whether the bytes are written."""
    writes = [each for each in requests if isinstance(each, Write)]
    return any((each.characteristic, each.data) == (characteristic, data) for each in writes)


# ---- an earlier host -----------------------------------------------------------------------------------------------


def test_what_runs_is_stopped_before_anybody_listens() -> None:
    """Samples of another rate, or of on-board fusion, never arrive."""
    board = before_listening(family_named("metamotion").open_session(50.0), metamotion.NOTIFY_UUID)
    logger = before_listening(family_named("capture2go").open_session(50.0), capture2go.NOTIFY_UUID)
    earbud = family_named("openearable").open_session(50.0)
    earbud.requests_due(START_NS)
    earbud.received("00002a26-0000-1000-8000-00805f9b34fb", b"2.2.4", START_NS)

    for command in metamotion_fusion.stop(metamotion_fusion.Mode.NDOF):
        assert written(command, metamotion.COMMAND_UUID, board)
    for package in (capture2go.STOP_STREAMING_AND_CLEAR_BUFFER, capture2go.STOP_REAL_TIME_STREAMING):
        assert written(bytes(package), capture2go.WRITE_UUID, logger)
    stopped = before_listening(earbud, openearable.DATA_UUID)
    assert written(openearable.stop_imu(), openearable.CONFIG_UUID, stopped)


def test_a_movesense_that_had_another_subscription() -> None:
    """How many samples its packets had says nothing of ours, which have fewer."""

    def packet(time_ms: int, count: int) -> bytes:
        rows = ((0.0, 9.75, 0.0),) * count
        return bytes(movesense.DataPart(3, bytes(MovesenseData(time_ms, rows, rows))))

    session = family_named("movesense").open_session(52.0)
    session.received(movesense.NOTIFY_UUID, packet(1000, 16), START_NS)
    for status in (movesense.Status.OK, movesense.Status.OK):
        session.received(movesense.NOTIFY_UUID, bytes(movesense.Response(3, status)), START_NS)
    told = []
    for k in range(20):
        told += session.received(
            movesense.NOTIFY_UUID, packet(1400 + 77 * k, 4), START_NS + (400 + 77 * k) * MS
        )

    assert [len(block) for block in blocks(told)] == [4] * 20


def verity(k: int, *, factor: float) -> list[bytes]:
    """Return a bundle of a Verity Sense at rest: 1 g, and 10 °/s, in counts of this factor."""
    stamp_ns = 10**18 + k * 230_769_231
    return [
        bytes(
            DataFrame(kind, stamp_ns, 0, True, compressed_content([[0, round(value / factor), 0]] * 12, 16))
        )
        for kind, value in ((ACC, 1.0), (GYRO, 10.0))
    ]


def answered(
    session: Session, operation: Operation, kind: int, status: int, factor: float | None = None
) -> list[Told]:
    """Let a sensor answer."""
    settings = bytes(polar.Settings(factor=factor))
    answer = ControlResponse(operation, kind, status, parameters=settings)
    return session.received(polar.CONTROL_UUID, bytes(answer), START_NS)


def test_a_polar_that_streams_already_is_started_anew() -> None:
    """What its counts are worth is told by the answer to a start alone: no sample is made of any before that."""
    session = family_named("polar_sense").open_session(52.0)
    told: list[Told] = []
    for kind in (ACC, GYRO):
        told += answered(session, Operation.START, kind, Status.ALREADY_IN_STATE)
    for k in range(3):
        for data in verity(k, factor=0.001):
            told += session.received(polar.DATA_UUID, data, START_NS + k * 230 * MS)
    assert told == []

    asked = []
    for second in range(60):
        asked += session.requests_due(START_NS + second * ANSWER_WITHIN_NS)
    for kind in (ACC, GYRO):
        assert written(polar.stop(kind), polar.CONTROL_UUID, asked)
        told += answered(session, Operation.STOP, kind, Status.SUCCESS)
        told += answered(session, Operation.START, kind, Status.SUCCESS, 0.001)
        told += answered(session, Operation.START, kind, Status.ALREADY_IN_STATE)
    for k in range(10, 14):
        for data in verity(k, factor=0.001):
            told += session.received(polar.DATA_UUID, data, START_NS + k * 230 * MS)

    assert len(blocks(told)) == len(told) == 4
    for block in blocks(told):
        assert block.acc_mps2[:, 1] == pytest.approx(STANDARD_GRAVITY_MPS2)
        assert block.gyr_radps is not None
        assert np.degrees(block.gyr_radps[:, 1]) == pytest.approx(10.0)


def test_a_polar_that_cannot_be_started_anew_is_refused() -> None:
    """It says twice that it streams already."""
    session = family_named("polar_sense").open_session(52.0)

    assert answered(session, Operation.START, ACC, Status.ALREADY_IN_STATE) == []
    assert answered(session, Operation.START, ACC, Status.ALREADY_IN_STATE) == [
        Refusal("it does not start its stream (its error 6)")
    ]


def test_a_polars_data_are_listened_to_when_it_was_stopped() -> None:
    """And before it is started: what another host asked for never arrives."""
    session = family_named("polar_h10").open_session(50.0)
    asked: list[Request] = []
    for reply in ("2a25", "2a26"):
        asked += session.requests_due(START_NS)
        session.received(f"0000{reply}-0000-1000-8000-00805f9b34fb", b"x", START_NS)
    asked += session.requests_due(START_NS)
    assert asked[-1] == Write(polar.CONTROL_UUID, polar.stop(ACC), needed=False)
    assert Subscribe(polar.DATA_UUID) not in asked

    answered(session, Operation.STOP, ACC, Status.ALREADY_IN_STATE)

    follows = session.requests_due(START_NS)
    assert follows[0] == Subscribe(polar.DATA_UUID)
    assert written(polar.start(ACC, rate_hz=50, full_scale=8), polar.CONTROL_UUID, follows)


@pytest.mark.parametrize("chip", Chip)
def test_what_else_a_metamotion_tells_is_no_half_of_a_sample(chip: Chip) -> None:
    """Orientation, steps, taps: left alone, each kind told once, between acceleration and its rotation, too."""
    session = family_named("metamotion").open_session(50.0)
    told = []

    def send(data: bytes, at_ns: int) -> None:
        nonlocal told
        told += session.received(metamotion.NOTIFY_UUID, data, at_ns)

    acc, gyr = (
        bytes(MotionData(module, chip, ((1, 2, 3),) * 3))
        for module in (metamotion.Module.ACCELEROMETER, metamotion.Module.GYROSCOPE)
    )
    send(acc, START_NS)  # of an earlier host: of which chip is not known yet
    send(bytes.fromhex("03800101" if chip is Chip.BMI160 else "03800401"), START_NS)
    for k in range(50):
        now_ns = START_NS + k * 60 * MS
        send(acc, now_ns)
        send(bytes.fromhex("031105"), now_ns)
        send(bytes.fromhex("130a0100"), now_ns)
        send(gyr, now_ns + MS)

    assert [len(block) for block in blocks(told)] == [3] * 50
    assert not any(np.isnan(block.acc_mps2).any() for block in blocks(told))


# ---- a later firmware ----------------------------------------------------------------------------------------------


def test_a_verity_sense_whose_rotation_cannot_be_read() -> None:
    """Of acceleration alone no sample is made: that is told, and nobody waits for ever."""
    session = family_named("polar_sense").open_session(52.0)
    told: list[Told] = []
    for k in range(UNREADABLE_PACKETS):
        acc, gyr = (DataFrame.from_bytes(data) for data in verity(k, factor=0.001))
        for frame in (acc, replace(gyr, type=9)):
            told += session.received(polar.DATA_UUID, bytes(frame), START_NS + k * 230 * MS)

    assert told == [UNREADABLE]


def test_a_dot_whose_settings_are_longer() -> None:
    """Its rate is set, and what is not known of its settings written back as it was read."""
    session = family_named("movella_dot").open_session(60.0)
    control = movella_dot.DeviceControl(rate_hz=20, rest=b"new")
    battery = movella_dot.Battery(0, charging=True, rest=b"\1")
    left = movella_dot.MeasurementControl(running=True, mode=Mode.CUSTOM_5, rest=b"\0")
    asked: list[Request] = []
    for uuid, data in (
        (movella_dot.DEVICE_INFO_UUID, bytes(34)),
        (movella_dot.MEASUREMENT_CONTROL_UUID, bytes(left)),
        (movella_dot.DEVICE_CONTROL_UUID, bytes(control)),
        (movella_dot.BATTERY_UUID, bytes(battery)),
    ):
        asked += session.requests_due(START_NS)
        assert any(isinstance(each, Read) and each.characteristic == uuid for each in asked)
        told = session.received(uuid, data, START_NS)

    assert [getattr(each, "percent", None) for each in told] == [0.0]
    assert written(bytes(movella_dot.set_rate(control, 60)), movella_dot.DEVICE_CONTROL_UUID, asked)
    assert written(bytes.fromhex("01001a"), movella_dot.MEASUREMENT_CONTROL_UUID, asked)
    assert asked.index(Subscribe(MEDIUM_UUID)) < asked.index(
        Write(movella_dot.MEASUREMENT_CONTROL_UUID, start(Mode.RATE))
    )


def test_a_capture2go_whose_answers_are_longer() -> None:
    """It can be told from others, and its battery is known."""
    session = family_named("capture2go").open_session(50.0)
    info = capture2go.DeviceInfo(1, b"C2G000", b"3", b"c", b"9.0".ljust(12, b"\0"), b"2030", b"more")
    status = capture2go.Status(0, 2, 2, (0, 0, 0), False, 128, 90, b"more")

    told = []
    for header, content in ((Header.DEVICE_INFO, bytes(info)), (Header.STATUS, bytes(status))):
        told += session.received(capture2go.NOTIFY_UUID, b"\xff" + bytes(Package(header, content)), START_NS)

    assert told[0] == Identity("C2G000", "9.0")
    assert getattr(told[1], "percent", None) == 0.0
