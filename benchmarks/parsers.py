"""Every parser of `firmware_protocol`, each with packets that it takes: what fuzzing and timing go through."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from firmware_protocol import (
    bluest,
    capture2go,
    capture2go_data,
    capture2go_mode,
    esense,
    gatt,
    metamotion,
    metamotion_clock,
    metamotion_fusion,
    metamotion_imu,
    movella_dot,
    movella_dot_measurement,
    movella_dot_message,
    movesense,
    movesense_data,
    nicla,
    openearable,
    polar_pmd,
    polar_pmd_data,
    sensortag,
    thingy52,
    thingy52_interface,
    witmotion,
)
from firmware_protocol.capture2go import Header, Package
from firmware_protocol.capture2go_stream import Capture2GoStream
from firmware_protocol.metamotion import Module
from firmware_protocol.metamotion_imu import Chip
from firmware_protocol.witmotion_stream import WitMotionStream

Parse = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Parser:
    """One way from bytes to meaning, with whatever else the parser must know bound to it."""

    family: str
    name: str
    parse: Parse
    packets: tuple[bytes, ...]
    """That it takes."""
    repair: Callable[[bytes], bytes] | None = None
    """Makes the checksum right again after a packet was changed."""


def all_parsers() -> list[Parser]:
    """Return every parser."""
    return [
        *_witmotion(),
        *_movella_dot(),
        *_metamotion(),
        *_polar(),
        *_movesense(),
        *_thingy52(),
        *_capture2go(),
        *_openearable(),
        *_gatt(),
        *_experimental(),
    ]


XYZ = (1, -2, 2048)
ROWS = ((0.5, -0.25, 9.75), (1.0, 2.0, -3.0), (20.0, -30.0, 40.0))


def _witmotion() -> Iterator[Parser]:
    frame = bytes(witmotion.ImuFrame(XYZ, XYZ, (1, 2, 3)))
    reply = bytes(witmotion.RegisterReply(0x64, (382, 0, -25805, -906, -15197, 0, 0, 1000)))
    version = bytes(witmotion.RegisterReply(0x2E, (278, -30248, 0, 0, 0, 0, 0, 0)))
    yield Parser("witmotion", "imu", witmotion.ImuFrame.from_bytes, (frame,))
    yield Parser("witmotion", "registers", witmotion.RegisterReply.from_bytes, (reply, version))
    stream = partial(_fed, WitMotionStream, frame[:13])
    hostile = b"\x55\x61" * 256
    whole = (frame[13:] + frame * 8, frame[13:] + reply + frame * 2, frame * 4)
    yield Parser("witmotion", "stream", stream, (*whole, hostile))


def _fed(stream: type[WitMotionStream] | type[Capture2GoStream], begun: bytes, data: bytes) -> object:
    """Feed a notification to a stream that holds the beginning of something."""
    opened = stream()
    return opened.feed(begun), opened.feed(data)


def _zero_sum(data: bytes) -> bytes:
    """Make a DOT's message of any bytes: its length and checksum are right then."""
    if len(data) < 4:
        return data
    body = data[:1] + bytes([min(len(data) - 3, movella_dot_message.MAX_DATA_LENGTH)]) + data[2:-1]
    body = body[: body[1] + 2]
    return body + bytes([-sum(body) & 0xFF])


def _acknowledged(data: bytes) -> object:
    return movella_dot_message.Acknowledgement.from_message(movella_dot_message.Message.from_bytes(data))


