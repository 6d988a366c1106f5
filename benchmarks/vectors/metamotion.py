"""MetaMotion's vectors, through `firmware_protocol.metamotion` and its motion, fusion and clock."""

import re
from collections.abc import Mapping

from benchmarks.vectors.vector import NoWordError, Reader, Said, Vector
from firmware_protocol import metamotion, metamotion_clock, metamotion_fusion, metamotion_imu
from firmware_protocol.errors import MalformedFrameError
from firmware_protocol.metamotion import Color, Module, ModuleInfo
from firmware_protocol.metamotion_clock import Account, AccountedData
from firmware_protocol.metamotion_fusion import FusionData, Output
from firmware_protocol.metamotion_imu import Chip, MotionData, StepCount, acc_per_count_g

STANDARD_GRAVITY_MPS2 = 9.80665
_MODELS = {Chip.BMI160: "R", Chip.BMI270: "S"}


def _motion(vector: Vector) -> MotionData:
    """Read motion by the chip that the vector tells, or by whichever chip sends such a packet."""
    chips = [Chip[vector.ctx["chip"]]] if "chip" in vector.ctx else list(Chip)
    for chip in chips[:-1]:
        try:
            return MotionData.from_bytes(vector.data, chip)
        except MalformedFrameError:
            continue
    return MotionData.from_bytes(vector.data, chips[-1])


def acceleration(vector: Vector) -> Said:
    """Read acceleration, single or packed."""
    told = _motion(vector)
    samples = told.acc_g(vector.ctx["range_g"])
    return Said({"acc_g": samples[0], "samples": samples, "raw": told.samples[0]}, bytes(told))


def rotation(vector: Vector) -> Said:
    """Read rotation, single or packed."""
    told = _motion(vector)
    samples = told.gyr_degps(vector.ctx["range_dps"])
    return Said({"gyr_dps": samples[0], "samples": samples, "raw": told.samples[0]}, bytes(told))


def fusion(vector: Vector) -> Said:
    """Read an output of the sensor fusion."""
    told = FusionData.from_bytes(vector.data)
    values = told.values
    in_g = [value / STANDARD_GRAVITY_MPS2 for value in values]
    facts: dict[str, object] = {"accuracy": told.accuracy}
    match told.output:
        case Output.CORRECTED_ACC:
            facts["acc_g"] = [value / 1000 for value in values]
        case Output.CORRECTED_GYR:
            facts["gyr_dps"] = values
        case Output.CORRECTED_MAG:
            facts["mag_ut"] = values
        case Output.QUATERNION:
            facts["quat_wxyz"] = values
        case Output.EULER:
            facts |= dict(zip(("heading", "pitch", "roll", "yaw"), values, strict=True))
        case Output.GRAVITY:
            facts |= {"gravity_ms2": values, "gravity_g": in_g}
        case Output.LINEAR_ACC:
            facts |= {"linacc_ms2": values, "linacc_g": in_g}
    return Said(facts, bytes(told))


def calibration(vector: Vector) -> Said:
    """Read how well calibrated."""
    told = metamotion_fusion.Calibration.from_bytes(vector.data)
    return Said({"acc": told.acc, "gyro": told.gyr, "mag": told.mag}, bytes(told))


def address(vector: Vector) -> Said:
    """Read the clip's address."""
    told = metamotion.Address.from_bytes(vector.data)
    return Said({"mac": told.mac}, bytes(told))


def battery(vector: Vector) -> Said:
    """Read the charge."""
    told = metamotion.Battery.from_bytes(vector.data)
    facts = {"pct": told.percent, "mv": told.millivolts, "battery_v": told.millivolts / 1000}
    return Said(facts, bytes(told))


def switch(vector: Vector) -> Said:
    """Read the button."""
    told = metamotion.Switch.from_bytes(vector.data)
    return Said({"pressed": told.pressed}, bytes(told))


def module_info(vector: Vector) -> Said:
    """Read what a module is."""
    told = ModuleInfo.from_bytes(vector.data)
    chip = metamotion_imu.chip_of(told)
    model = "gyro" if told.module == Module.GYROSCOPE else f"({_MODELS[chip]})" if chip else ""
    facts = {
        "module": told.module,
        "present": told.present,
        "impl": told.implementation,
        "rev": told.revision,
        "extra": told.extra.hex(),
        "meaning": f"{chip.name} {model}" if chip else "",
    }
    return Said(facts, bytes(told))


def accounted(vector: Vector) -> Said:
    """Read a sample with ticks or a count before it."""
    told = AccountedData.from_bytes(vector.data)
    facts: dict[str, object] = {
        "proc_id": told.processor,
        "tick": told.stamp,
        "tick_ms": told.time_ms,
        "count": told.stamp,
        "raw": told.counts,
    }
    if "range_g" in vector.ctx:
        facts["acc_g"] = [count * acc_per_count_g(vector.ctx["range_g"]) for count in told.counts]
    return Said(facts, bytes(told))


