"""`neckline snooze`: no alerts for a while; they come back by themselves."""

from pathlib import Path

from neckline.commands import machine
from neckline.commands.output import say
from neckline.configuration.config import Config
from neckline.control.client import Client
from neckline.screen.words import day_and_clock
from neckline.wearing.snoozing import snoozed_until
from neckline.wearing.wearer import snooze_event
from storage.entries import Batch, Stream
from storage.journal import Journal


def snooze(config: Config, journal_path: Path, words: list[str]) -> None:
    """Tell the running service, or leave it in the journal for the next one; ValueError when the words say no time."""
    now_ns = machine.utc_ns()
    until_ns = snoozed_until(words, now_ns)
    client = Client.connect(journal_path)
    if client:
        client.snooze(until_ns)
    else:
        stream = Stream(config.wearer_id(), config.wearer.placement)
        with Journal.open(journal_path, "neckline snooze") as journal:
            journal.commit([Batch(stream, (snooze_event(until_ns, now_ns),))])
    if until_ns is None:
        say("alerts are on again")
    else:
        say(f"no alerts until {day_and_clock(until_ns, now_ns)}; everything else goes on")
    if not client:
        say("neckline is not running: this holds for the next `neckline run`")
