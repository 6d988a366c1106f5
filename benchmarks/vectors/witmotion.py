"""WitMotion's vectors, through `firmware_protocol.witmotion` and its stream."""

from collections.abc import Mapping

from benchmarks.vectors.vector import NoWordError, Reader, Said, Vector
from firmware_protocol import witmotion
from firmware_protocol.errors import MalformedFrameError
from firmware_protocol.witmotion import Bandwidth, ImuFrame, Rate, Register, RegisterReply
from firmware_protocol.witmotion_stream import WitMotionStream


def _frame(frame: ImuFrame) -> dict[str, object]:
    return {
        "raw": [*frame.acc_counts, *frame.gyr_counts, *frame.angle_counts],
        "acc_g": frame.acc_g,
        "gyr_dps": frame.gyr_degps,
        "rpy_deg": frame.angle_deg,
        "roll_deg": frame.angle_deg[0],
    }


def _frames(data: bytes) -> list[ImuFrame]:
    return [item for item in WitMotionStream().feed(data) if isinstance(item, ImuFrame)]


def imu(vector: Vector) -> Said:
    """Read one frame, alone and through the stream."""
    frame = ImuFrame.from_bytes(vector.data)
    if _frames(vector.data) != [frame]:
        raise MalformedFrameError("the stream does not give the frame", vector.data)
    return Said(_frame(frame), bytes(frame))


def registers(vector: Vector) -> Said:
    """Read one reply."""
    reply = RegisterReply.from_bytes(vector.data)
    volts = reply.battery_v
    facts: dict[str, object] = {
        "start_reg": reply.start,
        "words": reply.words,
        "battery_v": volts,
        "battery_pct_java": None if volts is None else witmotion.battery_percent(volts),
        "mac": reply.mac,
        "quat_wxyz": reply.quaternion_wxyz,
        "version": reply.version,
        "version_u32": reply.unsigned(Register.VERSION, 2),
        "temp_c": reply.temperature_c,
    }
    return Said(facts, bytes(reply))


def notification(vector: Vector) -> Said:
    """Read several frames."""
    frames = _frames(vector.data)
    return Said({"frames": list(map(_frame, frames))}, b"".join(map(bytes, frames)))


def truncated(vector: Vector) -> Said:
    """Read no frame yet; what has come of it is told by its bytes and zeros."""
    missing = bytes(witmotion.FRAME_LENGTH - len(vector.data))
    partial = ImuFrame.from_bytes(vector.data + missing)
    return Said({"frames": list(map(_frame, _frames(vector.data))), "partial": _frame(partial)})


def foreign(vector: Vector) -> Said:
    """Read of a device that is refused by its name, and whose bytes give no frames."""
    model = str(vector.expect["model"])
    refused = model.startswith(witmotion.FOREIGN_NAME_PREFIX)
    return Said({"frames": _frames(vector.data), "model": model if refused else "taken for a clip"})


_PLAIN: Mapping[str, bytes] = {
    "unlock": witmotion.UNLOCK,
    "save": witmotion.SAVE,
    "factory_reset": witmotion.FACTORY_RESET,
    "acc_cal": witmotion.CALIBRATE_ACCELEROMETER,
    "mag_cal_start": witmotion.CALIBRATE_MAGNETOMETER,
    "mag_cal_end": witmotion.FINISH_CALIBRATION,
    "yaw_zero": witmotion.ZERO_YAW,
    "zero_yaw": witmotion.ZERO_YAW,
    "angle_ref": witmotion.ZERO_ANGLES,
    "horizontal": witmotion.set_vertical(False),
    "vertical": witmotion.set_vertical(True),
    "axis9": witmotion.set_six_axis(False),
    "axis6": witmotion.set_six_axis(True),
}
_REGISTERS: Mapping[str, Register] = {
    "mag": Register.MAG_RAW,
    "temp": Register.TEMPERATURE,
    "mac": Register.MAC,
    "battery": Register.BATTERY,
    "version": Register.VERSION,
    "quat": Register.QUATERNION,
    "acc": Register.ACC_RAW,
    "gyro": Register.GYR_RAW,
    "time": Register.CHIP_TIME,
    "serial": Register.SERIAL,
    "rate": Register.RATE,
}


def command(vector: Vector) -> Said:
    """Read a command, written from its name."""
    name = str(vector.expect["cmd"])
    return Said({"cmd": name}, _written(name))


def _written(name: str) -> bytes:
    if name in _PLAIN:
        return _PLAIN[name]
    what, _, value = name.partition("_")
    if what == "read" and value in _REGISTERS:
        return witmotion.read_registers(_REGISTERS[value])
    if what == "rate" and f"HZ_{value}" in Rate.__members__:
        return witmotion.set_rate(Rate[f"HZ_{value}"])
    if what == "bw" and f"HZ_{value}" in Bandwidth.__members__:
        return witmotion.set_bandwidth(Bandwidth[f"HZ_{value}"])
    raise NoWordError(f"no command {name}")


READERS: Mapping[str, Reader] = {
    "data61": imu,
    "reg71": registers,
    "notification": notification,
    "truncated61": truncated,
    "foreign61": foreign,
    "command": command,
}