def _movella_dot() -> Iterator[Parser]:
    dot = movella_dot
    info = dot.DeviceInfo("D4:22:CD:00:12:34", (2, 4, 0), (2023, 7, 1, 12, 30, 0), 7, 0x1234, "XS-T02")
    yield Parser("movella_dot", "device_info", dot.DeviceInfo.from_bytes, (bytes(info),))
    yield Parser("movella_dot", "device_control", dot.DeviceControl.from_bytes, (bytes(dot.DeviceControl()),))
    click = bytes(dot.DeviceReport(dot.ReportType.SINGLE_CLICK, 153725))
    yield Parser("movella_dot", "report", dot.DeviceReport.from_bytes, (click, bytes(dot.DeviceReport(1))))
    control = movella_dot_measurement.start(movella_dot_measurement.Mode.CUSTOM_5)
    yield Parser("movella_dot", "control", dot.MeasurementControl.from_bytes, (control,))
    yield Parser("movella_dot", "battery", dot.Battery.from_bytes, (bytes(dot.Battery(87, charging=True)),))
    for mode in movella_dot_measurement.Mode:
        packet = bytes(movella_dot_measurement.length_of(mode))
        read = partial(movella_dot_measurement.Measurement.from_bytes, mode=mode)
        yield Parser("movella_dot", f"mode_{mode}", read, (packet, packet.ljust(40, b"\0")))
    answer = bytes.fromhex("0109010040df503b5b0807e1")
    messages = tuple(
        map(
            bytes,
            (
                movella_dot_message.get_recording_state(),
                movella_dot_message.start_sync("D4:CA:6E:F1:69:3D"),
            ),
        )
    )
    yield Parser("movella_dot", "message", movella_dot_message.Message.from_bytes, messages, _zero_sum)
    yield Parser(
        "movella_dot", "acknowledgement", _acknowledged, (answer, answer.ljust(160, b"\0")), _zero_sum
    )


def _metamotion() -> Iterator[Parser]:
    mw = metamotion
    yield Parser("metamotion", "packet", mw.Packet.from_bytes, (b"\x11\x8c\x63\x34\x10",))
    infos = (b"\x03\x80\x01\x01", b"\x16\x80", b"\x11\x80\x00\x0a\x07\x00")
    yield Parser("metamotion", "module_info", _info, infos)
    yield Parser("metamotion", "battery", mw.Battery.from_bytes, (bytes(mw.Battery(99, 4148)),))
    yield Parser("metamotion", "address", mw.Address.from_bytes, (bytes(mw.Address("E8:C9:8F:52:7B:07")),))
    yield Parser("metamotion", "switch", mw.Switch.from_bytes, (bytes(mw.Switch(pressed=True)),))
    for chip in Chip:
        packets = tuple(
            bytes(metamotion_imu.MotionData(module, chip, samples))
            for module in (Module.ACCELEROMETER, Module.GYROSCOPE)
            for samples in ((XYZ,), (XYZ, XYZ, XYZ))
        )
        yield Parser("metamotion", f"motion_{chip.value}", partial(_motion, chip), packets)
    yield Parser("metamotion", "orientation", metamotion_imu.orientation, (b"\x03\x11\x07",))
    yield Parser("metamotion", "steps", metamotion_imu.StepCount.from_bytes, (b"\x03\x9a\x2b\x00",))
    clock = metamotion_clock
    yield Parser("metamotion", "tick", clock.Tick.from_bytes, (bytes(clock.Tick(865190, 3)),))
    yield Parser("metamotion", "processor_added", clock.processor_added, (b"\x09\x02\x00",))
    accounted = bytes(clock.AccountedData(0, 865190, XYZ))
    yield Parser("metamotion", "accounted", clock.AccountedData.from_bytes, (accounted,))
    outputs = tuple(_output(output) for output in metamotion_fusion.Output)
    yield Parser("metamotion", "fusion", metamotion_fusion.FusionData.from_bytes, outputs)
    calibration = bytes(metamotion_fusion.Calibration(0, 1, 2))
    yield Parser("metamotion", "calibration", metamotion_fusion.Calibration.from_bytes, (calibration,))


def _info(data: bytes) -> object:
    told = metamotion.ModuleInfo.from_bytes(data)
    return told, metamotion_imu.chip_of(told)


def _motion(chip: Chip, data: bytes) -> object:
    told = metamotion_imu.MotionData.from_bytes(data, chip)
    return told, told.acc_g(4), told.gyr_degps(500)


