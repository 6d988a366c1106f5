"""MetaMotion's raw motion, its clock and its sensor fusion, by the vendor's own tests (MetaWear SDK)."""

from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import metamotion_clock, metamotion_fusion, metamotion_imu
from firmware_protocol.errors import InvalidCommandError, MalformedFrameError, ProtocolError
from firmware_protocol.metamotion import Module, ModuleInfo
from firmware_protocol.metamotion_clock import Account, AccountedData, Tick
from firmware_protocol.metamotion_fusion import Calibration, FusionData, Mode, Output
from firmware_protocol.metamotion_imu import Chip, MotionData, Orientation, StepCount
from tests.firmware_protocol.numbers import counts, quaternions, triples, u8, u16, u32

# ---- raw motion ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chip", Chip)
def test_acceleration_at_4_g(chip: Chip) -> None:
    """One sample; the data are the same from both chips."""
    told = MotionData.from_bytes(bytes.fromhex("030416c494a22ad0"), chip)

    (sample,) = told.acc_g(4)
    assert sample == pytest.approx((-1.872314, -2.919434, -1.494873), abs=1e-6)


@pytest.mark.parametrize(("chip", "register"), [(Chip.BMI160, "1c"), (Chip.BMI270, "05")])
def test_packed_acceleration_at_8_g(chip: Chip, register: str) -> None:
    """Three samples, oldest first, from another register of each chip."""
    told = MotionData.from_bytes(bytes.fromhex(f"03{register}62b7530de9fd16d04d0e57028affa1050a01"), chip)

    expected = [(-4.539, 0.833, -0.131), (-2.995, 0.894, 0.146), (-0.029, 0.352, 0.065)]
    assert len(told.samples) == 3
    for sample, xyz in zip(told.acc_g(8), expected, strict=True):
        assert sample == pytest.approx(xyz, abs=1e-3)


def test_rotation_single_and_packed() -> None:
    """At 500 and 1000 °/s, of a BMI160."""
    single = MotionData.from_bytes(bytes.fromhex("13053e43ff7f0080"), Chip.BMI160)
    packed = MotionData.from_bytes(bytes.fromhex("13070915ad2608de8a1a0d2665e48d20ac2773ec"), Chip.BMI160)

    assert single.gyr_degps(500)[0] == pytest.approx((262.4085, 499.497, -499.5122), abs=1e-3)
    assert packed.gyr_degps(1000)[2] == pytest.approx((254.0549, 309.6341, -152.5915), abs=1e-3)


def test_the_chip_decides_what_register_5_of_the_gyroscope_is() -> None:
    """A single sample from one chip, three from the other: never one for the other."""
    single, packed = bytes.fromhex("13053e43ff7f0080"), bytes.fromhex("1305") + bytes(18)

    assert len(MotionData.from_bytes(single, Chip.BMI160).samples) == 1
    assert len(MotionData.from_bytes(packed, Chip.BMI270).samples) == 3
    for data, chip in ((single, Chip.BMI270), (packed, Chip.BMI160)):
        with pytest.raises(MalformedFrameError):
            MotionData.from_bytes(data, chip)


def test_the_modules_tell_the_chip() -> None:
    """R and RL have a BMI160, S a BMI270; another implementation is neither, absence neither."""
    told = {
        data: metamotion_imu.chip_of(ModuleInfo.from_bytes(bytes.fromhex(data)))
        for data in ("03800101", "03800400", "13800001", "13800100", "03800301", "1380")
    }
    assert list(told.values()) == [Chip.BMI160, Chip.BMI270, Chip.BMI160, Chip.BMI270, None, None]


def test_early_firmware_packs_nothing() -> None:
    """A BMI160's modules pack samples from revision 1 on, a BMI270's always, an absent one never."""
    told = {
        data: metamotion_imu.packs(ModuleInfo.from_bytes(bytes.fromhex(data)))
        for data in ("03800100", "03800102", "13800000", "13800001", "03800400", "1380")
    }
    assert list(told.values()) == [False, True, False, True, True, False]


