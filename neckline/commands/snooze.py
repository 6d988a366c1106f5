"""`neckline snooze`: no alerts for a while; they come back by themselves."""

from pathlib import Path

from neckline.commands import outside
from neckline.commands.talk import say
from neckline.config import Config
from neckline.control_client import Client
from neckline.memory import Memory
from neckline.snoozing import snoozed_until
from neckline.wearer import Wearer
from neckline.words import day_and_clock
from storage.entries import Batch, Stream
from storage.journal import Journal


def snooze(config: Config, journal_path: Path, words: list[str]) -> None:
    """Tell the running service, or leave it in the journal for the next one; ValueError when the words say no time."""
    now_ns = outside.utc_ns()
    until_ns = snoozed_until(words, now_ns)
    client = Client.connect(journal_path)
    if client:
        client.snooze(until_ns)
    else:
        stream = Stream(config.wearer_id(), config.wearer.placement)
        records = Wearer(config.settings(), Memory()).snooze(until_ns, now_ns)
        with Journal.open(journal_path, "neckline snooze") as journal:
            journal.commit([Batch(stream, records)])
    if until_ns is None:
        say("alerts are on again")
    else:
        say(f"no alerts until {day_and_clock(until_ns, now_ns)}; everything else goes on")
    if not client:
        say("neckline is not running: this holds for the next `neckline run`")
