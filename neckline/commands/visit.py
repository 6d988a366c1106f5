"""`neckline visit`: therapist and wearer met; trends are read from one visit to the next."""

from pathlib import Path

from neckline.commands import machine
from neckline.commands.dates import local_ns
from neckline.commands.output import say
from neckline.configuration.config import Config
from neckline.control.client import Client
from neckline.screen.words import day_and_clock
from neckline.wearing.visiting import visit_at
from storage.entries import Batch, Stream
from storage.journal import Journal


def visit(config: Config, journal_path: Path, when: str | None) -> None:
    """Tell the running service, or store it; ValueError for a time that is none, or is to come."""
    now_ns = machine.utc_ns()
    time_ns = local_ns(when) if when else now_ns
    if time_ns > now_ns:
        raise ValueError(f'"{when}" is still to come')
    client = Client.connect(journal_path)
    if client:
        client.visit(time_ns)
    else:
        stream = Stream(config.wearer_id(), config.wearer.placement)
        with Journal.open(journal_path, "neckline visit") as journal:
            journal.commit([Batch(stream, (visit_at(time_ns),))])
    say(f"a visit is noted: {day_and_clock(time_ns, now_ns)}")
