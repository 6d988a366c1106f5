"""scan, pair, calibrate and doctor on the virtual radio: what people see, what is stored, and every way it can fail."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from neckline.commands import machine
from neckline.configuration.file import load
from neckline.exits import Exit
from processing.outputs import EventKind, Stance
from sensor.bluetooth import Bluetooth
from storage.entries import Stream
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import CALIBRATION, EVENT
from tests import virtual_time
from tests.neckline.conftest import WEARER, Home, Said
from tests.sensor.conformance import CASES
from tests.sensor.worlds import HAS_BUMBLE, MAC, OTHER_MAC, radio

if HAS_BUMBLE:
    from sensor.virtual.firmware import Firmware
    from sensor.virtual.motion import SLOUCH, UPRIGHT, WALK, Pose, ScriptedPerson
    from sensor.virtual.unit import Unit
    from sensor.virtual.world import VirtualWorld, virtual_world

pytestmark = radio

Neckline = Callable[..., Said]
CLIP: dict[str, str | float | bool] = {
    "family": "witmotion",
    "name": "WT901BLE",
    "address": MAC,
    "serial": MAC,
    "rate_hz": 50.0,
}


class Air:
    """The room that every command of a test enters: one clip on a person, and whatever a test does to it."""

    def __init__(self) -> None:
        self.mac = MAC
        self.script = [(UPRIGHT, 9.0), (SLOUCH, 8.5), (UPRIGHT, 600.0)]
        self.change: Callable[[VirtualWorld[Any]], None] = lambda _world: None
        self.second = False
        self.second_script = self.script
        self.unit: Callable[[], Unit] = lambda: Firmware(ScriptedPerson(self.script), mac=self.mac)

    @asynccontextmanager
    async def bluetooth(self) -> AsyncGenerator[Bluetooth, None]:
        """Open it anew."""
        async with virtual_world(self.unit()) as world:
            if self.second:
                await world.add_clip(
                    Firmware(ScriptedPerson(self.second_script), mac=OTHER_MAC), name="WT901BLX"
                )
            self.change(world)
            yield world.bluetooth


def utc_ns() -> int:
    """Return the virtual time, also between two loops."""
    try:
        return virtual_time.utc_ns()
    except RuntimeError:
        return virtual_time.START_NS + 60 * 10**9


@pytest.fixture
def air(monkeypatch: pytest.MonkeyPatch) -> Air:
    """Put commands on the virtual radio and on virtual time."""
    air = Air()
    monkeypatch.setattr(machine, "bluetooth", air.bluetooth)
    monkeypatch.setattr(machine, "run", virtual_time.run)
    monkeypatch.setattr(machine, "utc_ns", utc_ns)
    return air


def leave(world: "VirtualWorld[Any]") -> None:
    """Take the clip out of range."""
    world.radio.leave(world.clip._controller)


def switch_off(world: "VirtualWorld[Any]") -> None:
    """Switch the computer's Bluetooth off."""
    world._scanner.powered = False


# ---- scan ------------------------------------------------------------------------------------------------------------


def test_scan_shows_the_clip_and_how_to_pair(neckline: Neckline, air: Air) -> None:
    """Name, family, address and signal as data; the next step as talk."""
    said = neckline("scan")
    assert said.code == Exit.OK
    assert said.out.splitlines()[0].split() == ["name", "family", "address", "signal"]
    assert said.out.splitlines()[1].split()[:3] == ["WT901BLE", "witmotion", MAC]
    assert "neckline pair" in said.err
    (clip,) = json.loads(neckline("scan", "--json").out)
    assert (clip["address"], clip["family"]) == (MAC, "witmotion")


def test_scan_that_hears_nobody_says_what_to_do(neckline: Neckline, air: Air) -> None:
    """An exit code of its own, and an empty document."""
    air.change = leave
    said = neckline("scan", "--json", "--seconds", 2)
    assert (said.code, json.loads(said.out)) == (Exit.CLIP, [])
    assert "no clip was heard in 2 s" in said.err
    assert "→ switch the clip on" in said.err


def test_bluetooth_that_is_off_is_told(neckline: Neckline, air: Air, home: Home) -> None:
    """By every command that needs it."""
    air.change = switch_off
    home.set(clip=CLIP)
    for words in (["scan"], ["pair"], ["calibrate"]):
        said = neckline(*words)
        assert said.code == Exit.BLUETOOTH, words
        assert "Bluetooth is switched off" in said.err