@pytest.mark.parametrize(
    ("command", "data"),
    [
        (metamotion_imu.acc_config(Chip.BMI160, 50, 2), "03032703"),
        (metamotion_imu.acc_config(Chip.BMI160, 12.5, 2), "03032503"),
        (metamotion_imu.acc_config(Chip.BMI160, 0.78125, 2), "03038103"),
        (metamotion_imu.acc_config(Chip.BMI160, 100, 16), "0303280c"),
        (metamotion_imu.acc_config(Chip.BMI160, 200, 8), "03032908"),
        (metamotion_imu.acc_config(Chip.BMI160, 1600, 2), "03032c03"),
        (metamotion_imu.acc_config(Chip.BMI270, 0.78125, 8), "03032102"),
        (metamotion_imu.acc_config(Chip.BMI270, 12.5, 8), "0303a502"),
        (metamotion_imu.acc_config(Chip.BMI270, 100, 16), "0303a803"),
        (metamotion_imu.gyr_config(200, 2000), "13032900"),
        (metamotion_imu.gyr_config(100, 250), "13032803"),
        (metamotion_imu.gyr_config(50, 125), "13032704"),
        (metamotion_clock.add_accounter(Module.ACCELEROMETER, 0x04, 6), "09020304ffa0113103"),
        (metamotion_clock.add_accounter(Module.ACCELEROMETER, 0x04, 6, Account.COUNT), "09020304ffa0113003"),
        (metamotion_fusion.subscribe(Output.GRAVITY), "190901"),
        (metamotion_fusion.READ_CALIBRATION, "198b"),
    ],
)
def test_commands_are_the_vendors(command: bytes, data: str) -> None:
    """As the SDK's tests expect them, byte for byte."""
    assert command.hex() == data


@pytest.mark.parametrize(
    ("chip", "acc", "gyr"),
    [
        (
            Chip.BMI160,
            ["03032708", "031c01", "03020100", "030101"],
            ["13032700", "130701", "13020100", "130101"],
        ),
        (
            Chip.BMI270,
            ["0303a702", "030501", "03020100", "030101"],
            ["13032700", "130501", "13020100", "130101"],
        ),
    ],
)
def test_a_stream_is_set_up_in_order(chip: Chip, acc: list[str], gyr: list[str]) -> None:
    """Configure, subscribe, enable, start; and to stop, the other way round, whatever was subscribed to."""
    assert [command.hex() for command in metamotion_imu.acc_start(chip, 50, 8)] == acc
    assert [command.hex() for command in metamotion_imu.gyr_start(chip, 50, 2000)] == gyr
    stop = [command.hex() for command in metamotion_imu.stop(Module.GYROSCOPE, chip)]
    single, packed = {Chip.BMI160: ("05", "07"), Chip.BMI270: ("04", "05")}[chip]
    assert stop == ["130100", "13020001", f"13{single}00", f"13{packed}00"]


@pytest.mark.parametrize(
    ("data", "of_bmi160", "of_bmi270"),
    [
        ("031c", Module.ACCELEROMETER, None),
        ("0305", None, Module.ACCELEROMETER),
        ("1305", Module.GYROSCOPE, Module.GYROSCOPE),
        ("13", Module.GYROSCOPE, Module.GYROSCOPE),
        ("031105", None, None),
        ("0380", None, None),
        ("1104", None, None),
        ("", None, None),
    ],
)
def test_motion_is_known_by_its_register_though_it_be_damaged(
    data: str, of_bmi160: Module | None, of_bmi270: Module | None
) -> None:
    """And what else the two modules tell is none of it: orientation, answers."""
    assert metamotion_imu.module_of(bytes.fromhex(data), Chip.BMI160) is of_bmi160
    assert metamotion_imu.module_of(bytes.fromhex(data), Chip.BMI270) is of_bmi270


