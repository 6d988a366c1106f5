"""The heart: `step(state, block, settings) → (state, outputs)`, one pure function for live, replay and batch.

However the same samples are cut into blocks, and wherever the state is saved and restored between, the outputs
are the same: decisions are taken per sample or per whole second, never per block.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from processing.activity import Features, classify
from processing.epochs import SECOND_NS, OpenEpoch, roll_up
from processing.grid import GoodRows, GridState, newer_rows, steps, stretches, take_block
from processing.inclination import inclination_deg
from processing.orientation import OrientationState, forget_orientation, track_up
from processing.outputs import Activity, Episode, Epoch, Event, Minute, Outputs, Posture
from processing.settings import Settings
from processing.slouch import JUDGED_SLOUCHED, Found, advance, close, count_epoch, miss
from processing.state import WearerState
from sensor.samples import STANDARD_GRAVITY_MPS2, SampleBlock


def step(state: WearerState, block: SampleBlock, settings: Settings) -> tuple[WearerState, Outputs]:
    """Take the next block of one wearer's clip; return the new state and what was found."""
    if not len(block):
        return state, Outputs()
    steps_ns = steps(state.grid, block.time_ns)
    if steps_ns.min() <= 0:
        block = newer_rows(state.grid, block)
        if not len(block):
            return state, Outputs()
        steps_ns = steps(state.grid, block.time_ns)
    work = _Work(state, settings)
    begin = 0
    for cut in np.flatnonzero(steps_ns > settings.session_break_s * SECOND_NS).tolist():
        if cut:
            work.take(block[begin:cut], steps_ns[begin:cut])
        work.end_session()
        begin, steps_ns[cut] = cut, 1
    work.take(block[begin:], steps_ns[begin:])
    return work.state(), work.outputs()


def finish(state: WearerState, settings: Settings) -> tuple[WearerState, Outputs]:
    """Close what is open, at the end of a recording or at a clean stop; an open episode ends as censored."""
    work = _Work(state, settings)
    work.end_session()
    return work.state(), work.outputs()