def steps(vector: Vector) -> Said:
    """Read a count of steps."""
    told = StepCount.from_bytes(vector.data)
    return Said({"steps": told.steps}, bytes(told))


def orientation(vector: Vector) -> Said:
    """Read a coarse orientation."""
    told = metamotion_imu.orientation(vector.data)
    return Said({"code": int(told), "name": told.name.lower()})


_PLAIN: Mapping[str, bytes] = {
    "acc_subscribe": metamotion_imu.subscribe(Module.ACCELEROMETER, Chip.BMI160, packed=False),
    "acc_unsubscribe": metamotion_imu.subscribe(Module.ACCELEROMETER, Chip.BMI160, packed=False, on=False),
    "acc_enable": metamotion_imu.enable(Module.ACCELEROMETER),
    "acc_disable": metamotion_imu.enable(Module.ACCELEROMETER, on=False),
    "acc_start": metamotion_imu.power(Module.ACCELEROMETER),
    "acc_stop": metamotion_imu.power(Module.ACCELEROMETER, on=False),
    "gyro_subscribe": metamotion_imu.subscribe(Module.GYROSCOPE, Chip.BMI160, packed=False),
    "gyro_unsubscribe": metamotion_imu.subscribe(Module.GYROSCOPE, Chip.BMI160, packed=False, on=False),
    "gyro_enable": metamotion_imu.enable(Module.GYROSCOPE),
    "gyro_disable": metamotion_imu.enable(Module.GYROSCOPE, on=False),
    "gyro_start": metamotion_imu.power(Module.GYROSCOPE),
    "gyro_stop": metamotion_imu.power(Module.GYROSCOPE, on=False),
    "led_play": metamotion.LED_PLAY,
    "led_autoplay": metamotion.LED_AUTOPLAY,
    "led_pause": metamotion.LED_PAUSE,
    "led_stop": metamotion.LED_STOP,
    "led_stop_clear": metamotion.LED_STOP_AND_CLEAR,
    "accounter_time": metamotion_clock.add_accounter(Module.ACCELEROMETER, 0x04, 6),
    "accounter_count": metamotion_clock.add_accounter(Module.ACCELEROMETER, 0x04, 6, Account.COUNT),
    "read_battery": metamotion.READ_BATTERY,
    "read_mac": metamotion.READ_ADDRESS,
    "read_calib": metamotion_fusion.READ_CALIBRATION,
    "reset": metamotion.RESET,
    "disconnect": metamotion.DISCONNECT,
}
_SEVERAL = re.compile(
    r"acc(?P<chip>160|270)_(?P<acc_hz>[\d_]+?)(_(?P<g>\d+)g)?"
    r"|gyro(160|270)?_(?P<gyr_hz>\d+)_(?P<dps>\d+)(dps)?"
    r"|haptic_(?P<duty>\d+)pct_(?P<motor>[\d.]+)(?P<motor_unit>m?s)"
    r"|haptic_buzzer_(?P<buzzer>[\d.]+)(?P<buzzer_unit>m?s)"
    r"|led_(?P<pattern>blink|solid|pulse)_(?P<color>green|red|blue)_x(?P<count>\d+)"
)
_PATTERNS = {"blink": metamotion.led_blink, "solid": metamotion.led_solid, "pulse": metamotion.led_pulse}


def command(vector: Vector) -> Said:
    """Read a command, written from its name."""
    name = str(vector.expect["cmd"])
    return Said({"cmd": name}, _PLAIN[name] if name in _PLAIN else _written(name))


def _written(name: str) -> bytes:
    told = _SEVERAL.fullmatch(name)
    if told is None:
        raise NoWordError(f"no command {name}")
    if told["chip"]:
        chip = Chip(int(told["chip"]))
        range_g = int(
            told["g"] or {Chip.BMI160: 2, Chip.BMI270: 8}[chip]
        )  # the SDK's default where none is named
        return metamotion_imu.acc_config(chip, float(told["acc_hz"].replace("_", ".")), range_g)
    if told["gyr_hz"]:
        return metamotion_imu.gyr_config(int(told["gyr_hz"]), int(told["dps"]))
    if told["duty"]:
        return metamotion.vibrate(_ms(told["motor"], told["motor_unit"]), int(told["duty"]))
    if told["buzzer"]:
        return metamotion.buzz(_ms(told["buzzer"], told["buzzer_unit"]))
    return _PATTERNS[told["pattern"]](Color[told["color"].upper()], int(told["count"]))


def _ms(number: str, unit: str) -> int:
    return round(float(number) * (1000 if unit == "s" else 1))


READERS: Mapping[str, Reader] = {
    "acc(_packed)?": acceleration,
    "gyro(_packed)?": rotation,
    "fusion_calib": calibration,
    "fusion_.*": fusion,
    "mac": address,
    "battery": battery,
    "switch": switch,
    "module_info": module_info,
    "accounter_.*": accounted,
    "step_counter": steps,
    "orientation": orientation,
    "command": command,
}