@pytest.mark.skipif(sys.platform != "linux", reason="D-Bus is how Linux reaches Bluetooth")
def test_a_computer_without_bluetooth_is_told(home: Home) -> None:
    """A sentence, the way out, exit code 4, and no traceback: the real command, bleak's own backend."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home.folder),
        "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={home.folder}/no-bus",
    }
    words = [sys.executable, "-c", "from neckline.cli.app import main; main()", "scan", "--seconds", "1"]
    said = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == Exit.BLUETOOTH
    assert not said.stdout
    assert "neckline: this computer has no working Bluetooth" in said.stderr
    assert "→ plug in a Bluetooth adapter" in said.stderr
    assert "Traceback" not in said.stderr


# ---- pair ------------------------------------------------------------------------------------------------------------


def test_pair_writes_the_clip_and_a_pseudonym(neckline: Neckline, air: Air, home: Home) -> None:
    """The only clip in range is taken; what it says of itself is told; a first wearer gets a random name."""
    said = neckline("--config", home.config, "pair")
    assert said.code == Exit.OK
    assert f"serial number {MAC}" in said.err
    assert "firmware 10080.1.22" in said.err
    assert "battery" in said.err
    config = load(home.config)
    assert config.binding().serial == config.binding().address == MAC
    assert config.wearer_id() in said.err
    assert home.config.stat().st_mode & 0o777 == 0o600


def test_pairing_again_keeps_everything_else(neckline: Neckline, air: Air, home: Home) -> None:
    """Another clip, the same wearer, the same settings and comments, the same rate."""
    home.set(
        clip={**CLIP, "rate_hz": 100.0, "address": OTHER_MAC, "serial": OTHER_MAC}, detector={"hold_s": 90.0}
    )
    before = home.config.read_text().replace(OTHER_MAC, MAC)
    assert neckline("pair").code == Exit.OK
    config = load(home.config)
    assert (config.binding().address, config.binding().rate_hz) == (MAC, 100.0)
    assert (config.wearer_id(), config.detector.hold_s) == (WEARER, 90.0)
    assert home.config.read_text() == before


def test_of_several_clips_one_is_named(neckline: Neckline, air: Air, home: Home) -> None:
    """Without a terminal they are listed and none is taken; by address or name the right one is."""
    air.second = True
    said = neckline("--config", home.config, "pair")
    assert said.code == Exit.CLIP
    assert "several clips are in range" in said.err
    assert MAC in said.err
    assert OTHER_MAC in said.err
    assert not home.config.exists()
    assert neckline("--config", home.config, "pair", OTHER_MAC.lower()).code == Exit.OK
    assert load(home.config).binding().address == OTHER_MAC
    assert neckline("pair", "wt901ble").code == Exit.OK
    assert load(home.config).binding().address == MAC


@pytest.mark.parametrize("family", ["movella_dot", "thingy52"])
def test_pairing_with_another_family_takes_a_rate_that_it_has(
    neckline: Neckline, air: Air, home: Home, family: str
) -> None:
    """What was set for the clip before and this one does not offer gives way; without a serial number none is told."""
    home.set(clip={**CLIP, "rate_hz": 200.0})
    case = next(case for case in CASES if case.name == family)
    air.unit = case.unit
    said = neckline("--config", home.config, "pair")
    assert said.code == Exit.OK
    assert "None" not in said.err
    clip = load(home.config).clip
    assert clip is not None
    assert (clip.family, clip.rate_hz, clip.serial) == (
        family,
        case.family.default_rate_hz,
        case.serial or None,
    )


def test_a_second_clip_is_paired_for_the_head(neckline: Neckline, air: Air, home: Home) -> None:
    """The clip that is worn on the back is not offered; both are then looked for by doctor, and captured at once."""
    air.second, air.second_script = True, [(UPRIGHT, 17.5), (Pose(sagittal_deg=30.0), 8.5), (UPRIGHT, 600.0)]
    home.set(clip=CLIP)
    said = neckline("pair", "--placement", "head")
    assert said.code == Exit.OK, said.err
    config = load(home.config)
    head = config.head_binding()
    assert (config.binding().address, head and head.address) == (MAC, OTHER_MAC)
    looked = {each["what"]: each for each in json.loads(neckline("doctor", "--json").out)}
    assert [looked[what]["found"] for what in ("clip", "head clip")] == ["ok", "ok"]
    said = neckline("calibrate")
    assert said.code == Exit.OK, said.err
    assert said.err.count("Now sit tall again, and look down") == 1
    with JournalReader.open(home.journal) as reader:
        captured = [reader.last(CALIBRATION, Stream(WEARER, place)) for place in ("t4", "head")]
    assert all(captured)
    assert neckline("pair", MAC, "--placement", "head").code == Exit.CLIP
    assert load(home.config) == config


def test_on_a_terminal_pair_asks(
    neckline: Neckline, air: Air, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the answer is one of the numbers; an end of input takes none."""
    air.second = True
    answers = iter(["x\n", "3\n", "2\n"])

    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return next(answers, "")

    monkeypatch.setattr(sys, "stdin", Terminal())
    said = neckline("--config", home.config, "pair")
    assert said.code == Exit.OK
    listed = next(line for line in said.err.splitlines() if line.startswith("2 "))
    assert load(home.config).binding().address in listed
    assert neckline("pair").code == Exit.CLIP


