"""Polar's vectors, through `firmware_protocol.polar_pmd` and its data."""

from collections.abc import Mapping

from benchmarks.vectors.vector import NoWordError, Reader, Said, Vector
from firmware_protocol import polar_pmd, polar_pmd_data
from firmware_protocol.errors import MalformedFrameError
from firmware_protocol.fields import Triple
from firmware_protocol.polar_pmd import ControlResponse, DataFrame, Features, MeasurementType, Settings

LONGEST_MISSING = 128
"""Bytes that a fixture may lack of its last block."""


def _times(time_ns: int, count: int, previous_ns: int, rate_hz: int) -> list[int]:
    """Return sample times; the vendor's tests say 0 where there is no frame before."""
    if previous_ns == 0:
        return polar_pmd_data.times_back_ns(time_ns, count, rate_hz)
    return polar_pmd_data.times_since_ns(previous_ns, time_ns, count)


def frame(vector: Vector) -> Said:
    """Read a notification of data."""
    told = DataFrame.from_bytes(vector.data)
    factor = vector.ctx.get("factor", 1.0)
    facts: dict[str, object] = {"ts_ns": told.time_ns}
    samples = _samples(told, factor)
    facts |= {
        "samples": samples,
        "n": len(samples),
        "first": samples[0],
        "last": samples[-1],
        "unit": _UNITS[told.measurement],
    }
    if len(samples) > 1:
        facts["second"] = samples[1]
    if told.compressed:
        facts["raw"] = polar_pmd_data.compressed_samples(told.content, _channels(told), _bits(told))
    if "prev_ts" in vector.ctx:
        facts["sample_ts"] = _times(
            told.time_ns, len(samples), vector.ctx["prev_ts"], vector.ctx.get("rate_hz", 0)
        )
    return Said(facts, bytes(told))


_UNITS: Mapping[int, str] = {
    MeasurementType.ACC: "mG",
    MeasurementType.GYRO: "dps",
    MeasurementType.MAG: "gauss",
}


def _samples(told: DataFrame, factor: float) -> list[Triple] | list[tuple[int, ...]]:
    if told.measurement == MeasurementType.ACC:
        # The vendor's tests are in whole thousandths, the fraction cut off.
        return [tuple(map(int, sample)) for sample in polar_pmd_data.acc_mg(told, factor)]
    if told.measurement == MeasurementType.GYRO:
        return polar_pmd_data.gyr_degps(told, factor)
    return polar_pmd_data.mag_gauss(told, factor)


def _channels(told: DataFrame) -> int:
    return 4 if told.measurement == MeasurementType.MAG and told.type == 1 else 3


def _bits(told: DataFrame) -> int:
    return 32 if told.measurement == MeasurementType.GYRO and told.type == 1 else 16


def content(vector: Vector) -> Said:
    """Read compressed content without its frame, and once more after it was written."""
    channels, bits = vector.ctx["ch"], vector.ctx["res"]
    samples = _completed(vector.data, channels, bits)
    again = polar_pmd_data.compressed_samples(
        polar_pmd_data.compressed_content(samples, bits), channels, bits
    )
    if again != samples:
        raise MalformedFrameError("other samples after they were written", vector.data)
    facts: dict[str, object] = {"n": len(samples), "samples": samples, "raw": samples, "values": samples[0]}
    for name, at in (("first", 0), ("second", 1), ("last", -1)):
        if len(samples) > 1:
            facts |= {name: samples[at], f"raw_{name}": samples[at]}
    return Said(facts)


def _completed(data: bytes, channels: int, bits: int) -> list[tuple[int, ...]]:
    """Read content; where a fixture is cut in its last block, with the zeros that its source counts as differences.

    The product refuses such content: the samples that zeros make were never measured.
    """
    for missing in range(LONGEST_MISSING):
        try:
            return polar_pmd_data.compressed_samples(data + bytes(missing), channels, bits)
        except MalformedFrameError:
            continue
    return polar_pmd_data.compressed_samples(data, channels, bits)


def content_or_frame(vector: Vector) -> Said:
    """Read compressed content; where no layout is told beside it, its frame is before it."""
    return content(vector) if "ch" in vector.ctx else frame(vector)


def settings(vector: Vector) -> Said:
    """Read what a sensor offers."""
    told = Settings.from_bytes(vector.data)
    facts = {
        "rate": told.rates_hz,
        "resolution": told.resolutions_bit,
        "range": told.ranges,
        "range_milli": told.ranges_milli,
        "channels": told.channels,
        "factor": told.factor,
    }
    return Said(facts, bytes(told) if "range_milli" not in vector.expect else None)


def response(vector: Vector) -> Said:
    """Read the answer to a command."""
    told = ControlResponse.from_bytes(vector.data)
    facts = {
        "op": told.operation,
        "type": told.measurement,
        "status": told.status,
        "more": told.more,
        "params": told.parameters.hex(),
    }
    return Said(facts, bytes(told))


def features(vector: Vector) -> Said:
    """Read what can be measured."""
    told = Features.from_bytes(vector.data)
    return Said({"features": sorted(kind.name for kind in told.measurements)}, bytes(told))


def command(vector: Vector) -> Said:
    """Read a command, written from what it is for."""
    expect = vector.expect
    kind = MeasurementType[expect["type"]]
    facts = {word: expect[word] for word in ("cmd", "type", "rate", "res", "range", "ch") if word in expect}
    if expect["cmd"] == "stop":
        return Said(facts, polar_pmd.stop(kind))
    if expect["cmd"] in {"settings", "get_settings"}:
        return Said(facts, polar_pmd.get_settings(kind))
    if expect["cmd"] != "start":
        raise NoWordError(f"no command {expect['cmd']}")
    if kind is MeasurementType.SDK:
        return Said(facts, polar_pmd.start_sdk_mode())
    written = polar_pmd.start(
        kind,
        rate_hz=expect["rate"],
        resolution_bit=expect["res"],
        full_scale=expect.get("range"),
        channels=expect.get("ch"),
    )
    return Said(facts, written)


def timestamps(vector: Vector) -> Said:
    """Read times of a frame's samples."""
    told = vector.expect["inp"]
    return Said({"inp": told, "out": _times(told["ts"], told["n"], told["prev"], told["rate"])})


READERS: Mapping[str, Reader] = {
    "(acc|gyro|mag)_(raw|delta)_type[0-9]": frame,
    "(acc|gyro|mag)_delta_content.*|delta_blocks.*|ref_sample": content_or_frame,
    "settings": settings,
    "cp_response": response,
    "features?": features,
    "command": command,
    "timestamps": timestamps,
}
