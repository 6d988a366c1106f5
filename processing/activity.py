"""One second's facts and a short memory → what the wearer does, as far as judging posture goes.

Decided once a second, at the end of each epoch. Numbers and their sources: `processing.settings` and
docs/method.md. What is uncertain is never `still`: the order of the questions below is the order of doubt.
"""

from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from processing.outputs import Activity, Stance
from processing.settings import Settings

WALK_TO_STAND_S = 8
"""Seconds of walking after which the wearer is taken to be on their feet: longer than the window over which
movement is measured, so that steps before sitting down do not count after it."""
BREAK_S = 20
"""Moving for this long is a break from sitting still."""
MOVEMENT = frozenset({Activity.MOVING, Activity.WALKING})
STUCK_G = 1e-6
"""An axis of an accelerometer spreads more than this, or it is dead: the longest that an axis gave one and the same
value in recordings of three clips was 0.5 s, and there the clip had stopped measuring."""
STUCK_S = 3
OFF_ONE_G = 0.1
"""Resting accelerometers read 1 g within 0.015 g in recordings; one that is calibrated may be 0.05 g off."""
SKEWED_DEG = 8.0
"""Over 5 s at rest the filter's up was within 5° of the mean acceleration in recordings, but where a damaged sample had
turned it (by up to 30°) or the pose was changing. A gyroscope that is off by more than 3 °/s holds it further off …"""
SKEWED_S = 10
"""… for good: what one damaged sample did is over within 7 s."""
DOUBT_S = 60
"""What cannot be is doubted for good when it has lasted for so long."""


class Angles(NamedTuple):
    """One second's angles from one reference, in degrees: of the mean, and the range of the sagittal angle."""

    sagittal_deg: float
    lateral_deg: float
    tilt_deg: float
    low_deg: float
    high_deg: float


class Facts(NamedTuple):
    """What is known of one second; a tuple, since one is made every second of every wearer."""

    received: int
    complete: bool
    """Enough samples were received."""
    least_g: float
    """SD of the acceleration over the last 5 s along the axis that moved least …"""
    most_g: float
    """… and along the one that moved most."""
    most_turn_degps: float
    """The same for the rotation about each axis, the greatest …"""
    turn_degps: float
    """… and of all three together."""
    motion_g: float
    """SD of |a| over the last 5 s."""
    gravity_g: float
    """Mean of |a| over the last 5 s."""
    jerk_g: float
    """Greatest |a| − 1 g."""
    skew_deg: float
    """How far the filter's up is from the acceleration, means over the last 5 s; 0 without a gyroscope."""
    angles: tuple[Angles, ...]
    """From each of `Settings.references`; of no meaning without samples."""
    regularity: float = 0.0
    """How well steps repeat, 0–1; 0 when not moving."""
    cadence_hz: float = 0.0


@dataclass(slots=True)
class GateState:
    """The gate's memory. A call of `step` works on a copy of its own."""

    moving: bool = False
    last_sagittal_deg: float | None = None
    settling_s: int = 0
    """Seconds still to wait after a transition."""
    shaken_s: int = 0
    """Seconds of light shaking in a row."""
    quiet_s: int = 0
    """Seconds in a row in which not even breathing was felt."""
    bent_s: int = 0
    stance: Stance = Stance.SITTING
    walked_s: int = 0
    stood_s: int = 0
    """Seconds of standing since the last step."""
    stationary_s: int = 0
    """Seconds since the last break from sitting still."""
    moved_s: int = 0
    suspect_ids: tuple[str, ...] = ()
    """The calibrations that are not trusted any more: one for each stance, at most."""
    stuck_s: int = 0
    """Seconds in a row in which an axis of the accelerometer gave one and the same value."""
    skewed_s: int = 0
    """Seconds in a row, those at rest, in which up was not where gravity shows it."""
    false_s: int = 0
    """Seconds in a row in which the clip read what cannot be."""

    def copy(self) -> "GateState":
        """Return a copy to work on."""
        return GateState(*_fields(self))


_fields = attrgetter(*GateState.__slots__)


class Verdict(NamedTuple):
    """What one second was."""

    activity: Activity
    confidence: float
    sagittal_deg: float | None = None
    lateral_deg: float | None = None


def decide(gate: GateState, facts: Facts, settings: Settings) -> Verdict:
    """Decide one second's activity and keep `gate` up to date."""
    if not facts.complete:
        gate.last_sagittal_deg, gate.settling_s, gate.shaken_s, gate.quiet_s = None, 0, 0, 0
        gate.stuck_s = gate.skewed_s = gate.false_s = 0
        return Verdict(Activity.GAP, 1.0)
    angles = facts.angles[settings.reference_number(gate.stance)] if facts.angles else None
    gate.moving = facts.motion_g > (settings.moving_off_g if gate.moving else settings.moving_on_g)
    walking = gate.moving and facts.regularity >= settings.walking_regularity
    swing_deg = _swing_deg(gate, angles)
    turning = swing_deg > settings.transition_degps
    _count(gate, facts, settings)
    gate.bent_s = gate.bent_s + 1 if angles and angles.tilt_deg > settings.lying_deg else 0
    gate.stuck_s = gate.stuck_s + 1 if facts.least_g < STUCK_G else 0
    if not gate.moving:
        gate.skewed_s = gate.skewed_s + 1 if facts.skew_deg > SKEWED_DEG else 0
    gate.false_s = gate.false_s + 1 if why_false(gate, facts) else 0
    activity = _activity(gate, angles, settings, walking=walking, turning=turning)
    confidence = _confidence(activity, facts, angles, swing_deg, settings)
    gate.settling_s = settings.transition_settle_s if turning else max(0, gate.settling_s - 1)
    _follow_stance(gate, settings, walking=walking, turning=turning)
    # From the reference by which the next second is judged: from another one it would seem to swing.
    by = settings.reference_number(gate.stance)
    gate.last_sagittal_deg = facts.angles[by].sagittal_deg if facts.angles else None
    if angles is None or activity is Activity.UNCALIBRATED:
        return Verdict(activity, confidence)
    return Verdict(activity, confidence, angles.sagittal_deg, angles.lateral_deg)


