"""What a person tunes of the detector, with the source of each default.

Sources: [P..] and [J] are those of docs/method.md; angles in degrees, times in seconds.
"""

from dataclasses import dataclass

from processing.calibration import Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything `step` needs beside the samples. Changing it between two calls is allowed."""

    calibration: Calibration | None = None
    """None: angles cannot be told, every epoch is `uncalibrated`."""
    threshold_deg: float | None = None
    """Enter `slouched` above this; None takes the calibration's personal threshold."""
    hysteresis_deg: float = 4.0
    """Leave `slouched` below threshold − hysteresis."""
    hold_s: float = 60.0
    """A slouch held this long is sustained: an episode, and an alert."""
    dip_s: float = 3.0
    """Sitting up for less than this does not restart the hold."""
    recovery_s: float = 10.0
    """Sitting up for this long ends an episode; its end is stamped when the wearer sat up."""
    unknown_tolerance_s: float = 5.0
    """Unknown time freezes the hold for this long, then ends the slouch as censored."""
    refractory_s: float = 120.0
    """No second alert sooner than this after the last."""
    reminder_s: float | None = None
    """Alert again when one episode goes on for this long after its last alert; None: never."""
    snoozed_until_ns: int | None = None
    """No alerts before this sample time; everything else goes on."""
    moving_on_g: float = 0.05
    """Moving when the 5-s standard deviation of |a| exceeds this."""
    moving_off_g: float = 0.04
    """Still again below this."""
    lying_deg: float = 60.0
    """Tilted further than this from the upright pose: lying or a deep bend, not judged."""
    transition_degps: float = 20.0
    """Tilting faster than this (over one second): a transition."""
    transition_settle_s: int = 3
    """Seconds after a transition that are not judged either."""
    min_received: float = 0.5
    """An epoch with a smaller part of its samples received is a gap."""
    session_break_s: float = 900.0
    """A gap up to this long is told second by second; a longer one is a break between two sessions."""

    @property
    def on_deg(self) -> float | None:
        """The threshold in force; None without a calibration."""
        if self.calibration is None or self.threshold_deg is not None:
            return None if self.calibration is None else self.threshold_deg
        return self.calibration.threshold_deg
