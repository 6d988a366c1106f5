"""Movesense's vectors, through `firmware_protocol.movesense` and its data."""

from collections.abc import Mapping

from benchmarks.vectors.vector import NoWordError, Reader, Said, Vector
from firmware_protocol import movesense
from firmware_protocol.movesense import Command, Response
from firmware_protocol.movesense_data import (
    DetailedTime,
    EnergyLevel,
    HeartRate,
    ImuInfo,
    Measurement,
    MotionData,
    SensorInfo,
    Temperature,
)


def sensor_info(vector: Vector) -> Said:
    """Read what a sensor offers; acceleration's ranges have one byte."""
    told = SensorInfo.from_bytes(vector.data, 1 if vector.kind.startswith("acc") else 2)
    return Said({"rates": told.rates_hz, "ranges": told.ranges}, bytes(told))


def imu_info(vector: Vector) -> Said:
    """Read what the sensors offer."""
    told = ImuInfo.from_bytes(vector.data)
    facts = {
        "rates": told.rates_hz,
        "acc": told.acc_ranges_g,
        "gyro": told.gyr_ranges_degps,
        "magn": told.mag_ranges_ut,
    }
    return Said(facts, bytes(told))


def motion(vector: Vector) -> Said:
    """Read a measurement; the kind names it."""
    told = MotionData.from_bytes(vector.data, Measurement[vector.kind.partition("_")[0].upper()])
    facts: dict[str, object] = {
        "ts_ms": told.time_ms,
        "n": len(told.acc_mps2 or told.gyr_degps or told.mag_ut),
    }
    for words, rows in (
        (("acc", "acc_ms2"), told.acc_mps2),
        (("gyro", "gyr_dps"), told.gyr_degps),
        (("magn", "mag_ut"), told.mag_ut),
    ):
        for word in words if rows else ():
            facts |= {word: rows, f"{word}_first": rows[0], f"{word}0": rows[0], f"{word}_last": rows[-1]}
    return Said(facts, bytes(told))


def time(vector: Vector) -> Said:
    """Read what the sensor takes the time to be."""
    told = DetailedTime.from_bytes(vector.data)
    facts = {
        "utc_us": told.utc_us,
        "relative_ms": told.relative_ms,
        "tick_rate": told.tick_rate_hz,
        "accuracy": told.accuracy,
    }
    return Said(facts, bytes(told))


def temperature(vector: Vector) -> Said:
    """Read a temperature."""
    told = Temperature.from_bytes(vector.data)
    return Said({"ts_ms": told.time_ms, "kelvin": told.kelvin}, bytes(told))


def heart_rate(vector: Vector) -> Said:
    """Read a heart rate."""
    told = HeartRate.from_bytes(vector.data)
    return Said({"bpm": told.average_bpm, "rr_ms": told.rr_ms}, bytes(told))


def energy(vector: Vector) -> Said:
    """Read the charge."""
    told = EnergyLevel.from_bytes(vector.data)
    return Said({"pct": told.percent}, bytes(told))


def packet(vector: Vector) -> Said:
    """Read a command written from its name, or a response."""
    expect = vector.expect
    if "resp" in expect:
        told = Response.from_bytes(vector.data)
        facts = {
            "resp": vector.data[0],
            "ref": told.reference,
            "status": told.status,
            "data": told.data.hex(),
        }
        return Said(facts, bytes(told))
    reference = int(expect["ref"])
    if expect["cmd"] not in Command.__members__:
        raise NoWordError(f"no command {expect['cmd']}")
    match Command[expect["cmd"]]:
        case Command.HELLO:
            request = movesense.hello(reference)
        case Command.SUBSCRIBE:
            request = movesense.subscribe(reference, expect["path"])
        case Command.UNSUBSCRIBE:
            request = movesense.unsubscribe(reference)
        case Command.GET:
            request = movesense.get(reference, expect["path"])
        case Command.PUT_SYSTEMMODE:
            request = movesense.set_system_mode(reference, movesense.SystemMode(expect["mode"]))
        case Command.PUT_UTCTIME:
            request = movesense.set_time(reference, expect["utc_us"])
        case other:
            raise NoWordError(f"no command {other.name}")
    return Said({word: expect[word] for word in expect if word in _ARGUMENTS}, bytes(request))


_ARGUMENTS = {"cmd", "ref", "path", "mode", "utc_us"}

READERS: Mapping[str, Reader] = {
    "(acc|gyro|magn)_info": sensor_info,
    "imu_info": imu_info,
    "(acc|gyro|magn|imu6|imu9)(_.*)?": motion,
    "time_detailed": time,
    "temp": temperature,
    "hr": heart_rate,
    "energy": energy,
    "gsp": packet,
}
