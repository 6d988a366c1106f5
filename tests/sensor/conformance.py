"""What the conformance suite knows of each family: a unit of it, and how well its numbers come through."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_protocol import capture2go as c2g
from firmware_protocol import metamotion as mbientlab
from firmware_protocol import movella_dot as dot
from firmware_protocol import movesense as gsp
from firmware_protocol import openearable as earable
from firmware_protocol import polar_pmd
from firmware_protocol.metamotion_imu import Chip
from sensor.families import family_named
from sensor.link import ClipBinding
from sensor.samples import STANDARD_GRAVITY_MPS2, SampleBlock
from sensor.session import Family
from sensor.virtual.capture2go import Capture2Go
from sensor.virtual.firmware import NOMINAL_RATES_HZ, RATE, Firmware
from sensor.virtual.metamotion import MetaMotion
from sensor.virtual.motion import RecordedMotion
from sensor.virtual.movella_dot import MovellaDot
from sensor.virtual.movesense import Movesense
from sensor.virtual.openearable import OpenEarable
from sensor.virtual.polar import Polar
from sensor.virtual.thingy52 import Thingy
from tests.sensor.worlds import Listener

STEP, TURNS = 4, 250
"""Rows are numbered in steps of 4 raw counts, 1/512 g: the coarsest family resolves half of that."""


def numbered_motion(seconds: float, rate_hz: float) -> RecordedMotion:
    """Return a motion in which row k says that it is k, to any family's resolution."""
    k = np.arange(round(seconds * rate_hz))
    counts = np.zeros((len(k), 6), np.int16)
    counts[:, 1] = 2048
    counts[:, 0], counts[:, 2], counts[:, 3] = k % TURNS * STEP, k // TURNS * STEP, -(k % 700) * STEP
    return RecordedMotion(counts[:, :3], counts[:, 3:], rate_hz)


def rows_of(listener: Listener) -> NDArray[np.int64]:
    """Return the numbers of the rows that came undamaged, after checking that the gyroscope agrees."""
    numbers = [np.empty(0)]
    for block in listener.blocks:
        there = ~spoiled(block)
        counts = block.acc_mps2[there] / STANDARD_GRAVITY_MPS2 * 2048 / STEP
        row = np.rint(counts[:, 2]) * TURNS + np.rint(counts[:, 0])
        if block.gyr_radps is not None:
            turned = np.rint(np.degrees(block.gyr_radps[there, 0]) * 16.384 / STEP)
            assert (turned == -(row % 700)).all()
        numbers.append(row)
    return np.concatenate(numbers).astype(np.int64)


def spoiled(block: SampleBlock) -> NDArray[np.bool_]:
    """Tell which samples came damaged."""
    parts = [block.acc_mps2] if block.gyr_radps is None else [block.acc_mps2, block.gyr_radps]
    bad = np.isnan(np.hstack(parts))
    return np.array([row.any() for row in bad], np.bool_)


def damaged(listener: Listener) -> int:
    """Return how many samples came damaged."""
    return sum(int(spoiled(block).sum()) for block in listener.blocks)


def grid(listener: Listener, rate_hz: float) -> int:
    """Return how many samples there were by the times of those that came: received, damaged and missing."""
    return 1 + int(np.rint(np.diff(listener.time_ns()) / 1e9 * rate_hz).sum())


@dataclass(frozen=True)
class Case:
    """One family in the suite."""

    name: str
    make: Callable[..., Any]
    """Takes the unit's motion and its rate."""
    rate_hz: float
    other_hz: float
    """Another rate, to which somebody else may have set it."""
    serial: str
    firmware: str
    same_id: dict[str, Any]
    """What makes a second unit of it another one."""
    room: int = 4
    """Packets that a unit holds while it is out of reach, in the test of the balance."""
    strange: tuple[str, bytes] | None = None
    """A message of a kind that no firmware has today."""
    variant: str = ""
    """Which of the family's boards, if they differ."""

    @property
    def family(self) -> Family:
        """The entry in the registry."""
        return family_named(self.name)

    def unit(self, seconds: float = 60.0, **options: Any) -> Any:
        """Return a unit that plays numbered rows."""
        return self.make(numbered_motion(seconds, self.rate_hz), self.rate_hz, **options)

    def binding(self, address: str, name: str, **options: Any) -> ClipBinding:
        """Return what binds a wearer to a unit."""
        told = {"serial": self.serial or None, "rate_hz": self.rate_hz, **options}
        return ClipBinding(family=self.name, address=address, name=name, **told)


def witmotion(motion: RecordedMotion, rate_hz: float, **options: Any) -> Firmware:
    """Return a WitMotion clip, set to this rate."""
    code = {10.0: 0x06, 50.0: 0x08}[rate_hz]
    return Firmware(motion, rates_hz=NOMINAL_RATES_HZ, flash={RATE: code}, **options)


def movella_dot(motion: RecordedMotion, _rate_hz: float, **options: Any) -> MovellaDot:
    """Return a DOT."""
    return MovellaDot(motion=motion, **options)


