"""Shared by the tests of the journal: records of every kind, plain ones and any that a clip could ever give."""

from typing import Any

from hypothesis import strategies as st

from processing.calibration import Calibration
from processing.outputs import (
    Activity,
    Episode,
    EpisodeEnd,
    Epoch,
    Event,
    EventKind,
    Evidence,
    Minute,
    Posture,
    Stance,
)
from processing.quality import CalibrationQuality
from sensor.samples import BatteryReading
from storage.entries import Batch, Stream
from storage.schema import ServiceHealth, StanceCalibration

SECOND_NS = 1_000_000_000
START_NS = 1_760_000_000 * SECOND_NS
ANNA = Stream("w-7f3a9c21", "t4")
BERT = Stream("w-00c0ffee", "c7")


def epoch(k: int, activity: Activity = Activity.STILL) -> Epoch:
    """Return the epoch of second k, unlike that of every other second."""
    return Epoch(
        start_ns=START_NS + k * SECOND_NS,
        received=50,
        missing=k % 3,
        corrupt=0,
        activity=activity,
        posture=Posture.UPRIGHT if activity is Activity.STILL else Posture.UNKNOWN,
        sagittal_deg=k / 7,
        lateral_deg=-k / 11,
        motion_g=None if k % 5 == 0 else 0.01,
        confidence=0.9,
    )


def minute(k: int) -> Minute:
    """Return the minute k."""
    activity_s = ((Activity.STILL, 50), (Activity.WALKING, 10))
    return Minute(START_NS + 60 * k * SECOND_NS, 3000, 0, 0, activity_s, 40, 10, 10, k / 13, k / 17)


def episode(k: int) -> Episode:
    """Return an episode that begins with second k."""
    onset_ns = START_NS + k * SECOND_NS
    return Episode(onset_ns, onset_ns + 90 * SECOND_NS, EpisodeEnd.SEEN, k / 19, k / 23, 1, f"c-{k}")


def event(k: int, kind: EventKind = EventKind.SLOUCH_STARTED) -> Event:
    """Return an event of second k."""
    return Event(START_NS + k * SECOND_NS, kind, onset_ns=START_NS, value=k / 3, note=f"note {k}")


def battery(k: int) -> BatteryReading:
    """Return a battery reading of second k."""
    return BatteryReading(START_NS + k * SECOND_NS, k / 29, k / 31)


def calibration(k: int, stance: Stance = Stance.SITTING) -> StanceCalibration:
    """Return a calibration of second k."""
    captured = Calibration(
        calibration_id=f"c-{k}",
        captured_ns=START_NS + k * SECOND_NS,
        up_sensor=(k / 37, k / 41, k / 43),
        forward_sensor=(k / 47, k / 53, k / 59),
        threshold_deg=k / 61,
        slump_deg=None if k % 2 else k / 67,
    )
    quality = CalibrationQuality(k / 71, k / 73, None, k / 79, k / 83, captured.slump_deg, k / 89)
    return StanceCalibration(stance, captured, quality if k % 3 else None)


def health(k: int) -> ServiceHealth:
    """Return how the service fared in second k."""
    return ServiceHealth(
        START_NS + k * SECOND_NS, "streaming", k / 71, k % 2, k / 79, k, 0, 10 * k, k / 73, k % 3
    )


def one_of_each(k: int) -> tuple[Any, ...]:
    """Return a record of every kind."""
    return epoch(k), minute(k), episode(k), event(k), battery(k), calibration(k), health(k)


def second(k: int, stream: Stream = ANNA) -> Batch:
    """Return what one second gives: an epoch and the state after it."""
    return Batch(stream, (epoch(k),), state_after(k))


def state_after(k: int) -> bytes:
    """Return a state as large as the real one, unlike that of every other second."""
    return f"state {k};".encode() * 1500


def is_minus_zero(value: float) -> bool:
    """Tell the one float that SQLite does not keep: its sign."""
    return value == 0.0 and str(value).startswith("-")


# ---- anything that fits the types ----------------------------------------------------------------------------------

int64 = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False).filter(lambda value: not is_minus_zero(value))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
maybe_int64, maybe_floats = st.none() | int64, st.none() | floats
triples = st.tuples(floats, floats, floats)

epochs = st.builds(
    Epoch,
    start_ns=int64,
    received=int64,
    missing=int64,
    corrupt=int64,
    activity=st.sampled_from(Activity),
    posture=st.sampled_from(Posture),
    sagittal_deg=maybe_floats,
    lateral_deg=maybe_floats,
    motion_g=maybe_floats,
    confidence=floats,
    cadence_hz=maybe_floats,
)
minutes = st.builds(
    Minute,
    start_ns=int64,
    received=int64,
    missing=int64,
    corrupt=int64,
    activity_s=st.lists(st.integers(0, 60), min_size=len(Activity), max_size=len(Activity)).map(
        lambda seconds: tuple((activity, n) for activity, n in zip(Activity, seconds, strict=True) if n)
    ),
    upright_s=int64,
    slouched_s=int64,
    unknown_s=int64,
    sagittal_mean_deg=maybe_floats,
    sagittal_max_deg=maybe_floats,
)
episodes = st.builds(
    Episode,
    onset_ns=int64,
    end_ns=int64,
    end=st.sampled_from(EpisodeEnd),
    peak_deg=floats,
    mean_deg=floats,
    alerts=int64,
    calibration_id=texts,
)
events = st.builds(
    Event,
    time_ns=int64,
    kind=st.sampled_from(EventKind),
    onset_ns=maybe_int64,
    end_ns=maybe_int64,
    value=maybe_floats,
    note=texts,
    evidence=st.none()
    | st.builds(
        Evidence,
        threshold_deg=floats,
        hold_s=floats,
        mean_deg=floats,
        peak_deg=floats,
        judged_s=int64,
        unknown_s=floats,
        received=floats,
        stance=st.sampled_from(Stance),
        calibration_id=texts,
        calibration_age_s=floats,
        told=int64,
        due=int64,
    ),
)
batteries = st.builds(BatteryReading, time_ns=int64, percent=floats, volts=maybe_floats)
calibrations = st.builds(
    StanceCalibration,
    st.sampled_from(Stance),
    st.builds(
        Calibration,
        calibration_id=texts,
        captured_ns=int64,
        up_sensor=triples,
        forward_sensor=triples,
        threshold_deg=floats,
        slump_deg=maybe_floats,
    ),
    st.none()
    | st.builds(
        CalibrationQuality,
        received=floats,
        shake_g=floats,
        turn_degps=maybe_floats,
        off_one_g=floats,
        drift_deg=floats,
        separation_deg=maybe_floats,
        expected_error_deg=floats,
    ),
)
healths = st.builds(
    ServiceHealth,
    time_ns=int64,
    link=texts,
    silent_s=maybe_floats,
    doubted=maybe_int64,
    charge_percent=maybe_floats,
    pending_rows=int64,
    dropped_epochs=int64,
    backlog_rows=maybe_int64,
    backlog_s=maybe_floats,
    dead_letters=maybe_int64,
)
streams = st.builds(
    Stream,
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", fullmatch=True),
    st.sampled_from(["t4", "c7", "chest", "head"]),
)
records: st.SearchStrategy[Any] = st.one_of(
    epochs, minutes, episodes, events, batteries, calibrations, healths
)
