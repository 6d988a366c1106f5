"""Where to look back: the journal, or the InfluxDB that it feeds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neckline.configuration.config import Config
from neckline.errors import NoInfluxdbError
from storage.history import History
from storage.reader import JournalReader


@contextmanager
def history_of(config: Config, journal_path: Path, *, from_influxdb: bool) -> Iterator[History]:
    """Give what is stored. Raises JournalError; NoInfluxdbError where none is configured, InfluxError."""
    if not from_influxdb:
        with JournalReader.open(journal_path) as reader:
            yield reader
        return
    settings = config.influxdb_settings()
    if settings is None:
        raise NoInfluxdbError
    from storage.influx_history import InfluxHistory  # noqa: PLC0415 (its client takes a while to import)

    with InfluxHistory(settings) as history:
        yield history