def metamotion(motion: RecordedMotion, _rate_hz: float, **options: Any) -> MetaMotion:
    """Return a MetaMotion R."""
    return MetaMotion(motion=motion, **options)


def metamotion_s(motion: RecordedMotion, _rate_hz: float, **options: Any) -> MetaMotion:
    """Return a MetaMotion S, whose inertial chip is another."""
    return MetaMotion(motion=motion, chip=Chip.BMI270, **options)


def metamotion_early(motion: RecordedMotion, _rate_hz: float, **options: Any) -> MetaMotion:
    """Return a MetaMotion R whose early firmware sends samples one by one."""
    return MetaMotion(motion=motion, revision=0, **options)


def polar_h10(motion: RecordedMotion, _rate_hz: float, **options: Any) -> Polar:
    """Return an H10."""
    return Polar(motion=motion, **options)


def polar_sense(motion: RecordedMotion, _rate_hz: float, **options: Any) -> Polar:
    """Return a Verity Sense."""
    return Polar(motion=motion, rotates=True, **options)


def movesense(motion: RecordedMotion, _rate_hz: float, **options: Any) -> Movesense:
    """Return a Movesense sensor."""
    return Movesense(motion=motion, **options)


def thingy52(motion: RecordedMotion, _rate_hz: float, **options: Any) -> Thingy:
    """Return a Thingy:52."""
    return Thingy(motion=motion, **options)


def openearable(motion: RecordedMotion, _rate_hz: float, **options: Any) -> OpenEarable:
    """Return an OpenEarable 2."""
    return OpenEarable(motion=motion, **options)


def capture2go(motion: RecordedMotion, _rate_hz: float, **options: Any) -> Capture2Go:
    """Return a Capture2Go."""
    return Capture2Go(motion=motion, **options)


CASES = [
    Case(
        name="witmotion",
        make=witmotion,
        rate_hz=50.0,
        other_hz=10.0,
        serial="C4:A3:FC:76:9B:33",
        firmware="10080.1.22",
        same_id={"mac": "D7:11:22:33:44:55"},
    ),
    Case(
        name="movella_dot",
        make=movella_dot,
        rate_hz=60.0,
        other_hz=20.0,
        serial="0000004000001A5B",
        firmware="2.4.0",
        same_id={"mac": "D4:22:CD:00:1A:5C", "serial": 7},
        strange=(dot.DEVICE_REPORT_UUID, bytes([9]).ljust(36, b"\0")),
    ),
    *(
        Case(
            name="metamotion",
            variant=variant,
            make=make,
            rate_hz=50.0,
            other_hz=25.0,
            serial="E8:C9:8F:52:7B:07",
            firmware="1.7.3",
            same_id={"mac": "E8:C9:8F:52:7B:08"},
            strange=(mbientlab.NOTIFY_UUID, bytes.fromhex("14030102")),
        )
        for variant, make in (("r", metamotion), ("s", metamotion_s), ("early", metamotion_early))
    ),
    *(
        Case(
            name=name,
            make=make,
            rate_hz=rate_hz,
            other_hz=other_hz,
            serial="9B6E3A2C",
            firmware="5.0.0",
            same_id={"mac": "A0:9E:1A:00:00:02", "serial": "9B6E3A2D"},
            strange=(
                polar_pmd.DATA_UUID,
                bytes(polar_pmd.DataFrame(1, 1, 0, compressed=False, content=b"abc")),
            ),
            room=1,
        )
        for name, make, rate_hz, other_hz in (
            ("polar_h10", polar_h10, 50.0, 25.0),
            ("polar_sense", polar_sense, 52.0, 52.0),
        )
    ),
    Case(
        name="movesense",
        make=movesense,
        rate_hz=52.0,
        other_hz=26.0,
        serial="204830000361",
        firmware="2.3.1",
        same_id={"mac": "0C:8C:DC:00:00:02", "serial": "204830000362"},
        strange=(gsp.NOTIFY_UUID, bytes([7, 1, 0, 0])),
        room=2,
    ),
    Case(
        name="thingy52",
        make=thingy52,
        rate_hz=50.0,
        other_hz=25.0,
        serial="",
        firmware="",
        same_id={"mac": "C1:52:00:00:00:02"},
    ),
    Case(
        name="openearable",
        make=openearable,
        rate_hz=50.0,
        other_hz=25.0,
        serial="",
        firmware="2.2.4",
        same_id={"mac": "C2:0E:00:00:00:02"},
        strange=(earable.DATA_UUID, bytes([7, 4]) + bytes(12)),
    ),
    Case(
        name="capture2go",
        make=capture2go,
        rate_hz=50.0,
        other_hz=25.0,
        serial="C2G000",
        firmware="1.4.0",
        same_id={"mac": "C3:2E:00:00:00:02", "serial": "C2G001"},
        strange=(c2g.NOTIFY_UUID, b"\xff" + bytes(c2g.Package(0x0999, b"abc"))),
        room=1,
    ),
]
