"""Makes the pictures of the dashboards: `python -m docs.make_dashboard_pictures`, some minutes; wants influxd and nginx.

Four generated wearers go through the product's own detector for four weeks of workdays; what it finds is forwarded to a
real InfluxDB, each panel's own query is asked there, and the rows are drawn (`docs.panel_drawing`). It is no Grafana.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.people import CALIBRATE_S, life
from dashboards.boards import boards
from dashboards.check import filled
from docs.panel_drawing import Answered, board_svg
from neckline.wearing.visiting import visit_at
from processing.calibration import calibrate
from processing.outputs import Epoch, Event, EventKind
from processing.settings import Settings
from processing.state import WearerState
from processing.step import finish, step
from sensor.samples import BatteryReading
from storage.entries import Stream
from storage.schema import Record, ServiceHealth
from tests.dashboards.seeding import store
from tests.storage.servers import Server, own_server

IMAGES = Path(__file__).parent / "images"
ZONE = "Europe/Berlin"
NOW_NS = round(datetime(2026, 11, 20, 17, 0, tzinfo=ZoneInfo(ZONE)).timestamp()) * 10**9
HOUR_NS, DAY_NS = 3600 * 10**9, 86_400 * 10**9
DAYS, HOURS = 28, 7.5
WEARERS = ("w-3c81", "w-7f3a", "w-a902", "w-e44d")
CHOSEN = WEARERS[1]
SPANS_NS = {"now/d": 9 * HOUR_NS, "now-24h": DAY_NS, "now-28d/d": 28 * DAY_NS + 17 * HOUR_NS}
VISITS_NS = (NOW_NS - 25 * DAY_NS - 8 * HOUR_NS, NOW_NS)


def records(number: int, wearer: str) -> Iterator[Record]:
    """Yield what a wearer's workdays come to, and what a service adds; seconds of the last day alone."""
    settings = Settings(calibration=calibrate(life(1000 * number).samples(*CALIBRATE_S)))
    for back in range(DAYS):
        end_ns = NOW_NS - back * DAY_NS
        when = datetime.fromtimestamp(end_ns // 10**9, ZoneInfo(ZONE))
        if when.weekday() >= 5 or (wearer == WEARERS[0] and back < 4):
            continue
        hours = HOURS if wearer != WEARERS[2] else 2.5
        block = life(1000 * number + back, hours * 3600).samples()
        shift_ns = end_ns - int(block.time_ns[-1])
        block = replace(block, time_ns=block.time_ns + shift_ns)
        state, outputs = step(WearerState(), block, settings)
        _, rest = finish(state, settings)
        for found in (outputs, rest):
            for record in (*found.epochs, *found.minutes, *found.episodes, *found.events):
                if back == 0 or not isinstance(record, Epoch):
                    yield record
        for at in range(0, int(hours * 60), 5 if back else 1):
            time_ns = end_ns - at * 60 * 10**9
            yield BatteryReading(time_ns, 35.0 + at / 10, 3.8)
            yield ServiceHealth(time_ns, "streaming", 0.0, 0, 35.0 + at / 10, 3, 0, 8, 1.2, 0)
        yield Event(end_ns - round(hours * HOUR_NS), EventKind.CALIBRATED, note="sitting, threshold 12°")
    yield from map(visit_at, VISITS_NS)


def answered(server: Server, board: dict[str, Any]) -> list[Answered]:
    """Ask what each panel asks."""
    begin_ns = NOW_NS - SPANS_NS[board["time"]["from"]]
    since, until = (visit_at(ns).note for ns in VISITS_NS)
    chosen = {"wearer": CHOSEN, "zone": ZONE, "since": since, "until": until}
    interval_s = max(10, (NOW_NS - begin_ns) // 10**9 // 400)
    found = []
    for panel in board["panels"]:
        rows = []
        for target in panel["targets"]:
            query = filled(target["query"], chosen)
            query = query.replace("$timeFilter", f"time >= {begin_ns} and time <= {NOW_NS}")
            asked = server.query(query.replace("$__interval", f"{interval_s}s"))
            rows.append(
                [{**row, **({"time": row["time"] // 10**6} if "time" in row else {})} for row in asked]
            )
        found.append(Answered(panel, rows, begin_ns // 10**6, NOW_NS // 10**6, ZONE))
    return found


def main() -> None:
    """Seed, ask, draw."""
    with tempfile.TemporaryDirectory() as folder, own_server(Path(folder)) as started:
        server = started.fresh_bucket()
        for number, wearer in enumerate(WEARERS, 1):
            store(server, Stream(wearer, "t4"), list(records(number, wearer)))
        for board in boards():
            path = IMAGES / f"{board['uid']}.svg"
            path.write_text(board_svg(board["title"], answered(server, board)), encoding="utf-8")


if __name__ == "__main__":
    main()
