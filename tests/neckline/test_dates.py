"""Dates as a person writes them, through the changes of the clock."""

import pytest

from neckline.commands.dates import period_ns
from tests.neckline.test_data_commands import zone

__all__ = ["zone"]


@pytest.mark.parametrize("zone", ["Europe/Berlin"], indirect=True)
@pytest.mark.usefixtures("zone")
def test_a_day_ends_at_midnight_by_the_clock() -> None:
    """The day on which clocks go forward has 23 hours."""
    since_ns, until_ns = period_ns("2026-03-29", "2026-03-29")
    assert since_ns is not None
    assert until_ns is not None
    assert (until_ns - since_ns) / 3600e9 == 23
    assert period_ns(None, "2026-03-29T09:30") == (None, since_ns + 8.5 * 3600e9)
    assert period_ns(None, None) == (None, None)