class _Work:
    """One call's work: the state's parts while they change, and the outputs so far."""

    def __init__(self, state: WearerState, settings: Settings) -> None:
        self.settings = settings
        self.grid, self.orientation = state.grid, state.orientation
        self.epoch, self.minute = state.epoch, state.minute
        self.gate, self.slouch = state.gate, state.slouch
        self.activity, self.posture = state.activity, state.posture
        self.epochs: list[Epoch] = []
        self.minutes: list[Minute] = []
        self.episodes: list[Episode] = []
        self.events: list[Event] = []

    def state(self) -> WearerState:
        return WearerState(
            grid=self.grid,
            orientation=self.orientation,
            epoch=self.epoch,
            minute=self.minute,
            gate=self.gate,
            slouch=self.slouch,
            activity=self.activity,
            posture=self.posture,
        )

    def outputs(self) -> Outputs:
        return Outputs(tuple(self.epochs), tuple(self.minutes), tuple(self.episodes), tuple(self.events))

    def take(self, block: SampleBlock, steps_ns: NDArray[np.int64]) -> None:
        """Take rows with no break of session among them."""
        before = self.grid
        self.grid, good = take_block(before, block, steps_ns)
        self.orientation, features = _features(self.orientation, before, good, block.rate_hz, self.settings)
        epoch = self.epoch or OpenEpoch(good.first_ns // SECOND_NS)
        later_seconds = self.grid.last_ns // SECOND_NS - epoch.second
        edges_ns = np.arange(epoch.second + 1, epoch.second + later_seconds + 1) * SECOND_NS
        rows, corrupt, missing = (
            [0, *np.searchsorted(times, edges_ns).tolist(), len(times)] if later_seconds else [0, len(times)]
            for times in (good.time_ns, good.corrupt_ns, good.missing_ns)
        )
        for k in range(later_seconds + 1):
            if k:
                self.close_epoch(epoch, block.rate_hz)
                epoch = OpenEpoch(epoch.second + 1)
            part = slice(rows[k], rows[k + 1])
            epoch = epoch.add(
                Features(features.magnitude_g[part], features.angles_deg[part]),
                missing=missing[k + 1] - missing[k],
                corrupt=corrupt[k + 1] - corrupt[k],
            )
            self.advance(good.time_ns[part], features.angles_deg[part, 0])
        self.epoch = epoch

    def advance(self, time_ns: NDArray[np.int64], sagittal_deg: NDArray[np.float64]) -> None:
        """Let the slouch machine see rows of one second."""
        judged = self.activity is Activity.STILL
        self.slouch, found = advance(
            self.slouch, time_ns, sagittal_deg, judged=judged, settings=self.settings
        )
        self.sort_out(found)

    def close_epoch(self, opened: OpenEpoch, rate_hz: float) -> None:
        """Decide the second that is over, and roll it up."""
        received = opened.received
        judged_live = self.activity is Activity.STILL
        complete = received >= max(1.0, self.settings.min_received * rate_hz)
        self.gate, second = classify(
            self.gate, opened.all_features(), complete=complete, settings=self.settings
        )
        if not received:
            self.slouch, found = miss(self.slouch, (opened.second + 1) * SECOND_NS, self.settings)
            self.sort_out(found)
        self.activity, self.posture = second.activity, Posture.UNKNOWN
        if second.activity is Activity.STILL and second.sagittal_deg is not None:
            slouched = self.slouch.phase in JUDGED_SLOUCHED
            if slouched:
                self.slouch = count_epoch(self.slouch, second.sagittal_deg)
            if not judged_live:
                # The machine waited for this verdict; hysteresis begins with the next second.
                slouched = second.sagittal_deg > (self.settings.on_deg or 0.0)
            self.posture = Posture.SLOUCHED if slouched else Posture.UPRIGHT
        epoch = Epoch(
            start_ns=opened.second * SECOND_NS,
            received=received,
            missing=opened.missing,
            corrupt=opened.corrupt,
            activity=self.activity,
            posture=self.posture,
            sagittal_deg=second.sagittal_deg,
            lateral_deg=second.lateral_deg,
            motion_g=second.motion_g,
        )
        self.epochs.append(epoch)
        self.minute, closed = roll_up(self.minute, epoch)
        if closed is not None:
            self.minutes.append(closed)

    def end_session(self) -> None:
        """Close all that is open; what follows begins anew, with the gyroscope's bias kept."""
        if self.epoch is not None and self.grid is not None:
            self.close_epoch(self.epoch, self.orientation.rate_hz if self.orientation else 1.0)
        self.slouch, found = close(self.slouch, self.settings)
        self.sort_out(found)
        if self.minute is not None:
            self.minutes.append(self.minute.close())
        fresh = WearerState()
        self.grid, self.epoch, self.minute, self.gate = fresh.grid, fresh.epoch, fresh.minute, fresh.gate
        self.activity, self.posture = fresh.activity, fresh.posture
        self.orientation = self.orientation and forget_orientation(self.orientation)

    def sort_out(self, found: Iterable[Found]) -> None:
        for item in found:
            if isinstance(item, Episode):
                self.episodes.append(item)
            else:
                self.events.append(item)


def _features(
    orientation: OrientationState | None,
    before: GridState | None,
    good: GoodRows,
    rate_hz: float,
    settings: Settings,
) -> tuple[OrientationState | None, Features]:
    """Run the orientation filter over the good samples; return its state and their features."""
    parts = [np.empty((0, 3))]
    for stretch in stretches(before, good, rate_hz):
        if stretch.anew and orientation is not None:
            orientation = forget_orientation(orientation)
        orientation, up_sensor = track_up(orientation, stretch.acc_mps2, stretch.gyr_radps, rate_hz)
        parts.append(up_sensor[stretch.rows])
    up_sensor = parts[-1] if len(parts) <= 2 else np.concatenate(parts)
    if settings.calibration is None:
        angles_deg = np.full((len(up_sensor), 3), np.nan)
    else:
        angles_deg = inclination_deg(up_sensor, settings.calibration)
    size_mps2 = np.sqrt(np.square(good.acc_mps2).sum(axis=1))
    return orientation, Features(size_mps2 / STANDARD_GRAVITY_MPS2 - 1.0, angles_deg)
