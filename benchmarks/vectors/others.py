"""The vectors of all other families: Thingy:52, Capture2Go, OpenEarable, standard GATT, and the experimental ones."""

from collections.abc import Mapping

from benchmarks.vectors.vector import NoWordError, Reader, Said, Vector
from firmware_protocol import (
    capture2go,
    capture2go_mode,
    esense,
    gatt,
    nicla,
    openearable,
    sensortag,
    thingy52,
)
from firmware_protocol import thingy52_interface as interface
from firmware_protocol.bluest import Advertised, Feature
from firmware_protocol.bluest import Motion as BlueStMotion
from firmware_protocol.capture2go import Package, Status
from firmware_protocol.capture2go_data import Samples, content_of
from firmware_protocol.capture2go_mode import RealTimeMode, RealTimeStreaming

# ---- Thingy:52 -----------------------------------------------------------------------------------------------------


def thingy_config(vector: Vector) -> Said:
    """Read the configuration of motion, written by its command."""
    told = thingy52.MotionConfig.from_bytes(vector.data)
    facts = {
        "step_ms": told.steps_ms,
        "temp_ms": told.temperature_ms,
        "mag_ms": told.magnetometer_ms,
        "rate_hz": told.rate_hz,
        "wake": told.wake_on_motion,
    }
    written = thingy52.configure(
        told.rate_hz,
        steps_ms=told.steps_ms,
        temperature_ms=told.temperature_ms,
        magnetometer_ms=told.magnetometer_ms,
        wake=told.wake_on_motion,
    )
    return Said(facts, written)


def thingy_raw(vector: Vector) -> Said:
    """Read acceleration, rotation, magnetic field."""
    told = thingy52.Raw.from_bytes(vector.data)
    facts = {
        "raw": [*told.acc_counts, *told.gyr_counts, *told.mag_counts],
        "acc_g": told.acc_g,
        "gyr_dps": told.gyr_degps,
        "mag_ut": told.mag_ut,
    }
    return Said(facts, bytes(told))


def thingy_quaternion(vector: Vector) -> Said:
    """Read the on-board quaternion."""
    told = thingy52.Orientation.from_bytes(vector.data)
    return Said({"quat_wxyz": told.quaternion_wxyz}, bytes(told))


def thingy_gravity(vector: Vector) -> Said:
    """Read the on-board gravity."""
    told = thingy52.Gravity.from_bytes(vector.data)
    return Said({"gravity_ms2": told.gravity_mps2}, bytes(told))


def thingy_euler(vector: Vector) -> Said:
    """Read the on-board angles."""
    told = thingy52.Euler.from_bytes(vector.data)
    return Said({"rpy_deg": told.angle_deg}, bytes(told))


def thingy_heading(vector: Vector) -> Said:
    """Read the on-board heading."""
    told = thingy52.Heading.from_bytes(vector.data)
    return Said({"deg": told.heading_deg}, bytes(told))


def thingy_tap(vector: Vector) -> Said:
    """Read a tap."""
    told = thingy52.Tap.from_bytes(vector.data)
    return Said({"dir": told.direction, "direction": told.direction, "count": told.count}, bytes(told))


def thingy_pedometer(vector: Vector) -> Said:
    """Read steps."""
    told = thingy52.Pedometer.from_bytes(vector.data)
    return Said({"steps": told.steps, "ms": told.time_ms, "time_ms": told.time_ms}, bytes(told))


def thingy_rotation(vector: Vector) -> Said:
    """Read the on-board rotation matrix."""
    told = thingy52.Rotation.from_bytes(vector.data)
    flat = [number for row in told.rows for number in row]
    return Said({"rows": told.rows, "matrix": flat, "rotmat": flat}, bytes(told))


def thingy_speaker(vector: Vector) -> Said:
    """Read a tone, written by its command."""
    told = interface.Tone.from_bytes(vector.data)
    facts = {"freq_hz": told.frequency_hz, "dur_ms": told.duration_ms, "vol_pct": told.volume_percent}
    return Said(facts, interface.tone(told.frequency_hz, told.duration_ms, told.volume_percent))


THINGY52: Mapping[str, Reader] = {
    "motion_config": thingy_config,
    "raw": thingy_raw,
    "quat": thingy_quaternion,
    "gravity": thingy_gravity,
    "euler": thingy_euler,
    "heading": thingy_heading,
    "tap": thingy_tap,
    "pedo.*": thingy_pedometer,
    "rot.*": thingy_rotation,
    "speaker": thingy_speaker,
}

