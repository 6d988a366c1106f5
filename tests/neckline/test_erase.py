"""`neckline erase`: asks before, deletes, leaves a receipt, says what it could not do, and nobody comes back."""

import json
from collections.abc import Callable

import pytest

from neckline.exits import Exit
from neckline.watching.simulated import WEARER_ID
from storage.erasures import erasures
from storage.journal import Journal
from storage.reader import JournalReader
from storage.schema import EPOCH
from tests.neckline.conftest import Home, Said
from tests.storage.forwarding import forwarding
from tests.storage.records import ANNA, BERT, second
from tests.storage.servers import OwnServer, free_port

Neckline = Callable[..., Said]


@pytest.fixture
def stored(home: Home) -> Home:
    """Give a home whose journal holds ten seconds of two wearers; the first is the configuration's own."""
    home.set()
    with Journal.open(home.journal, "a test") as journal:
        journal.commit([second(k, stream) for k in range(10) for stream in (ANNA, BERT)])
    return home


def test_without_yes_it_only_says_what_there_is(neckline: Neckline, stored: Home) -> None:
    """Nothing is deleted, and the exit code is that of a command that was not meant."""
    said = neckline("erase", ANNA.wearer)
    assert said.code == Exit.USAGE
    assert f"10 rows of {ANNA.wearer}" in said.err
    assert "--yes" in said.err
    with JournalReader.open(stored.journal) as reader:
        assert reader.streams() == [BERT, ANNA]
    assert erasures(stored.journal) == []


def test_erased_is_erased_and_the_receipt_says_so(neckline: Neckline, stored: Home) -> None:
    """The rows are gone, the other wearer's stay, the receipt counts; a second time there is nothing left to do."""
    receipt = json.loads(neckline("erase", ANNA.wearer, "--yes", "--json").out)
    assert (receipt["wearer"], receipt["rows"], receipt["influxdb"]) == (ANNA.wearer, 10, "")
    assert erasures(stored.journal)[-1].rows == 10
    with JournalReader.open(stored.journal) as reader:
        assert reader.streams() == [BERT]
        assert reader.count(EPOCH) == 10
    again = neckline("erase", ANNA.wearer, "--yes")
    assert again.code == Exit.OK
    assert "0 rows" in again.out


def test_who_was_erased_is_not_stored_again(neckline: Neckline, stored: Home) -> None:
    """A command that would store something of them ends with the way out: a new pseudonym."""
    assert neckline("erase", ANNA.wearer, "--yes").code == Exit.OK
    said = neckline("snooze", "30m")
    assert said.code == Exit.CONFIG
    assert "new pseudonym" in said.err


def test_a_run_does_not_begin_for_who_was_erased(neckline: Neckline, stored: Home) -> None:
    """It ends at once with the way out, before it has listened to a clip."""
    with Journal.open(stored.journal, "a test") as journal:
        journal.erase(WEARER_ID, 1)
    said = neckline("run", "--simulated", "--plain", "--journal", stored.journal)
    assert said.code == Exit.CONFIG
    assert f"{WEARER_ID} was erased" in said.err


def test_a_pseudonym_that_nobody_has_is_told(neckline: Neckline, stored: Home) -> None:
    """A typing error deletes nothing, and is no tombstone."""
    assert neckline("erase", "w-nobody", "--yes").code == Exit.NOTHING
    assert neckline("erase", "../w", "--yes").code == Exit.USAGE
    assert erasures(stored.journal) == []


def test_a_running_neckline_is_to_be_stopped_first(neckline: Neckline, stored: Home) -> None:
    """The journal has one owner, who is named."""
    with Journal.open(stored.journal, "neckline run"):
        said = neckline("erase", ANNA.wearer, "--yes")
    assert said.code == Exit.BUSY
    assert "neckline run" in said.err


def test_influxdb_that_is_away_is_told_and_done_the_next_time(neckline: Neckline, stored: Home) -> None:
    """The journal is done at once, the receipt says what is not, and the exit code, too."""
    stored.set(influxdb={"url": f"http://127.0.0.1:{free_port()}", "bucket": "b"})
    said = neckline("erase", ANNA.wearer, "--yes")
    assert said.code == Exit.INFLUXDB
    assert "cannot be reached" in said.err
    last = erasures(stored.journal)[-1]
    assert (last.rows, last.influxdb.partition(":")[0]) == (10, "not deleted")


@pytest.mark.influxdb
def test_influxdb_is_erased_too(neckline: Neckline, stored: Home, own: OwnServer) -> None:
    """After it the server holds the other wearer alone."""
    from storage.influxdb import InfluxSink  # noqa: PLC0415 (40 MB that few tests need)

    with forwarding(stored.journal, InfluxSink(own.settings())):
        pass
    assert len(own.rows(EPOCH, ANNA)) == len(own.rows(EPOCH, BERT)) == 10
    stored.set(influxdb={"url": own.url, "bucket": own.bucket})
    said = neckline("erase", ANNA.wearer, "--yes")
    assert said.code == Exit.OK
    assert "InfluxDB: deleted" in said.out
    assert (len(own.rows(EPOCH, ANNA)), len(own.rows(EPOCH, BERT))) == (0, 10)