def test_a_clip_that_is_not_there_is_told_with_who_is(neckline: Neckline, air: Air, home: Home) -> None:
    """The named address was not heard; another of the family was."""
    said = neckline("--config", home.config, "pair", OTHER_MAC)
    assert said.code == Exit.CLIP
    assert f"({OTHER_MAC}) was not found; heard instead: {MAC}" in said.err
    air.change = leave
    assert neckline("--config", home.config, "pair").code == Exit.CLIP
    assert not home.config.exists()


# ---- calibrate -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stance", Stance)
def test_calibrate_guides_and_stores(neckline: Neckline, air: Air, home: Home, stance: Stance) -> None:
    """Each sentence once, the result in the journal as a calibration and an event."""
    home.set(clip=CLIP)
    said = neckline("calibrate", *(["--standing"] if stance is Stance.STANDING else []))
    assert said.code == Exit.OK
    assert said.err.count("Now slump") == 1
    assert f"calibrated ({stance}): your slump is" in said.err
    with JournalReader.open(home.journal) as reader:
        stream = Stream(WEARER, "t4")
        captured = reader.last(CALIBRATION, stream)
        event = reader.last(EVENT, stream)
    assert captured is not None
    assert event is not None
    assert captured.stance is stance
    assert captured.calibration.slump_deg == pytest.approx(26, abs=3)
    assert captured.calibration.calibration_id in said.err
    assert event.kind is EventKind.CALIBRATED


def test_calibrate_without_a_slump(neckline: Neckline, air: Air, home: Home) -> None:
    """One pose, the default threshold."""
    home.set(clip=CLIP)
    said = neckline("calibrate", "--no-slump")
    assert said.code == Exit.OK
    assert "slump" not in said.err
    assert "slouched counts from 10°" in said.err


def test_a_refused_calibration_stores_nothing(neckline: Neckline, air: Air, home: Home) -> None:
    """The reason and what to do, an exit code of its own."""
    home.set(clip=CLIP)
    air.script = [(WALK, 600.0)]
    said = neckline("calibrate")
    assert said.code == Exit.CALIBRATION
    assert "moving" in said.err
    assert "run `neckline calibrate` again" in said.err
    with JournalReader.open(home.journal) as reader:
        assert reader.streams() == []


def test_calibrate_does_not_wait_for_ever(neckline: Neckline, air: Air, home: Home) -> None:
    """A clip that is away; one at the address that says it is another."""
    home.set(clip=CLIP)
    air.change = leave
    said = neckline("calibrate")
    assert said.code == Exit.CLIP
    assert "was not found" in said.err
    air.change = lambda _world: None
    home.set(clip={"serial": OTHER_MAC})
    said = neckline("calibrate")
    assert said.code == Exit.CLIP
    assert "is another device" in said.err


def test_what_calibrate_lacks_is_told_before_anyone_sits_still(
    neckline: Neckline, air: Air, home: Home
) -> None:
    """No clip, no wearer, a journal that someone owns."""
    home.set()
    assert neckline("calibrate").code == Exit.CONFIG
    home.config.write_text("[clip]\n" + "\n".join(f"{key} = {json.dumps(v)}" for key, v in CLIP.items()))
    said = neckline("calibrate")
    assert (said.code, "names no wearer" in said.err) == (Exit.CONFIG, True)
    home.set(wearer={"id": WEARER})
    with Journal.open(home.journal, "neckline test"):
        said = neckline("calibrate")
    assert said.code == Exit.BUSY
    assert "neckline test (process" in said.err