# ---- Capture2Go ----------------------------------------------------------------------------------------------------

_COMMANDS: Mapping[str, Package] = {
    "CmdGetDeviceInfo": capture2go.GET_DEVICE_INFO,
    "CmdGetStatus": capture2go.GET_STATUS,
    "CmdGetMeasurementMode": capture2go.GET_MEASUREMENT_MODE,
    "CmdStartStreaming": capture2go.START_STREAMING,
    "CmdStopStreaming": capture2go.STOP_STREAMING,
    "CmdStopStreamingAndClearBuffer": capture2go.STOP_STREAMING_AND_CLEAR_BUFFER,
    "CmdStopRecording": capture2go.STOP_RECORDING,
    "CmdStopRealTimeStreaming": capture2go.STOP_REAL_TIME_STREAMING,
    "CmdSleep": capture2go.SLEEP,
}


def capture_command(vector: Vector) -> Said:
    """Read a command, written from its name and what is told of it."""
    expect = vector.expect
    package = Package.from_bytes(vector.data)
    told = content_of(package)
    if expect["cmd"] in _COMMANDS:
        return Said({"cmd": expect["cmd"]}, bytes(_COMMANDS[expect["cmd"]]))
    if expect["cmd"] == "CmdStartRealTimeStreaming" and isinstance(told, RealTimeStreaming):
        written = capture2go_mode.start_real_time(RealTimeMode(expect["mode"]), expect["rate"])
        return Said({"cmd": expect["cmd"], "mode": told.mode, "rate": told.limit_hz}, bytes(written))
    if expect["cmd"] == "CmdSetAbsoluteTime" and isinstance(told, capture2go_mode.AbsoluteTime):
        written = capture2go_mode.set_time(told.time_ns)
        return Said({"cmd": expect["cmd"], "ts_ns": told.time_ns, "time_ns": told.time_ns}, bytes(written))
    if expect["cmd"] == "CmdSetMeasurementMode" and isinstance(told, capture2go_mode.MeasurementMode):
        facts = {
            "cmd": expect["cmd"],
            "fullPackedMode": told.packed,
            "statusMode": told.status_s,
            "disableMagData": told.no_magnetometer,
        }
        return Said(facts, bytes(capture2go_mode.set_measurement_mode(told)))
    raise NoWordError(f"no command {expect['cmd']}")


def capture_data(vector: Vector) -> Said:
    """Read a package of data."""
    package = Package.from_bytes(vector.data)
    told = content_of(package)
    facts: dict[str, object] = {"header": package.header}
    if isinstance(told, Status):
        facts |= {
            "ts_ns": told.time_ns,
            "battery_pct": told.battery_percent,
            "charging": told.charging,
            "free_pct": told.free_storage_percent,
        }
    elif isinstance(told, Samples):
        facts |= {
            "ts_ns": told.time_ns,
            "n": len(told.acc_counts),
            "acc_raw": told.acc_counts,
            "gyr_raw": told.gyr_counts,
            "acc": told.acc_mps2,
            "acc_ms2": told.acc_mps2,
            "gyr_dps": told.gyr_degps,
            "mag_ut": told.mag_ut,
            "quat_wxyz": told.quaternion_wxyz,
            "rest": told.at_rest,
            "mag_dist": told.disturbed,
            "delta": told.heading_counts,
            "flags": told.trouble,
        }
    elif told is None:
        raise NoWordError(f"no content of {package.header:#06x}")
    return Said(facts, bytes(Package(package.header, bytes(told))))


CAPTURE2GO: Mapping[str, Reader] = {"command": capture_command, "data": capture_data}

# ---- OpenEarable ---------------------------------------------------------------------------------------------------


def earable_config(vector: Vector) -> Said:
    """Read a sensor's configuration; of motion alone it is written by its command."""
    told = openearable.SensorConfig.from_bytes(vector.data)
    stream = bool(told.destination & openearable.Destination.STREAM)
    facts = {
        "sensor": told.sensor,
        "rate_index": told.rate_index,
        "rate_hz": told.rate_hz,
        "stream": stream,
        "sd": bool(told.destination & openearable.Destination.CARD),
    }
    by_command = told.destination == openearable.Destination.STREAM and told.rate_hz is not None
    return Said(facts, openearable.start_imu(told.rate_hz or 0) if by_command else bytes(told))


