"""One process owns an adapter; a notification that comes twice counts once."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sensor.adapters import adapter_of, claim
from sensor.arrivals import REPEAT_S, Arrivals
from sensor.errors import BluetoothTakenError
from tests import virtual_time

OWNER = """
import sys
from sensor.adapters import claim
claim("hci7")
print("claimed", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """Yield another process that owns hci7 of a bus which nobody else in these tests is on."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/of-this-test")
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "claimed\n"
        yield process
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="adapters are claimed on Linux alone")
def test_an_adapter_belongs_to_one_process_until_it_dies(owner: subprocess.Popen[str]) -> None:
    """Another's adapter is refused with a way out, a second one is free, and a killed owner leaves nothing behind."""
    with pytest.raises(BluetoothTakenError, match="hci7 is in use by another neckline"):
        claim("hci7")
    claim("hci8")
    claim("hci8")
    owner.kill()
    owner.wait(10)
    claim("hci7")


@pytest.mark.parametrize(
    ("details", "adapter"),
    [
        ({"path": "/org/bluez/hci1/dev_C4_A3_FC_76_9B_33"}, "hci1"),
        ({"path": "/somewhere/else"}, None),
        ({}, None),
        (("a peripheral of macOS", "its manager"), None),
    ],
)
def test_bluez_tells_by_which_adapter_a_clip_was_heard(details: object, adapter: str | None) -> None:
    """The path of its object says so; other systems tell nothing."""
    assert adapter_of(details) == adapter


def test_what_comes_twice_at_once_counts_once() -> None:
    """The same bytes again at once are the same notification; later, shorter or from elsewhere they are another."""

    async def scenario() -> tuple[int, int]:
        arrivals, frame = Arrivals(), bytes(range(20))
        taken = 0
        for characteristic, data in [
            ("a", frame),
            ("a", frame),
            ("b", frame),
            ("a", b"\x01"),
            ("a", b"\x01"),
        ]:
            arrivals.put(characteristic, data)
        await asyncio.sleep(2 * REPEAT_S)
        arrivals.put("a", frame)
        await asyncio.sleep(2 * REPEAT_S)
        arrivals.put("a", frame)
        while await arrivals.get(0.1):
            taken += 1
            if taken == 6:
                break
        return taken, arrivals.repeated

    assert virtual_time.run(scenario()) == (6, 1)
