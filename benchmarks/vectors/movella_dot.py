"""Movella DOT's vectors, through `firmware_protocol.movella_dot` and its measurements and messages."""

from collections.abc import Mapping

from benchmarks.vectors.vector import NoWordError, Reader, Said, Vector
from firmware_protocol import movella_dot, movella_dot_measurement, movella_dot_message
from firmware_protocol.errors import ProtocolError
from firmware_protocol.movella_dot import (
    Battery,
    DeviceControl,
    DeviceInfo,
    DeviceReport,
    Heading,
    MeasurementControl,
    ReportType,
)
from firmware_protocol.movella_dot_measurement import Clipping, Measurement, Mode
from firmware_protocol.movella_dot_message import (
    SYNCHRONISED,
    Acknowledgement,
    Configuration,
    Message,
    Recording,
    Sync,
    Topic,
)

_NUMBERS = {Topic.RECORDING: "reid", Topic.SYNC: "syid", Topic.CONFIGURATION: "config_id"}


def message(vector: Vector) -> Said:
    """Read a message, and where the product has the command for it, the command."""
    told = Message.from_bytes(vector.data)
    facts: dict[str, object] = {
        "mid": told.topic,
        _NUMBERS[Topic(told.topic)]: told.id,
        "checksum_ok": True,
        **_content(told),
    }
    return Said(facts, bytes(_command(told, vector.expect)))


def _content(told: Message) -> dict[str, object]:
    try:
        answer = Acknowledgement.from_message(told)
    except ProtocolError:
        pass
    else:
        return {"result": answer.result, "acked": None if answer.command is None else answer.command.id}
    number = int.from_bytes(told.data, "little")
    match told.topic, told.id:
        case Topic.RECORDING, Recording.START | Recording.ERASE_FLASH:
            duration_s = int.from_bytes(told.data[4:6], "little")
            return {"start_utc": int.from_bytes(told.data[:4], "little"), "duration_s": duration_s}
        case Topic.RECORDING, Recording.REQUEST_FILE_INFO | Recording.REQUEST_FILE_DATA:
            return {"file": number}
        case Topic.SYNC, Sync.START:
            return {"root": told.data[::-1].hex(":").upper()}
        case Topic.SYNC, Sync.STATUS | Sync.STOP_RESULT:
            return {"status": number, "synced": number == SYNCHRONISED}
    return {}


def _command(told: Message, expect: Mapping[str, object]) -> Message:
    """Write the message anew: by its command if there is one, else from what was read."""
    match told.topic, told.id:
        case Topic.RECORDING, Recording.GET_STATE:
            return movella_dot_message.get_recording_state()
        case Topic.RECORDING, Recording.START:
            return movella_dot_message.start_recording(
                int(str(expect["start_utc"])), int(str(expect["duration_s"]))
            )
        case Topic.RECORDING, Recording.STOP:
            return movella_dot_message.stop_recording()
        case Topic.RECORDING, Recording.REQUEST_FILE_INFO:
            return movella_dot_message.request_file_info(int(str(expect["file"])))
        case Topic.RECORDING, Recording.REQUEST_FILE_DATA:
            return movella_dot_message.request_file_data(int(str(expect["file"])))
        case Topic.SYNC, Sync.START:
            return movella_dot_message.start_sync(str(expect["root"]))
        case Topic.SYNC, Sync.STOP:
            return movella_dot_message.stop_sync()
        case Topic.SYNC, Sync.GET_STATUS:
            return movella_dot_message.get_sync_status()
        case Topic.CONFIGURATION, Configuration.FACTORY_RESET:
            return movella_dot_message.FACTORY_RESET
    return told


def control(vector: Vector) -> Said:
    """Read what starts and stops a measurement, or resets the heading."""
    if "reset" in vector.expect:
        heading = Heading(int.from_bytes(vector.data, "little"))
        return Said({"reset": int(heading)}, movella_dot.set_heading(heading))
    told = MeasurementControl.from_bytes(vector.data)
    write = movella_dot_measurement.start if told.running else movella_dot_measurement.stop
    return Said({"start": told.running, "mode": told.mode}, write(Mode(told.mode)))


def device_control(vector: Vector) -> Said:
    """Read the clip's settings."""
    told = DeviceControl.from_bytes(vector.data)
    facts = {
        "visit": told.apply,
        "identify": told.identify,
        "power_opts": told.power,
        "adv_timeout": told.advertising_timeout_min_s,
        "conn_timeout": told.connected_timeout_min_s,
        "tag": told.tag,
        "rate_hz": told.rate_hz,
        "filter": told.filter,
    }
    return Said(facts, bytes(told))


def device_info(vector: Vector) -> Said:
    """Read who the clip is."""
    told = DeviceInfo.from_bytes(vector.data)
    facts = {
        "mac": told.address,
        "address": told.address,
        "fw": ".".join(map(str, told.firmware)),
        "build": told.built,
        "softdevice": told.softdevice,
        "serial": told.serial,
        "product": told.product,
    }
    return Said(facts, bytes(told))


def measurement(vector: Vector) -> Said:
    """Read a payload; the kind names its mode."""
    number = vector.kind.partition("_")[0].removeprefix("mode")
    if int(number) not in list(Mode):
        raise NoWordError(f"mode {number} is not public")
    told = Measurement.from_bytes(vector.data, Mode(int(number)))
    flags = Clipping(0) if told.clipping is None else told.clipping & ~Clipping.MAG_IS_NEW
    status = told.status or (None, None, None)
    facts = {
        "ts_us": told.time_us,
        "quat_wxyz": told.quaternion_wxyz,
        "euler_xyz": told.euler_deg,
        "free_acc": told.free_acc_mps2,
        "acc": told.acc_mps2,
        "gyr_dps": told.gyr_degps,
        "dq_wxyz": told.dq_wxyz,
        "dq": told.dq_wxyz,
        "dv": told.dv_mps,
        "mag_au": told.mag_normalised,
        "status": status[0],
        "clip_acc": status[1],
        "clip_gyr": status[2],
        "clip": [str(flag.name).lower() for flag in Clipping if flag & flags],
    }
    return Said(facts, bytes(told))


def battery(vector: Vector) -> Said:
    """Read the charge."""
    told = Battery.from_bytes(vector.data)
    return Said({"pct": told.percent, "charging": told.charging}, bytes(told))


_REPORTS = {
    ReportType.POWER_OFF: "power_off",
    ReportType.POWER_SAVING: "power_saving",
    ReportType.SINGLE_CLICK: "single_click",
    ReportType.DOUBLE_CLICK: "double_click",
    ReportType.TRIPLE_CLICK: "triple_click",
}


def report(vector: Vector) -> Said:
    """Read what happened to the clip."""
    told = DeviceReport.from_bytes(vector.data)
    written = bytes(told)[: max(len(vector.data), 10)]
    return Said({"type": _REPORTS.get(ReportType(told.type)), "ts_ms": told.time_ms}, written)


READERS: Mapping[str, Reader] = {
    "message": message,
    "control": control,
    "device_control": device_control,
    "device_info": device_info,
    r"mode\d+_.*": measurement,
    "battery": battery,
    "report": report,
}