def _output(output: metamotion_fusion.Output) -> bytes:
    four = output in {metamotion_fusion.Output.QUATERNION, metamotion_fusion.Output.EULER}
    values = (0.5, 0.5, 0.5, 0.5) if four else (1.0, 2.0, 3.0)
    corrected = output <= metamotion_fusion.Output.CORRECTED_MAG
    return bytes(metamotion_fusion.FusionData(output, values, 3 if corrected else None))


def _polar() -> Iterator[Parser]:
    pmd = polar_pmd
    told = pmd.Settings((52,), (16,), (2, 4, 8), channels=(3,), factor=2.44e-4)
    yield Parser("polar_pmd", "settings", pmd.Settings.from_bytes, (bytes(told),))
    response = bytes(pmd.ControlResponse(2, 2, 0, parameters=bytes(told)))
    yield Parser("polar_pmd", "response", _response, (response, b"\xf0\x01\x06\x07\x00"))
    yield Parser("polar_pmd", "stopped", pmd.Stopped.from_bytes, (b"\x01\x02\x05",))
    yield Parser("polar_pmd", "features", pmd.Features.from_bytes, (b"\x0f\x6f\x02",))
    samples = [(each % 7 - 3, each * each % 11, 4090 + each % 3) for each in range(60)]
    for measurement, kind, channels, bits in (
        (2, 0, 3, 16),
        (2, 1, 3, 16),
        (5, 0, 3, 16),
        (5, 1, 3, 32),
        (6, 1, 4, 16),
    ):
        rows = [(row * 2)[:channels] for row in samples]
        if bits == 32:
            rows = [(1065353216 + row[0] % 5, 1092616192, 1101004800) for row in rows]
        content = polar_pmd_data.compressed_content(rows, bits)
        packet = bytes(pmd.DataFrame(measurement, 2 * 10**9, kind, compressed=True, content=content))
        yield Parser("polar_pmd", f"frame_{measurement}_{kind}", _polar_samples, (packet,))
    for bits, name in ((0, "empty"), (1, "narrow")):
        # As much work as a notification can hold.
        block = bytes([bits, 255]) + bytes(bits * 96)
        packet = bytes(
            pmd.DataFrame(
                2, 2 * 10**10, 1, compressed=True, content=bytes(6) + block + block[:1] + b"\xf0" + block[2:]
            )
        )
        yield Parser("polar_pmd", f"frame_{name}", _polar_samples, (packet,))
    raw = bytes(pmd.DataFrame(2, 2 * 10**9, 1, compressed=False, content=bytes(216)))
    yield Parser("polar_pmd", "frame_raw", _polar_samples, (raw,))


def _response(data: bytes) -> object:
    told = polar_pmd.ControlResponse.from_bytes(data)
    return told, told.settings()


def _polar_samples(data: bytes) -> object:
    frame = polar_pmd.DataFrame.from_bytes(data)
    read = {2: polar_pmd_data.acc_mg, 5: polar_pmd_data.gyr_degps, 6: polar_pmd_data.mag_gauss}
    samples = read.get(frame.measurement, polar_pmd_data.acc_mg)(frame, 0.5)
    return frame, samples, polar_pmd_data.times_back_ns(frame.time_ns, len(samples), 52)


