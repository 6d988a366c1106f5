"""The benchmark of exposure runs, on a wearer who is one, and its intervals are the product's."""

from benchmarks import exposure
from processing.exposure.balance import balance


def test_the_generated_wearer_wears_it_day_and_night() -> None:
    """Each second is there, most are judged, alerts lie within."""
    columns, alerts_ns = exposure.wearer(1)
    found = balance(columns)
    assert found.seconds == len(columns) == exposure.DAY_S
    assert 0.6 < found.judged_s / found.seconds < 0.8
    assert found.judged_s == found.upright_s + found.slouched_s
    assert columns.start_ns[0] <= alerts_ns[0] <= alerts_ns[-1] <= columns.start_ns[-1]


def test_it_measures() -> None:
    """A day takes some time; of a few periods neckline's interval holds zero in no fewer than the plain one."""
    assert exposure.month_s(1) > 0
    found = exposure.coverage(3, 60)
    assert found["own"] >= found["plain"]