def test_commands_out_of_range_are_our_fault() -> None:
    """Rates and ranges that the chips do not have; what cannot be stamped."""
    wrongs: tuple[Callable[[], object], ...] = (
        lambda: metamotion_imu.acc_config(Chip.BMI160, 60, 2),
        lambda: metamotion_imu.acc_config(Chip.BMI160, 50, 3),
        lambda: metamotion_imu.gyr_config(12.5, 2000),
        lambda: metamotion_imu.gyr_config(50, 4000),
        lambda: metamotion_imu.subscribe(Module.MAGNETOMETER, Chip.BMI160, packed=False),
        lambda: metamotion_imu.acc_per_count_g(5),
        lambda: metamotion_imu.gyr_per_count_degps(100),
        lambda: metamotion_clock.add_accounter(Module.ACCELEROMETER, 0x1C, 18),
        lambda: metamotion_fusion.configure(Chip.BMI160, Mode.IMU_PLUS, 16, 125),
        lambda: metamotion_fusion.start(Mode.IMU_PLUS),
    )
    for wrong in wrongs:
        with pytest.raises(InvalidCommandError):
            wrong()


def test_steps_and_orientation() -> None:
    """43 steps; face up, landscape, right."""
    assert StepCount.from_bytes(bytes.fromhex("039a2b00")) == StepCount(43)
    assert metamotion_imu.orientation(bytes.fromhex("031107")) is Orientation.FACE_UP_LANDSCAPE_RIGHT
    with pytest.raises(MalformedFrameError):
        metamotion_imu.orientation(bytes.fromhex("031102"))


# ---- clock ---------------------------------------------------------------------------------------------------------


def test_stamps_are_ticks_of_48_in_32768_seconds() -> None:
    """Six stamped samples are 10, 11, 8, 11 and 10 ms apart, as the SDK's test has it."""
    told = [
        AccountedData.from_bytes(bytes.fromhex(data))
        for data in (
            "090300a6330d00c100b12419cd",
            "090300ad330d00d4001825c0cc",
            "090300b4330d00c7000925b2cc",
            "090300ba330d00c5001725bccc",
            "090300c1330d00d400e924e4cc",
            "090300c8330d00af00f724e3cc",
        )
    ]

    assert told[0].stamp == 865190
    assert told[0].time_ms == pytest.approx(1267368.164, abs=1e-3)
    assert told[0].counts == (193, 9393, -13031)
    steps = [round(after.time_ms - before.time_ms, 1) for before, after in pairwise(told)]
    assert steps == [10.3, 10.3, 8.8, 10.3, 10.3]


def test_a_processor_is_added_under_a_number() -> None:
    """`09 02 number`; two commands let its data through."""
    assert metamotion_clock.processor_added(bytes.fromhex("090203")) == 3
    assert [command.hex() for command in metamotion_clock.notify_processor(3)] == ["09070301", "090301"]
    with pytest.raises(MalformedFrameError):
        metamotion_clock.processor_added(bytes.fromhex("0903"))


def test_the_clock_is_read() -> None:
    """Ticks, and which reset they count from."""
    assert Tick.from_bytes(bytes.fromhex("0b8404330d0003")) == Tick(865028, 3)


# ---- sensor fusion -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "output", "values", "accuracy"),
    [
        ("1904203e53c50cfe79460cfe79c600", Output.CORRECTED_ACC, (-3379.883, 15999.51, -15999.51), 0),
        ("19057a569142b46260c27334044400", Output.CORRECTED_GYR, (72.6689, -56.0964, 528.8195), 0),
        ("190600000242cdcc6cc19a99ed4103", Output.CORRECTED_MAG, (32.5, -14.8, 29.7), 3),
        (
            "19071b9b703f8c5e4dbd077f1dbe78029abe",
            Output.QUATERNION,
            (0.939867, -0.050139, -0.153805, -0.3008),
            None,
        ),
        (
            "1908b1f9c54144b9f1c21a2f04c2b1f9c541",
            Output.EULER,
            (24.747, -120.862, -33.046, 24.747),
            None,
        ),
        ("1909ee20d33eb29301410459b0c0", Output.GRAVITY, (0.412361, 8.098558, -5.510866), None),
        ("190a2fca394086d46141804c6ec0", Output.LINEAR_ACC, (2.903, 14.114, -3.723), None),
    ],
)
def test_outputs_mean_what_the_vendors_tests_say(
    data: str, output: Output, values: tuple[float, ...], accuracy: int | None
) -> None:
    """In the units of the output: thousandths of g, °/s, µT, degrees, m/s²."""
    told = FusionData.from_bytes(bytes.fromhex(data))

    assert (told.output, told.accuracy) == (output, accuracy)
    assert told.values == pytest.approx(values, rel=1e-3)
    assert bytes(told).hex() == data


