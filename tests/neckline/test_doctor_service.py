"""doctor beside a running service: every trouble that the service tells of itself, and the clip that is the service's."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from neckline.control.server import serving
from neckline.wearing.status import ChannelStatus, HeadStatus, InfluxStatus
from processing.outputs import Posture
from sensor.samples import LinkChange, LinkState
from storage.journal import Journal
from tests.neckline.conftest import Home, Said
from tests.neckline.test_control import STATUS, Service

Neckline = Callable[..., Said]
HEAD_STATUS = HeadStatus(
    clip="mine",
    link=None,
    battery=None,
    calibrated_ns=None,
    suspect="",
    quality=None,
    flexion_deg=None,
    threshold_deg=20.0,
    activity=None,
    posture=Posture.UNKNOWN,
    hold_progress=0.0,
)


def examined(neckline: Neckline, home: Home, service: Service) -> dict[str, list[dict[str, str]]]:
    """Return what doctor finds beside a service, by what it is about."""
    home.set()
    Journal.open(home.journal, "a test").close()

    async def beside() -> Said:
        async with serving(service, home.journal):
            return await asyncio.to_thread(neckline, "doctor", "--json")

    found: dict[str, list[dict[str, str]]] = {}
    for each in json.loads(asyncio.run(beside()).out):
        found.setdefault(each["what"], []).append(each)
    return found


def test_doctor_beside_a_service_asks_the_service(neckline: Neckline, home: Home) -> None:
    """The clip is the service's, so Bluetooth is left alone; a service that hangs is told, and all else checked."""
    found = examined(neckline, home, Service())
    assert [each["found"] for each in found["service"]] == ["ok"]
    assert "Bluetooth" not in found
    found = examined(neckline, home, Service(fails=ZeroDivisionError()))
    assert [each["found"] for each in found["service"]] == ["wrong"]
    assert [each["found"] for each in found["journal"]] == ["ok"]


@pytest.mark.parametrize(
    ("link", "found", "says"),
    [
        (None, "wrong", "not connected yet"),
        (LinkChange(3, LinkState.SEARCHING), "wrong", "searching"),
        (LinkChange(3, LinkState.CONNECTING), "wrong", "connecting"),
        (LinkChange(3, LinkState.WAITING, "it was not found"), "wrong", "waiting (it was not found)"),
        (LinkChange(3, LinkState.STREAMING), "ok", "streaming"),
    ],
)
def test_doctor_finds_a_clip_of_a_service_well_while_it_streams_alone(
    neckline: Neckline, home: Home, link: LinkChange | None, found: str, says: str
) -> None:
    """On the back and on the head: anything else is wrong, with the link's reason and what to do."""
    told = replace(STATUS, link=link, head=replace(HEAD_STATUS, link=link))
    answers = examined(neckline, home, Service(told=told))
    for what, name in (("clip", STATUS.clip), ("head clip", HEAD_STATUS.clip)):
        (answer,) = answers[what]
        assert answer["found"] == found
        assert answer["say"].startswith(f"{name}: {says}")
        assert ("switch it on" in answer["way_out"]) is (found == "wrong")


def test_doctor_tells_every_trouble_of_a_service(neckline: Neckline, home: Home) -> None:
    """What the writer, the feed, each channel and the calibrations are in; none of it where all is well."""
    well = replace(
        STATUS,
        link=LinkChange(3, LinkState.STREAMING),
        journal=replace(STATUS.journal, dropped_epochs=0, trouble=""),
        influxdb=InfluxStatus(9, None, 0),
        channels=(ChannelStatus("desktop"), ChannelStatus("push 1")),
        head=replace(HEAD_STATUS, link=LinkChange(3, LinkState.STREAMING)),
    )
    beside = {"writer", "feed", "told by", "reference", "head"}
    assert not beside & examined(neckline, home, Service(told=well)).keys()
    ill = replace(
        well,
        suspect="it has slipped",
        journal=replace(well.journal, dropped_epochs=2, trouble="the disk is full: make room"),
        influxdb=InfluxStatus(9, None, 1, "the token is refused"),
        channels=(ChannelStatus("desktop"), ChannelStatus("push 1", trouble="HTTP 401")),
        head=replace(HEAD_STATUS, link=well.link, suspect="it was turned"),
    )
    found = examined(neckline, home, Service(told=ill))
    told = {what: [(each["found"], each["say"]) for each in found[what]] for what in beside}
    assert told == {
        "writer": [
            ("wrong", "the disk is full: make room"),
            ("note", "2 seconds given up while they could not be written"),
        ],
        "feed": [
            ("wrong", "the token is refused (9 rows to deliver)"),
            ("note", "1 row refused by InfluxDB for good"),
        ],
        "told by": [("note", "push 1: HTTP 401")],
        "reference": [("wrong", "nothing is judged: it has slipped")],
        "head": [("wrong", "nothing is judged: it was turned")],
    }
    assert found["reference"][0]["way_out"] == "`neckline calibrate`"
    ill = replace(ill, channels=ill.channels[1:])
    (unheard,) = examined(neckline, home, Service(told=ill))["told by"]
    assert unheard["found"] == "wrong"