def _movesense() -> Iterator[Parser]:
    data = movesense_data
    yield Parser("movesense", "request", movesense.Request.from_bytes, (bytes(movesense.hello(1)),))
    yield Parser("movesense", "response", movesense.Response.from_bytes, (bytes(movesense.Response(5, 404)),))
    hello = bytes(movesense.Hello(1, 1, ("250230002214", "Movesense Flash", "74:92", "app", "2.3.1")))
    yield Parser("movesense", "hello", movesense.Hello.from_bytes, (hello,))
    yield Parser("movesense", "part", movesense.DataPart.from_bytes, (bytes(movesense.DataPart(3, b"abcd")),))
    for measurement in data.Measurement:
        columns = dict.fromkeys(measurement.columns, ROWS + ROWS[:1])
        packet = bytes(data.MotionData(106005, **columns))
        read = partial(data.MotionData.from_bytes, measurement=measurement)
        yield Parser("movesense", measurement.name.lower(), read, (packet,))
    rates = data.RATES_HZ
    for width, ranges in ((1, (2, 4, 8, 16)), (2, (125, 245, 2000))):
        packet = bytes(data.SensorInfo(rates, ranges, width))
        yield Parser(
            "movesense", f"info_{width}", partial(data.SensorInfo.from_bytes, range_bytes=width), (packet,)
        )
    info = bytes(data.ImuInfo(rates, (2, 4), (125,), (5000,)))
    yield Parser("movesense", "imu_info", data.ImuInfo.from_bytes, (info,))
    time = bytes(data.DetailedTime(1787161151527000, 2394576, 1024, 20))
    yield Parser("movesense", "time", data.DetailedTime.from_bytes, (time,))
    yield Parser(
        "movesense", "temperature", data.Temperature.from_bytes, (bytes(data.Temperature(1, 299.5)),)
    )
    yield Parser(
        "movesense", "heart_rate", data.HeartRate.from_bytes, (bytes(data.HeartRate(64.5, (406, 500))),)
    )
    yield Parser("movesense", "energy", data.EnergyLevel.from_bytes, (b"\x57",))


def _thingy52() -> Iterator[Parser]:
    for kind, packet in (
        (thingy52.MotionConfig, bytes(thingy52.MotionConfig())),
        (thingy52.Raw, bytes(thingy52.Raw(XYZ, XYZ, XYZ))),
        (thingy52.Orientation, bytes(thingy52.Orientation((1 << 30, 0, 0, 0)))),
        (thingy52.Euler, bytes(thingy52.Euler((1, 2, 3)))),
        (thingy52.Heading, bytes(thingy52.Heading(1 << 16))),
        (thingy52.Gravity, bytes(thingy52.Gravity((0.0, 4.9, 8.5)))),
        (thingy52.Rotation, bytes(thingy52.Rotation(tuple(range(9))))),
        (thingy52.Tap, b"\x01\x02"),
        (thingy52.Pedometer, bytes(thingy52.Pedometer(5, 4000))),
        (thingy52_interface.SoundConfig, bytes(thingy52_interface.SoundConfig())),
        (thingy52_interface.Tone, thingy52_interface.tone(1500, 200)),
    ):
        yield Parser("thingy52", kind.__name__.lower(), kind.from_bytes, (packet,))
    yield Parser("thingy52", "side", thingy52.side, (b"\x02",))
    yield Parser("thingy52", "button", thingy52_interface.button, (b"\x01",))


def _checksummed(data: bytes) -> bytes:
    """Make a Capture2Go's package of any bytes: its start, length and checksum are right then."""
    body = data[6 : 8 + capture2go.MAX_PAYLOAD]
    if len(body) < 2:
        return data
    return bytes([capture2go.START]) + zlib.crc32(body).to_bytes(4, "little") + bytes([len(body) - 2]) + body


def _content(data: bytes) -> object:
    package = Package.from_bytes(data)
    return package, capture2go_data.content_of(package)


