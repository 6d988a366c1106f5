"""What a person tunes of the detector, with the source of each default.

Angles in degrees, times in seconds. The reasons and sources stand in docs/method.md.
"""

from dataclasses import dataclass
from enum import StrEnum

from processing.calibration import Calibration
from processing.outputs import Stance


class Mode(StrEnum):
    """What the wearer is told; everything is judged and recorded in each of them."""

    COACH = "coach"
    """Alerts, breaks, and notices that keep the record good: a low battery, a clip that has moved."""
    TRACK = "track"
    """Those notices alone."""
    OFF = "off"
    """Nothing at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything `step` needs beside the samples. Changing it between two calls is allowed."""

    calibration: Calibration | None = None
    """The sitting reference. None: angles cannot be told, every quiet epoch is `uncalibrated`."""
    standing: Calibration | None = None
    """The standing reference. None: standing is not judged."""

    judges_posture: bool = True
    """False for a clip on the head: its angle alone says nothing of the back. Posture is unknown then, and that the clip
    has slipped is seen by a head's limits."""

    threshold_deg: float | None = None
    """Enter `slouched` above this; None takes the calibration's personal threshold."""
    hysteresis_deg: float = 4.0
    """Leave `slouched` below threshold − hysteresis."""
    head_threshold_deg: float = 20.0
    """With a second clip, on the head: forward when it is bent further than this on the upper back. The neck's last band
    in RULA begins here; ISO 11226 accepts no neck flexion beyond 25°."""
    hold_s: float = 60.0
    """A slouch held this long is sustained: an episode, and an alert."""
    dip_s: float = 3.0
    """Sitting up for less than this does not restart the hold."""
    recovery_s: float = 10.0
    """Sitting up for this long ends an episode; its end is stamped when the wearer sat up."""
    unknown_tolerance_s: float = 8.0
    """Unknown time freezes the hold for this long, then ends the slouch as censored. A quick change of posture is a
    transition of up to two seconds, three to settle and one to be sure: it must fit in."""

    mode: Mode = Mode.COACH
    refractory_s: float = 120.0
    """No second alert sooner than this after the last."""
    alerts_per_hour: int = 6
    """No more alerts than this in any hour."""
    reminder_s: float | None = None
    """Alert again when one episode goes on for this long after its last alert; None: never."""
    snoozed_until_ns: int | None = None
    """No alerts before this sample time; everything else goes on."""
    told_beside_ns: tuple[int, ...] = ()
    """When the wearer was alerted to what another detector found, in order: the same silence follows. It is heard of
    `slouch.HEARD_NS` late."""
    alert_windows_ns: tuple[tuple[int, int], ...] | None = None
    """Alerts only within these spans of sample time, in order; None: always."""
    break_after_s: float | None = 2700.0
    """Prompt for a break after this long with hardly any movement; None: never."""
    fading: bool = False
    """Give fewer of the alerts that fall due, down to one of three, as slouching becomes less from week to week; all
    again when it becomes more."""

    moving_on_g: float = 0.05
    """Moving when the 5-s standard deviation of |a| exceeds this."""
    moving_off_g: float = 0.04
    """Still again below this."""
    walking_regularity: float = 0.4
    """Walking when |a| repeats itself this well at a step's distance (autocorrelation, 0.4–0.72 s)."""
    vehicle_g: float = 0.012
    """Shaken more than a sitting person (up to 0.009 g), less than a moving one: a vehicle, if …"""
    vehicle_turn_degps: float = 8.0
    """… the clip turns less than this (RMS) …"""
    vehicle_after_s: int = 20
    """… for this long."""
    lying_deg: float = 60.0
    """Tilted further than this from the upright pose: lying, or a deep bend forward."""
    bend_limit_s: int = 60
    """A deep bend forward that lasts longer is lying."""
    leaning_deg: float = 15.0
    """Leaning to a side further than this is not judged."""
    transition_degps: float = 20.0
    """Tilting faster than this (over one second): a transition."""
    transition_settle_s: int = 3
    """Seconds after a transition that are not judged either."""
    not_worn_acc_g: float = 0.003
    """Not worn when each axis' 5-s standard deviation stays below this …"""
    not_worn_turn_degps: float = 0.2
    """… and below this …"""
    not_worn_after_s: int = 600
    """… for this long without a break: breathing alone moves a worn clip more."""
    standing_limit_s: int = 600
    """Standing still for longer than this is taken for sitting that was missed."""
    # What a stall of 0.4 s and a tenth lost in packets leave of a second still tells where the back is.
    min_received: float = 0.25
    """An epoch with a smaller part of its samples received is a gap."""
    session_break_s: float = 900.0
    """A gap up to this long is told second by second; a longer one is a break between two sessions."""

    patience_s: float = 1.0
    """What is not urgent may wait for this long, in whole seconds: a gateway of many wearers spends less, the longer it
    may. Outputs are the same and come later; alerts do not."""

    def reference(self, stance: Stance) -> Calibration | None:
        """Return the reference that applies, if there is one."""
        return self.standing if stance is Stance.STANDING else self.calibration

    @property
    def references(self) -> tuple[Calibration, ...]:
        """Return the references that there are, sitting before standing."""
        return tuple(filter(None, (self.calibration, self.standing)))

    def reference_number(self, stance: Stance) -> int:
        """Return which of `references` serves for a stance: its own, or the only one there is."""
        return int(stance is Stance.STANDING and self.calibration is not None and self.standing is not None)

    def on_deg(self, stance: Stance = Stance.SITTING) -> float | None:
        """Return the threshold in force; None without a reference."""
        reference = self.reference(stance)
        if reference is None or self.threshold_deg is not None:
            return None if reference is None else self.threshold_deg
        return reference.threshold_deg
