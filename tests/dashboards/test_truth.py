"""What a panel says is what its query computes: asked of a real InfluxDB, of rows whose answer is known."""

import time
from dataclasses import replace

import pytest

from dashboards.boards import boards
from dashboards.queries import CHOSEN
from dashboards.response import response_asks
from processing.outputs import Activity, Epoch, Posture
from storage.entries import Stream
from storage.schema import ServiceHealth
from tests.dashboards.asking import BESIDE, NOON_NS, asked, target
from tests.dashboards.seeding import DAY_NS, MINUTE_NS, STILL, UNWORN, seeded, shifted, store, synthetic
from tests.processing.people import START_NS, Held, run, samples, settings
from tests.storage.servers import Server

HOUR_NS = 60 * MINUTE_NS


@pytest.mark.influxdb
@pytest.mark.parametrize(
    ("zone", "worn_h"), [("UTC", {"02": 1.0}), ("Asia/Kolkata", {"02": 0.5, "03": 0.5}), ("America/New_York", {"02": 1.0})]
)  # fmt: skip
def test_a_day_is_summed_from_the_wearers_midnight_on(
    server: Server, zone: str, worn_h: dict[str, float]
) -> None:
    """An hour across midnight in Kolkata is half of either day there, in the time worn and in what is little."""
    stream, evening_ns = server.stream(), NOON_NS + DAY_NS + 6 * 3600 * 10**9
    store(server, stream, [replace(STILL, start_ns=evening_ns + at * MINUTE_NS) for at in range(60)])
    for at, wanted in ((0, worn_h), (1, dict.fromkeys(worn_h, 1 / 3600))):
        query, board = target("neckline-review", "Time worn a day", at)
        later = NOON_NS + 5 * DAY_NS
        days = {
            time.strftime("%d", time.gmtime((row["time"] + 12 * 3600 * 10**9) // 10**9)): value / 3600
            for row in server.query(asked(query, board, stream.wearer, zone, later))
            for name, value in row.items()
            if name not in BESIDE
        }
        assert days == wanted


@pytest.mark.influxdb
def test_what_was_not_judged_has_no_share(server: Server) -> None:
    """Neither a day, nor a week, nor a wearer of whom nothing was judged is shown as slouching for none of the time."""
    for now_ns, minute, share in ((NOON_NS, UNWORN, []), (NOON_NS - DAY_NS, STILL, [50.0])):
        stream = server.stream()
        store(server, stream, [replace(minute, start_ns=now_ns - at * MINUTE_NS) for at in range(1, 60)])
        for uid, title in (
            ("neckline-today", "Slouched share of judged time"),
            ("neckline-review", "Slouched share between the visits"),
            ("neckline-review", "Slouched share of judged time a day"),
            ("neckline-cohort", "Slouched share of each wearer"),
        ):
            query, board = target(uid, title)
            found = server.query(asked(query, board, stream.wearer, now_ns=now_ns))
            shares = [row["slouched"] for row in found if row.get("wearer", stream.wearer) == stream.wearer]
            assert [known for known in shares if known is not None] == share, title


@pytest.mark.influxdb
def test_a_week_that_was_not_judged_is_no_change(server: Server) -> None:
    """Of three weeks the middle one was not worn: the last is compared with the first."""
    stream = server.stream()
    for back, minute in ((14, STILL), (7, UNWORN), (0, replace(STILL, upright_s=45, slouched_s=15))):
        store(server, stream, [replace(minute, start_ns=NOON_NS - back * DAY_NS - MINUTE_NS)])
    query, board = target("neckline-cohort", "Who changed: slouched share from week to week")
    found = server.query(asked(query, board, stream.wearer))
    assert [row["change"] for row in found if row["wearer"] == stream.wearer] == [-25.0]


@pytest.mark.influxdb
def test_samples_are_lost_of_all_of_the_grid(server: Server) -> None:
    """Damaged ones are of the grid, too; what two clips give together has no samples of its own."""
    wearer = server.stream().wearer
    minute = replace(STILL, start_ns=NOON_NS - MINUTE_NS, received=50, missing=25, corrupt=25)
    for placement in ("t4", "head", "head-on-trunk"):
        store(server, Stream(wearer, placement), [minute])
    query, board = target("neckline-fleet", "Samples lost")
    found = {
        row["placement"]: row["lost"]
        for row in server.query(asked(query, board, wearer))
        if row["wearer"] == wearer and row["lost"] is not None
    }
    assert found == {"t4": 25.0, "head": 25.0}


@pytest.mark.influxdb
def test_alerts_are_told_at_their_own_time(server: Server) -> None:
    """However much of the slouch before was a dip, or not judged; in milliseconds, as Grafana subtracts."""
    stream, begin_s = Stream("w-dips", "t4"), (NOON_NS - START_NS) // 10**9 - 600
    outputs = run([samples([Held(20), Held(30, 20.0), Held(2), Held(60, 20.0), Held(30)])], settings())
    (alert,) = (event for event in outputs.events if event.evidence)
    store(server, stream, shifted(outputs.events, begin_s * 10**9))
    today = next(board for board in boards() if board["uid"] == "neckline-today")
    told, _ = (asked(each.query, today, stream.wearer) for each in response_asks(CHOSEN))
    (row,) = server.query(told)
    assert row["told"] == pytest.approx(alert.time_ns / 1e6 + begin_s * 1e3, abs=1)


@pytest.mark.influxdb
def test_the_head_is_not_added_to_the_back(server: Server) -> None:
    """A second clip's stream changes no sum of a wearer."""
    stream = seeded(server, NOON_NS)
    worn = next(board for board in boards() if board["uid"] == "neckline-today")["panels"][0]
    query = asked(worn["targets"][0]["query"], boards()[0], stream.wearer)
    before = server.query(query)
    for placement in ("head", "head-on-trunk"):
        store(server, Stream(stream.wearer, placement), synthetic())
    assert server.query(query) == before


@pytest.mark.influxdb
def test_an_alert_counts_while_its_slouch_goes_on(server: Server) -> None:
    """Told is told: the number of today does not wait for the end."""
    stream, begin_ns = server.stream(), NOON_NS - START_NS - HOUR_NS
    outputs = run([samples([Held(20), Held(90, 20.0)])], settings())
    store(server, stream, shifted((event for event in outputs.events if event.end_ns is None), begin_ns))
    query, board = target("neckline-today", "Alerts")
    assert [row["alerts"] for row in server.query(asked(query, board, stream.wearer))] == [1]


@pytest.mark.influxdb
def test_a_clip_that_lies_about_is_no_back(server: Server) -> None:
    """Its angle is on no line; that of a wearer who moves is."""
    stream = server.stream()
    epoch = Epoch(0, 50, 0, 0, Activity.MOVING, Posture.UNKNOWN, 10.0, 0.0, 0.1)
    table = replace(epoch, activity=Activity.NOT_WORN, sagittal_deg=-80.0)
    store(server, stream, [replace(epoch, start_ns=NOON_NS - at * 10**9) for at in range(121, 181)])
    store(server, stream, [replace(table, start_ns=NOON_NS - at * 10**9) for at in range(1, 121)])
    query, board = target("neckline-today", "Inclination of the upper back")
    found = [row["inclination"] for row in server.query(asked(query, board, stream.wearer))]
    assert {angle for angle in found if angle is not None} == {10.0}


@pytest.mark.influxdb
def test_where_a_service_did_not_run_its_rows_have_a_gap(server: Server) -> None:
    """A minute without a row is null, not joined over; so in the link's states, and in what was lost."""
    stream = server.stream()
    minutes = [NOON_NS - at * MINUTE_NS for at in (5, 4, 2, 1)]
    well = ServiceHealth(0, "streaming", 0.0, 0, 80.0, 0, 0, 0, 0.0, 0)
    store(server, stream, [replace(well, time_ns=at) for at in minutes])
    store(server, stream, [replace(STILL, start_ns=at) for at in minutes])
    for title, name in (
        ("Links", "link"),
        ("Samples lost", "lost"),
        ("Rows waiting for InfluxDB", "backlog_rows"),
    ):
        query, board = target("neckline-fleet", title)
        found = server.query(asked(query.replace("$__interval", "1m"), board, stream.wearer))
        known = [row[name] is not None for row in found if row["wearer"] == stream.wearer]
        assert known[-6:-1] == [True, True, False, True, True], title


@pytest.mark.influxdb
def test_hours_are_those_of_a_zone_of_half_hours_too(server: Server) -> None:
    """Half an hour before midnight in Kolkata, and half an hour after, are of two hours, and of no row together."""
    stream, midnight_ns = server.stream(), NOON_NS - DAY_NS + 6 * HOUR_NS + 30 * MINUTE_NS
    store(server, stream, [replace(STILL, start_ns=midnight_ns + at * MINUTE_NS) for at in range(-30, 30)])
    query, board = target("neckline-review", "Slouched share by hour and weekday")
    judged_s = {False: 0, True: 0}
    for row in server.query(asked(query, board, stream.wearer)):
        judged_s[row["time"] >= midnight_ns] += row["slouched"] + row["upright"]
    assert judged_s == {False: 1800, True: 1800}


def test_no_interval_is_shorter_than_rows_are_apart() -> None:
    """Or each row would stand between nulls, on a short span: every panel that fills with them by Grafana's interval says how often."""
    for board in boards():
        for panel in board["panels"]:
            if any(
                "$__interval" in each["query"] and "fill(null)" in each["query"] for each in panel["targets"]
            ):
                assert panel["interval"] in {"1s", "1m"}, panel["title"]