def earable_motion(vector: Vector) -> Said:
    """Read a packet of motion."""
    told = openearable.MotionPacket.from_bytes(vector.data)
    first = told.samples[0]
    facts = {
        "ts_us": told.time_us,
        "n": len(told.samples),
        "acc": first.acc_mps2,
        "acc_ms2": first.acc_mps2,
        "gyr_dps": first.gyr_degps,
        "gyro": first.gyr_degps,
        "mag_ut": first.mag_ut,
        "mag": first.mag_ut,
        "sensor": int(openearable.Sensor.IMU),
        "size": told.size,
    }
    return Said(facts, bytes(told))


OPENEARABLE: Mapping[str, Reader] = {"config": earable_config, "imu|data": earable_motion}

# ---- standard GATT -------------------------------------------------------------------------------------------------


def characteristic(vector: Vector) -> Said:
    """Read a characteristic; the kind is its number."""
    number = int(vector.kind, 16)
    if gatt.uuid(number) == gatt.BATTERY_LEVEL_UUID:
        level = gatt.BatteryLevel.from_bytes(vector.data)
        return Said({"pct": level.percent}, bytes(level))
    if number == gatt.DeviceInformation.SYSTEM_ID:
        system = gatt.SystemId.from_bytes(vector.data)
        return Said({"organization": system.organization, "number": system.number}, bytes(system))
    if number in set(gatt.DeviceInformation):
        text = gatt.text(vector.data)
        return Said({"text": text, "value": text}, text.encode())
    raise NoWordError(f"no characteristic {vector.kind}")


STANDARD: Mapping[str, Reader] = {"2a[0-9a-f]{2}": characteristic}

# ---- experimental --------------------------------------------------------------------------------------------------


def sensortag_movement(vector: Vector) -> Said:
    """Read motion; the range in force is told by the sample, which is of a tag at rest."""
    told = sensortag.Motion.from_bytes(vector.data)
    facts: dict[str, object] = {
        "gyr_dps": told.gyr_degps,
        "acc_raw": told.acc_counts,
        "mag_raw": told.mag_counts,
        f"acc_g_if_{sensortag.range_at_rest(told.acc_counts)}g": told.acc_g(
            sensortag.range_at_rest(told.acc_counts)
        ),
    }
    return Said(facts, bytes(told))


def esense_motion(vector: Vector) -> Said:
    """Read motion, at the ranges that the bud has at start."""
    told = esense.Motion.from_bytes(vector.data)
    facts = {
        "index": told.index,
        "gyr_raw": told.gyr_counts,
        "acc_raw": told.acc_counts,
        "gyr_dps_500": told.gyr_degps(500),
        "acc_g_4g": told.acc_g(4),
        "checksum_ok": True,
    }
    return Said(facts, bytes(told))


def esense_command(vector: Vector) -> Said:
    """Read a command, written from what it is for."""
    expect = vector.expect
    if expect["cmd"] not in {"start", "stop"}:
        raise NoWordError(f"no command {expect['cmd']}")
    written = esense.stop() if expect["cmd"] == "stop" else esense.start(expect["rate"])
    return Said({word: expect[word] for word in ("cmd", "rate") if word in expect}, written)


def bluest_motion(vector: Vector) -> Said:
    """Read features that are notified together."""
    told = BlueStMotion.from_bytes(vector.data, Feature(vector.ctx["mask"]))
    facts = {
        "ts": told.tick,
        "acc_mg": told.acc_mg,
        "gyr_dps": told.gyr_degps,
        "mag_mgauss": told.mag_mgauss,
    }
    return Said(facts, bytes(told))


def bluest_advertisement(vector: Vector) -> Said:
    """Read what a board says of itself."""
    told = Advertised.from_bytes(vector.data)
    facts = {
        "device_id": told.board,
        "board": told.board,
        "mask": told.features,
        "features": told.features,
        "mac": told.address,
    }
    return Said(facts, bytes(told))


def nicla_data(vector: Vector) -> Said:
    """Read what a sensor says."""
    told = nicla.SensorPacket.from_bytes(vector.data)
    facts = {
        "sensor_id": told.sensor,
        "acc_raw": told.counts,
        "acc_g": told.acc_g,
        "quat_xyzw": told.quaternion_xyzw,
    }
    return Said(facts, bytes(told))


EXPERIMENTAL: Mapping[str, Mapping[str, Reader]] = {
    "sensortag": {"movement": sensortag_movement},
    "esense": {"imu": esense_motion, "command": esense_command},
    "bluest": {"char_[0-9a-f]{8}": bluest_motion, "adv.*": bluest_advertisement},
    "nicla_bhy2": {"data": nicla_data},
}