def why_false(gate: GateState, facts: Facts) -> str:
    """Return why what the clip reads cannot be, or an empty string."""
    if gate.stuck_s >= STUCK_S:
        return "an axis of the clip's accelerometer stands still"
    if not gate.moving and abs(facts.gravity_g - 1) > OFF_ONE_G:
        return f"the clip's accelerometer reads {facts.gravity_g:.2f} g at rest"
    if not gate.moving and gate.skewed_s >= SKEWED_S:
        return f"the clip's gyroscope turns where nothing turns: up is {facts.skew_deg:.0f}° off at rest"
    return ""


def count_stillness(gate: GateState, activity: Activity, settings: Settings) -> bool:
    """Count how long the wearer has hardly moved; tell when it is time to prompt for a break."""
    if activity is Activity.NOT_WORN:
        gate.stationary_s = gate.moved_s = 0
        return False
    if activity in MOVEMENT:
        gate.moved_s += 1
        if gate.moved_s >= BREAK_S:
            gate.stationary_s = 0
    elif activity is not Activity.GAP:
        gate.moved_s = 0
        gate.stationary_s += 1
    if settings.break_after_s is None or gate.stationary_s < settings.break_after_s:
        return False
    gate.stationary_s = 0
    return True


def _swing_deg(gate: GateState, angles: Angles | None) -> float:
    """Return how far the sagittal angle moved within the second, or since the one before."""
    if angles is None:
        return 0.0
    within_deg = angles.high_deg - angles.low_deg
    if gate.last_sagittal_deg is None:
        return within_deg
    return max(within_deg, abs(angles.sagittal_deg - gate.last_sagittal_deg))


def _count(gate: GateState, facts: Facts, settings: Settings) -> None:
    shaken = settings.vehicle_g < facts.motion_g <= settings.moving_on_g
    gate.shaken_s = gate.shaken_s + 1 if shaken and facts.turn_degps < settings.vehicle_turn_degps else 0
    quiet = facts.most_g < settings.not_worn_acc_g and facts.most_turn_degps < settings.not_worn_turn_degps
    gate.quiet_s = gate.quiet_s + 1 if quiet else 0


def _activity(
    gate: GateState, angles: Angles | None, settings: Settings, *, walking: bool, turning: bool
) -> Activity:
    if gate.quiet_s >= settings.not_worn_after_s:
        return Activity.NOT_WORN
    if gate.false_s:
        return Activity.UNCALIBRATED
    if angles is not None and angles.tilt_deg > settings.lying_deg:
        forward = angles.sagittal_deg > 0 and abs(angles.lateral_deg) < settings.lying_deg / 2
        return Activity.BENDING if forward and gate.bent_s <= settings.bend_limit_s else Activity.LYING
    if gate.moving:
        return Activity.WALKING if walking else Activity.MOVING
    reference = settings.reference(gate.stance)
    if angles is None or reference is None or reference.calibration_id in gate.suspect_ids:
        return Activity.UNCALIBRATED
    if abs(angles.lateral_deg) > settings.leaning_deg:
        return Activity.LEANING
    if turning or gate.settling_s:
        return Activity.TRANSITION
    if gate.shaken_s >= settings.vehicle_after_s:
        return Activity.VEHICLE
    return Activity.STILL


def _follow_stance(gate: GateState, settings: Settings, *, walking: bool, turning: bool) -> None:
    """Guess whether the wearer sits or stands: on their feet after walking, seated after a quick swing of the trunk."""
    gate.walked_s = gate.walked_s + 1 if walking and not turning else 0
    gate.stood_s = 0 if walking else gate.stood_s + 1
    if gate.walked_s >= WALK_TO_STAND_S:
        gate.stance = Stance.STANDING
    elif gate.stance is Stance.STANDING and (turning or gate.stood_s > settings.standing_limit_s):
        gate.stance = Stance.SITTING


def _confidence(
    activity: Activity, facts: Facts, angles: Angles | None, swing_deg: float, settings: Settings
) -> float:
    """Return how far the deciding figures are from their limits, as a share of the limit, at most 1."""
    if activity is Activity.STILL and angles is not None:
        # Below each of its limits, or it would be something else.
        return 1 - max(
            facts.motion_g / settings.moving_on_g,
            angles.tilt_deg / settings.lying_deg,
            abs(angles.lateral_deg) / settings.leaning_deg,
            swing_deg / settings.transition_degps,
        )
    match activity:
        case Activity.MOVING:
            return _margin(facts.motion_g, settings.moving_on_g)
        case Activity.WALKING:
            return _margin(facts.regularity, settings.walking_regularity)
        case Activity.LYING | Activity.BENDING if angles:
            return _margin(angles.tilt_deg, settings.lying_deg)
        case Activity.LEANING if angles:
            return _margin(angles.lateral_deg, settings.leaning_deg)
        case Activity.VEHICLE:
            # No detector of vehicles has been verified: never more than a guess.
            return 0.5
        case _:
            return 1.0


def _margin(value: float, limit: float) -> float:
    return min(1.0, abs(abs(value) / limit - 1))