@pytest.mark.parametrize(
    ("mode", "commands"),
    [
        (Mode.NDOF, ["19020113", "0303280c", "13032800", "1504040e", "150306"]),
        (Mode.IMU_PLUS, ["19020213", "0303280c", "13032800"]),
        (Mode.COMPASS, ["19020313", "0303260c", "1504040e", "150306"]),
        (Mode.M4G, ["19020413", "0303270c", "1504040e", "150306"]),
    ],
)
def test_the_sensors_below_are_configured_alike(mode: Mode, commands: list[str]) -> None:
    """As the SDK writes them, at ±16 g and ±2000 °/s on a BMI160."""
    assert [each.hex() for each in metamotion_fusion.configure(Chip.BMI160, mode, 16, 2000)] == commands


def test_fusion_is_started_and_stopped_in_order() -> None:
    """Sensors enabled, sensors started, outputs enabled, fusion started; and back."""
    start = metamotion_fusion.start(Mode.IMU_PLUS, Output.GRAVITY, Output.QUATERNION)
    stop = metamotion_fusion.stop(Mode.NDOF)

    assert [each.hex() for each in start] == [
        "03020100",
        "13020100",
        "030101",
        "130101",
        "19032800",
        "190101",
    ]
    assert [each.hex() for each in stop] == [
        *("190100", "1903007f", "030100", "130100", "150100"),
        *("03020001", "13020001", "15020001"),
    ]


def test_how_well_calibrated() -> None:
    """Unreliable, low, medium."""
    assert Calibration.from_bytes(bytes.fromhex("198b000102")) == Calibration(0, 1, 2)


# ---- round trips ---------------------------------------------------------------------------------------------------

motion = st.builds(
    MotionData,
    st.sampled_from([Module.ACCELEROMETER, Module.GYROSCOPE]),
    st.sampled_from(Chip),
    st.tuples(counts) | st.tuples(counts, counts, counts),
)
fused = (
    st.builds(FusionData, st.sampled_from([Output.CORRECTED_ACC, Output.CORRECTED_MAG]), triples, u8)
    | st.builds(FusionData, st.sampled_from([Output.GRAVITY, Output.LINEAR_ACC]), triples)
    | st.builds(FusionData, st.sampled_from([Output.QUATERNION, Output.EULER]), quaternions)
)


@given(motion)
def test_motion_comes_back(told: MotionData) -> None:
    """Single and packed, of both sensors and chips."""
    assert MotionData.from_bytes(bytes(told), told.chip) == told


@given(
    fused
    | st.builds(AccountedData, u8, u32, counts)
    | st.builds(Tick, u32, u8)
    | st.builds(StepCount, u16)
    | st.builds(Calibration, u8, u8, u8)
)
def test_they_come_back(thing: FusionData | AccountedData | Tick | StepCount | Calibration) -> None:
    """Bytes and back is the same."""
    assert type(thing).from_bytes(bytes(thing)) == thing


@given(
    st.sampled_from([b"", b"\x03\x04", b"\x13\x05", b"\x09\x03", b"\x19\x07", b"\x19\x09"]),
    st.binary(max_size=20),
)
def test_any_bytes_are_something_or_a_protocol_error(head: bytes, rest: bytes) -> None:
    """Nothing else is raised, and what is read is written back as it was."""
    data = head + rest
    for chip in Chip:
        with suppress(ProtocolError):
            assert bytes(MotionData.from_bytes(data, chip)) == data
    for kind in (FusionData, Calibration, AccountedData, Tick, StepCount):
        with suppress(ProtocolError):
            assert bytes(kind.from_bytes(data)) == data
    for read in (metamotion_imu.orientation, metamotion_clock.processor_added):
        with suppress(ProtocolError):
            read(data)