def _capture2go() -> Iterator[Parser]:
    status = capture2go.Status(
        1000, 1, 2, (0, 0, 0), synchronised=False, battery=205, free_storage_percent=90
    )
    info = capture2go.DeviceInfo(
        1, b"1234ab", b"1.0".ljust(8, b"\0"), b"2".ljust(8), b"2.1".ljust(12), b"2026-04-01 "
    )
    packages = [
        capture2go.GET_DEVICE_INFO,
        capture2go_mode.set_packed(50),
        capture2go_mode.start_real_time(capture2go_mode.RealTimeMode.QUATERNION),
        capture2go_mode.set_time(10**18),
        Package(Header.CLOCK_ROUNDTRIP, bytes(capture2go_mode.ClockRoundtrip(1, 2, 3, 4))),
        Package(Header.STATUS, bytes(status)),
        Package(Header.DEVICE_INFO, bytes(info)),
        Package(Header.ERROR, bytes(capture2go.SensorError(0xFB, 0x0150))),
    ]
    for form in capture2go_data.Form:
        rows = (XYZ,) * form.samples
        told = capture2go_data.Samples(
            form, 3, 10**18, rows, rows, rows if form.has_mag else (), 1 << 60, 5, 0
        )
        packages.append(Package(told.header, bytes(told)))
    packets = tuple(map(bytes, packages))
    yield Parser("capture2go", "content", _content, packets, _checksummed)
    notifications = (
        b"\xff" + packets[-3],
        b"\xfe" + packets[-1] + packets[5] + packets[-2][:50],
        b"\xff" + packets[5][10:] + packets[5] * 8,
        b"\xff" + b"\x02" * 511,
    )
    yield Parser(
        "capture2go", "stream", partial(_fed, Capture2GoStream, b"\xff" + packets[5][:10]), notifications
    )


def _openearable() -> Iterator[Parser]:
    sample = openearable.Motion(*ROWS)
    packets = (
        bytes(openearable.MotionPacket(10**6, (sample,))),
        bytes(openearable.MotionPacket(10**6, (sample,) * 5, step_us=20000)),
    )
    yield Parser("openearable", "motion", openearable.MotionPacket.from_bytes, packets)
    yield Parser("openearable", "config", openearable.SensorConfig.from_bytes, (openearable.start_imu(50),))


def _gatt() -> Iterator[Parser]:
    yield Parser("gatt", "battery", gatt.BatteryLevel.from_bytes, (b"\x57",))
    yield Parser("gatt", "system_id", gatt.SystemId.from_bytes, (bytes(gatt.SystemId(0xABCDEF, 1234)),))
    yield Parser("gatt", "text", gatt.text, (b"2.4.1\0", "Grüße".encode()))


def _summed(data: bytes) -> bytes:
    """Make the checksum of an eSense's packet right."""
    if len(data) < 4:
        return data
    return data[:2] + bytes([(len(data) - 4 + sum(data[4:])) & 0xFF]) + data[3:]


def _esense_motion(data: bytes) -> object:
    told = esense.Motion.from_bytes(data)
    return told, told.acc_g(4), told.gyr_degps(500)


def _sensortag_motion(data: bytes) -> object:
    told = sensortag.Motion.from_bytes(data)
    return told, told.acc_g(sensortag.range_at_rest(told.acc_counts))


def _experimental() -> Iterator[Parser]:
    yield Parser("esense", "motion", _esense_motion, (bytes(esense.Motion(7, XYZ, XYZ)),), _summed)
    yield Parser("esense", "ranges", esense.Ranges.from_bytes, (b"\x59\x20\x04\x06\x08\x08\x06",))
    yield Parser("sensortag", "motion", _sensortag_motion, (bytes(sensortag.Motion(XYZ, XYZ, XYZ)),))
    board = bytes(bluest.Advertised(6, bluest.ALL_MOTION, "C0:83:11:22:33:44"))
    yield Parser("bluest", "advertised", bluest.Advertised.from_bytes, (board, board[:6]))
    for features in (bluest.ALL_MOTION, bluest.Feature.ACC, bluest.Feature.ACC | bluest.Feature.GYR):
        packet = bytes(2 + 6 * features.bit_count())
        read = partial(bluest.Motion.from_bytes, features=features)
        yield Parser("bluest", f"motion_{features:08x}", read, (packet,))
    packet = bytes(nicla.SensorPacket(37, 12, bytes(10)))
    yield Parser("nicla", "packets", nicla.packets, (packet, packet * nicla.BUNDLE))