def test_ctrl_c_while_calibrating_is_clean(
    neckline: Neckline, air: Air, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link ends, nothing is stored, the journal is free again, exit code 130."""
    home.set(clip=CLIP)

    monkeypatch.setattr(machine, "run", asyncio.run)
    monkeypatch.setattr(machine, "bluetooth", _interrupted)
    assert neckline("calibrate").code == Exit.INTERRUPTED
    with Journal.open(home.journal, "the next"):
        pass


@asynccontextmanager
async def _interrupted() -> AsyncGenerator[Bluetooth, None]:
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(60)
    yield Bluetooth()


# ---- doctor ----------------------------------------------------------------------------------------------------------


def findings(said: Said) -> dict[str, dict[str, str]]:
    """Return doctor's findings by what they are about."""
    return {finding["what"]: finding for finding in json.loads(said.out)}


def test_doctor_finds_clip_and_calibration(neckline: Neckline, air: Air, home: Home) -> None:
    """Each line OK, with what it knows; the calibration is fresh."""
    home.set(clip=CLIP)
    neckline("calibrate")
    found = findings(neckline("doctor", "--json"))
    for what in ("config", "Bluetooth", "clip", "journal", "calibration"):
        assert found[what]["found"] == "ok", found[what]
    assert "firmware 10080.1.22" in found["clip"]["say"]


def test_doctor_tells_what_is_wrong_and_what_to_do(neckline: Neckline, air: Air, home: Home) -> None:
    """Text as well as JSON: no clip in range, no calibration, no journal; exit code 12."""
    home.set(clip=CLIP)
    air.change = leave
    said = neckline("doctor")
    assert said.code == Exit.UNWELL
    assert "NO   clip        the clip WT901BLE" in said.out
    assert "→ switch it on" in said.out
    air.change = switch_off
    found = findings(neckline("doctor", "--json"))
    assert found["Bluetooth"]["found"] == "wrong"
    assert "switched off" in found["Bluetooth"]["say"]
    assert found["journal"]["way_out"]


@pytest.mark.parametrize(
    ("family", "change", "clip", "says"),
    [
        ("witmotion", leave, {}, "was not found"),
        ("witmotion", None, {"serial": OTHER_MAC}, "is another device"),
        ("movella_dot", None, {}, "answers with an error"),
    ],
)
def test_doctor_explains_each_failure_of_a_clip(
    neckline: Neckline,
    air: Air,
    home: Home,
    family: str,
    change: Callable[["VirtualWorld[Any]"], None] | None,
    clip: dict[str, str],
    says: str,
) -> None:
    """Away, another one at its address, one that refuses what it is asked: each by its own sentence and way out."""
    told = CLIP
    if family != "witmotion":
        case = next(case for case in CASES if case.name == family)
        unit = case.unit()
        unit.refuses.update(char.uuid for chars in unit.table.values() for char in chars)
        air.unit = lambda: unit
        told = {"family": family, "name": "mine", "address": unit.mac, "rate_hz": case.rate_hz}
    air.change = change or air.change
    home.set(clip={**told, **clip})
    found = findings(neckline("doctor", "--json"))["clip"]
    assert found["found"] == "wrong"
    assert says in found["say"]
    assert found["way_out"]


def test_doctor_reports_a_damaged_journal(neckline: Neckline, air: Air, home: Home) -> None:
    """A flipped bit in a row is found, and all else is still checked."""
    home.set(clip=CLIP)
    neckline("calibrate")
    data = bytearray(home.journal.read_bytes())
    at = data.rindex(b"calibrated")
    data[at] ^= 1
    home.journal.write_bytes(data)
    said = neckline("doctor", "--json")
    assert said.code == Exit.UNWELL
    assert findings(said)["journal"]["found"] == "wrong"
    assert "InfluxDB" in findings(said)


def test_doctor_with_a_wrong_configuration_says_so(neckline: Neckline, home: Home) -> None:
    """The mistake with its line."""
    home.config.write_text("[detector]\nhold = 3\n")
    said = neckline("doctor", "--json")
    assert said.code == Exit.UNWELL
    assert "line 2: unknown key detector.hold" in findings(said)["config"]["say"]
